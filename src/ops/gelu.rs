//! The Gaussian error linear unit.
//!
//! **Formula** `y = x·Φ(x)` with `Φ(x) = ½·erfc(−x/√2)`, the share of a normal distribution below `x`; or its approximation
//! `y = ½·x·(1 + tanh u)` with `u = √(2/π)·(x + 0.044715·x³)`, computed as `x·σ(2u)`, which is the same and keeps its digits
//! far below 0. Both are 0 at −∞.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** By the product rule, `∂y/∂x = Φ(x) + x·φ(x)` with the density `φ(x) = Φ'(x) = e^(−x²/2)/√(2π)`. Of the
//! approximation, with `σ' = σ·(1 − σ)` and `u' = √(2/π)·(1 + 3·0.044715·x²)`, it is `σ(2u) + x·2u'·σ(2u)·σ(−2u)`. `dx` is
//! `dy` times the slope.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** Hendrycks and Gimpel, *Gaussian error linear units*, 2016; the two forms are PyTorch's `approximate="none"` and
//! `"tanh"`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::pointwise::{Each, Pointwise};
use super::support::special::{erfc, sigmoid, times};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;
use std::f64::consts::{FRAC_1_SQRT_2, PI};

pub(super) const ROW: Row = Row {
    name: "gelu",
    formula: "y = x·Φ(x), exact or by tanh",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, form) = (draw.shape(0, 4), draw.pick(&[Gelu::Exact, Gelu::Tanh]));
        case!([draw.values(shape)], format!("{form:?}"), |v| v[0].gelu(form))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].gelu(Gelu::Exact) },
};

/// The form of [`Var::gelu`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gelu {
    /// By the error function.
    Exact,
    /// By a hyperbolic tangent, as GPT-2 has it.
    Tanh,
}

/// What is multiplied by `√(2/π)` in the approximation, and its slope.
fn cubic(x: f64) -> (f64, f64) {
    let root = (2.0 / PI).sqrt();
    (root * (x + 0.044_715 * x * x * x), root * (1.0 + 3.0 * 0.044_715 * x * x))
}

impl Pointwise for Gelu {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64) -> f64 {
        match self {
            Gelu::Exact => times(x, 0.5 * erfc(-x * FRAC_1_SQRT_2)),
            Gelu::Tanh => times(x, sigmoid(2.0 * cubic(x).0)),
        }
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        let slope = match self {
            Gelu::Exact => {
                let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
                0.5 * erfc(-x * FRAC_1_SQRT_2) + times(x, density)
            }
            Gelu::Tanh => {
                let (u, slope) = cubic(x);
                sigmoid(2.0 * u) + times(x * 2.0 * slope, sigmoid(2.0 * u) * sigmoid(-2.0 * u))
            }
        };
        dy * slope
    }
}

impl<E: Element> Var<E> {
    /// `self·Φ(self)`, element by element, where `Φ` is the cumulative normal distribution.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Gelu};
    /// let x = Var::constant(Tensor::from_vec([3], vec![0.0_f32, 1.0, -50.0])?);
    /// let y = x.gelu(Gelu::Exact)?;
    /// assert!((y.value().as_slice()[1] - 0.841_344_7).abs() < 1e-6);
    /// assert!((x.gelu(Gelu::Tanh)?.value().as_slice()[1] - 0.841_192).abs() < 1e-6);
    /// assert_eq!([0, 2].map(|i| y.value().as_slice()[i]), [0.0, 0.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn gelu(&self, form: Gelu) -> Result<Var<E>> {
        apply(Each(form), [self])
    }
}

#[cfg(test)]
mod tests {
    use super::Gelu;
    use crate::ops::support::pointwise::agree;

    /// By mpmath with 40 digits; the limits by hand.
    #[test]
    fn the_exact_form_keeps_its_digits_far_out() {
        let table = [
            (-12.0, -2.131_778_534_493_214_7e-32, -2.557_895_661_674_895_6e-31),
            (-2.0, -0.045_500_263_896_358_42, -0.085_231_801_078_196_9),
            (0.0, 0.0, 0.5),
            (0.5, 0.345_731_230_637_006_56, 0.867_495_124_656_162_9),
            (3.0, 2.995_950_305_905_11, 1.011_945_647_204_184),
            (f64::INFINITY, f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, 0.0, 0.0),
            (f64::NAN, f64::NAN, f64::NAN),
        ];
        agree(&table, 1e-13, |x| x.gelu(Gelu::Exact));
    }

    /// By mpmath with 40 digits; the limits by hand.
    #[test]
    fn the_approximation_does_so_too() {
        let table = [
            (-6.0, -8.439_646_700_762_297e-11, -7.709_973_930_953_696e-10),
            (-2.0, -0.045_402_305_912_224_98, -0.086_099_256_623_618_38),
            (0.0, 0.0, 0.5),
            (0.5, 0.345_714_009_825_143_94, 0.867_369_903_534_642_3),
            (3.0, 2.996_362_607_918_227, 1.011_584_166_630_969_7),
            (f64::INFINITY, f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, 0.0, 0.0),
        ];
        agree(&table, 1e-13, |x| x.gelu(Gelu::Tanh));
    }
}
