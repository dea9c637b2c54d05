//! Whether a small budget ranks networks as a large one does.

use super::config::SearchConfig;
use super::evaluator::{Evaluator, Told};
use super::history::{code, space};
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::genetic::Space;
use crate::models::genetic_cnn::{Code, canonical};
use crate::record::EvaluationRow;
use crate::rng::{Purpose, Stream};
use std::path::Path;

/// What the same networks came to with one budget, trained for one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The number of epochs.
    pub epochs: u32,
    /// Its number among all trials; each has seeds of its own.
    pub repeat: u32,
    /// What each network came to, in the same order for all trials.
    pub rows: Vec<EvaluationRow>,
}

/// Trains the codes of a calibration with all of its budgets.
///
/// # Errors
/// As [`search`](super::search()); and when the space has not as many graphs, or the settings have no calibration.
pub fn calibrate(journal: &Path, config: &SearchConfig, sets: &Sets, told: &mut Told<'_>) -> Result<Vec<Trial>> {
    let mut told = |event: super::Event<'_>| told(event);
    let calibration = config.calibration.clone().unwrap_or_default();
    let codes = different_graphs(&config.networks.stages, calibration.codes, config.search.seed)?;
    let mut evaluator = Evaluator::new(journal, "calibrate", config, sets, &mut told)?;
    let mut trials = Vec::new();
    for (number, [epochs, times]) in calibration.budgets.into_iter().enumerate() {
        for _ in 0..times {
            // No two trials share a seed: what they have in common is the networks alone.
            let repeat = trials.len() as u32;
            let trainings: Vec<(Code, u32)> = codes.iter().map(|code| (code.clone(), repeat)).collect();
            let rows = evaluator.rows(number as u32, &trainings, epochs)?;
            trials.push(Trial { epochs, repeat, rows });
        }
    }
    Ok(trials)
}

/// So many different graphs at random.
fn different_graphs(nodes: &[usize], count: usize, seed: u64) -> Result<Vec<Code>> {
    let mut found: Vec<Code> = Vec::new();
    for number in 0..count as u32 * 100 {
        // Generations have numbers from 0, so this stream is nobody else's.
        let bits = space(nodes).random(&mut Stream::new(seed, Purpose::Genetic, u32::MAX, number));
        let graph = canonical(&code(nodes, &bits));
        if found.len() < count && !found.contains(&graph) {
            found.push(graph);
        }
    }
    if found.len() < count {
        let problem = format!("{count} different graphs of stages with {nodes:?} nodes");
        return Err(Error::op("search", problem, &[], "ask for fewer, or for more nodes"));
    }
    Ok(found)
}

/// How far two lists rank the same things alike, from −1 to 1: Kendall's τ, with ties taken into account (τ_b). `None`
/// where one of them has nothing but ties.
///
/// **Source** Kendall, *The treatment of ties in ranking problems*, Biometrika 33, 1945.
///
/// ```
/// use evograd::search::kendall_tau;
/// assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]), Some(1.0));
/// assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
/// ```
///
/// # Panics
/// When the lists are not equally long.
pub fn kendall_tau(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "two lists of ranks");
    let order = |x: f64, y: f64| if x == y { 0.0 } else { (x - y).signum() };
    let (mut alike, mut untied) = (0.0, [0.0, 0.0]);
    for i in 0..a.len() {
        for j in 0..i {
            let orders = [order(a[i], a[j]), order(b[i], b[j])];
            alike += orders[0] * orders[1];
            untied.iter_mut().zip(orders).for_each(|(untied, order)| *untied += order.abs());
        }
    }
    let pairs = (untied[0] * untied[1]).sqrt();
    (pairs > 0.0).then(|| alike / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats.kendalltau` 1.17 for the same lists.
    #[test]
    fn ties_are_taken_into_account() {
        let tau = kendall_tau(&[12.0, 2.0, 1.0, 12.0, 2.0], &[1.0, 4.0, 7.0, 1.0, 0.0]).unwrap();
        assert!((tau - -0.471_404_520_791_031_7).abs() < 1e-15, "{tau}");
        let tau = kendall_tau(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2.0, 1.0, 4.0, 3.0, 6.0, 5.0]).unwrap();
        assert!((tau - 0.6).abs() < 1e-15, "{tau}");
        assert_eq!(kendall_tau(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn graphs_differ_and_too_many_are_refused() {
        let graphs = different_graphs(&[3, 4], 60, 1).unwrap();
        assert!(graphs.iter().enumerate().all(|(i, graph)| !graphs[..i].contains(graph)));
        assert_eq!(
            different_graphs(&[3], 7, 0).unwrap_err().to_string(),
            "search: 7 different graphs of stages with [3] nodes; ask for fewer, or for more nodes"
        );
    }
}
