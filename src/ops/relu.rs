//! The rectified linear unit.
//!
//! **Formula** `y = max(x, 0)`; NaN stays NaN.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `y` follows `x` where `x > 0` and is constant where `x < 0`, so `dx = dy·[x > 0]`. At 0 there is no
//! derivative; 0 is used, as PyTorch does. Since `x > 0` exactly where `y > 0`, the output alone decides.
//! Where `x` is NaN, so is `y`, and `dy` is passed on, as PyTorch does: no trace of it is lost.
//!
//! **Kept for backward** `y`, which the next operation usually keeps as well: no memory of its own.
//!
//! **Source** Nair and Hinton, *Rectified linear units improve restricted Boltzmann machines*, ICML 2010.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, relu};

pub(super) const ROW: Row = Row {
    name: "relu",
    formula: "y = max(x, 0)",
    nondifferentiable: "|x| < 0.2",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.nonzero(shape)], "", |v| v[0].relu())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].relu() },
};

#[derive(Debug)]
struct Relu;

impl<E: Element> Op<E, 1> for Relu {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let y = unary(x, relu::relu_forward);
        (y.clone(), y)
    }

    fn backward(&self, y: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(binary(&y, &dy, relu::relu_backward))]
    }
}

impl<E: Element> Var<E> {
    /// `max(self, 0)`, element by element.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![-1.0_f32, 0.0, 2.0])?);
    /// assert_eq!(x.relu()?.value().as_slice(), [0.0, 0.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn relu(&self) -> Result<Var<E>> {
        apply(Relu, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn the_slope_at_zero_is_zero_and_nan_stays_with_its_gradient() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([4], vec![-1.0_f32, 0.0, 2.0, f32::NAN]).unwrap());
        let y = x.relu().unwrap();
        assert_eq!(y.value().as_slice()[..3], [0.0, 0.0, 2.0]);
        assert!(y.value().as_slice()[3].is_nan());
        let gradients = tape.backward_from(&[(&y, Tensor::full([4], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 0.0, 1.0, 1.0]);
    }
}
