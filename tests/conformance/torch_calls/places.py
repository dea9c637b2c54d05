"""Operations that choose, move, add up or compare elements by their places."""

import math

import torch

from library import Elsewhere, NotExpressible

from .shared import at_least_one_axis, axes_of, axis_of, same_type, swapped

# Along axes ----------------------------------------------------------------------------------------------------------


def reduction(operation):
    def call(x, dim=None, keepdim=False, dtype=None):
        same_type(dtype)
        if x.rank == 0:
            return getattr(x.reshape(shape=[1]), operation)(axes=[0], kept=False)
        return getattr(x, operation)(axes=axes_of(x, dim), kept=keepdim)

    return call


def both_extremes(x, dim=None, keepdim=False):
    return [reduction("amin")(x, dim, keepdim), reduction("amax")(x, dim, keepdim)]


def sum_to_size(x, *shape):
    shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    ahead = x.rank - len(shape)
    axes = [i for i in range(x.rank) if i < ahead or shape[i - ahead] == 1]
    return (x.sum(axes=axes, kept=True) if axes else x).reshape(shape=list(shape))


def extreme(operation):
    """Along one axis: the values and their places."""

    def call(x, dim, keepdim=False):
        flat, axis = at_least_one_axis(x), axis_of(x, dim)
        y = getattr(flat, operation)(axis=axis, kept=keepdim and x.rank > 0)
        places = getattr(flat, f"arg{operation}")(axis=axis)
        return [y, places.reshape(shape=list(y.shape))]

    return call


def place(operation):
    def call(x, dim=None, keepdim=False):
        flat = x.reshape(shape=[math.prod(x.shape)]) if dim is None else at_least_one_axis(x)
        axis = 0 if dim is None else axis_of(x, dim)
        shape = [1] * x.rank if dim is None else [1 if i == axis else size for i, size in enumerate(x.shape)]
        if not keepdim:
            shape = [] if dim is None else [size for i, size in enumerate(x.shape) if i != axis]
        return getattr(flat, operation)(axis=axis).reshape(shape=shape)

    return call


def cumsum(x, dim, dtype=None):
    same_type(dtype)
    y = at_least_one_axis(x).cumsum(axis=axis_of(x, dim))
    return y if x.rank else y.reshape(shape=[])


# Choosing ------------------------------------------------------------------------------------------------------------


def cat(tensors, dim=0):
    tensors = [x for x in tensors if x.shape != (0,)]
    return tensors[0].concat(*tensors[1:], axis=axis_of(tensors[0], dim))


def hstack(tensors):
    tensors = [at_least_one_axis(x) for x in tensors]
    return cat(tensors, dim=0 if tensors[0].rank == 1 else 1)


def vstack(tensors):
    return cat([x if x.rank > 1 else x.reshape(shape=[1, math.prod(x.shape)]) for x in tensors])


def stack(tensors, dim=0):
    return tensors[0].stack(*tensors[1:], axis=dim % (tensors[0].rank + 1))


def narrow(x, dim, start, length):
    axis = axis_of(x, dim)
    start = int(start) % x.shape[axis] if start < 0 else int(start)
    return x.slice(axis=axis, start=start, end=start + length)


def slice_(x, dim=0, start=None, end=None, step=1):
    if step != 1:
        raise NotExpressible("slices with a step")
    axis = axis_of(x, dim)
    start, end, _ = slice(start, end).indices(x.shape[axis])
    return x.slice(axis=axis, start=start, end=end)


def select(x, dim, index):
    axis = axis_of(x, dim)
    y = narrow(x, dim, index, 1)
    return y.reshape(shape=[size for i, size in enumerate(x.shape) if i != axis])


def getitem(x, *index):
    """Numbers, slices, `None` and `...`."""
    index = index[0] if len(index) == 1 and isinstance(index[0], tuple) else index
    if not all(part is None or part is ... or type(part) in (int, slice) for part in index):
        raise NotExpressible("indices that are tensors or lists")
    named = sum(part is not None and part is not ... for part in index)
    if ... not in index:
        index = (*index, ...)
    axis, shape = 0, []
    for part in index:
        if part is None:
            shape.append(1)
        elif part is ...:
            rest = x.rank - named
            shape += x.shape[axis : axis + rest]
            axis += rest
        elif isinstance(part, slice):
            x = slice_(x, axis, part.start, part.stop, part.step or 1)
            shape.append(x.shape[axis])
            axis += 1
        else:
            x = narrow(x, axis, part, 1)
            axis += 1
    return x.reshape(shape=shape)


def unbind(x, dim=0):
    return [select(x, dim, i) for i in range(x.shape[axis_of(x, dim)])]


def split(x, split_size, dim=0):
    axis = axis_of(x, dim)
    if isinstance(split_size, int):
        parts = x.split(axis=axis, size=split_size)
        return parts if isinstance(parts, list) else [parts]
    raise Elsewhere


def split_with_sizes(x, split_sizes, dim=0):
    starts = [sum(split_sizes[:i]) for i in range(len(split_sizes))]
    return [narrow(x, dim, start, size) for start, size in zip(starts, split_sizes)]


def chunk(x, chunks, dim=0):
    return split(x, -(-x.shape[axis_of(x, dim)] // chunks), dim)


def gather(x, dim, index):
    """Of an index that is smaller along other axes, we ask the part of x that it has."""
    if index.numel() == 0:
        raise NotExpressible("empty tensors")
    x, index = at_least_one_axis(x), torch.atleast_1d(index)
    axis = axis_of(x, dim)
    for other, size in enumerate(index.shape):
        if other != axis and size < x.shape[other]:
            x = x.slice(axis=other, start=0, end=size)
    return x.gather(axis=axis, index=index.flatten().tolist())


def gather_like(x, dim, index, sparse_grad=False):
    y = gather(x, dim, index)
    return y if x.rank and index.dim() else y.reshape(shape=list(index.shape))


def take_along_dim(x, indices, dim=None):
    if dim is None:
        return x.reshape(shape=[math.prod(x.shape)]).gather(axis=0, index=indices.flatten().tolist())
    axis = axis_of(x, dim)
    shape = [1 if i == axis else max(size, other) for i, (size, other) in enumerate(zip(x.shape, indices.shape))]
    if any(size != common for i, (size, common) in enumerate(zip(x.shape, shape)) if i != axis):
        raise NotExpressible("repeating a tensor without another to broadcast with")
    shape[axis] = indices.shape[axis]
    return gather(x, axis, indices.expand(shape))


def embedding(weight, input, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """As a method of the table, as the samples have it."""
    if max_norm is not None or scale_grad_by_freq:
        raise NotExpressible("embeddings that are rescaled")
    if padding_idx is not None:
        raise NotExpressible("rows of an embedding that have no gradient")
    return weight.embedding(index=input.flatten().tolist()).reshape(shape=[*input.shape, *weight.shape[1:]])


def index_select(x, dim, index):
    flat, axis = at_least_one_axis(x), axis_of(x, dim)
    y = swapped(swapped(flat, 0, axis).embedding(index=index.flatten().tolist()), 0, axis)
    return y if x.rank else y.reshape(shape=[])


# Moving --------------------------------------------------------------------------------------------------------------


def transpose(x, dim0, dim1):
    return x.reshape(shape=[]) if x.rank == 0 else swapped(x, axis_of(x, dim0), axis_of(x, dim1))


def permute(x, dims):
    return x.transpose(axes=[axis_of(x, d) for d in dims])


def t(x):
    return swapped(x, 0, 1) if x.rank == 2 else x.reshape(shape=list(x.shape))


def movedim(x, source, destination):
    source, destination = ([d] if isinstance(d, int) else list(d) for d in (source, destination))
    source, destination = [axis_of(x, d) for d in source], [axis_of(x, d) for d in destination]
    rest = iter(axis for axis in range(x.rank) if axis not in source)
    moved = dict(zip(destination, source))
    return x.transpose(axes=[moved[axis] if axis in moved else next(rest) for axis in range(x.rank)])


def reshape(x, *shape):
    """-1 stands for the size that is left."""
    shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    if isinstance(shape, torch.dtype):
        raise NotExpressible("another element type")
    known = math.prod(size for size in shape if size != -1)
    return x.reshape(shape=[math.prod(x.shape) // known if size == -1 and known else size for size in shape])


def reshape_as(x, other):
    return x.reshape(shape=list(other.shape))


def flatten(x, start_dim=0, end_dim=-1):
    start, end = axis_of(x, start_dim), axis_of(x, end_dim)
    return x.reshape(shape=[*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]])


def unflatten(x, dim, sizes):
    axis = axis_of(x, dim)
    known = math.prod(size for size in sizes if size != -1)
    sizes = [x.shape[axis] // known if size == -1 else size for size in sizes]
    return x.reshape(shape=[*x.shape[:axis], *sizes, *x.shape[axis + 1 :]])


def squeeze(x, dim=None):
    dims = range(x.rank) if dim is None else [axis_of(x, d) for d in ([dim] if isinstance(dim, int) else dim)]
    return x.reshape(shape=[size for axis, size in enumerate(x.shape) if axis not in dims or size != 1])


def unsqueeze(x, dim):
    axis = dim % (x.rank + 1)
    return x.reshape(shape=[*x.shape[:axis], 1, *x.shape[axis:]])


def pad(x, pad, mode="constant", value=None):
    """From the last axis on, as many as are named; a negative margin is cut off."""
    margins = [(0, 0)] * (x.rank - len(pad) // 2) + list(zip(pad[::2], pad[1::2]))[::-1]
    for axis, (before, after) in enumerate(margins):
        if min(before, after) < 0:
            x = x.slice(axis=axis, start=max(-before, 0), end=x.shape[axis] + min(after, 0))
    return x.pad(margins=[(max(before, 0), max(after, 0)) for before, after in margins], value=float(value or 0))


def constant_pad_nd(x, pad_, value=0):
    return pad(x, pad_, value=value)


CALLS = {
    "amax": {"amax": reduction("amax"), "max/reduction_no_dim": reduction("amax"), "aminmax": both_extremes},
    "amin": {"amin": reduction("amin"), "min/reduction_no_dim": reduction("amin")},
    "concat": {"cat": cat, "hstack": hstack, "vstack": vstack},
    "cumsum": {"cumsum": cumsum},
    "embedding": {"nn.functional.embedding": embedding, "index_select": index_select},
    "gather": {"gather": gather_like, "take_along_dim": take_along_dim},
    "max": {"max/reduction_with_dim": extreme("max"), "argmax": place("argmax")},
    "mean": {"mean": reduction("mean")},
    "min": {"min/reduction_with_dim": extreme("min"), "argmin": place("argmin")},
    "pad": {"nn.functional.pad/constant": pad, "constant_pad_nd": constant_pad_nd},
    "reshape": {
        "reshape": reshape,
        "view": reshape,
        "reshape_as": reshape_as,
        "view_as": reshape_as,
        "flatten": flatten,
        "ravel": flatten,
        "unflatten": unflatten,
        "squeeze": squeeze,
        "squeeze/multiple": squeeze,
        "unsqueeze": unsqueeze,
    },
    "slice": {
        "slice": slice_,
        "narrow": narrow,
        "select": select,
        "__getitem__": getitem,
        "unbind": unbind,
        "split_with_sizes": split_with_sizes,
        "split/list_args": split_with_sizes,
    },
    "split": {"split": split, "chunk": chunk},
    "stack": {"stack": stack},
    "sum": {"sum": reduction("sum"), "sum_to_size": sum_to_size},
    "transpose": {"transpose": transpose, "permute": permute, "movedim": movedim, "t": t, "T": t},
}
