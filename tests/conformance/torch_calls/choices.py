"""Where our values and PyTorch's differ because we chose so, or because PyTorch rounds, with the reason.

A difference counts as chosen only where the arguments have what the reason speaks of.
"""

import torch


def tensors(arguments):
    """All tensors of real numbers, in lists too."""
    for value in arguments.values() if isinstance(arguments, dict) else arguments:
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            yield value.detach()
        elif isinstance(value, (list, tuple, dict)):
            yield from tensors(value)


def nan(arguments):
    return any(x.isnan().any() for x in tensors(arguments))


def minus_infinity(arguments):
    return any(x.isneginf().any() for x in tensors(arguments))


def tie_or_nan(arguments):
    a, *others = tensors(arguments)
    return nan(arguments) or any(bool((a == b).any()) for b in others)


def at_a_limit(*limits):
    """Elements that are NaN or one of the limits, which are these unless others are named."""

    def holds(arguments):
        x, _, named = arguments
        return nan(arguments) or any(bool((x == limit).any()) for limit in [*limits, *named.values()])

    return holds


def short_rows(arguments):
    """Rows of one or two values, of whose gradient nearly nothing is left."""
    return arguments[1][0][-1] <= 2


AT_A_LIMIT = "clamp: at a limit the gradient passes, and at NaN it is 0, as in torch.clamp; not so in hardtanh, relu6"
FIRST_OF_EQUALS = "maximum: the first of equal elements gets the gradient, and the first of NaN; PyTorch shares it"
CHOICES = {
    "abs": (nan, "abs: at NaN the gradient is NaN; PyTorch has 0"),
    "nn.functional.elu": (nan, "elu: at NaN the gradient is NaN; PyTorch passes it on"),
    "nn.functional.selu": (nan, "elu: at NaN the gradient is NaN; PyTorch passes it on"),
    "nn.functional.celu": (lambda _: True, "celu: PyTorch rounds 1/α to f32 in the gradient"),
    "nn.functional.layer_norm": (short_rows, "layer_norm: of rows of one or two values the gradient cancels, there and here"),
    "nn.functional.silu": (minus_infinity, "silu: of -inf it is 0, the limit; PyTorch has NaN"),
    "nn.functional.hardtanh": (at_a_limit(-1, 1), AT_A_LIMIT),
    "nn.functional.relu6": (at_a_limit(0, 6), AT_A_LIMIT),
    "clamp": (tie_or_nan, FIRST_OF_EQUALS),
    "clamp_max": (tie_or_nan, FIRST_OF_EQUALS),
    "clamp_min": (tie_or_nan, FIRST_OF_EQUALS),
    "max.binary": (tie_or_nan, FIRST_OF_EQUALS),
    "maximum": (tie_or_nan, FIRST_OF_EQUALS),
    "min.binary": (tie_or_nan, FIRST_OF_EQUALS),
    "minimum": (tie_or_nan, FIRST_OF_EQUALS),
}


def choice(theirs, arguments):
    """Why PyTorch's operation may differ from ours on these arguments, or None where it may not."""
    holds, reason = CHOICES.get(theirs, (None, None))
    return reason if holds is not None and holds(arguments) else None
