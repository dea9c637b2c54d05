//! The squared error.
//!
//! **Formula** `lᵢ = (xᵢ − tᵢ)²`, and `y` is their mean, their sum, or all of them.
//!
//! **Shapes** `x` and `t` have one shape, which may be any; `y` is `[]`, or has that shape where nothing is reduced.
//!
//! **Gradient** `∂l/∂x = 2·(x − t)` and `∂l/∂t = −2·(x − t)`. Both are multiplied by `dy` of their element, or by `dy/n` of
//! the mean of `n` and `dy` of the sum.
//!
//! **Kept for backward** `x` and `t`, not copied.
//!
//! **Source** least squares; PyTorch's `mse_loss`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::loss::{PairLoss, Reduced, Reduction};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "mse_loss",
    formula: "y = (x − t)², reduced",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, reduction) = (draw.shape(0, 4), draw.pick(&Reduction::ALL));
        case!([draw.values(shape), draw.values(shape)], format!("{reduction:?}"), |v| v[0].mse_loss(&v[1], reduction))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].mse_loss(&v[1], Reduction::Mean) },
};

#[derive(Debug)]
struct Mse;

impl PairLoss for Mse {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64, t: f64) -> f64 {
        (x - t) * (x - t)
    }

    fn slopes(&self, x: f64, t: f64) -> [f64; 2] {
        [2.0 * (x - t), 2.0 * (t - x)]
    }
}

impl<E: Element> Var<E> {
    /// The squared difference from `targets`, as a mean, a sum or for each element.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Reduction};
    /// let [x, t] = [[1.0_f32, 3.0], [0.0, 1.0]].map(|x| Var::constant(Tensor::from_slice([2], &x).unwrap()));
    /// assert_eq!(x.mse_loss(&t, Reduction::Mean)?.item()?, 2.5);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn mse_loss(&self, targets: &Var<E>, reduction: Reduction) -> Result<Var<E>> {
        apply(Reduced { loss: Mse, reduction }, [self, targets])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::Reduction;
    use crate::ops::support::loss::losses;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn losses_and_slopes_are_those_worked_out_by_hand() {
        let found = losses(&[(3.0, 1.0), (-1.0, 0.5)], |x, t| x.mse_loss(t, Reduction::None));
        assert_eq!(found, [[4.0, 4.0, -4.0], [2.25, -3.0, 3.0]]);
    }

    #[test]
    fn the_mean_divides_the_gradient_and_the_sum_does_not() {
        for (reduction, loss, slope) in [(Reduction::Mean, 5.0, 1.0), (Reduction::Sum, 20.0, 4.0)] {
            let tape = Tape::new();
            let x = tape.leaf(Tensor::from_vec([4], vec![2.0_f32, 0.0, 4.0, 0.0]).unwrap());
            let y = x.mse_loss(&Var::constant(Tensor::zeros([4]).unwrap()), reduction).unwrap();
            assert_eq!((y.item().unwrap(), tape.backward(&y).unwrap().get(&x).unwrap().as_slice()[0]), (loss, slope));
        }
    }

    /// In `f32` the squares would be infinite.
    #[test]
    fn a_mean_that_fits_comes_out_though_squares_do_not() {
        let x = Var::constant(Tensor::from_fn([100], |i| if i == 0 { 5e19_f32 } else { 0.0 }).unwrap());
        let y = x.mse_loss(&Var::constant(Tensor::zeros([100]).unwrap()), Reduction::Mean).unwrap();
        assert!((y.item().unwrap() / 2.5e37 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn different_shapes_are_named() {
        let [x, t] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.mse_loss(&t, Reduction::Mean).unwrap_err().to_string(),
            "mse_loss: the shapes differ (input [2, 3], target [3, 2]); give one target for each element"
        );
    }
}
