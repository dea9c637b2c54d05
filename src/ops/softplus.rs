//! The smooth rectifier.
//!
//! **Formula** `y = ln(1 + e^(β·x))/β`, and `y = x` where `β·x` is above the threshold. It is computed as `max(x, 0) + ln(1 +
//! e^(−β·|x|))/β`, which neither overflows nor loses a small result.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `∂y/∂x = e^(β·x)/(1 + e^(β·x)) = σ(β·x)`, and 1 above the threshold, so `dx = dy·σ(β·x)` or `dx = dy`.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** Dugas and others, *Incorporating second-order functional knowledge for better option pricing*, NIPS 2000; β and
//! the threshold as PyTorch defines them.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_positive;
use super::support::pointwise::{Each, Pointwise};
use super::support::special::sigmoid;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "softplus",
    formula: "y = ln(1 + exp(β·x))/β",
    nondifferentiable: "β·x at the threshold",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, beta) = (draw.shape(0, 4), draw.pick(&[1.0, 0.5, 3.0]));
        let options = Softplus { beta, ..Softplus::default() };
        case!([draw.values(shape)], format!("{options:?}"), |v| v[0].softplus(options))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].softplus(Softplus::default()) },
};

/// The settings of [`Var::softplus`].
///
/// ```
/// use evograd::ops::Softplus;
/// let sharp = Softplus { beta: 10.0, ..Softplus::default() };
/// assert_eq!((sharp.threshold, Softplus::default().beta), (20.0, 1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softplus {
    /// How sharply it bends, above 0; 1 by default.
    pub beta: f64,
    /// Above this value of `β·x`, `y` is `x`; 20 by default, where the two differ by 2·10⁻⁹.
    pub threshold: f64,
}

impl Default for Softplus {
    fn default() -> Self {
        Softplus { beta: 1.0, threshold: 20.0 }
    }
}

impl Pointwise for Softplus {
    const NAME: &'static str = ROW.name;

    fn check<E: Element>(&self, x: &Shape) -> Result<()> {
        require_positive::<E>(ROW.name, "beta", self.beta, &[("x", x)], "1")?;
        if self.threshold.is_nan() {
            let remedy = "use a number, such as 20";
            return Err(Error::op(ROW.name, "the threshold is NaN", &[("x", x)], remedy));
        }
        Ok(())
    }

    fn value(&self, x: f64) -> f64 {
        let scaled = self.beta * x;
        if scaled > self.threshold { x } else { x.max(0.0) + (-scaled.abs()).exp().ln_1p() / self.beta }
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        let scaled = self.beta * x;
        if scaled > self.threshold { dy } else { dy * sigmoid(scaled) }
    }
}

impl<E: Element> Var<E> {
    /// `ln(1 + e^(beta·self))/beta`, element by element: a ReLU with a round corner.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Softplus};
    /// let x = Var::constant(Tensor::from_vec([3], vec![0.0_f64, 100.0, -800.0])?);
    /// assert_eq!(x.softplus(Softplus::default())?.value().as_slice(), [2.0_f64.ln(), 100.0, 0.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `beta` is not above 0 or not finite in the element type, or the threshold is NaN.
    pub fn softplus(&self, options: Softplus) -> Result<Var<E>> {
        apply(Each(options), [self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::ops::support::pointwise::agree;

    /// By mpmath with 40 digits.
    #[test]
    fn values_and_slopes_in_the_middle_and_far_out() {
        let table = [
            (-40.0, 4.248_354_255_291_589e-18, 4.248_354_255_291_589e-18),
            (-2.0, 0.126_928_011_042_972_5, 0.119_202_922_022_117_56),
            (0.0, std::f64::consts::LN_2, 0.5),
            (3.0, 3.048_587_351_573_742, 0.952_574_126_822_433_3),
            (21.0, 21.0, 1.0),
            (f64::INFINITY, f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, 0.0, 0.0),
            (f64::NAN, f64::NAN, f64::NAN),
        ];
        agree(&table, 4e-15, |x| x.softplus(Softplus::default()));
    }

    /// By mpmath with 40 digits; above the threshold by its definition.
    #[test]
    fn beta_and_threshold_have_their_parts() {
        let table = [
            (-2.0, 0.009_074_963_958_904_87, 0.017_986_209_962_091_56),
            (3.0, 3.001_237_842_568_865, 0.997_527_376_843_365_2),
        ];
        agree(&table, 4e-15, |x| x.softplus(Softplus { beta: 2.0, threshold: 20.0 }));
        agree(&[(3.0, 3.0, 1.0)], 0.0, |x| x.softplus(Softplus { beta: 2.0, threshold: 5.0 }));
    }

    #[test]
    fn settings_that_are_no_numbers_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        let text = |beta, threshold| x.softplus(Softplus { beta, threshold }).unwrap_err().to_string();
        assert_eq!(text(0.0, 20.0), "softplus: beta is 0 (x [2]); use a number above 0, such as 1");
        assert_eq!(text(1.0, f64::NAN), "softplus: the threshold is NaN (x [2]); use a number, such as 20");
    }
}
