//! The cross entropy of yes and no, from logits.
//!
//! **Formula** With `p = σ(x)`, `l = −t·ln p − (1 − t)·ln(1 − p)`, and `y` is the mean of all, their sum, or all of them. It
//! is computed as `l = (1 − t)·s(x) + t·s(−x)` with `s(x) = ln(1 + eˣ)`, which never takes the logarithm of a probability
//! that has rounded to 0.
//!
//! **Shapes** `x` and `t` have one shape, which may be any; `y` is `[]`, or has that shape where nothing is reduced.
//!
//! **Gradient** `s' = σ`, so `∂l/∂x = (1 − t)·σ(x) − t·σ(−x)`, which is `σ(x) − t` and keeps its digits where the sample is
//! nearly certain. `s(x) − s(−x) = x`, so `∂l/∂t = −x`. Both are multiplied by `dy` of their element, or by `dy/n` of the
//! mean of `n` and `dy` of the sum.
//!
//! **Kept for backward** `x` and `t`, not copied.
//!
//! **Source** PyTorch's `binary_cross_entropy_with_logits`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::loss::{PairLoss, Reduced, Reduction};
use super::support::special::sigmoid;
use crate::error::{Error, Result};
use crate::tape::{Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "binary_cross_entropy_with_logits",
    formula: "y = −t·ln σ(x) − (1 − t)·ln(1 − σ(x)), reduced",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, reduction) = (draw.shape(0, 4), draw.pick(&Reduction::ALL));
        let targets = Tensor::build(shape, |t| t.iter_mut().for_each(|t| *t = draw.pick(&[0.0, 1.0, 0.25])));
        case!([draw.nonzero(shape), targets], format!("{reduction:?}"), |v| {
            v[0].binary_cross_entropy_with_logits(&v[1], reduction)
        })
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].binary_cross_entropy_with_logits(&v[1], Reduction::Mean) },
};

#[derive(Debug)]
struct Binary;

impl PairLoss for Binary {
    const NAME: &'static str = ROW.name;

    fn check_values<E: Element>(&self, [x, t]: [&Tensor<E>; 2]) -> Result<()> {
        for (name, values) in [("logit", x), ("target", t)] {
            let Some(flat) = values.as_slice().iter().position(|x| !x.is_finite()) else { continue };
            let problem = format!("the {name} at {:?} is {}", values.index_of(flat), values.as_slice()[flat]);
            let remedy = "run the same step inside evograd::checked(...), which names the first operation at fault";
            return Err(Error::op(ROW.name, problem, &[("input", x.shape())], remedy));
        }
        Ok(())
    }

    fn value(&self, x: f64, t: f64) -> f64 {
        let tail = (-x.abs()).exp().ln_1p();
        (1.0 - t) * (x.max(0.0) + tail) + t * ((-x).max(0.0) + tail)
    }

    fn slopes(&self, x: f64, t: f64) -> [f64; 2] {
        [(1.0 - t) * sigmoid(x) - t * sigmoid(-x), -x]
    }
}

impl<E: Element> Var<E> {
    /// The cross entropy of the probabilities `sigmoid(self)` with `targets` from 0 to 1, as a mean, a sum or for each element.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Reduction};
    /// let logits = Var::constant(Tensor::from_vec([2], vec![0.0_f64, 1000.0])?);
    /// let targets = Var::constant(Tensor::from_vec([2], vec![1.0, 0.0])?);
    /// let losses = logits.binary_cross_entropy_with_logits(&targets, Reduction::None)?;
    /// assert_eq!(losses.value().as_slice(), [2.0_f64.ln(), 1000.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ, or a logit or a target is not finite.
    pub fn binary_cross_entropy_with_logits(&self, targets: &Var<E>, reduction: Reduction) -> Result<Var<E>> {
        apply(Reduced { loss: Binary, reduction }, [self, targets])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::Reduction;
    use crate::ops::support::loss::losses;
    use crate::{Tensor, Var};

    /// By mpmath with 40 digits.
    #[test]
    fn losses_and_slopes_keep_their_digits_far_out() {
        let table = [
            (0.5, 1.0, 0.474_076_984_180_106_7, -0.377_540_668_798_145_46),
            (0.5, 0.25, 0.849_076_984_180_106_7, 0.372_459_331_201_854_54),
            (40.0, 1.0, 4.248_354_255_291_589e-18, -4.248_354_255_291_589e-18),
            (40.0, 0.0, 40.0, 1.0),
            (-40.0, 0.0, 4.248_354_255_291_589e-18, 4.248_354_255_291_589e-18),
            (-3.0, 0.75, 2.298_587_351_573_742, -0.702_574_126_822_433_3),
        ];
        let pairs = table.map(|(x, t, ..)| (x, t));
        let found = losses(&pairs, |x, t| x.binary_cross_entropy_with_logits(t, Reduction::None));
        for ((x, t, loss, slope), found) in table.into_iter().zip(found) {
            let close = |expected: f64, found: f64| (found - expected).abs() <= 1e-15 * expected.abs();
            assert!(close(loss, found[0]) && close(slope, found[1]) && found[2] == -x, "{x} {t}: {found:?}");
        }
    }

    #[test]
    fn a_logit_that_is_not_finite_is_named() {
        let x = Var::constant(Tensor::from_vec([1, 2], vec![0.0, f32::NAN]).unwrap());
        assert_eq!(
            x.binary_cross_entropy_with_logits(&x, Reduction::Mean).unwrap_err().to_string(),
            "binary_cross_entropy_with_logits: the logit at [0, 1] is NaN (input [1, 2]); \
             run the same step inside evograd::checked(...), which names the first operation at fault"
        );
    }

    #[test]
    fn a_target_that_is_not_finite_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        let t = Var::constant(Tensor::from_vec([2], vec![1.0, f32::INFINITY]).unwrap());
        let refused = x.binary_cross_entropy_with_logits(&t, Reduction::Mean).unwrap_err().to_string();
        assert!(refused.starts_with("binary_cross_entropy_with_logits: the target at [1] is inf"), "{refused}");
    }

    #[test]
    fn different_shapes_are_named() {
        let [x, t] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.binary_cross_entropy_with_logits(&t, Reduction::Mean).unwrap_err().to_string(),
            "binary_cross_entropy_with_logits: the shapes differ (input [2, 3], target [3, 2]); give one target for each element"
        );
    }
}
