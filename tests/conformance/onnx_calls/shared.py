"""What several tables need."""

import numpy

from library import Variable


def constant(x, array):
    return array if isinstance(array, Variable) else x.library.constant(numpy.asarray(array, dtype=numpy.float64))


def axis_of(x, axis):
    return axis % max(x.rank, 1)


def swapped(x, a, b):
    axes = list(range(x.rank))
    axes[a], axes[b] = axes[b], axes[a]
    return x if a == b else x.transpose(axes=axes)
