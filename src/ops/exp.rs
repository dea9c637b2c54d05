//! The exponential function.
//!
//! **Formula** `y = eˣ`; it overflows to infinity above 88.7 in `f32`, above 709.8 in `f64`.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** The exponential function is its own derivative, so `dx = dy·y`. Where `y` overflows or underflows, `dx` may
//! still be an ordinary number: there `x` is gone back to.
//!
//! **Kept for backward** `x` and `y`, which the operations around it usually keep as well.
//!
//! **Source** the definition of e; the kernel explains how it is computed, to 2 ULP.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{ternary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "exp",
    formula: "y = exp(x)",
    nondifferentiable: "",
    f32_bound: 3.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.values(shape)], "", |v| v[0].exp())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].exp() },
};

#[derive(Debug)]
struct Exp;

impl<E: Element> Op<E, 1> for Exp {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let y = unary(x, arith::exp);
        (y.clone(), [x.clone(), y])
    }

    fn backward(&self, [x, y]: [Tensor<E>; 2], dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(ternary([&x, &y, &dy], |isa, [x, y, dy], dx| arith::exp_backward(isa, x, y, dy, dx)))]
    }
}

impl<E: Element> Var<E> {
    /// `e` to the power of `self`, element by element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![0.0_f32, 1.0])?);
    /// let y = x.exp()?;
    /// assert_eq!(y.value().as_slice()[0], 1.0);
    /// assert!((y.value().as_slice()[1] - std::f32::consts::E).abs() < 1e-6);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn exp(&self) -> Result<Var<E>> {
        apply(Exp, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn the_derivative_is_the_value_and_the_range_ends_as_it_should() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([4], vec![0.0_f32, 2.0, 100.0, -200.0]).unwrap());
        let y = x.exp().unwrap();
        let values = y.value().as_slice().to_vec();
        assert_eq!((values[0], values[2], values[3]), (1.0, f32::INFINITY, 0.0));
        assert!((values[1] - 7.389_056).abs() < 1e-6);
        let gradients = tape.backward_from(&[(&y, Tensor::full([4], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), values);
    }

    #[test]
    fn nan_stays() {
        let x = crate::Var::constant(Tensor::full([19], f32::NAN).unwrap());
        assert!(x.exp().unwrap().value().as_slice().iter().all(|y| y.is_nan()));
    }
}
