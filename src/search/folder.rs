//! The journal of the search in a folder, and whether it belongs there. Three files say what the search began with: `config.toml`,
//! `run.json` and the first row of `journal.jsonl`. Where one of them disagrees with the two others, that one is named.

use super::config::SearchConfig;
use super::journal::{begin_row, read_journal};
use crate::error::{Error, Result};
use crate::record::{BeginRow, SearchRow};
use crate::train::{Changed, RunFolder, changed_settings, expect_same_settings};
use std::path::Path;

/// The rows of the journal of the search in a folder; none where it holds none yet.
///
/// # Errors
/// When it cannot be read, or it, `run.json` and `config.toml` are not of the same search; the error says which is not.
pub fn journal_of(folder: &RunFolder) -> Result<Vec<SearchRow>> {
    let rows = read_journal(&folder.path().join("journal.jsonl"))?;
    if let Some(first) = rows.first() {
        expect_one_search(folder, begin_row(&folder.path().join("journal.jsonl"), first)?)?;
    }
    Ok(rows)
}

/// Refuses files of different searches.
fn expect_one_search(folder: &RunFolder, journal: &BeginRow) -> Result<()> {
    let config = SearchConfig::read(&folder.settings(), &[])?.to_toml();
    let [path, run_path] = ["journal.jsonl", "run.json"].map(|name| folder.path().join(name));
    let of_journal = settings_differ(&path, &journal.settings, &config)?;
    // Who lost `run.json` may still look at what was found.
    let Some(run) = folder.info().ok().and_then(|info| info.began) else {
        let problem = "config.toml beside it is of another search, or was changed since";
        return refuse_where(
            &of_journal,
            ["in it", "in config.toml"],
            &path,
            problem,
            "restore the one that is not right",
        );
    };
    let of_run = settings_differ(&run_path, &run.settings, &config)?;
    let between = beginnings_differ(&run_path, journal, &run)?;
    match [of_journal.is_empty(), of_run.is_empty(), between.is_empty()] {
        [_, false, true] => expect_same_settings(&run_path, &run, &config),
        [true, false, false] => {
            let problem = "it is of another search than config.toml and journal.jsonl beside it";
            refuse_where(
                &between,
                ["in the journal", "in it"],
                &run_path,
                problem,
                "restore the run.json of this search",
            )
        }
        [_, true, false] => {
            let problem = "it is the journal of another search than config.toml and run.json beside it are of";
            let remedy = "restore the journal of this search, or name the folder where this one was written";
            refuse_where(&between, ["in it", "there"], &path, problem, remedy)
        }
        [false, false, false] => {
            let problem = "it, run.json and config.toml beside it are of three different searches";
            refuse_where(&of_journal, ["in it", "in config.toml"], &path, problem, "restore those that are not right")
        }
        [_, true, true] => Ok(()),
    }
}

/// What of two beginnings is not the same, but for the build: what killed a search before its first row may have been another.
fn beginnings_differ(path: &Path, a: &BeginRow, b: &BeginRow) -> Result<Vec<Changed>> {
    let sums = |row: &BeginRow| [row.data_checksums[0].clone(), row.data_checksums[1].clone(), row.data.clone()];
    let known = |sum: &Option<String>| sum.as_ref().map_or("not known".into(), |sum| sum.chars().take(8).collect());
    let texts = |row: &BeginRow| [("task", row.task.clone()), ("version", row.version.clone())];
    let isa = |row: &BeginRow| ("instruction set", row.isa.clone().unwrap_or_default());
    let named = |row: &BeginRow| {
        let sums: Vec<String> = sums(row).iter().map(known).collect();
        texts(row).into_iter().chain([isa(row), ("sum of the data", sums.join(" "))]).collect::<Vec<_>>()
    };
    let pairs = named(a).into_iter().zip(named(b)).filter(|(a, b)| a != b);
    let parts = pairs.map(|((key, then), (_, now))| Changed { key: key.into(), then, now });
    Ok(parts.chain(settings_differ(path, &a.settings, &b.settings)?).collect())
}

/// What is not the same in two texts of settings, where what neither sets is as usual.
fn settings_differ(path: &Path, then: &str, now: &str) -> Result<Vec<Changed>> {
    // Of another version there may be settings that this one does not know.
    let usual =
        |text: &str| SearchConfig::parse(text, &[]).map_or_else(|_| text.to_string(), |config| config.to_toml());
    changed_settings(&usual(then), &usual(now)).map_err(|error| error.at(path.display()))
}

/// Refuses what differs, if anything does, with where each value stands.
fn refuse_where(differ: &[Changed], at: [&str; 2], path: &Path, problem: &str, remedy: &str) -> Result<()> {
    if differ.is_empty() {
        return Ok(());
    }
    let shown = |Changed { key, then, now }: &Changed| format!("{key} is {then} {} and {now} {}", at[0], at[1]);
    let all: Vec<String> = differ.iter().map(shown).collect();
    Err(Error::file(path, format!("{problem} ({})", all.join("; ")), remedy))
}
