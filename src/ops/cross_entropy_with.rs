//! Cross entropy with class numbers, with weights for classes, a class that is ignored, and a choice of reduction.
//!
//! **Formula** With `l = log_softmax(logits)`, class weights `w` and smoothing `a`, a sample of class `k` has the loss
//! `−Σⱼ tⱼ·lⱼ` with `tⱼ = (1 − a)·wₖ·[j = k] + a/C·wⱼ`; a sample of the ignored class has 0. `y` is all of them, their sum, or the
//! sum over `Σ wₖ` of the samples that are not ignored, which is the weighted mean. Without weights, `w = 1`.
//!
//! **Shapes** `logits` is `[N, C]`, there are `N` class numbers, each below `C` or the ignored one, and `C` weights; `y` is `[]`, or
//! `[N]` where nothing is reduced.
//!
//! **Gradient** As of `cross_entropy`, the slope of a sample's loss is `exp(lⱼ)·T − tⱼ` with `T = Σⱼ tⱼ`, 0 for one that is ignored.
//! The slopes of a sample sum to 0, so where its class has more than half the probability, that of the class is minus the sum of the
//! others, which keeps its digits. `dlogits` is the slope times `dy` of the sample, or `dy` over the sum of the weights.
//!
//! **Kept for backward** the logits, not copied, and the logarithm of each sample's sum of exponentials.
//!
//! **Source** PyTorch's `cross_entropy` with `weight`, `ignore_index`, `label_smoothing` and `reduction`.

use super::support::catalogue::{Large, Row, case};
use super::support::constant::shown;
use super::support::loss::Reduction;
use super::support::rows;
use crate::error::{Error, Result};
use crate::par::{for_each, map};
use crate::setting::Allowed;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "cross_entropy_with",
    formula: "y = −Σ t·log_softmax(logits), t one class, weighted and smoothed, reduced",
    nondifferentiable: "",
    f32_bound: 3.0,
    draw: |draw| {
        let (n, c) = (draw.size(2, 6), draw.size(2, 8));
        let mut targets: [usize; 6] = std::array::from_fn(|_| draw.size(0, c - 1));
        let weights: [f64; 8] = std::array::from_fn(|_| draw.number(0.25, 2.0));
        let weighted = draw.flag();
        let (smoothing, reduction) = (draw.pick(&[0.0, 0.1, 1.0]), draw.pick(&Reduction::ALL));
        let ignore = draw.flag().then_some(100);
        targets[0] = ignore.unwrap_or(targets[0]);
        let chosen = format!("targets {:?} weighted {weighted} smoothing {smoothing} {reduction:?}", &targets[..n]);
        case!([draw.values([n, c])], chosen, |v| {
            let weights = weighted.then_some(&weights[..c]);
            v[0].cross_entropy_with(&targets[..n], CrossEntropy { weights, ignore, smoothing, reduction })
        })
    },
    large: Large {
        shapes: &[&[4099, 11]],
        run: |v| {
            let targets: Vec<usize> = (0..4099).map(|i| i % 12).collect();
            let options = CrossEntropy { ignore: Some(11), smoothing: 0.1, ..CrossEntropy::default() };
            v[0].cross_entropy_with(&targets, options)
        },
    },
};

/// The settings of [`Var::cross_entropy_with`]; by default, those of a plain mean.
///
/// ```
/// use evograd::ops::{CrossEntropy, Reduction};
/// let options = CrossEntropy { weights: Some(&[1.0, 5.0]), ..CrossEntropy::default() };
/// assert_eq!((options.ignore, options.reduction), (None, Reduction::Mean));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy<'a> {
    /// One for each class, from 0 on; 1 where there are none.
    pub weights: Option<&'a [f64]>,
    /// The class number of samples that have no part in the loss; it need be no class.
    pub ignore: Option<usize>,
    /// The share of each target that is spread over all classes, from 0 to 1.
    pub smoothing: f64,
    /// What becomes of the losses of all samples.
    pub reduction: Reduction,
}

#[derive(Debug)]
struct Weighted {
    targets: Vec<usize>,
    /// None where each is 1.
    weights: Option<Vec<f64>>,
    ignore: Option<usize>,
    smoothing: f64,
    reduction: Reduction,
}

impl Weighted {
    fn weight(&self, class: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[class])
    }

    /// The class of a sample that is not ignored.
    fn class(&self, sample: usize) -> Option<usize> {
        Some(self.targets[sample]).filter(|class| Some(*class) != self.ignore)
    }

    /// `t` of class `j` for a sample of class `own`, of `classes`.
    fn target(&self, j: usize, own: usize, classes: usize) -> f64 {
        let spread = if self.smoothing == 0.0 { 0.0 } else { self.smoothing / classes as f64 * self.weight(j) };
        if j == own { (1.0 - self.smoothing) * self.weight(own) + spread } else { spread }
    }

    /// What the sum of the losses is divided by.
    fn divisor(&self) -> f64 {
        match self.reduction {
            Reduction::Mean => (0..self.targets.len()).filter_map(|i| self.class(i)).map(|k| self.weight(k)).sum(),
            _ => 1.0,
        }
    }

    fn expect_targets(&self, n: usize, c: usize) -> std::result::Result<(), (String, String)> {
        if self.targets.len() != n {
            let problem = format!("{} targets were given for {n} samples", self.targets.len());
            return Err((problem, "give the number of one class for each sample".into()));
        }
        let class = |sample| self.class(sample).map(|class| (sample, class));
        if let Some((sample, class)) = (0..n).filter_map(class).find(|(_, class)| *class >= c) {
            let problem = format!("the class of sample {sample} is {class}, but there are {c} classes");
            return Err((problem, format!("number the classes from 0 to {}, or ignore this one", c - 1)));
        }
        Ok(())
    }

    fn expect_settings<E: Element>(&self, c: usize) -> std::result::Result<(), (String, String)> {
        let weights = self.weights.as_deref().unwrap_or_default();
        if self.weights.is_some() && weights.len() != c {
            return Err((format!("{} weights were given for {c} classes", weights.len()), "give one for each".into()));
        }
        if let Some(class) = weights.iter().position(|weight| !Allowed::NotNegative.holds::<E>(*weight)) {
            let problem = format!("the weight of class {class} is {}", shown(weights[class]));
            return Err((problem, "use a finite number from 0 on".into()));
        }
        if !Allowed::Share.holds::<E>(self.smoothing) {
            return Err((format!("smoothing is {}", self.smoothing), "use a number from 0 to 1, such as 0.1".into()));
        }
        if self.divisor() == 0.0 {
            let remedy = "give a sample whose class has a weight and is not ignored, or take the sum";
            return Err(("there is no mean, as no sample has a weight".into(), remedy.into()));
        }
        Ok(())
    }
}

/// The logits, and the logarithm of each sample's sum of exponentials.
struct Kept<E: Element> {
    logits: Tensor<E>,
    totals: Vec<f64>,
}

/// `ln Σ exp(x)`
fn total<E: Element>(row: &[E]) -> f64 {
    let most = row.iter().fold(f64::NEG_INFINITY, |most, x| most.max(x.to_f64()));
    most + row.iter().map(|x| (x.to_f64() - most).exp()).sum::<f64>().ln()
}

impl<E: Element> Op<E, 1> for Weighted {
    const NAME: &'static str = ROW.name;
    type Saved = Kept<E>;

    fn output_shape(&self, [logits]: [&Shape; 1]) -> Result<Shape> {
        let refuse = |(problem, remedy): (String, String)| Error::op(ROW.name, problem, &[("logits", logits)], remedy);
        let Some([n, c]) = logits.axes() else {
            let problem = format!("the logits have {} axes", logits.rank());
            return Err(refuse((problem, "give them the shape [N, C]".into())));
        };
        self.expect_targets(n, c).map_err(refuse)?;
        self.expect_settings::<E>(c).map_err(refuse)?;
        Ok(if self.reduction == Reduction::None { Shape::new(&[n])? } else { Shape::SCALAR })
    }

    fn check(&self, [logits]: [&Tensor<E>; 1]) -> Result<()> {
        rows::finite(ROW.name, "logit", logits, &[("logits", logits.shape())])
    }

    fn forward(&self, [logits]: [&Tensor<E>; 1]) -> (Tensor<E>, Kept<E>) {
        let (n, values) = (self.targets.len(), logits.as_slice());
        let width = values.len() / n;
        let row = |sample: usize| &values[sample * width..(sample + 1) * width];
        let losses = map(n, |sample| {
            let total = total(row(sample));
            let score = |j: usize, own| match self.target(j, own, width) {
                0.0 => 0.0,
                t => t * (total - row(sample)[j].to_f64()),
            };
            (total, self.class(sample).map_or(0.0, |own| (0..width).map(|j| score(j, own)).sum()))
        });
        let kept = Kept { logits: logits.clone(), totals: losses.iter().map(|(total, _)| *total).collect() };
        let losses = losses.iter().map(|(_, loss)| *loss);
        let y = if self.reduction == Reduction::None {
            let shape = Shape::new(&[n]).expect("output_shape has agreed");
            Tensor::build(shape, |y| y.iter_mut().zip(losses).for_each(|(y, loss)| *y = E::from_f64(loss)))
        } else {
            Tensor::scalar(E::from_f64(losses.sum::<f64>() / self.divisor()))
        };
        (y, kept)
    }

    fn backward(&self, Kept { logits, totals }: Kept<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let width = logits.as_slice().len() / totals.len();
        let (values, dy, divisor) = (logits.as_slice(), dy.as_slice(), self.divisor());
        let dx = Tensor::build(*logits.shape(), |dx| {
            for_each(dx, width, |sample, dx| {
                let Some(own) = self.class(sample) else { return dx.fill(E::ZERO) };
                let factor = dy[sample % dy.len()].to_f64() / divisor;
                let row = &values[sample * width..(sample + 1) * width];
                self.slopes(row, totals[sample], own, factor, dx);
            });
        });
        [Some(dx)]
    }
}

impl Weighted {
    /// The gradient of one sample.
    fn slopes<E: Element>(&self, row: &[E], total: f64, own: usize, factor: f64, dx: &mut [E]) {
        let sum: f64 = (0..row.len()).map(|j| self.target(j, own, row.len())).sum();
        let l = |j: usize| row[j].to_f64() - total;
        let slope = |j: usize| l(j).exp() * sum - self.target(j, own, row.len());
        dx.iter_mut().enumerate().for_each(|(j, dx)| *dx = E::from_f64(slope(j) * factor));
        if l(own) > -std::f64::consts::LN_2 {
            let others: f64 = (0..row.len()).filter(|j| *j != own).map(slope).sum();
            dx[own] = E::from_f64(-others * factor);
        }
    }
}

impl<E: Element> Var<E> {
    /// The cross entropy of logits `[N, C]` with a class number for each sample, as the settings say: with weights, the mean is over
    /// the sum of the weights of the samples' classes.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::CrossEntropy};
    /// let logits = Var::constant(Tensor::from_vec([3, 2], vec![0.0_f64, 0.0, 9.0, 9.0, 5.0, 1.0])?);
    /// let options = CrossEntropy { weights: Some(&[1.0, 3.0]), ignore: Some(255), ..CrossEntropy::default() };
    /// let loss = logits.cross_entropy_with(&[0, 1, 255], options)?;
    /// assert!((loss.item()? - 2.0_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` is not `[N, C]` or holds a value that is not finite; the targets are not `N` numbers below `C` or the ignored one;
    /// the weights are not `C` finite numbers from 0 on; `smoothing` is not from 0 to 1; or there is no mean, as no sample has a
    /// weight.
    pub fn cross_entropy_with(&self, targets: &[usize], options: CrossEntropy<'_>) -> Result<Var<E>> {
        let CrossEntropy { weights, ignore, smoothing, reduction } = options;
        let (targets, weights) = (targets.to_vec(), weights.map(<[f64]>::to_vec));
        apply(Weighted { targets, weights, ignore, smoothing, reduction }, [self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    /// Probabilities 1/4 and 3/4 in each of three samples.
    fn thirds() -> Tensor<f64> {
        Tensor::from_fn([3, 2], |i| if i % 2 == 0 { 0.0 } else { 3.0_f64.ln() }).unwrap()
    }

    #[test]
    fn weights_ignored_samples_and_reductions_are_those_worked_out_by_hand() {
        let (first, second) = (4.0_f64.ln(), (4.0 / 3.0_f64).ln());
        let x = Var::constant(thirds());
        let options = CrossEntropy { weights: Some(&[2.0, 3.0]), ignore: Some(7), ..CrossEntropy::default() };
        let run = |reduction| x.cross_entropy_with(&[0, 7, 1], CrossEntropy { reduction, ..options }).unwrap();
        let close = |found: &[f64], expected: &[f64]| {
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-14), "{found:?}");
        };
        close(run(Reduction::None).value().as_slice(), &[2.0 * first, 0.0, 3.0 * second]);
        close(run(Reduction::Sum).value().as_slice(), &[2.0 * first + 3.0 * second]);
        close(run(Reduction::Mean).value().as_slice(), &[(2.0 * first + 3.0 * second) / 5.0]);
        // Smoothed by 0.2, the targets of the first sample are 0.8·2 + 0.1·2 and 0.1·3.
        let smooth = x.cross_entropy_with(&[0, 7, 7], CrossEntropy { smoothing: 0.2, ..options }).unwrap();
        close(smooth.value().as_slice(), &[(1.8 * first + 0.3 * second) / 2.0]);
    }

    #[test]
    fn ignored_samples_have_no_gradient_and_others_their_share_of_the_weights() {
        let tape = Tape::new();
        let x = tape.leaf(thirds());
        let options = CrossEntropy { weights: Some(&[2.0, 3.0]), ignore: Some(7), ..CrossEntropy::default() };
        let y = x.cross_entropy_with(&[0, 7, 1], options).unwrap();
        let gradients = tape.backward(&y).unwrap();
        let expected = [-0.75 * 0.4, 0.75 * 0.4, 0.0, 0.0, 0.25 * 0.6, -0.25 * 0.6];
        let found = gradients.get(&x).unwrap().as_slice();
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15), "{found:?}");
    }

    /// Without settings it is `cross_entropy`, also where a class is nearly certain.
    #[test]
    fn by_default_it_is_the_plain_one() {
        let logits = Tensor::from_vec([2, 3], vec![40.0_f64, 0.0, -1.0, 0.5, -0.5, 2.0]).unwrap();
        for smoothing in [0.0, 0.3] {
            let tape = Tape::new();
            let x = tape.leaf(logits.clone());
            let plain = x.cross_entropy(&[0, 1], smoothing).unwrap();
            let with = x.cross_entropy_with(&[0, 1], CrossEntropy { smoothing, ..CrossEntropy::default() }).unwrap();
            assert!((plain.item().unwrap() - with.item().unwrap()).abs() < 1e-15);
            let [plain, with] = [plain, with].map(|y| tape.backward(&y).unwrap().get(&x).unwrap().as_slice().to_vec());
            for (plain, with) in plain.iter().zip(with) {
                assert!((plain - with).abs() <= 1e-14 * plain.abs(), "{plain:e} {with:e}");
            }
        }
    }

    #[test]
    fn wrong_targets_and_settings_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |targets: &[usize], options| x.cross_entropy_with(targets, options).unwrap_err().to_string();
        let plain = CrossEntropy::default();
        assert_eq!(
            text(&[0, 3], plain),
            "cross_entropy_with: the class of sample 1 is 3, but there are 3 classes (logits [2, 3]); \
             number the classes from 0 to 2, or ignore this one"
        );
        assert!(text(&[0], plain).contains("1 targets were given for 2 samples (logits [2, 3]); give the number"));
        assert_eq!(
            text(&[0, 1], CrossEntropy { weights: Some(&[1.0]), ..plain }),
            "cross_entropy_with: 1 weights were given for 3 classes (logits [2, 3]); give one for each"
        );
        assert!(text(&[0, 1], CrossEntropy { weights: Some(&[1.0, -2.0, 1.0]), ..plain }).contains("of class 1 is -2"));
        assert!(text(&[0, 1], CrossEntropy { smoothing: 2.0, ..plain }).contains("smoothing is 2"));
        assert_eq!(
            text(&[5, 5], CrossEntropy { ignore: Some(5), ..plain }),
            "cross_entropy_with: there is no mean, as no sample has a weight (logits [2, 3]); \
             give a sample whose class has a weight and is not ignored, or take the sum"
        );
    }
}
