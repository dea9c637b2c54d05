"""Operators that choose, move, add up or compare elements by their places."""

import math

import numpy

from library import NotExpressible

from .shared import axis_of


def reduced(operation):
    def call(x, axes=None, keepdims=1, noop_with_empty_axes=0):
        none = axes is None or len(axes) == 0
        if none and noop_with_empty_axes:
            return x.reshape(shape=list(x.shape))
        axes = list(range(x.rank)) if none else sorted(axis_of(x, int(axis)) for axis in axes)
        return operation(x, axes, bool(keepdims))

    return call


def plain_reduction(name):
    return reduced(lambda x, axes, kept: getattr(x, name)(axes=axes, kept=kept))


def arg(operation):
    def call(x, axis=0, keepdims=1, select_last_index=0):
        if select_last_index:
            raise NotExpressible("the last of equal elements")
        axis = axis_of(x, axis)
        shape = [1 if i == axis else size for i, size in enumerate(x.shape) if i != axis or keepdims]
        return getattr(x, operation)(axis=axis).reshape(shape=shape)

    return call


def concat(*inputs, axis):
    return inputs[0].concat(*inputs[1:], axis=axis_of(inputs[0], axis))


def split(x, sizes=None, axis=0, num_outputs=None):
    axis = axis_of(x, axis)
    if sizes is None:
        if num_outputs is None:
            raise NotExpressible("as many parts as the graph names")
        return x.split(axis=axis, size=-(-x.shape[axis] // num_outputs))
    starts = numpy.cumsum([0, *sizes])
    return [x.slice(axis=axis, start=int(a), end=int(b)) for a, b in zip(starts, starts[1:])]


def slice_(x, starts, ends, axes=None, steps=None):
    axes = range(len(starts)) if axes is None else axes
    if steps is not None and any(step != 1 for step in steps):
        raise NotExpressible("slices with a step")
    for start, end, axis in zip(starts, ends, axes):
        axis = axis_of(x, int(axis))
        start, end, _ = slice(int(start), int(end)).indices(x.shape[axis])
        x = x.slice(axis=axis, start=start, end=end)
    return x


def gather(x, indices, axis=0):
    """Whole slices: rows of an embedding, with the axis in front."""
    axis = axis_of(x, axis)
    rows = x.transpose(axes=[axis, *(i for i in range(x.rank) if i != axis)])
    index = (indices.flatten() % x.shape[axis]).tolist()
    y = rows.embedding(index=index).reshape(shape=[*indices.shape, *rows.shape[1:]])
    behind = list(range(indices.ndim, indices.ndim + axis))
    return y.transpose(axes=[*behind, *range(indices.ndim), *range(indices.ndim + axis, y.rank)])


def gather_elements(x, indices, axis=0):
    axis = axis_of(x, axis)
    for other, size in enumerate(indices.shape):
        if other != axis and size < x.shape[other]:
            x = x.slice(axis=other, start=0, end=size)
    return x.gather(axis=axis, index=(indices.flatten() % x.shape[axis]).tolist())


def transpose(x, perm=None):
    return x.transpose(axes=list(range(x.rank))[::-1] if perm is None else list(perm))


def reshape(x, shape, allowzero=0):
    sizes = [x.shape[i] if size == 0 and not allowzero else int(size) for i, size in enumerate(shape)]
    known = math.prod(size for size in sizes if size != -1)
    return x.reshape(shape=[math.prod(x.shape) // known if size == -1 else size for size in sizes])


def flatten(x, axis=1):
    axis = axis + x.rank if axis < 0 else axis
    return x.reshape(shape=[math.prod(x.shape[:axis]), math.prod(x.shape[axis:])])


def squeeze(x, axes=None):
    axes = None if axes is None else [axis_of(x, int(axis)) for axis in axes]
    return x.reshape(shape=[s for i, s in enumerate(x.shape) if (s != 1 if axes is None else i not in axes)])


def unsqueeze(x, axes):
    rank = x.rank + len(axes)
    new, sizes = {int(axis) % rank for axis in axes}, iter(x.shape)
    return x.reshape(shape=[1 if axis in new else next(sizes) for axis in range(rank)])


def pad(x, pads, value=None, axes=None, mode=b"constant"):
    if mode != b"constant":
        raise NotExpressible(f"padding by {mode.decode()}")
    axes = list(range(x.rank)) if axes is None else [axis_of(x, int(axis)) for axis in axes]
    margins = [(0, 0)] * x.rank
    for axis, before, behind in zip(axes, pads[: len(axes)], pads[len(axes) :]):
        margins[axis] = int(before), int(behind)
    return x.pad(margins=margins, value=0.0 if value is None else float(value.value()))


def cumsum(x, axis, exclusive=0, reverse=0):
    if exclusive or reverse:
        raise NotExpressible("sums from the end, or without the element itself")
    return x.cumsum(axis=axis_of(x, int(axis)))


CALLS = {
    "ArgMax": arg("argmax"),
    "ArgMin": arg("argmin"),
    "Concat": concat,
    "CumSum": cumsum,
    "Flatten": flatten,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Pad": pad,
    "ReduceL1": reduced(lambda x, axes, kept: x.abs().sum(axes=axes, kept=kept)),
    "ReduceL2": reduced(lambda x, axes, kept: x.pow(exponent=2.0).sum(axes=axes, kept=kept).sqrt()),
    "ReduceMax": plain_reduction("amax"),
    "ReduceMean": plain_reduction("mean"),
    "ReduceMin": plain_reduction("amin"),
    "ReduceSum": plain_reduction("sum"),
    "ReduceSumSquare": reduced(lambda x, axes, kept: x.pow(exponent=2.0).sum(axes=axes, kept=kept)),
    "Reshape": reshape,
    "Slice": slice_,
    "Split": split,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
