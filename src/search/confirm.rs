//! The last word on a search: its winner and what it is to be compared with, trained again with new seeds, and the test set.
//!
//! What a search says of its winner comes from images by which it was chosen, and from seeds with which it was lucky. Here nothing
//! is chosen any more, so means and intervals are what they say.

use super::config::SearchConfig;
use super::evaluator::{CONFIRM, Evaluator, OnEvent};
use super::settings::Contestant;
use super::two_samples::{Interval, mean_interval, permutation_p, welch};
use crate::data::Sets;
use crate::error::Result;
use crate::models::genetic_cnn::{Code, Stage};
use crate::record::{EvaluationRow, counted_outcome, outcome, worst_outcome};
use serde::Serialize;
use std::path::Path;

/// The number of the first new seed: no search trains a network as often.
const FIRST: u32 = 1_000_000;

/// The plain networks that any winner is to be compared with, by name: all edges, one chain, and no edges, where each stage is
/// but one convolution behind its first.
///
/// ```
/// use evograd::search::plain_networks;
/// let [(_, dense), (name, chain), _] = plain_networks(&[3])?;
/// assert_eq!((dense.to_string(), name, chain.to_string()), ("1-11".into(), "one chain", "1-01".into()));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When a number of nodes is not from 2 to 10.
pub fn plain_networks(nodes: &[usize]) -> Result<[(&'static str, Code); 3]> {
    let of = |edge: fn(usize, usize) -> bool| {
        let stage = |nodes: &usize| {
            Stage::new(*nodes, (1..*nodes).flat_map(|to| (0..to).map(move |from| edge(from, to))).collect())
        };
        nodes.iter().map(stage).collect::<Result<_>>().map(Code)
    };
    Ok([
        ("all edges", of(|_, _| true)?),
        ("one chain", of(|from, to| from + 1 == to)?),
        ("no edges", of(|_, _| false)?),
    ])
}

/// What a network came to on the test set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confirmed {
    /// What it stands for.
    pub name: String,
    /// Its code.
    pub code: String,
    /// Its accuracy with each new seed, from 0 to 1; where the training diverged, the worst of all.
    pub accuracies: Vec<f64>,
    /// Trainings that diverged.
    pub diverged: usize,
    /// Multiply-adds for one image.
    pub macs: u64,
}

impl Confirmed {
    /// The mean accuracy with its 95 % interval.
    pub fn interval(&self) -> Interval {
        mean_interval(&self.accuracies)
    }

    /// By how much it is better than another, with the 95 % interval, and the probability of a difference as large by chance
    /// alone.
    pub fn against(&self, other: &Confirmed) -> (Interval, Option<f64>) {
        let few = self.accuracies.len() + other.accuracies.len() <= 24;
        let p = few.then(|| permutation_p(&self.accuracies, &other.accuracies));
        (welch(&self.accuracies, &other.accuracies), p)
    }
}

/// Trains the contestants that the settings name, as the settings say, and asks each for the test set once. Everything is written
/// to the file `journal`, from which it goes on.
///
/// # Errors
/// As [`search`](super::search()); and when the settings name no contestants.
pub fn confirm(
    journal: &Path,
    config: &SearchConfig,
    sets: &Sets,
    on_event: &mut OnEvent<'_>,
) -> Result<Vec<Confirmed>> {
    let confirmation = config.confirmation.clone().unwrap_or_default();
    confirmation.check()?;
    let codes: Vec<Code> = confirmation.contestants.iter().map(|one| one.code.parse()).collect::<Result<_>>()?;
    let mut on_event = |event: super::Event<'_>| on_event(event);
    let mut evaluator = Evaluator::new(journal, CONFIRM, config, sets, &mut on_event)?;
    let mut rows: Vec<Vec<EvaluationRow>> = Vec::new();
    for seed in 0..confirmation.seeds {
        let trainings: Vec<(Code, u32)> = codes.iter().map(|code| (code.clone(), FIRST + seed)).collect();
        rows.push(evaluator.rows(seed, &trainings, config.training.epochs)?);
    }
    let worst = worst_outcome(rows.iter().flatten().map(outcome)).unwrap_or(0.0);
    let confirmed = |(at, Contestant { name, code }): (usize, Contestant)| Confirmed {
        name,
        code,
        accuracies: rows.iter().map(|of_seed| counted_outcome(outcome(&of_seed[at]), worst)).collect(),
        diverged: rows.iter().filter(|of_seed| of_seed[at].diverged.is_some()).count(),
        macs: rows[0][at].macs,
    };
    Ok(confirmation.contestants.into_iter().enumerate().map(confirmed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_that_of_the_means() {
        let confirmed = |accuracies: &[f64]| Confirmed {
            name: String::new(),
            code: String::new(),
            accuracies: accuracies.to_vec(),
            diverged: 0,
            macs: 1,
        };
        let [better, worse] = [&[0.75, 0.76, 0.74, 0.75, 0.75][..], &[0.73, 0.74, 0.72, 0.73, 0.73]].map(confirmed);
        let (interval, p) = better.against(&worse);
        assert!((interval.mean - 0.02).abs() < 1e-12 && interval.reach < 0.02, "{interval:?}");
        // Only the two splits that put all better values on one side are as far apart, but for the tie of 0.74.
        assert!(p.unwrap() < 0.03, "{p:?}");
        assert_eq!(worse.interval().mean, worse.accuracies.iter().sum::<f64>() / 5.0);
    }
}
