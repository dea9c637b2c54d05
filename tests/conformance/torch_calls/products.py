"""Matrix products."""

import math

from library import NotExpressible, Variable

from .shared import variable


def matmul(x, other):
    """As NumPy has it: vectors are matrices of one row or column, which the result has not."""
    other = variable(other, x)
    if 0 in (x.rank, other.rank):
        raise NotExpressible("a product of numbers")
    a = x.reshape(shape=[1, *x.shape]) if x.rank == 1 else x
    b = other.reshape(shape=[*other.shape, 1]) if other.rank == 1 else other
    y = a.matmul(b, a=False, b=False)
    rows = [] if x.rank == 1 else [y.shape[-2]]
    columns = [] if other.rank == 1 else [y.shape[-1]]
    shape = [*y.shape[:-2], *rows, *columns]
    return y.reshape(shape=shape) if tuple(shape) != y.shape else y


def rmatmul(x, other):
    return matmul(other, x)


def addmm(x, a, b, beta=1, alpha=1):
    return x.scale(factor=float(beta)).add(matmul(a, b).scale(factor=float(alpha)))


def linear(x, weight, bias=None):
    """One row for each place of the leading axes; a weight that is a vector is a matrix of one row."""
    w = weight.reshape(shape=[1, *weight.shape]) if weight.rank == 1 else weight
    b = bias.reshape(shape=[1]) if bias is not None and bias.rank == 0 else bias
    rows = x if x.rank == 2 else x.reshape(shape=[math.prod(x.shape[:-1]), x.shape[-1]])
    y = rows.linear(w, b)
    shape = [*x.shape[:-1], *weight.shape[:-1]]
    return y if tuple(shape) == y.shape else y.reshape(shape=shape)


def attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    """A mask of numbers is added to the scores; one of truth values says which keys are seen."""
    if dropout_p > 0:
        raise NotExpressible("numbers drawn at random")
    if isinstance(attn_mask, Variable) and attn_mask.is_leaf:
        raise NotExpressible("a mask of attention with a gradient")
    q = q if scale is None else q.scale(factor=scale * math.sqrt(q.shape[-1]))
    if attn_mask is None:
        return q.scaled_dot_product_attention(k, v, mask="causal" if is_causal else "none")
    kind = "added" if isinstance(attn_mask, Variable) else "visible"
    return q.scaled_dot_product_attention(k, v, variable(attn_mask, q), mask=kind)


def einsum(tensors, equation):
    """Of two factors, with the result's letters named."""
    if len(tensors) != 2:
        raise NotExpressible("einsum of one factor or more than two")
    if "..." in equation or "->" not in equation:
        raise NotExpressible("einsum without names of all axes")
    return tensors[0].einsum(tensors[1], equation=equation)


CALLS = {
    "einsum": {"einsum": einsum},
    "matmul": {
        "matmul": matmul,
        "__rmatmul__": rmatmul,
        "mm": matmul,
        "bmm": matmul,
        "mv": matmul,
        "dot": matmul,
        "addmm": addmm,
        "addmv": addmm,
        "baddbmm": addmm,
    },
    "linear": {"nn.functional.linear": linear},
    "scaled_dot_product_attention": {"nn.functional.scaled_dot_product_attention": attention},
}
