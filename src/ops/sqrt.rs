//! The square root.
//!
//! **Formula** `y = √x`; NaN below 0, as IEEE 754 has it.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** From `y² = x`, `2y·∂y/∂x = 1`, so `∂y/∂x = 1/(2y)` and `dx = dy/2y`. At 0 the slope is infinite: add
//! a small number under the root where zeros can occur.
//!
//! **Kept for backward** `y`, which the next operation usually keeps as well.
//!
//! **Source** the derivative of an inverse function.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "sqrt",
    formula: "y = sqrt(x)",
    nondifferentiable: "x < 0.2",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.positive(shape)], "", |v| v[0].sqrt())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].sqrt() },
};

#[derive(Debug)]
struct Sqrt;

impl<E: Element> Op<E, 1> for Sqrt {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let y = unary(x, arith::sqrt);
        (y.clone(), y)
    }

    fn backward(&self, y: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(binary(&y, &dy, arith::sqrt_backward))]
    }
}

impl<E: Element> Var<E> {
    /// The square root of `self`, element by element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![4.0_f32, 2.25])?);
    /// assert_eq!(x.sqrt()?.value().as_slice(), [2.0, 1.5]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own; the root of a negative number is NaN: see [`checked`](crate::checked).
    pub fn sqrt(&self) -> Result<Var<E>> {
        apply(Sqrt, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn value_and_slope_at_and_below_zero() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([4], vec![16.0_f32, 0.0, -1.0, f32::NAN]).unwrap());
        let y = x.sqrt().unwrap();
        assert_eq!(y.value().as_slice()[..2], [4.0, 0.0]);
        assert!(y.value().as_slice()[2..].iter().all(|y| y.is_nan()));
        let gradients = tape.backward_from(&[(&y, Tensor::full([4], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice()[..2], [0.125, f32::INFINITY]);
    }
}
