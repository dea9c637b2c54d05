//! Checkpoints of a trainer that a program of one's own steps, without the folder of a run. Knows which folders may be replaced.

use super::checkpoint::{Checkpoint, FILES, SUMS};
use super::fingerprint::sha256;
use super::trainer::Trainer;
use crate::error::{Error, Result};
use crate::files;
use std::fs;
use std::path::Path;

impl Trainer {
    /// Writes a checkpoint: a folder of this path with weights, running statistics, the optimiser's memory, the position and which
    /// weights are frozen, and their checksums. One that is there is replaced once the new one is on the disk.
    ///
    /// ```
    /// use evograd::Tensor;
    /// use evograd::models::Spec;
    /// use evograd::nn::{Flatten, Linear};
    /// use evograd::train::{Config, Trainer};
    /// let mut spec = Spec::new("own", [2, 1, 1]);
    /// let flat = spec.add("flat", Flatten, &[spec.image()]);
    /// spec.add("fc", Linear { features: 3 }, &[flat]);
    /// let new = || Trainer::with_steps(&spec, Config::default(), 10);
    /// let folder = std::env::temp_dir().join(format!("evograd-checkpoint-{}", std::process::id()));
    /// let mut trainer = new()?;
    /// trainer.step_on(&Tensor::full([8, 2, 1, 1], 1.0)?, |output| output.mean_all())?;
    /// trainer.save(&folder)?;
    /// let mut again = new()?;
    /// again.load(&folder)?;
    /// assert_eq!((again.network.weights(), again.position.step), (trainer.network.weights(), 1));
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When something else is there, more steps were taken than an epoch has without [`Trainer::end_epoch`], or the system
    /// refuses, as where the disk is full. A checkpoint that was there stays.
    pub fn save(&self, folder: &Path) -> Result<()> {
        if !self.can_stand_at(&self.position) {
            let problem = format!(
                "after {} epochs and {} steps more it stands at step {}, and no run of {} steps comes to such a place",
                self.position.epoch,
                self.position.batch,
                self.position.step,
                self.steps()
            );
            return Err(Error::op("trainer", problem, &[], "call end_epoch once, after the last step of each epoch"));
        }
        let checkpoint = checkpoint(folder)?;
        files::make_folder(files::parent(folder))?;
        checkpoint.save(self, &known_by(self), None)
    }

    /// Goes on from a checkpoint that [`Trainer::save`] has written; this trainer has to be made as that one was, by the same version
    /// of evograd. Which weights are frozen ([`Network::freeze`](crate::models::Network::freeze)) becomes what it was when the
    /// checkpoint was written. That [`Trainer::with_rate`] is given the same function is not checked.
    ///
    /// # Errors
    /// When there is none, a file of it is damaged, or it is one of another network, another rule or other settings.
    pub fn load(&mut self, folder: &Path) -> Result<()> {
        let checkpoint = checkpoint(folder)?;
        if !checkpoint.exists()? {
            return Err(Error::file(folder, "there is no checkpoint", "name a folder that Trainer::save has written"));
        }
        checkpoint.load(self, &known_by(self), None).map(drop)
    }
}

/// The checkpoint of this path. What is there and what is beside it under the names of the next and the one before is replaced
/// and removed, so that all three have to be checkpoints or nothing.
fn checkpoint(folder: &Path) -> Result<Checkpoint> {
    if folder.file_name().is_none() {
        return Err(Error::file(folder, "a checkpoint is a folder with a name", "name one, such as checkpoints/last"));
    }
    let checkpoint = Checkpoint::at(folder.to_path_buf());
    checkpoint.places().iter().try_for_each(|place| expect_checkpoint(place))?;
    Ok(checkpoint)
}

/// Refuses what is no folder, and a folder with a file that is none of a checkpoint.
fn expect_checkpoint(place: &Path) -> Result<()> {
    let unread = |error| files::unread(place, &error);
    if !files::is_there(place).map_err(unread)? {
        return Ok(());
    }
    let refuse = |problem: String| Err(Error::file(place, problem, "name a place where nothing else is"));
    if !fs::symlink_metadata(place).map_err(unread)?.is_dir() {
        return refuse("it is no folder, and so no checkpoint".into());
    }
    for entry in fs::read_dir(place).map_err(unread)? {
        let name = entry.map_err(unread)?.file_name();
        if !FILES.iter().chain([&SUMS]).any(|file| name == **file) {
            return refuse(format!("it holds {}, and so is no checkpoint", name.display()));
        }
    }
    Ok(())
}

/// What a checkpoint knows its trainer by: another one would not go on as this one does. A course of the rate is a function, of
/// which nothing can be known.
fn known_by(trainer: &Trainer) -> String {
    let (settings, plan, steps) = (trainer.config().to_toml(), trainer.network.plan(), trainer.steps());
    sha256(format!("{settings}\n{plan:?}\n{steps} steps\n{}", trainer.optimizer.rule_settings()))
}
