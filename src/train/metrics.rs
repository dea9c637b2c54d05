//! The rows of a run's metrics, as every command reads them: those that the run has written, or an error.

use super::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::files;
use crate::record::{self, Metric};
use std::path::Path;

/// The file of the rows in the folder of a run.
pub(super) const METRICS: &str = "metrics.jsonl";
/// The folder of its checkpoints.
pub(super) const CHECKPOINTS: &str = "checkpoints";

/// The rows of metrics in the folder of a run, which may be at work; none where there is no such file. They are held against the
/// checkpoint `last`, where there is a whole one: up to there they have to be what the run has written.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// use evograd::train::read_metrics;
/// assert!(read_metrics(folder.path())?.is_empty());
/// std::fs::write(folder.path().join("metrics.jsonl"), "no row\n").unwrap();
/// assert!(read_metrics(folder.path()).unwrap_err().to_string().contains("metrics.jsonl"));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the file cannot be read, a row is none, or rows before the checkpoint were changed or are missing.
pub fn read_metrics(folder: &Path) -> Result<Vec<Metric>> {
    let path = folder.join(METRICS);
    // The checkpoint first: a run that goes on meanwhile writes its rows before it.
    let extent = Checkpoint::at(folder.join(CHECKPOINTS).join("last")).extent();
    extent.iter().try_for_each(|extent| extent.expect_in(&path))?;
    let there = files::is_there(&path).map_err(|error| files::unread(&path, &error))?;
    let rows: Vec<Metric> = if there { record::read(&path)? } else { Vec::new() };
    if rows.iter().any(|row| row.segment() == u32::MAX) {
        let remedy = "restore the file, or start a new run";
        return Err(Error::file(path, "a row has the greatest segment there can be", remedy));
    }
    Ok(rows)
}
