//! Negation.
//!
//! **Formula** `y = −x`
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `∂y/∂x = −1`, so `dx = −dy`.
//!
//! **Kept for backward** nothing.
//!
//! **Source** the factor −1 pulled out of a derivative.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::unary;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "neg",
    formula: "y = −x",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.values(shape)], "", |v| v[0].neg())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].neg() },
};

#[derive(Debug)]
struct Neg;

/// `−x`: a product with −1 is exact, and turns the sign of zeros too.
fn negated<E: Element>(x: &Tensor<E>) -> Tensor<E> {
    unary(x, |isa, x, y| arith::scale(isa, x, -E::ONE, y))
}

impl<E: Element> Op<E, 1> for Neg {
    const NAME: &'static str = ROW.name;
    type Saved = ();

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, ()) {
        (negated(x), ())
    }

    fn backward(&self, (): (), dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(negated(&dy))]
    }
}

impl<E: Element> Var<E> {
    /// `−self`, element by element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![1.0_f32, -2.0])?);
    /// assert_eq!(x.neg()?.value().as_slice(), [-1.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn neg(&self) -> Result<Var<E>> {
        apply(Neg, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn signs_turn_also_those_of_zero_and_infinity() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([5], vec![3.0_f32, 0.0, -0.0, f32::INFINITY, f32::NAN]).unwrap());
        let y = x.neg().unwrap();
        let expected = [-3.0_f32, -0.0, 0.0, f32::NEG_INFINITY];
        assert_eq!(
            y.value().as_slice()[..4].iter().map(|y| y.to_bits()).collect::<Vec<_>>(),
            expected.map(f32::to_bits)
        );
        assert!(y.value().as_slice()[4].is_nan());
        let gradients = tape.backward_from(&[(&y, Tensor::full([5], 2.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [-2.0; 5]);
    }
}
