//! A training run from its first step, or from a checkpoint, to its last: steps, metrics, evaluations and checkpoints.

use super::config::Config;
use super::folder::{RunFolder, RunInfo, Status};
use super::trainer::{Position, Split, StepReport, Trainer};
use super::warnings::{Chance, warnings};
use super::{Evaluation, checkpoint, evaluate};
use crate::data::{Loader, Sets};
use crate::error::{Error, Result};
use crate::record::{EpochRow, Journal, Metric, StepRow};
use std::time::Instant;

/// What a run tells while it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A step is done.
    Step {
        /// What it came to.
        report: StepReport,
        /// Where the run stands.
        position: &'a Position,
    },
    /// So many pictures of an evaluation are done.
    Evaluating {
        /// Pictures done.
        done: usize,
        /// All pictures.
        total: usize,
    },
    /// A row of metrics has been written.
    Row(&'a Metric),
}

/// A training run in a folder.
pub struct Run {
    folder: RunFolder,
    trainer: Trainer,
    split: Split,
    metrics: Journal,
    info: RunInfo,
    began: Instant,
    saved: Instant,
    /// What has happened since the last row of steps.
    since: Sums,
}

/// Sums over some steps.
struct Sums {
    steps: u64,
    loss: f64,
    right: usize,
    pictures: usize,
    began: Instant,
}

impl Sums {
    fn new() -> Sums {
        Sums { steps: 0, loss: 0.0, right: 0, pictures: 0, began: Instant::now() }
    }

    fn add(&mut self, report: &StepReport) {
        self.steps += 1;
        self.loss += report.loss;
        self.right += report.right;
        self.pictures += report.pictures;
    }

    fn rate(&self) -> f64 {
        self.pictures as f64 / self.began.elapsed().as_secs_f64()
    }
}

impl Run {
    /// A new run in an empty folder. `info` says what is known of it.
    ///
    /// # Errors
    /// When the folder holds a run already, or settings, model and data do not fit together.
    pub fn start(path: &std::path::Path, config: Config, sets: &Sets, info: RunInfo) -> Result<Run> {
        let split = Split::new(&config, sets)?;
        let trainer = Trainer::new(config, sets, &split.train)?;
        let folder = RunFolder::create(path, &trainer.config().to_toml())?;
        folder.keep(&split.normalise)?;
        Self::with(folder, trainer, split, info.begun(None))
    }

    /// The run in a folder, as its last checkpoint has it; from the start where it has none yet. `info` says what is known of
    /// this segment.
    ///
    /// # Errors
    /// When the checkpoint cannot be loaded, or the data is not that which the run began with.
    pub fn resume(folder: RunFolder, config: Config, sets: &Sets, info: RunInfo) -> Result<Run> {
        let before = folder.info()?;
        if let Some(before) = before.as_ref().filter(|before| before.data_checksums != info.data_checksums) {
            let problem = format!("the run began with other pictures or labels of {}", config.data.set);
            let sums = format!("sha256 then {:?}, now {:?}", before.data_checksums, info.data_checksums);
            let remedy = "name the folder of the same data with --data-dir, or start a new run";
            return Err(Error::file(folder.path(), format!("{problem} ({sums})"), remedy));
        }
        let split = Split::with(&config, sets, Some(folder.normalise()?))?;
        let mut trainer = Trainer::new(config, sets, &split.train)?;
        let last = folder.checkpoint("last");
        if folder.weights("last").is_ok() {
            checkpoint::load(&mut trainer, &last)?;
        }
        trainer.position.segment = 1 + folder.last_segment()?;
        Self::with(folder, trainer, split, info.begun(before))
    }

    fn with(folder: RunFolder, trainer: Trainer, split: Split, info: RunInfo) -> Result<Run> {
        let info = RunInfo { warnings: warnings(trainer.config(), split.train.samples()), ..info };
        folder.describe(&info)?;
        let (metrics, now) = (folder.metrics()?, Instant::now());
        Ok(Run { folder, trainer, split, metrics, info, began: now, saved: now, since: Sums::new() })
    }

    /// The trainer.
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// What is probably not meant, as far as it is known by now.
    pub fn warnings(&self) -> &[String] {
        &self.info.warnings
    }

    /// The samples.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Trains to the end, or until `told` answers that it is to stop: then the run is saved and can be resumed.
    ///
    /// # Errors
    /// When a step or an evaluation diverges ([`Error::Diverged`]), or a file cannot be read or written. `run.json` says so.
    pub fn train(&mut self, told: &mut dyn FnMut(Event<'_>) -> bool) -> Result<Status> {
        let outcome = self.epochs(told);
        let status = match &outcome {
            Ok(status) => status.clone(),
            Err(error @ Error::Diverged { .. }) => Status::Diverged(error.to_string()),
            Err(error) => Status::Failed(error.to_string()),
        };
        let described = self.end(status);
        outcome.and_then(|status| described.map(|()| status))
    }

    fn epochs(&mut self, told: &mut dyn FnMut(Event<'_>) -> bool) -> Result<Status> {
        while self.trainer.position.epoch < self.trainer.config().training.epochs {
            if !self.epoch(told)? {
                self.save("last")?;
                return Ok(Status::Interrupted);
            }
        }
        let Some(Evaluation { score, confusion }) = self.evaluate(&self.split.test, "test", told)? else {
            return Ok(Status::Interrupted);
        };
        let chance = Chance::of(&confusion.iter().map(|answers| answers.iter().sum()).collect::<Vec<usize>>());
        if chance.explains(&score) {
            self.info.warnings.push(chance.warning(&score));
        }
        self.write(Metric::Test(score), told)?;
        Ok(Status::Finished)
    }

    /// The rest of the present epoch; whether it was gone through to its end.
    fn epoch(&mut self, told: &mut dyn FnMut(Event<'_>) -> bool) -> Result<bool> {
        let Position { epoch, batch, .. } = self.trainer.position;
        let mut sums = Sums::new();
        self.since = Sums::new();
        for batch in self.split.train.epoch(epoch, batch)? {
            let report = self.trainer.step(&batch?)?;
            sums.add(&report);
            self.since.add(&report);
            let Position { step, batch, .. } = self.trainer.position;
            let ends = batch == self.split.train.batches();
            if ends || step.is_multiple_of(self.trainer.config().training.log_every) {
                self.log_steps(&report, told)?;
            }
            if !told(Event::Step { report, position: &self.trainer.position }) {
                return Ok(false);
            }
            if self.saved.elapsed().as_secs_f64() >= self.trainer.config().training.checkpoint_seconds {
                self.save("last")?;
            }
        }
        self.end_epoch(sums.rate(), told)
    }

    fn log_steps(&mut self, report: &StepReport, told: &mut dyn FnMut(Event<'_>) -> bool) -> Result<()> {
        let (since, position) = (std::mem::replace(&mut self.since, Sums::new()), &self.trainer.position);
        let row = StepRow {
            segment: position.segment,
            step: position.step,
            epoch: position.epoch + 1,
            loss: since.loss / since.steps as f64,
            accuracy: since.right as f64 / since.pictures as f64,
            rate: report.rate,
            gradient_norm: report.gradient_norm,
            images_per_second: since.rate(),
        };
        self.write(Metric::Step(row), told)
    }

    /// Evaluates, writes the epoch's row and saves; whether it was not stopped meanwhile.
    fn end_epoch(&mut self, images_per_second: f64, told: &mut dyn FnMut(Event<'_>) -> bool) -> Result<bool> {
        let seconds = self.began.elapsed().as_secs_f64();
        let held_out = match self.split.validation.clone() {
            None => None,
            Some(loader) => match self.evaluate(&loader, "validation", told)? {
                None => return Ok(false),
                Some(evaluation) => Some(evaluation.score),
            },
        };
        let position = &self.trainer.position;
        let row = EpochRow {
            segment: position.segment,
            step: position.step,
            epoch: position.epoch + 1,
            loss: position.loss(),
            accuracy: position.accuracy(),
            held_out,
            seconds,
            images_per_second,
        };
        let accuracy = row.held_out.as_ref().map(|score| score.accuracy);
        self.trainer.end_epoch();
        // `None` is less than any number: nothing is chosen where nothing is held out.
        if accuracy > self.trainer.position.best {
            self.trainer.position.best = accuracy;
            self.save("best")?;
        }
        self.write(Metric::Epoch(row), told)?;
        self.save("last")?;
        Ok(true)
    }

    /// The network on the validation split or the test set; `None` where it was stopped.
    fn evaluate(
        &self,
        loader: &Loader,
        name: &str,
        told: &mut dyn FnMut(Event<'_>) -> bool,
    ) -> Result<Option<Evaluation>> {
        let total = loader.samples();
        let evaluation = evaluate(&self.trainer.network, loader, name, |done| told(Event::Evaluating { done, total }));
        match evaluation {
            Err(error) if error.is_non_finite() => Err(self.trainer.diverged(error)),
            other => other,
        }
    }

    fn write(&mut self, row: Metric, told: &mut dyn FnMut(Event<'_>) -> bool) -> Result<()> {
        self.metrics.append(&row)?;
        told(Event::Row(&row));
        Ok(())
    }

    fn save(&mut self, name: &str) -> Result<()> {
        // A checkpoint must not be newer than the rows before it.
        self.metrics.sync()?;
        checkpoint::save(&self.trainer, &self.folder.checkpoint(name))?;
        self.saved = Instant::now();
        Ok(())
    }

    fn end(&mut self, status: Status) -> Result<()> {
        self.info = self.info.clone().ended(status);
        self.folder.describe(&self.info)
    }
}
