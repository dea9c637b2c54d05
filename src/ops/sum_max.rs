//! The fusion of two branches by their sum and their maximum.
//!
//! **Formula** `y = a + b + max(a, b)`; NaN where either is.
//!
//! **Shapes** `a` and `b` have one shape, and so has `y`.
//!
//! **Gradient** The sum gives each branch a slope of 1, the maximum gives one more to the greater:
//! `da = dy·(1 + [a ≥ b])` and `db = dy·(1 + [b > a])`. At `a = b` there is no derivative; the maximum counts as `a`,
//! by choice.
//!
//! **Kept for backward** `a` and `b`, not copied.
//!
//! **Source** SORT (ICCV 2017), the comparison of fusion terms, where the maximum stands in for the product: as
//! non-linear, but piecewise linear.

use super::maximum::apart;
use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, binary_backward};
use super::support::fusion::common_shape;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, maximum};

pub(super) const ROW: Row = Row {
    name: "sum_max",
    formula: "y = a + b + max(a, b)",
    nondifferentiable: "|a − b| < 1/16",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!(apart(draw, [shape; 2]), "", |v| v[0].sum_max(&v[1]))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].sum_max(&v[1]) },
};

#[derive(Debug)]
struct SumMax;

impl<E: Element> Op<E, 2> for SumMax {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        common_shape(ROW.name, a, b)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, [Tensor<E>; 2]) {
        (binary(a, b, maximum::sum_max_forward), [a.clone(), b.clone()])
    }

    fn backward(&self, [a, b]: [Tensor<E>; 2], dy: Tensor<E>, _: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        binary_backward(&a, &b, &dy, maximum::sum_max_backward)
    }
}

impl<E: Element> Var<E> {
    /// `self + b + max(self, b)`, element by element: one pass over memory.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([2], vec![2.0_f32, -1.0])?);
    /// let b = Var::constant(Tensor::from_vec([2], vec![3.0, -2.0])?);
    /// assert_eq!(a.sum_max(&b)?.value().as_slice(), [8.0, -4.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn sum_max(&self, b: &Var<E>) -> Result<Var<E>> {
        apply(SumMax, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn the_greater_branch_has_twice_the_slope_and_at_a_tie_the_first() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_vec([3], vec![1.0_f32, 2.0, 3.0]).unwrap());
        let b = tape.leaf(Tensor::full([3], 2.0).unwrap());
        let y = a.sum_max(&b).unwrap();
        assert_eq!(y.value().as_slice(), [5.0, 6.0, 8.0]);
        let gradients = tape.backward_from(&[(&y, Tensor::full([3], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [1.0, 2.0, 2.0]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [2.0, 1.0, 1.0]);
    }

    #[test]
    fn nan_in_either_branch_is_nan_in_the_output() {
        let [nan, x] = [f32::NAN, 1.0].map(|x| Var::constant(Tensor::full([19], x).unwrap()));
        for y in [nan.sum_max(&x).unwrap(), x.sum_max(&nan).unwrap()] {
            assert!(y.value().as_slice().iter().all(|y| y.is_nan()));
        }
    }

    #[test]
    fn branches_of_different_shapes_are_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            a.sum_max(&b).unwrap_err().to_string(),
            "sum_max: the branches have different shapes (a [2, 3], b [3, 2]); give both branches the same shape"
        );
    }
}
