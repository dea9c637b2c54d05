//! The folder of a search: begun anew or gone on with, described before and after.

use super::advice;
use super::settings::Settings;
use crate::cli::data_dir::DataDir;
use crate::cli::run_folder::{Kind, describe, expect_kind, free_folder};
use crate::cli::terminal::{said_if_slow, warn};
use anyhow::Result;
use evograd::Error;
use evograd::data::{self, Sets};
use evograd::search::{SearchConfig, expect_same_search, read_journal};
use evograd::train::{RunFolder, RunInfo, Status};
use std::path::{Path, PathBuf};

/// Where a search is kept, and how it is told of.
#[derive(clap::Args, Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The folder of the search [default: runs/ and a name]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with the search in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "Settings")]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub data_dir: DataDir,
    /// Candidates trained side by side, each on one core [default: one on each core]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Rows of the journal as JSON lines on standard output
    #[arg(long)]
    pub json: bool,
    /// No progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// A search that is about to begin or to go on.
pub struct Begun {
    /// Its settings.
    pub config: SearchConfig,
    /// The data.
    pub sets: Sets,
    /// What is done: `search`, `exhaust` or `calibrate`.
    pub task: &'static str,
    folder: RunFolder,
    info: RunInfo,
}

impl Place {
    /// Whether nothing was given but how results are told.
    pub fn is_output_alone(&self) -> bool {
        *self == Place { json: self.json, quiet: self.quiet, ..Place::default() }
    }

    /// The settings and the data, without a folder.
    pub fn settings(&self, settings: &Settings, more: &[(&str, Option<String>)]) -> Result<(SearchConfig, Sets)> {
        let more = [more, &[("search.workers", self.workers.map(|workers| workers.to_string()))]].concat();
        let config = match &self.resume {
            None => settings.config(&more)?,
            Some(folder) => {
                let set: Vec<String> =
                    more.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))).collect();
                let settings = RunFolder::read(folder)?.settings();
                expect_kind(folder, Kind::Search)?;
                SearchConfig::read(&settings, &set)?
            }
        };
        let (set, folder) = (&config.data.set, self.data_dir.folder()?);
        let sets = said_if_slow(&format!("opening {set}"), || data::open(set, &folder))?;
        Ok((config, sets))
    }

    /// The folder, made anew or opened again, for a task such as `search`. Of what is refused, nothing is written.
    pub fn begin(&self, task: &'static str, config: SearchConfig, sets: Sets) -> Result<Begun> {
        config.check_data(&sets)?;
        let name = &format!("{task}-{}-seed{}", config.data.set, config.search.seed);
        let folder = match (&self.resume, &self.out) {
            (Some(folder), _) => {
                let folder = RunFolder::open(folder)?;
                expect_same_search(&folder.path().join("journal.jsonl"), task, &config, &sets)?;
                folder
            }
            (None, Some(folder)) => RunFolder::create(folder, &config.to_toml())?,
            (None, None) => RunFolder::create(&free_folder(name), &config.to_toml())?,
        };
        folder.write("config.toml", config.to_toml().as_bytes())?;
        let mut info = describe(config.search.seed, &sets);
        info.threads = config.workers();
        info.warnings = advice::before(task, &config);
        warn(&info.warnings);
        let info = info.begun(folder.info()?);
        folder.describe(&info)?;
        Ok(Begun { config, sets, task, folder, info })
    }
}

impl Begun {
    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.path().join("journal.jsonl")
    }

    /// Says in `run.json` how the search ended.
    pub fn ended(&self, outcome: &evograd::Result<()>) -> Result<()> {
        let status = match outcome {
            Ok(()) => Status::Finished,
            Err(Error::Stopped) => Status::Interrupted,
            Err(error) => Status::Failed(error.to_string()),
        };
        let mut info = self.info.clone().ended(status);
        let after = advice::after(&read_journal(&self.journal())?, &self.config, &self.sets);
        warn(after.as_slice());
        info.warnings.extend(after);
        Ok(self.folder.describe(&info)?)
    }
}
