//! A power with a constant exponent.
//!
//! **Formula** `y = xᵖ` as IEEE 754 has it: NaN for `x < 0` with a fractional `p`, infinite for `x = 0` with a
//! negative one, and 1 for `p = 0`, whatever `x` is.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `∂y/∂x = p·xᵖ⁻¹`, so `dx = dy·p·xᵖ⁻¹`. At `x = 0` that is 0 for `p > 1`, 1 for `p = 1`, and infinite
//! below. For `p = 0` the output is constant and the slope is 0, also at `x = 0`, where the formula would be `0·∞`.
//! The exponent has no gradient.
//!
//! **Kept for backward** `x`, not copied; the operation itself holds `p`.
//!
//! **Source** the power rule.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_finite;
use super::support::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "pow",
    formula: "y = x^p",
    nondifferentiable: "|x| < 0.2; x < 0 where p is fractional",
    f32_bound: 4.0,
    draw: |draw| {
        let (shape, exponent) = (draw.shape(0, 4), draw.pick(&[2.0_f64, 3.0, 1.0, 0.0, -1.0, -2.0, 0.5, 1.7, -0.5]));
        let x = if exponent.fract() == 0.0 { draw.nonzero(shape) } else { draw.positive(shape) };
        case!([x], format!("exponent {exponent}"), |v| v[0].pow(exponent))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].pow(1.5) },
};

#[derive(Debug)]
struct Pow {
    exponent: f64,
}

impl Pow {
    /// `dy·p·xᵖ⁻¹`, in `f64`: the power may leave the range of `f32` where its product with `dy` does not.
    fn gradient<E: Element>(&self, x: E, dy: E) -> E {
        let p = E::from_f64(self.exponent).to_f64();
        if p == 0.0 { E::ZERO } else { E::from_f64(dy.to_f64() * p * x.to_f64().powf(p - 1.0)) }
    }
}

// Both passes take the standard library's power, one element at a time: a version in lanes needs an exponential and a
// logarithm of more than working precision, and nothing a network does often asks for it.

impl<E: Element> Op<E, 1> for Pow {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        require_finite::<E>(ROW.name, "exponent", self.exponent, x)?;
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let p = E::from_f64(self.exponent);
        let y = unary(x, |_, x, y| y.iter_mut().zip(x).for_each(|(y, x)| *y = x.powf(p)));
        (y, x.clone())
    }

    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let dx = binary(&x, &dy, |_, x, dy, dx| {
            for ((dx, dy), x) in dx.iter_mut().zip(dy).zip(x) {
                *dx = self.gradient(*x, *dy);
            }
        });
        [Some(dx)]
    }
}

impl<E: Element> Var<E> {
    /// `self` to the power of `exponent`, element by element.
    ///
    /// A negative number has no power with a fractional exponent: it gives NaN, as IEEE 754 has it.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![1.0_f64, -2.0, 3.0])?);
    /// assert_eq!(x.pow(3.0)?.value().as_slice(), [1.0, -8.0, 27.0]);
    /// assert!(x.pow(0.5)?.value().as_slice()[1].is_nan());
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `exponent` is infinite or NaN in the element type.
    pub fn pow(&self, exponent: f64) -> Result<Var<E>> {
        apply(Pow { exponent }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    fn value_and_slope(x: f64, exponent: f64) -> (f64, f64) {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::scalar(x));
        let y = x.pow(exponent).unwrap();
        (y.item().unwrap(), tape.backward(&y).unwrap().get(&x).unwrap().item().unwrap())
    }

    #[test]
    fn at_zero_the_exponent_decides() {
        assert_eq!(value_and_slope(0.0, 2.0), (0.0, 0.0));
        assert_eq!(value_and_slope(0.0, 1.0), (0.0, 1.0));
        assert_eq!(value_and_slope(0.0, 0.5), (0.0, f64::INFINITY));
        assert_eq!(value_and_slope(0.0, -1.0), (f64::INFINITY, f64::NEG_INFINITY));
        assert_eq!(value_and_slope(0.0, 0.0), (1.0, 0.0));
    }

    #[test]
    fn negative_numbers_have_whole_powers_only() {
        assert_eq!(value_and_slope(-2.0, 3.0), (-8.0, 12.0));
        assert_eq!(value_and_slope(-2.0, -1.0), (-0.5, -0.25));
        let (y, slope) = value_and_slope(-2.0, 0.5);
        assert!(y.is_nan() && slope.is_nan());
    }

    #[test]
    fn an_exponent_that_is_not_finite_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        assert_eq!(
            x.pow(f64::INFINITY).unwrap_err().to_string(),
            "pow: the exponent is inf (x [2]); use a number that is finite in f32"
        );
    }
}
