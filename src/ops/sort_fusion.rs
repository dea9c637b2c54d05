//! SORT: the fusion of two branches by their sum and their product.
//!
//! **Formula** `y = a + b + R(a)·R(b)` with `R(z) = max(z, 0)`; with the trailing ReLU, `y = R(…)` of that. Only the
//! factors of the product are rectified, not the sum, so two negatives make no product.
//!
//! **Shapes** `a` and `b` have one shape, and so has `y`.
//!
//! **Gradient** `R(b)` does not depend on `a`, so `∂y/∂a = 1 + R(b)·R′(a)`, where `R′(a)` is 1 for `a > 0` and, by
//! choice, 0 at 0: `da = dy·(1 + R(b)·[a > 0])`, and `db` with `a` and `b` exchanged. The gradient of one branch so
//! depends on the response of the other. With the trailing ReLU, `dy` counts only where `y > 0`.
//!
//! **Kept for backward** `a` and `b`, nothing else: the product is recomputed.
//!
//! **Source** SORT (ICCV 2017), fusion of two-branch blocks; ReLUs as in its author's code.

use super::support::catalogue::{Draw, IMAGES, Large, Row, case};
use super::support::elementwise::{binary, binary_backward};
use super::support::fusion::{FusedActivation, common_shape};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, sort};

pub(super) const ROW: Row = Row {
    name: "sort_fusion",
    formula: "y = a + b + R(a)·R(b), then R where asked",
    nondifferentiable: "|a| < 0.2 or |b| < 0.2; |sum| < 0.2 with the trailing ReLU",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, relu) = (draw.shape(0, 4), draw.flag());
        let inputs = draw_branches(draw, shape, |a, b| a + b + a.max(0.0) * b.max(0.0));
        case!(inputs, format!("relu {relu}"), |v| v[0].sort_fusion(&v[1], FusedActivation::relu_if(relu)))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].sort_fusion(&v[1], FusedActivation::Relu) },
};

/// Draws two branches whose elements have either sign. Where `fused`, what the trailing ReLU sees, is near its point without a derivative, the
/// two are made equal: that is a sum of at least 0.4 with the sign of both.
pub(super) fn draw_branches(draw: &mut Draw, shape: Shape, fused: impl Fn(f64, f64) -> f64) -> [Tensor<f64>; 2] {
    let [a, mut b] = [draw.nonzero(shape), draw.nonzero(shape)];
    for (a, b) in a.as_slice().iter().zip(b.as_mut_slice()) {
        if fused(*a, *b).abs() < 0.2 {
            *b = *a;
        }
    }
    [a, b]
}

#[derive(Debug)]
struct Sort {
    relu: bool,
}

impl<E: Element> Op<E, 2> for Sort {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        common_shape(ROW.name, a, b)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let kernel = if self.relu { sort::sort_relu_forward } else { sort::sort_forward };
        (binary(a, b, kernel), [a.clone(), b.clone()])
    }

    fn backward(&self, [a, b]: [Tensor<E>; 2], dy: Tensor<E>, _: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let kernel = if self.relu { sort::sort_relu_backward } else { sort::sort_backward };
        binary_backward(&a, &b, &dy, kernel)
    }
}

impl<E: Element> Var<E> {
    /// `self + b + R(self)·R(b)`, rectified once more where `activation` says so: one pass over memory.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::FusedActivation};
    /// let a = Var::constant(Tensor::from_vec([2], vec![2.0_f32, -1.0])?);
    /// let b = Var::constant(Tensor::from_vec([2], vec![3.0, 3.0])?);
    /// assert_eq!(a.sort_fusion(&b, FusedActivation::None)?.value().as_slice(), [11.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn sort_fusion(&self, b: &Var<E>, activation: FusedActivation) -> Result<Var<E>> {
        apply(Sort { relu: activation.is_relu() }, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::FusedActivation;
    use crate::{Tape, Tensor, Var};

    /// `[y, slope of a, slope of b]`
    fn value_and_slopes(a: f64, b: f64, relu: bool) -> [f64; 3] {
        let tape = Tape::new();
        let [a, b] = [a, b].map(|x| tape.leaf(Tensor::scalar(x)));
        let y = a.sort_fusion(&b, FusedActivation::relu_if(relu)).unwrap();
        let gradients = tape.backward(&y).unwrap();
        [y.value(), gradients.get(&a).unwrap(), gradients.get(&b).unwrap()].map(|x| x.item().unwrap())
    }

    #[test]
    fn a_product_needs_two_positive_branches() {
        assert_eq!(value_and_slopes(2.0, 3.0, false), [11.0, 4.0, 3.0]);
        assert_eq!(value_and_slopes(-1.0, 3.0, false), [2.0, 1.0, 1.0]);
        assert_eq!(value_and_slopes(-2.0, -3.0, false), [-5.0, 1.0, 1.0]);
        assert_eq!(value_and_slopes(0.0, 3.0, false), [3.0, 1.0, 1.0]);
    }

    #[test]
    fn the_trailing_relu_stops_the_gradient_of_negative_sums() {
        assert_eq!(value_and_slopes(2.0, 3.0, true), [11.0, 4.0, 3.0]);
        assert_eq!(value_and_slopes(-2.0, 1.0, true), [0.0, 0.0, 0.0]);
        assert_eq!(value_and_slopes(-1.0, 1.0, true), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn nan_in_either_branch_is_nan_in_the_output() {
        for relu in [false, true] {
            let [nan, x] = [f32::NAN, -1.0].map(|x| Var::constant(Tensor::full([19], x).unwrap()));
            for y in [
                nan.sort_fusion(&x, FusedActivation::relu_if(relu)).unwrap(),
                x.sort_fusion(&nan, FusedActivation::relu_if(relu)).unwrap(),
            ] {
                assert!(y.value().as_slice().iter().all(|y| y.is_nan()));
            }
        }
    }

    #[test]
    fn branches_of_different_shapes_are_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            a.sort_fusion(&b, FusedActivation::Relu).unwrap_err().to_string(),
            "sort_fusion: the branches have different shapes (a [2, 3], b [3, 2]); give both branches the same shape"
        );
    }
}
