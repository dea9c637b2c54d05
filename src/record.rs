//! What happened in a run, as plain rows in append-only files of JSON lines. Knows files; knows nothing of training.

mod divergence;
mod insight;
mod search;
mod words;

pub use divergence::{any_learned, counted_outcome, outcome, worst_outcome};
pub use insight::{ChanceRow, EffectRow, Insight, NetworkRow};
pub use search::{AnswerRow, BeginRow, EvaluationRow, GenerationRow, IndividualRow, LeaderRow, SearchRow};
pub(crate) use words::{in_words, refusal};

use crate::error::{Error, Result};
use crate::files;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
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
    /// How often the run has been resumed. Where an earlier version left two rows of the same step, that of the later segment counts.
    pub segment: u32,
    /// Training steps taken.
    pub step: u64,
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// The mean loss since the last row.
    pub loss: f64,
    /// Accuracy on training images since the last row.
    pub accuracy: f64,
    /// The learning rate of the last step.
    pub rate: f64,
    /// The norm of the last step's gradient, before clipping.
    pub gradient_norm: f64,
    /// Images a second since the last row.
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
    /// Accuracy on the epoch's training images, against their true classes.
    pub accuracy: f64,
    /// The score on the validation split; none where nothing was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Score>,
    /// Seconds spent training since the run or its last segment began.
    pub seconds: f64,
    /// Training images a second in this epoch.
    pub images_per_second: f64,
}

/// How well a network answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Which images: `validation` or `test`.
    pub split: String,
    /// How many.
    #[serde(alias = "pictures")]
    pub images: usize,
    /// The mean cross entropy.
    pub loss: f64,
    /// Top-1 accuracy, from 0 to 1.
    pub accuracy: f64,
}

/// Rows that are appended to a file.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: std::path::PathBuf,
    /// The bytes of all whole rows, and what they have been hashed to.
    bytes: u64,
    hash: Sha256,
}

/// How far a file of rows had come at some moment. Rows are only ever appended, so up to there it stays as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extent {
    /// Its bytes.
    pub bytes: u64,
    /// The sha256 of these.
    pub sha256: String,
}

impl Extent {
    fn of(bytes: u64, hash: Sha256) -> Extent {
        Extent { bytes, sha256: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect() }
    }

    /// Refuses a file that does not begin with these bytes; what was appended later may be anything.
    ///
    /// # Errors
    /// When a row was changed, put in or taken out, the file is missing, or it cannot be read.
    pub fn expect_in(&self, path: &Path) -> Result<()> {
        let refused = |problem: String| {
            Err(Error::file(
                path,
                problem,
                "restore it from a copy, or start a new run with --config and the config.toml beside it",
            ))
        };
        let text = match files::read(path) {
            Err(error) if files::is_missing(&error) => Vec::new(),
            text => text.map_err(|error| files::unread(path, &error))?,
        };
        let Some(begin) = usize::try_from(self.bytes).ok().and_then(|bytes| text.get(..bytes)) else {
            let (found, bytes) = (text.len(), self.bytes);
            return refused(format!("rows are missing: it has {found} bytes, and had {bytes} at the last checkpoint"));
        };
        match Extent::of(self.bytes, Sha256::new().chain_update(begin)) == *self {
            true => Ok(()),
            false => refused("a row before the last checkpoint is not what the run has written".into()),
        }
    }
}

impl Journal {
    /// Opens or makes the file. A last line that was not finished, because the process was killed, is cut off.
    ///
    /// # Errors
    /// When it is a link, or the system refuses.
    pub fn open(path: &Path) -> Result<Journal> {
        let mut file = files::open_to_add(path)?;
        let refused = |error: std::io::Error| files::unwritten(path, &error);
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(refused)?;
        let (whole, bytes) = (whole_lines(&text), whole_lines(&text).len() as u64);
        if whole.len() < text.len() {
            file.set_len(bytes).map_err(refused)?;
        }
        file.seek(SeekFrom::End(0)).map_err(refused)?;
        Ok(Journal { file, path: path.to_path_buf(), bytes, hash: Sha256::new().chain_update(whole) })
    }

    /// How far it has come.
    pub fn extent(&self) -> Extent {
        Extent::of(self.bytes, self.hash.clone())
    }

    /// Takes away all rows behind an extent of this file.
    ///
    /// # Errors
    /// When the file does not begin so, or the system refuses.
    pub fn cut(&mut self, extent: &Extent) -> Result<()> {
        extent.expect_in(&self.path)?;
        if self.bytes == extent.bytes {
            return Ok(());
        }
        let refused = |error: std::io::Error| files::unwritten(&self.path, &error);
        self.file.set_len(extent.bytes).map_err(refused)?;
        *self = Journal::open(&self.path)?;
        Ok(())
    }

    /// Brings all rows to the disk.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| files::unwritten(&self.path, &error))
    }

    /// Appends a row, in one write.
    ///
    /// # Errors
    /// As [`Journal::append_line`] and [`line`](fn@line).
    pub fn append<R: Serialize + DeserializeOwned + PartialEq>(&mut self, row: &R) -> Result<()> {
        self.append_line(line(row)?)
    }

    /// Appends a line, in one write.
    ///
    /// # Errors
    /// When the file is not at its place any more, or cannot be written, as where the disk is full.
    pub fn append_line(&mut self, mut line: String) -> Result<()> {
        if !files::leads_to(&self.path, &self.file) {
            return Err(gone(&self.path));
        }
        line.push('\n');
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a row would be cut off by whoever opens the file next.
            let _ = self.file.set_len(self.bytes).and_then(|()| self.file.seek(SeekFrom::End(0)));
            return Err(files::unwritten(&self.path, &error));
        }
        self.bytes += line.len() as u64;
        self.hash.update(&line);
        Ok(())
    }
}

/// That a file or folder which is being written is not at its place any more.
pub(crate) fn gone(path: &Path) -> Error {
    let problem = "it is gone: it was removed, moved or replaced while the run went on";
    let remedy = match files::parent(path).is_dir() {
        true => "put it back and go on with --resume; without it a new run is needed",
        false => "put the run's folder back, or go on with --resume where it is now",
    };
    Error::file(path, problem, remedy)
}

/// A row as a line that its own reader takes back as the same row. JSON has no word for a number that is not finite: where
/// a row holds one, it would be written as `null`, and all rows behind it would be lost with it.
///
/// # Errors
/// When the row would not come back.
pub fn line<R: Serialize + DeserializeOwned + PartialEq>(row: &R) -> Result<String> {
    let refused = |problem: String| Error::op("record", problem, &[], "every number of a row has to be finite");
    let line = serde_json::to_string(row).map_err(|error| refused(error.to_string()))?;
    match serde_json::from_str::<R>(&line) {
        Ok(read) if read == *row => Ok(line),
        _ => Err(refused(format!("a row would not be read back as it is: {line}"))),
    }
}

/// The lines that were finished: all bytes up to the last line break. What stands behind it is half a row, and may be
/// half a letter.
fn whole_lines(text: &[u8]) -> &[u8] {
    &text[..text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)]
}

/// The lines of a file, but for a last one that was not finished, each read by `row` from its number, counted from 1, and
/// its text.
///
/// # Errors
/// When the file cannot be read, a line is no text, or `row` refuses one.
pub fn read_lines<R>(path: &Path, mut row: impl FnMut(usize, &str) -> Result<R>) -> Result<Vec<R>> {
    let text = files::read(path).map_err(|error| Error::file(path, error, "name a file of JSON lines"))?;
    let lines = whole_lines(&text).split_inclusive(|byte| *byte == b'\n');
    let read = |(number, line): (usize, &[u8])| match std::str::from_utf8(line) {
        Ok(line) => row(number + 1, line.trim_end_matches('\n')),
        Err(_) => Err(no_row(path, number + 1, "it is no text in UTF-8")),
    };
    lines.enumerate().map(read).collect()
}

fn no_row(path: &Path, number: usize, problem: impl std::fmt::Display) -> Error {
    Error::file(path, format!("line {number}: {problem}"), "remove the line, or restore the file")
}

/// All rows of a file of JSON lines; a last line that was not finished, because the process was killed, is left out.
///
/// # Errors
/// When the file cannot be read or a line is no such row; the error says which.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let row = |line: &str| serde_json::from_str(line).map_err(|error| refusal(line.as_bytes(), &error));
    read_lines(path, |number, line| row(line).map_err(|problem| no_row(path, number, problem)))
}

/// The rows that count: of what was done twice, because an earlier version resumed a run from before it, the later ones.
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
    use proptest::prelude::*;

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

    /// A process may be killed in the middle of a letter.
    #[test]
    fn a_last_line_that_is_no_text_is_cut_off_and_any_other_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        for tail in [&b"{\"kind\":\"\xce"[..], b"\xff", b"\x00\x00", "{\"kind\":\"τ".as_bytes()] {
            std::fs::write(&path, "").unwrap();
            Journal::open(&path).unwrap().append(&step(0, 1)).unwrap();
            let whole = std::fs::read(&path).unwrap();
            std::fs::write(&path, [&whole[..], tail].concat()).unwrap();
            assert_eq!(read::<Metric>(&path).unwrap(), [step(0, 1)]);
            Journal::open(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
            std::fs::write(&path, [tail, b"\n", &whole[..]].concat()).unwrap();
            let text = read::<Metric>(&path).unwrap_err().to_string();
            assert!(text.contains("metrics.jsonl: line 1: "), "{text}");
        }
    }

    /// Every byte of what was written by then, changed or cut off; and whatever was appended later.
    #[test]
    fn an_extent_sees_every_byte_up_to_it_and_none_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let none = Journal::open(&path).unwrap().extent();
        Journal::open(&path).unwrap().append(&step(0, 1)).unwrap();
        let mut journal = Journal::open(&path).unwrap();
        journal.append(&step(0, 2)).unwrap();
        let extent = journal.extent();
        let written = std::fs::read(&path).unwrap();
        journal.append(&step(0, 3)).unwrap();
        assert_eq!(extent.bytes, written.len() as u64);
        assert_eq!(Journal::open(&path).unwrap().extent(), journal.extent());
        let whole = std::fs::read(&path).unwrap();
        for length in written.len()..whole.len() {
            std::fs::write(&path, [&whole[..length], b"x"].concat()).unwrap();
            extent.expect_in(&path).unwrap();
        }
        for at in 0..written.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            let text = extent.expect_in(&path).unwrap_err().to_string();
            assert!(text.contains("metrics.jsonl: a row before the last checkpoint is not what"), "{text}");
            std::fs::write(&path, &whole[..at]).unwrap();
            let text = extent.expect_in(&path).unwrap_err().to_string();
            assert!(text.contains("metrics.jsonl: rows are missing: it has ") && text.contains("a copy"), "{text}");
        }
        std::fs::remove_file(&path).unwrap();
        extent.expect_in(&path).unwrap_err();
        none.expect_in(&path).unwrap();
    }

    proptest! {
        /// Rows of any bits: each is written so that it comes back, or not at all.
        #[test]
        fn no_row_is_written_that_its_reader_refuses(bits: [u64; 7], held_out: bool) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("metrics.jsonl");
            // Half of the numbers that bits make of themselves are far from those that break, so some are put among them.
            let number = |i: usize| match bits[i] % 8 {
                0 => f64::NAN,
                1 => f64::INFINITY,
                2 => f64::NEG_INFINITY,
                _ => f64::from_bits(bits[i]),
            };
            let all: Vec<f64> = (0..7).map(number).collect();
            let Metric::Step(mut step) = step(0, bits[0]) else { unreachable!() };
            [step.loss, step.rate, step.accuracy, step.gradient_norm, step.images_per_second] =
                [all[0], all[1], all[2], all[3], all[4]];
            let score = Score { split: "test".into(), images: 1, loss: all[5], accuracy: all[6] };
            let (row, numbers) =
                if held_out { (Metric::Test(score), &all[5..]) } else { (Metric::Step(step), &all[..5]) };
            let written = Journal::open(&path).unwrap().append(&row);
            prop_assert_eq!(written.is_ok(), numbers.iter().all(|x| x.is_finite()));
            let expected = if written.is_ok() { vec![row] } else { Vec::new() };
            prop_assert_eq!(read::<Metric>(&path).unwrap(), expected);
        }

        #[test]
        fn no_row_of_a_search_is_written_that_its_reader_refuses(bits: [u64; 2], kind in 0..3) {
            let number = if bits[0] % 2 == 0 { f64::from_bits(bits[1] | 0x7ff0 << 48) } else { f64::from_bits(bits[1]) };
            let individuals = vec![IndividualRow { code: "1".into(), fitness: number, error: 0.0, parents: vec![] }];
            let seconds = if kind == 2 { 0.5 } else { number };
            let idle_seconds = if kind == 0 { None } else { Some(number) };
            let row = SearchRow::Generation(GenerationRow { generation: 0, race: false, individuals, leader: None, seconds, idle_seconds });
            prop_assert_eq!(line(&row).is_ok(), number.is_finite());
        }
    }

    #[test]
    fn rows_go_nowhere_but_to_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        journal.append(&step(0, 1)).unwrap();
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        let text = journal.append(&step(0, 2)).unwrap_err().to_string();
        assert!(text.contains("metrics.jsonl: it is gone: it was removed, moved or replaced"), "{text}");
        assert_eq!(read::<Metric>(&folder.path().join("elsewhere")).unwrap(), [step(0, 1)]);
        assert!(!path.exists());
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
        let test = |loss| Metric::Test(Score { split: "test".into(), images: 1, loss, accuracy: 0.0 });
        let rows = vec![step(0, 1), step(0, 2), step(0, 3), test(1.0), step(1, 2), step(1, 3), test(2.0)];
        assert_eq!(current(rows), [step(0, 1), step(1, 2), step(1, 3), test(2.0)]);
    }
}
