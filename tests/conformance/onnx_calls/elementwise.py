"""Operators that work element by element."""

import math

from library import NotExpressible, Variable

from .shared import constant


def of_one(operation, **options):
    return lambda x: getattr(x, operation)(**options)


def of_two(operation):
    return lambda a, b: getattr(a, operation)(b)


def folded(operation):
    """An operation of two on any number of inputs."""

    def call(x, *others):
        for other in others:
            x = operation(x, other)
        return x

    return call


def maximum(a, b):
    return a.maximum(b)


def minimum(a, b):
    return a.neg().maximum(b.neg()).neg()


def clip(x, low=None, high=None):
    limits = [limit if limit is None else float(limit.value()) for limit in (low, high)]
    low, high = -math.inf if limits[0] is None else limits[0], math.inf if limits[1] is None else limits[1]
    # Where the limits have changed places, ONNX gives the upper one.
    return x.clamp(low=min(low, high), high=high)


def pow_(x, y):
    exponent = y.value() if isinstance(y, Variable) else y
    if exponent.size != 1:
        raise NotExpressible("a tensor as exponent")
    return x.pow(exponent=float(exponent))


def where(condition, a, b):
    return a.where_(constant(a, condition), b)


def elu(x, alpha=1.0):
    return x.elu(alpha=alpha)


def gelu(x, approximate=b"none"):
    return x.gelu(tanh=approximate == b"tanh")


def leaky_relu(x, alpha=0.01):
    return x.leaky_relu(slope=alpha)


def dropout(x, ratio=None, training=None, seed=None):
    if training is not None and bool(training) and (ratio is None or float(ratio.value()) > 0):
        raise NotExpressible("numbers drawn at random")
    return x.dropout(p=0.0)


CALLS = {
    "Abs": of_one("abs"),
    "Add": of_two("add"),
    "Clip": clip,
    "Cos": of_one("cos"),
    "Div": of_two("div"),
    "Dropout": dropout,
    "Elu": elu,
    "Exp": of_one("exp"),
    "Gelu": gelu,
    "LeakyRelu": leaky_relu,
    "Log": of_one("log"),
    "Max": folded(maximum),
    "Min": folded(minimum),
    "Mul": of_two("mul"),
    "Neg": of_one("neg"),
    "Pow": pow_,
    "Relu": of_one("relu"),
    "Sigmoid": of_one("sigmoid"),
    "Sin": of_one("sin"),
    "Softplus": of_one("softplus", beta=1.0, threshold=math.inf),
    "Sqrt": of_one("sqrt"),
    "Sub": of_two("sub"),
    "Sum": folded(lambda a, b: a.add(b)),
    "Tanh": of_one("tanh"),
    "Where": where,
}
