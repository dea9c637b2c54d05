"""Where our values and PyTorch's differ because we chose so, with the reason.

A choice names the tensors that may differ, and the places in them: all others are compared as ever.
"""

import dataclasses
import functools
import math
import operator
import typing

import torch


def tensors(arguments):
    """All tensors of real numbers, in lists too."""
    for value in arguments.values() if isinstance(arguments, dict) else arguments:
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            yield value.detach()
        elif isinstance(value, (list, tuple, dict)):
            yield from tensors(value)


def at_nan(arguments):
    return arguments[0].detach().isnan()


def at_minus_infinity(arguments):
    return arguments[0].detach().isneginf()


def at_infinities(arguments):
    return arguments[0].detach().isinf()


def at_ties_and_nan(arguments):
    """Where two of the tensors are equal, or one is NaN, in the shape that they are broadcast to."""
    found = torch.broadcast_tensors(*tensors(arguments))
    pairs = [a == b for i, a in enumerate(found) for b in found[:i]]
    return functools.reduce(operator.or_, [*pairs, *(x.isnan() for x in found)])


def at_limits(least, greatest):
    """Where an element is NaN or one of the limits, which are these unless others are named."""

    def places(arguments):
        x, _, named = arguments
        x = x.detach()
        return x.isnan() | (x == named.get("min_val", least)) | (x == named.get("max_val", greatest))

    return places


def everywhere(arguments):
    return torch.ones_like(arguments[0], dtype=torch.bool)


def in_short_rows(arguments):
    """Everywhere if rows have one or two values, of whose gradient nearly nothing is left."""
    return torch.full_like(arguments[0], arguments[1][0][-1] <= 2, dtype=torch.bool)


@dataclasses.dataclass
class Choice:
    """Where a gradient of PyTorch's operation may differ from ours."""

    reason: str
    #: The places, in the shape of the output, from the arguments.
    places: typing.Callable
    #: How far it may be off there, relative to the largest magnitude of its tensor.
    bound: float = math.inf
    #: Whether the output may differ there too.
    output: bool = False
    #: The numbers of the gradients that may differ; all where there are none.
    gradients: typing.Optional[tuple] = None

    def mask(self, arguments, number=None, leaf=None):
        """Where the gradient of a leaf may differ, which has this number, or the output if none is given."""
        places = self.places(arguments)
        if leaf is None:
            return places.numpy() if self.output else None
        if self.gradients is not None and number not in self.gradients:
            return None
        # An element that is broadcast has a part in several places.
        return (places.double().sum_to_size(leaf.shape) > 0).numpy()


AT_A_LIMIT = "clamp: at a limit the gradient passes, and at NaN it is 0, as in torch.clamp; not so in hardtanh, relu6"
FIRST_OF_EQUALS = "maximum: the first of equal elements gets the gradient, and the first of NaN; PyTorch shares it"
AT_INFINITY = "silu: at ±inf the value and the gradient are the limits; PyTorch has NaN"
ELU_AT_NAN = Choice("elu: at NaN the gradient is NaN; PyTorch passes it on", at_nan)
AT_TIES = Choice(FIRST_OF_EQUALS, at_ties_and_nan)
CHOICES = {
    "abs": [Choice("abs: at NaN the gradient is NaN; PyTorch has 0", at_nan)],
    "nn.functional.elu": [ELU_AT_NAN],
    "nn.functional.selu": [ELU_AT_NAN],
    "nn.functional.celu": [Choice("celu: PyTorch rounds 1/α to f32 in the gradient", everywhere, bound=1e-7), ELU_AT_NAN],
    "nn.functional.layer_norm": [
        Choice(
            "layer_norm: of rows of one or two values the gradient cancels, there and here",
            in_short_rows,
            bound=1e-11,
            gradients=(0, 1),
        )
    ],
    "nn.functional.silu": [
        Choice(AT_INFINITY, at_minus_infinity, output=True),
        Choice(AT_INFINITY, at_infinities),
    ],
    "nn.functional.hardtanh": [Choice(AT_A_LIMIT, at_limits(-1, 1))],
    "nn.functional.relu6": [Choice(AT_A_LIMIT, at_limits(0, 6))],
    "clamp": [AT_TIES],
    "clamp_max": [AT_TIES],
    "clamp_min": [AT_TIES],
    "max.binary": [AT_TIES],
    "maximum": [AT_TIES],
    "min.binary": [AT_TIES],
    "minimum": [AT_TIES],
}
