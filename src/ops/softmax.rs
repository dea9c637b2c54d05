//! Softmax along the last axis.
//!
//! **Formula** `yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)` in each row, computed with the row's maximum subtracted from every `x`,
//! which cancels in the quotient and keeps the exponentials from overflowing.
//!
//! **Shapes** `y` has the shape of `x`, which has at least one axis. Rows lie along the last axis, where the elements of
//! a row are neighbours; for another axis, move it to the end first.
//!
//! **Gradient** `∂yᵢ/∂xⱼ = yᵢ·([i = j] − yⱼ)`, so `dxⱼ = Σᵢ dyᵢ·yᵢ·([i = j] − yⱼ) = yⱼ·(dyⱼ − Σᵢ dyᵢ·yᵢ)`.
//!
//! **Kept for backward** `y`.
//!
//! **Source** Bridle, *Probabilistic interpretation of feedforward classification network outputs*, 1990.

use super::support::catalogue::{Large, Row, case};
use super::support::rows;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, softmax};

pub(super) const ROW: Row = Row {
    name: "softmax",
    formula: "y = exp(x)/Σexp(x) along the last axis",
    nondifferentiable: "",
    f32_bound: 8.0,
    draw: |draw| {
        // Several rows: in a single one of few classes the slopes may cancel, and nothing be left to measure f32 by.
        let (rows, width) = (draw.size(4, 7), draw.size(1, 40));
        let x = if draw.flag() { draw.values([2, rows, width]) } else { draw.values([rows, width]) };
        case!([x], "", |v| v[0].softmax())
    },
    large: Large { shapes: &[&[4099, 11]], run: |v| v[0].softmax() },
};

#[derive(Debug)]
struct Softmax;

impl<E: Element> Op<E, 1> for Softmax {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        rows::width(ROW.name, x).map(|_| *x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let y = rows::unary(x, softmax::softmax_forward);
        (y.clone(), y)
    }

    fn backward(&self, y: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(rows::binary(&y, &dy, softmax::softmax_backward))]
    }
}

impl<E: Element> Var<E> {
    /// `exp(self)`, divided by its sum along the last axis: each row becomes probabilities.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![0.0_f32, 3.0_f32.ln()])?);
    /// let y = x.softmax()?;
    /// assert!((y.value().as_slice()[1] - 0.75).abs() < 1e-6);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has no axis.
    pub fn softmax(&self) -> Result<Var<E>> {
        apply(Softmax, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Isa, Tensor, Var};

    /// Right values in `f64`, from the same inputs.
    #[test]
    fn a_row_of_two_hundred_thousand_classes_is_as_exact_as_a_short_one() {
        let x = Tensor::from_fn([1, 200_000], |i| (i * 7919 % 1009) as f32 / 300.0).unwrap();
        let sum: f64 = x.as_slice().iter().map(|x| f64::from(*x).exp()).sum();
        for isa in Isa::available() {
            let run = |log: bool| {
                let x = Var::constant(x.clone());
                isa.scope(|| if log { x.log_softmax() } else { x.softmax() }).unwrap().value().clone()
            };
            let (p, l) = (run(false), run(true));
            let off = |i: usize| {
                let exact = f64::from(x.as_slice()[i]) - sum.ln();
                let p = (f64::from(p.as_slice()[i]) / exact.exp() - 1.0).abs();
                p.max((f64::from(l.as_slice()[i]) / exact - 1.0).abs())
            };
            let worst = (0..200_000).step_by(97).map(off).fold(0.0, f64::max);
            assert!(worst < 1e-6, "{isa:?}: off by {worst:e}");
        }
    }

    #[test]
    fn large_inputs_do_not_overflow_and_nan_spoils_its_row_alone() {
        let x = vec![1e30_f32, 1e30, -1e30, f32::NAN, 0.0, 0.0, f32::NEG_INFINITY, 0.0, 0.0];
        let y = Var::constant(Tensor::from_vec([3, 3], x).unwrap()).softmax().unwrap();
        let y = y.value().as_slice();
        assert_eq!(y[..3], [0.5, 0.5, 0.0]);
        assert!(y[3..6].iter().all(|y| y.is_nan()));
        assert_eq!(y[6..], [0.0, 0.5, 0.5]);
    }

    #[test]
    fn rows_across_several_chunks_each_sum_to_one() {
        let x = Tensor::from_fn([70, 999], |i| (i * 7919 % 1009) as f32 / 100.0).unwrap();
        let y = Var::constant(x).softmax().unwrap();
        for row in y.value().as_slice().chunks(999) {
            assert!((row.iter().map(|y| f64::from(*y)).sum::<f64>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn a_single_number_is_refused() {
        assert_eq!(
            Var::constant(Tensor::scalar(1.0_f32)).softmax().unwrap_err().to_string(),
            "softmax: x is a single number without axes (x []); give it at least one axis"
        );
    }
}
