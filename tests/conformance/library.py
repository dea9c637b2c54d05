"""The operations of evograd as methods of Python objects: `x.softmax()` is called in the Rust process beside this file.

    library = Library()
    library.begin("f64")
    x = library.leaf(numpy.array([1.0, 2.0]))
    y = x.softmax()
    y.value(), library.backward([(y, numpy.ones(2))], [x])
"""

import json
import math
import os
import pathlib
import subprocess

import numpy

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target" / "conformance"))


class Refused(Exception):
    """The library refuses a call; the message is its."""


class NotExpressible(Exception):
    """There is no call of ours for what was asked; the message says what is missing."""


class Elsewhere(Exception):
    """Another of our operations is the one to be asked."""


class Variable:
    """A variable in the process. Its methods are the operations, with variables as arguments and options by name."""

    def __init__(self, library, number, shape):
        self.library, self.number, self.shape, self.is_leaf = library, number, shape, False

    def __getattr__(self, operation):
        if operation.startswith("__"):
            raise AttributeError(operation)
        return lambda *arguments, **options: self.library.call(operation, [self, *arguments], options)

    @property
    def rank(self):
        return len(self.shape)

    def value(self):
        return self.library.value(self)


class Library:
    """The process, and what it is asked; src/main.rs describes requests and answers."""

    def __init__(self, program=None):
        """Builds the program, unless one is named."""
        if program is None:
            build = ["cargo", "build", "--manifest-path", HERE / "Cargo.toml", "--target-dir", TARGET]
            subprocess.run(build, check=True)
            program = TARGET / "debug" / "evograd-conformance"
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.operations = set()

    def begin(self, element):
        """Forgets all variables; calculates in "f32" or "f64" from now on."""
        self.operations = set(self.ask({"begin": element})[0]["operations"])

    def leaf(self, array):
        """A variable with a gradient."""
        leaf = self.variables({"leaf": list(array.shape)}, [array])[0]
        leaf.is_leaf = True
        return leaf

    def constant(self, array):
        """A variable without one."""
        array = numpy.asarray(array)
        return self.variables({"constant": list(array.shape)}, [array])[0]

    def call(self, operation, arguments, options):
        """Calls an operation: a variable, or a list where it gives several. `None` as the last argument is none."""
        numbers = [argument.number for argument in arguments if argument is not None]
        results = self.variables({"call": operation, "arguments": numbers, "options": plain(options)})
        return results[0] if len(results) == 1 else results

    def value(self, variable):
        return self.ask({"value": variable.number})[1][0]

    def backward(self, outputs, leaves):
        """From pairs of a variable and its gradient: the gradient of each leaf, or None where it has no part in them."""
        shapes = [list(dy.shape) for _, dy in outputs]
        request = {"backward": [y.number for y, _ in outputs], "shapes": shapes, "leaves": [x.number for x in leaves]}
        return self.ask(request, [dy for _, dy in outputs])[1]

    def variables(self, request, arrays=()):
        answer, _ = self.ask(request, arrays)
        return [Variable(self, number, tuple(shape)) for number, shape in answer["variables"]]

    def ask(self, request, arrays=()):
        """A line and elements to the process; the answer and its arrays."""
        send, receive = self.process.stdin, self.process.stdout
        send.write(json.dumps(request, allow_nan=False).encode() + b"\n")
        for array in arrays:
            send.write(numpy.ascontiguousarray(array, dtype="<f8").tobytes())
        send.flush()
        line = receive.readline()
        if not line:
            raise SystemExit(f"error: evograd-conformance ended at {json.dumps(request)[:300]}")
        answer = json.loads(line)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer, [self.array(shape) for shape in answer.get("shapes", [])]

    def array(self, shape):
        if shape is None:
            return None
        elements = self.process.stdout.read(8 * math.prod(shape))
        return numpy.frombuffer(elements, dtype="<f8").reshape(shape)


def plain(option):
    """Options as JSON has them; numbers that are not finite, which it has not, by their names."""
    if isinstance(option, dict):
        return {name: plain(part) for name, part in option.items()}
    if isinstance(option, (list, tuple)):
        return [plain(part) for part in option]
    if isinstance(option, float) and not math.isfinite(option):
        return str(option)
    return option
