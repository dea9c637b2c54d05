//! The journal of a search: rows that are only ever appended, each with a checksum of all before it. So a row that was
//! changed, put in or taken out is noticed, and a search goes on from nothing but what it has written itself.

use crate::error::{Error, Result};
use crate::files;
use crate::record::{self, BeginRow, Journal, SearchRow};
use sha2::{Digest, Sha256};
use std::path::Path;

/// What stands between a row and its checksum.
const MARK: &str = ",\"check\":\"";

/// The file `journal.jsonl` of a search.
#[derive(Debug)]
pub(super) struct SearchJournal {
    journal: Journal,
    check: String,
}

impl SearchJournal {
    /// Opens or makes the file, and reads what is in it. A last line that was not finished, because the process was killed,
    /// is cut off.
    ///
    /// # Errors
    /// When the system refuses, or a line is not what a search has written.
    pub fn open(path: &Path) -> Result<(SearchJournal, Vec<SearchRow>)> {
        let journal = Journal::open(path)?;
        let (rows, check) = read_rows(path)?;
        Ok((SearchJournal { journal, check }, rows))
    }

    /// Appends a row and brings it to the disk.
    ///
    /// # Errors
    /// When that fails, as where the disk is full.
    pub fn append(&mut self, row: &SearchRow) -> Result<()> {
        let text = record::line(row)?;
        let check = checksum(&self.check, &text);
        let open = text.strip_suffix('}').expect("a row is an object");
        self.journal.append_line(format!("{open}{MARK}{check}\"}}"))?;
        self.check = check;
        self.journal.sync()
    }
}

/// The rows of a search's journal.
///
/// # Errors
/// When the file cannot be read, or a line is not what a search has written.
pub fn read_journal(path: &Path) -> Result<Vec<SearchRow>> {
    Ok(read_rows(path)?.0)
}

/// The first row of a journal as what the search began with.
pub(super) fn begin_row<'a>(path: &Path, first: &'a SearchRow) -> Result<&'a BeginRow> {
    match first {
        SearchRow::Begin(row) => Ok(row),
        _ => Err(Error::file(path, "it does not begin with what was searched", "restore the file")),
    }
}

/// The rows, and the checksum of all.
fn read_rows(path: &Path) -> Result<(Vec<SearchRow>, String)> {
    if !files::is_there(path).map_err(|error| files::unread(path, &error))? {
        return Err(Error::file(
            path,
            "it is missing, and all trainings with it",
            "restore it from a copy, or search anew",
        ));
    }
    let mut check = String::new();
    let rows = record::read_lines(path, |number, line| {
        let remedy = match number {
            1 => "restore the file, or start a new search with the settings of the config.toml beside it".to_string(),
            _ => format!("restore the file, or cut it off before line {number}: what is missing is done again"),
        };
        let refuse = |problem: &str| Error::file(path, format!("line {number}: {problem}"), remedy.clone());
        let (row, given) = split(line).ok_or_else(|| refuse("it has no checksum at its end"))?;
        check = checksum(&check, &row);
        if check != given {
            return Err(refuse("it is not what was written, or a line before it is missing"));
        }
        serde_json::from_str(&row).map_err(|error| refuse(&record::refusal(row.as_bytes(), &error)))
    })?;
    Ok((rows, check))
}

/// The row of a line, without its checksum, and the checksum.
fn split(line: &str) -> Option<(String, &str)> {
    let (row, check) = line.rsplit_once(MARK)?;
    Some((format!("{row}}}"), check.strip_suffix("\"}")?))
}

/// The first 16 hexadecimal digits of the sha256 of the checksum before and the row.
fn checksum(before: &str, row: &str) -> String {
    let hash = Sha256::new().chain_update(before).chain_update(row).finalize();
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{GenerationRow, IndividualRow};
    use proptest::prelude::*;

    fn generation(number: u32) -> SearchRow {
        let individuals =
            vec![IndividualRow { code: "1-01".into(), fitness: 0.1 + 0.2, error: 0.0, parents: vec![1, 2] }];
        SearchRow::Generation(GenerationRow {
            generation: number,
            race: false,
            individuals,
            leader: None,
            seconds: 1.0 / 3.0,
            idle_seconds: None,
        })
    }

    fn written(path: &Path, rows: std::ops::Range<u32>) {
        let (mut journal, _) = SearchJournal::open(path).unwrap();
        rows.for_each(|number| journal.append(&generation(number)).unwrap());
    }

    #[test]
    fn rows_come_back_and_half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        written(&path, 0..2);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let kept = whole[..cut].iter().filter(|byte| **byte == b'\n').count() as u32;
            written(&path, kept..2);
            assert_eq!(std::fs::read(&path).unwrap(), whole, "cut off at {cut}");
        }
        assert_eq!(read_journal(&path).unwrap(), [generation(0), generation(1)]);
    }

    #[test]
    fn a_line_that_was_changed_or_taken_out_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        written(&path, 0..3);
        let whole = std::fs::read_to_string(&path).unwrap();
        let message = |text: String| {
            std::fs::write(&path, text).unwrap();
            read_journal(&path).unwrap_err().to_string()
        };
        let text = message(whole.replacen("1-01", "1-11", 1));
        let expected = "journal.jsonl: line 1: it is not what was written, or a line before it is missing; restore the file, \
                        or start a new search with the settings of the config.toml beside it";
        assert!(text.ends_with(expected), "{text}");
        let without_second: Vec<&str> =
            whole.lines().enumerate().filter(|(i, _)| *i != 1).map(|(_, line)| line).collect();
        assert!(
            message(without_second.join("\n") + "\n")
                .ends_with("restore the file, or cut it off before line 2: what is missing is done again")
        );
        assert!(message("{}\n".into()).contains("line 1: it has no checksum at its end"));
    }

    proptest! {
        /// Any single byte of any line.
        #[test]
        fn no_byte_can_be_changed_unnoticed(place: prop::sample::Index, byte in 32_u8..127) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.jsonl");
            written(&path, 0..2);
            let mut text = std::fs::read(&path).unwrap();
            let place = place.index(text.len());
            prop_assume!(text[place] != byte && text[place] != b'\n');
            text[place] = byte;
            std::fs::write(&path, text).unwrap();
            prop_assert!(read_journal(&path).is_err());
        }
    }
}
