//! Element-wise operations: cut into chunks, one pass over memory each. Knows no operation.

use super::isa;
use crate::par::{CHUNK, chunk, for_each, for_each_pair};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa};

/// Calls `kernel(isa, x, y)` for every chunk of `x` and the output.
pub(in crate::ops) fn unary<E: Element>(x: &Tensor<E>, kernel: impl Fn(Isa, &[E], &mut [E]) + Sync) -> Tensor<E> {
    let (isa, x, shape) = (isa(), x.as_slice(), *x.shape());
    Tensor::build(shape, |y| for_each(y, CHUNK, |i, y| kernel(isa, &x[chunk(i, x.len())], y)))
}

/// Calls `kernel(isa, a, b, y)` for every chunk of two inputs of one shape and the output.
pub(in crate::ops) fn binary<E: Element>(
    a: &Tensor<E>,
    b: &Tensor<E>,
    kernel: impl Fn(Isa, &[E], &[E], &mut [E]) + Sync,
) -> Tensor<E> {
    let (isa, shape) = (isa(), same_shape(a, b));
    let (a, b) = (a.as_slice(), b.as_slice());
    Tensor::build(shape, |y| {
        for_each(y, CHUNK, |i, y| {
            let chunk = chunk(i, a.len());
            kernel(isa, &a[chunk.clone()], &b[chunk], y);
        })
    })
}

/// Calls `kernel(isa, inputs, y)` for every chunk of three inputs of one shape and the output.
pub(in crate::ops) fn ternary<E: Element>(
    inputs: [&Tensor<E>; 3],
    kernel: impl Fn(Isa, [&[E]; 3], &mut [E]) + Sync,
) -> Tensor<E> {
    let [a, b, c] = inputs;
    same_shape(a, b);
    let (isa, shape, inputs) = (isa(), same_shape(a, c), inputs.map(Tensor::as_slice));
    Tensor::build(shape, |y| {
        for_each(y, CHUNK, |i, y| kernel(isa, inputs.map(|x| &x[chunk(i, x.len())]), y));
    })
}

/// Calls `kernel(isa, a, b, dy, da, db)` for every chunk of three inputs of one shape and two outputs.
pub(in crate::ops) fn binary_backward<E: Element>(
    a: &Tensor<E>,
    b: &Tensor<E>,
    dy: &Tensor<E>,
    kernel: impl Fn(Isa, &[E], &[E], &[E], &mut [E], &mut [E]) + Sync,
) -> [Option<Tensor<E>>; 2] {
    let (isa, shape) = (isa(), same_shape(a, b));
    let (a, b, dy) = (a.as_slice(), b.as_slice(), dy.as_slice());
    let mut db = Tensor::build(shape, |_| ());
    let da = Tensor::build(shape, |da| {
        for_each_pair((da, CHUNK), (db.as_mut_slice(), CHUNK), |i, da, db| {
            let chunk = chunk(i, a.len());
            kernel(isa, &a[chunk.clone()], &b[chunk.clone()], &dy[chunk], da, db);
        })
    });
    [Some(da), Some(db)]
}

fn same_shape<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> Shape {
    assert_eq!(a.shape(), b.shape(), "an element-wise pass over tensors of one shape");
    *a.shape()
}
