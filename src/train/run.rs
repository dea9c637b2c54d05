//! A training run from its first step, or from a checkpoint, to its last: steps, metrics, evaluations and checkpoints.

use super::checkpoint::{Checkpoint, Loaded};
use super::config::Config;
use super::folder::RunFolder;
use super::info::{RunInfo, Status};
use super::initial::InitialWeights;
use super::position::{Position, StepReport};
use super::trainer::{Split, Trainer};
use super::warnings::{Chance, enlarged, warnings};
use super::{Evaluation, evaluate, fingerprint};
use crate::data::Progress;
use crate::data::{Loader, Sets, TestSet, findings};
use crate::error::{Error, Result};
use crate::record::{EpochRow, Journal, Metric, StepRow};
use std::time::Instant;

/// What a run reports while it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A step is done.
    Step {
        /// What it came to.
        report: StepReport,
        /// Where the run stands.
        position: &'a Position,
    },
    /// So many images of an evaluation are done.
    Evaluating {
        /// Images done.
        done: usize,
        /// All images.
        total: usize,
    },
    /// A row of metrics has been written.
    Row(&'a Metric),
}

/// A training run in a folder.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("run");
/// use evograd::train::{Config, Run, RunFolder, RunInfo, Status, read_metrics};
/// let sets = evograd::data::shapes_of(0, 40, 20)?;
/// let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
/// let config = Config::parse("", &set.map(String::from))?;
/// let mut run = Run::start(&path, config.clone(), &sets, RunInfo::new(0), &mut ())?;
/// // A run that is stopped after its first step goes on from there.
/// assert_eq!(run.train(&mut |_| false)?, Status::Interrupted);
/// assert_eq!((run.kept().last, run.trainer().position.step, run.split().test.samples()), (Some(1), 1, 20));
/// drop(run);
/// let mut run = Run::resume(RunFolder::open(&path)?, config, &sets, RunInfo::new(0), &mut ())?;
/// assert!(run.damage().is_none() && run.initial().is_none());
/// assert_eq!(run.train(&mut |_| true)?, Status::Finished);
/// println!("{} rows, {:?}", read_metrics(&path)?.len(), run.warnings());
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct Run {
    folder: RunFolder,
    trainer: Trainer,
    split: Split,
    metrics: Journal,
    info: RunInfo,
    /// What checkpoints know the run by.
    digest: String,
    /// What was wrong with the last checkpoint, where the one before had to be taken.
    damage: Option<Error>,
    /// The score on the test set, where the run is finished and it was written before.
    tested: Option<Metric>,
    /// The steps of the checkpoints, of those that there are.
    kept: Kept,
    began: Instant,
    saved: Instant,
    /// Up to when time was counted as spent on steps.
    counted: Instant,
}

/// After which steps the checkpoints of a run were saved; `None` where there is none.
///
/// ```
/// use evograd::train::Kept;
/// let only_best = Kept { best: Some(40), ..Kept::default() };
/// assert_eq!((only_best.last, only_best.best), (None, Some(40)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Kept {
    /// The one from which the run goes on.
    pub last: Option<u64>,
    /// The one of the best epoch.
    pub best: Option<u64>,
}

impl Run {
    /// A new run in an empty folder. `info` says what is known of it; `progress` gets how far the look at the images is.
    ///
    /// # Errors
    /// When the folder holds a run already, or settings, model and data do not fit together.
    pub fn start(
        path: &std::path::Path,
        config: Config,
        sets: &Sets,
        info: RunInfo,
        progress: &mut dyn Progress,
    ) -> Result<Run> {
        sets.check_test_labels()?;
        let split = Split::watched(&config, sets, progress)?;
        let mut trainer = Trainer::new(config, sets, &split.train)?;
        let initial = trainer.load_initial()?;
        let mut began = fingerprint::begin("train", trainer.config().to_toml(), sets, progress)?;
        began.normalise = Some(split.normalise.to_json());
        let digest = fingerprint::digest(&began)?;
        let warnings = warnings_of(&trainer, &split, sets, progress)?;
        let is_from_file = initial.is_some();
        let info = RunInfo { began: Some(began), warnings, initial, ..info }.begun(None);
        let folder = RunFolder::create(path, &trainer.config().to_toml(), &info, Some(&split.normalise))?;
        let mut run = Self::with(folder, trainer, split, info, digest)?;
        if is_from_file {
            // From here on the file of the weights is not needed any more.
            run.save("last")?;
        }
        Ok(run)
    }

    /// The run in a folder, as its last checkpoint has it; from the start where it has none yet. `info` says what is known of
    /// this segment; `progress` gets how far the look at the images is.
    ///
    /// # Errors
    /// When the settings, the data, the program or the instruction set is not that which the run began with, or the
    /// checkpoint cannot be loaded.
    pub fn resume(
        folder: RunFolder,
        config: Config,
        sets: &Sets,
        info: RunInfo,
        progress: &mut dyn Progress,
    ) -> Result<Run> {
        let (before, began) = folder.expect_same("train", &config.to_toml())?;
        let settings = Some(config.to_toml()).filter(|settings| *settings != began.settings);
        folder.expect_same_data(sets, &began, progress)?;
        let split = folder.split(&config, sets, &began, progress)?;
        let mut trainer = Trainer::new(config, sets, &split.train)?;
        let digest = fingerprint::digest(&began)?;
        let loaded = load(&folder, &mut trainer, &digest)?;
        if let (None, Some(initial)) = (&loaded, &before.initial) {
            initial.load_again(&mut trainer.network)?;
        }
        let (best, fault) = best_of(&folder.checkpoint("best"), &digest, &trainer.position);
        for checkpoint in ["last", "best"] {
            folder.checkpoint(checkpoint).remove_leftovers()?;
        }
        let rows = folder.rows()?;
        let counted = before.resumed_after.len() as u32;
        trainer.position.segment = rows.iter().map(Metric::segment).max().unwrap_or(0).max(counted) + 1;
        let tested = trainer.is_done().then(|| rows.last().filter(|row| matches!(row, Metric::Test(_)))).flatten();
        let mut info = match tested {
            // Nothing is computed any more; the warnings that came of the test are among those of before.
            Some(_) => {
                RunInfo { warnings: before.warnings.clone(), builds: before.builds.clone(), ..info.begun(Some(before)) }
            }
            None => {
                let warnings = warnings_of(&trainer, &split, sets, progress)?;
                RunInfo { warnings, ..info }.begun(Some(before))
            }
        };
        info.warnings.extend(fault);
        info.settings = settings;
        folder.describe(&info)?;
        let kept = Kept { last: loaded.is_some().then_some(trainer.position.step), best };
        let damage = loaded.and_then(|loaded| loaded.damage);
        Ok(Run { damage, tested: tested.cloned(), kept, ..Self::with(folder, trainer, split, info, digest)? })
    }

    fn with(folder: RunFolder, trainer: Trainer, split: Split, info: RunInfo, digest: String) -> Result<Run> {
        let (metrics, now) = (folder.metrics()?, Instant::now());
        let (damage, tested, kept) = (None, None, Kept::default());
        let [began, saved, counted] = [now; 3];
        Ok(Run { folder, trainer, split, metrics, info, digest, damage, tested, kept, began, saved, counted })
    }

    /// What was wrong with the last checkpoint, where the run goes on from the one before.
    pub fn damage(&self) -> Option<&Error> {
        self.damage.as_ref()
    }

    /// What is saved of it.
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// The trainer.
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// The weights that it began with, where they came from a file.
    pub fn initial(&self) -> Option<&InitialWeights> {
        self.info.initial.as_ref()
    }

    /// What is probably not meant, as far as it is known by now.
    pub fn warnings(&self) -> &[String] {
        &self.info.warnings
    }

    /// The samples.
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Trains to the end, or until `on_event` answers that it is to stop: then the run is saved and can be resumed. Of a run that
    /// was finished, `on_event` gets the test's row once more, and the test set is not looked at again.
    ///
    /// # Errors
    /// When a step or an evaluation diverges ([`Error::Diverged`]), or a file cannot be read or written. `run.json` says so.
    pub fn train(&mut self, on_event: &mut dyn FnMut(Event<'_>) -> bool) -> Result<Status> {
        let outcome = self.epochs(on_event);
        let status = match &outcome {
            Ok(status) => status.clone(),
            Err(error @ Error::Diverged { .. }) => Status::Diverged(error.to_string()),
            Err(error) => Status::Failed(error.to_string()),
        };
        let described = self.end(status);
        outcome.and_then(|status| described.map(|()| status))
    }

    fn epochs(&mut self, on_event: &mut dyn FnMut(Event<'_>) -> bool) -> Result<Status> {
        if let Some(row) = &self.tested {
            on_event(Event::Row(row));
            return Ok(Status::Finished);
        }
        // Before the first row, so that a checkpoint which is missing beside rows has been lost.
        if !self.folder.checkpoint("last").exists()? {
            self.save("last")?;
        }
        while self.trainer.position.epoch < self.trainer.config().training.epochs {
            if !self.epoch(on_event)? {
                self.save("last")?;
                return Ok(Status::Interrupted);
            }
        }
        let Some(Evaluation { score, confusion }) = self.evaluate(&self.split.test, "test", on_event)? else {
            return Ok(Status::Interrupted);
        };
        let chance = Chance::of(&confusion.iter().map(|answers| answers.iter().sum()).collect::<Vec<usize>>());
        if chance.explains(&score) {
            self.info.warnings.push(chance.warning(&score));
        }
        self.write(Metric::Test(score), on_event)?;
        // So that the score cannot be changed unnoticed either.
        self.save("last")?;
        Ok(Status::Finished)
    }

    /// The rest of the present epoch; whether it ran to its end.
    fn epoch(&mut self, on_event: &mut dyn FnMut(Event<'_>) -> bool) -> Result<bool> {
        let Position { epoch, batch, .. } = self.trainer.position;
        self.counted = Instant::now();
        let batches = self.split.train.epoch(epoch, batch);
        for batch in self.saved_before(batches)? {
            let report = batch.and_then(|batch| self.trainer.step(&batch));
            let report = self.saved_before(report)?;
            let now = Instant::now();
            self.trainer.position.spend(now.duration_since(self.counted).as_secs_f64());
            self.counted = now;
            let Position { step, batch, .. } = self.trainer.position;
            let ends = batch == self.split.train.batches();
            if ends || step.is_multiple_of(self.trainer.config().training.log_every) {
                self.log_steps(&report, on_event)?;
            }
            if !on_event(Event::Step { report, position: &self.trainer.position }) {
                return Ok(false);
            }
            if self.saved.elapsed().as_secs_f64() >= self.trainer.config().training.checkpoint_seconds {
                self.save("last")?;
            }
        }
        self.end_epoch(on_event)
    }

    fn log_steps(&mut self, report: &StepReport, on_event: &mut dyn FnMut(Event<'_>) -> bool) -> Result<()> {
        let window = std::mem::take(&mut self.trainer.position.window);
        let position = &self.trainer.position;
        let row = StepRow {
            segment: position.segment,
            step: position.step,
            epoch: position.epoch + 1,
            loss: window.loss(),
            accuracy: window.accuracy(),
            rate: report.rate,
            gradient_norm: report.gradient_norm,
            images_per_second: window.images_per_second(),
        };
        self.write(Metric::Step(row), on_event)
    }

    /// Evaluates, writes the epoch's row and saves; whether it was not stopped meanwhile.
    fn end_epoch(&mut self, on_event: &mut dyn FnMut(Event<'_>) -> bool) -> Result<bool> {
        let seconds = self.began.elapsed().as_secs_f64();
        let held_out = match self.split.validation.clone() {
            None => None,
            Some(loader) => {
                let evaluation = self.evaluate(&loader, "validation", on_event);
                match self.saved_before(evaluation)? {
                    None => return Ok(false),
                    Some(evaluation) => Some(evaluation.score),
                }
            }
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
            images_per_second: position.images_per_second(),
        };
        let accuracy = row.held_out.as_ref().map(|score| score.accuracy);
        self.trainer.end_epoch();
        // `None` is less than any number: nothing is chosen where nothing is held out.
        if accuracy > self.trainer.position.best {
            self.trainer.position.best = accuracy;
            self.save("best")?;
        }
        self.write(Metric::Epoch(row), on_event)?;
        self.save("last")?;
        Ok(true)
    }

    /// Saves what was trained before an error that is none of the training's own, such as an image that cannot be read, or
    /// memory or a thread that is refused: then the run goes on from there.
    fn saved_before<T>(&mut self, outcome: Result<T>) -> Result<T> {
        if outcome.as_ref().is_err_and(|error| !matches!(error, Error::Diverged { .. })) {
            // Where it cannot be saved either, the first error is the one to be reported.
            let _ = self.save("last");
        }
        outcome
    }

    /// The network on the validation split or the test set; `None` where it was stopped.
    fn evaluate(
        &self,
        loader: &Loader,
        name: &str,
        on_event: &mut dyn FnMut(Event<'_>) -> bool,
    ) -> Result<Option<Evaluation>> {
        let total = loader.samples();
        let evaluation =
            evaluate(&self.trainer.network, loader, name, |done| on_event(Event::Evaluating { done, total }));
        match evaluation {
            Err(error) if error.is_non_finite() => Err(self.trainer.diverged(error)),
            other => other,
        }
    }

    fn write(&mut self, row: Metric, on_event: &mut dyn FnMut(Event<'_>) -> bool) -> Result<()> {
        self.metrics.append(&row)?;
        on_event(Event::Row(&row));
        Ok(())
    }

    fn save(&mut self, name: &str) -> Result<()> {
        // A checkpoint must not be newer than the rows before it.
        self.metrics.sync()?;
        self.folder.expect_in_place()?;
        self.folder.checkpoint(name).save(&self.trainer, &self.digest, Some(self.metrics.extent()))?;
        let kept = if name == "last" { &mut self.kept.last } else { &mut self.kept.best };
        *kept = Some(self.trainer.position.step);
        self.saved = Instant::now();
        Ok(())
    }

    fn end(&mut self, status: Status) -> Result<()> {
        self.info = self.info.clone().ended(status);
        self.folder.describe(&self.info)
    }
}

/// What is probably not meant, before the first step.
fn warnings_of(trainer: &Trainer, split: &Split, sets: &Sets, progress: &mut dyn Progress) -> Result<Vec<String>> {
    let mut all = warnings(trainer.config(), split.train.samples());
    all.extend(enlarged(&*sets.train));
    all.extend(findings(sets, TestSet::Used, progress)?);
    Ok(all)
}

/// Sets a trainer to the checkpoint `last`; `None` where there is none yet. Rows behind it are taken away: they are of steps that
/// are taken again, and written again.
fn load(folder: &RunFolder, trainer: &mut Trainer, digest: &str) -> Result<Option<Loaded>> {
    let last = folder.checkpoint("last");
    if !last.exists()? {
        expect_no_rows(folder, &folder.rows()?)?;
        return Ok(None);
    }
    let loaded = last.load(trainer, digest, Some(&folder.metrics_path()))?;
    if let Some(rows) = &loaded.rows {
        folder.metrics()?.cut(rows)?;
    }
    Ok(Some(loaded))
}

/// The step of the checkpoint `best`, if it is the one that a run had which stands at `position`; and what is wrong otherwise.
fn best_of(best: &Checkpoint, digest: &str, position: &Position) -> (Option<u64>, Option<String>) {
    let percent = |accuracy: Option<f64>| accuracy.map_or("none".into(), |x| format!("{:.2} %", 100.0 * x));
    let fault = match (best.position(digest), position.best) {
        (Ok(None), None) => return (None, None),
        (Ok(None), Some(_)) => {
            format!("checkpoints/best is missing, of an epoch with an accuracy of {}", percent(position.best))
        }
        // Where the process was killed before `last` was saved, `best` is of an epoch to come; it is saved once its epoch has ended,
        // which may be at the very step of `last`.
        (Ok(Some(found)), known) if found.best == known || found.epoch > position.epoch => {
            return (Some(found.step), None);
        }
        (Ok(Some(found)), known) => format!(
            "checkpoints/best was exchanged: it is of an accuracy of {}, and the best of this run was {}",
            percent(found.best),
            percent(known)
        ),
        (Err(Error::File { path, problem, .. }), _) => format!("{path}: {problem}"),
        (Err(error), _) => error.to_string(),
    };
    let remedy = "restore checkpoints/best from a copy, or there is none until a later epoch is better";
    (None, Some(format!("{fault}; {remedy}")))
}

/// Before its first row a run has a checkpoint. So where there are rows and none, it has been lost, and what was trained must
/// not be trained again in silence.
fn expect_no_rows(folder: &RunFolder, rows: &[Metric]) -> Result<()> {
    let problem = match rows.last() {
        None => return Ok(()),
        Some(Metric::Step(row)) => format!("step {} is done", row.step),
        Some(Metric::Epoch(row)) => format!("epoch {} is done", row.epoch),
        Some(Metric::Test(_)) => "the run is finished".into(),
    };
    let problem = format!("{problem}, and the checkpoint last is missing");
    Err(Error::file(folder.path(), problem, "restore checkpoints/last from a copy, or start a new run"))
}
