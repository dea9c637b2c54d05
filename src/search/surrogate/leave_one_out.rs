//! How well the model predicts architectures that it has not seen: each in turn is left out and predicted from the others.
//!
//! **Source** Allen, *The relationship between variable selection and data augmentation and a method for prediction*,
//! Technometrics 16, 1974 (the sum of squares of predicted residuals, PRESS).

use super::{Estimate, Observation, Surrogate};

/// An architecture as the others predict it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The index of its row of features.
    pub architecture: usize,
    /// What the model says of it when it has seen the others alone.
    pub predicted: Estimate,
    /// The mean of its trainings, with the effects of their seeds taken out.
    pub measured: f64,
}

impl Surrogate {
    /// Predicts each architecture from the observations of the others, with the variances of this model.
    ///
    /// ```
    /// use evograd::search::{Observation, Scale, Surrogate, r_squared};
    /// let features: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i)]).collect();
    /// let trained = |i: usize| Observation { architecture: i, seed: 0, value: 0.5 + 0.01 * i as f64 };
    /// let observations: Vec<Observation> = (0..20).map(trained).collect();
    /// let surrogate = Surrogate::fit(Scale::of(&features), &features, &observations, 0.02);
    /// assert!(r_squared(&surrogate.leave_one_out(&features, &observations)).unwrap() > 0.9);
    /// ```
    ///
    /// # Panics
    /// When an observation's architecture has no row of features.
    pub fn leave_one_out(&self, features: &[Vec<f64>], observations: &[Observation]) -> Vec<Prediction> {
        self.trained.keys().filter_map(|architecture| self.without(*architecture, features, observations)).collect()
    }

    /// The prediction of one; `None` where there is no other.
    fn without(&self, architecture: usize, features: &[Vec<f64>], observations: &[Observation]) -> Option<Prediction> {
        let (own, others): (Vec<Observation>, Vec<_>) =
            observations.iter().partition(|observation| observation.architecture == architecture);
        if others.is_empty() {
            return None;
        }
        let model = Surrogate::with_variances(self.scale.clone(), features, &others, self.variances);
        let value = |o: &Observation| o.value - model.seed_effect(o.seed).unwrap_or(0.0);
        let measured = own.iter().map(value).sum::<f64>() / own.len() as f64;
        Some(Prediction { architecture, predicted: model.estimate(architecture, &features[architecture]), measured })
    }
}

/// The share of the variance of what was measured that the predictions explain: `1 − Σ(m − p)² / Σ(m − m̄)²`. Below 0 they are worse than the mean;
/// `None` where there are fewer than three, or all measured the same.
pub fn r_squared(predictions: &[Prediction]) -> Option<f64> {
    let mean = predictions.iter().map(|one| one.measured).sum::<f64>() / predictions.len() as f64;
    let around = |expected: &dyn Fn(&Prediction) -> f64| {
        predictions.iter().map(|one| (one.measured - expected(one)).powi(2)).sum::<f64>()
    };
    let (residual, total) = (around(&|one| one.predicted.mean), around(&|_| mean));
    (predictions.len() > 2 && total > 0.0).then(|| 1.0 - residual / total)
}
