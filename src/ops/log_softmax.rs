//! The logarithm of softmax along the last axis.
//!
//! **Formula** `yᵢ = xᵢ − ln Σⱼ exp(xⱼ)` in each row, computed with the row's maximum subtracted from every `x`. Unlike
//! the logarithm of a softmax, it stays finite where a probability is too small for the element type.
//!
//! **Shapes** `y` has the shape of `x`, which has at least one axis; rows lie along the last axis.
//!
//! **Gradient** `∂yᵢ/∂xⱼ = [i = j] − exp(yⱼ)`, so `dxⱼ = dyⱼ − exp(yⱼ)·Σᵢ dyᵢ`.
//!
//! **Kept for backward** `y`.
//!
//! **Source** the quotient rule under a logarithm.

use super::support::catalogue::{Large, Row, case};
use super::support::rows;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, softmax};

pub(super) const ROW: Row = Row {
    name: "log_softmax",
    formula: "y = x − ln Σexp(x) along the last axis",
    nondifferentiable: "",
    f32_bound: 12.0,
    draw: |draw| {
        // Several rows: in a single one of few classes the slopes may cancel, and nothing be left to measure f32 by.
        let (rows, width) = (draw.size(4, 7), draw.size(1, 40));
        let x = if draw.flag() { draw.values([2, rows, width]) } else { draw.values([rows, width]) };
        case!([x], "", |v| v[0].log_softmax())
    },
    large: Large { shapes: &[&[4099, 11]], run: |v| v[0].log_softmax() },
};

#[derive(Debug)]
struct LogSoftmax;

impl<E: Element> Op<E, 1> for LogSoftmax {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        rows::width(ROW.name, x).map(|_| *x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let y = rows::unary(x, softmax::log_softmax_forward);
        (y.clone(), y)
    }

    fn backward(&self, y: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(rows::binary(&y, &dy, softmax::log_softmax_backward))]
    }
}

impl<E: Element> Var<E> {
    /// The logarithm of [`Var::softmax`] along the last axis, without its underflow.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![0.0_f32, -1000.0])?);
    /// assert_eq!(x.log_softmax()?.value().as_slice(), [0.0, -1000.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has no axis.
    pub fn log_softmax(&self) -> Result<Var<E>> {
        apply(LogSoftmax, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn an_impossible_class_has_no_gradient_and_nan_spoils_its_row_alone() {
        let tape = Tape::new();
        let x = vec![0.0_f64, f64::NEG_INFINITY, 0.0, f64::NAN, 0.0, 0.0];
        let x = tape.leaf(Tensor::from_vec([2, 3], x).unwrap());
        let y = x.log_softmax().unwrap();
        let half = -std::f64::consts::LN_2;
        assert_eq!(y.value().as_slice()[..3], [half, f64::NEG_INFINITY, half]);
        assert!(y.value().as_slice()[3..].iter().all(|y| y.is_nan()));
        let dy = Tensor::from_vec([2, 3], vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice()[..3], [0.5, 0.0, -0.5]);
    }

    #[test]
    fn a_single_number_is_refused() {
        assert_eq!(
            Var::constant(Tensor::scalar(1.0_f32)).log_softmax().unwrap_err().to_string(),
            "log_softmax: x is a single number without axes (x []); give it at least one axis"
        );
    }
}
