//! Layer normalisation.
//!
//! **Formula** In each row, `μ` and `v` are the mean and the biased variance of its `D` values, and
//! `y = (x − μ)/√(v + ε)·γ + β`, with a `γ` and a `β` for each place of the row.
//!
//! **Shapes** `γ` and `β` have the last axes of `x`, one or more; a row is what lies along them, `D` elements. `y` has the shape of
//! `x`.
//!
//! **Gradient** With `s = 1/√(v + ε)` and `x̂ = (x − μ)·s`, `dβ = Σdy` and `dγ = Σdy·x̂` over the rows. For `x`, start with
//! `dx̂ = γ·dy`. As of `batch_norm`, `x` reaches the loss through its own `x̂`, through `μ` and through `v`, which adds up to
//! `dx = s·(dx̂ − Σdx̂/D − x̂·Σ(dx̂·x̂)/D)`.
//!
//! **Kept for backward** `x` and `γ`, not copied, and two numbers for each row.
//!
//! **Source** Ba, Kiros and Hinton, *Layer normalization*, 2016; PyTorch's `layer_norm`.

use super::support::catalogue::{Large, Row, case};
use super::support::row_norm::{Normalise, RowNorm, Rows, draw_rows, expect_params};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Var, apply_list};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "layer_norm",
    formula: "y = (x − mean)/√(variance + ε)·γ + β over the last axes",
    nondifferentiable: "rows of nearly equal values, whose slopes are too steep to compare",
    f32_bound: 4.0,
    draw: |draw| {
        let sizes = [draw.size(1, 3), draw.size(2, 4), draw.size(4, 8)];
        let axes = draw.size(1, 2);
        let x = draw_rows(draw, &sizes);
        let (gamma, beta) = (draw.nonzero(&sizes[3 - axes..]), draw.values(&sizes[3 - axes..]));
        case!([x, gamma, beta], "", |v| v[0].layer_norm(&v[1], &v[2], 1e-5))
    },
    large: Large { shapes: &[&[1033, 67], &[67], &[67]], run: |v| v[0].layer_norm(&v[1], &v[2], 1e-5) },
};

#[derive(Debug)]
struct LayerNorm {
    epsilon: f64,
}

/// The rows along the axes that `gamma` has, the last ones of `x`.
pub(super) fn last_axes(op: &'static str, x: &Shape, params: &[&Shape]) -> Result<Rows> {
    let gamma = params[0];
    if gamma.rank() == 0 || !x.sizes().ends_with(gamma.sizes()) {
        let problem = "gamma has not the last axes of x";
        return Err(Error::op(op, problem, &[("x", x), ("gamma", gamma)], "give it the sizes of the last axes"));
    }
    expect_params(op, x, params, gamma.sizes())?;
    let width = gamma.elements();
    Ok(Rows { width, inner: 1, params: width })
}

impl RowNorm for LayerNorm {
    const NAME: &'static str = ROW.name;
    const CENTRED: bool = true;

    fn rows(&self, x: &Shape, params: &[&Shape]) -> Result<Rows> {
        last_axes(ROW.name, x, params)
    }

    fn epsilon(&self) -> f64 {
        self.epsilon
    }
}

impl<E: Element> Var<E> {
    /// `self` with the mean and variance of each row taken out, times `gamma`, plus `beta`. A row lies along the axes that these two
    /// have, the last ones; 1e-5 is usual for `epsilon`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![1.0_f32, 3.0, -5.0, 5.0])?);
    /// let [gamma, beta] = [10.0, 5.0].map(|value| Var::constant(Tensor::full([2], value).unwrap()));
    /// let y = x.layer_norm(&gamma, &beta, 1e-5)?;
    /// assert!((y.value().as_slice()[1] - 15.0).abs() < 1e-3 && (y.value().as_slice()[2] + 5.0).abs() < 1e-3);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `gamma` and `beta` have not the last axes of `self`, or `epsilon` is not above 0 or not finite in the element type.
    pub fn layer_norm(&self, gamma: &Var<E>, beta: &Var<E>, epsilon: f64) -> Result<Var<E>> {
        apply_list(Normalise(LayerNorm { epsilon }), &[self, gamma, beta])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn values_and_parameter_gradients_are_those_worked_out_by_hand() {
        // Row 0 holds 1, 3: mean 2, variance 1. Row 1 holds −2, 4: mean 1, variance 9.
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([2, 2], vec![1.0, 3.0, -2.0, 4.0]).unwrap());
        let gamma = tape.leaf(Tensor::from_vec([2], vec![1.0_f64, 2.0]).unwrap());
        let beta = tape.leaf(Tensor::from_vec([2], vec![0.5, 0.0]).unwrap());
        let y = x.layer_norm(&gamma, &beta, 1e-14).unwrap();
        let close = |found: &Tensor<f64>, expected: &[f64]| {
            let found = found.as_slice();
            assert!(found.iter().zip(expected).all(|(found, right)| (found - right).abs() < 1e-12), "{found:?}");
        };
        close(y.value(), &[-0.5, 2.0, -0.5, 2.0]);
        let dy = Tensor::from_vec([2, 2], vec![1.0, 10.0, 100.0, 1000.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        close(gradients.get(&gamma).unwrap(), &[-101.0, 1010.0]);
        close(gradients.get(&beta).unwrap(), &[101.0, 1010.0]);
        // Of two values, normalised ones do not move.
        close(gradients.get(&x).unwrap(), &[0.0; 4]);
    }

    /// A mean ten thousand times the deviation, in `f32`.
    #[test]
    fn a_large_mean_costs_no_accuracy() {
        let x = Tensor::from_fn([3, 500], |i| 1e4 + (i * 7919 % 1009) as f32 / 300.0).unwrap();
        let [gamma, beta] = [1.0, 0.0].map(|value| Var::constant(Tensor::full([500], value).unwrap()));
        let single = Var::constant(x.clone()).layer_norm(&gamma, &beta, 1e-5).unwrap();
        let [gamma, beta] = [1.0, 0.0].map(|value| Var::constant(Tensor::full([500], value).unwrap()));
        let double = Var::constant(x.cast::<f64>()).layer_norm(&gamma, &beta, 1e-5).unwrap();
        for (single, double) in single.value().as_slice().iter().zip(double.value().as_slice()) {
            assert!((f64::from(*single) - double).abs() < 5e-7, "{single} instead of {double}");
        }
    }

    #[test]
    fn parameters_that_do_not_fit_are_named() {
        let zeros = |shape: &[usize]| Var::constant(Tensor::<f32>::zeros(shape).unwrap());
        let text = |gamma: &[usize], beta: &[usize], epsilon| {
            zeros(&[2, 3, 4]).layer_norm(&zeros(gamma), &zeros(beta), epsilon).unwrap_err().to_string()
        };
        assert_eq!(
            text(&[3], &[3], 1e-5),
            "layer_norm: gamma has not the last axes of x (x [2, 3, 4], gamma [3]); give it the sizes of the last axes"
        );
        assert_eq!(
            text(&[3, 4], &[4], 1e-5),
            "layer_norm: beta has another shape than [3, 4] (x [2, 3, 4], beta [4]); give beta the shape [3, 4]"
        );
        assert_eq!(text(&[4], &[4], 0.0), "layer_norm: epsilon is 0 (x [2, 3, 4]); use a number above 0, such as 1e-5");
    }
}
