//! A run on disk: weights, the optimiser's memory, and where the run stands, with a checksum of each. A checkpoint is whole or
//! is not there, and one that was damaged or belongs to another run is noticed.

use super::fingerprint::sha256;
use super::position::Position;
use super::trainer::Trainer;
use crate::error::{Error, Result};
use crate::files;
use crate::models::Network;
use crate::models::weights::{Tensors, assign, parse_safetensors, to_safetensors};
use crate::record::{self, Extent};
use crate::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const POSITION: &str = "position.json";
pub(super) const FILES: [&str; 3] = [MODEL, OPTIMIZER, POSITION];
/// The sums of these, as `sha256sum --check` reads them.
pub(super) const SUMS: &str = "SHA256SUMS";
const RESTORE: &str = "restore the checkpoint from a copy, or start a new run with --config and this one's config.toml";

/// What `position.json` holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// What the run is known by.
    run: String,
    /// How far the rows of metrics had come; `None` where an earlier build wrote it.
    #[serde(default)]
    rows: Option<Extent>,
    position: Position,
    optimizer_steps: u64,
    /// The steps that each weight has taken; `None` where an earlier build wrote it, and each had taken all.
    #[serde(default)]
    weight_steps: Option<Vec<u64>>,
    /// The names of the weights that are not frozen; `None` where an earlier build wrote it.
    #[serde(default)]
    trainable: Option<Vec<String>>,
}

/// The place of a checkpoint: a folder, beside which stand the next one while it is written, and the one before until the
/// next is in its place.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint(PathBuf);

/// The bytes of a checkpoint, which are what was written.
struct Files {
    folder: PathBuf,
    bytes: [Vec<u8>; 3],
    saved: Saved,
}

/// What a trainer was set to.
pub(super) struct Loaded {
    /// What was wrong with the checkpoint, where the one before took its place.
    pub damage: Option<Error>,
    /// How far the rows of metrics had come; `None` where an earlier build wrote it.
    pub rows: Option<Extent>,
}

/// Why a checkpoint cannot be used.
enum Unusable {
    /// A file of it is missing or holds other bytes: the one before may take its place.
    Damaged(Error),
    /// All else, such as a file that cannot be read this time.
    Other(Error),
}

impl Checkpoint {
    pub fn at(folder: PathBuf) -> Checkpoint {
        Checkpoint(folder)
    }

    fn next(&self) -> PathBuf {
        self.beside(".new")
    }

    fn before(&self) -> PathBuf {
        self.beside(".old")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.0.file_name().unwrap_or_default().to_os_string();
        name.push(ending);
        self.0.with_file_name(name)
    }

    /// Every place that a checkpoint may stand at, and be replaced or removed from.
    pub fn places(&self) -> [PathBuf; 3] {
        [self.0.clone(), self.next(), self.before()]
    }

    /// Whether there is one, whole or not.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn exists(&self) -> Result<bool> {
        Ok(is_there(&self.0)? || is_there(&self.before())?)
    }

    /// Writes a checkpoint in place of what is there. Killed at any moment, either the old one or the new one can be loaded:
    /// the new one is complete on disk before the old one is moved aside, and that one goes last. `run` is what its run is
    /// known by, `rows` how far its metrics have come, where it has any.
    ///
    /// # Errors
    /// When the system refuses, as where the disk is full; the old checkpoint stays, and nothing of the new one.
    pub fn save(&self, trainer: &Trainer, run: &str, rows: Option<Extent>) -> Result<()> {
        self.expect_folder()?;
        let replaced = self.replace(&trainer_files(trainer, run, rows)?);
        if replaced.is_err() {
            // It takes the room that a full disk lacks; what cannot be removed now, the next one removes.
            let _ = files::remove(&self.next());
        }
        replaced
    }

    fn replace(&self, bytes: &[Vec<u8>; 3]) -> Result<()> {
        let refused = |error| files::unwritten(&self.0, &error);
        let (new, old) = (self.next(), self.before());
        let there = is_there(&self.0)?;
        if there {
            files::remove(&old).map_err(refused)?;
        }
        files::remove(&new).map_err(refused)?;
        fs::create_dir(&new).map_err(refused)?;
        write_all(&new, bytes).map_err(refused)?;
        if there {
            fs::rename(&self.0, &old).map_err(refused)?;
        }
        fs::rename(&new, &self.0).map_err(refused)?;
        files::sync_folder(files::parent(&self.0)).map_err(refused)?;
        files::remove(&old).map_err(refused)
    }

    /// Sets a trainer to the checkpoint of the run `run`, whose rows are in the file `metrics`, where it has any. Where it was damaged
    /// or lost and the one before is there and whole, that one takes its place; then the answer says what was wrong.
    ///
    /// # Errors
    /// When there is none, a file is damaged or missing, it is of another run, or rows before it are not those that the run has
    /// written; and when a file cannot be read this time, as where too many are open: that says nothing about the checkpoint, and no
    /// other takes its place. The trainer is then as it was.
    pub fn load(&self, trainer: &mut Trainer, run: &str, metrics: Option<&Path>) -> Result<Loaded> {
        self.expect_folder()?;
        let (found, damage) = self.read_or_before()?;
        found.expect_run(run)?;
        found.saved.rows.iter().zip(metrics).try_for_each(|(rows, metrics)| rows.expect_in(metrics))?;
        found.set(trainer)?;
        self.tidy(&found.folder)?;
        Ok(Loaded { damage, rows: found.saved.rows })
    }

    /// Where the run `run` stood when it was saved; `None` where there is none. Where it was damaged and the one before is whole,
    /// that one takes its place.
    ///
    /// # Errors
    /// When a file is damaged, missing or cannot be read, or it is of another run.
    pub fn position(&self, run: &str) -> Result<Option<Position>> {
        if !self.exists()? {
            return Ok(None);
        }
        let (found, _) = self.read_or_before()?;
        found.expect_run(run)?;
        self.tidy(&found.folder)?;
        Ok(Some(found.saved.position))
    }

    /// Reads the checkpoint, or the one before where it is missing or damaged, and says what was damaged.
    fn read_or_before(&self) -> Result<(Files, Option<Error>)> {
        let damaged = match Files::read(&self.0) {
            Ok(found) => return Ok((found, None)),
            Err(Unusable::Other(error)) => return Err(error),
            // A process that was killed while one took the other's place has left the next beside them.
            Err(Unusable::Damaged(error)) => (is_there(&self.0)? || !is_there(&self.next())?).then_some(error),
        };
        match (Files::read(&self.before()), damaged) {
            (Ok(found), damaged) => Ok((found, damaged)),
            (Err(Unusable::Damaged(_)), Some(damaged)) => Err(damaged),
            (Err(Unusable::Damaged(error) | Unusable::Other(error)), _) => Err(error),
        }
    }

    /// Puts the checkpoint that counts into its place, and removes what a killed process left beside it.
    fn tidy(&self, counts: &Path) -> Result<()> {
        let refused = |error| files::unwritten(&self.0, &error);
        if counts != self.0 {
            files::remove(&self.0).map_err(refused)?;
            fs::rename(counts, &self.0).map_err(refused)?;
        }
        self.remove_leftovers()
    }

    /// Removes what a killed process left beside the checkpoint: one that was not complete, one that was replaced.
    pub fn remove_leftovers(&self) -> Result<()> {
        let refused = |error| files::unwritten(&self.0, &error);
        if is_there(&self.0)? {
            files::remove(&self.before()).map_err(refused)?;
        } else if is_there(&self.before())? {
            fs::rename(self.before(), &self.0).map_err(refused)?;
        }
        files::remove(&self.next()).map_err(refused)?;
        files::sync_folder(files::parent(&self.0)).map_err(refused)
    }

    /// How far the rows of metrics had come; `None` where there is no whole checkpoint, or it does not say.
    pub fn extent(&self) -> Option<Extent> {
        let found = Files::read(&self.0).or_else(|_| Files::read(&self.before()));
        found.ok().and_then(|found| found.saved.rows)
    }

    /// What it knows its run by; `None` where there is no whole checkpoint.
    pub fn run(&self) -> Option<String> {
        let found = Files::read(&self.0).or_else(|_| Files::read(&self.before()));
        found.ok().map(|found| found.saved.run)
    }

    /// Sets a network to the weights of the checkpoint of the run `run`. `remedy` is what to do where there is none.
    ///
    /// # Errors
    /// When there is none, a file is damaged or missing, or it is of another run or network.
    pub fn load_weights(&self, network: &mut Network, run: &str, remedy: &str) -> Result<()> {
        let found = self.read_while_it_is_replaced(remedy)?;
        found.expect_run(run)?;
        let model = found.folder.join(MODEL);
        network.set_state(&model, parse_safetensors(&model, &found.bytes[0])?)
    }

    /// Reads the checkpoint of a run that may go on meanwhile: what was half read of one and half of the next is read again.
    fn read_while_it_is_replaced(&self, remedy: &str) -> Result<Files> {
        let missing = |problem| Err(Error::file(&self.0, problem, remedy));
        if !self.exists()? {
            return missing("there is no such checkpoint");
        }
        let sums = || [files::read(&self.0.join(SUMS)).ok(), files::read(&self.before().join(SUMS)).ok()];
        loop {
            let before = sums();
            match self.read_or_before() {
                Err(_) if sums() != before => {}
                Ok((found, _)) if found.saved.position.step == 0 => {
                    return missing("the run has saved nothing since its first step");
                }
                found => return Ok(found?.0),
            }
        }
    }

    /// The folder of all checkpoints has to be one, and in its place.
    fn expect_folder(&self) -> Result<()> {
        let folder = files::parent(&self.0);
        let remedy = "put the folder itself back there, or start a new run";
        match fs::symlink_metadata(folder) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(found) if found.is_symlink() => Err(Error::file(folder, "it is a link, which is not followed", remedy)),
            Ok(_) => Err(Error::file(folder, "it is no folder", remedy)),
            Err(error) => Err(Error::file(folder, error, remedy)),
        }
    }
}

impl Files {
    /// Reads a checkpoint whole, and compares the sums.
    fn read(folder: &Path) -> std::result::Result<Files, Unusable> {
        let read = |name: &str| {
            let path = folder.join(name);
            files::read(&path).map_err(|error| match files::is_missing(&error) {
                true => damaged(path, format!("{error}: the checkpoint is incomplete")),
                false => Unusable::Other(files::unread(&path, &error)),
            })
        };
        let sums = read(SUMS)?;
        let mut bytes = [Vec::new(), Vec::new(), Vec::new()];
        for (name, bytes) in FILES.into_iter().zip(&mut bytes) {
            *bytes = read(name)?;
        }
        let expected = sums_of(FILES.into_iter().zip(&bytes));
        for (line, name) in expected.lines().zip(FILES) {
            if !sums.split(|byte| *byte == b'\n').any(|written| written == line.as_bytes()) {
                let problem = format!("its sum is not the one in {SUMS}: it was damaged or exchanged");
                return Err(damaged(folder.join(name), problem));
            }
        }
        if sums != expected.as_bytes() {
            return Err(damaged(folder.join(SUMS), "it holds more than the sums of the checkpoint's files".into()));
        }
        let saved = serde_json::from_slice(&bytes[2])
            .map_err(|error| record::refusal(&bytes[2], &error))
            .map_err(|problem| Unusable::Other(Error::file(folder.join(POSITION), problem, RESTORE)))?;
        Ok(Files { folder: folder.to_path_buf(), bytes, saved })
    }

    fn expect_run(&self, run: &str) -> Result<()> {
        if self.saved.run == run {
            return Ok(());
        }
        let problem =
            "it is the checkpoint of another run, of other settings or data, or of another version of evograd";
        Err(Error::file(&self.folder, problem, "put the run's own checkpoint there, or start a new run"))
    }

    /// Sets a trainer to what was read; where it is refused, the trainer is as it was.
    fn set(&self, trainer: &mut Trainer) -> Result<()> {
        if !trainer.can_stand_at(&self.saved.position) {
            let problem = format!("the run does not come to such a place; its last step is {}", trainer.steps());
            let remedy = "put the run's own checkpoint there, or start a new run";
            return Err(Error::file(self.folder.join(POSITION), problem, remedy));
        }
        let [model, optimizer] = [MODEL, OPTIMIZER].map(|name| self.folder.join(name));
        let memory = parse_safetensors(&optimizer, &self.bytes[1])?;
        let before = trainer.network.clone();
        trainer.network.set_state(&model, parse_safetensors(&model, &self.bytes[0])?)?;
        let steps = (trainer.optimizer.steps(), trainer.optimizer.weight_steps().to_vec());
        let set = self.set_progress(trainer).and_then(|()| set_memory(trainer, &optimizer, memory));
        if let Err(error) = set {
            trainer.network = before;
            trainer.optimizer.set_steps(steps.0);
            trainer.optimizer.set_weight_steps(steps.1)?;
            return Err(error);
        }
        trainer.position = self.saved.position.clone();
        Ok(())
    }

    /// Sets the numbers of steps, and which weights are frozen.
    fn set_progress(&self, trainer: &mut Trainer) -> Result<()> {
        let refuse = |problem: String| Err(Error::file(self.folder.join(POSITION), problem, RESTORE));
        trainer.optimizer.set_steps(self.saved.optimizer_steps);
        if let Some(steps) = &self.saved.weight_steps
            && let Err(error) = trainer.optimizer.set_weight_steps(steps.clone())
        {
            return refuse(error.to_string());
        }
        match &self.saved.trainable {
            Some(names) if !trainer.network.train_only(names) => {
                refuse("what it names as trainable are no weights of the network".into())
            }
            _ => Ok(()),
        }
    }
}

/// Sets what the optimiser remembers to the tensors of the file `path`.
fn set_memory(trainer: &mut Trainer, path: &Path, memory: Tensors) -> Result<()> {
    let names = weight_names(trainer);
    let wanted = names.iter().zip(trainer.optimizer.state_mut());
    let wanted =
        wanted.flat_map(|(name, memory)| memory.into_iter().map(move |(part, x)| (format!("{part}.{name}"), x)));
    assign(path, memory, wanted.collect())
}

fn damaged(path: PathBuf, problem: String) -> Unusable {
    Unusable::Damaged(Error::file(path, problem, RESTORE))
}

fn is_there(path: &Path) -> Result<bool> {
    files::is_there(path).map_err(|error| files::unread(path, &error))
}

fn trainer_files(trainer: &Trainer, run: &str, rows: Option<Extent>) -> Result<[Vec<u8>; 3]> {
    let names = weight_names(trainer);
    let memory: Vec<(String, &Tensor)> = names
        .iter()
        .zip(trainer.optimizer.state())
        .flat_map(|(name, memory)| memory.into_iter().map(move |(part, x)| (format!("{part}.{name}"), x)))
        .collect();
    let (position, optimizer_steps) = (trainer.position.clone(), trainer.optimizer.steps());
    let weight_steps = Some(trainer.optimizer.weight_steps().to_vec());
    let trainable = Some(trainer.network.trainable().collect());
    let saved = Saved { run: run.into(), rows, position, optimizer_steps, weight_steps, trainable };
    let saved = serde_json::to_vec_pretty(&saved).expect("a position is plain numbers");
    Ok([trainer.network.to_safetensors()?, to_safetensors(&memory)?, saved])
}

/// The names of the network's weights, in order.
fn weight_names(trainer: &Trainer) -> Vec<String> {
    let layers = trainer.network.plan().layers().iter();
    layers
        .flat_map(|layer| layer.parameters.iter().map(|parameter| format!("{}.{}", layer.name, parameter.name)))
        .collect()
}

/// Writes files that are on disk, and not only on their way to it, when this returns.
fn write_all(folder: &Path, bytes: &[Vec<u8>; 3]) -> std::io::Result<()> {
    let named = || FILES.into_iter().zip(bytes);
    named().try_for_each(|(name, bytes)| files::write_new(&folder.join(name), bytes))?;
    files::write_new(&folder.join(SUMS), sums_of(named()).as_bytes())?;
    files::sync_folder(folder)
}

/// A line with the sum of each file.
fn sums_of<'a>(files: impl Iterator<Item = (&'a str, &'a Vec<u8>)>) -> String {
    files.map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect()
}
