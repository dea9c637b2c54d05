//! Training steps: a batch, the loss, its gradient, and the optimiser. Knows where it stands; knows no files.

use super::config::Config;
use super::evaluate::hits;
use crate::data::{Augment, Batch, Dataset, Loader, Loading, Normalise, Sets, stratified};
use crate::error::{Error, Result};
use crate::mode::checked;
use crate::models::{self, Network};
use crate::optim::Optimizer;
use crate::schedule::Schedule;
use crate::tape::Tape;
use crate::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Pictures in a batch of an evaluation.
const EVALUATION_BATCH: usize = 250;

/// Where a run stands; with weights, statistics and the optimiser's memory it is all that a run goes on from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Whole epochs behind.
    pub epoch: u32,
    /// Batches of the present epoch behind.
    pub batch: usize,
    /// Steps behind.
    pub step: u64,
    /// The sum of the losses of the present epoch's steps.
    pub loss_sum: f64,
    /// Right answers in the present epoch.
    pub right: usize,
    /// Pictures in the present epoch.
    pub seen: usize,
    /// The best score on a validation split so far.
    pub best: Option<f64>,
    /// How often the run has been resumed.
    pub segment: u32,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The mean loss over the batch.
    pub loss: f64,
    /// Right answers.
    pub right: usize,
    /// Pictures.
    pub pictures: usize,
    /// The learning rate.
    pub rate: f64,
    /// The norm of the gradient, before clipping.
    pub gradient_norm: f64,
}

/// The samples of a run.
pub struct Split {
    /// What is trained on.
    pub train: Loader,
    /// What is held out while training: the validation split, or the test set where there is none.
    pub held_out: Loader,
    /// The name of what is held out: `validation` or `test`.
    pub held_out_name: &'static str,
    /// The test set.
    pub test: Loader,
}

/// A network that is being trained.
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
    /// Draws the samples of a run from a set.
    ///
    /// # Errors
    /// When there are too few samples, or a picture cannot be read.
    pub fn new(config: &Config, sets: &Sets) -> Result<Split> {
        let data = &config.data;
        let all: Vec<usize> = (0..sets.train.len()).collect();
        let (validation, rest) = stratified(&*sets.train, &all, data.validation, data.split_seed)?;
        let wanted = if data.samples == 0 { rest.len() } else { data.samples };
        let (samples, _) = stratified(&*sets.train, &rest, wanted, data.split_seed)?;
        let normalise = Normalise::of(&*sets.train, &samples)?;
        let training = &config.training;
        let train = Loading {
            batch: training.batch,
            seed: training.seed,
            training: true,
            augment: config.augment(),
            disturb: training.disturb_label,
            threads: data.threads,
        };
        let (batch, augment) = (EVALUATION_BATCH, Augment::default());
        let evaluation = Loading { batch, training: false, augment, disturb: 0.0, ..train.clone() };
        let held = |set: &Arc<dyn Dataset>, samples: &[usize]| {
            Loader::new(set.clone(), samples, normalise.clone(), evaluation.clone())
        };
        let test = held(&sets.test, &(0..sets.test.len()).collect::<Vec<_>>())?;
        let (held_out, held_out_name) = if validation.is_empty() {
            (test.clone(), "test")
        } else {
            (held(&sets.train, &validation)?, "validation")
        };
        let train = Loader::new(sets.train.clone(), &samples, normalise.clone(), train)?;
        Ok(Split { train, held_out, held_out_name, test })
    }
}

impl Trainer {
    /// A network with its first weights, about to be trained on a loader's batches.
    ///
    /// # Errors
    /// When the model is unknown or does not fit the pictures, or the system has not the memory.
    pub fn new(config: Config, sets: &Sets, train: &Loader) -> Result<Trainer> {
        let options = config.options(sets.train.shape(), sets.train.classes().len())?;
        let network = Network::new(&models::spec(&config.model.name, &options)?, config.training.seed)?;
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

    /// The learning rate of the next step.
    pub fn rate(&self) -> f64 {
        let warmup = (self.config.schedule.warmup * self.steps_per_epoch as f64).round() as u64;
        self.config.optimizer.rate * self.course.share(self.position.step, self.steps(), warmup)
    }

    /// One step on a batch.
    ///
    /// # Errors
    /// When the loss or the gradient is not finite: [`Error::Diverged`], which names the layer and the operation that
    /// first made such a value. The weights are then those before the step.
    pub fn step(&mut self, batch: &Batch) -> Result<StepReport> {
        let (gradients, mut report) = self.gradients(batch).or_else(|error| self.diverged(batch, error))?;
        report.gradient_norm = norm(&gradients);
        if !report.gradient_norm.is_finite() {
            let problem = format!("the norm of the gradient is {}", report.gradient_norm);
            return self.diverged(batch, Error::op("train", problem, &[], "lower the learning rate"));
        }
        let gradients = self.clip(gradients, report.gradient_norm);
        self.optimizer.step(self.network.weights_mut(), &gradients, report.rate)?;
        self.advance(&report);
        Ok(report)
    }

    /// The gradient of the loss of a batch, of every weight.
    fn gradients(&mut self, batch: &Batch) -> Result<(Vec<Tensor>, StepReport)> {
        let tape = Tape::new();
        let (seed, smoothing) = (self.config.training.seed, self.config.training.label_smoothing);
        let (logits, leaves) = self.network.train(&tape, &batch.pictures, seed, self.position.step as u32)?;
        let right = hits(logits.value().as_slice(), &batch.truth);
        let loss = logits.cross_entropy(&batch.labels, smoothing)?;
        let mut gradients = tape.backward(&loss)?;
        let take = |leaf| match gradients.take(leaf) {
            Some(gradient) => Ok(gradient),
            None => Tensor::zeros(leaf.value().shape()),
        };
        let taken = leaves.iter().map(take).collect::<Result<Vec<_>>>()?;
        let loss = f64::from(loss.item()?);
        Ok((taken, StepReport { loss, right, pictures: batch.truth.len(), rate: self.rate(), gradient_norm: 0.0 }))
    }

    /// Runs the step again with every value checked, to name where the first one that is not finite came from.
    fn diverged<T>(&mut self, batch: &Batch, error: Error) -> Result<T> {
        let found = checked(|| self.gradients(batch)).err().unwrap_or(error);
        let (step, epoch) = (self.position.step + 1, self.position.epoch + 1);
        Err(Error::Diverged { step, epoch, source: Box::new(found) })
    }

    /// Shortens gradients whose norm is too long.
    fn clip(&self, mut gradients: Vec<Tensor>, norm: f64) -> Vec<Tensor> {
        let limit = self.config.training.clip;
        if limit > 0.0 && norm > limit {
            let scale = (limit / norm) as f32;
            gradients.iter_mut().for_each(|gradient| gradient.as_mut_slice().iter_mut().for_each(|x| *x *= scale));
        }
        gradients
    }

    fn advance(&mut self, report: &StepReport) {
        let position = &mut self.position;
        position.step += 1;
        position.batch += 1;
        position.loss_sum += report.loss;
        position.right += report.right;
        position.seen += report.pictures;
    }

    /// Leaves the epoch that has been gone through.
    pub fn end_epoch(&mut self) {
        let Position { epoch, step, best, segment, .. } = self.position;
        self.position = Position { epoch: epoch + 1, step, best, segment, ..Position::default() };
    }
}

/// The length of all gradients together. Summed in `f64` and in order, so that it is the same on any number of threads.
fn norm(gradients: &[Tensor]) -> f64 {
    let squares = |gradient: &Tensor| gradient.as_slice().iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
    gradients.iter().map(squares).sum::<f64>().sqrt()
}
