"""Measures evograd, PyTorch and Burn in turns and says how far each row is from its target.

    python3 benches/peers/run.py                          # everything: about ten minutes
    python3 benches/peers/run.py --rows W1,W6 --rounds 9 --json peers.json
    python3 benches/peers/run.py --burn                   # builds Burn's side first, which later runs find built

Needs cargo, and a Python with torch: the one that runs this, or the one that EVOGRAD_TORCH_PYTHON names.
README.md beside this file says what the rows are. The table goes to standard output as Markdown, what is going on to
standard error. Ctrl-C ends it with a table of what was measured until then.
"""

import argparse
import collections
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import torch_rows

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAUSE = 0.04  # seconds between two turns, in which the threads of the last one go to sleep
QUIET = 0.05  # the share of the processors that other programs may use


class Failure(Exception):
    """Something that the user can mend."""


# What is compared ----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Part:
    """Who measures what: `side` is `ours`, `burn` or a variant of torch_rows.py; several processes run in parallel,
    and their values are added."""

    side: str
    row: str
    threads: int = 2
    processes: int = 1


PEAK = Part("ours", "W3/peak")
SIDES = {
    "ours": "ours", "best": "PyTorch, channels-last", "compiled": "PyTorch, compiled",
    "installed": "PyTorch, as installed", "burn": "Burn",
}


@dataclasses.dataclass
class Check:
    """A ratio and its target. Ours is divided by the fastest of `rivals`; without rivals, it stands for itself."""

    name: str
    ours: Part
    rivals: list
    bound: str = ""  # "≥" or "≤", or nothing where there is no target
    goal: float = 0.0
    of: str = "value"  # or "time", or "memory"


@dataclasses.dataclass
class Block:
    """Parts that take turns. Blocks of one group follow each other in the same processes."""

    group: str
    parts: list
    checks: list
    seconds: float


def parts(side, row, **rest):
    return [Part(name, row, **rest) for name in side.split()]


def training(row, title, goals):
    """Training on two threads; `goals` are those against the best and against PyTorch as installed."""
    ours, best, installed = parts("ours best installed", row)
    checks = [Check(f"{title}, 2 threads", ours, [best, installed], "≥", goals[0])]
    if len(goals) > 1:
        checks.append(Check(f"{title}, 2 threads, as installed", ours, [installed], "≥", goals[1]))
        return Block(row, [ours, best, installed], checks, 1.5)
    checks[0].rivals = [best]
    return Block(row, [ours, best], checks, 1.5)


def resnet20():
    block = training("W1/sum/128", "ResNet-20 step, N = 128", [1.25, 2.0])
    ours, best, installed = block.parts
    sort, burn = Part("ours", "W1/sort-root/128"), Part("burn", "W1/sum/128")
    ours_alone, best_alone = parts("ours best", "W1/sum/128", threads=1)
    block.parts += [sort, ours_alone, best_alone, burn]
    block.checks += [
        Check("the same, 1 thread", ours_alone, [best_alone], "≥", 1.25),
        Check("the same, ours on 2 threads over ours on 1", ours, [ours_alone], "≥", 1.9),
        Check("peak memory, MiB", ours, [best], "≤", 0.4, of="memory"),
        Check("SORT over sum, time", sort, [ours], "≤", 1.02, of="time"),
        Check("SORT over sum, peak memory, MiB", sort, [ours], "≤", 1.0, of="memory"),
        Check("ResNet-20 training step, N = 128, beside Burn with tcmalloc", ours, [burn], "≥", 7.0),
    ]
    return block


def small_batch():
    block = training("W1/sum/32", "ResNet-20 step, N = 32", [1.25])
    ours, best = parts("ours best", "W1/sum/32", threads=1)
    block.parts += [ours, best]
    block.checks.append(Check("ResNet-20 step, N = 32, 1 thread", ours, [best], "≥", 1.25))
    block.seconds = 1.0
    return block


def individual():
    block = training("W6/128", "Genetic CNN individual, step", [1.5])
    ours, best = parts("ours best", "W6/128", threads=1, processes=2)
    installed = Part("installed", "W6/128")
    block.parts += [installed, ours, best]
    block.checks.append(Check("Genetic CNN individual, as installed", block.parts[0], [installed]))
    block.checks.append(Check("two such individuals in parallel, 1 thread each", ours, [best], "≥", 1.25))
    return block


def inference(row, title, bound, goal, seconds):
    ours, compiled, best, installed = parts("ours compiled best installed", row)
    checks = [
        Check(title, ours, [compiled, best], bound, goal),
        Check(f"{title}, as installed", ours, [installed]),
    ]
    return Block("W2", [ours, compiled, best, installed], checks, seconds)


def convolutions():
    for c, k, size, kernel, padding in torch_rows.CONVOLUTIONS:
        for what in torch_rows.PASSES:
            row = f"W3/{c}-{k}-{size}-{kernel}/{what}"
            ours, best = parts("ours best", row)
            # The shape of eight filters is the search's, and no target was set for it.
            bound, goal = ("", 0.0) if c == 8 else ("≥", 1.0 if k == 16 else 0.9)
            name = f"{c}→{k}@{size}, {kernel}×{kernel}, {what.replace('-', ' ')}"
            checks = [Check(name, ours, [best], bound, goal), Check(f"{name}, of the peak", ours, [PEAK])]
            yield Block("W3", [ours, best, PEAK], checks, 0.12)


def memory_bound():
    for name in torch_rows.OPERATIONS:
        ours, best, compiled, installed = parts("ours best compiled installed", f"W4/{name}")
        checks = [
            Check(name, ours, [best, compiled], "≤", 1.0),
            Check(f"{name}, as installed", ours, [installed]),
        ]
        if name == "sort_root_fusion":
            checks.append(Check("sort_root_fusion, ns an element", ours, [], "≤", 0.5))
        yield Block("W4", [ours, best, compiled, installed], checks, 0.3)


def blocks():
    return [
        resnet20(),
        small_batch(),
        inference("W2/128", "ResNet-20 inference, N = 128", "≥", 1.0, 0.8),
        inference("W2/1", "ResNet-20 inference, N = 1, latency", "≤", 0.8, 0.3),
        *convolutions(),
        *memory_bound(),
        individual(),
    ]


# Who measures --------------------------------------------------------------------------------------------------------


def output(*command, **rest):
    """What a command prints; nothing where it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, **rest).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def built(name, folder, *command):
    """Builds a program with cargo; its path."""
    if not shutil.which("cargo"):
        raise Failure("cargo is missing: install Rust, which builds our side of the comparison")
    command = ["cargo", *command, "--message-format", "json"]
    said = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    for line in said.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == name:
            return message["executable"]
    raise Failure(f"{shlex.join(command)} in {folder} built no program; what it said stands above")


def our_program():
    """Builds our side; the path of the program."""
    print("building our side", file=sys.stderr)
    return built("peers", ROOT, "bench", "--bench", "peers", "--no-run")


def burn_program(wanted):
    """Burn's side, built anew where it has changed; nothing where it was never built and is not wanted."""
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "burn"
    if not wanted and not (target / "release" / "burn-rows").is_file():
        return ""
    print("building Burn's side: minutes the first time", file=sys.stderr)
    try:
        return built("burn-rows", HERE / "burn", "build", "--release", "--locked", "--target-dir", str(target))
    except Failure as failure:
        if wanted:
            raise
        print(f"Burn's side is left out: {failure}", file=sys.stderr)
        return ""


def burn_version():
    """The version of Burn that its side is built with: --locked holds cargo to it."""
    return re.search(r'name = "burn"\nversion = "(.+)"', (HERE / "burn" / "Cargo.lock").read_text())[1]


def torch_python():
    """A Python that has torch, and torch's version."""
    python = os.environ.get("EVOGRAD_TORCH_PYTHON") or sys.executable or "python3"
    version = output(python, "-c", "import torch; print(torch.__version__)")
    if not version:
        raise Failure(
            f"PyTorch is missing: {python} cannot import torch; install it with `{python} -m pip install torch`, or name a "
            "Python that has it in EVOGRAD_TORCH_PYTHON"
        )
    return python, version


def tcmalloc():
    """The library that PyTorch's best rows and Burn preload; nothing where it is not installed."""
    named = os.environ.get("EVOGRAD_TCMALLOC", "")
    if named and not pathlib.Path(named).is_file():
        raise Failure(f"EVOGRAD_TCMALLOC={named}: there is no such file; name libtcmalloc_minimal.so.4 or unset it")
    known = [line.split("=> ")[-1] for line in output("ldconfig", "-p").splitlines() if "libtcmalloc" in line]
    known.sort(key=lambda path: "minimal.so" not in path)
    return named or (known[0] if known else "")


class Sides:
    """How the processes of each side are started."""

    def __init__(self, burn):
        self.python, self.torch = torch_python()
        self.tcmalloc = tcmalloc()
        self.programs = {"ours": our_program(), "burn": burn_program(burn)}

    def missing(self, part):
        """Why a part cannot be measured; nothing where it can."""
        if part.side == "burn" and not self.programs["burn"]:
            return "it is not built; --burn downloads and builds it, see README.md"
        if part.side == "burn" and not self.tcmalloc:
            return "it is measured with tcmalloc, which is not installed, see README.md"
        return ""

    def command(self, part):
        rest = ["--threads", str(part.threads), "--follow"]
        if part.side in self.programs:
            return [self.programs[part.side], *rest]
        return [self.python, str(HERE / "torch_rows.py"), "--variant", part.side, *rest]

    def environment(self, part):
        threads = {"OMP_NUM_THREADS": str(part.threads), "MKL_NUM_THREADS": str(part.threads)}
        preload = self.tcmalloc if part.side in ("best", "compiled", "burn") else ""
        return {**os.environ, **threads, **({"LD_PRELOAD": preload} if preload else {})}


class Process:
    """A process of one side, which measures a row when asked."""

    def __init__(self, sides, part):
        self.errors = tempfile.TemporaryFile("w+")
        self.child = subprocess.Popen(
            sides.command(part), env=sides.environment(part), text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True,
        )

    def ask(self, row, seconds):
        try:
            print(row, seconds, file=self.child.stdin, flush=True)
        except BrokenPipeError:
            pass  # its answer, which is none, will say so

    def answer(self):
        line = self.child.stdout.readline()
        if line:
            return json.loads(line)
        self.child.wait()
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines() or ["it said nothing"]
        return {"error": f"the process ended with code {self.child.returncode}: {said[-1]}"}

    def ticks(self):
        """The processor time that it has used, in ticks of the system."""
        try:
            fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return 0
        return int(fields[11]) + int(fields[12])

    def close(self):
        """Ends it: between two rows it has nothing to lose."""
        self.child.kill()
        self.child.wait()
        self.errors.close()


# Measuring -----------------------------------------------------------------------------------------------------------


class Bench:
    """Runs blocks, and remembers what every part gave."""

    def __init__(self, sides, rounds, speed):
        self.sides, self.rounds, self.speed = sides, rounds, speed
        self.processes, self.group = {}, None
        self.answers = collections.defaultdict(list)
        self.errors = {}
        self.others = {}  # the share of the processors that other programs used, by the first row of each block

    def started(self, part):
        """The processes of a part, which are started where there are none yet. Training is measured in a process of its
        own, so that its peak memory is known."""
        row = part.row if part.row.startswith(("W1", "W6")) else ""
        key = (part.side, part.threads, part.processes, row)
        if key not in self.processes:
            self.processes[key] = [Process(self.sides, part) for _ in range(part.processes)]
        return self.processes[key]

    def turn(self, part, seconds):
        time.sleep(PAUSE)
        processes = self.started(part)
        for process in processes:
            process.ask(part.row, seconds)
        answers = [process.answer() for process in processes]
        errors = [answer["error"] for answer in answers if "error" in answer]
        if errors and part.side == "ours":
            raise Failure(f"{part.row}: {errors[0]}")
        if errors:
            self.leave_out(part, errors[0])
        return errors or answers

    def leave_out(self, part, why):
        self.errors[part] = why
        print(f"  {part.row}, {SIDES[part.side]}: left out: {why}", file=sys.stderr)

    def run(self, block):
        """Every part once without counting, which makes it ready, and then in turns, whose order is turned round each
        time."""
        if self.group != block.group:
            self.close()
            self.group = block.group
        print(f"{block.parts[0].row}: {self.rounds} rounds", file=sys.stderr)
        todo = [part for part in block.parts if part not in self.answers or part == PEAK]
        for part in todo:
            missing = self.sides.missing(part)
            if missing:
                self.leave_out(part, missing)
            else:
                self.turn(part, 0)
        found, before = collections.defaultdict(list), self.spent()
        for number in range(self.rounds):
            for part in todo[:: 1 if number % 2 == 0 else -1]:
                if part not in self.errors:
                    found[part].append(self.turn(part, block.seconds * self.speed * (0.4 if part == PEAK else 1.0)))
        others, passed = (now - then for now, then in zip(self.spent(), before))
        self.others[block.parts[0].row] = round(max(0.0, others / passed / (os.cpu_count() or 1)), 3)
        # The peak is measured in every block anew, as it drifts.
        self.answers.update({part: answers for part, answers in found.items() if part not in self.errors})

    def spent(self):
        """The ticks of processor time that other programs have used, and those that have passed."""
        own = sum(process.ticks() for processes in self.processes.values() for process in processes)
        return busy_ticks() - own, time.monotonic() * os.sysconf("SC_CLK_TCK")

    def close(self):
        for processes in self.processes.values():
            for process in processes:
                process.close()
        self.processes = {}

    def values(self, part):
        """The value of each round: of several processes, their sum."""
        return [sum(answer["value"] for answer in answers) for answers in self.answers[part]]

    def peak(self, part):
        return sum(answer["peak_mib"] for answer in self.answers[part][-1])

    def unit(self, part):
        return self.answers[part][0][0]["unit"]


def quarters(values):
    """The three values that cut a list into quarters."""
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def compare(bench, check):
    """A line of the table: what was found and whether it is enough; nothing where a side is missing."""
    rivals = [part for part in check.rivals if part in bench.answers]
    if check.ours not in bench.answers or (check.rivals and not rivals):
        return None
    unit = bench.unit(check.ours)
    more_is_better = unit in ("images/s", "GFLOP/s")
    pick = max if more_is_better else min
    rival = pick(rivals, key=lambda part: statistics.median(bench.values(part))) if rivals else None
    ours, theirs = bench.values(check.ours), bench.values(rival) if rival else []
    if check.of == "memory":
        ours, theirs, unit = [bench.peak(check.ours)], [bench.peak(rival)], "MiB"
    pairs = list(zip(ours, theirs)) if rival else [(value, 1.0) for value in ours]
    slower = check.of == "time" and more_is_better
    low, ratio, high = quarters([b / a if slower else a / b for a, b in pairs])
    line = {
        "check": check.name, "of": check.of, "unit": unit,
        "ours": dataclasses.asdict(check.ours), "value": statistics.median(ours),
        "rival": dataclasses.asdict(rival) if rival else None,
        "rival_value": statistics.median(theirs) if rival else None,
        "ratio": ratio, "quartiles": [low, high], "target": f"{check.bound} {check.goal:g}" if check.bound else None,
    }
    if check.bound:
        missing = check.goal / ratio if check.bound == "≥" else ratio / check.goal
        line["met"] = missing <= 1
        line["factor_missing"] = max(missing, 1.0)
    return line


# Telling -------------------------------------------------------------------------------------------------------------


def number(value, unit):
    return f"{value:.2f}" if unit.startswith(("ns", "ms")) else f"{value:,.0f}"


def verdict(line):
    """Speeds that were measured beside other programs are not judged: they slow the two sides down unevenly."""
    if not line["target"]:
        return ""
    if line["others"] > QUIET and line["of"] != "memory":
        return f"not judged: other programs used {100 * line['others']:.0f} %"
    return "met" if line["met"] else f"short by a factor of {line['factor_missing']:.2f}"


def rival_name(line):
    return SIDES[line["rival"]["side"]].removeprefix("PyTorch, ") if line["rival"] else ""


def table(lines):
    """Markdown: fractions of the peak stand in the line of their row."""
    peaks = {line["check"][: -len(", of the peak")]: line for line in lines if line["check"].endswith(", of the peak")}
    rows = ["| row | ours | against | ratio (quartiles) | target | |", "| --- | --- | --- | --- | --- | --- |"]
    for line in lines:
        if line["check"].endswith(", of the peak"):
            continue
        value = f"{number(line['value'], line['unit'])} {line['unit']}"
        if line["check"] in peaks:
            value += f" ({100 * peaks[line['check']]['ratio']:.0f} % of peak)"
        against = f"{number(line['rival_value'], line['unit'])} ({rival_name(line)})" if line["rival"] else ""
        low, high = line["quartiles"]
        ratio = f"{line['ratio']:.2f}" + (f" ({low:.2f}–{high:.2f})" if line["of"] != "memory" else "")
        rows.append(f"| {line['check']} | {value} | {against} | {ratio} | {line['target'] or ''} | {verdict(line)} |")
    return "\n".join(rows)


def cpu_name():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        return next(line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()


def busy_ticks():
    """The processor time that the whole machine has used, in ticks; 0 where it is not known."""
    try:
        fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return 0
    return sum(int(field) for place, field in enumerate(fields[:8]) if place not in (3, 4))


def machine(sides, arguments):
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": shlex.join(["python3", "benches/peers/run.py", *sys.argv[1:]]),
        "cpu": cpu_name(), "cores": os.cpu_count(), "system": platform.platform(),
        "versions": {
            "evograd": output("git", "describe", "--always", "--dirty", cwd=ROOT), "rustc": output("rustc", "--version"),
            "torch": sides.torch, "python": output(sides.python, "--version"),
            "burn": burn_version() if sides.programs["burn"] else None,
        },
        "tcmalloc": pathlib.Path(sides.tcmalloc).name or None, "rounds": arguments.rounds, "quick": arguments.quick,
    }


def rows_of(bench):
    return [
        {**dataclasses.asdict(part), "unit": bench.unit(part), "values": bench.values(part),
         "quartiles": quarters(bench.values(part)), "peak_mib": bench.peak(part)}
        for part in bench.answers
    ]


def tell(facts, bench, lines):
    isa = next((answers[0][0]["isa"] for part, answers in bench.answers.items() if part.side == "ours"), "")
    facts.update(isa=isa, checks=lines, rows=rows_of(bench), others=bench.others)
    facts["left_out"] = [{**dataclasses.asdict(part), "why": why} for part, why in bench.errors.items()]
    versions = facts["versions"]
    burn = f" and Burn {versions['burn']}" if any(part.side == "burn" for part in bench.answers) else ""
    print(
        f"{facts['date']}, {facts['cpu']} ({facts['cores']} cores), {isa}, {versions['rustc']}, torch {versions['torch']}"
        f"{burn} with {facts['tcmalloc'] or 'the usual allocator'}; medians of {facts['rounds']} rounds in turns\n\n"
        f"{table(lines)}"
    )
    for left in facts["left_out"]:
        print(f"\nLeft out: {left['row']} of {SIDES[left['side']]}: {left['why']}")
    loud = {row: share for row, share in bench.others.items() if share > QUIET}
    if loud:
        worst = max(loud, key=loud.get)
        share = f"{100 * loud[worst]:.0f} % of the processors meanwhile ({worst})"
        print(f"\nOther programs used up to {share}, so these speeds say little: measure again on a quiet machine.")


def chosen(names):
    """The blocks of which a row begins with one of the names."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    rows = {part.row for block in blocks() for part in block.parts}
    unknown = [name for name in wanted if not any(row.startswith(name) for row in rows)]
    if unknown:
        raise Failure(f"--rows {names}: there is no row that begins with {unknown[0]!r}; --list prints all")
    matches = lambda block: any(part.row.startswith(name) for name in wanted for part in block.parts)
    return [block for block in blocks() if not wanted or matches(block)]


def stop(*_):
    """Ends the measuring, once: what has been measured is still to be reported."""
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(
        description="Measures evograd, PyTorch and Burn in turns and says how far each row is from its target.",
        epilog="example: run.py --rows W1,W6 --rounds 9 --json peers.json",
    )
    parser.add_argument("--rows", default="", help="only rows that begin with these names, such as W1,W3/16-16")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side has its turn (5)")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured to a file")
    parser.add_argument("--burn", action="store_true", help="build Burn's side, to measure it from now on")
    parser.add_argument("--quick", action="store_true", help="two rounds of a fifth of the time: to see that it runs")
    parser.add_argument("--list", action="store_true", help="print the names of all rows; needs neither cargo nor torch")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(sorted({part.row for block in blocks() for part in block.parts})))
        return
    if arguments.rounds < 1:
        raise Failure(f"--rounds {arguments.rounds}: at least one round is needed")
    arguments.rounds = min(arguments.rounds, 2) if arguments.quick else arguments.rounds
    todo = chosen(arguments.rows)
    sides = Sides(arguments.burn)
    if not sides.tcmalloc:
        print("tcmalloc is not installed, so PyTorch's best rows do without: see README.md", file=sys.stderr)
    facts = machine(sides, arguments)
    bench = Bench(sides, arguments.rounds, 0.2 if arguments.quick else 1.0)
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, stop)
    lines, stopped = [], False
    try:
        for block in todo:
            bench.run(block)
            found = filter(None, (compare(bench, check) for check in block.checks))
            lines += [{**line, "others": bench.others[block.parts[0].row]} for line in found]
    except KeyboardInterrupt:
        stopped = True
        print("stopped: here is what was measured until then", file=sys.stderr)
    finally:
        bench.close()
    tell(facts, bench, lines)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return 130 if stopped else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
