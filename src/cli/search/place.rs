//! The folder of a search: begun anew or gone on with, described before and after.

use super::advice;
use super::settings::Settings;
use crate::cli::data_dir::{DataDir, open, warn_of_odd};
use crate::cli::file_progress::FileProgress;
use crate::cli::interrupt;
use crate::cli::origin::Origin;
use crate::cli::run_folder::{Kind, describe, free_folder, of_kind};
use crate::cli::terminal::{note, warn};
use crate::cli::values::setting;
use anyhow::{Result, bail};
use evograd::Error;
use evograd::data::Sets;
use evograd::record::SearchRow;
use evograd::search::{SearchConfig, begin, expect_same_search, journal_of, read_journal};
use evograd::train::{RunFolder, RunInfo, Status};
use std::path::{Path, PathBuf};

/// Where a search is kept, and how its progress is shown.
#[derive(clap::Args, Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The folder of the search [default: runs/ and a name]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Resume the search in this folder
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub data_dir: DataDir,
    /// Candidates trained in parallel, each on one core [default: one on each core]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("search.workers"))]
    pub workers: Option<usize>,
    /// Rows of the journal as JSON lines on standard output
    #[arg(long)]
    pub json: bool,
}

/// A search that is about to begin or to go on.
pub struct Begun {
    /// Its settings.
    pub config: SearchConfig,
    /// The data.
    pub sets: Sets,
    /// What is done.
    pub kind: Kind,
    folder: RunFolder,
    info: RunInfo,
}

impl Place {
    /// The settings and the data, without a folder. A search that is to go on has to be of this kind, and the settings those that
    /// it began with.
    pub fn settings(
        &self,
        kind: Kind,
        settings: &Settings,
        more: &[(&str, Option<String>)],
    ) -> Result<(SearchConfig, Sets)> {
        let more = [more, &[("search.workers", self.workers.map(|workers| workers.to_string()))]].concat();
        let (origin, config, data_dir) = match &self.resume {
            None => {
                settings.expect_read(kind)?;
                warn(&settings.unread_of_file(kind)?);
                let origin = settings.origin(&more)?;
                let config = origin.parsed(SearchConfig::parse)?;
                (origin, config, self.data_dir.folder()?)
            }
            Some(folder) => {
                let set: Vec<String> =
                    more.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))).collect();
                let folder = of_kind(folder, &[kind])?;
                // What is lost is reported where the search begins.
                if folder.path().join("journal.jsonl").exists() {
                    restore_info(&folder)?;
                    journal_of(&folder)?;
                }
                let origin = Origin::of(Some(&folder.settings()), set)?;
                let config = origin.parsed(SearchConfig::parse)?;
                let (info, _) = folder.expect_same_settings(&config.to_toml())?;
                let data_dir = self.data_dir.folder_of(&info, &config.data.set)?;
                (origin, config, data_dir)
            }
        };
        interrupt::before_anything()?;
        let sets = origin.placed(open(&config.data, &data_dir))?;
        if self.resume.is_none() {
            origin.placed(config.check_data(&sets).map_err(Into::into))?;
        }
        Ok((config, sets))
    }

    /// The folder, made anew or opened again. Of what is refused, nothing is written.
    pub fn begin(&self, kind: Kind, config: SearchConfig, sets: Sets) -> Result<Begun> {
        let task = kind.task();
        let mut file_progress = FileProgress::new();
        config.check_data(&sets)?;
        let settings = config.to_toml();
        let (folder, info) = match &self.resume {
            Some(folder) => {
                let folder = RunFolder::open(folder)?;
                let (before, began) = folder.expect_same(task, &settings)?;
                folder.expect_same_data(&sets, &began, &mut file_progress)?;
                expect_begun(&folder, &before, kind)?;
                expect_same_search(&folder.path().join("journal.jsonl"), task, &config, &sets)?;
                let data_dir = self.data_dir.folder_of(&before, &config.data.set)?;
                let info = self.describe(kind, &config, &sets, &data_dir, &mut file_progress)?.begun(Some(before));
                folder.write("config.toml", settings.as_bytes())?;
                folder.describe(&info)?;
                (folder, info)
            }
            None => {
                let info = self.describe(kind, &config, &sets, &self.data_dir.folder()?, &mut file_progress)?;
                let mut info = info.begun(None);
                info.began = Some(begin(task, &config, &sets, &mut file_progress)?);
                let name = format!("{task}-{}-seed{}", config.data.set, config.search.seed);
                let path = self.out.clone().unwrap_or_else(|| free_folder(&name));
                (RunFolder::create(&path, &settings, &info, None)?, info)
            }
        };
        file_progress.done();
        warn(&info.warnings);
        Ok(Begun { config, sets, kind, folder, info })
    }

    fn describe(
        &self,
        kind: Kind,
        config: &SearchConfig,
        sets: &Sets,
        data_dir: &Path,
        file_progress: &mut FileProgress,
    ) -> Result<RunInfo> {
        let warnings = advice::of(kind, config, sets, file_progress)?;
        Ok(RunInfo { threads: config.workers(), warnings, ..describe(config.search.seed, sets, data_dir) })
    }
}

/// Writes `run.json` once more where it is missing or empty: what the search began with is the first row of its journal.
fn restore_info(folder: &RunFolder) -> Result<()> {
    let path = folder.path().join("run.json");
    let is_there = std::fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file() || found.len() > 0);
    let first = if is_there { None } else { read_journal(&folder.path().join("journal.jsonl"))?.into_iter().next() };
    let Some(SearchRow::Begin(began)) = first else { return Ok(()) };
    let status = Status::Failed("run.json, which said how it ended, was lost".into());
    RunFolder::open(folder.path())?.describe(&RunInfo::restored(began, "run.json, from journal.jsonl", status))?;
    warn(&[format!("{}: it was missing or empty, and is restored from journal.jsonl beside it", path.display())]);
    Ok(())
}

/// Refuses to begin anew where trainings were done already and the journal that held them is lost. It is made with the folder,
/// and gets its first row at once.
fn expect_begun(folder: &RunFolder, before: &RunInfo, kind: Kind) -> Result<()> {
    let path = folder.path().join("journal.jsonl");
    let remedy = format!("restore it, or do it anew by {}", kind.anew(folder.path()));
    if !path.exists() {
        bail!("{}: it is missing, and all trainings with it; {remedy}", path.display());
    }
    if !read_journal(&path)?.is_empty() {
        return Ok(());
    }
    let had_rows = matches!(before.status, Status::Finished | Status::Interrupted);
    if had_rows || folder.path().join("report.html").exists() {
        bail!("{}: it is empty, and this search had trained networks; {remedy}", path.display());
    }
    note(format_args!("{} is empty: this begins anew", path.display()));
    Ok(())
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

    /// What the journal holds; nothing where it has not been begun.
    pub fn rows(&self) -> evograd::Result<Vec<SearchRow>> {
        if self.journal().exists() { read_journal(&self.journal()) } else { Ok(Vec::new()) }
    }

    /// Says in `run.json` how the search ended.
    pub fn ended(&self, outcome: &evograd::Result<()>) -> evograd::Result<()> {
        let status = match outcome {
            Ok(()) => Status::Finished,
            Err(Error::Stopped) => Status::Interrupted,
            Err(error) => Status::Failed(error.to_string()),
        };
        let mut info = self.info.clone().ended(status);
        let rows = read_journal(&self.journal());
        let after = rows.as_ref().ok().and_then(|rows| advice::after(rows, &self.config, &self.sets));
        warn(after.as_slice());
        warn_of_odd(&self.config.data.set, &self.sets);
        info.warnings.extend(after);
        self.folder.describe(&info)?;
        rows.map(drop)
    }
}
