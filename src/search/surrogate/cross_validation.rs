//! How well the model predicts architectures that it has not seen: they are split into groups, and each group is predicted from
//! all others. Up to [`GROUPS`] architectures that is leaving one out at a time.
//!
//! **Source** Allen, *The relationship between variable selection and data augmentation and a method for prediction*,
//! Technometrics 16, 1974 (the sum of squares of predicted residuals, PRESS); Stone, *Cross-validatory choice and assessment of
//! statistical predictions*, Journal of the Royal Statistical Society B 36, 1974.

use super::{Estimate, Observation, Surrogate};
use std::collections::BTreeSet;

/// The most groups: each costs a fit, and what the model says of ten thousand architectures must not take minutes.
const GROUPS: usize = 100;

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
    /// Predicts each architecture from the observations of others, with the variances of this model.
    ///
    /// ```
    /// use evograd::search::{Observation, Scale, Surrogate, r_squared};
    /// let features: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i)]).collect();
    /// let trained = |i: usize| Observation { architecture: i, seed: 0, value: 0.5 + 0.01 * i as f64 };
    /// let observations: Vec<Observation> = (0..20).map(trained).collect();
    /// let surrogate = Surrogate::fit(Scale::of(&features), &features, &observations, 0.02);
    /// assert!(r_squared(&surrogate.cross_validate(&features, &observations)).unwrap() > 0.9);
    /// ```
    ///
    /// # Panics
    /// When an observation's architecture has no row of features.
    pub fn cross_validate(&self, features: &[Vec<f64>], observations: &[Observation]) -> Vec<Prediction> {
        let architectures: Vec<usize> = self.trained.keys().copied().collect();
        let groups = architectures.len().min(GROUPS);
        let group = |k: usize| architectures.iter().copied().skip(k).step_by(groups).collect::<BTreeSet<usize>>();
        let mut all: Vec<_> = (0..groups).flat_map(|k| self.without(&group(k), features, observations)).collect();
        all.sort_by_key(|one| one.architecture);
        all
    }

    /// The predictions of a group; none where there are no others.
    fn without(&self, group: &BTreeSet<usize>, features: &[Vec<f64>], observations: &[Observation]) -> Vec<Prediction> {
        let (own, others): (Vec<Observation>, Vec<_>) =
            observations.iter().partition(|observation| group.contains(&observation.architecture));
        if others.is_empty() {
            return Vec::new();
        }
        let model = Surrogate::with_variances(self.scale.clone(), features, &others, self.variances);
        let predict = |architecture: usize| {
            let values: Vec<f64> = own
                .iter()
                .filter(|o| o.architecture == architecture)
                .map(|o| o.value - model.seed_effect(o.seed).unwrap_or(0.0))
                .collect();
            let measured = values.iter().sum::<f64>() / values.len() as f64;
            Prediction { architecture, predicted: model.estimate(architecture, &features[architecture]), measured }
        };
        group.iter().copied().map(predict).collect()
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

#[cfg(test)]
mod tests {
    use super::super::Scale;
    use super::*;

    /// A third of what is measured lies on a line, the rest is of each architecture's own.
    fn observed(architectures: usize) -> (Vec<Vec<f64>>, Vec<Observation>) {
        let features: Vec<Vec<f64>> = (0..architectures).map(|i| vec![(i * 37 % 101) as f64 / 101.0]).collect();
        let value = |i: usize| 0.5 + 0.1 * features[i][0] + 0.05 * ((i * 7919 % 97) as f64 / 97.0);
        let trained = |i: usize| (0..2).map(move |seed| (i, seed));
        let observations = (0..architectures)
            .flat_map(trained)
            .map(|(architecture, seed)| Observation {
                architecture,
                seed,
                value: value(architecture) + 0.01 * f64::from(seed),
            })
            .collect();
        (features, observations)
    }

    fn fit(features: &[Vec<f64>], observations: &[Observation]) -> Surrogate {
        Surrogate::fit(Scale::of(features), features, observations, 0.02)
    }

    #[test]
    fn no_architecture_has_seen_itself() {
        for architectures in [2, 30, 250] {
            let (features, observations) = observed(architectures);
            let surrogate = fit(&features, &observations);
            let before = surrogate.cross_validate(&features, &observations);
            assert_eq!(
                before.iter().map(|one| one.architecture).collect::<Vec<_>>(),
                (0..architectures).collect::<Vec<_>>()
            );
            let mut changed = observations.clone();
            changed.iter_mut().filter(|o| o.architecture == 1).for_each(|o| o.value += 0.2);
            let after = surrogate.cross_validate(&features, &changed);
            assert_eq!(before[1].predicted, after[1].predicted, "{architectures} architectures");
            assert!((after[1].measured - before[1].measured - 0.2).abs() < 1e-9);
            assert_ne!(before[0].predicted, after[0].predicted, "others do see it");
        }
    }

    #[test]
    fn one_architecture_alone_is_predicted_by_none() {
        let (features, observations) = observed(1);
        assert_eq!(fit(&features, &observations).cross_validate(&features, &observations), []);
    }
}
