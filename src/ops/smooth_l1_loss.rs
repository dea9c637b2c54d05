//! The absolute error with a round corner.
//!
//! **Formula** With `d = |x − t|`, `l = ½·d²/β` below `β` and `l = d − ½·β` from there on, so `huber_loss` over `β`; `y` is
//! the mean of all, their sum, or all of them. With `β = 0` it is `l1_loss`.
//!
//! **Shapes** `x` and `t` have one shape, which may be any; `y` is `[]`, or has that shape where nothing is reduced.
//!
//! **Gradient** `∂l/∂x` is `(x − t)/β` in the middle and `sign(x − t)` outside; `∂l/∂t` is its negative. The slope is
//! continuous, so there is a derivative everywhere, but where `β = 0` and the two are equal: 0 is used there. Both are
//! multiplied by `dy` of their element, or by `dy/n` of the mean of `n` and `dy` of the sum.
//!
//! **Kept for backward** `x` and `t`, not copied.
//!
//! **Source** Girshick, *Fast R-CNN*, ICCV 2015; PyTorch's `smooth_l1_loss`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::shown;
use super::support::loss::{PairLoss, Reduced, Reduction};
use crate::error::{Error, Result};
use crate::setting::Allowed;
use crate::shape::Shape;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "smooth_l1_loss",
    formula: "y = ½·(x − t)²/β below |x − t| = β, |x − t| − ½·β from there, reduced",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, reduction) = (draw.shape(0, 4), draw.pick(&Reduction::ALL));
        let beta = draw.pick(&[1.0, 0.5, 2.0]);
        // Differences are odd multiples of 1/128, where the second derivative jumps is none.
        let (mut x, t) = (draw.coarse(shape), draw.coarse(shape));
        x.as_mut_slice().iter_mut().for_each(|x| *x += 1.0 / 128.0);
        case!([x, t], format!("beta {beta} {reduction:?}"), |v| v[0].smooth_l1_loss(&v[1], beta, reduction))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].smooth_l1_loss(&v[1], 0.25, Reduction::Mean) },
};

#[derive(Debug)]
struct SmoothL1 {
    beta: f64,
}

impl PairLoss for SmoothL1 {
    const NAME: &'static str = ROW.name;

    fn check<E: Element>(&self, x: &Shape) -> Result<()> {
        if Allowed::NotNegative.holds::<E>(self.beta) {
            return Ok(());
        }
        let problem = format!("beta is {}", shown(self.beta));
        Err(Error::op(ROW.name, problem, &[("input", x)], "use a finite number from 0 on, such as 1"))
    }

    fn value(&self, x: f64, t: f64) -> f64 {
        let d = (x - t).abs();
        if d < self.beta { 0.5 * d * (d / self.beta) } else { d - 0.5 * self.beta }
    }

    fn slopes(&self, x: f64, t: f64) -> [f64; 2] {
        let d = x - t;
        let slope = if d.abs() < self.beta { d / self.beta } else { sign(d) };
        [slope, -slope]
    }
}

/// The sign of a difference, and 0 of none.
fn sign(d: f64) -> f64 {
    if d == 0.0 { 0.0 } else { d.signum() }
}

impl<E: Element> Var<E> {
    /// The magnitude of the difference from `targets`, with a parabola below `beta`; as a mean, a sum or for each element.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Reduction};
    /// let [x, t] = [[1.0_f32, 5.0], [2.0, 1.0]].map(|x| Var::constant(Tensor::from_slice([2], &x).unwrap()));
    /// assert_eq!(x.smooth_l1_loss(&t, 2.0, Reduction::None)?.value().as_slice(), [0.25, 3.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ, or `beta` is below 0 or not finite in the element type.
    pub fn smooth_l1_loss(&self, targets: &Var<E>, beta: f64, reduction: Reduction) -> Result<Var<E>> {
        apply(Reduced { loss: SmoothL1 { beta }, reduction }, [self, targets])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::Reduction;
    use crate::ops::support::loss::losses;
    use crate::{Tensor, Var};

    #[test]
    fn losses_and_slopes_are_those_worked_out_by_hand() {
        let pairs = [(1.5, 1.0), (-1.0, 3.0), (2.0, 2.0), (2.0, 0.0)];
        let found = losses(&pairs, |x, t| x.smooth_l1_loss(t, 2.0, Reduction::None));
        assert_eq!(found, [[0.0625, 0.25, -0.25], [3.0, -1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, -1.0]]);
        let sharp = losses(&pairs, |x, t| x.smooth_l1_loss(t, 0.0, Reduction::None));
        assert_eq!(sharp, losses(&pairs, |x, t| x.l1_loss(t, Reduction::None)));
    }

    #[test]
    fn a_beta_below_0_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        assert_eq!(
            x.smooth_l1_loss(&x, -1.0, Reduction::Mean).unwrap_err().to_string(),
            "smooth_l1_loss: beta is -1 (input [2]); use a finite number from 0 on, such as 1"
        );
    }

    #[test]
    fn different_shapes_are_named() {
        let [x, t] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.smooth_l1_loss(&t, 1.0, Reduction::Mean).unwrap_err().to_string(),
            "smooth_l1_loss: the shapes differ (input [2, 3], target [3, 2]); give one target for each element"
        );
    }
}
