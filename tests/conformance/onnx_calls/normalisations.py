"""Normalisations, softmax and the loss of its logits."""

import math

import numpy

from .shared import axis_of, constant, swapped


def softmax(operation):
    def call(x, axis=-1):
        axis = axis_of(x, axis)
        return swapped(getattr(swapped(x, axis, x.rank - 1), operation)(), axis, x.rank - 1)

    return call


def batch_normalization(x, scale, bias, mean, variance, epsilon=1e-5, momentum=0.9, training_mode=0):
    """ONNX's momentum is the weight of the old statistics, and its new variance is not unbiased: it is not compared."""
    image = x.reshape(shape=[*x.shape[:2], 1, math.prod(x.shape[2:])])
    if training_mode:
        y = image.batch_norm(scale, bias, mean, variance, epsilon=epsilon, momentum=1 - momentum)
        return [y[0].reshape(shape=list(x.shape)), y[1]]
    return image.batch_norm_eval(scale, bias, mean, variance, epsilon=epsilon).reshape(shape=list(x.shape))


def group_normalization(x, scale, bias, num_groups, epsilon=1e-5, stash_type=1):
    return x.group_norm(scale, bias, groups=num_groups, epsilon=epsilon)


def instance_normalization(x, scale, bias, epsilon=1e-5):
    return x.instance_norm(scale, bias, epsilon=epsilon)


def layer_normalization(x, scale, bias=None, axis=-1, epsilon=1e-5, stash_type=1):
    bias = constant(x, numpy.zeros(scale.shape)) if bias is None else bias
    return x.layer_norm(scale, bias, epsilon=epsilon)


def rms_normalization(x, scale, axis=-1, epsilon=1e-5, stash_type=1):
    return x.rms_norm(scale, epsilon=epsilon)


def lrn(x, size, alpha=1e-4, beta=0.75, bias=1.0):
    return x.local_response_norm(size=size, alpha=alpha, beta=beta, k=bias)


def softmax_cross_entropy(x, labels, weights=None, ignore_index=None, reduction=b"mean"):
    rows = x if x.rank == 2 else x.transpose(axes=[0, *range(2, x.rank), 1])
    rows = rows if x.rank == 2 else rows.reshape(shape=[labels.size, x.shape[1]])
    ignored = labels == ignore_index if ignore_index is not None else numpy.zeros(labels.shape, bool)
    classes = numpy.where(ignored, x.shape[1], labels).flatten().tolist()
    weights = None if weights is None else weights.value().tolist()
    options = {"weights": weights, "ignore": x.shape[1], "smoothing": 0.0, "reduction": reduction.decode()}
    y = rows.cross_entropy_with(classes=classes, **options)
    return y.reshape(shape=list(labels.shape)) if reduction == b"none" else y


CALLS = {
    "BatchNormalization": batch_normalization,
    "GroupNormalization": group_normalization,
    "InstanceNormalization": instance_normalization,
    "LRN": lrn,
    "LayerNormalization": layer_normalization,
    "LogSoftmax": softmax("log_softmax"),
    "RMSNormalization": rms_normalization,
    "Softmax": softmax("softmax"),
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
}
