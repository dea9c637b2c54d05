"""Operations that work element by element."""

import math

from library import Elsewhere, NotExpressible, Variable

from .shared import both, variable


def plain(operation, **options):
    """An operation of one tensor, without parameters of PyTorch's."""

    def call(x):
        return getattr(x, operation)(**options)

    return call



def scaled(x, alpha):
    return x if alpha == 1 else x.scale(factor=float(alpha))


def add(x, other, alpha=1):
    x, other = both(x, other)
    return x.add(scaled(other, alpha))


def sub(x, other, alpha=1):
    x, other = both(x, other)
    return x.sub(scaled(other, alpha))


def rsub(x, other, alpha=1):
    return sub(other, x, alpha)


def mul(x, other):
    if isinstance(other, (int, float)):
        raise Elsewhere
    x, other = both(x, other)
    return x.mul(other)


def scale(x, other):
    if not isinstance(other, (int, float)):
        raise Elsewhere
    if not isinstance(x, Variable):
        raise NotExpressible("numbers without a tensor")
    return x.scale(factor=float(other))


def div(x, other, rounding_mode=None):
    x, other = both(x, other)
    return x.div(other)


def rdiv(x, other):
    return div(other, x)


def pow_(x, exponent):
    if isinstance(x, Variable) and isinstance(exponent, (int, float)):
        return x.pow(exponent=float(exponent))
    raise NotExpressible("a tensor as exponent")


def rsqrt(x):
    """Of −∞ NaN, which xʸ is not."""
    return x.sqrt().pow(exponent=-1.0)


def clamp(x, min=None, max=None):
    """Limits that are tensors are a maximum and a minimum."""
    if all(limit is None or isinstance(limit, (int, float)) for limit in (min, max)):
        low, high = -math.inf if min is None else float(min), math.inf if max is None else float(max)
        return x.clamp(low=low, high=high)
    x = x if min is None else maximum(x, min)
    return x if max is None else minimum(x, max)


def hardtanh(x, min_val=-1.0, max_val=1.0, inplace=False):
    return x.clamp(low=float(min_val), high=float(max_val))


def relu6(x, inplace=False):
    return x.clamp(low=0.0, high=6.0)


def leaky_relu(x, negative_slope=0.01, inplace=False):
    return x.leaky_relu(slope=negative_slope)


def rrelu(x, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    if training:
        raise NotExpressible("numbers drawn at random")
    return x.leaky_relu(slope=(lower + upper) / 2)


def elu(x, alpha=1.0, inplace=False):
    return x.elu(alpha=alpha)


def celu(x, alpha=1.0, inplace=False):
    return x.scale(factor=1 / alpha).elu(alpha=1.0).scale(factor=alpha)


def selu(x, inplace=False):
    return x.elu(alpha=1.6732632423543772).scale(factor=1.0507009873554805)


def gelu(x, approximate="none"):
    return x.gelu(tanh=approximate == "tanh")


def softplus(x, beta=1.0, threshold=20.0):
    return x.softplus(beta=float(beta), threshold=float(threshold))


def log_sigmoid(x):
    return x.neg().softplus(beta=1.0, threshold=math.inf).neg()


def inplace(operation):
    return lambda x, inplace=False: getattr(x, operation)()


def where(x, condition, other):
    """As a method of `x`, as the samples have it."""
    x, other = both(x, other)
    return x.where_(variable(condition, x), other)


def masked_fill(x, mask, value):
    x, value = both(x, value)
    return value.where_(variable(mask, x), x)


def maximum(x, other):
    x, other = both(x, other)
    return x.maximum(other)


def minimum(x, other):
    x, other = both(x, other)
    return x.neg().maximum(other.neg()).neg()


def dropout(x, p=0.5, training=True, inplace=False):
    if training and p > 0:
        raise NotExpressible("numbers drawn at random")
    return x.dropout(p=0.0)


CALLS = {
    "abs": {"abs": plain("abs")},
    "add": {"add": add, "__radd__": add},
    "clamp": {"nn.functional.hardtanh": hardtanh, "nn.functional.relu6": relu6},
    "cos": {"cos": plain("cos")},
    "div": {"div/no_rounding_mode": div, "true_divide": div, "__rdiv__": rdiv},
    "dropout": {"nn.functional.dropout": dropout},
    "elu": {"nn.functional.elu": elu, "nn.functional.celu": celu, "nn.functional.selu": selu},
    "exp": {"exp": plain("exp")},
    "expm1": {"expm1": plain("expm1")},
    "gelu": {"nn.functional.gelu": gelu},
    "leaky_relu": {"nn.functional.leaky_relu": leaky_relu, "nn.functional.rrelu": rrelu},
    "log": {"log": plain("log")},
    "log1p": {"log1p": plain("log1p")},
    "maximum": {
        "maximum": maximum,
        "max/binary": maximum,
        "minimum": minimum,
        "min/binary": minimum,
        "clamp": clamp,
        "clamp_min": maximum,
        "clamp_max": minimum,
    },
    "mul": {"mul": mul, "__rmul__": mul},
    "neg": {"neg": plain("neg")},
    "pow": {
        "pow": pow_,
        "float_power": pow_,
        "square": plain("pow", exponent=2.0),
        "reciprocal": plain("pow", exponent=-1.0),
        "rsqrt": rsqrt,
    },
    "relu": {"nn.functional.relu": inplace("relu")},
    "scale": {
        "mul": scale,
        "__rmul__": scale,
        "deg2rad": plain("scale", factor=math.pi / 180),
        "rad2deg": plain("scale", factor=180 / math.pi),
    },
    "sigmoid": {"sigmoid": plain("sigmoid")},
    "silu": {"nn.functional.silu": inplace("silu")},
    "sin": {"sin": plain("sin")},
    "softplus": {"nn.functional.softplus": softplus, "nn.functional.logsigmoid": log_sigmoid},
    "sqrt": {"sqrt": plain("sqrt")},
    "sub": {"sub": sub, "rsub": rsub, "__rsub__": rsub},
    "tanh": {"tanh": plain("tanh")},
    "where_": {"where": where, "masked_fill": masked_fill},
}
