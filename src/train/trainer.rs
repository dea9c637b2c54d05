//! Training steps: a batch, the loss, its gradient, and the optimiser. Knows where it stands; knows no files.

use super::config::Config;
use super::evaluate::correct_predictions;
use super::hooks::{Hooks, Seen};
use super::initial::InitialWeights;
use super::position::{Position, StepReport};
use crate::data::Progress;
use crate::data::{Augment, Batch, Dataset, Loader, Loading, Normalise, Sets, stratified};
use crate::error::{Error, Result};
use crate::mode::checked;
use crate::models::{Network, Spec};
use crate::optim::{Optimizer, OwnRule};
use crate::setting::shown;
use crate::tape::{Tape, Var};
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
    /// The learning rate of a step, of so many.
    course: Box<Course>,
    steps_per_epoch: u64,
    hooks: Option<Hooks>,
}

/// The learning rate of a step, counted from 0, of so many.
type Course = dyn Fn(u64, u64) -> f64 + Send + Sync;

/// The loss of what a network gives, and how many of its answers are correct where that is counted.
type Judge<'a> = dyn FnMut(&Var) -> Result<(Var, usize)> + 'a;

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
        Self::with_steps(spec, config, train.batches() as u64)
    }

    /// As [`Trainer::of`], for data of one's own, which are handed to [`Trainer::step_on`]: an epoch is so many steps.
    ///
    /// ```
    /// use evograd::models::Spec;
    /// use evograd::nn::{Flatten, Linear};
    /// use evograd::train::{Config, Trainer};
    /// use evograd::{Tensor, Var};
    /// // Four numbers in, their sum and the first one out.
    /// let mut spec = Spec::new("sums", [4, 1, 1]);
    /// let flat = spec.add("flat", Flatten, &[spec.image()]);
    /// spec.add("fc", Linear { features: 2 }, &[flat]);
    /// let x = Tensor::from_fn([16, 4, 1, 1], |i| (i as f32 * 0.7).sin())?;
    /// let row = |n: usize| &x.as_slice()[4 * n..4 * n + 4];
    /// let y = Var::constant(Tensor::from_fn([16, 2], |i| if i % 2 == 0 { row(i / 2).iter().sum() } else { row(i / 2)[0] })?);
    /// let config = Config::parse("", &["training.epochs=1", "optimizer.rate=0.2"].map(String::from))?;
    /// let mut trainer = Trainer::with_steps(&spec, config, 60)?.with_rate(|step, steps| 0.4 * (1.0 - step as f64 / steps as f64));
    /// let mut losses = Vec::new();
    /// for _ in 0..trainer.steps() {
    ///     let report = trainer.step_on(&x, |output| {
    ///         let error = output.sub(&y)?;
    ///         error.mul(&error)?.mean_all()
    ///     })?;
    ///     losses.push(report.loss);
    /// }
    /// assert!(losses[59] < 0.1 * losses[0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Trainer::of`]; and when a setting makes no sense, or there are no steps.
    pub fn with_steps(spec: &Spec, config: Config, steps_per_epoch: u64) -> Result<Trainer> {
        config.check()?;
        if steps_per_epoch == 0 {
            let problem = "an epoch has 0 steps";
            return Err(Error::op(
                "trainer",
                problem,
                &[],
                "give the number of batches that are trained on in an epoch",
            ));
        }
        let mut network = Network::new(spec, config.training.seed)?;
        let mut patterns = config.training.freeze.iter();
        patterns.try_for_each(|pattern| network.freeze(pattern).map(drop)).map_err(|e| e.at("training.freeze"))?;
        let optimizer = Optimizer::new(config.rule(), network.weights(), decays(&config, &network))?;
        let course = course_of(&config, steps_per_epoch);
        Ok(Trainer { network, optimizer, position: Position::default(), config, course, steps_per_epoch, hooks: None })
    }

    /// The same, with weights that follow their gradients by a rule of one's own instead of the one of the settings. Their decay
    /// stays that of the settings.
    ///
    /// ```
    /// use evograd::models::Spec;
    /// use evograd::nn::{Flatten, Linear};
    /// use evograd::train::{Config, Trainer};
    /// use evograd::{OwnRule, Result, RuleStep, Tensor};
    ///
    /// #[derive(Debug)]
    /// struct Descent;
    ///
    /// impl OwnRule for Descent {
    ///     fn name(&self) -> &'static str {
    ///         "descent"
    ///     }
    ///     fn step(&self, weight: &mut Tensor, _: &mut [Tensor], gradient: &Tensor, at: RuleStep) -> Result<()> {
    ///         let pairs = weight.as_mut_slice().iter_mut().zip(gradient.as_slice());
    ///         pairs.for_each(|(w, dw)| *w -= at.rate as f32 * dw);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let mut spec = Spec::new("own", [1, 2, 2]);
    /// let flat = spec.add("flat", Flatten, &[spec.image()]);
    /// spec.add("fc", Linear { features: 1 }, &[flat]);
    /// let mut trainer = Trainer::with_steps(&spec, Config::default(), 10)?.with_rule(Descent)?;
    /// trainer.step_on(&Tensor::zeros([8, 1, 2, 2])?, |output| output.mean_all())?;
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Optimizer::own`].
    pub fn with_rule(mut self, rule: impl OwnRule + 'static) -> Result<Trainer> {
        self.optimizer = Optimizer::own(rule, self.network.weights(), decays(&self.config, &self.network))?;
        Ok(self)
    }

    /// The same, with a course of the learning rate of one's own instead of that of the settings: `rate` gets the step, counted from
    /// 0, and the number of all steps.
    pub fn with_rate(self, rate: impl Fn(u64, u64) -> f64 + Send + Sync + 'static) -> Trainer {
        Trainer { course: Box::new(rate), ..self }
    }

    /// The same, with functions that look inside each step: `output` is called with the name and the output of each layer, in the
    /// order in which they run, and then `gradient` with the gradient of the loss with respect to these outputs, from the last to the first.
    /// A batch normalisation that is trained as a part of the fusion behind it has no output of its own. Nothing that is learned
    /// changes; without hooks nothing is kept or called.
    ///
    /// ```
    /// use evograd::models::Spec;
    /// use evograd::nn::{Flatten, Linear};
    /// use evograd::train::{Config, Trainer};
    /// use evograd::{Tensor, Var};
    /// use std::sync::{Arc, Mutex};
    /// let mut spec = Spec::new("own", [2, 1, 1]);
    /// let flat = spec.add("flat", Flatten, &[spec.image()]);
    /// spec.add("fc", Linear { features: 3 }, &[flat]);
    /// let lines = Arc::new(Mutex::new(Vec::new()));
    /// let [forward, backward] = [lines.clone(), lines.clone()];
    /// let mut trainer = Trainer::with_steps(&spec, Config::default(), 10)?.with_hooks(
    ///     move |layer, y| forward.lock().unwrap().push(format!("{layer} gives {}", y.shape())),
    ///     move |layer, dy| backward.lock().unwrap().push(format!("{layer} gets {}", dy.shape())),
    /// );
    /// trainer.step_on(&Tensor::full([8, 2, 1, 1], 1.0)?, Var::mean_all)?;
    /// assert_eq!(*lines.lock().unwrap(), ["flat gives [8, 2]", "fc gives [8, 3]", "fc gets [8, 3]"]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn with_hooks(
        self,
        output: impl FnMut(&str, &Tensor) + Send + Sync + 'static,
        gradient: impl FnMut(&str, &Tensor) + Send + Sync + 'static,
    ) -> Trainer {
        Trainer { hooks: Some(Hooks::new(output, gradient)), ..self }
    }

    /// Sets weights to those of the file that the settings name, where they name one: `training.init_from`.
    ///
    /// ```
    /// use evograd::models::{self, Options};
    /// use evograd::train::{Config, Trainer};
    /// let spec = models::spec("linear", &Options::default())?;
    /// let mut trainer = Trainer::with_steps(&spec, Config::default(), 10)?;
    /// assert_eq!(trainer.load_initial(), Ok(None));
    /// let config = Config::parse("", &["training.init_from=none.safetensors".into()])?;
    /// let error = Trainer::with_steps(&spec, config, 10)?.load_initial().unwrap_err().to_string();
    /// assert!(error.starts_with("training.init_from: none.safetensors: "), "{error}");
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`InitialWeights::load`].
    pub fn load_initial(&mut self) -> Result<Option<InitialWeights>> {
        let from = self.config.training.init_from.clone();
        let loaded = from.map(|from| InitialWeights::load(&from, &mut self.network)).transpose();
        loaded.map_err(|error| error.at("training.init_from"))
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
        (self.course)(self.position.step, self.steps())
    }

    /// One step on a batch of labelled images.
    ///
    /// # Errors
    /// When the loss or the gradient is not finite: [`Error::Diverged`], which names the layer and the operation that
    /// first made such a value. And when the batch does not fit the network, or the system has not the memory. Weights, running
    /// statistics and the optimiser's memory are then those before the step.
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport> {
        let smoothing = self.config.training.label_smoothing;
        self.judged_step(&batch.images, &mut |logits| {
            let correct = correct_predictions(logits.value().as_slice(), &batch.truth);
            Ok((logits.cross_entropy(&batch.labels, smoothing)?, correct))
        })
    }

    /// One step on images or features `[N, C, H, W]` of any kind: `loss` makes a single number of what the network gives, and
    /// is where targets enter. It may be asked twice, where it has to be found out what diverged.
    ///
    /// ```
    /// use evograd::models::Spec;
    /// use evograd::nn::{Flatten, Linear};
    /// use evograd::train::{Config, Trainer};
    /// use evograd::{Tensor, Var};
    /// let mut spec = Spec::new("own", [2, 1, 1]);
    /// let flat = spec.add("flat", Flatten, &[spec.image()]);
    /// spec.add("fc", Linear { features: 3 }, &[flat]);
    /// let mut trainer = Trainer::with_steps(&spec, Config::default(), 10)?;
    /// let target = Var::constant(Tensor::full([8, 3], 0.5)?);
    /// let report = trainer.step_on(&Tensor::full([8, 2, 1, 1], 1.0)?, |output| {
    ///     let error = output.sub(&target)?;
    ///     error.mul(&error)?.mean_all()
    /// })?;
    /// assert!(report.loss > 0.0 && report.gradient_norm > 0.0 && report.images == 8);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Trainer::step`]; and when the loss is not a single number, or does not depend on what the network gives.
    pub fn step_on(&mut self, images: &Tensor, mut loss: impl FnMut(&Var) -> Result<Var>) -> Result<StepReport> {
        self.judged_step(images, &mut |output| Ok((loss(output)?, 0)))
    }

    /// [`Trainer::step_on`], with the number of correct answers.
    fn judged_step(&mut self, images: &Tensor, judge: &mut Judge) -> Result<StepReport> {
        let running = self.network.running().to_vec();
        let outcome = within_memory(|| self.attempt(images, judge)).flatten();
        if outcome.is_err() {
            self.network.set_running(running);
        }
        outcome
    }

    /// [`Trainer::judged_step`], which an error may end after the running statistics have moved.
    fn attempt(&mut self, images: &Tensor, judge: &mut Judge) -> Result<StepReport> {
        self.expect_rate()?;
        let mut hooks = self.hooks.take();
        let found = self.gradients(images, judge, hooks.as_mut());
        self.hooks = hooks;
        let (gradients, mut report) = found.or_else(|error| self.explained(images, judge, error))?;
        report.gradient_norm = norm(&gradients);
        for (what, value) in [("loss", report.loss), ("norm of the gradient", report.gradient_norm)] {
            if !value.is_finite() {
                let problem = format!("the {what} is {value}");
                let error = Error::op("train", problem, &[], "lower the learning rate");
                return self.explained(images, judge, error).map_err(|error| self.diverged(error));
            }
        }
        let gradients = self.clip(gradients, report.gradient_norm);
        let moved = self.optimizer.step_some(self.network.weights_mut(), &gradients, report.rate);
        moved.map_err(|error| if error.is_non_finite() { self.diverged(error) } else { error })?;
        self.position.advance(&report);
        Ok(report)
    }

    /// Refuses a rate that no step can be taken with, as courses may come to behind the last step.
    fn expect_rate(&self) -> Result<()> {
        let (rate, step, steps) = (self.rate(), self.position.step, self.steps());
        if rate.is_finite() && rate >= 0.0 {
            return Ok(());
        }
        let problem = format!("the learning rate of step {step} of {steps}, counted from 0, is {}", shown(rate));
        let remedy = match step < steps {
            true => "let the course of the rate give finite numbers that are not negative",
            false => "the run is over: raise training.epochs or the steps of an epoch to train longer",
        };
        Err(Error::op("train", problem, &[], remedy))
    }

    /// The gradient of the loss of a batch, of every weight that is not frozen.
    fn gradients(
        &mut self,
        images: &Tensor,
        judge: &mut Judge,
        mut hooks: Option<&mut Hooks>,
    ) -> Result<(Vec<Option<Tensor>>, StepReport)> {
        let tape = Tape::new();
        let (seed, step) = (self.config.training.seed, self.position.step as u32);
        let mut seen = Seen::new();
        let (output, leaves) = self.network.train_watched(&tape, images, seed, step, &mut |name, output| {
            hooks.as_mut().map_or(Ok(()), |hooks| hooks.see(&tape, name, output, &mut seen))
        })?;
        let (loss, correct) = judge(&output)?;
        let mut gradients = tape.backward(&loss)?;
        if let Some(hooks) = hooks {
            hooks.see_gradients(&gradients, &seen);
        }
        let take = |leaf: &Var| match gradients.take(leaf) {
            None if leaf.is_tracked() => Tensor::zeros(leaf.value().shape()).map(Some),
            gradient => Ok(gradient),
        };
        let taken = leaves.iter().map(take).collect::<Result<Vec<_>>>()?;
        let (loss, images) = (f64::from(loss.item()?), images.shape().sizes()[0]);
        Ok((taken, StepReport { loss, correct, images, rate: self.rate(), gradient_norm: 0.0 }))
    }

    /// Runs the step again with every value checked, to name where the first one that is not finite came from. An error of
    /// another kind stays as it is.
    fn explained<T>(&mut self, images: &Tensor, judge: &mut Judge, error: Error) -> Result<T> {
        match checked(|| self.gradients(images, judge, None)) {
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
    fn clip(&self, mut gradients: Vec<Option<Tensor>>, norm: f64) -> Vec<Option<Tensor>> {
        let limit = self.config.training.clip;
        if limit > 0.0 && norm > limit {
            // In f64, since the share may be too small for f32.
            let shorten = |x: &mut f32| *x = (f64::from(*x) * limit / norm) as f32;
            gradients.iter_mut().flatten().for_each(|gradient| gradient.as_mut_slice().iter_mut().for_each(shorten));
        }
        gradients
    }

    /// Leaves the epoch that has ended.
    pub fn end_epoch(&mut self) {
        let Position { epoch, step, best, segment, .. } = self.position;
        self.position = Position { epoch: epoch + 1, step, best, segment, ..Position::default() };
    }
}

/// The course of the learning rate that the settings ask for.
fn course_of(config: &Config, steps_per_epoch: u64) -> Box<Course> {
    let warmup = (config.schedule.warmup * steps_per_epoch as f64).round() as u64;
    let (schedule, highest) = (config.course(), config.optimizer.rate);
    Box::new(move |step, steps| highest * schedule.share(step, steps, warmup))
}

/// The decay of each weight that the settings ask for.
fn decays(config: &Config, network: &Network) -> Vec<f64> {
    network.roles().map(|role| config.decay(role)).collect()
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
fn norm(gradients: &[Option<Tensor>]) -> f64 {
    let squares = |gradient: &Tensor| gradient.as_slice().iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    gradients.iter().flatten().map(squares).sum::<f64>().sqrt()
}
