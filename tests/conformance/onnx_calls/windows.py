"""Convolution, pooling and other sizes of images."""

import math

from library import NotExpressible


def window_options(x, kernel_shape, strides, pads, dilations, auto_pad):
    """Stride, dilation and, for each axis, the padding before and behind."""
    axes = len(kernel_shape)
    strides, dilations = list(strides or [1] * axes), list(dilations or [1] * axes)
    pads = list(pads or [0] * 2 * axes)
    margins = list(zip(pads[:axes], pads[axes:]))
    if auto_pad in (b"SAME_UPPER", b"SAME_LOWER"):
        sizes = zip(x.shape[2:], kernel_shape, strides, dilations)
        total = [max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0) for size, k, s, d in sizes]
        margins = [(t // 2, t - t // 2) if auto_pad == b"SAME_UPPER" else (t - t // 2, t // 2) for t in total]
    return strides, dilations, margins


def conv(x, w, b=None, auto_pad=b"NOTSET", dilations=None, group=1, kernel_shape=None, pads=None, strides=None):
    """Along one axis, uneven padding is added before."""
    axes = x.rank - 2
    if axes not in (1, 2):
        raise NotExpressible(f"images of {axes} axes")
    strides, dilations, margins = window_options(x, w.shape[2:], strides, pads, dilations, auto_pad)
    if axes == 1 and margins[0][0] != margins[0][1]:
        x, margins = x.pad(margins=[(0, 0), (0, 0), *margins], value=0.0), [(0, 0)]
    options = {"stride": strides, "padding": [before for before, _ in margins], "dilation": dilations}
    if axes == 1:
        return x.conv1d(w, b, groups=group, **{name: option[0] for name, option in options.items()})
    return x.conv2d(w, b, groups=group, padding_end=[behind for _, behind in margins], **options)


def conv_transpose(
    x, w, b=None, auto_pad=b"NOTSET", dilations=None, group=1, kernel_shape=None, output_padding=None, output_shape=None,
    pads=None, strides=None,
):
    """Images of one axis are images of one row."""
    axes = x.rank - 2
    if axes not in (1, 2):
        raise NotExpressible(f"images of {axes} axes")
    if auto_pad != b"NOTSET" or output_shape is not None:
        raise NotExpressible("transposed convolution to a given size")
    strides, dilations, margins = window_options(x, w.shape[2:], strides, pads, dilations, auto_pad)
    if any(before != behind for before, behind in margins):
        raise NotExpressible("transposed convolution with uneven padding")
    row = [1] * (2 - axes)
    options = {
        "stride": [*row, *strides],
        "padding": [*[0] * (2 - axes), *(before for before, _ in margins)],
        "dilation": [*row, *dilations],
        "output_padding": [*[0] * (2 - axes), *(output_padding or [0] * axes)],
    }
    image, kernel = (t.reshape(shape=[*t.shape[:2], *row, *t.shape[2:]]) for t in (x, w))
    y = image.conv_transpose2d(kernel, b, groups=group, **options)
    return y if axes == 2 else y.reshape(shape=[*y.shape[:2], y.shape[3]])


def pooled(operation, fill):
    """Pooling of images of one or two axes; wide padding is added before, of max pooling with −∞."""

    def call(
        x, kernel_shape, auto_pad=b"NOTSET", ceil_mode=0, dilations=None, pads=None, strides=None, count_include_pad=0,
        storage_order=0,
    ):
        axes = x.rank - 2
        if axes not in (1, 2):
            raise NotExpressible(f"images of {axes} axes")
        strides, dilations, margins = window_options(x, kernel_shape, strides, pads, dilations, auto_pad)
        if fill is None and any(d != 1 for d in dilations):
            raise NotExpressible("dilated average pooling")
        if any(max(margin) > k // 2 for margin, k in zip(margins, kernel_shape)):
            if fill is None and not count_include_pad or ceil_mode:
                raise NotExpressible("padding of more than half the kernel that does not count")
            x, margins = x.pad(margins=[(0, 0), (0, 0), *margins], value=0.0 if fill is None else fill), [(0, 0)] * axes
        image = x if axes == 2 else x.reshape(shape=[*x.shape[:2], 1, x.shape[2]])
        row, none = [1] * (2 - axes), [0] * (2 - axes)
        options = {
            "kernel": [*row, *kernel_shape],
            "stride": [*row, *strides],
            "padding": [*none, *(before for before, _ in margins)],
            "padding_end": [*none, *(behind for _, behind in margins)],
            "ceil": bool(ceil_mode),
        }
        if fill is None:
            options["divisor"] = "padded" if count_include_pad else "inside"
        else:
            options["dilation"] = [*row, *dilations]
        y = getattr(image, operation)(**options)
        return y if axes == 2 else y.reshape(shape=[*y.shape[:2], y.shape[3]])

    return call


def global_average_pool(x):
    return x.global_avg_pool().reshape(shape=[*x.shape[:2], *[1] * (x.rank - 2)])


def resize(x, roi=None, scales=None, sizes=None, mode=b"nearest", axes=None, **attributes):
    """The nearest pixel below, and bilinear interpolation of half pixels."""
    coordinates = attributes.pop("coordinate_transformation_mode", b"half_pixel")
    rounding = attributes.pop("nearest_mode", b"round_prefer_floor")
    sizes = new_sizes(x, scales, sizes, range(x.rank) if axes is None else axes)
    if x.rank != 4 or any(attributes.values()) or tuple(sizes[:2]) != x.shape[:2]:
        raise NotExpressible("other ways of resizing")
    if mode == b"linear" and coordinates == b"half_pixel":
        return x.upsample_bilinear2d(size=sizes[2:])
    # Of images that become a whole number of times as large, half pixels are rounded to the pixel below too.
    whole = all(size % own == 0 for size, own in zip(sizes, x.shape))
    below = (coordinates, rounding) == (b"asymmetric", b"floor")
    if mode == b"nearest" and (below or whole and (coordinates, rounding) == (b"half_pixel", b"round_prefer_floor")):
        return x.upsample_nearest2d(size=sizes[2:])
    raise NotExpressible("other ways of resizing")


def new_sizes(x, scales, sizes, axes):
    new = list(x.shape)
    for i, axis in enumerate(axes):
        size = x.shape[axis] * float(scales.value()[i]) if sizes is None else int(sizes[i])
        if abs(size - round(size)) > 1e-5:
            raise NotExpressible("resizing by a factor that the new size has not")
        new[axis] = round(size)
    return new


CALLS = {
    "AveragePool": pooled("avg_pool2d", None),
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "GlobalAveragePool": global_average_pool,
    "MaxPool": pooled("max_pool2d", -math.inf),
    "Resize": resize,
}
