//! Multiplication by a constant.
//!
//! **Formula** `y = c · x`
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `y` is linear in `x` with slope `c`, so `dx = c·dy`. The constant has no gradient: for a factor that is
//! learned, use [`Var::mul`].
//!
//! **Kept for backward** nothing; the operation itself holds `c`.
//!
//! **Source** a constant factor pulled out of a derivative.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_finite;
use super::support::elementwise::unary;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "scale",
    formula: "y = c · x",
    nondifferentiable: "",
    f32_bound: 1.0,
    draw: |draw| {
        let (shape, factor) = (draw.shape(0, 4), draw.number(-2.0, 2.0));
        case!([draw.values(shape)], format!("factor {factor}"), |v| v[0].scale(factor))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].scale(0.7) },
};

#[derive(Debug)]
struct Scale {
    factor: f64,
}

impl Scale {
    fn times<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        let factor = E::from_f64(self.factor);
        unary(x, |isa, x, y| arith::scale(isa, x, factor, y))
    }
}

impl<E: Element> Op<E, 1> for Scale {
    const NAME: &'static str = ROW.name;
    type Saved = ();

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        require_finite::<E>(ROW.name, "factor", self.factor, x)?;
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, ()) {
        (self.times(x), ())
    }

    fn backward(&self, (): (), dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(self.times(&dy))]
    }
}

impl<E: Element> Var<E> {
    /// `factor · self`, element by element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![1.0_f32, -2.0])?);
    /// assert_eq!(x.scale(0.5)?.value().as_slice(), [0.5, -1.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `factor` is infinite or NaN in the element type.
    pub fn scale(&self, factor: f64) -> Result<Var<E>> {
        apply(Scale { factor }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn value_and_gradient_are_scaled() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([2], vec![3.0_f64, -5.0]).unwrap());
        let y = x.scale(-0.25).unwrap();
        assert_eq!(y.value().as_slice(), [-0.75, 1.25]);
        let gradients = tape.backward_from(&[(&y, Tensor::full([2], 8.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [-2.0; 2]);
    }

    #[test]
    fn a_factor_that_is_not_finite_in_the_element_type_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        let text = |factor| x.scale(factor).unwrap_err().to_string();
        assert_eq!(text(f64::NAN), "scale: the factor is NaN (x [2]); use a number that is finite in f32");
        assert_eq!(text(1e300), "scale: the factor is 1e300 (x [2]); use a number that is finite in f32");
        assert!(Var::constant(Tensor::scalar(1.0_f64)).scale(1e300).is_ok());
    }
}
