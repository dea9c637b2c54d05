//! Cross entropy with class numbers: log-softmax and the loss in one operation.
//!
//! **Formula** With `l = log_softmax(logits)` and smoothing `a`, the target of a sample of class `k` is
//! `tⱼ = (1 − a)·[j = k] + a/C`, and `y = −1/N·Σᵢ Σⱼ tᵢⱼ·lᵢⱼ`.
//!
//! **Shapes** `logits` is `[N, C]`, there are `N` class numbers below `C`, and `y` is `[]`.
//!
//! **Gradient** Through the log-softmax, `∂lⱼ/∂xᵢ = [i = j] − exp(lᵢ)`, so a sample's loss `−Σⱼ tⱼ·lⱼ` has the slope
//! `exp(lᵢ)·Σⱼ tⱼ − tᵢ`. The targets sum to 1: `dlogits = (exp(l) − t)·dy/N`. Probabilities sum to 1 as well, so the slopes
//! of a sample sum to 0: where its class has more than half the probability, that of the class is minus the sum of the others,
//! which keeps the digits that `exp(l) − 1` loses there. Of a single class it is 0.
//!
//! **Kept for backward** `l`, `N·C` numbers; the probabilities are its exponentials.
//!
//! **Source** Bridle 1990; smoothing from Szegedy et al., *Rethinking the Inception architecture*, CVPR 2016, with the
//! whole of `a` spread over all classes as in PyTorch.

use super::support::catalogue::{Large, Row, case};
use super::support::elementwise;
use super::support::{isa, rows};
use crate::error::{Error, Result};
use crate::setting::Allowed;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, reduce, softmax};

pub(super) const ROW: Row = Row {
    name: "cross_entropy",
    formula: "y = −mean over samples of Σ t·log_softmax(logits), t one class, smoothed",
    nondifferentiable: "",
    f32_bound: 12.0,
    draw: |draw| {
        let (n, c) = (draw.size(1, 6), draw.size(1, 40));
        let targets: [usize; 6] = std::array::from_fn(|_| draw.size(0, c - 1));
        let smoothing = draw.pick(&[0.0, 0.1, 1.0]);
        // The gradient of the first sample is far from 0, where `exp(l) − t` would have lost its digits.
        let mut logits = draw.values([n, c]);
        logits.as_mut_slice()[targets[0]] = -3.0;
        case!([logits], format!("targets {:?} smoothing {smoothing}", &targets[..n]), |v| {
            v[0].cross_entropy(&targets[..n], smoothing)
        })
    },
    large: Large {
        shapes: &[&[4099, 11]],
        run: |v| v[0].cross_entropy(&(0..4099).map(|i| i % 11).collect::<Vec<_>>(), 0.1),
    },
};

#[derive(Debug)]
struct CrossEntropy {
    targets: Vec<usize>,
    smoothing: f64,
}

impl<E: Element> Op<E, 1> for CrossEntropy {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [logits]: [&Shape; 1]) -> Result<Shape> {
        let refuse = |problem, remedy: String| Err(Error::op(ROW.name, problem, &[("logits", logits)], remedy));
        let Some([n, c]) = logits.axes() else {
            return refuse(format!("the logits have {} axes", logits.rank()), "give them the shape [N, C]".into());
        };
        if self.targets.len() != n {
            let problem = format!("{} targets were given for {n} samples", self.targets.len());
            return refuse(problem, "give the number of one class for each sample".into());
        }
        if let Some((sample, class)) = self.targets.iter().enumerate().find(|(_, class)| **class >= c) {
            let problem = format!("the class of sample {sample} is {class}, but there are {c} classes");
            return refuse(problem, format!("number the classes from 0 to {}", c - 1));
        }
        if !Allowed::Share.holds::<E>(self.smoothing) {
            return refuse(format!("smoothing is {}", self.smoothing), "use a number from 0 to 1, such as 0.1".into());
        }
        Ok(Shape::SCALAR)
    }

    fn check(&self, [logits]: [&Tensor<E>; 1]) -> Result<()> {
        rows::finite(ROW.name, "logit", logits, &[("logits", logits.shape())])
    }

    fn forward(&self, [logits]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let l = rows::unary(logits, softmax::log_softmax_forward);
        let width = l.as_slice().len() / self.targets.len();
        let samples = l.as_slice().chunks(width).zip(&self.targets);
        let sum: f64 = samples.map(|(l, class)| self.score(l, *class)).sum();
        (Tensor::scalar(E::from_f64(-sum / self.targets.len() as f64)), l)
    }

    fn backward(&self, l: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let width = l.as_slice().len() / self.targets.len();
        let factor = dy.as_slice()[0].to_f64() / self.targets.len() as f64;
        let (everywhere, at_target) = (E::from_f64(self.smoothing / width as f64), factor * (1.0 - self.smoothing));
        let mut dx = elementwise::unary(&l, |isa, l, dx| {
            softmax::uniform_cross_entropy_backward(isa, l, everywhere, E::from_f64(factor), dx);
        });
        let rows = dx.as_mut_slice().chunks_mut(width).zip(l.as_slice().chunks(width));
        for ((dx, l), class) in rows.zip(&self.targets) {
            if l[*class] > E::from_f64(-std::f64::consts::LN_2) {
                dx[*class] = E::ZERO;
                dx[*class] = -reduce::sum(isa(), dx);
            } else {
                dx[*class] += E::from_f64(-at_target);
            }
        }
        [Some(dx)]
    }
}

impl CrossEntropy {
    /// `Σ t·l` of one sample. Without smoothing, the other classes have no part: neither does an infinite `l` there.
    fn score<E: Element>(&self, l: &[E], class: usize) -> f64 {
        let own = (1.0 - self.smoothing) * l[class].to_f64();
        if self.smoothing == 0.0 {
            return own;
        }
        own + self.smoothing / l.len() as f64 * l.iter().map(|l| l.to_f64()).sum::<f64>()
    }
}

impl<E: Element> Var<E> {
    /// The mean cross entropy of logits `[N, C]` with a class number for each sample; of each target, `smoothing` is
    /// spread over all classes.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let logits = Var::constant(Tensor::from_vec([2, 2], vec![0.0_f32, 0.0, 9.0, 9.0])?);
    /// assert!((logits.cross_entropy(&[0, 1], 0.0)?.item()? - 2.0_f32.ln()).abs() < 1e-6);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` is not `[N, C]` or holds a value that is not finite, the targets are not `N` numbers below `C`, or
    /// `smoothing` is not from 0 to 1.
    pub fn cross_entropy(&self, targets: &[usize], smoothing: f64) -> Result<Var<E>> {
        apply(CrossEntropy { targets: targets.to_vec(), smoothing }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Element, Tape, Tensor, Var};

    fn gradient<E: Element>(logits: &[E], smoothing: f64) -> Vec<E> {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_slice([1, logits.len()], logits).unwrap());
        let loss = x.cross_entropy(&[0], smoothing).unwrap();
        tape.backward(&loss).unwrap().get(&x).unwrap().as_slice().to_vec()
    }

    #[test]
    fn a_single_class_has_no_gradient_whatever_the_smoothing() {
        for smoothing in [0.0, 0.1, 1.0] {
            assert_eq!(gradient(&[0.3_f32], smoothing), [0.0]);
            assert_eq!(gradient(&[-7.7_f64], smoothing), [0.0]);
        }
    }

    /// Right values by Python's `decimal` of 50 digits: `p − 1` with `p = 1/(1 + (-d).exp() + (-d-1).exp())`, where `d` is
    /// the first logit and the others are 0 and −1.
    #[test]
    fn a_class_that_is_nearly_certain_keeps_the_digits_of_its_gradient() {
        let table = [
            (17.0, -5.662_935_372_568_041e-8),
            (20.0, -2.819_409_657_280_677_7e-9),
            (40.0, -5.811_236_444_626_578e-18),
        ];
        for (logit, expected) in table {
            let double: f64 = gradient(&[logit, 0.0, -1.0], 0.0)[0];
            assert!((double / expected - 1.0).abs() < 1e-14, "{logit}: {double:e} instead of {expected:e}");
            let single = f64::from(gradient(&[logit as f32, 0.0, -1.0], 0.0)[0]);
            assert!((single / expected - 1.0).abs() < 4e-6, "{logit}: {single:e} instead of {expected:e}");
        }
    }

    #[test]
    fn the_value_and_gradient_are_those_worked_out_by_hand() {
        // Probabilities 1/4 and 3/4; with a smoothing of 0.2 the targets are 0.9 and 0.1.
        let tape = Tape::new();
        let logits = tape.leaf(Tensor::from_vec([1, 2], vec![0.0, 3.0_f64.ln()]).unwrap());
        let y = logits.cross_entropy(&[0], 0.2).unwrap();
        assert!((y.item().unwrap() - (0.9 * 4.0_f64.ln() + 0.1 * (4.0 / 3.0_f64).ln())).abs() < 1e-14);
        let gradients = tape.backward(&y).unwrap();
        let found = gradients.get(&logits).unwrap().as_slice();
        assert!((found[0] - (0.25 - 0.9)).abs() < 1e-14 && (found[1] - (0.75 - 0.1)).abs() < 1e-14, "{found:?}");
    }

    #[test]
    fn a_hopeless_sample_has_a_large_but_finite_loss() {
        let logits = Var::constant(Tensor::from_vec([1, 2], vec![-1e4_f32, 1e4]).unwrap());
        assert_eq!(logits.cross_entropy(&[0], 0.0).unwrap().item().unwrap(), 2e4);
        assert_eq!(logits.cross_entropy(&[1], 0.0).unwrap().item().unwrap(), 0.0);
    }

    #[test]
    fn logits_that_are_not_finite_are_always_refused() {
        for (bad, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
            let mut logits = Tensor::zeros([4, 3]).unwrap();
            logits.as_mut_slice()[7] = bad;
            assert_eq!(
                Var::constant(logits).cross_entropy(&[0; 4], 0.0).unwrap_err().to_string(),
                format!(
                    "cross_entropy: the logit of sample 2 for class 1 is {shown} (logits [4, 3]); \
                     run the same step inside evograd::checked(...), which names the first operation at fault"
                )
            );
        }
    }

    #[test]
    fn wrong_targets_and_settings_are_named() {
        let text = |shape: &[usize], targets: &[usize], smoothing| {
            let logits = Var::constant(Tensor::<f32>::zeros(shape).unwrap());
            logits.cross_entropy(targets, smoothing).unwrap_err().to_string()
        };
        assert_eq!(
            text(&[8, 10], &[0, 1, 2, 10, 4, 5, 6, 7], 0.0),
            "cross_entropy: the class of sample 3 is 10, but there are 10 classes (logits [8, 10]); \
             number the classes from 0 to 9"
        );
        assert_eq!(
            text(&[8, 10], &[0; 7], 0.0),
            "cross_entropy: 7 targets were given for 8 samples (logits [8, 10]); \
             give the number of one class for each sample"
        );
        assert_eq!(
            text(&[8], &[0; 8], 0.0),
            "cross_entropy: the logits have 1 axes (logits [8]); give them the shape [N, C]"
        );
        assert_eq!(
            text(&[1, 2], &[0], 1.5),
            "cross_entropy: smoothing is 1.5 (logits [1, 2]); use a number from 0 to 1, such as 0.1"
        );
    }
}
