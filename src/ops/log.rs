//! The natural logarithm.
//!
//! **Formula** `y = ln x`; −∞ at 0, NaN below, as IEEE 754 has it.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** From `eʸ = x`, `eʸ·∂y/∂x = 1`, so `∂y/∂x = 1/x` and `dx = dy/x`: infinite at 0.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** the derivative of an inverse function.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa, arith};

pub(super) const ROW: Row = Row {
    name: "log",
    formula: "y = ln(x)",
    nondifferentiable: "x < 0.2",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.positive(shape)], "", |v| v[0].log())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].log() },
};

#[derive(Debug)]
struct Log;

/// The standard library's logarithm, one element at a time: nothing a network does often asks for lanes here.
fn ln<E: Element>(_: Isa, x: &[E], y: &mut [E]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = x.ln();
    }
}

impl<E: Element> Op<E, 1> for Log {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        (unary(x, ln), x.clone())
    }

    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(binary(&dy, &x, arith::div))]
    }
}

impl<E: Element> Var<E> {
    /// The natural logarithm of `self`, element by element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![1.0_f64, std::f64::consts::E])?);
    /// assert_eq!(x.log()?.value().as_slice(), [0.0, 1.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own; the logarithm of a negative number is NaN: see [`checked`](crate::checked).
    pub fn log(&self) -> Result<Var<E>> {
        apply(Log, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn value_and_slope_at_and_below_zero() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([4], vec![4.0_f64, 0.0, -1.0, f64::NAN]).unwrap());
        let y = x.log().unwrap();
        assert_eq!(y.value().as_slice()[..2], [2.0 * std::f64::consts::LN_2, f64::NEG_INFINITY]);
        assert!(y.value().as_slice()[2..].iter().all(|y| y.is_nan()));
        let gradients = tape.backward_from(&[(&y, Tensor::full([4], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice()[..2], [0.25, f64::INFINITY]);
    }
}
