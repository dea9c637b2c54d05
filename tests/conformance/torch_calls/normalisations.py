"""Normalisations, and softmax."""

import math

from library import Elsewhere, NotExpressible

from .shared import along, ones, same_type, zeros


def softmax(operation):
    def call(x, dim=None, dtype=None, _stacklevel=3):
        same_type(dtype)
        return along(x, dim, lambda rows: getattr(rows, operation)())

    return call


def softmin(x, dim=None, dtype=None):
    return softmax("softmax")(x.neg(), dim, dtype)


def scale_and_shift(x, weight, bias, shape):
    """γ and β, which are 1 and 0 where PyTorch has none."""
    return ones(x, shape) if weight is None else weight, zeros(x, shape) if bias is None else bias


def batch_norm_training(x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if not training:
        raise Elsewhere
    channels = [x.shape[1]]
    gamma, beta = scale_and_shift(x, weight, bias, channels)
    running = zeros(x, channels), ones(x, channels)
    images = as_images(x)
    y, _, _ = images.batch_norm(gamma, beta, *running, epsilon=eps, momentum=momentum)
    return y.reshape(shape=list(x.shape))


def batch_norm_eval(x, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    if training:
        raise Elsewhere
    gamma, beta = scale_and_shift(x, weight, bias, [x.shape[1]])
    return as_images(x).batch_norm_eval(gamma, beta, running_mean, running_var, epsilon=eps).reshape(shape=list(x.shape))


def as_images(x):
    """Any axes behind the channels as those of an image."""
    return x.reshape(shape=[*x.shape[:2], 1, math.prod(x.shape[2:])])


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    return x.group_norm(*scale_and_shift(x, weight, bias, [x.shape[1]]), groups=num_groups, epsilon=eps)


def instance_norm(
    x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    if not use_input_stats:
        raise NotExpressible("instance normalisation by running statistics")
    return x.instance_norm(*scale_and_shift(x, weight, bias, [x.shape[1]]), epsilon=eps)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    return x.layer_norm(*scale_and_shift(x, weight, bias, normalized_shape), epsilon=eps)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    """Without ε PyTorch takes the spacing of numbers at 1."""
    eps = (2.0**-52) if eps is None else eps
    return x.rms_norm(scale_and_shift(x, weight, None, normalized_shape)[0], epsilon=eps)


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    y = as_images(x).local_response_norm(size=size, alpha=alpha, beta=beta, k=float(k))
    return y.reshape(shape=list(x.shape))


CALLS = {
    "batch_norm": {"nn.functional.batch_norm": batch_norm_training},
    "batch_norm_eval": {"nn.functional.batch_norm": batch_norm_eval},
    "group_norm": {"nn.functional.group_norm": group_norm},
    "instance_norm": {"nn.functional.instance_norm": instance_norm},
    "layer_norm": {"nn.functional.layer_norm": layer_norm},
    "local_response_norm": {"nn.functional.local_response_norm": local_response_norm},
    "log_softmax": {"log_softmax": softmax("log_softmax"), "log_softmax/with_dtype": softmax("log_softmax")},
    "rms_norm": {"nn.functional.rms_norm": rms_norm},
    "softmax": {
        "softmax": softmax("softmax"),
        "softmax/with_dtype": softmax("softmax"),
        "nn.functional.softmin": softmin,
        "nn.functional.softmin/with_dtype": softmin,
    },
}
