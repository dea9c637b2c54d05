//! The exponential less 1.
//!
//! **Formula** `y = eˣ − 1`, which keeps all digits of a small `x`.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `∂y/∂x = eˣ`, so `dx = dy·eˣ`; from `y + 1` it would lose its digits far below 0.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** the standard library's `exp_m1`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::pointwise::{Each, Pointwise};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "expm1",
    formula: "y = exp(x) − 1",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.values(shape)], "", |v| v[0].expm1())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].expm1() },
};

#[derive(Debug)]
struct Expm1;

impl Pointwise for Expm1 {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64) -> f64 {
        x.exp_m1()
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        dy * x.exp()
    }
}

impl<E: Element> Var<E> {
    /// `e^self − 1`, element by element, exact also where `self` is tiny.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![0.0_f32, 1e-12])?);
    /// assert_eq!(x.expm1()?.value().as_slice(), [0.0, 1e-12]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn expm1(&self) -> Result<Var<E>> {
        apply(Each(Expm1), [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::support::pointwise::agree;

    /// By mpmath with 40 digits.
    #[test]
    fn small_numbers_and_far_slopes_keep_their_digits() {
        let table = [
            (1.0e-10, 1.000_000_000_05e-10, 1.000_000_000_1),
            (0.5, 0.648_721_270_700_128_2, 1.648_721_270_700_128_2),
            (-40.0, -1.0, 4.248_354_255_291_589e-18),
            (f64::NEG_INFINITY, -1.0, 0.0),
        ];
        agree(&table, 4e-15, |x| x.expm1());
    }
}
