//! The leaky rectified linear unit.
//!
//! **Formula** `y = x` where `x > 0`, else `y = s·x`; NaN stays NaN.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `y` is linear on either side of 0, with slope 1 above and `s` below: `dx = dy` where `x > 0`, else
//! `s·dy`. At 0 there is no derivative; `s` is used, as PyTorch does;
//! likewise where `x` is NaN.
//!
//! **Kept for backward** `x`, not copied; the sign of `y` would not tell the side where `s` is negative. The
//! operation itself holds `s`.
//!
//! **Source** Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network acoustic models*, ICML 2013.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_finite;
use super::support::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, relu};

pub(super) const ROW: Row = Row {
    name: "leaky_relu",
    formula: "y = x where x > 0, else s·x",
    nondifferentiable: "|x| < 0.2",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, slope) = (draw.shape(0, 4), draw.pick(&[0.01, 0.25, 0.0, -0.5, 2.0]));
        case!([draw.nonzero(shape)], format!("slope {slope}"), |v| v[0].leaky_relu(slope))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].leaky_relu(0.1) },
};

#[derive(Debug)]
struct LeakyRelu {
    slope: f64,
}

impl<E: Element> Op<E, 1> for LeakyRelu {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        require_finite::<E>(ROW.name, "slope", self.slope, x)?;
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let slope = E::from_f64(self.slope);
        (unary(x, |isa, x, y| relu::leaky_relu_forward(isa, x, slope, y)), x.clone())
    }

    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let slope = E::from_f64(self.slope);
        [Some(binary(&x, &dy, |isa, x, dy, dx| relu::leaky_relu_backward(isa, x, dy, slope, dx)))]
    }
}

impl<E: Element> Var<E> {
    /// `self` where it is positive, else `slope · self`, element by element. A usual slope is 0.01.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![-2.0_f32, 0.0, 3.0])?);
    /// assert_eq!(x.leaky_relu(0.25)?.value().as_slice(), [-0.5, 0.0, 3.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `slope` is infinite or NaN in the element type.
    pub fn leaky_relu(&self, slope: f64) -> Result<Var<E>> {
        apply(LeakyRelu { slope }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn each_side_has_its_slope_and_zero_counts_as_below() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([4], vec![-2.0_f32, 0.0, 3.0, f32::NAN]).unwrap());
        for slope in [0.25, -0.5] {
            let y = x.leaky_relu(slope.into()).unwrap();
            assert_eq!(y.value().as_slice()[..3], [-2.0 * slope, 0.0, 3.0]);
            assert!(y.value().as_slice()[3].is_nan());
            let gradients = tape.backward_from(&[(&y, Tensor::full([4], 1.0).unwrap())]).unwrap();
            assert_eq!(gradients.get(&x).unwrap().as_slice()[..3], [slope, slope, 1.0]);
        }
    }

    #[test]
    fn a_slope_that_is_not_finite_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        assert_eq!(
            x.leaky_relu(f64::NAN).unwrap_err().to_string(),
            "leaky_relu: the slope is NaN (x [2]); use a number that is finite in f32"
        );
    }
}
