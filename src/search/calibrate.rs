//! Whether the order in which a short training puts networks repeats itself, and is that of a long one.

use super::config::SearchConfig;
use super::evaluator::{Evaluator, OnEvent};
use super::graphs::{code, space};
use super::length::{Length, Repeated};
use super::settings::{Calibration, Sampling};
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::genetic::{Space, StagedBits};
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
    let codes = sample(&config.networks.stages, &calibration, config.search.seed)?;
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

/// The different graphs that a calibration trains.
fn sample(nodes: &[usize], Calibration { codes, sampling, .. }: &Calibration, seed: u64) -> Result<Vec<Code>> {
    let mut found = Vec::new();
    if *sampling == Sampling::Mixed {
        found.extend(named(nodes));
        let with_sparse = found.len() + codes / 4;
        add_graphs(&mut found, nodes, with_sparse, |number| sparse(nodes, seed, number));
    }
    add_graphs(&mut found, nodes, *codes, |number| {
        // Generations have numbers from 0, so this stream is nobody else's.
        space(nodes).random(&mut Stream::new(seed, Purpose::Genetic, u32::MAX, number))
    });
    found.truncate(*codes);
    if found.len() < *codes {
        let problem = format!("{codes} different graphs of stages with {nodes:?} nodes");
        return Err(Error::op("search", problem, &[], "ask for fewer, or for more nodes"));
    }
    Ok(found)
}

/// The graphs without edges, with all edges, and those whose stages are chains.
fn named(nodes: &[usize]) -> Vec<Code> {
    let of = |edge: fn((usize, usize)) -> bool| {
        let stage = |nodes: &usize| (1..*nodes).flat_map(|to| (0..to).map(move |from| edge((from, to)))).collect();
        canonical(&code(nodes, &StagedBits(nodes.iter().map(stage).collect())))
    };
    let mut different: Vec<Code> = Vec::new();
    for graph in [of(|_| false), of(|_| true), of(|(from, to)| from + 1 == to)] {
        if !different.contains(&graph) {
            different.push(graph);
        }
    }
    different
}

/// A code with an edge in one of five places, on average.
fn sparse(nodes: &[usize], seed: u64, number: u32) -> StagedBits {
    let mut stream = Stream::new(seed, Purpose::Genetic, u32::MAX - 1, number);
    StagedBits(space(nodes).0.iter().map(|bits| (0..*bits).map(|_| stream.below(5) == 0).collect()).collect())
}

/// Draws codes until so many different graphs were found; fewer where the draws hardly find new ones.
fn add_graphs(found: &mut Vec<Code>, nodes: &[usize], count: usize, draw: impl Fn(u32) -> StagedBits) {
    for number in 0..count as u32 * 100 {
        if found.len() >= count {
            return;
        }
        let graph = canonical(&code(nodes, &draw(number)));
        if !found.contains(&graph) {
            found.push(graph);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(nodes: &[usize], codes: usize, sampling: Sampling) -> Result<Vec<Code>> {
        sample(nodes, &Calibration { codes, sampling, ..Calibration::default() }, 1)
    }

    #[test]
    fn graphs_differ_and_too_many_are_refused() {
        for sampling in [Sampling::Uniform, Sampling::Mixed] {
            let graphs = drawn(&[3, 4], 60, sampling).unwrap();
            assert_eq!(graphs.len(), 60);
            assert!(graphs.iter().enumerate().all(|(i, graph)| !graphs[..i].contains(graph)));
            assert_eq!(drawn(&[2], 2, sampling).unwrap().len(), 2);
            assert_eq!(
                drawn(&[3], 7, sampling).unwrap_err().to_string(),
                "search: 7 different graphs of stages with [3] nodes; ask for fewer, or for more nodes"
            );
        }
    }

    #[test]
    fn a_mixed_sample_has_networks_of_all_sizes() {
        let convolutions = |sampling| {
            let graphs = drawn(&[3, 4, 5], 24, sampling).unwrap();
            let edges = |code: &Code| code.0.iter().map(|stage| stage.edges().count()).sum::<usize>();
            let mut counts: Vec<usize> = graphs.iter().map(edges).collect();
            counts.sort_unstable();
            counts
        };
        let (uniform, mixed) = (convolutions(Sampling::Uniform), convolutions(Sampling::Mixed));
        assert_eq!((mixed[0], mixed[23]), (0, 19), "no edge, and all of them: {mixed:?}");
        assert!(uniform[6] > 6 && mixed[6] <= 6, "a quarter is sparse: {uniform:?} {mixed:?}");
        let chain = drawn(&[3, 4, 5], 24, Sampling::Mixed).unwrap()[2].to_string();
        assert_eq!(chain, canonical(&"1-01|1-01-001|1-01-001-0001".parse().unwrap()).to_string());
    }
}
