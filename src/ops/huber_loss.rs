//! Huber's loss: a parabola in the middle, straight lines outside.
//!
//! **Formula** With `d = |x − t|`, `l = ½·d²` up to `δ` and `l = δ·(d − ½·δ)` beyond; `y` is the mean of all, their sum, or
//! all of them.
//!
//! **Shapes** `x` and `t` have one shape, which may be any; `y` is `[]`, or has that shape where nothing is reduced.
//!
//! **Gradient** `∂l/∂x` is `x − t` in the middle and `±δ` outside, which is `x − t` limited to `−δ … δ`; `∂l/∂t` is its
//! negative. The slope is continuous, so there is a derivative everywhere. Both are multiplied by `dy` of their element, or
//! by `dy/n` of the mean of `n` and `dy` of the sum.
//!
//! **Kept for backward** `x` and `t`, not copied.
//!
//! **Source** Huber, *Robust estimation of a location parameter*, 1964; PyTorch's `huber_loss`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_positive;
use super::support::loss::{PairLoss, Reduced, Reduction};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "huber_loss",
    formula: "y = ½·(x − t)² up to |x − t| = δ, linear beyond, reduced",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, reduction) = (draw.shape(0, 4), draw.pick(&Reduction::ALL));
        let delta = draw.pick(&[1.0, 0.5, 2.0]);
        // Differences are odd multiples of 1/128, where the second derivative jumps is none.
        let (mut x, t) = (draw.coarse(shape), draw.coarse(shape));
        x.as_mut_slice().iter_mut().for_each(|x| *x += 1.0 / 128.0);
        case!([x, t], format!("delta {delta} {reduction:?}"), |v| v[0].huber_loss(&v[1], delta, reduction))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].huber_loss(&v[1], 0.25, Reduction::Mean) },
};

#[derive(Debug)]
struct Huber {
    delta: f64,
}

impl PairLoss for Huber {
    const NAME: &'static str = ROW.name;

    fn check<E: Element>(&self, x: &Shape) -> Result<()> {
        require_positive::<E>(ROW.name, "delta", self.delta, &[("input", x)], "1")
    }

    fn value(&self, x: f64, t: f64) -> f64 {
        let d = (x - t).abs();
        if d <= self.delta { 0.5 * d * d } else { self.delta * (d - 0.5 * self.delta) }
    }

    fn slopes(&self, x: f64, t: f64) -> [f64; 2] {
        let d = x - t;
        let slope = d.clamp(-self.delta, self.delta);
        [slope, -slope]
    }
}

impl<E: Element> Var<E> {
    /// Huber's loss of the difference from `targets`: half its square up to `delta`, and linear beyond; as a mean, a sum or for each
    /// element.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Reduction};
    /// let [x, t] = [[1.0_f32, 5.0], [2.0, 1.0]].map(|x| Var::constant(Tensor::from_slice([2], &x).unwrap()));
    /// assert_eq!(x.huber_loss(&t, 2.0, Reduction::None)?.value().as_slice(), [0.5, 6.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ, or `delta` is not above 0 or not finite in the element type.
    pub fn huber_loss(&self, targets: &Var<E>, delta: f64, reduction: Reduction) -> Result<Var<E>> {
        apply(Reduced { loss: Huber { delta }, reduction }, [self, targets])
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
        let found = losses(&pairs, |x, t| x.huber_loss(t, 2.0, Reduction::None));
        assert_eq!(found, [[0.125, 0.5, -0.5], [6.0, -2.0, 2.0], [0.0, 0.0, 0.0], [2.0, 2.0, -2.0]]);
    }

    #[test]
    fn a_delta_that_is_not_above_0_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        assert_eq!(
            x.huber_loss(&x, 0.0, Reduction::Mean).unwrap_err().to_string(),
            "huber_loss: delta is 0 (input [2]); use a number above 0, such as 1"
        );
    }

    #[test]
    fn different_shapes_are_named() {
        let [x, t] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.huber_loss(&t, 1.0, Reduction::Mean).unwrap_err().to_string(),
            "huber_loss: the shapes differ (input [2, 3], target [3, 2]); give one target for each element"
        );
    }
}
