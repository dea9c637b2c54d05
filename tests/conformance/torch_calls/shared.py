"""What several tables need."""

import numbers

import torch

from library import NotExpressible, Variable


def pair(sizes):
    """A size for each of two axes, given as one number or as a list of one or two."""
    sizes = [sizes] if isinstance(sizes, numbers.Number) else list(sizes)
    return sizes * 2 if len(sizes) == 1 else sizes


def axis_of(x, dim):
    """An axis as we count it, from 0 on; a number has one, for PyTorch."""
    return dim % max(x.rank, 1)


def axes_of(x, dim):
    """Axes to reduce: all where none is named."""
    dims = [dim] if isinstance(dim, int) else dim
    return sorted(axis_of(x, d) for d in dims) if dims is not None and len(dims) > 0 else list(range(x.rank))


def variable(value, like):
    """A variable of a tensor without a gradient or of a number."""
    if isinstance(value, Variable):
        return value
    if isinstance(value, complex):
        raise NotExpressible("complex numbers")
    number = value if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=torch.float64)
    return like.library.constant(number.double().numpy())


def both(x, other):
    """Two variables, of which one may be given as a number."""
    like = x if isinstance(x, Variable) else other
    if not isinstance(like, Variable):
        raise NotExpressible("numbers without a tensor")
    return variable(x, like), variable(other, like)


def ones(x, shape):
    return x.library.constant(torch.ones(shape).numpy())


def zeros(x, shape):
    return x.library.constant(torch.zeros(shape).numpy())


def at_least_one_axis(x):
    return x if x.rank else x.reshape(shape=[1])


def swapped(x, a, b):
    """Two axes change places."""
    axes = list(range(x.rank))
    axes[a], axes[b] = axes[b], axes[a]
    return x if a == b else x.transpose(axes=axes)


def along(x, dim, f):
    """An operation of the last axis, along another one."""
    axis, flat = axis_of(x, dim), at_least_one_axis(x)
    y = swapped(f(swapped(flat, axis, flat.rank - 1)), axis, flat.rank - 1)
    return y.reshape(shape=list(x.shape)) if x.rank == 0 else y


def batched(x, rank, f):
    """An operation of batches, on one image where `x` has one axis less than `rank`."""
    if x.rank == rank:
        return f(x)
    if x.rank != rank - 1:
        raise NotExpressible(f"images of {x.rank - 2} axes")
    y = f(x.reshape(shape=[1, *x.shape]))
    return y.reshape(shape=list(y.shape[1:]))


def same_type(dtype):
    """Refuses to calculate in another element type than that of the comparison, which PyTorch calculates in f64."""
    if dtype not in (None, torch.float64):
        raise NotExpressible("another element type")
