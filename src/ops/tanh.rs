//! The hyperbolic tangent.
//!
//! **Formula** `y = tanh x = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)`; NaN stays NaN.
//!
//! **Shapes** `y` has the shape of `x`, which may be any.
//!
//! **Gradient** `sinh` and `cosh` are each other's derivatives, so that of their quotient is `(cosh² − sinh²)/cosh²`,
//! which is `1/cosh²`: `dx = dy/cosh² x`. That is also `dy·(1 − y²)`, of which no digit would be left where `y` rounds to 1.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** the quotient rule.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa, activation};

pub(super) const ROW: Row = Row {
    name: "tanh",
    formula: "y = tanh(x)",
    nondifferentiable: "",
    f32_bound: 20.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        case!([draw.values(shape)], "", |v| v[0].tanh())
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].tanh() },
};

#[derive(Debug)]
struct Tanh;

/// The standard library's tangent, one element at a time: near 0 a version in lanes needs more than the exponential
/// that there is, and no network here uses it often.
fn forward<E: Element>(_: Isa, x: &[E], y: &mut [E]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = x.tanh();
    }
}

impl<E: Element> Op<E, 1> for Tanh {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let y = unary(x, forward);
        (y, x.clone())
    }

    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(binary(&x, &dy, activation::tanh_backward))]
    }
}

impl<E: Element> Var<E> {
    /// The hyperbolic tangent of `self`, element by element: between −1 and 1.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![0.0_f32, 200.0, -200.0])?);
    /// assert_eq!(x.tanh()?.value().as_slice(), [0.0, 1.0, -1.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn tanh(&self) -> Result<Var<E>> {
        apply(Tanh, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor};

    #[test]
    fn value_and_slope_in_the_middle_and_far_out() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([5], vec![0.0_f64, 800.0, -800.0, 3.0_f64.ln(), f64::NAN]).unwrap());
        let y = x.tanh().unwrap();
        assert_eq!(y.value().as_slice()[..3], [0.0, 1.0, -1.0]);
        assert!((y.value().as_slice()[3] - 0.8).abs() < 1e-15 && y.value().as_slice()[4].is_nan());
        let gradients = tape.backward_from(&[(&y, Tensor::full([5], 1.0).unwrap())]).unwrap();
        let slopes = gradients.get(&x).unwrap().as_slice();
        assert_eq!(slopes[..3], [1.0, 0.0, 0.0]);
        assert!((slopes[3] - 0.36).abs() < 1e-15 && slopes[4].is_nan());
    }
}
