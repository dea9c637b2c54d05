//! Broadcasting as NumPy defines it: stretching an input to the output's shape, and summing a gradient back.
//!
//! Sizes are aligned at the last axis; a missing axis counts as size 1, and an axis of size 1 is repeated. Backward,
//! an element that was used many times gets the sum of the gradients of all its uses.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::borrow::Cow;

/// The common shape of two inputs.
pub(super) fn common_shape(op: &'static str, a: &Shape, b: &Shape) -> Result<Shape> {
    a.broadcast(b).ok_or_else(|| {
        let remedy = "make each pair of sizes, counted from the last axis, equal, or one of them 1";
        Error::op(op, "the shapes do not broadcast", &[("a", a), ("b", b)], remedy)
    })
}

/// `x` repeated to `shape`; `x` itself where nothing is to be repeated.
pub(super) fn stretch<'a, E: Element>(x: &'a Tensor<E>, shape: &Shape) -> Cow<'a, Tensor<E>> {
    if x.shape() == shape {
        return Cow::Borrowed(x);
    }
    let from = x.as_slice();
    Cow::Owned(Tensor::build(*shape, |y| {
        for_each_run(x.shape(), shape, y.len(), |source, run| {
            let y = &mut y[run];
            match source {
                Run::Along(start) => y.copy_from_slice(&from[start..start + y.len()]),
                Run::Repeated(at) => y.fill(from[at]),
            }
        });
    }))
}

/// The sum of `dy` over every axis along which an input of `shape` was repeated.
pub(super) fn sum_back<E: Element>(dy: Tensor<E>, shape: &Shape) -> Tensor<E> {
    if dy.shape() == shape {
        return dy;
    }
    let from = dy.as_slice();
    Tensor::build(*shape, |dx| {
        dx.fill(E::ZERO);
        for_each_run(shape, dy.shape(), from.len(), |target, run| match target {
            Run::Along(start) => dx[start..].iter_mut().zip(&from[run]).for_each(|(dx, dy)| *dx += *dy),
            Run::Repeated(at) => from[run].iter().for_each(|dy| dx[at] += *dy),
        });
    })
}

/// Where the elements of one row of the stretched tensor stand in the small one.
enum Run {
    /// One after the other from here.
    Along(usize),
    /// All at this place.
    Repeated(usize),
}

/// Visits the stretched tensor row by row along its last axis.
fn for_each_run(small: &Shape, large: &Shape, elements: usize, mut visit: impl FnMut(Run, std::ops::Range<usize>)) {
    let rank = large.rank();
    let sizes = large.sizes();
    let width = sizes[rank - 1];
    let mut strides = vec![0; rank];
    let mut stride = 1;
    for axis in (0..rank).rev() {
        let own = small.aligned(axis, rank);
        strides[axis] = if own == 1 { 0 } else { stride };
        stride *= own;
    }
    let mut index = vec![0; rank];
    for row in 0..elements / width {
        let start = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        let run = row * width..(row + 1) * width;
        visit(if strides[rank - 1] == 1 { Run::Along(start) } else { Run::Repeated(start) }, run);
        for axis in (0..rank - 1).rev() {
            index[axis] += 1;
            if index[axis] < sizes[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}
