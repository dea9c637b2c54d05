//! One network of a search: trained for a short time, and evaluated.

use super::config::{SearchConfig, nothing_held_out};
use crate::data::Progress;
use crate::data::{Loader, Normalise, Sets};
use crate::error::{Error, Result};
use crate::models::fitting;
use crate::models::genetic_cnn::{self, Code};
use crate::par::thread_seconds;
use crate::record::EvaluationRow;
use crate::rng::{Purpose, Stream};
use crate::train::{Config, Split, Trainer, evaluate};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What all candidates share: settings and samples.
pub(super) struct Ground {
    /// The settings of a training; the model is the code's.
    pub config: Config,
    /// The images' sizes `[C, H, W]`.
    pub input: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// What candidates are trained on.
    pub train: Loader,
    /// What is held out, and fitness measured on.
    pub held_out: Loader,
    /// The name of that part: `validation`, or of a confirmation `test`.
    pub part: &'static str,
}

/// The seed of a code's training: the settings' own for the first, and for each repetition another that no neighbouring
/// seed's trainings have.
fn seed(own: u64, repeat: u32) -> u64 {
    match repeat {
        0 => own,
        _ => Stream::new(own, Purpose::Genetic, u32::MAX - 1, repeat).below_u64(1 << 62),
    }
}

impl SearchConfig {
    /// Whether there are as many images as asked for, and networks of all codes fit them. No image is read.
    ///
    /// # Errors
    /// When it is not so.
    pub fn check_data(&self, sets: &Sets) -> Result<()> {
        let usual = Normalise::usual(sets.train.shape()[0]);
        Ground::of(self, sets, false, |config| Split::with(config, sets, Some(usual))).map(drop)
    }
}

/// What is to be done for a candidate.
pub(super) struct Task {
    /// Its code.
    pub code: Code,
    /// How often the code has been trained before; each time begins with other weights and another order.
    pub repeat: u32,
    /// Epochs that it is trained for.
    pub epochs: u32,
}

/// What a training has come to so far.
#[derive(Default)]
struct Clock {
    /// Seconds spent on answers.
    answering: f64,
    /// Images trained on.
    images: usize,
    /// The loss of each step.
    losses: Vec<f64>,
}

/// The parts of a training whose mean loss is kept.
const PARTS: usize = 10;

/// The mean loss of each part of the steps, of which there are at least as many as parts or else one part each.
fn in_parts(losses: &[f64]) -> Vec<f64> {
    let parts = PARTS.min(losses.len());
    let part = |part: usize| &losses[part * losses.len() / parts..(part + 1) * losses.len() / parts];
    (0..parts).map(|number| part(number).iter().sum::<f64>() / part(number).len() as f64).collect()
}

impl Ground {
    /// Draws the samples, and makes sure that networks of all codes fit them. Where nothing is chosen any more, networks are
    /// `tested` on the test set. `progress` gets how far the look at the images is.
    pub fn new(config: &SearchConfig, sets: &Sets, tested: bool, progress: &mut dyn Progress) -> Result<Ground> {
        Ground::of(config, sets, tested, |config| Split::watched(config, sets, progress))
    }

    fn of(
        config: &SearchConfig,
        sets: &Sets,
        tested: bool,
        draw: impl FnOnce(&Config) -> Result<Split>,
    ) -> Result<Ground> {
        let (input, classes) = (sets.train.shape(), sets.train.classes().len());
        let (largest, config) = (Code::dense(&config.networks.stages)?, config.training());
        let size = config.data.size.map(|_| "data.size");
        fitting(input, size, |input| genetic_cnn::network(&largest, &config.options(input, classes)?))?;
        let Split { train, validation, test, .. } = draw(&config)?;
        let (held_out, part) = match tested {
            true => (test, "test"),
            false => (validation.ok_or_else(nothing_held_out)?, "validation"),
        };
        Ok(Ground { config, input, classes, train, held_out, part })
    }

    /// Does a task on the thread of the caller, which is a pool of its own; `None` where `stop` was raised meanwhile.
    ///
    /// # Errors
    /// When an image cannot be read, the network does not fit, or the system refuses memory or a thread. That a training
    /// diverges is no error.
    pub fn work(&self, task: Task, generation: u32, stop: &AtomicBool) -> Result<Option<EvaluationRow>> {
        let (began, core, mut clock) = (Instant::now(), thread_seconds(), Clock::default());
        let Task { code, repeat, epochs } = task;
        let mut trainer = self.trainer(&code, repeat, epochs)?;
        let overhead_seconds = began.elapsed().as_secs_f64();
        let score = match self.train(&mut trainer, epochs, stop, &mut clock) {
            Ok(None) => return Ok(None),
            Ok(Some(score)) => Ok(score),
            Err(error) if error.is_non_finite() => Err(error.to_string()),
            Err(error @ Error::Diverged { .. }) => Err(error.to_string()),
            Err(error) => return Err(error.at(&code)),
        };
        let (plan, seconds) = (trainer.network.plan(), began.elapsed().as_secs_f64());
        Ok(Some(EvaluationRow {
            generation,
            code: code.to_string(),
            repeat,
            epochs,
            fitness: score.as_ref().map_or(0.0, |score| score[0]),
            loss: score.as_ref().ok().map(|score| score[1]),
            losses: in_parts(&clock.losses),
            parameters: plan.parameters(),
            macs: plan.macs(),
            seconds,
            core_seconds: thread_seconds().zip(core).map(|(now, then)| now - then),
            overhead_seconds,
            // A clock may be too coarse to see a training that ends in its first step.
            images_per_second: clock.images as f64 / (seconds - overhead_seconds - clock.answering).max(1e-6),
            diverged: score.as_ref().err().cloned(),
        }))
    }

    /// A network with its first weights.
    fn trainer(&self, code: &Code, repeat: u32, epochs: u32) -> Result<Trainer> {
        let mut config = self.config.clone();
        config.training.seed = seed(config.training.seed, repeat);
        config.training.epochs = epochs;
        let spec = genetic_cnn::network(code, &config.options(self.input, self.classes)?)?;
        Trainer::of(&spec, config, &self.train)
    }

    /// Trains to the end of so many epochs; the accuracy and the loss on what is held out. `None` where `stop` was raised.
    fn train(
        &self,
        trainer: &mut Trainer,
        epochs: u32,
        stop: &AtomicBool,
        clock: &mut Clock,
    ) -> Result<Option<[f64; 2]>> {
        let train = self.train.clone().seeded(trainer.config().training.seed);
        while trainer.position.epoch < epochs {
            for batch in train.epoch(trainer.position.epoch, 0)? {
                if stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                let report = trainer.step(&batch?)?;
                clock.images += report.images;
                clock.losses.push(report.loss);
            }
            trainer.end_epoch();
        }
        let began = Instant::now();
        let go_on = |_| !stop.load(Ordering::Relaxed);
        let answers = evaluate(&trainer.network, &self.held_out, self.part, go_on)?;
        clock.answering = began.elapsed().as_secs_f64();
        Ok(answers.map(|answers| [answers.score.accuracy, answers.score.loss]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_counts_in_one_part() {
        assert_eq!(in_parts(&[]), [0.0; 0]);
        assert_eq!(in_parts(&[3.0, 1.0]), [3.0, 1.0]);
        let losses: Vec<f64> = (0..25).map(f64::from).collect();
        let parts = in_parts(&losses);
        assert_eq!((parts.len(), &parts[..3]), (10, &[0.5, 3.0, 5.5][..]));
    }
}
