//! The sigmoid linear unit, also called swish.
//!
//! **Formula** `y = x·σ(x)` with `σ(x) = 1/(1 + e⁻ˣ)`; 0 at −∞.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** By the product rule and `σ' = σ·(1 − σ)`, `∂y/∂x = σ(x) + x·σ(x)·σ(−x)`, and `dx` is `dy` times that. `σ(−x)`
//! in place of `1 − σ(x)` keeps its digits above 0.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** Elfwing, Uchibe and Doya, *Sigmoid-weighted linear units*, 2017; Ramachandran, Zoph and Le, *Searching for
//! activation functions*, 2017.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::pointwise::{Each, Pointwise};
use super::support::special::{sigmoid, times};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "silu",
    formula: "y = x·sigmoid(x)",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.values(shape)], "", |v| v[0].silu())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].silu() },
};

#[derive(Debug)]
struct Silu;

impl Pointwise for Silu {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64) -> f64 {
        times(x, sigmoid(x))
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        dy * (sigmoid(x) + times(x, sigmoid(x) * sigmoid(-x)))
    }
}

impl<E: Element> Var<E> {
    /// `self·sigmoid(self)`, element by element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![0.0_f32, 50.0, -200.0])?);
    /// assert_eq!(x.silu()?.value().as_slice(), [0.0, 50.0, 0.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn silu(&self) -> Result<Var<E>> {
        apply(Each(Silu), [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::support::pointwise::agree;

    /// By mpmath with 40 digits; the limits by hand.
    #[test]
    fn values_and_slopes_in_the_middle_and_far_out() {
        let table = [
            (-40.0, -1.699_341_702_116_635_5e-16, -1.656_858_159_563_719_7e-16),
            (-2.0, -0.238_405_844_044_235_12, -0.090_784_248_784_895_48),
            (0.0, 0.0, 0.5),
            (0.5, 0.311_229_665_600_927_3, 0.739_961_187_302_651_8),
            (3.0, 2.857_722_380_467_299_8, 1.088_104_106_015_169_7),
            (f64::INFINITY, f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, 0.0, 0.0),
            (f64::NAN, f64::NAN, f64::NAN),
        ];
        agree(&table, 2e-14, |x| x.silu());
    }
}
