//! The folder of a run: its settings, what is known of it, its metrics and checkpoints. One process at a time.

use super::checkpoint::Checkpoint;
use super::config::Config;
use super::fingerprint;
use super::info::{self, INFO, RunInfo, Status};
use super::metrics::{CHECKPOINTS, METRICS, read_metrics};
use super::trainer::Split;
use crate::data::Progress;
use crate::data::{Normalise, Sets};
use crate::error::{Error, Result};
use crate::files;
use crate::models::Network;
use crate::record::{self, BeginRow, Journal, Metric};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The folder of a run; held by this process, unless it is only looked at.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("run");
/// use evograd::train::{Config, RunFolder, RunInfo, Status};
/// let settings = Config::default().to_toml();
/// let folder = RunFolder::create(&path, &settings, &RunInfo::new(7).begun(None), None)?;
/// folder.write("notes.txt", b"the first of three")?;
/// folder.describe(&folder.info()?.ended(Status::Finished))?;
/// drop(folder);
/// let held = RunFolder::open(&path)?; // for the run to go on; files that are missing are restored where others know them
/// assert!(held.notes().is_empty());
/// drop(held);
/// let folder = RunFolder::read(&path)?; // to look at it
/// assert_eq!((folder.path(), folder.settings(), folder.status()?), (path.as_path(), path.join("config.toml"), Status::Finished));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// What was restored in it as it was opened.
    notes: Vec<String>,
    /// Held open: the system releases the lock when the process ends, however it does.
    held: Option<Held>,
}

/// The lock, and the folder itself, which is missed when it goes away.
#[derive(Debug)]
struct Held {
    lock: File,
    folder: Option<File>,
}

impl Held {
    /// Fills the file of the lock up to `bytes`: the room that `run.json` needs in the end, be the disk full by then. Where there
    /// is none now, or the file has another name, there is no such room.
    fn keep_room(&self, bytes: u64) {
        let kept = self.lock.metadata().map_or(u64::MAX, |found| found.len());
        if kept < bytes && !files::is_shared(&self.lock) {
            let mut lock = &self.lock;
            let filled = lock.seek(SeekFrom::Start(0)).and_then(|_| lock.write_all(&vec![b' '; bytes as usize]));
            if filled.is_err() {
                self.give_room();
            }
        }
    }

    /// Gives that room back; whether there was any.
    fn give_room(&self) -> bool {
        let kept = self.lock.metadata().is_ok_and(|found| found.len() > 0);
        kept && self.lock.set_len(0).and_then(|()| self.lock.sync_all()).is_ok()
    }
}

/// What shows that a folder holds a run, written last.
const SETTINGS: &str = "config.toml";
const LOCK: &str = "lock";
const NORMALISE: &str = "normalise.json";
/// The rows of a search.
const JOURNAL: &str = "journal.jsonl";
/// Bytes by which `run.json` may grow until a run has ended: warnings, and why it failed.
const ROOM: u64 = 1 << 14;
/// How a run ended that does not say so.
const UNSAID: &str = "its process ended before it could say how, as where it was killed or the disk failed";
/// All that is written as a whole, and may have left half of it behind when the process was killed.
const WHOLE: [&str; 4] = [SETTINGS, INFO, NORMALISE, "report.html"];

impl RunFolder {
    /// Makes the folder of a new run with these settings, in TOML, and what is known of it. The settings are written last:
    /// killed at any moment, there is a run that can be resumed, or none, and it can be begun again.
    ///
    /// # Errors
    /// When there is a run in it already, or the system refuses.
    pub fn create(path: &Path, settings: &str, info: &RunInfo, normalise: Option<&Normalise>) -> Result<RunFolder> {
        expect_no_run(path)?;
        let is_new = !files::is_there(path).map_err(|error| files::unread(path, &error))?;
        files::make_folder(path)?;
        let folder = Self::lock(path)?;
        // Another process may have been faster.
        expect_no_run(path)?;
        let begun = folder.begin(settings, info, normalise);
        if begun.is_err() && is_new {
            folder.forget();
        }
        begun.map(|()| folder)
    }

    /// Writes what a run begins with.
    fn begin(&self, settings: &str, info: &RunInfo, normalise: Option<&Normalise>) -> Result<()> {
        let (folder, path) = (self, &self.path);
        // What a process left that was killed as it began a run of the other kind, which its files show.
        let others: &[&str] = if normalise.is_some() { &[JOURNAL] } else { &[NORMALISE, METRICS, CHECKPOINTS] };
        for other in others.iter().map(|name| path.join(name)) {
            files::remove(&other).map_err(|error| files::unwritten(&other, &error))?;
        }
        match normalise {
            Some(normalise) => {
                folder.write(NORMALISE, normalise.to_json().as_bytes())?;
                files::make_folder(&path.join(CHECKPOINTS))?;
            }
            // A search's journal; what it began with is the first row.
            None => drop(Journal::open(&path.join(JOURNAL))?),
        }
        folder.describe(info)?;
        folder.write(SETTINGS, settings.as_bytes())
    }

    /// Removes what was written of a run that could not begin, so that it can begin in a folder of the same name. What is not
    /// of a run stays, and so does what cannot be removed: the next one that begins there removes it.
    fn forget(&self) {
        let checkpoints = self.path.join(CHECKPOINTS);
        let files = [SETTINGS, JOURNAL, NORMALISE, INFO, LOCK].map(|name| self.path.join(name));
        // The settings first: without them it is no run.
        let _ = files.iter().try_for_each(|file| files::remove(file));
        let _ = fs::remove_dir(checkpoints)
            .and_then(|()| fs::remove_dir(&self.path))
            .or_else(|_| fs::remove_dir(&self.path));
    }

    /// The folder of a run that is to go on. What a killed process left half written is removed.
    ///
    /// # Errors
    /// When there is none, or another process holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let notes = Self::read(path)?.notes;
        let folder = RunFolder { notes, ..Self::lock(path)? };
        for name in WHOLE {
            let part = files::part_of(&path.join(name));
            files::remove(&part).map_err(|error| files::unwritten(&part, &error))?;
        }
        Ok(folder)
    }

    /// The folder of a run that is only looked at; another process may be at work on it. Settings that were lost are restored, from
    /// what `run.json` says of them.
    ///
    /// # Errors
    /// When there is none, or its settings are lost and cannot be restored.
    pub fn read(path: &Path) -> Result<RunFolder> {
        let notes = if lacks_settings(path)? { vec![Self::restore(path)?] } else { Vec::new() };
        Ok(RunFolder { path: path.to_path_buf(), notes, held: None })
    }

    /// Writes `config.toml` once more where it is missing or empty, and notes it in `run.json`; what it says of it.
    fn restore(path: &Path) -> Result<String> {
        let mut info = info::read(path).ok();
        let settings = info.as_ref().and_then(RunInfo::settings).map(str::to_string);
        let (Some(info), Some(settings)) = (&mut info, settings) else { return Err(no_settings(path)) };
        let folder = Self::lock(path)?;
        // Another process may have been faster.
        if lacks_settings(path)? {
            folder.write(SETTINGS, settings.as_bytes())?;
            info.restored.push(format!("{SETTINGS}, from {INFO}"));
            folder.describe(info)?;
        }
        Ok(format!("{}: it was missing or empty, and is restored from {INFO} beside it", path.join(SETTINGS).display()))
    }

    /// What was restored in it as it was opened, for the user to know.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn lock(path: &Path) -> Result<RunFolder> {
        let file = path.join(LOCK);
        let lock = files::open_own(&file)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let remedy = match files::is_shared(&lock) {
                    // Only a copy made of hard links has one; nothing is ever written to it.
                    true => {
                        "wait for it, or stop it; if that is at work on another copy of the folder, remove lock here"
                    }
                    false => "wait for it, or stop it",
                };
                return Err(Error::file(path, "another process is at work on this run", remedy));
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(Error::file(&file, error, "use a file system with locks"));
            }
        }
        // Only Unix lets a folder be opened; elsewhere one with open files in it stays where it is.
        let folder = if cfg!(unix) { File::open(path).map(Some) } else { Ok(None) };
        let folder = folder.map_err(|error| files::unwritten(path, &error))?;
        let (path, notes) = (path.to_path_buf(), Vec::new());
        Ok(RunFolder { path, notes, held: Some(Held { lock, folder }) })
    }

    /// Sees to it that the path still leads to the folder that is held, and not to none or another.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn expect_in_place(&self) -> Result<()> {
        let held = self.held.as_ref().and_then(|held| held.folder.as_ref());
        match held.is_none_or(|folder| files::folder_leads_to(&self.path, folder)) {
            true => Ok(()),
            false => Err(record::gone(&self.path)),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of its settings.
    pub fn settings(&self) -> PathBuf {
        self.path.join(SETTINGS)
    }

    /// The checkpoint `last` or `best`, which may not be there.
    pub(super) fn checkpoint(&self, name: &str) -> Checkpoint {
        Checkpoint::at(self.path.join(CHECKPOINTS).join(name))
    }

    /// Sets a network to the weights of the checkpoint `last` or `best` of the run that began so.
    ///
    /// # Errors
    /// When there is none, it was damaged, or it is of another run or network.
    pub fn load_weights(&self, name: &str, network: &mut Network, began: &BeginRow) -> Result<()> {
        let remedy = match self.info()?.status {
            Status::Diverged(_) => "the run diverged, and would again; start a new run, as with a lower optimizer.rate",
            Status::Finished => {
                "restore it from a copy, or use the other: --checkpoint best or last; best is kept where data.validation holds images out"
            }
            _ => "go on with evograd train --resume to make one; best is kept where data.validation holds images out",
        };
        self.checkpoint(name).load_weights(network, &fingerprint::digest(began)?, remedy)
    }

    /// The rows of metrics, to be added to.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("run");
    /// # let config = evograd::train::Config::default().to_toml();
    /// use evograd::train::{RunFolder, RunInfo, read_metrics};
    /// let folder = RunFolder::create(&path, &config, &RunInfo::new(7).begun(None), None)?;
    /// folder.metrics()?; // made where it is not there
    /// assert!(read_metrics(&path)?.is_empty());
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the system refuses.
    pub fn metrics(&self) -> Result<Journal> {
        Journal::open(&self.metrics_path())
    }

    /// The file of the rows of metrics.
    pub(super) fn metrics_path(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// What `run.json` says of the run so far.
    ///
    /// # Errors
    /// When the file is not there or not what it should be.
    pub fn info(&self) -> Result<RunInfo> {
        info::read(&self.path)
    }

    /// What is known of the run, and what it began with, if it is still so: the same program, instruction set and settings.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("run");
    /// use evograd::models::Network;
    /// use evograd::train::{Config, Run, RunFolder, RunInfo};
    /// let sets = evograd::data::shapes_of(0, 40, 20)?;
    /// let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
    /// let config = Config::parse("", &set.map(String::from))?;
    /// let mut network = Network::new(&config.spec([3, 32, 32], sets.train.classes().len())?, 0)?;
    /// Run::start(&path, config.clone(), &sets, RunInfo::new(0), &mut ())?.train(&mut |_| true)?;
    /// let folder = RunFolder::read(&path)?;
    /// let (_, began) = folder.expect_same("train", &config.to_toml())?;
    /// folder.expect_same_classes(&sets, &began)?;
    /// folder.expect_same_data(&sets, &began, &mut ())?;
    /// folder.load_weights("last", &mut network, &began)?;
    /// assert_eq!(folder.split(&config, &sets, &began, &mut ())?.train.samples(), 32);
    /// // By other settings the run would not be what it was.
    /// assert!(folder.expect_same_settings(&Config::default().to_toml()).is_err());
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When one of them was changed, or it is not known.
    pub fn expect_same(&self, task: &str, settings: &str) -> Result<(RunInfo, BeginRow)> {
        let (info, began) = self.expect_same_settings(settings)?;
        fingerprint::expect_same_program(&self.path.join(INFO), &began, task)?;
        Ok((info, began))
    }

    /// As [`RunFolder::expect_same`], for work on what has come of the run by any program.
    ///
    /// # Errors
    /// When the settings were changed, or it is not known.
    pub fn expect_same_settings(&self, settings: &str) -> Result<(RunInfo, BeginRow)> {
        let (path, info) = (self.path.join(INFO), self.info()?);
        let Some(began) = info.began.clone() else {
            let problem = "it does not say what the run began with; an earlier version of the program wrote it";
            return Err(Error::file(path, problem, "start a new run with --config and this one's config.toml"));
        };
        let same = fingerprint::expect_same_settings(&path, &began, settings);
        let now = || BeginRow { settings: settings.into(), ..began.clone() };
        same.map_err(|error| self.accused(error, "began.settings", now()))?;
        Ok((info, began))
    }

    /// The error that something is other than at the beginning; or that `run.json` was edited, where the checkpoint, which knows
    /// its run by all that it began with, knows one that began as it is `now`.
    fn accused(&self, error: Error, what: &str, now: BeginRow) -> Error {
        let known = self.checkpoint("last").run();
        if known.is_none() || known != fingerprint::digest(&now).ok() {
            return error;
        }
        let problem = format!("{what} in it was changed since the run began: its checkpoint knows another");
        Error::file(self.path.join(INFO), problem, "restore it from a copy")
    }

    /// Whether the classes are those that the run was trained on, as far as it says which these were.
    ///
    /// # Errors
    /// When they are not; the error names those that are missing, new, or in another place.
    pub fn expect_same_classes(&self, sets: &Sets, began: &BeginRow) -> Result<()> {
        let classes = sets.train.classes();
        let same = fingerprint::expect_same_classes(&self.path.join(INFO), began, classes);
        let now = || BeginRow { classes: Some(classes.to_vec()), ..began.clone() };
        same.map_err(|error| self.accused(error, "began.classes", now()))
    }

    /// Whether the data is that which the run began with; `progress` gets how far the look at it is.
    ///
    /// # Errors
    /// When it is not, or an image cannot be read.
    pub fn expect_same_data(&self, sets: &Sets, began: &BeginRow, progress: &mut dyn Progress) -> Result<()> {
        let now = fingerprint::begin(&began.task, began.settings.clone(), sets, progress)?;
        let same = fingerprint::expect_same_data(&self.path.join(INFO), began, &now);
        same.map_err(|error| {
            let BeginRow { data_checksums, data, classes, .. } = now;
            let now = BeginRow { data_checksums, data, classes, ..began.clone() };
            self.accused(error, "began.data, began.data_checksums or began.classes", now)
        })
    }

    /// The samples of the run that began so, from the same data or other images of the same sizes. `progress` gets how far
    /// their statistics are, where those are not known any more.
    ///
    /// # Errors
    /// When they would be normalised otherwise than at its beginning; and as [`Split::new`].
    pub fn split(&self, config: &Config, sets: &Sets, began: &BeginRow, progress: &mut dyn Progress) -> Result<Split> {
        let split = match self.normalise(sets.train.shape()[0])? {
            None => Split::watched(config, sets, progress)?,
            known => Split::with(config, sets, known)?,
        };
        let same = fingerprint::expect_same_normalise(&self.path.join(NORMALISE), began, &split.normalise);
        let now = || BeginRow { normalise: Some(split.normalise.to_json()), ..began.clone() };
        same.map_err(|error| self.accused(error, "began.normalise", now()))?;
        Ok(split)
    }

    /// What images of so many channels are normalised by; `None` where the file is missing, which is as well: it follows
    /// from the settings and the data.
    fn normalise(&self, channels: usize) -> Result<Option<Normalise>> {
        let path = self.path.join(NORMALISE);
        let refused = |problem: String| Error::file(&path, problem, "restore it, or remove it: it is computed again");
        let text = match files::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| refused(error.to_string()))?,
        };
        let text = String::from_utf8_lossy(&text);
        let found = Normalise::from_json(&text)
            .ok_or_else(|| refused("it holds no mean and deviation of each channel".into()))?;
        let of = [found.mean(), found.deviation()];
        if of.iter().any(|of| of.len() != channels) {
            return Err(refused(format!("it is of {} channels, and images have {channels}", found.mean().len())));
        }
        match of.concat().iter().all(|x| x.is_finite()) && found.deviation().iter().all(|x| *x >= 0.0) {
            true => Ok(Some(found)),
            false => Err(refused("a mean is not finite, or a deviation is below 0 or not finite".into())),
        }
    }

    /// The rows of metrics that the run has written; none where it has not come so far.
    pub(super) fn rows(&self) -> Result<Vec<Metric>> {
        read_metrics(&self.path)
    }

    /// How the run stands. That it goes on, `run.json` says also of one whose process could not say how it ended.
    ///
    /// # Errors
    /// As [`RunFolder::info`].
    pub fn status(&self) -> Result<Status> {
        match self.info()?.status {
            Status::Running if !self.is_at_work() => Ok(Status::Failed(UNSAID.into())),
            status => Ok(status),
        }
    }

    /// Whether a process is at work on it, as far as that can be seen.
    fn is_at_work(&self) -> bool {
        let lock = files::open(&self.path.join(LOCK));
        self.held.is_some() || lock.is_ok_and(|lock| lock.try_lock_shared().is_err())
    }

    /// Writes `run.json`. While the run goes on, room is kept for what will be said of its end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn describe(&self, info: &RunInfo) -> Result<()> {
        let text = serde_json::to_vec_pretty(info).expect("what is known of a run is plain data");
        let written = match (self.write(INFO, &text), &self.held) {
            (Err(_), Some(held)) if held.give_room() => self.write(INFO, &text),
            (written, _) => written,
        };
        match &self.held {
            Some(held) if info.ended.is_none() => held.keep_room(text.len() as u64 + ROOM),
            Some(held) => drop(held.give_room()),
            None => {}
        }
        written
    }

    /// Writes a file under another name first, so that it is whole or as before.
    ///
    /// # Errors
    /// When the folder has gone, or the system refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.expect_in_place()?;
        files::write_whole(&self.path.join(name), bytes)
    }
}

/// Whether the settings of a run are not there: no file of them, or an empty one, which no run has written.
fn lacks_settings(path: &Path) -> Result<bool> {
    let settings = path.join(SETTINGS);
    match fs::symlink_metadata(&settings) {
        Ok(found) => Ok(found.is_file() && found.len() == 0),
        Err(error) if files::is_missing(&error) => Ok(true),
        Err(error) => Err(files::unread(&settings, &error)),
    }
}

/// Why there is nothing to go on with in a folder without settings.
fn no_settings(path: &Path) -> Error {
    let has_begun = [INFO, LOCK].iter().any(|name| path.join(name).exists());
    let has_rows = [METRICS, JOURNAL, CHECKPOINTS].iter().any(|name| holds_something(&path.join(name)).unwrap_or(true));
    let [problem, remedy] = match (has_rows, has_begun) {
        (true, _) => [
            "its config.toml is missing or empty, and run.json does not say what stood in it",
            "restore one of them from a copy, or begin a new run in another folder",
        ],
        (false, true) => [
            "a run was about to begin in it, and was stopped before its settings were written",
            "begin it again with the same command",
        ],
        (false, false) => {
            ["there is no run in it", "name the folder of a run or a search, such as runs/search-shapes-seed0"]
        }
    };
    Error::file(path, problem, remedy)
}

/// Refuses a folder that holds a run, or what is left of one.
fn expect_no_run(path: &Path) -> Result<()> {
    if !lacks_settings(path)? {
        return Err(Error::file(path, "there is a run in it", "resume it with --resume, or name another folder"));
    }
    for name in [METRICS, JOURNAL, CHECKPOINTS] {
        let file = path.join(name);
        if holds_something(&file).map_err(|error| files::unread(&file, &error))? {
            let problem = format!("there is {name} of a run in it, but no config.toml");
            let remedy = "resume it with --resume, by which config.toml is restored, or name another folder";
            return Err(Error::file(path, problem, remedy));
        }
    }
    Ok(())
}

/// Whether there is something at a path, other than an empty file or folder.
fn holds_something(path: &Path) -> std::io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(fs::read_dir(path)?.next().is_some()),
        Ok(found) => Ok(found.len() > 0 || !found.is_file()),
        Err(error) if files::is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
