//! The folder of a run: its settings, what is known of it, its metrics and checkpoints. One process at a time.

use super::config::Config;
use crate::error::{Error, Result};
use crate::record::Journal;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What `run.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The version of this program.
    pub version: String,
    /// The command line.
    pub command: Vec<String>,
    /// The processor.
    pub cpu: String,
    /// The instruction set that kernels run on.
    pub isa: String,
    /// Threads computed with.
    pub threads: usize,
    /// The seed of weights, order, augmentation and dropout.
    pub seed: u64,
    /// Checksums of the training and the test set, where they have one.
    pub data_checksums: [Option<String>; 2],
    /// When the run, or its last segment, began: seconds since 1970.
    pub started: u64,
    /// When it ended.
    pub ended: Option<u64>,
    /// How it stands.
    pub status: Status,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It goes on, or its process was killed.
    Running,
    /// All epochs are done.
    Finished,
    /// It was asked to stop, and can be resumed.
    Interrupted,
    /// The loss or a gradient was not finite.
    Diverged(String),
}

/// The folder of a run, held by this process.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held open: the system releases it when the process ends, however it does.
    _lock: File,
}

impl RunFolder {
    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// When there is a run in it already, or the system refuses.
    pub fn create(path: &Path, config: &Config) -> Result<RunFolder> {
        if path.join("config.toml").exists() {
            return Err(Error::file(path, "there is a run in it", "resume it with --resume, or name another folder"));
        }
        let refused = |error| Error::file(path, error, "name a folder that can be written to");
        fs::create_dir_all(path.join("checkpoints")).map_err(refused)?;
        let folder = Self::hold(path)?;
        folder.write("config.toml", config.to_toml().as_bytes())?;
        Ok(folder)
    }

    /// The folder of a run that is to go on, with its settings.
    ///
    /// # Errors
    /// When there is none, or another process holds it.
    pub fn open(path: &Path) -> Result<(RunFolder, Config)> {
        let config = path.join("config.toml");
        if !config.exists() {
            return Err(Error::file(path, "there is no run in it", "name the folder of a run, such as runs/resnet20"));
        }
        Ok((Self::hold(path)?, Config::read(&config, &[])?))
    }

    fn hold(path: &Path) -> Result<RunFolder> {
        let file = path.join("lock");
        let lock = File::create(&file).map_err(|error| Error::file(&file, error, "make the folder writable"))?;
        match lock.try_lock() {
            Ok(()) => Ok(RunFolder { path: path.to_path_buf(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => {
                Err(Error::file(path, "another process is at work on this run", "wait for it, or stop it"))
            }
            Err(fs::TryLockError::Error(error)) => Err(Error::file(&file, error, "use a file system with locks")),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the checkpoint `last` or `best`.
    pub fn checkpoint(&self, name: &str) -> PathBuf {
        self.path.join("checkpoints").join(name)
    }

    /// The rows of metrics, to be added to.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn metrics(&self) -> Result<Journal> {
        Journal::open(&self.path.join("metrics.jsonl"))
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn describe(&self, info: &RunInfo) -> Result<()> {
        let text = serde_json::to_vec_pretty(info).expect("what is known of a run is plain data");
        self.write("run.json", &text)
    }

    /// Writes a file under another name first, so that it is whole or as before.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, part) = (self.path.join(name), self.path.join(format!("{name}.part")));
        let refused = |error| Error::file(&path, error, "make room on the disk");
        fs::write(&part, bytes).map_err(refused)?;
        File::open(&part).and_then(|file| file.sync_all()).map_err(refused)?;
        fs::rename(&part, &path).map_err(refused)
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
