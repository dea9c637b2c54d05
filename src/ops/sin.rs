//! The sine.
//!
//! **Formula** `y = sin x`, with `x` in radians.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `∂y/∂x = cos x`, so `dx = dy·cos x`.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** any book on calculus.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::pointwise::{Each, Pointwise};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "sin",
    formula: "y = sin(x)",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.values(shape)], "", |v| v[0].sin())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].sin() },
};

#[derive(Debug)]
struct Sin;

impl Pointwise for Sin {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64) -> f64 {
        x.sin()
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        dy * x.cos()
    }
}

impl<E: Element> Var<E> {
    /// The sine of each element, in radians.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![0.0_f64, std::f64::consts::FRAC_PI_2])?);
    /// assert_eq!(x.sin()?.value().as_slice(), [0.0, 1.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn sin(&self) -> Result<Var<E>> {
        apply(Each(Sin), [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::support::pointwise::agree;

    /// By mpmath with 40 digits.
    #[test]
    fn values_and_slopes_are_those_of_an_independent_program() {
        let table = [
            (0.5, 0.479_425_538_604_203, 0.877_582_561_890_372_8),
            (-2.0, -0.909_297_426_825_681_7, -0.416_146_836_547_142_4),
            (30.0, -0.988_031_624_092_861_8, 0.154_251_449_887_584_05),
            (f64::INFINITY, f64::NAN, f64::NAN),
        ];
        agree(&table, 4e-15, |x| x.sin());
    }
}
