//! What a training that diverged is worth, for whatever ranks, averages or models networks.
//!
//! It **has no fitness**: how bad it is has no number, and a made-up one would drown all others. Where it is noted, as in the history of
//! a search, that is NaN; the 0 of its row in a journal only fills the place. Where a number cannot be done without, it **counts as the worst
//! fitness that any training of the same search came to**: in the model, in means over trainings, and in the tables of a generation or of a
//! space. So it is never better than what came to something, and how far below it stands depends on no convention. Three things follow.
//!
//! * A network none of whose trainings came to anything is last, after those of the same number, and wins nothing.
//! * Where the noise of trainings is measured, there is no number that could stand in its place: a calibration leaves out a network that
//!   diverged in any trial.
//! * Where no training came to anything there is no worst, and no result: the command says so, and ends with exit code 1.

use super::{EvaluationRow, SearchRow};

/// What a training came to: its fitness, and NaN where it diverged.
pub fn outcome(row: &EvaluationRow) -> f64 {
    if row.diverged.is_some() { f64::NAN } else { row.fitness }
}

/// The worst of these outcomes; `None` where all diverged.
///
/// ```
/// use evograd::record::worst_outcome;
/// assert_eq!(worst_outcome([0.5, f64::NAN, 0.25]), Some(0.25));
/// assert_eq!(worst_outcome([f64::NAN]), None);
/// ```
pub fn worst_outcome(outcomes: impl IntoIterator<Item = f64>) -> Option<f64> {
    outcomes.into_iter().filter(|outcome| outcome.is_finite()).reduce(f64::min)
}

/// An outcome as a number: a divergence counts as the worst of all outcomes.
pub fn counted_outcome(outcome: f64, worst: f64) -> f64 {
    if outcome.is_finite() { outcome } else { worst }
}

/// Whether any training among the rows of a journal came to anything.
pub fn any_learned(rows: &[SearchRow]) -> bool {
    rows.iter().any(|row| matches!(row, SearchRow::Evaluation(row) if row.diverged.is_none()))
}
