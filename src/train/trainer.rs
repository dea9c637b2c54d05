//! Training steps: a batch, the loss, its gradient, and the optimiser. Knows where it stands; knows no files.

use super::config::Config;
use super::evaluate::correct_predictions;
use super::position::{Position, StepReport};
use crate::data::Progress;
use crate::data::{Augment, Batch, Dataset, Loader, Loading, Normalise, Sets, stratified};
use crate::error::{Error, Result};
use crate::mode::checked;
use crate::models::{Network, Spec};
use crate::optim::Optimizer;
use crate::schedule::Schedule;
use crate::tape::Tape;
use crate::tensor::{Tensor, within_memory};
use std::sync::Arc;

/// Numbers in the images of an evaluation's batch, at most: 250 images of CIFAR's size, 5 of ImageNet's.
const EVALUATION_NUMBERS: usize = 250 * 3 * 32 * 32;

/// The samples of a run.
///
/// ```
/// use evograd::train::{Config, Split};
/// let sets = evograd::data::shapes_of(0, 40, 20)?;
/// let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
/// let config = Config::parse("", &set.map(String::from))?;
/// let split = Split::new(&config, &sets)?;
/// assert_eq!((split.train.samples(), split.test.samples()), (32, 20));
/// // Where the statistics are known, no image is read; and progress can be watched.
/// Split::with(&config, &sets, Some(split.normalise.clone()))?;
/// Split::watched(&config, &sets, &mut ())?;
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct Split {
    /// What is trained on.
    pub train: Loader,
    /// What is held out of the training images to choose by, if anything is.
    pub validation: Option<Loader>,
    /// The test set, which is evaluated once, after the last epoch.
    pub test: Loader,
    /// What images are normalised by.
    pub normalise: Normalise,
}

/// A network that is being trained.
///
/// ```
/// use evograd::train::{Config, Split, Trainer};
/// let sets = evograd::data::shapes_of(0, 40, 20)?;
/// let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
/// let config = Config::parse("", &set.map(String::from))?;
/// config.check_data(&sets)?;
/// let split = Split::new(&config, &sets)?;
/// let mut trainer = Trainer::new(config, &sets, &split.train)?;
/// let rate = trainer.rate();
/// for batch in split.train.epoch(0, 0)? {
///     let report = trainer.step(&batch?)?;
///     assert!(report.loss > 0.0 && report.images == 8);
/// }
/// assert!(trainer.position.loss() > 0.0 && trainer.position.accuracy() <= 1.0);
/// trainer.end_epoch();
/// assert_eq!((trainer.position.step, trainer.position.epoch), (trainer.steps(), trainer.config().training.epochs));
/// assert!(trainer.rate() <= rate);
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct Trainer {
    /// The network.
    pub network: Network,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Where the run stands.
    pub position: Position,
    config: Config,
    course: Schedule,
    steps_per_epoch: u64,
}

impl Split {
    /// Draws the samples of a run from a set, and normalises by those that are trained on.
    ///
    /// # Errors
    /// When a setting makes no sense, there are too few samples, or an image cannot be read.
    pub fn new(config: &Config, sets: &Sets) -> Result<Split> {
        Self::draw(config, sets, None, &mut ())
    }

    /// As [`Split::new`]; `progress` gets how far the statistics of images that have to be decoded are.
    ///
    /// # Errors
    /// As [`Split::new`].
    pub fn watched(config: &Config, sets: &Sets, progress: &mut dyn Progress) -> Result<Split> {
        Self::draw(config, sets, None, progress)
    }

    /// As [`Split::new`], normalised by statistics that are known; then no image is read.
    ///
    /// # Errors
    /// As [`Split::new`].
    pub fn with(config: &Config, sets: &Sets, normalise: Option<Normalise>) -> Result<Split> {
        Self::draw(config, sets, normalise, &mut ())
    }

    fn draw(config: &Config, sets: &Sets, normalise: Option<Normalise>, progress: &mut dyn Progress) -> Result<Split> {
        config.check()?;
        sets.check()?;
        expect_smaller(config, sets.train.shape())?;
        let data = &config.data;
        let all: Vec<usize> = (0..sets.train.len()).collect();
        let draw = |from: &[usize], count, key: &str| {
            stratified(&*sets.train, from, count, data.split_seed).map_err(|error| error.at(key))
        };
        let held_out = data.validation_of(all.len());
        let wanted = expect_enough(all.len(), held_out, data.samples)?;
        let (validation, rest) = draw(&all, held_out, "data.validation")?;
        let (samples, _) = draw(&rest, wanted, "data.samples")?;
        let estimate = |progress| Normalise::estimate(&*sets.train, &samples, data.split_seed, progress);
        let normalise = normalise.map_or_else(|| estimate(progress), Ok)?;
        expect_something(&normalise, samples.len(), sets.train.shape())?;
        let training = &config.training;
        let train = Loading {
            batch: training.batch,
            seed: training.seed,
            training: true,
            augment: config.augment(),
            disturb: training.disturb_label,
            threads: data.threads,
        };
        let numbers: usize = sets.train.shape().iter().product();
        let (batch, augment) = ((EVALUATION_NUMBERS / numbers).max(1), Augment::default());
        let evaluation = Loading { batch, training: false, augment, disturb: 0.0, ..train.clone() };
        let held = |set: &Arc<dyn Dataset>, samples: &[usize]| {
            Loader::new(set.clone(), samples, normalise.clone(), evaluation.clone())
        };
        let test = held(&sets.test, &(0..sets.test.len()).collect::<Vec<_>>())?;
        let validation = match validation.as_slice() {
            [] => None,
            samples => Some(held(&sets.train, samples)?),
        };
        let train = Loader::new(sets.train.clone(), &samples, normalise.clone(), train)?;
        Ok(Split { train, validation, test, normalise })
    }
}

impl Config {
    /// Whether the data have what the settings ask for, and the network fits them. No image is read.
    ///
    /// # Errors
    /// When it is not so.
    pub fn check_data(&self, sets: &Sets) -> Result<()> {
        let shape = sets.train.shape();
        Split::with(self, sets, Some(Normalise::usual(shape[0])))?;
        self.spec(shape, sets.train.classes().len())?.plan().map(drop)
    }
}

impl Trainer {
    /// A network with its first weights, about to be trained on a loader's batches.
    ///
    /// # Errors
    /// When the model is unknown, does not fit the images or has no use for a choice, or the system has not the memory.
    pub fn new(config: Config, sets: &Sets, train: &Loader) -> Result<Trainer> {
        Self::of(&config.spec(sets.train.shape(), sets.train.classes().len())?, config, train)
    }

    /// As [`Trainer::new`], of any network; the model of the settings is not looked at.
    ///
    /// ```
    /// use evograd::models::Spec;
    /// use evograd::nn::{Flatten, Linear};
    /// use evograd::train::{Config, Split, Trainer};
    /// let sets = evograd::data::shapes_of(0, 40, 20)?;
    /// let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
    /// let config = Config::parse("", &set.map(String::from))?;
    /// let split = Split::new(&config, &sets)?;
    /// let mut spec = Spec::new("own", [3, 32, 32]);
    /// let flat = spec.add("flat", Flatten, &[spec.image()]);
    /// spec.add("fc", Linear { features: sets.train.classes().len() }, &[flat]);
    /// assert_eq!(Trainer::of(&spec, config, &split.train)?.network.plan().layers().len(), 2);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the network does not fit together, or the system has not the memory.
    pub fn of(spec: &Spec, config: Config, train: &Loader) -> Result<Trainer> {
        let network = Network::new(spec, config.training.seed)?;
        let decays = network.roles().map(|role| config.decay(role)).collect();
        let optimizer = Optimizer::new(config.rule(), network.weights(), decays)?;
        let (course, steps_per_epoch) = (config.course(), train.batches() as u64);
        Ok(Trainer { network, optimizer, position: Position::default(), config, course, steps_per_epoch })
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All steps of the run.
    pub fn steps(&self) -> u64 {
        self.steps_per_epoch * u64::from(self.config.training.epochs)
    }

    /// Whether the last step is done, and nothing after it.
    pub(super) fn is_done(&self) -> bool {
        self.position.epoch == self.config.training.epochs && self.position.batch == 0
    }

    /// Whether the run comes to this place.
    pub(super) fn can_stand_at(&self, place: &Position) -> bool {
        let (epoch, batch) = (u64::from(place.epoch), place.batch as u64);
        let within = epoch <= self.config.training.epochs.into() && batch <= self.steps_per_epoch;
        within && place.step == epoch * self.steps_per_epoch + batch
    }

    /// The learning rate of the next step.
    pub fn rate(&self) -> f64 {
        let warmup = (self.config.schedule.warmup * self.steps_per_epoch as f64).round() as u64;
        self.config.optimizer.rate * self.course.share(self.position.step, self.steps(), warmup)
    }

    /// One step on a batch.
    ///
    /// # Errors
    /// When the loss or the gradient is not finite: [`Error::Diverged`], which names the layer and the operation that
    /// first made such a value. And when the batch does not fit the network, or the system has not the memory. Weights, running
    /// statistics and the optimiser's memory are then those before the step.
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport> {
        let running = self.network.running().to_vec();
        let outcome = within_memory(|| self.attempt(batch)).flatten();
        if outcome.is_err() {
            self.network.set_running(running);
        }
        outcome
    }

    /// [`Trainer::step`], which an error may end after the running statistics have moved.
    fn attempt(&mut self, batch: &Batch) -> Result<StepReport> {
        let (gradients, mut report) = self.gradients(batch).or_else(|error| self.explained(batch, error))?;
        report.gradient_norm = norm(&gradients);
        for (what, value) in [("loss", report.loss), ("norm of the gradient", report.gradient_norm)] {
            if !value.is_finite() {
                let problem = format!("the {what} is {value}");
                let error = Error::op("train", problem, &[], "lower the learning rate");
                return self.explained(batch, error).map_err(|error| self.diverged(error));
            }
        }
        let gradients = self.clip(gradients, report.gradient_norm);
        let moved = self.optimizer.step(self.network.weights_mut(), &gradients, report.rate);
        moved.map_err(|error| if error.is_non_finite() { self.diverged(error) } else { error })?;
        self.position.advance(&report);
        Ok(report)
    }

    /// The gradient of the loss of a batch, of every weight.
    fn gradients(&mut self, batch: &Batch) -> Result<(Vec<Tensor>, StepReport)> {
        let tape = Tape::new();
        let (seed, smoothing) = (self.config.training.seed, self.config.training.label_smoothing);
        let (logits, leaves) = self.network.train(&tape, &batch.images, seed, self.position.step as u32)?;
        let correct = correct_predictions(logits.value().as_slice(), &batch.truth);
        let loss = logits.cross_entropy(&batch.labels, smoothing)?;
        let mut gradients = tape.backward(&loss)?;
        let take = |leaf| match gradients.take(leaf) {
            Some(gradient) => Ok(gradient),
            None => Tensor::zeros(leaf.value().shape()),
        };
        let taken = leaves.iter().map(take).collect::<Result<Vec<_>>>()?;
        let loss = f64::from(loss.item()?);
        Ok((taken, StepReport { loss, correct, images: batch.truth.len(), rate: self.rate(), gradient_norm: 0.0 }))
    }

    /// Runs the step again with every value checked, to name where the first one that is not finite came from. An error of
    /// another kind stays as it is.
    fn explained<T>(&mut self, batch: &Batch, error: Error) -> Result<T> {
        match checked(|| self.gradients(batch)) {
            Err(found) if found.is_non_finite() => Err(self.diverged(found)),
            _ => Err(error),
        }
    }

    /// That the step about to be taken diverged, or the evaluation after the last one.
    pub(super) fn diverged(&self, error: Error) -> Error {
        if matches!(error, Error::Diverged { .. }) {
            return error;
        }
        let (step, epoch) = (self.position.step + 1, self.position.epoch + 1);
        Error::Diverged { step, epoch, source: Box::new(error) }
    }

    /// Shortens gradients whose norm is too long.
    fn clip(&self, mut gradients: Vec<Tensor>, norm: f64) -> Vec<Tensor> {
        let limit = self.config.training.clip;
        if limit > 0.0 && norm > limit {
            // In f64, since the share may be too small for f32.
            let shorten = |x: &mut f32| *x = (f64::from(*x) * limit / norm) as f32;
            gradients.iter_mut().for_each(|gradient| gradient.as_mut_slice().iter_mut().for_each(shorten));
        }
        gradients
    }

    /// Leaves the epoch that has ended.
    pub fn end_epoch(&mut self) {
        let Position { epoch, step, best, segment, .. } = self.position;
        self.position = Position { epoch: epoch + 1, step, best, segment, ..Position::default() };
    }
}

/// How many samples are trained on, of so many images of which some are held out.
///
/// # Errors
/// When there are not enough for both.
fn expect_enough(all: usize, held_out: usize, samples: usize) -> Result<usize> {
    let refuse = |problem: String, remedy: String| Err(Error::op("configuration", problem, &[], remedy));
    if held_out >= all {
        let problem = format!("data.validation holds out {held_out} images, and the training set has {all}");
        return refuse(problem, format!("hold out fewer: data.validation={}", all / 5));
    }
    match (samples, all - held_out) {
        (0, rest) => Ok(rest),
        (samples, rest) if samples <= rest => Ok(samples),
        (samples, rest) => {
            let problem = format!(
                "data.samples asks for {samples} images, and {rest} of {all} are left where data.validation is {held_out}"
            );
            refuse(problem, format!("ask for at most {rest}: data.samples={rest}"))
        }
    }
}

/// Refuses crops and holes that leave nothing of an image.
fn expect_smaller(config: &Config, [_, rows, columns]: [usize; 3]) -> Result<()> {
    let Augment { crop, cutout, .. } = config.augment();
    let (limit, given) = (rows.min(columns), [("data.crop", crop), ("data.cutout", cutout)]);
    match given.into_iter().find(|(_, pixels)| *pixels >= limit) {
        None => Ok(()),
        Some((key, pixels)) => {
            let problem = format!("{key} is {pixels}, and images have {rows}×{columns} pixels");
            Err(Error::op("configuration", problem, &[], "use a number below their sides"))
        }
    }
}

/// Refuses images of which every pixel is the same, as where files of other contents were taken for images.
fn expect_something(normalise: &Normalise, images: usize, [_, rows, columns]: [usize; 3]) -> Result<()> {
    if images * rows * columns == 1 || normalise.deviation().iter().any(|deviation| *deviation > 0.0) {
        return Ok(());
    }
    let problem = format!("all pixels of {images} training images have one colour, so there is nothing to learn from");
    Err(Error::op("data", problem, &[], "see whether their files are the right ones, and get the set anew"))
}

/// The length of all gradients together. Summed in `f64` and in order, so that it is the same on any number of threads.
fn norm(gradients: &[Tensor]) -> f64 {
    let squares = |gradient: &Tensor| gradient.as_slice().iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    gradients.iter().map(squares).sum::<f64>().sqrt()
}
