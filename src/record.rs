//! What happened in a run, as plain rows in append-only files of JSON lines. Knows files; knows nothing of training.

mod search;

pub use search::{BeginRow, EvaluationRow, GenerationRow, IndividualRow, SearchRow};

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// A row of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Metric {
    /// After some training steps.
    Step(StepRow),
    /// After an epoch.
    Epoch(EpochRow),
    /// After the run: the score on the test set.
    Test(Score),
}

/// What some training steps came to, the last of which is `step`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// How often the run has been resumed. Of two rows of the same step, the one of the later segment counts.
    pub segment: u32,
    /// Training steps taken.
    pub step: u64,
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// The mean loss since the last row.
    pub loss: f64,
    /// The share of right answers on training pictures since the last row.
    pub accuracy: f64,
    /// The learning rate of the last step.
    pub rate: f64,
    /// The norm of the last step's gradient, before clipping.
    pub gradient_norm: f64,
    /// Pictures a second since the last row.
    pub images_per_second: f64,
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// As [`StepRow::segment`].
    pub segment: u32,
    /// Training steps taken.
    pub step: u64,
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// The mean training loss of the epoch.
    pub loss: f64,
    /// The share of right answers on the epoch's training pictures, against their true classes.
    pub accuracy: f64,
    /// The score on the validation split; none where nothing was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Score>,
    /// Seconds spent training since the run or its last segment began.
    pub seconds: f64,
    /// Training pictures a second in this epoch.
    pub images_per_second: f64,
}

/// How well a network answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Which pictures: `validation` or `test`.
    pub split: String,
    /// How many.
    pub pictures: usize,
    /// The mean cross entropy.
    pub loss: f64,
    /// The share of right answers, top-1, from 0 to 1.
    pub accuracy: f64,
}

/// Rows that are appended to a file.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: std::path::PathBuf,
}

impl Journal {
    /// Opens or makes the file. A last line that was not finished, because the process was killed, is cut off.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(path: &Path) -> Result<Journal> {
        let refused = |error: std::io::Error| Error::file(path, error, "name a folder that can be written to");
        let text = if path.exists() { std::fs::read(path).map_err(refused)? } else { Vec::new() };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(refused)?;
        file.set_len(whole as u64).map_err(refused)?;
        file.seek(SeekFrom::End(0)).map_err(refused)?;
        Ok(Journal { file, path: path.to_path_buf() })
    }

    /// Brings all rows to the disk.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.refused(&error))
    }

    /// Appends a row, in one write.
    ///
    /// # Errors
    /// When the row cannot be written, as where the disk is full.
    pub fn append(&mut self, row: &impl Serialize) -> Result<()> {
        self.append_line(serde_json::to_string(row).map_err(|error| self.refused(&error))?)
    }

    /// Appends a line, in one write.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_line(&mut self, mut line: String) -> Result<()> {
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &dyn std::fmt::Display) -> Error {
        Error::file(&self.path, error, "make room on the disk and resume")
    }
}

/// All rows of a file of JSON lines; a last line that was not finished, because the process was killed, is left out.
///
/// # Errors
/// When the file cannot be read or a line is no such row; the error says which.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error, "name a file of JSON lines"))?;
    let row = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            Error::file(path, format!("line {}: {error}", number + 1), "remove the line, or restore the file")
        })
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    text[..whole].lines().enumerate().map(row).collect()
}

/// The rows that count: of what was done twice, because a run was resumed from before it, the later ones.
pub fn current(rows: Vec<Metric>) -> Vec<Metric> {
    let mut kept: Vec<Metric> = Vec::with_capacity(rows.len());
    for row in rows {
        kept.retain(|old| !row.replaces(old));
        kept.push(row);
    }
    kept
}

impl Metric {
    /// The segment that wrote it; 0 where it does not say.
    pub fn segment(&self) -> u32 {
        match self {
            Metric::Step(row) => row.segment,
            Metric::Epoch(row) => row.segment,
            Metric::Test(_) => 0,
        }
    }

    /// Whether `old`, an earlier row, is of a step that this row's segment has taken again.
    fn replaces(&self, old: &Metric) -> bool {
        let again = |(new, step): (u32, u64), (old, other): (u32, u64)| new > old && other >= step;
        match (self, old) {
            (Metric::Step(new), Metric::Step(old)) => again((new.segment, new.step), (old.segment, old.step)),
            (Metric::Epoch(new), Metric::Epoch(old)) => again((new.segment, new.step), (old.segment, old.step)),
            (Metric::Test(_), Metric::Test(_)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(segment: u32, step: u64) -> Metric {
        let (loss, rate) = (0.1 + 0.2, 1.0 / 3.0);
        let (accuracy, gradient_norm, images_per_second) = (0.5, f64::MIN_POSITIVE, 1e300);
        Metric::Step(StepRow { segment, step, epoch: 1, loss, accuracy, rate, gradient_norm, images_per_second })
    }

    #[test]
    fn rows_come_back_bit_for_bit_and_half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        Journal::open(&path).unwrap().append(&step(0, 1)).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
        assert_eq!(read::<Metric>(&path).unwrap(), [step(0, 1)]);
        Journal::open(&path).unwrap().append(&step(1, 2)).unwrap();
        assert_eq!(read::<Metric>(&path).unwrap(), [step(0, 1), step(1, 2)]);
    }

    #[test]
    fn a_line_that_is_no_row_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"kind\":\"step\"}\n").unwrap();
        let text = read::<Metric>(&path).unwrap_err().to_string();
        assert!(text.contains("metrics.jsonl: line 1: missing field") && text.ends_with("restore the file"), "{text}");
    }

    #[test]
    fn of_steps_taken_twice_the_later_count() {
        let test = |loss| Metric::Test(Score { split: "test".into(), pictures: 1, loss, accuracy: 0.0 });
        let rows = vec![step(0, 1), step(0, 2), step(0, 3), test(1.0), step(1, 2), step(1, 3), test(2.0)];
        assert_eq!(current(rows), [step(0, 1), step(1, 2), step(1, 3), test(2.0)]);
    }
}
