//! The logarithm near 1.
//!
//! **Formula** `y = ln(1 + x)`, which keeps all digits of a small `x`; −∞ at −1 and NaN below.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `∂y/∂x = 1/(1 + x)`, so `dx = dy/(1 + x)`.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** the standard library's `ln_1p`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::pointwise::{Each, Pointwise};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "log1p",
    formula: "y = ln(1 + x)",
    nondifferentiable: "x < 0.2; that 1 + x is not above 0 is no input",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.positive(shape)], "", |v| v[0].log1p())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].log1p() },
};

#[derive(Debug)]
struct Log1p;

impl Pointwise for Log1p {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64) -> f64 {
        x.ln_1p()
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        dy / (1.0 + x)
    }
}

impl<E: Element> Var<E> {
    /// `ln(1 + self)`, element by element, exact also where `self` is tiny.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![0.0_f32, 1e-12])?);
    /// assert_eq!(x.log1p()?.value().as_slice(), [0.0, 1e-12]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn log1p(&self) -> Result<Var<E>> {
        apply(Each(Log1p), [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::support::pointwise::agree;

    /// By mpmath with 40 digits.
    #[test]
    fn small_numbers_keep_their_digits() {
        let table = [
            (1.0e-10, 9.999_999_999_500_001e-11, 0.999_999_999_9),
            (0.5, 0.405_465_108_108_164_4, 0.666_666_666_666_666_6),
            (-0.75, -1.386_294_361_119_890_6, 4.0),
            (-1.0, f64::NEG_INFINITY, f64::INFINITY),
        ];
        agree(&table, 4e-15, |x| x.log1p());
    }
}
