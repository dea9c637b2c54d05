//! What is known of a run, as `run.json` in its folder holds it. Knows nothing else of the folder.

use super::fingerprint;
use super::initial::InitialWeights;
use crate::error::{Error, Result};
use crate::files;
use crate::record::{self, BeginRow};
use evograd_kernels::Isa;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The file's name.
pub(super) const INFO: &str = "run.json";

/// What `run.json` holds.
///
/// ```
/// use evograd::train::{RunInfo, Status};
/// let info = RunInfo { threads: 2, ..RunInfo::new(7) }.begun(None);
/// assert_eq!((info.seed, info.status.clone()), (7, Status::Running));
/// assert!(info.clone().ended(Status::Finished).ended >= Some(info.started));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Seed of weights, data order, augmentation and dropout.
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
    /// The builds of this version that computed its segments.
    #[serde(default)]
    pub builds: Vec<String>,
    /// What the run began with; all segments have to go on with the same. `None` where an earlier version wrote it.
    #[serde(default)]
    pub began: Option<BeginRow>,
    /// The settings of the last segment, where they are others than those that it began with, as where it was made longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// The files that were lost and restored, with what from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restored: Vec<String>,
    /// The folder of the data sets, where its name is Unicode.
    #[serde(default)]
    pub data_dir: Option<String>,
    /// The weights that it began with, where they came from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<InitialWeights>,
}

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It goes on, or its process was killed.
    #[default]
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
    /// What is known of a run of this library alone: its version and instruction set, and a seed.
    pub fn new(seed: u64) -> RunInfo {
        let isa = Isa::chosen().map_or_else(|error| error.to_string(), |isa| isa.name().to_string());
        RunInfo { version: env!("CARGO_PKG_VERSION").into(), isa, threads: 1, seed, ..RunInfo::default() }
    }

    /// What is known of a run of which no more is left than what it began with.
    ///
    /// ```
    /// use evograd::train::{RunInfo, Status};
    /// use evograd::record::BeginRow;
    /// let began = BeginRow {
    ///     version: "0.2.0".into(),
    ///     build: None,
    ///     task: "search".into(),
    ///     isa: Some("avx2".into()),
    ///     settings: "[search]\nseed = 7\n".into(),
    ///     data_checksums: [None, None],
    ///     data: None,
    ///     classes: None,
    ///     normalise: None,
    /// };
    /// let info = RunInfo::restored(began, "run.json, from journal.jsonl", Status::Running);
    /// assert_eq!((info.isa.as_str(), &info.restored[0][..]), ("avx2", "run.json, from journal.jsonl"));
    /// ```
    pub fn restored(began: BeginRow, from: &str, status: Status) -> RunInfo {
        RunInfo {
            version: began.version.clone(),
            isa: began.isa.clone().unwrap_or_default(),
            data_checksums: began.data_checksums.clone(),
            status,
            builds: began.build.clone().into_iter().collect(),
            restored: vec![from.into()],
            began: Some(began),
            ..RunInfo::default()
        }
    }

    /// That the run, or a segment of it, begins now; `before` is what was known of it. Where another build than that of the
    /// beginning had or has a part in it, that is one of the warnings.
    pub fn begun(self, before: Option<RunInfo>) -> RunInfo {
        let (began, initial, resumed_after, mut builds, restored) = match before {
            None => (self.began, self.initial, Vec::new(), Vec::new(), Vec::new()),
            Some(before) => {
                let resumed_after = [before.resumed_after, vec![before.started]].concat();
                (before.began, before.initial, resumed_after, before.builds, before.restored)
            }
        };
        if !builds.iter().any(|build| build == fingerprint::BUILD) {
            builds.push(fingerprint::BUILD.into());
        }
        let others = began.iter().flat_map(|began| fingerprint::other_builds(began, &builds));
        let warnings = self.warnings.into_iter().chain(others).collect();
        let (started, ended, status) = (now(), None, Status::Running);
        RunInfo { resumed_after, began, initial, builds, restored, warnings, started, ended, status, ..self }
    }

    /// The settings that it has: those of the beginning, or those of a later segment. `None` where an earlier version wrote it.
    pub(super) fn settings(&self) -> Option<&str> {
        self.settings.as_deref().or_else(|| Some(self.began.as_ref()?.settings.as_str()))
    }

    /// That it ends now.
    pub fn ended(self, status: Status) -> RunInfo {
        RunInfo { ended: Some(now()), status, ..self }
    }
}

/// What `run.json` in a folder says of its run.
///
/// # Errors
/// When the file is not there or not what it should be.
pub(super) fn read(folder: &Path) -> Result<RunInfo> {
    let path = folder.join(INFO);
    let refused = |problem: String| {
        Error::file(&path, problem, "restore it, or start a new run with --config and this one's config.toml")
    };
    let text = files::read(&path).map_err(|error| refused(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| refused(record::refusal(&text, &error)))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
