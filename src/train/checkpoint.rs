//! A run on disk: weights, the optimiser's memory, and where the run stands. A checkpoint is whole or is not there.

use super::trainer::{Position, Trainer};
use crate::error::{Error, Result};
use crate::models::weights::{assign, from_safetensors, to_safetensors};
use crate::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const POSITION: &str = "position.json";

/// What `position.json` holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    position: Position,
    optimizer_steps: u64,
}

/// Writes a checkpoint to `folder`, in place of what is there. Killed at any moment, either the old one or the new one can
/// be loaded: the new one is complete on disk before the old one is moved aside, and that one goes last.
///
/// # Errors
/// When the system refuses, as where the disk is full; the old checkpoint stays.
pub fn save(trainer: &Trainer, folder: &Path) -> Result<()> {
    let refused = |error| Error::file(folder, error, "make room on the disk, or name a folder that can be written to");
    let (new, old) = (beside(folder, "new"), beside(folder, "old"));
    if folder.exists() {
        remove(&old).map_err(refused)?;
    }
    remove(&new).map_err(refused)?;
    fs::create_dir_all(&new).map_err(refused)?;
    write_all(&new, &trainer_files(trainer)?).map_err(refused)?;
    if folder.exists() {
        fs::rename(folder, &old).map_err(refused)?;
    }
    fs::rename(&new, folder).map_err(refused)?;
    sync(folder.parent().unwrap_or(folder)).map_err(refused)?;
    remove(&old).map_err(refused)
}

/// Sets a trainer to a checkpoint.
///
/// # Errors
/// When there is none, a file cannot be read, or it is of another network.
pub fn load(trainer: &mut Trainer, folder: &Path) -> Result<()> {
    let old = beside(folder, "old");
    let folder = if folder.exists() || !old.exists() { folder } else { &old };
    let path = folder.join(POSITION);
    let text = fs::read(&path).map_err(|error| Error::file(&path, error, "name the folder of a run to resume"))?;
    let saved: Saved = serde_json::from_slice(&text)
        .map_err(|error| Error::file(&path, error, "copy the checkpoint back, or start a new run"))?;
    if !trainer.can_stand_at(&saved.position) {
        let problem = format!("the run does not come to such a place; its last step is {}", trainer.steps());
        return Err(Error::file(&path, problem, "copy the checkpoint of the same run back, or start a new one"));
    }
    let optimizer = folder.join(OPTIMIZER);
    let memory = from_safetensors(&optimizer)?;
    trainer.network.load(&folder.join(MODEL))?;
    let names = weight_names(trainer);
    let wanted = names.iter().zip(trainer.optimizer.state_mut());
    let wanted =
        wanted.flat_map(|(name, memory)| memory.into_iter().map(move |(part, x)| (format!("{part}.{name}"), x)));
    assign(&optimizer, memory, wanted.collect())?;
    trainer.optimizer.set_steps(saved.optimizer_steps);
    trainer.position = saved.position;
    Ok(())
}

/// The weights in a checkpoint's folder, if there is one.
pub fn model_file(folder: &Path) -> Option<PathBuf> {
    [folder.join(MODEL), beside(folder, "old").join(MODEL)].into_iter().find(|path| path.exists())
}

fn trainer_files(trainer: &Trainer) -> Result<[(&'static str, Vec<u8>); 3]> {
    let names = weight_names(trainer);
    let memory: Vec<(String, &Tensor)> = names
        .iter()
        .zip(trainer.optimizer.state())
        .flat_map(|(name, memory)| memory.into_iter().map(move |(part, x)| (format!("{part}.{name}"), x)))
        .collect();
    let saved = Saved { position: trainer.position.clone(), optimizer_steps: trainer.optimizer.steps() };
    let position = serde_json::to_vec_pretty(&saved).expect("a position is plain numbers");
    Ok([(MODEL, trainer.network.to_safetensors()?), (OPTIMIZER, to_safetensors(&memory)?), (POSITION, position)])
}

/// The names of the network's weights, in order.
fn weight_names(trainer: &Trainer) -> Vec<String> {
    let layers = trainer.network.plan().layers().iter();
    layers
        .flat_map(|layer| layer.parameters.iter().map(|parameter| format!("{}.{}", layer.name, parameter.name)))
        .collect()
}

/// Writes files that are on disk, and not only on their way to it, when this returns.
fn write_all(folder: &Path, files: &[(&str, Vec<u8>)]) -> std::io::Result<()> {
    for (name, bytes) in files {
        let mut file = File::create(folder.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    sync(folder)
}

/// Brings the names in a folder to the disk.
fn sync(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The folder of the same name with another ending.
fn beside(folder: &Path, ending: &str) -> PathBuf {
    folder.with_extension(ending)
}

fn remove(folder: &Path) -> std::io::Result<()> {
    if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) }
}
