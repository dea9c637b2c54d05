#!/usr/bin/env python3
"""Compares our operations with PyTorch's on PyTorch's own sample inputs (OpInfo), forward and every gradient.

    python3 tests/conformance/torch_samples.py                        every operation, in f64 and f32
    python3 tests/conformance/torch_samples.py softmax where_         some of ours
    python3 tests/conformance/torch_samples.py --element f64 --json

The reference is PyTorch in f64, also for f32, whose inputs are f64 exactly. An element may be 1e-12 (f64) or 1e-5 (f32) of the
largest magnitude of its tensor off; in f32, where sums cancel, four times as far as PyTorch's own f32. Samples that our operations do not express are counted with the reason. The exit code
is 1 where something differs that is not a stated choice.

Needs cargo, and the pip packages torch (2.6), numpy and expecttest.
"""

import argparse
import contextlib
import dataclasses
import sys
import typing
import warnings

try:
    import numpy
    import torch

    with contextlib.redirect_stdout(sys.stderr):  # which it tells of packages that it could do without
        from torch.testing._internal.common_methods_invocations import op_db
except ImportError as error:
    print(f"SKIPPED: {error}; install the pip packages torch, numpy and expecttest", file=sys.stderr)
    sys.exit(0)

from library import Elsewhere, Library, NotExpressible, Refused
from report import BOUNDS, Report, difference, errors, reason_of, same
from torch_calls import CALLS
from torch_calls.choices import CHOICES

#: How many times as wrong as PyTorch's f32 ours may be.
AS_WRONG = 4
CANCELS = "f32: sums cancel, and PyTorch's f32 is as wrong"


def samples(op, element):
    """The reference inputs of an operation, which PyTorch adds to the sample inputs; always the same.

    Among some are whole numbers, and PyTorch draws none with a gradient; so it is asked for all of these without one, which
    their real tensors get afterwards.
    """
    dtype = {"f64": torch.float64, "f32": torch.float32}[element]
    torch.manual_seed(0)
    try:
        drawn = list(op.reference_inputs("cpu", dtype, requires_grad=op.supports_autograd))
        return [(sample, in_f64(sample, False)) for sample in drawn]
    except ValueError:
        drawn = list(op.reference_inputs("cpu", dtype, requires_grad=False))
        return [(sample, in_f64(sample, True)) for sample in drawn]


def mapped(value, f):
    """Lists, tuples and dictionaries with `f` of all else."""
    if isinstance(value, (list, tuple)):
        parts = [mapped(part, f) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    if isinstance(value, dict):
        return {name: mapped(part, f) for name, part in value.items()}
    return f(value)


def in_f64(sample, all_with_gradient):
    """The arguments, with the same numbers in f64."""
    arguments = in_type([sample.input, list(sample.args), sample.kwargs], torch.float64)
    if all_with_gradient:
        mapped(arguments, lambda x: x.requires_grad_() if is_real(x) else x)
    return arguments


def is_real(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def in_type(arguments, dtype):
    """Real numbers in another type; a tensor that stands in two places stays one."""
    seen = {}

    def converted(value):
        if value is torch.float32 or value is torch.float64:
            return dtype
        if not is_real(value):
            return value
        if id(value) not in seen:
            seen[id(value)] = value, value.detach().to(dtype, copy=True).requires_grad_(value.requires_grad)
        return seen[id(value)][1]

    return mapped(arguments, converted)


def reference(op, arguments, generator):
    """What PyTorch gives: the outputs, a gradient for each that can have one, and the gradients of the leaves."""
    x, more, named = arguments
    outputs = op(x, *more, **named)
    if outputs is NotImplemented:
        raise NotExpressible("what PyTorch does not implement")
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else [y for y in outputs if isinstance(y, torch.Tensor)]
    with_gradient = [y for y in outputs if y.requires_grad]
    # Numbers of f32, so that both sides start from the same.
    dys = [torch.randn(y.shape, generator=generator).to(y.dtype) for y in with_gradient]
    leaves = leaves_of(arguments)
    try:
        gradients = torch.autograd.grad(with_gradient, leaves, dys, allow_unused=True) if with_gradient and leaves else []
    except RuntimeError:
        raise NotExpressible("what PyTorch fails to differentiate")
    return outputs, dys, [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, gradients)]


def leaves_of(arguments):
    """Every tensor with a gradient, once."""
    found = {}
    mapped(arguments, lambda x: found.setdefault(id(x), x) if isinstance(x, torch.Tensor) and x.requires_grad else None)
    return list(found.values())


def ours(library, call, arguments):
    """What we give: the outputs, and a variable for each leaf."""
    variables = {}

    def variable(value):
        if not is_real(value):
            return value
        if id(value) not in variables:
            kind = library.leaf if value.requires_grad else library.constant
            variables[id(value)] = kind(value.detach().numpy())
        return variables[id(value)]

    x, more, named = mapped(arguments, variable)
    outputs = call(x, *more, **named)
    leaves = [variables[id(leaf)] for leaf in leaves_of(arguments)]
    return outputs if isinstance(outputs, list) else [outputs], leaves


@dataclasses.dataclass
class Compared:
    """An output or gradient of ours, and PyTorch's."""

    name: str
    ours: numpy.ndarray
    reference: numpy.ndarray
    #: Of a gradient, its number and the tensor that it is of.
    gradient: typing.Optional[int] = None
    leaf: typing.Optional[torch.Tensor] = None

    def difference(self, element, bound=None):
        return difference(self.name, self.ours, self.reference, element, bound)


def compared(library, op, call, arguments, element):
    """Our outputs and gradients, with PyTorch's."""
    library.begin(element)
    outputs, leaves = ours(library, call, arguments)
    theirs, dys, gradients = reference(op, arguments, torch.Generator().manual_seed(0))
    # What ours do not give are the places of max pooling.
    if any(is_real(y) for y in theirs[len(outputs) :]):
        raise ValueError(f"{len(outputs)} outputs, not {len(theirs)}")
    found = [Compared(f"output {i}", y.value(), r.detach().numpy()) for i, (y, r) in enumerate(zip(outputs, theirs))]
    if not gradients:
        return found
    pairs = [(y, dy.numpy()) for y, dy in zip((y for y, r in zip(outputs, theirs) if r.requires_grad), dys)]
    sides = zip(library.backward(pairs, leaves), gradients, leaves_of(arguments))
    for i, (dx, reference_dx, leaf) in enumerate(sides):
        dx = numpy.zeros(reference_dx.shape) if dx is None else dx
        found.append(Compared(f"gradient {i}", dx, reference_dx.numpy(), i, leaf))
    return found


def chosen_bound(op, arguments, side, element):
    """How far each place may be off by choice, and the reason of the first that has a part in it; None where there is none."""
    bound, reason = numpy.full(side.reference.shape, BOUNDS[element]), None
    for choice in CHOICES.get(op.full_name, []):
        mask = choice.mask(arguments, side.gradient, side.leaf)
        if mask is not None and mask.shape == bound.shape and mask.any():
            bound = numpy.where(mask, numpy.maximum(bound, choice.bound), bound)
            reason = reason or choice.reason
    return bound, reason


def in_f32(op, arguments):
    """PyTorch's outputs and gradients in f32."""
    outputs, _, gradients = reference(op, in_type(arguments, torch.float32), torch.Generator().manual_seed(0))
    return [y.detach().double().numpy() for y in outputs], [dx.double().numpy() for dx in gradients]


def is_as_wrong(side, index, single):
    """Whether a tensor of ours in f32 is at most four times as wrong as PyTorch's, or the same."""
    theirs = single[0][index] if side.gradient is None else single[1][side.gradient]
    if side.ours.shape != theirs.shape:
        return False
    own = errors(theirs, side.reference, "f32")
    most = AS_WRONG * own[numpy.isfinite(own)].max(initial=0)
    return bool(((errors(side.ours, side.reference, "f32") <= most) | same(side.ours, theirs)).all())


def judged(op, arguments, sides, element):
    """The first difference that nothing excuses, or None; and the reasons of the others."""
    reasons = []
    for index, side in enumerate(sides):
        if not side.difference(element):
            continue
        bound, reason = chosen_bound(op, arguments, side, element)
        if reason and not side.difference(element, bound):
            reasons.append(reason)
        elif element == "f32" and is_as_wrong(side, index, in_f32(op, arguments)):
            reasons.append(CANCELS)
        else:
            return side.difference(element, bound), reasons
    return None, reasons


def run_one(library, report, name, op, call, element):
    """All samples of one of PyTorch's operations, said with one of ours."""
    row = report.rows[name]
    for number, (sample, arguments) in enumerate(samples(op, element), 1):
        try:
            sides = compared(library, op, call, arguments, element)
            found, reasons = judged(op, arguments, sides, element)
        except Elsewhere:
            continue
        except NotExpressible as reason:
            row.inexpressible[str(reason)] += 1
        except Refused as refusal:
            row.inexpressible[reason_of(refusal)] += 1
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            row.differ.append(f"{op.full_name}, sample {number} is not translated: {error!r}; {sample.summary()}"[:700])
        else:
            if found is not None:
                row.differ.append(f"{op.full_name}, {element}, sample {number}: {found}; {sample.summary()}"[:700])
            elif reasons:
                row.chosen[reasons[0]] += 1
            else:
                row.passed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operations", nargs="*", metavar="operation", help="names of ours; all where none is given")
    parser.add_argument("--element", choices=list(BOUNDS), help="one element type instead of both")
    parser.add_argument("--program", help="the bridge, built before, instead of building it")
    parser.add_argument("--json", action="store_true", help="counts, reasons and differences as JSON")
    asked = parser.parse_args()
    if unknown := set(asked.operations) - set(CALLS):
        parser.error(f"no operation called {', '.join(sorted(unknown))}; there are {', '.join(sorted(CALLS))}")
    warnings.filterwarnings("ignore")
    operations = {f"{op.name}/{op.variant_test_name}".rstrip("/"): op for op in op_db}
    library, report = Library(asked.program), Report()
    for name in sorted(asked.operations or CALLS):
        print(f"{name} …", file=sys.stderr, flush=True)
        for theirs, call in CALLS[name].items():
            for element in [asked.element] if asked.element else BOUNDS:
                run_one(library, report, name, operations[theirs], call, element)
    without = [] if asked.operations else sorted(library.operations - set(CALLS))
    if asked.json:
        print(report.as_json(without_counterpart=without))
    else:
        report.print_table()
        print(f"\nOperations of ours that PyTorch has no samples of: {', '.join(without) or 'none'}")
    return 1 if report.total()[1] else 0


if __name__ == "__main__":
    sys.exit(main())
