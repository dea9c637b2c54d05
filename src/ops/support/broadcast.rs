//! Broadcasting as NumPy defines it: stretching an input to the output's shape.
//!
//! Sizes are aligned at the last axis; a missing axis counts as size 1, and an axis of size 1 is repeated. Backward, the
//! gradient is summed over the repeated axes: [`sum_back`](super::reduction::sum_back).

use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::borrow::Cow;

/// The common shape of two inputs.
pub(in crate::ops) fn common_shape(op: &'static str, a: &Shape, b: &Shape) -> Result<Shape> {
    a.broadcast(b).ok_or_else(|| {
        let remedy = "make each pair of sizes, counted from the last axis, equal, or one of them 1";
        Error::op(op, "the shapes do not broadcast", &[("a", a), ("b", b)], remedy)
    })
}

/// `x` repeated to `shape`; `x` itself where nothing is to be repeated.
pub(in crate::ops) fn stretch<'a, E: Element>(x: &'a Tensor<E>, shape: &Shape) -> Cow<'a, Tensor<E>> {
    if x.shape() == shape {
        return Cow::Borrowed(x);
    }
    Cow::Owned(Tensor::build(*shape, |y| for_each(y, CHUNK, |i, y| fill(x, shape, i * CHUNK, y))))
}

/// Writes the elements of `x` stretched to `shape` from the one at `start` on, row by row along the last axis.
fn fill<E: Element>(x: &Tensor<E>, shape: &Shape, start: usize, mut y: &mut [E]) {
    let (from, sizes) = (x.as_slice(), shape.sizes());
    let (last, strides) = (sizes.len() - 1, strides(x.shape(), sizes.len()));
    let mut index = [0; MAX_RANK];
    let mut rest = start;
    for axis in (0..=last).rev() {
        (rest, index[axis]) = (rest / sizes[axis], rest % sizes[axis]);
    }
    while !y.is_empty() {
        let (row, behind) = y.split_at_mut(y.len().min(sizes[last] - index[last]));
        let place: usize = index.iter().zip(strides).map(|(i, stride)| i * stride).sum();
        match strides[last] {
            0 => row.fill(from[place]),
            _ => row.copy_from_slice(&from[place..place + row.len()]),
        }
        y = behind;
        index[last] = 0;
        next_row(&mut index[..last], sizes);
    }
}

/// How far apart neighbours along each of `rank` axes stand in a tensor of shape `x`; 0 where it is repeated.
fn strides(x: &Shape, rank: usize) -> [usize; MAX_RANK] {
    let (mut strides, mut stride) = ([0; MAX_RANK], 1);
    for axis in (0..rank).rev() {
        let own = x.aligned(axis, rank);
        strides[axis] = if own == 1 { 0 } else { stride };
        stride *= own;
    }
    strides
}

/// Counts up the index of a row.
fn next_row(index: &mut [usize], sizes: &[usize]) {
    for (i, size) in index.iter_mut().zip(sizes).rev() {
        *i += 1;
        if *i < *size {
            return;
        }
        *i = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ThreadPool;

    /// Every way to repeat axes, against the definition, in tensors of several chunks that end within rows.
    #[test]
    fn stretching_to_many_chunks_agrees_with_the_definition() {
        let large = Shape::new(&[7, 3, 5, 331]).unwrap();
        for choice in 0..16_usize {
            let size = |axis: usize| if choice >> axis & 1 == 1 { 1 } else { large.sizes()[axis] };
            let x = Tensor::from_fn([0, 1, 2, 3].map(size), |i| i as f32).unwrap();
            for threads in [1, 3] {
                let y = ThreadPool::new(threads).unwrap().install(|| stretch(&x, &large).into_owned());
                for flat in 0..large.elements() {
                    let index = y.index_of(flat).into_iter().enumerate();
                    let own: Vec<usize> = index.map(|(axis, i)| i.min(size(axis) - 1)).collect();
                    assert_eq!(Some(y.as_slice()[flat]), x.at(&own), "{} at {flat}", x.shape());
                }
            }
        }
    }
}
