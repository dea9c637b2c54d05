//! All networks of a small space: what each comes to, and how well a search would have found the best of them.

use super::config::SearchConfig;
use super::evaluator::{Evaluator, OnEvent};
use super::graphs::graphs;
use crate::data::Sets;
use crate::error::Result;
use crate::models::genetic_cnn::Code;
use crate::record::{EvaluationRow, IndividualRow, counted_outcome, outcome, worst_outcome};
use std::path::Path;

/// Evaluates every graph of a space that is small enough: one canonical code for each. The journal is as that of
/// [`search`](super::search()), with a single generation, in which a network that diverged has the fitness of the worst that did
/// not.
///
/// # Errors
/// As [`search`](super::search()), and [`graphs`](super::graphs()).
pub fn exhaust(journal: &Path, config: &SearchConfig, sets: &Sets, on_event: &mut OnEvent<'_>) -> Result<()> {
    let mut on_event = |event: super::Event<'_>| on_event(event);
    let codes = graphs(&config.networks.stages)?;
    let mut evaluator = Evaluator::new(journal, "exhaust", config, sets, &mut on_event)?;
    let trainings: Vec<(Code, u32)> = codes.into_iter().map(|code| (code, 0)).collect();
    let rows = evaluator.rows(0, &trainings, config.training.epochs)?;
    let worst = worst_outcome(rows.iter().map(outcome)).unwrap_or(0.0);
    let row = |row: EvaluationRow| {
        let fitness = counted_outcome(outcome(&row), worst);
        IndividualRow { code: row.code, fitness, error: 0.0, parents: Vec::new() }
    };
    evaluator.round(0, false, rows.into_iter().map(row).collect(), None)?;
    Ok(())
}
