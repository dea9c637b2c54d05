//! The absolute error.
//!
//! **Formula** `lᵢ = |xᵢ − tᵢ|`, and `y` is their mean, their sum, or all of them.
//!
//! **Shapes** `x` and `t` have one shape, which may be any; `y` is `[]`, or has that shape where nothing is reduced.
//!
//! **Gradient** `∂l/∂x = sign(x − t)` and `∂l/∂t = −sign(x − t)`. Where the two are equal there is no derivative; 0 is used,
//! as PyTorch does. Both are multiplied by `dy` of their element, or by `dy/n` of the mean of `n` and `dy` of the sum.
//!
//! **Kept for backward** `x` and `t`, not copied.
//!
//! **Source** least absolute deviations; PyTorch's `l1_loss`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::loss::{PairLoss, Reduced, Reduction};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "l1_loss",
    formula: "y = |x − t|, reduced",
    nondifferentiable: "|x − t| < 1/128",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, reduction) = (draw.shape(0, 4), draw.pick(&Reduction::ALL));
        // Differences are odd multiples of 1/128, and the corner is none.
        let (mut x, t) = (draw.coarse(shape), draw.coarse(shape));
        x.as_mut_slice().iter_mut().for_each(|x| *x += 1.0 / 128.0);
        case!([x, t], format!("{reduction:?}"), |v| v[0].l1_loss(&v[1], reduction))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].l1_loss(&v[1], Reduction::Mean) },
};

#[derive(Debug)]
struct L1;

impl PairLoss for L1 {
    const NAME: &'static str = ROW.name;

    fn value(&self, x: f64, t: f64) -> f64 {
        (x - t).abs()
    }

    fn slopes(&self, x: f64, t: f64) -> [f64; 2] {
        let slope = if x == t { 0.0 } else { (x - t).signum() };
        [slope, -slope]
    }
}

impl<E: Element> Var<E> {
    /// The magnitude of the difference from `targets`, as a mean, a sum or for each element.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Reduction};
    /// let [x, t] = [[1.0_f32, 3.0], [2.0, 1.0]].map(|x| Var::constant(Tensor::from_slice([2], &x).unwrap()));
    /// assert_eq!(x.l1_loss(&t, Reduction::Mean)?.item()?, 1.5);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn l1_loss(&self, targets: &Var<E>, reduction: Reduction) -> Result<Var<E>> {
        apply(Reduced { loss: L1, reduction }, [self, targets])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::Reduction;
    use crate::ops::support::loss::losses;
    use crate::{Tensor, Var};

    #[test]
    fn losses_and_slopes_are_those_worked_out_by_hand() {
        let found = losses(&[(3.0, 1.0), (-1.0, 0.5), (2.0, 2.0)], |x, t| x.l1_loss(t, Reduction::None));
        assert_eq!(found, [[2.0, 1.0, -1.0], [1.5, -1.0, 1.0], [0.0, 0.0, 0.0]]);
    }

    #[test]
    fn different_shapes_are_named() {
        let [x, t] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.l1_loss(&t, Reduction::Mean).unwrap_err().to_string(),
            "l1_loss: the shapes differ (input [2, 3], target [3, 2]); give one target for each element"
        );
    }
}
