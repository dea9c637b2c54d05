//! Whether the order in which a short training puts networks repeats itself, and is that of a long one.

use super::config::SearchConfig;
use super::evaluator::{Evaluator, OnEvent};
use super::graphs::{code, space};
use super::length::{Length, Repeated};
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
    /// How long each was trained.
    pub length: Length,
    /// Its number among all trials; each has seeds of its own.
    pub repeat: u32,
    /// What each network came to, in the same order for all trials.
    pub rows: Vec<EvaluationRow>,
}

/// Trains the codes of a calibration with all of its budgets.
///
/// # Errors
/// As [`search`](super::search()); and when the space has not as many graphs, or the settings have no calibration.
pub fn calibrate(journal: &Path, config: &SearchConfig, sets: &Sets, on_event: &mut OnEvent<'_>) -> Result<Vec<Trial>> {
    let mut on_event = |event: super::Event<'_>| on_event(event);
    let calibration = config.calibration.clone().unwrap_or_default();
    let codes = different_graphs(&config.networks.stages, calibration.codes, config.search.seed)?;
    let mut evaluator = Evaluator::new(journal, "calibrate", config, sets, &mut on_event)?;
    let mut trials = Vec::new();
    for (number, Repeated { length, times }) in calibration.budgets.into_iter().enumerate() {
        let config = config.with_length(length);
        evaluator.train_as(&config, sets)?;
        for _ in 0..times {
            // No two trials share a seed: what they have in common is the networks alone.
            let repeat = trials.len() as u32;
            let trainings: Vec<(Code, u32)> = codes.iter().map(|code| (code.clone(), repeat)).collect();
            let rows = evaluator.rows(number as u32, &trainings, config.training.epochs)?;
            trials.push(Trial { length, repeat, rows });
        }
    }
    Ok(trials)
}

/// So many different graphs at random.
pub(super) fn different_graphs(nodes: &[usize], count: usize, seed: u64) -> Result<Vec<Code>> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
