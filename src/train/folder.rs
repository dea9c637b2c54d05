//! The folder of a run: its settings, what is known of it, its metrics and checkpoints. One process at a time.

use super::checkpoint::model_file;
use crate::data::Normalise;
use crate::error::{Error, Result};
use crate::record::{self, Journal, Metric};
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
    /// When the segments before began.
    pub resumed_after: Vec<u64>,
    /// When it ended.
    pub ended: Option<u64>,
    /// How it stands.
    pub status: Status,
    /// What is probably not meant, such as a learning rate of 0, or that the network has learned nothing.
    #[serde(default)]
    pub warnings: Vec<String>,
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
    /// Something else went wrong, such as a full disk; it can be resumed.
    Failed(String),
}

impl RunInfo {
    /// That the run, or a segment of it, begins now; `before` is what was known of it.
    pub fn begun(self, before: Option<RunInfo>) -> RunInfo {
        let resumed_after = before.map_or_else(Vec::new, |it| [it.resumed_after, vec![it.started]].concat());
        RunInfo { resumed_after, started: now(), ended: None, status: Status::Running, ..self }
    }

    /// That it ends now.
    pub fn ended(self, status: Status) -> RunInfo {
        RunInfo { ended: Some(now()), status, ..self }
    }
}

/// The folder of a run; held by this process, unless it is only looked at.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held open: the system releases it when the process ends, however it does.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes the folder of a new run with these settings, in TOML.
    ///
    /// # Errors
    /// When there is a run in it already, or the system refuses.
    pub fn create(path: &Path, settings: &str) -> Result<RunFolder> {
        if path.join("config.toml").exists() {
            return Err(Error::file(path, "there is a run in it", "resume it with --resume, or name another folder"));
        }
        let refused = |error| Error::file(path, error, "name a folder that can be written to");
        fs::create_dir_all(path).map_err(refused)?;
        let folder = Self::lock(path)?;
        folder.write("config.toml", settings.as_bytes())?;
        Ok(folder)
    }

    /// The folder of a run that is to go on.
    ///
    /// # Errors
    /// When there is none, or another process holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        Self::read(path)?;
        Self::lock(path)
    }

    /// The folder of a run that is only looked at; another process may be at work on it.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(path: &Path) -> Result<RunFolder> {
        if !path.join("config.toml").exists() {
            return Err(Error::file(path, "there is no run in it", "name the folder of a run, such as runs/resnet20"));
        }
        Ok(RunFolder { path: path.to_path_buf(), _lock: None })
    }

    fn lock(path: &Path) -> Result<RunFolder> {
        let file = path.join("lock");
        let lock = File::create(&file).map_err(|error| Error::file(&file, error, "make the folder writable"))?;
        match lock.try_lock() {
            Ok(()) => Ok(RunFolder { path: path.to_path_buf(), _lock: Some(lock) }),
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

    /// The file of its settings.
    pub fn settings(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// The folder of the checkpoint `last` or `best`.
    pub fn checkpoint(&self, name: &str) -> PathBuf {
        self.path.join("checkpoints").join(name)
    }

    /// The weights of the checkpoint `last` or `best`.
    ///
    /// # Errors
    /// When there is no such checkpoint.
    pub fn weights(&self, name: &str) -> Result<PathBuf> {
        let folder = self.checkpoint(name);
        let remedy =
            "go on with evograd train --resume to make one; best is kept where data.validation holds pictures out";
        model_file(&folder).ok_or_else(|| Error::file(folder, "there is no such checkpoint", remedy))
    }

    /// The rows of metrics, to be added to.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn metrics(&self) -> Result<Journal> {
        Journal::open(&self.path.join("metrics.jsonl"))
    }

    /// What `run.json` says of the run so far; `None` where it was killed before it was written.
    ///
    /// # Errors
    /// When the file is not what it should be.
    pub fn info(&self) -> Result<Option<RunInfo>> {
        let path = self.path.join("run.json");
        let remedy = "remove it; the run goes on without knowing how it began";
        match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&path, error, "make it readable")),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| Error::file(&path, error, remedy)),
        }
    }

    /// Keeps what pictures are normalised by, so that they need not be gone through again.
    pub(super) fn keep(&self, normalise: &Normalise) -> Result<()> {
        self.write("normalise.json", normalise.to_json().as_bytes())
    }

    /// What pictures are normalised by.
    ///
    /// # Errors
    /// When the file is not there or not what it should be.
    pub fn normalise(&self) -> Result<Normalise> {
        let path = self.path.join("normalise.json");
        let refused = |problem: String| Error::file(&path, problem, "restore it, or start a new run");
        let text = fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?;
        Normalise::from_json(&text).ok_or_else(|| refused("it holds no mean and deviation of each channel".into()))
    }

    /// The number of the last segment that has written metrics.
    pub(super) fn last_segment(&self) -> Result<u32> {
        let path = self.path.join("metrics.jsonl");
        let rows = if path.exists() { record::read(&path)? } else { Vec::new() };
        Ok(rows.iter().map(Metric::segment).max().unwrap_or(0))
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
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, part) = (self.path.join(name), self.path.join(format!("{name}.part")));
        let refused = |error| Error::file(&path, error, "make room on the disk");
        fs::write(&part, bytes).map_err(refused)?;
        File::open(&part).and_then(|file| file.sync_all()).map_err(refused)?;
        fs::rename(&part, &path).map_err(refused)
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
