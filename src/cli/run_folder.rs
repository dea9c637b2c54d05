//! What the folders of runs of all kinds have in common: a free name, and what is known of the run.

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

/// What `run.json` says of a run that begins now.
pub fn describe(seed: u64, sets: &Sets) -> RunInfo {
    RunInfo {
        version: env!("CARGO_PKG_VERSION").into(),
        command: std::env::args().collect(),
        cpu: super::cpu(),
        isa: evograd::Isa::chosen().map_or_else(|error| error.to_string(), |isa| isa.name().to_string()),
        threads: evograd::threads(),
        seed,
        data_checksums: [sets.train.checksum(), sets.test.checksum()],
        started: 0,
        resumed_after: Vec::new(),
        ended: None,
        status: Status::Running,
    }
}
