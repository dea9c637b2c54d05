//! What the folders of runs of all kinds have in common: a free name, and what is known of the run.

use super::data_dir::DataDir;
use anyhow::{Result, bail};
use evograd::data::Sets;
use evograd::train::{RunInfo, Status};
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

/// What a folder holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A training run.
    Training,
    /// A search.
    Search,
}

/// Refuses the folder of a run of the other kind.
pub fn expect_kind(folder: &Path, kind: Kind) -> Result<()> {
    let found = [("journal.jsonl", Kind::Search), ("normalise.json", Kind::Training)];
    match found.into_iter().find(|(file, other)| *other != kind && folder.join(file).exists()) {
        None => Ok(()),
        Some((_, Kind::Search)) => bail!(
            "{}: it holds a search; go on with it by evograd search --resume, look at it by evograd search report",
            folder.display()
        ),
        Some((_, Kind::Training)) => {
            bail!("{}: it holds a training run; go on with it by evograd train --resume", folder.display())
        }
    }
}

/// What `run.json` says of a run that begins now, on the data in a folder.
pub fn describe(seed: u64, sets: &Sets, data_dir: &Path) -> RunInfo {
    RunInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        command: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
        cpu: super::cpu(),
        isa: evograd::Isa::chosen().map_or_else(|error| error.to_string(), |isa| isa.name().to_string()),
        threads: evograd::threads(),
        seed,
        data_checksums: [sets.train.checksum(), sets.test.checksum()],
        started: 0,
        resumed_after: Vec::new(),
        ended: None,
        status: Status::Running,
        warnings: Vec::new(),
        began: None,
        data_dir: std::path::absolute(data_dir).ok().and_then(|folder| Some(folder.to_str()?.to_string())),
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
