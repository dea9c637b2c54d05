//! SORT with the square root: the fusion of a residual block's two branches.
//!
//! **Formula** `y = a + b + √(R(a)·R(b) + ε)` with `R(z) = max(z, 0)`; with the trailing ReLU, `y = R(…)` of that.
//! Only the factors of the product are rectified, not the sum.
//!
//! **Shapes** `a` and `b` have one shape, and so has `y`.
//!
//! **Gradient** With `r = √(R(a)·R(b) + ε)`, `∂r/∂a = R(b)·R′(a) / (2r)`, where `R′(a)` is 1 for `a > 0` and, by choice,
//! 0 at 0. So `da = dy·(1 + R(b)·[a > 0] / (2r))`, and `db` with `a` and `b` exchanged. As `a` goes to 0 from above the
//! slope goes to `b / (2√ε)`: `ε` is what bounds it. With the trailing ReLU, `dy` counts only where `y > 0`.
//!
//! **Kept for backward** `a` and `b`, nothing else: `r` is recomputed.
//!
//! **Source** SORT (ICCV 2017), fusion of residual blocks; ReLUs and `ε` as in its author's code, which has
//! `ε = 0.01`, while the paper is quoted with `0.0001`.

use super::sort_fusion::draw_branches;
use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_positive;
use super::support::elementwise::{binary, binary_backward};
use super::support::fusion::{FusedActivation, common_shape};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, sort};

pub(super) const ROW: Row = Row {
    name: "sort_root_fusion",
    formula: "y = a + b + sqrt(R(a)·R(b) + ε), then R where asked",
    nondifferentiable: "|a| < 0.2 or |b| < 0.2; |sum| < 0.2 with the trailing ReLU",
    f32_bound: 3.0,
    draw: |draw| {
        let (shape, relu, epsilon) = (draw.shape(0, 4), draw.flag(), draw.pick(&[1e-4, 1e-2]));
        let inputs = draw_branches(draw, shape, |a, b| a + b + (a.max(0.0) * b.max(0.0) + epsilon).sqrt());
        case!(inputs, format!("epsilon {epsilon} relu {relu}"), |v| v[0].sort_root_fusion(
            &v[1],
            epsilon,
            FusedActivation::relu_if(relu)
        ))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].sort_root_fusion(&v[1], 1e-4, FusedActivation::Relu) },
};

#[derive(Debug)]
struct SortRoot {
    epsilon: f64,
    relu: bool,
}

impl<E: Element> Op<E, 2> for SortRoot {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        require_positive::<E>(ROW.name, "epsilon", self.epsilon, &[("a", a), ("b", b)], "1e-4")?;
        common_shape(ROW.name, a, b)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let kernel = if self.relu { sort::sort_root_relu_forward } else { sort::sort_root_forward };
        let epsilon = E::from_f64(self.epsilon);
        let y = binary(a, b, |isa, a, b, y| kernel(isa, a, b, epsilon, y));
        (y, [a.clone(), b.clone()])
    }

    fn backward(&self, [a, b]: [Tensor<E>; 2], dy: Tensor<E>, _: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let kernel = if self.relu { sort::sort_root_relu_backward } else { sort::sort_root_backward };
        let epsilon = E::from_f64(self.epsilon);
        binary_backward(&a, &b, &dy, |isa, a, b, dy, da, db| kernel(isa, a, b, dy, epsilon, da, db))
    }
}

impl<E: Element> Var<E> {
    /// `self + b + √(R(self)·R(b) + epsilon)`, rectified once more where `activation` says so: one pass over memory.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::FusedActivation};
    /// let a = Var::constant(Tensor::scalar(2.0_f32));
    /// let b = Var::constant(Tensor::scalar(3.0));
    /// assert!((a.sort_root_fusion(&b, 0.01, FusedActivation::None)?.item()? - 7.45153).abs() < 1e-5);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ, or `epsilon` is not above 0.
    pub fn sort_root_fusion(&self, b: &Var<E>, epsilon: f64, activation: FusedActivation) -> Result<Var<E>> {
        apply(SortRoot { epsilon, relu: activation.is_relu() }, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::FusedActivation;
    use crate::{Tape, Tensor, Var};

    /// Outputs and slopes worked out by hand from the formula, for both values of `ε` in use.
    #[test]
    fn the_check_values_hold() {
        let table = [
            (0.01, 2.0, 3.0, 7.45153, 1.61186, 1.40791),
            (0.01, -1.0, 3.0, 2.1, 1.0, 1.0),
            (0.01, 0.001, 3.0, 3.11502, 14.15587, 1.00439),
            (1e-4, 2.0, 3.0, 7.44951, 1.61237, 1.40824),
            (1e-4, -1.0, 3.0, 2.01, 1.0, 1.0),
            (1e-4, 0.001, 3.0, 3.05668, 27.94080, 1.00898),
        ];
        for (epsilon, a, b, y, slope_a, slope_b) in table {
            let tape = Tape::new();
            let [a, b] = [a, b].map(|x| tape.leaf(Tensor::scalar(x)));
            let output = a.sort_root_fusion(&b, epsilon, FusedActivation::None).unwrap();
            let gradients = tape.backward(&output).unwrap();
            let found = [output.item(), gradients.get(&a).unwrap().item(), gradients.get(&b).unwrap().item()];
            for (found, expected) in found.into_iter().zip([y, slope_a, slope_b]) {
                let found: f64 = found.unwrap();
                assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
            }
        }
    }

    #[test]
    fn wrong_branches_and_a_wrong_epsilon_are_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            a.sort_root_fusion(&b, 1e-4, FusedActivation::Relu).unwrap_err().to_string(),
            "sort_root_fusion: the branches have different shapes (a [2, 3], b [3, 2]); give both branches the same shape"
        );
        assert_eq!(
            a.sort_root_fusion(&a, 0.0, FusedActivation::Relu).unwrap_err().to_string(),
            "sort_root_fusion: epsilon is 0 (a [2, 3], b [2, 3]); use a number above 0, such as 1e-4"
        );
        assert_eq!(
            a.sort_root_fusion(&a, 1e300, FusedActivation::Relu).unwrap_err().to_string(),
            "sort_root_fusion: epsilon is 1e300 (a [2, 3], b [2, 3]); use a number that is finite in f32, such as 1e-4"
        );
    }
}
