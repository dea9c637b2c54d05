//! The magnitude.
//!
//! **Formula** `y = |x|`; NaN stays NaN.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `y` is `x` above 0 and `−x` below, so `dx = dy·sign(x)`. At 0 there is no derivative; 0 is used, as PyTorch
//! does.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** the definition.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::pointwise::{Each, Pointwise};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "abs",
    formula: "y = |x|",
    nondifferentiable: "|x| < 0.2",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.nonzero(shape)], "", |v| v[0].abs())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].abs() },
};

#[derive(Debug)]
struct Abs;

impl Pointwise for Abs {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64) -> f64 {
        x.abs()
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        if x == 0.0 { 0.0 } else { dy * x.signum() }
    }
}

impl<E: Element> Var<E> {
    /// The magnitude of each element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![-2.0_f32, 0.0, 3.0])?);
    /// assert_eq!(x.abs()?.value().as_slice(), [2.0, 0.0, 3.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn abs(&self) -> Result<Var<E>> {
        apply(Each(Abs), [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::support::pointwise::agree;

    #[test]
    fn the_slope_is_the_sign_and_0_at_0() {
        let table = [
            (-2.5, 2.5, -1.0),
            (0.0, 0.0, 0.0),
            (-0.0, 0.0, 0.0),
            (7.0, 7.0, 1.0),
            (f64::NEG_INFINITY, f64::INFINITY, -1.0),
            (f64::NAN, f64::NAN, f64::NAN),
        ];
        agree(&table, 0.0, |x| x.abs());
    }
}
