//! Passes over rows, the slices along the last axis: cut into chunks of whole rows. Knows no operation.

use super::isa;
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa};

/// The length of a row; an error where there is none.
pub(in crate::ops) fn width(op: &'static str, x: &Shape) -> Result<usize> {
    let remedy = "give it at least one axis";
    x.sizes().last().copied().ok_or_else(|| Error::op(op, "x is a single number without axes", &[("x", x)], remedy))
}

/// Calls `kernel(isa, width, x, y)` for whole rows of `x` and the output.
pub(in crate::ops) fn unary<E: Element>(
    x: &Tensor<E>,
    kernel: impl Fn(Isa, usize, &[E], &mut [E]) + Sync,
) -> Tensor<E> {
    binary(x, x, |isa, width, x, _, y| kernel(isa, width, x, y))
}

/// Calls `kernel(isa, width, a, b, y)` for whole rows of two inputs of one shape and the output.
pub(in crate::ops) fn binary<E: Element>(
    a: &Tensor<E>,
    b: &Tensor<E>,
    kernel: impl Fn(Isa, usize, &[E], &[E], &mut [E]) + Sync,
) -> Tensor<E> {
    assert_eq!(a.shape(), b.shape(), "a pass over rows of tensors of one shape");
    let width = *a.shape().sizes().last().expect("output_shape has agreed to at least one axis");
    let (isa, shape, chunk) = (isa(), *a.shape(), width * (CHUNK / width).max(1));
    let (a, b) = (a.as_slice(), b.as_slice());
    Tensor::build(shape, |y| {
        for_each(y, chunk, |i, y| {
            let place = i * chunk..i * chunk + y.len();
            kernel(isa, width, &a[place.clone()], &b[place], y);
        })
    })
}

/// Refuses values that are not finite in a batch of rows, and says in which sample and class.
pub(in crate::ops) fn finite<E: Element>(
    op: &'static str,
    what: &str,
    x: &Tensor<E>,
    shapes: &[(&str, &Shape)],
) -> Result<()> {
    let Some(flat) = x.as_slice().iter().position(|x| !x.is_finite()) else { return Ok(()) };
    let index = x.index_of(flat);
    let problem = format!("the {what} of sample {} for class {} is {}", index[0], index[1], x.as_slice()[flat]);
    let remedy = "run the same step inside evograd::checked(...), which names the first operation at fault";
    Err(Error::op(op, problem, shapes, remedy))
}
