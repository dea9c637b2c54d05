//! What the folders of runs of all kinds have in common: a free name, and what is known of the run.

use super::data_dir::DataDir;
use super::processor;
use super::terminal::warn;
use anyhow::{Result, bail};
use evograd::Error;
use evograd::data::Sets;
use evograd::record::SearchRow;
use evograd::search::read_journal;
use evograd::train::{RunFolder, RunInfo};
use std::path::{Path, PathBuf};

/// A folder below `runs` of which there is none yet.
pub fn free_folder(name: &str) -> PathBuf {
    let first = Path::new("runs").join(name);
    let others = (2..).map(|number| Path::new("runs").join(format!("{name}-{number}")));
    std::iter::once(first).chain(others).find(|path| !path.exists()).expect("numbers do not end")
}

/// The command that goes on with a run, such as `evograd train --resume runs/a`, as a shell takes it; the data stands where
/// it stood.
pub fn going_on(command: &str, folder: &Path, data_dir: &DataDir) -> String {
    format!("{command} --resume {}{}", word(folder), data_argument(data_dir))
}

/// An error that ended a run before its end: what it left, and the command that goes on from there.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct Unfinished {
    /// What went wrong.
    source: Error,
    /// What is kept of the run.
    pub kept: String,
    /// What goes on with it.
    pub command: String,
}

impl Unfinished {
    /// The error of a run in a folder, where there is still a run in it to go on with.
    pub fn of(
        source: Error,
        kept: impl FnOnce() -> String,
        command: &str,
        folder: &Path,
        data: &DataDir,
    ) -> anyhow::Error {
        match RunFolder::read(folder) {
            Ok(_) => Unfinished { source, kept: kept(), command: going_on(command, folder, data) }.into(),
            Err(_) => source.into(),
        }
    }
}

/// ` --data-dir` with its folder as a shell takes it, or nothing where it was not given.
pub fn data_argument(data_dir: &DataDir) -> String {
    data_dir.given().map_or_else(String::new, |folder| format!(" --data-dir {}", word(folder)))
}

/// A path as one word for a shell, and never taken for an option.
pub fn word(path: &Path) -> String {
    let path = if path.to_string_lossy().starts_with('-') { &Path::new(".").join(path) } else { path };
    let text = path.to_string_lossy();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+=:,@%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What a folder holds, by the task that it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A training run.
    Training,
    /// A search.
    Search,
    /// All networks of a space.
    Exhaust,
    /// The same networks with several budgets.
    Calibration,
    /// The winner of a search and others, tested.
    Confirmation,
}

impl Kind {
    /// All that have a journal.
    pub const JOURNALS: [Kind; 4] = [Kind::Search, Kind::Exhaust, Kind::Calibration, Kind::Confirmation];

    /// Those of which a best network may be taken: a confirmation has seen the test set.
    pub const CHOOSING: [Kind; 3] = [Kind::Search, Kind::Exhaust, Kind::Calibration];

    /// That of a task, as `run.json` and a journal name it.
    pub fn of_task(task: &str) -> Option<Kind> {
        std::iter::once(Kind::Training).chain(Kind::JOURNALS).find(|kind| kind.task() == task)
    }

    /// Its name in `run.json` and in a journal.
    pub fn task(self) -> &'static str {
        match self {
            Kind::Training => "train",
            Kind::Search => "search",
            Kind::Exhaust => "exhaust",
            Kind::Calibration => "calibrate",
            Kind::Confirmation => "confirm",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Kind::Training => "a training run",
            Kind::Search => "a search",
            Kind::Exhaust => "an exhaustive search",
            Kind::Calibration => "a calibration",
            Kind::Confirmation => "a confirmation",
        }
    }

    /// How such a folder is called where nothing else is said.
    fn example(self) -> &'static str {
        match self {
            Kind::Training => "runs/resnet20-sum-shapes-seed0",
            Kind::Search => "runs/search-shapes-seed0",
            Kind::Exhaust => "runs/exhaust-shapes-seed0",
            Kind::Calibration => "runs/calibrate-shapes-seed0",
            Kind::Confirmation => "runs/confirm-shapes-seed0",
        }
    }

    /// What does the same anew, where the files of such a folder are lost; its settings are in this one.
    pub fn anew(self, folder: &Path) -> String {
        match self {
            Kind::Confirmation => format!("{} and the folder of its search", self.command()),
            _ => format!("{} --config {}", self.command(), word(&folder.join("config.toml"))),
        }
    }

    /// The command that makes such a folder and goes on with it.
    pub fn command(self) -> &'static str {
        match self {
            Kind::Training => "evograd train",
            Kind::Search => "evograd search",
            Kind::Exhaust => "evograd search exhaust",
            Kind::Calibration => "evograd search calibrate",
            Kind::Confirmation => "evograd search confirm",
        }
    }

    /// What a folder holds, as far as it says so: by its `run.json`, or else the first row of its journal, or else its files.
    fn of(folder: &RunFolder) -> Option<Kind> {
        let journal = folder.path().join("journal.jsonl");
        let recorded = folder.info().ok().and_then(|info| Some(info.began?.task));
        let begun = || match read_journal(&journal).ok()?.into_iter().next()? {
            SearchRow::Begin(begin) => Some(begin.task),
            _ => None,
        };
        let known = recorded.or_else(begun).and_then(|task| Kind::of_task(&task));
        known.or_else(|| journal.exists().then_some(Kind::Search)).or_else(|| {
            let normalised = folder.path().join("normalise.json").exists();
            normalised.then_some(Kind::Training)
        })
    }
}

/// The folder of a run, to look at; what was restored in it is said on standard error.
pub fn read(path: &Path) -> evograd::Result<RunFolder> {
    let folder = RunFolder::read(path)?;
    warn(folder.notes());
    Ok(folder)
}

/// The folder of a run of one of these kinds, to look at: what each command asks of a folder before anything else.
pub fn of_kind(path: &Path, kinds: &[Kind]) -> Result<RunFolder> {
    expect_folder(path, kinds[0])?;
    let folder = read(path)?;
    let Some(kind) = Kind::of(&folder).filter(|kind| !kinds.contains(kind)) else { return Ok(folder) };
    let wanted: Vec<&str> = kinds.iter().map(|kind| kind.noun()).collect();
    let report = if kind == Kind::Training { String::new() } else { ", look at it by evograd search report".into() };
    bail!(
        "{}: it holds {}, not {}; go on with it by {} --resume{report}",
        path.display(),
        kind.noun(),
        wanted.join(" or "),
        kind.command()
    )
}

/// Refuses a path that leads to no folder, where one of this kind is expected.
pub fn expect_folder(path: &Path, kind: Kind) -> Result<()> {
    let problem = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => "it is no folder".into(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "there is no such folder".into(),
        Err(error) => error.to_string(),
    };
    bail!("{}: {problem}; name the folder of {}, such as {}", path.display(), kind.noun(), kind.example())
}

/// Refuses a folder that is named twice, be it by another path: nothing can be compared with itself.
pub fn expect_each_once<'a>(folders: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    let mut met: Vec<(PathBuf, &Path)> = Vec::new();
    for folder in folders {
        // What does not exist is reported by what reads it.
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        match met.iter().find(|(other, _)| *other == whole) {
            Some((_, first)) if *first == folder => bail!("{}: it is named twice; name it once", folder.display()),
            Some((_, first)) => {
                bail!("{}: it is the same folder as {}; name it once", folder.display(), first.display())
            }
            None => met.push((whole, folder)),
        }
    }
    Ok(())
}

/// What `run.json` says of a run that begins now, on the data in a folder.
pub fn describe(seed: u64, sets: &Sets, data_dir: &Path) -> RunInfo {
    RunInfo {
        command: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
        cpu: processor::name(),
        threads: evograd::threads(),
        data_checksums: [sets.train.checksum(), sets.test.checksum()],
        data_dir: std::path::absolute(data_dir).ok().and_then(|folder| Some(folder.to_str()?.to_string())),
        ..RunInfo::new(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_words_that_a_shell_takes_back() {
        for (path, expected) in [
            ("runs/search-cifar10_seed0", "runs/search-cifar10_seed0"),
            ("my runs", "'my runs'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("-x", "./-x"),
            ("", "''"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }
}
