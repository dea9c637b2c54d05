"""Matrix products and attention."""

import math

from library import NotExpressible, Variable

from .shared import constant


def matmul(a, b):
    """As NumPy has it: vectors are matrices of one row or column, which the result has not."""
    left = a.reshape(shape=[1, *a.shape]) if a.rank == 1 else a
    right = b.reshape(shape=[*b.shape, 1]) if b.rank == 1 else b
    y = left.matmul(right, a=False, b=False)
    rows, columns = [y.shape[-2]] * (a.rank > 1), [y.shape[-1]] * (b.rank > 1)
    return y.reshape(shape=[*y.shape[:-2], *rows, *columns])


def gemm(a, b, c=None, alpha=1.0, beta=1.0, transA=0, transB=0):
    y = a.matmul(b, a=bool(transA), b=bool(transB)).scale(factor=alpha)
    return y if c is None else y.add(c.scale(factor=beta))


def attention(q, k, v, mask=None, *past, is_causal=0, scale=None, q_num_heads=None, kv_num_heads=None, **options):
    """Heads of their own axis, or beside each other in the last one."""
    if past or any(options.values()):
        raise NotExpressible("attention with a past, a cap of the scores or these as an output")
    if is_causal and mask is not None:
        raise NotExpressible("two masks of attention")
    if q.rank == 3:
        q, k, v = heads(q, q_num_heads), heads(k, kv_num_heads), heads(v, kv_num_heads)
    if q.shape[1] != k.shape[1]:
        raise NotExpressible("heads that share keys")
    if is_causal and q.shape[2] != k.shape[2]:
        raise NotExpressible("a causal mask of other keys than queries")
    scaled = q if scale is None else q.scale(factor=scale * math.sqrt(q.shape[-1]))
    if mask is None:
        y = scaled.scaled_dot_product_attention(k, v, mask="causal" if is_causal else "none")
    else:
        kind = "added" if isinstance(mask, Variable) else "visible"
        y = scaled.scaled_dot_product_attention(k, v, constant(q, mask), mask=kind)
    if q_num_heads is None:
        return y
    return y.transpose(axes=[0, 2, 1, 3]).reshape(shape=[y.shape[0], y.shape[2], y.shape[1] * y.shape[3]])


def heads(x, count):
    return x.reshape(shape=[*x.shape[:2], count, x.shape[2] // count]).transpose(axes=[0, 2, 1, 3])


def einsum(*factors, equation):
    equation = equation.decode()
    if len(factors) != 2 or "..." in equation or "->" not in equation:
        raise NotExpressible("einsum of other than two factors, or without names of all axes")
    return factors[0].einsum(factors[1], equation=equation)


CALLS = {
    "Attention": attention,
    "Einsum": einsum,
    "Gemm": gemm,
    "MatMul": matmul,
}
