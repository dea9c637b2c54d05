//! A region: the part of a large tensor that a small one covers. Knows no operation.
//!
//! Behind the last axis in which the two differ, whatever the region covers is contiguous in both. So a region is a
//! list of rows: in each, the small tensor has `run` elements, the large one `step`, of which the region's come after
//! the first `lead`.

use crate::par::{CHUNK, for_each};
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// Where a small tensor lies in a large one of equally many axes.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Region {
    large: Shape,
    small: Shape,
    start: [usize; MAX_RANK],
    /// The axis that a row starts with.
    cut: usize,
    run: usize,
    step: usize,
    lead: usize,
}

impl Region {
    /// The region of shape `small` in `large` whose first element is at `start`.
    pub fn new(large: Shape, small: Shape, start: [usize; MAX_RANK]) -> Region {
        let rank = large.rank();
        assert_eq!(rank, small.rank(), "a region has as many axes as what it is in");
        let inside = |axis: usize| start[axis] + small.sizes()[axis] <= large.sizes()[axis];
        assert!((0..rank).all(inside), "a region of {small} at {start:?} in {large}");
        let cut = (0..rank).rfind(|axis| small.sizes()[*axis] != large.sizes()[*axis]).unwrap_or(0);
        let [run, step] = [small, large].map(|shape| shape.sizes()[cut..].iter().product());
        let inner: usize = large.sizes().iter().skip(cut + 1).product();
        Region { large, small, start, cut, run, step, lead: start[cut] * inner }
    }

    /// The region of `size` places from `first` along one axis, and of everything along the others.
    pub fn along(large: Shape, axis: usize, first: usize, size: usize) -> Region {
        let mut sizes = large.sizes().to_vec();
        sizes[axis] = size;
        let mut start = [0; MAX_RANK];
        start[axis] = first;
        Region::new(large, Shape::new(&sizes).expect("no larger than a shape that exists"), start)
    }

    /// The shape of the small tensor.
    pub fn small(&self) -> Shape {
        self.small
    }

    /// The shape of the large tensor.
    pub fn large(&self) -> Shape {
        self.large
    }

    /// What the region shows of a large tensor.
    pub fn crop<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        let (x, rows) = (x.as_slice(), (CHUNK / self.run).max(1));
        Tensor::build(self.small, |y| {
            for_each(y, rows * self.run, |i, y| {
                for (r, y) in y.chunks_mut(self.run).enumerate() {
                    let start = self.large_row(i * rows + r) * self.step + self.lead;
                    y.copy_from_slice(&x[start..start + self.run]);
                }
            });
        })
    }

    /// A large tensor with `x` in the region and `value` around it.
    pub fn embed<E: Element>(&self, x: &Tensor<E>, value: E) -> Tensor<E> {
        let (x, rows) = (x.as_slice(), (CHUNK / self.step).max(1));
        Tensor::build(self.large, |y| {
            for_each(y, rows * self.step, |i, y| {
                for (r, y) in y.chunks_mut(self.step).enumerate() {
                    let Some(row) = self.small_row(i * rows + r) else {
                        y.fill(value);
                        continue;
                    };
                    y[..self.lead].fill(value);
                    y[self.lead..self.lead + self.run].copy_from_slice(&x[row * self.run..(row + 1) * self.run]);
                    y[self.lead + self.run..].fill(value);
                }
            });
        })
    }

    /// Which row of the large tensor row `row` of the small one lies in.
    fn large_row(&self, mut row: usize) -> usize {
        let (mut large, mut weight) = (0, 1);
        for axis in (0..self.cut).rev() {
            let size = self.small.sizes()[axis];
            large += (row % size + self.start[axis]) * weight;
            (row, weight) = (row / size, weight * self.large.sizes()[axis]);
        }
        large
    }

    /// Which row of the small tensor lies in row `row` of the large one.
    fn small_row(&self, mut row: usize) -> Option<usize> {
        let (mut small, mut weight) = (0, 1);
        for axis in (0..self.cut).rev() {
            let (size, own) = (self.large.sizes()[axis], self.small.sizes()[axis]);
            let i = (row % size).checked_sub(self.start[axis]).filter(|i| *i < own)?;
            small += i * weight;
            (row, weight) = (row / size, weight * own);
        }
        Some(small)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::par::ThreadPool;

    /// Element by element, by the definition.
    fn agrees_with_the_definition(large: &[usize], small: &[usize], at: &[usize]) {
        let mut start = [0; MAX_RANK];
        start[..at.len()].copy_from_slice(at);
        let region = Region::new(Shape::new(large).unwrap(), Shape::new(small).unwrap(), start);
        let x = Tensor::from_fn(large, |i| i as f32).unwrap();
        let y = region.crop(&x);
        let back = region.embed(&y, -1.0);
        for flat in 0..x.shape().elements() {
            let index = x.index_of(flat);
            let inner: Option<Vec<usize>> = index.iter().zip(at).map(|(i, start)| i.checked_sub(*start)).collect();
            let inside = inner.and_then(|inner| y.at(&inner));
            assert_eq!(back.as_slice()[flat], inside.unwrap_or(-1.0), "{small:?} at {at:?} in {large:?}: {index:?}");
            assert!(inside.is_none_or(|value| value == flat as f32));
        }
    }

    #[test]
    fn windows_agree_with_the_definition() {
        agrees_with_the_definition(&[], &[], &[]);
        agrees_with_the_definition(&[7], &[3], &[2]);
        agrees_with_the_definition(&[4, 5], &[4, 5], &[0, 0]);
        agrees_with_the_definition(&[4, 5, 3], &[2, 5, 3], &[1, 0, 0]);
        agrees_with_the_definition(&[4, 5, 3], &[2, 2, 3], &[2, 3, 0]);
        agrees_with_the_definition(&[4, 5, 3], &[4, 5, 1], &[0, 0, 1]);
        agrees_with_the_definition(&[3, 4, 5, 6], &[1, 4, 2, 6], &[1, 0, 3, 0]);
        for threads in [1, 2, 3] {
            ThreadPool::new(threads).unwrap().install(|| {
                agrees_with_the_definition(&[70, 30, 30], &[50, 20, 30], &[11, 7, 0]);
                agrees_with_the_definition(&[3, 40_000], &[2, 30_000], &[1, 10_000]);
            });
        }
    }
}
