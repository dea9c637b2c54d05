"""PyTorch's side of the comparison: measures named rows and prints a JSON line for each, as main.rs does.

    python3 benches/peers/torch_rows.py W1/sum/128 --variant best --threads 2

Variants: `best` is channels-last and eager, `compiled` is channels-last through torch.compile (frozen where a row is
inference), `installed` is the default layout and eager. All are float32. The allocator is chosen by run.py, which preloads
tcmalloc for the first two. Whoever needs the names alone (--list) needs no torch.
"""

import argparse
import json
import resource
import sys
import time

WARM_UP = 3  # calls before the first that counts
CONVOLUTIONS = [  # channels, filters, height and width, kernel, padding
    (3, 16, 32, 3, 1), (16, 16, 32, 3, 1), (32, 32, 16, 3, 1), (64, 64, 8, 3, 1), (64, 64, 32, 3, 1),
    (128, 128, 16, 3, 1), (256, 256, 8, 3, 1), (64, 256, 8, 1, 0), (32, 32, 32, 5, 2), (8, 8, 32, 3, 1),
]
SHAPE = (128, 16, 32, 32)
EPSILON = 1e-4
OPERATIONS = ["batch_norm", "relu", "max_pool2d-2x2", "max_pool2d-3x3s2", "sort_root_fusion"]
PASSES = ["forward", "gradient-of-input", "gradient-of-weights"]


class Row:
    """A row: what its value counts, how much of that a call does, and how a call is made ready."""

    def __init__(self, unit, amount, prepare):
        self.unit, self.amount, self.prepare = unit, amount, prepare

    def value(self, seconds):
        return {
            "images/s": self.amount / seconds,
            "GFLOP/s": self.amount / seconds / 1e9,
            "ns/element": seconds * 1e9 / self.amount,
            "ms": seconds * 1e3 / self.amount,
        }[self.unit]


def rows():
    """Every row by its name."""
    found = {
        "W1/sum/128": Row("images/s", 128, lambda side: side.training(side.resnet20(), 128)),
        "W1/sum/32": Row("images/s", 32, lambda side: side.training(side.resnet20(), 32)),
        "W1/sort-root/128": Row("images/s", 128, lambda side: side.training(side.resnet20(sort=True), 128)),
        "W2/128": Row("images/s", 128, lambda side: side.inference(128)),
        "W2/1": Row("ms", 1, lambda side: side.inference(1)),
    }
    for shape in CONVOLUTIONS:
        c, k, size, kernel, padding = shape
        operations = 2 * 128 * k * (size + 2 * padding - kernel + 1) ** 2 * c * kernel**2
        for what in PASSES:
            prepare = lambda side, shape=shape, what=what: side.convolution(shape, what)
            found[f"W3/{c}-{k}-{size}-{kernel}/{what}"] = Row("GFLOP/s", operations, prepare)
    elements = SHAPE[0] * SHAPE[1] * SHAPE[2] * SHAPE[3]
    for name in OPERATIONS:
        found[f"W4/{name}"] = Row("ns/element", elements, lambda side, name=name: side.both_ways(name))
    found["W6/128"] = Row("images/s", 128, lambda side: side.training(side.all_ones(), 128))
    return found


def make_side(torch, variant):
    """The networks and operations, of a torch that has been imported."""
    import torch.nn as nn
    import torch.nn.functional as F

    layout = torch.contiguous_format if variant == "installed" else torch.channels_last

    def compiled(function):
        return torch.compile(function, dynamic=False) if variant == "compiled" else function

    def noise(*shape):
        x = torch.randn(*shape)
        return x.contiguous(memory_format=layout) if x.dim() == 4 else x

    def join(x, f, sort):
        return x + f + torch.sqrt(F.relu(x) * F.relu(f) + EPSILON) if sort else x + f

    class ConvBn(nn.Sequential):
        def __init__(self, channels, filters, kernel=3, stride=1):
            conv = nn.Conv2d(channels, filters, kernel, stride, kernel // 2, bias=False)
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            super().__init__(conv, nn.BatchNorm2d(filters))

    class Block(nn.Module):
        def __init__(self, channels, filters, stride, sort):
            super().__init__()
            self.first, self.second = ConvBn(channels, filters, 3, stride), ConvBn(filters, filters)
            self.shortcut = nn.Identity() if channels == filters else ConvBn(channels, filters, 1, stride)
            self.sort = sort

        def forward(self, x):
            f = self.second(F.relu(self.first(x), inplace=True))
            return F.relu(join(self.shortcut(x), f, self.sort), inplace=True)

    class ResNet20(nn.Module):
        def __init__(self, sort=False):
            super().__init__()
            self.stem = ConvBn(3, 16)
            places = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
            self.blocks = nn.Sequential(*(Block(*place, sort) for place in places))
            self.head = nn.Linear(64, 10)

        def forward(self, x):
            return self.head(self.blocks(F.relu(self.stem(x), inplace=True)).mean((2, 3)))

    class Stage(nn.Module):
        """Every node takes in the sum of all before it; the output node the last of them."""

        def __init__(self, channels, filters, nodes):
            super().__init__()
            self.input, self.output = ConvBn(channels, filters), ConvBn(filters, filters)
            self.nodes = nn.ModuleList(ConvBn(filters, filters) for _ in range(nodes))

        def forward(self, x):
            outputs = [F.relu(self.nodes[0](F.relu(self.input(x), inplace=True)), inplace=True)]
            for node in self.nodes[1:]:
                x = outputs[0]
                for output in outputs[1:]:
                    x = x + output
                outputs.append(F.relu(node(x), inplace=True))
            return F.max_pool2d(F.relu(self.output(outputs[-1]), inplace=True), 2)

    class AllOnes(nn.Module):
        def __init__(self):
            super().__init__()
            self.stages = nn.Sequential(Stage(3, 8, 3), Stage(8, 16, 4), Stage(16, 32, 5))
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            return self.head(self.stages(x).mean((2, 3)))

    class Side:
        """What the rows ask for: each gives a function of no arguments, which gives the seconds that count of a call."""

        resnet20, all_ones = ResNet20, AllOnes

        def training(self, network, batch):
            network = network.to(memory_format=layout).train()
            x, classes = noise(batch, 3, 32, 32), torch.arange(batch) % 10
            settings = {"lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-4, "fused": True}
            optimizer = torch.optim.SGD(network.parameters(), **settings)
            loss = compiled(lambda x, classes: F.cross_entropy(network(x), classes))

            def step():
                optimizer.zero_grad(set_to_none=True)
                loss(x, classes).backward()
                optimizer.step()

            return timed(step)

        def inference(self, batch):
            network = ResNet20().to(memory_format=layout).eval()
            x = noise(batch, 3, 32, 32)
            if variant != "compiled":
                return timed(torch.inference_mode()(lambda: network(x)))
            from torch._inductor import config

            config.freezing = True
            answer = compiled(lambda x: network(x))
            return timed(torch.no_grad()(lambda: answer(x)))

        def convolution(self, shape, what):
            c, k, size, kernel, padding = shape
            x, w = noise(128, c, size, size), noise(k, c, kernel, kernel)
            forward = torch.no_grad()(lambda: F.conv2d(x, w, None, 1, padding))
            if what == "forward":
                return timed(forward)
            dy = torch.randn_like(forward())
            wanted = [what == "gradient-of-input", what == "gradient-of-weights", False]
            rest = ([1, 1], [padding] * 2, [1, 1], False, [0, 0], 1, wanted)
            return timed(lambda: torch.ops.aten.convolution_backward(dy, x, w, None, *rest))

        def both_ways(self, name):
            x, f = noise(*SHAPE).requires_grad_(), noise(*SHAPE).requires_grad_()
            gamma, beta = torch.ones(SHAPE[1], requires_grad=True), torch.zeros(SHAPE[1], requires_grad=True)
            mean, variance = torch.zeros(SHAPE[1]), torch.ones(SHAPE[1])
            operation, inputs = {
                "batch_norm": (lambda x, f: F.batch_norm(x, mean, variance, gamma, beta, True), [x, gamma, beta]),
                "relu": (lambda x, f: F.relu(x), [x]),
                "max_pool2d-2x2": (lambda x, f: F.max_pool2d(x, 2), [x]),
                "max_pool2d-3x3s2": (lambda x, f: F.max_pool2d(x, 3, 2, 1), [x]),
                "sort_root_fusion": (lambda x, f: join(x, f, True), [x, f]),
            }[name]
            operation = compiled(operation)
            dy = torch.randn_like(operation(x, f))
            return timed(lambda: torch.autograd.grad(operation(x, f), inputs, dy))

    return Side()


def timed(work):
    """Does the work; the seconds it took."""

    def call():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return call


class Worker:
    """The row that was measured last stays ready to be measured again."""

    def __init__(self, torch, variant, threads):
        self.threads, self.rows, self.side = threads, rows(), make_side(torch, variant)
        self.name, self.call = None, None

    def measure(self, name, seconds):
        if name not in self.rows:
            raise ValueError(f"there is no row {name!r}; --list prints all")
        row = self.rows[name]
        if self.name != name:
            self.name, self.call = None, None
            self.call = row.prepare(self.side)
            for _ in range(WARM_UP):
                self.call()
            self.name = name
        start, times = time.perf_counter(), []
        while len(times) < 3 or time.perf_counter() - start < seconds:
            times.append(self.call())
        values = sorted(row.value(time) for time in times)
        low, value, high = (values[len(values) * quarter // 4] for quarter in (1, 2, 3))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"row": name, "threads": self.threads, "value": value, "unit": row.unit, "quartiles": [low, high],
                "calls": len(times), "peak_mib": peak}

    def answer(self, name, seconds):
        """The JSON line of a row; where it cannot be measured, its first line says why."""
        try:
            found = self.measure(name, seconds)
        except Exception as error:  # whatever torch raises becomes a row that says so
            print(f"{name}: {error}", file=sys.stderr)
            found = {"row": name, "error": (str(error).strip() or type(error).__name__).splitlines()[0]}
        print(json.dumps(found), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measures rows with PyTorch and prints a JSON line for each.")
    parser.add_argument("rows", nargs="*", help="names of rows, as --list prints them")
    parser.add_argument("--variant", choices=["best", "installed", "compiled"], default="best")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long to measure each row")
    parser.add_argument("--list", action="store_true", help="print every row: name, unit, amount of work of a call")
    parser.add_argument("--follow", action="store_true",
                        help="go on with rows from standard input: lines of a name and of the seconds to measure it")
    arguments = parser.parse_args()
    if arguments.list:
        for name, row in rows().items():
            print(name, row.unit, row.amount)
        return
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    worker = Worker(torch, arguments.variant, arguments.threads)
    for name in arguments.rows:
        worker.answer(name, arguments.seconds)
    for line in sys.stdin if arguments.follow else ():
        name, seconds = line.split()
        worker.answer(name, float(seconds))


if __name__ == "__main__":
    main()
