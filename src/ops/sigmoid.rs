//! The logistic sigmoid.
//!
//! **Formula** `y = 1 / (1 + e⁻ˣ)`; NaN stays NaN.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** With `q = e⁻ˣ`, `y = 1/(1 + q)` and `∂q/∂x = −q`, so `∂y/∂x = q/(1 + q)²`, and `dx = dy·q/(1 + q)²`. That is
//! also `dy·y·(1 − y)`, of which no digit would be left where `y` rounds to 1.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** the logistic function; the kernel explains how it is computed, to 4 ULP.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, activation};

pub(super) const ROW: Row = Row {
    name: "sigmoid",
    formula: "y = 1 / (1 + exp(−x))",
    nondifferentiable: "",
    f32_bound: 12.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.values(shape)], "", |v| v[0].sigmoid())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].sigmoid() },
};

#[derive(Debug)]
struct Sigmoid;

impl<E: Element> Op<E, 1> for Sigmoid {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let y = unary(x, activation::sigmoid_forward);
        (y, x.clone())
    }

    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(binary(&x, &dy, activation::sigmoid_backward))]
    }
}

impl<E: Element> Var<E> {
    /// `1 / (1 + e^(−self))`, element by element: between 0 and 1.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![0.0_f32, 200.0, -200.0])?);
    /// assert_eq!(x.sigmoid()?.value().as_slice(), [0.5, 1.0, 0.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn sigmoid(&self) -> Result<Var<E>> {
        apply(Sigmoid, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn value_and_slope_in_the_middle_and_far_out() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([5], vec![0.0_f64, 800.0, -800.0, 3.0_f64.ln(), f64::NAN]).unwrap());
        let y = x.sigmoid().unwrap();
        assert_eq!(y.value().as_slice()[..3], [0.5, 1.0, 0.0]);
        assert!((y.value().as_slice()[3] - 0.75).abs() < 1e-15 && y.value().as_slice()[4].is_nan());
        let gradients = tape.backward_from(&[(&y, Tensor::full([5], 1.0).unwrap())]).unwrap();
        let slopes = gradients.get(&x).unwrap().as_slice();
        assert_eq!(slopes[..3], [0.25, 0.0, 0.0]);
        assert!((slopes[3] - 0.1875).abs() < 1e-15 && slopes[4].is_nan());
    }
}
