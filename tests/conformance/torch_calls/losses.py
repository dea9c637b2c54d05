"""Losses."""

import math

from library import Elsewhere, NotExpressible, Variable

from .shared import variable


def reduction_of(size_average, reduce, reduction):
    """The older parameters, where they are given."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def pair_loss(operation, parameter=None, default=None):
    def call(x, target, size_average=None, reduce=None, reduction="mean", weight=None, **options):
        if weight is not None:
            raise NotExpressible("losses with weights of the elements")
        chosen = {} if parameter is None else {parameter: float(options.pop(parameter, default))}
        if options:
            raise NotExpressible(f"losses with {', '.join(options)}")
        reduction = reduction_of(size_average, reduce, reduction)
        return getattr(x, operation)(variable(target, x), **chosen, reduction=reduction)

    return call


def huber_loss(x, target, reduction="mean", delta=1.0, weight=None):
    return pair_loss("huber_loss", "delta")(x, target, reduction=reduction, weight=weight, delta=delta)


def bce_with_logits(
    x, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """Weights of the elements multiply their losses before these are added up."""
    if pos_weight is not None:
        raise NotExpressible("losses with pos_weight")
    reduction = reduction_of(size_average, reduce, reduction)
    if weight is None:
        return x.binary_cross_entropy_with_logits(variable(target, x), reduction=reduction)
    losses = x.binary_cross_entropy_with_logits(variable(target, x), reduction="none").mul(variable(weight, x))
    axes = list(range(losses.rank))
    return losses if reduction == "none" else getattr(losses, reduction)(axes=axes, kept=False)


def cross_entropy(
    x, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    """What the plain `cross_entropy` says: a class for each sample, and the mean."""
    reduction = reduction_of(size_average, reduce, reduction)
    plain = weight is None and reduction == "mean" and not isinstance(target, Variable)
    if not plain or x.rank != 2 or (target == ignore_index).any():
        raise Elsewhere
    return x.cross_entropy(classes=target.tolist(), smoothing=label_smoothing)


def cross_entropy_with(
    x, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    """A class for each sample, or for each pixel of an image, whose channels are moved to the end."""
    if isinstance(target, Variable):
        raise Elsewhere
    reduction = reduction_of(size_average, reduce, reduction)
    if weight is None and reduction == "mean" and x.rank == 2 and not (target == ignore_index).any():
        raise Elsewhere
    # Any number above the classes can be the ignored one; PyTorch's may be negative.
    classes = target.clone()
    channels = x.shape[1 if x.rank > 1 else 0]
    classes[target == ignore_index] = channels
    weights = None if weight is None else weight.value().tolist()
    options = {"weights": weights, "ignore": channels, "smoothing": label_smoothing, "reduction": reduction}
    y = rows(x).cross_entropy_with(classes=classes.flatten().tolist(), **options)
    return y.reshape(shape=list(target.shape)) if reduction == "none" else y


def rows(x):
    """A row of classes for each sample and pixel."""
    if x.rank == 1:
        return x.reshape(shape=[1, *x.shape])
    last = x if x.rank == 2 else x.transpose(axes=[0, *range(2, x.rank), 1])
    return last if x.rank == 2 else last.reshape(shape=[math.prod(last.shape[:-1]), last.shape[-1]])


def soft_cross_entropy(
    x, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    """Probabilities as targets, of each sample or pixel."""
    if not isinstance(target, Variable):
        raise Elsewhere
    if weight is not None or reduction_of(size_average, reduce, reduction) != "mean":
        raise NotExpressible("soft targets with weights, a sum or none of the reductions")
    if label_smoothing:
        raise NotExpressible("soft targets that are smoothed")
    return rows(x).soft_cross_entropy(rows(target))


CALLS = {
    "binary_cross_entropy_with_logits": {"nn.functional.binary_cross_entropy_with_logits": bce_with_logits},
    "cross_entropy": {"nn.functional.cross_entropy": cross_entropy},
    "cross_entropy_with": {"nn.functional.cross_entropy": cross_entropy_with},
    "huber_loss": {"nn.functional.huber_loss": huber_loss},
    "l1_loss": {"nn.functional.l1_loss": pair_loss("l1_loss")},
    "mse_loss": {"nn.functional.mse_loss": pair_loss("mse_loss")},
    "smooth_l1_loss": {"nn.functional.smooth_l1_loss": pair_loss("smooth_l1_loss", "beta", 1.0)},
    "soft_cross_entropy": {"nn.functional.cross_entropy": soft_cross_entropy},
}
