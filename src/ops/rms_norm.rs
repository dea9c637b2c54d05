//! Normalisation by the root mean square.
//!
//! **Formula** In each row of `D` values, `y = x/√(Σx²/D + ε)·γ`, with a `γ` for each place of the row.
//!
//! **Shapes** `γ` has the last axes of `x`, one or more; a row is what lies along them. `y` has the shape of `x`.
//!
//! **Gradient** With `s = 1/√(Σx²/D + ε)` and `x̂ = x·s`, `dγ = Σdy·x̂` over the rows. For `x`, start with `dx̂ = γ·dy`. An `x` reaches
//! the loss through its own `x̂`, with `s·dx̂`, and through `s`, of which `∂s/∂x = −s³·x/D` and `∂L/∂s = Σdx̂·x`. Added up,
//! `dx = s·(dx̂ − x̂·Σ(dx̂·x̂)/D)`.
//!
//! **Kept for backward** `x` and `γ`, not copied, and a number for each row.
//!
//! **Source** Zhang and Sennrich, *Root mean square layer normalization*, NeurIPS 2019; PyTorch's `rms_norm`.

use super::layer_norm::last_axes;
use super::support::catalogue::{Large, Row, case};
use super::support::row_norm::{Normalise, RowNorm, Rows, draw_rows};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Var, apply_list};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "rms_norm",
    formula: "y = x/√(mean of x² + ε)·γ over the last axes",
    nondifferentiable: "",
    f32_bound: 4.0,
    draw: |draw| {
        let sizes = [draw.size(1, 3), draw.size(2, 4), draw.size(4, 8)];
        let axes = draw.size(1, 2);
        let (x, gamma) = (draw_rows(draw, &sizes), draw.nonzero(&sizes[3 - axes..]));
        case!([x, gamma], "", |v| v[0].rms_norm(&v[1], 1e-5))
    },
    large: Large { shapes: &[&[1033, 67], &[67]], run: |v| v[0].rms_norm(&v[1], 1e-5) },
};

#[derive(Debug)]
struct RmsNorm {
    epsilon: f64,
}

impl RowNorm for RmsNorm {
    const NAME: &'static str = ROW.name;
    const CENTRED: bool = false;

    fn rows(&self, x: &Shape, params: &[&Shape]) -> Result<Rows> {
        last_axes(ROW.name, x, params)
    }

    fn epsilon(&self) -> f64 {
        self.epsilon
    }
}

impl<E: Element> Var<E> {
    /// `self` with each row divided by its root mean square, times `gamma`. A row lies along the axes that `gamma` has, the last ones;
    /// 1e-6 is usual for `epsilon`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 2], vec![1.0_f64, 7.0])?);
    /// let y = x.rms_norm(&Var::constant(Tensor::full([2], 10.0)?), 1e-12)?;
    /// assert!((y.value().as_slice()[0] - 2.0).abs() < 1e-9 && (y.value().as_slice()[1] - 14.0).abs() < 1e-9);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `gamma` has not the last axes of `self`, or `epsilon` is not above 0 or not finite in the element type.
    pub fn rms_norm(&self, gamma: &Var<E>, epsilon: f64) -> Result<Var<E>> {
        apply_list(Normalise(RmsNorm { epsilon }), &[self, gamma])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn values_and_gradients_are_those_worked_out_by_hand() {
        // The mean square of 3 and 4 is 12.5; s = 1/√12.5, and 1/D·s² = 1/25.
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([1, 2], vec![3.0_f64, 4.0]).unwrap());
        let gamma = tape.leaf(Tensor::from_vec([2], vec![1.0, 2.0]).unwrap());
        let y = x.rms_norm(&gamma, 1e-14).unwrap();
        let s = 1.0 / 12.5_f64.sqrt();
        let close = |found: &Tensor<f64>, expected: [f64; 2]| {
            let found = found.as_slice();
            assert!(found.iter().zip(expected).all(|(found, right)| (found - right).abs() < 1e-12), "{found:?}");
        };
        close(y.value(), [3.0 * s, 8.0 * s]);
        let gradients = tape.backward_from(&[(&y, Tensor::full([1, 2], 1.0).unwrap())]).unwrap();
        close(gradients.get(&gamma).unwrap(), [3.0 * s, 4.0 * s]);
        // Σ γ·dy·x = 11.
        close(gradients.get(&x).unwrap(), [s * (1.0 - 33.0 / 25.0), s * (2.0 - 44.0 / 25.0)]);
    }

    #[test]
    fn parameters_that_do_not_fit_are_named() {
        let [x, gamma] = [&[2, 3][..], &[2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.rms_norm(&gamma, 1e-5).unwrap_err().to_string(),
            "rms_norm: gamma has not the last axes of x (x [2, 3], gamma [2]); give it the sizes of the last axes"
        );
    }
}
