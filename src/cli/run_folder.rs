//! What the folders of runs of all kinds have in common: a free name, and what is known of the run.

use evograd::data::Sets;
use evograd::train::{RunInfo, Status};
use std::path::{Path, PathBuf};

/// A folder below `runs` of which there is none yet.
pub fn free_folder(name: &str) -> PathBuf {
    let first = Path::new("runs").join(name);
    let others = (2..).map(|number| Path::new("runs").join(format!("{name}-{number}")));
    std::iter::once(first).chain(others).find(|path| !path.exists()).expect("numbers do not end")
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
