//! Cross entropy with a target for every class.
//!
//! **Formula** With `l = log_softmax(logits)`, `y = −1/N·Σᵢ Σⱼ tᵢⱼ·lᵢⱼ`.
//!
//! **Shapes** `logits` and the targets `t` are `[N, C]`; `y` is `[]`. The rows of `t` are usually probabilities, as a
//! mixture of two samples or another network's output gives them, but need not sum to 1.
//!
//! **Gradient** Through the log-softmax, `∂lⱼ/∂xᵢ = [i = j] − exp(lᵢ)`, so `dlogitsᵢ = (exp(lᵢ)·Σⱼ tⱼ − tᵢ)·dy/N` in
//! each row. In `t` the loss is linear: `dt = −l·dy/N`.
//!
//! **Kept for backward** `l`, `N·C` numbers, and `t`.
//!
//! **Source** as for cross entropy; targets that are mixtures from Zhang et al., *mixup*, ICLR 2018.

use super::support::catalogue::{Large, Row, case};
use super::support::{elementwise, rows};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith, softmax};

pub(super) const ROW: Row = Row {
    name: "soft_cross_entropy",
    formula: "y = −mean over samples of Σ t·log_softmax(logits)",
    nondifferentiable: "",
    f32_bound: 12.0,
    draw: |draw| {
        let (n, c) = (draw.size(1, 6), draw.size(2, 40));
        let (logits, mut targets) = (draw.values([n, c]), draw.positive([n, c]));
        for (i, (t, x)) in targets.as_mut_slice().chunks_mut(c).zip(logits.as_slice().chunks(c)).enumerate() {
            // The gradient of the first sample is far from 0, where `exp(l)·Σt − t` would have lost its digits.
            let least = (0..c).fold(0, |least, j| if x[j] < x[least] { j } else { least });
            let (kept, one_hot) = if i == 0 { (least, true) } else { (draw.size(0, c - 1), draw.flag()) };
            (0..c).filter(|j| *j != kept && (one_hot || draw.flag())).for_each(|j| t[j] = 0.0);
        }
        case!([logits, targets], "", |v| v[0].soft_cross_entropy(&v[1]))
    },
    large: Large { shapes: &[&[4099, 11], &[4099, 11]], run: |v| v[0].soft_cross_entropy(&v[1]) },
};

#[derive(Debug)]
struct SoftCrossEntropy;

impl<E: Element> Op<E, 2> for SoftCrossEntropy {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [logits, targets]: [&Shape; 2]) -> Result<Shape> {
        let refuse = |problem: String, remedy| {
            Err(Error::op(ROW.name, problem, &[("logits", logits), ("targets", targets)], remedy))
        };
        if logits.rank() != 2 {
            return refuse(format!("the logits have {} axes", logits.rank()), "give them the shape [N, C]");
        }
        if logits != targets {
            return refuse("the shapes differ".into(), "give one target for each logit");
        }
        Ok(Shape::SCALAR)
    }

    fn check(&self, [logits, targets]: [&Tensor<E>; 2]) -> Result<()> {
        let shapes = [("logits", logits.shape()), ("targets", targets.shape())];
        rows::finite(ROW.name, "logit", logits, &shapes)?;
        rows::finite(ROW.name, "target", targets, &shapes)
    }

    fn forward(&self, [logits, targets]: [&Tensor<E>; 2]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let l = rows::unary(logits, softmax::log_softmax_forward);
        // A class with target 0 has no part in the loss: neither has an infinite `l` there.
        let pairs = l.as_slice().iter().zip(targets.as_slice()).filter(|(_, t)| **t != E::ZERO);
        let sum: f64 = pairs.map(|(l, t)| l.to_f64() * t.to_f64()).sum();
        (Tensor::scalar(E::from_f64(-sum / samples(&l))), [l, targets.clone()])
    }

    fn backward(&self, [l, t]: [Tensor<E>; 2], dy: Tensor<E>, wanted: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let factor = E::from_f64(dy.as_slice()[0].to_f64() / samples(&l));
        let dlogits = wanted[0].then(|| {
            rows::binary(&l, &t, |isa, width, l, t, dx| softmax::cross_entropy_backward(isa, width, l, t, factor, dx))
        });
        let dt = wanted[1].then(|| elementwise::unary(&l, |isa, l, dt| arith::scale(isa, l, -factor, dt)));
        [dlogits, dt]
    }
}

fn samples<E: Element>(l: &Tensor<E>) -> f64 {
    l.shape().sizes()[0] as f64
}

impl<E: Element> Var<E> {
    /// The mean cross entropy of logits `[N, C]` with targets `[N, C]`, whose rows need not sum to 1.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let logits = Var::constant(Tensor::from_vec([1, 2], vec![9.0_f32, 9.0])?);
    /// let targets = Var::constant(Tensor::from_vec([1, 2], vec![0.7, 0.3])?);
    /// assert!((logits.soft_cross_entropy(&targets)?.item()? - 2.0_f32.ln()).abs() < 1e-6);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the two are not of one shape `[N, C]`, or hold a value that is not finite.
    pub fn soft_cross_entropy(&self, targets: &Var<E>) -> Result<Var<E>> {
        apply(SoftCrossEntropy, [self, targets])
    }
}

#[cfg(test)]
mod tests {
    /// As of class numbers: the targets are one class alone.
    #[test]
    fn a_class_that_is_nearly_certain_keeps_the_digits_of_its_gradient() {
        let tape = crate::Tape::new();
        let x = tape.leaf(crate::Tensor::from_vec([1, 3], vec![20.0_f64, 0.0, -1.0]).unwrap());
        let t = crate::Var::constant(crate::Tensor::from_vec([1, 3], vec![1.0, 0.0, 0.0]).unwrap());
        let found = tape.backward(&x.soft_cross_entropy(&t).unwrap()).unwrap().get(&x).unwrap().as_slice()[0];
        assert!((found / -2.819_409_657_280_677_7e-9 - 1.0).abs() < 1e-14, "{found:e}");
    }

    use crate::{Tape, Tensor, Var};

    #[test]
    fn smoothed_class_numbers_are_soft_targets() {
        let tape = Tape::new();
        let logits = tape.leaf(Tensor::from_fn([3, 4], |i| (i * 7 % 5) as f64 - 2.0).unwrap());
        let classes = [2, 0, 3];
        let target = |i: usize| if classes[i / 4] == i % 4 { 0.6 + 0.1 } else { 0.1 };
        let targets = Var::constant(Tensor::from_fn([3, 4], target).unwrap());
        let hard = logits.cross_entropy(&classes, 0.4).unwrap();
        let soft = logits.soft_cross_entropy(&targets).unwrap();
        assert!((hard.item().unwrap() - soft.item().unwrap()).abs() < 1e-14);
        let gradient = |loss: &Var<f64>| tape.backward(loss).unwrap().take(&logits).unwrap();
        let (hard, soft) = (gradient(&hard), gradient(&soft));
        assert!(hard.as_slice().iter().zip(soft.as_slice()).all(|(hard, soft)| (hard - soft).abs() < 1e-15));
    }

    #[test]
    fn a_class_with_target_zero_has_no_part_in_the_loss() {
        let tape = Tape::new();
        let logits = tape.leaf(Tensor::from_vec([1, 2], vec![3e38_f32, -3e38]).unwrap());
        let targets = Var::constant(Tensor::from_vec([1, 2], vec![1.0, 0.0]).unwrap());
        let y = logits.soft_cross_entropy(&targets).unwrap();
        assert_eq!(y.item().unwrap(), logits.cross_entropy(&[0], 0.0).unwrap().item().unwrap());
        assert_eq!(tape.backward(&y).unwrap().get(&logits).unwrap().as_slice(), [0.0, 0.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = |logits: &[usize], targets: &[usize], bad: [f32; 2]| {
            let [mut x, mut t] = [logits, targets].map(|shape| Tensor::<f32>::zeros(shape).unwrap());
            x.as_mut_slice()[0] += bad[0];
            t.as_mut_slice()[1] += bad[1];
            Var::constant(x).soft_cross_entropy(&Var::constant(t)).unwrap_err().to_string()
        };
        assert_eq!(
            text(&[2, 3], &[3, 2], [0.0; 2]),
            "soft_cross_entropy: the shapes differ (logits [2, 3], targets [3, 2]); give one target for each logit"
        );
        assert_eq!(
            text(&[2], &[2], [0.0; 2]),
            "soft_cross_entropy: the logits have 1 axes (logits [2], targets [2]); give them the shape [N, C]"
        );
        let rest = "(logits [2, 3], targets [2, 3]); \
                    run the same step inside evograd::checked(...), which names the first operation at fault";
        assert_eq!(
            text(&[2, 3], &[2, 3], [f32::NAN, 0.0]),
            format!("soft_cross_entropy: the logit of sample 0 for class 0 is NaN {rest}")
        );
        assert_eq!(
            text(&[2, 3], &[2, 3], [0.0, f32::INFINITY]),
            format!("soft_cross_entropy: the target of sample 0 for class 1 is inf {rest}")
        );
    }
}
