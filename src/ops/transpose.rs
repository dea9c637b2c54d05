//! The axes in another order.
//!
//! **Formula** `y[i₀, i₁, …] = x[j₀, j₁, …]` where axis `k` of `y` is axis `axes[k]` of `x`: `j[axes[k]] = i[k]`.
//!
//! **Shapes** `x` any; `y` has the same sizes in the order of `axes`.
//!
//! **Gradient** each element of `y` is one of `x`, so `dx` is `dy` with the axes put back: transposed by the inverse
//! order, in which axis `axes[k]` of `dx` is axis `k` of `dy`.
//!
//! **Kept for backward** nothing.
//!
//! **Source** a change of places; nothing is computed. `y` is a new contiguous tensor. A matrix product needs no
//! transpose of its own: [`matmul_with`](crate::Var::matmul_with) reads an operand as transposed.

use super::support::catalogue::{IMAGES, Large, Row, case};
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::{MAX_RANK, Shape};
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "transpose",
    formula: "y = x with its axes in another order",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(1, 5);
        let rank = shape.rank();
        let mut axes = [0, 1, 2, 3, 4];
        (1..rank).for_each(|i| axes.swap(i, draw.size(0, i)));
        case!([draw.values(shape)], format!("axes {:?}", &axes[..rank]), |v| v[0].transpose(&axes[..rank]))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].transpose(&[3, 0, 2, 1]) },
};

#[derive(Debug)]
struct Transpose {
    axes: Vec<usize>,
}

impl<E: Element> Op<E, 1> for Transpose {
    const NAME: &'static str = ROW.name;
    type Saved = ();

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        let mut named = self.axes.clone();
        named.sort_unstable();
        if !named.iter().copied().eq(0..x.rank()) {
            let problem = format!("{:?} is no order of its {} axes", self.axes, x.rank());
            return Err(Error::op(ROW.name, problem, &[("x", x)], "name every axis once"));
        }
        Ok(reordered(x, &self.axes))
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, ()) {
        (transposed(x, &self.axes), ())
    }

    fn backward(&self, (): (), dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let mut inverse = vec![0; self.axes.len()];
        self.axes.iter().enumerate().for_each(|(k, axis)| inverse[*axis] = k);
        [Some(transposed(&dy, &inverse))]
    }
}

fn reordered(x: &Shape, axes: &[usize]) -> Shape {
    let sizes: Vec<usize> = axes.iter().map(|axis| x.sizes()[*axis]).collect();
    Shape::new(&sizes).expect("the sizes of a shape make one in any order")
}

/// An axis of the output: its size, and how far apart its elements stand in the input.
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    step: usize,
}

/// The output's axes; neighbours that were neighbours in the input are one.
fn merged(x: &Shape, axes: &[usize]) -> Vec<Axis> {
    let mut steps = [1; MAX_RANK];
    (1..x.rank()).rev().for_each(|axis| steps[axis - 1] = steps[axis] * x.sizes()[axis]);
    let mut merged: Vec<Axis> = Vec::with_capacity(axes.len() + 1);
    for axis in axes.iter().map(|axis| Axis { size: x.sizes()[*axis], step: steps[*axis] }).filter(|axis| axis.size > 1)
    {
        match merged.last_mut() {
            Some(outer) if outer.step == axis.size * axis.step => {
                *outer = Axis { size: outer.size * axis.size, ..axis }
            }
            _ => merged.push(axis),
        }
    }
    merged
}

/// Edge of the square that is moved at once: its lines of memory are all in the first cache, so each is fetched once.
const TILE: usize = 16;

/// Copies row by row of the output where rows stay rows, and square by square where they become columns.
fn transposed<E: Element>(x: &Tensor<E>, axes: &[usize]) -> Tensor<E> {
    let mut outer = merged(x.shape(), axes);
    let inner = outer.pop().unwrap_or(Axis { size: 1, step: 1 });
    let rows = (CHUNK / inner.size).max(1).next_multiple_of(TILE);
    let from = x.as_slice();
    Tensor::build(reordered(x.shape(), axes), |y| {
        for_each(y, rows * inner.size, |i, y| {
            for (tile, y) in y.chunks_mut(TILE * inner.size).enumerate() {
                copy_rows(from, inner, &outer, i * rows + tile * TILE, y);
            }
        });
    })
}

/// Fills whole rows of the output, at most [`TILE`], of which the first is row `first`.
fn copy_rows<E: Element>(x: &[E], inner: Axis, outer: &[Axis], first: usize, y: &mut [E]) {
    let rows = y.len() / inner.size;
    let mut starts = [0; TILE];
    starts[..rows].iter_mut().enumerate().for_each(|(r, start)| *start = start_of(outer, first + r));
    if inner.step == 1 {
        for (start, y) in starts.iter().zip(y.chunks_mut(inner.size)) {
            y.copy_from_slice(&x[*start..start + inner.size]);
        }
        return;
    }
    for column in (0..inner.size).step_by(TILE) {
        let end = inner.size.min(column + TILE);
        for (start, y) in starts.iter().zip(y.chunks_mut(inner.size)) {
            for (j, y) in (column..end).zip(&mut y[column..end]) {
                *y = x[start + j * inner.step];
            }
        }
    }
}

/// Where in the input row `row` of the output starts.
fn start_of(outer: &[Axis], mut row: usize) -> usize {
    let mut start = 0;
    for axis in outer.iter().rev() {
        start += row % axis.size * axis.step;
        row /= axis.size;
    }
    start
}

impl<E: Element> Var<E> {
    /// The axes in another order, as a new tensor: axis `k` of the result is axis `axes[k]` of `self`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.transpose(&[1, 0])?.value().as_slice(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `axes` does not name every axis once.
    pub fn transpose(&self, axes: &[usize]) -> Result<Var<E>> {
        apply(Transpose { axes: axes.to_vec() }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tensor, ThreadPool, Var};

    /// Element by element, by the definition.
    fn naive(x: &Tensor<f32>, axes: &[usize]) -> Tensor<f32> {
        let sizes: Vec<usize> = axes.iter().map(|axis| x.shape().sizes()[*axis]).collect();
        let mut y = Tensor::zeros(sizes.as_slice()).unwrap();
        for flat in 0..x.shape().elements() {
            let index = y.index_of(flat);
            let mut from = vec![0; axes.len()];
            axes.iter().zip(index).for_each(|(axis, i)| from[*axis] = i);
            y.as_mut_slice()[flat] = x.at(&from).unwrap();
        }
        y
    }

    #[test]
    fn orders_of_large_axes_agree_with_the_definition_on_any_number_of_threads() {
        let orders: [(&[usize], &[usize]); 7] = [
            (&[37, 53], &[1, 0]),
            (&[3, 700, 20], &[0, 2, 1]),
            (&[5, 6, 7, 8], &[3, 1, 0, 2]),
            (&[5, 1, 70, 80], &[0, 2, 3, 1]),
            (&[40, 30, 50], &[2, 1, 0]),
            (&[40, 30, 50], &[1, 0, 2]),
            (&[1, 1], &[1, 0]),
        ];
        for (sizes, axes) in orders {
            let x = Tensor::from_fn(sizes, |i| i as f32).unwrap();
            let expected = naive(&x, axes);
            for threads in [1, 2, 3] {
                let run = || Var::constant(x.clone()).transpose(axes).map(|y| y.value().clone());
                assert_eq!(ThreadPool::new(threads).unwrap().install(run).unwrap(), expected, "{sizes:?} {axes:?}");
            }
        }
    }

    #[test]
    fn what_is_no_order_of_the_axes_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axes: &[usize]| x.transpose(axes).unwrap_err().to_string();
        assert_eq!(text(&[0, 0]), "transpose: [0, 0] is no order of its 2 axes (x [2, 3]); name every axis once");
        assert_eq!(text(&[0]), "transpose: [0] is no order of its 2 axes (x [2, 3]); name every axis once");
        assert_eq!(text(&[0, 1, 2]), "transpose: [0, 1, 2] is no order of its 2 axes (x [2, 3]); name every axis once");
    }
}
