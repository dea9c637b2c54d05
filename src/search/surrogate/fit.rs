//! Which variances the observations make most likely.

use super::equations::{Solved, Sums};
use super::scale::Scale;
use super::terms::{Observation, Trained, Variances};
use std::collections::BTreeMap;

/// Observations with what is fixed while variances are sought.
pub(super) struct Problem {
    sums: Sums,
    /// The mean of all values.
    pub centre: f64,
    /// The seeds that were observed.
    pub seeds: Vec<u32>,
    /// The trainings of each architecture.
    pub trained: BTreeMap<usize, Trained>,
    /// The variance of the values, seeds taken out.
    spread: f64,
}

impl Problem {
    pub fn new(scale: &Scale, features: &[Vec<f64>], observations: &[Observation], spread: f64) -> Problem {
        assert!(!observations.is_empty() && observations.iter().all(|o| o.value.is_finite()), "finite values");
        let centre = observations.iter().map(|o| o.value).sum::<f64>() / observations.len() as f64;
        let mut seeds: Vec<u32> = observations.iter().map(|o| o.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let mut trained: BTreeMap<usize, Trained> = BTreeMap::new();
        let mut sums = Sums::new(1 + seeds.len() + scale.len());
        for observation in observations {
            let mut columns = vec![1.0];
            columns.extend(seeds.iter().map(|seed| f64::from(u8::from(*seed == observation.seed))));
            columns.extend(scale.apply(&features[observation.architecture]));
            let value = observation.value - centre;
            sums.add(&columns, value);
            let all = trained.entry(observation.architecture).or_default();
            all.count += 1.0;
            all.value += value;
            all.columns.resize(columns.len(), 0.0);
            all.columns.iter_mut().zip(&columns).for_each(|(sum, x)| *sum += x);
        }
        for all in trained.values_mut() {
            sums.group(all);
            all.value /= all.count;
            all.columns.iter_mut().for_each(|x| *x /= all.count);
        }
        Problem { sums, centre, seeds, trained, spread }
    }

    /// The variances of greatest posterior density: golden sections along each logarithm in turn.
    pub fn most_likely(&self, begin: Variances) -> Variances {
        let centre = [begin.features, begin.own, begin.noise, begin.seed].map(f64::ln);
        let density = |logs: [f64; 4]| {
            // A standard deviation of 1 in the logarithm: a factor of 2.7 either way is not unusual.
            let prior: f64 = logs.iter().zip(&centre).map(|(log, centre)| -0.5 * (log - centre).powi(2)).sum();
            self.solve(variances(logs)).log_likelihood + prior
        };
        let mut logs = centre;
        for _ in 0..3 {
            for axis in 0..4 {
                let along = |at: f64| {
                    let mut moved = logs;
                    moved[axis] = at;
                    density(moved)
                };
                logs[axis] = golden_section(centre[axis] - 5.0, centre[axis] + 3.0, along);
            }
        }
        variances(logs)
    }

    /// The equations of some variances, solved.
    pub fn solve(&self, variances: Variances) -> Solved {
        self.sums.solve(variances, self.seeds.len(), self.spread)
    }
}

fn variances([features, own, noise, seed]: [f64; 4]) -> Variances {
    Variances { features: features.exp(), own: own.exp(), noise: noise.exp(), seed: seed.exp() }
}

/// The variance of the values around the mean of their seed, with the square of `usual` as one more of them.
pub(super) fn spread(observations: &[Observation], usual: f64) -> f64 {
    let mut seeds: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for Observation { seed, value, .. } in observations {
        let (count, sum) = seeds.entry(*seed).or_default();
        (*count, *sum) = (*count + 1.0, *sum + value);
    }
    let residual = |o: &Observation| o.value - seeds[&o.seed].1 / seeds[&o.seed].0;
    let freedom = (observations.len() - seeds.len()) as f64;
    let squares = observations.iter().map(|o| residual(o).powi(2)).sum::<f64>();
    (squares + usual * usual) / (freedom + 1.0)
}

/// The place between `low` and `high` where a function with one peak is greatest, to a hundredth.
///
/// **Source** Kiefer, *Sequential minimax search for a maximum*, 1953.
fn golden_section(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut a, mut b) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_a, mut at_b) = (function(a), function(b));
    while high - low > 0.02 {
        if at_a >= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - ratio * (high - low);
            at_a = function(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + ratio * (high - low);
            at_b = function(b);
        }
    }
    (low + high) / 2.0
}
