//! The exponential linear unit.
//!
//! **Formula** `y = x` above 0, and `y = α·(eˣ − 1)` else.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `∂y/∂x = 1` above 0 and `α·eˣ` else, so `dx = dy` or `dx = dy·α·eˣ`. At 0 there is no derivative unless `α =
//! 1`; `α` is used, as PyTorch does.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network learning by exponential linear units*,
//! ICLR 2016.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_finite;
use super::support::pointwise::{Each, Pointwise};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "elu",
    formula: "y = x above 0, α·(exp(x) − 1) else",
    nondifferentiable: "|x| < 0.2",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, alpha) = (draw.shape(0, 4), draw.pick(&[1.0, 0.5, 1.5]));
        case!([draw.nonzero(shape)], format!("alpha {alpha}"), |v| v[0].elu(alpha))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].elu(1.5) },
};

#[derive(Debug)]
struct Elu {
    alpha: f64,
}

impl Pointwise for Elu {
    const NAME: &'static str = ROW.name;

    fn check<E: Element>(&self, x: &Shape) -> Result<()> {
        require_finite::<E>(ROW.name, "alpha", self.alpha, x)
    }

    fn value(&self, x: f64) -> f64 {
        if x > 0.0 { x } else { self.alpha * x.exp_m1() }
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        if x > 0.0 { dy } else { dy * self.alpha * x.exp() }
    }
}

impl<E: Element> Var<E> {
    /// `self` above 0, and `alpha·(e^self − 1)` else, element by element; 1 is usual for `alpha`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![2.0_f32, 0.0, -200.0])?);
    /// assert_eq!(x.elu(1.0)?.value().as_slice(), [2.0, 0.0, -1.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `alpha` is infinite or NaN in the element type.
    pub fn elu(&self, alpha: f64) -> Result<Var<E>> {
        apply(Each(Elu { alpha }), [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::support::pointwise::agree;
    use crate::{Tensor, Var};

    /// By mpmath with 40 digits.
    #[test]
    fn values_and_slopes_are_those_of_an_independent_program() {
        let table = [
            (-40.0, -1.5, 6.372_531_382_937_383e-18),
            (-1.0e-10, -1.499_999_999_925e-10, 1.499_999_999_85),
            (-2.0, -1.296_997_075_145_081, 0.203_002_924_854_919_03),
            (0.0, 0.0, 1.5),
            (0.5, 0.5, 1.0),
            (f64::NEG_INFINITY, -1.5, 0.0),
        ];
        agree(&table, 4e-15, |x| x.elu(1.5));
    }

    #[test]
    fn an_alpha_that_is_not_finite_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        assert_eq!(
            x.elu(1e39).unwrap_err().to_string(),
            "elu: the alpha is 1e39 (x [2]); use a number that is finite in f32"
        );
    }
}
