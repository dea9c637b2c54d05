"""Convolution, pooling and other sizes of images."""

from library import NotExpressible

from .shared import batched, pair


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Uneven padding is added before."""
    stride, dilation = pair(stride)[0], pair(dilation)[0]
    if padding == "same":
        before, behind = same_padding(weight, [dilation])
        x, padding = x.pad(margins=[(0, 0)] * (x.rank - 1) + [(before[0], behind[0])], value=0.0), 0
    padding = pair(0 if padding == "valid" else padding)[0]
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return batched(x, 3, lambda x: x.conv1d(weight, bias, **options))


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    options = {"stride": pair(stride), "dilation": pair(dilation), "groups": groups}
    if padding == "same":
        options["padding"], options["padding_end"] = same_padding(weight, options["dilation"])
    else:
        options["padding"] = pair(0 if padding == "valid" else padding)
    return batched(x, 4, lambda x: x.conv2d(weight, bias, **options))


def same_padding(weight, dilation):
    """Padding before and behind each axis. Of an uneven one, PyTorch adds the greater half behind."""
    margins = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    return [m // 2 for m in margins], [m - m // 2 for m in margins]


def conv_transpose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    options = {name: pair(option) for name, option in options.items()}
    return batched(x, 4, lambda x: x.conv_transpose2d(weight, bias, groups=groups, **options))


def conv_transpose1d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """That of images of one row."""
    image, kernel = with_a_row(x), with_a_row(weight)
    stride, dilation = [1, pair(stride)[0]], [1, pair(dilation)[0]]
    padding, output_padding = [0, pair(padding)[0]], [0, pair(output_padding)[0]]
    y = conv_transpose2d(image, kernel, bias, stride, padding, output_padding, groups, dilation)
    return without_the_row(y)


def with_a_row(x):
    return x.reshape(shape=[*x.shape[:-1], 1, x.shape[-1]])


def without_the_row(y):
    return y.reshape(shape=[*y.shape[:-2], y.shape[-1]])


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    kernel = pair(kernel_size)
    options = {"kernel": kernel, "stride": pair(stride or kernel), "padding": pair(padding), "ceil": ceil_mode}
    return batched(x, 4, lambda x: x.max_pool2d(**options, dilation=pair(dilation)))


def avg_pool2d(
    x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    if divisor_override is not None and divisor_override < 1:
        raise NotExpressible("a negative divisor of average pooling")
    kernel, divisor = pair(kernel_size), divisor_override or ("padded" if count_include_pad else "inside")
    options = {"kernel": kernel, "stride": pair(stride or kernel), "padding": pair(padding), "ceil": ceil_mode}
    return batched(x, 4, lambda x: x.avg_pool2d(**options, divisor=divisor))


def one_row(pool):
    """Pooling along one axis: that of images of one row."""

    def call(x, kernel_size, stride=None, padding=0, *more, **options):
        def of_row(sizes):
            return [1, pair(sizes)[0]]

        if "dilation" in options:
            options["dilation"] = of_row(options["dilation"])
        y = pool(with_a_row(x), of_row(kernel_size), of_row(stride or kernel_size), [0, pair(padding)[0]], *more, **options)
        return without_the_row(y)

    return call


def adaptive_avg_pool2d(x, output_size):
    size = [own if asked is None else asked for asked, own in zip(pair(output_size), x.shape[-2:])]
    return batched(x, 4, lambda x: x.adaptive_avg_pool2d(size=size))


def adaptive_avg_pool1d(x, output_size):
    y = batched(with_a_row(x), 4, lambda x: x.adaptive_avg_pool2d(size=[1, pair(output_size)[0]]))
    return without_the_row(y)


def interpolate(
    x, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None, antialias=False
):
    if antialias:
        raise NotExpressible("interpolation with antialiasing")
    if align_corners:
        raise NotExpressible("interpolation between aligned corners")
    if mode not in ("nearest", "linear", "bilinear"):
        raise NotExpressible(f"interpolation by {mode}")
    if x.rank not in (3, 4):
        raise NotExpressible(f"images of {x.rank - 2} axes")
    image = x if x.rank == 4 else x.reshape(shape=[*x.shape[:2], 1, x.shape[2]])
    size = new_size(x, size, scale_factor)
    operation = image.upsample_nearest2d if mode == "nearest" else image.upsample_bilinear2d
    y = operation(size=size if x.rank == 4 else [1, *size])
    return y if x.rank == 4 else y.reshape(shape=[*x.shape[:2], *size])


def new_size(x, size, scale_factor):
    """A factor asks for the whole part of the size, and PyTorch interpolates by the factor: the same where it is whole."""
    axes = x.rank - 2
    if size is not None:
        return [size] * axes if isinstance(size, int) else list(size)
    factors = [scale_factor] * axes if isinstance(scale_factor, (int, float)) else list(scale_factor)
    sizes = [own * factor for own, factor in zip(x.shape[2:], factors)]
    if any(size != int(size) for size in sizes):
        raise NotExpressible("interpolation by a factor that the new size has not")
    return [int(size) for size in sizes]


def upsample_bilinear(x, size=None, scale_factor=None):
    return interpolate(x, size, scale_factor, mode="bilinear", align_corners=True)


CALLS = {
    "adaptive_avg_pool2d": {
        "nn.functional.adaptive_avg_pool2d": adaptive_avg_pool2d,
        "nn.functional.adaptive_avg_pool1d": adaptive_avg_pool1d,
    },
    "avg_pool2d": {"nn.functional.avg_pool2d": avg_pool2d, "nn.functional.avg_pool1d": one_row(avg_pool2d)},
    "conv1d": {"nn.functional.conv1d": conv1d},
    "conv2d": {"nn.functional.conv2d": conv2d},
    "conv_transpose2d": {
        "nn.functional.conv_transpose1d": conv_transpose1d,
        "nn.functional.conv_transpose2d": conv_transpose2d,
    },
    "max_pool2d": {"nn.functional.max_pool2d": max_pool2d, "nn.functional.max_pool1d": one_row(max_pool2d)},
    "upsample_bilinear2d": {
        "nn.functional.interpolate/bilinear": interpolate,
        "nn.functional.interpolate/linear": interpolate,
        "nn.functional.upsample_bilinear": upsample_bilinear,
    },
    "upsample_nearest2d": {
        "nn.functional.interpolate/nearest": interpolate,
        "nn.functional.upsample_nearest": interpolate,
    },
}
