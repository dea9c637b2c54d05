//! What a search would do, and how long it would take at most.

use super::advice;
use crate::cli::file_progress::FileProgress;
use crate::cli::progress::clock;
use crate::cli::run_folder::Kind;
use crate::cli::table::fitted;
use crate::cli::terminal::warn;
use crate::cli::train::seconds_a_step;
use anyhow::Result;
use evograd::ThreadPool;
use evograd::data::{Normalise, Sets};
use evograd::models::Plan;
use evograd::models::genetic_cnn::{self, Code};
use evograd::report::{counted, grouped, rounded};
use evograd::search::SearchConfig;
use evograd::train::{Split, Trainer};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// What `--json` prints.
#[derive(Serialize)]
struct Expected<'a> {
    settings: &'a SearchConfig,
    largest: &'a str,
    parameters: u64,
    macs: u64,
    /// Of networks as large as the largest.
    trainings: usize,
    workers: usize,
    /// For the training of the largest network.
    seconds_each: f64,
    /// If every network were as large.
    seconds_at_most: f64,
    /// What is probably not meant.
    warnings: Vec<String>,
}

/// What is to be trained.
pub enum Amount {
    /// So many trainings.
    Trainings {
        /// What is counted: `training` or `network`.
        what: &'static str,
        /// How many.
        trainings: usize,
        /// All of their epochs.
        epochs: u64,
    },
    /// As many as so many seconds of cores allow.
    Seconds(f64),
}

/// The settings, and the time that a few steps of the largest network let expect.
pub fn dry_run(
    kind: Kind,
    config: &SearchConfig,
    sets: &Sets,
    amount: Amount,
    json: bool,
    out: &mut impl Write,
) -> Result<ExitCode> {
    let mut file_progress = FileProgress::new();
    let warnings = advice::of(kind, config, sets, &mut file_progress)?;
    file_progress.done();
    warn(&warnings);
    let code = Code::dense(&config.networks.stages)?;
    let (plan, seconds_each) = measured(config, sets, &code)?;
    let (what, trainings, seconds_in_all) = match amount {
        Amount::Trainings { what, trainings, epochs } => {
            (what, trainings, seconds_each * epochs as f64 / f64::from(config.training.epochs))
        }
        Amount::Seconds(seconds) => ("training", (seconds / seconds_each) as usize, seconds),
    };
    let expected = Expected {
        settings: config,
        largest: &code.to_string(),
        parameters: plan.parameters(),
        macs: plan.macs(),
        trainings,
        workers: config.workers(),
        seconds_each,
        seconds_at_most: seconds_in_all / config.workers() as f64,
        warnings,
    };
    if json {
        writeln!(out, "{}", serde_json::to_string(&expected)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Expected { largest, parameters, macs, workers, seconds_at_most, .. } = expected;
    writeln!(out, "{}", config.to_toml())?;
    let (parameters, macs) = (grouped(parameters), rounded(macs));
    writeln!(out, "# the largest network: {largest}")?;
    let cost = format!("{parameters} parameters, {macs} multiply-adds an image, trained in {}", clock(seconds_each));
    writeln!(out, "{}", fitted(format_args!("# {cost}, as a few steps that were timed say")))?;
    let (trainings, at_most) = (counted(trainings as u64, what), clock(seconds_at_most));
    writeln!(
        out,
        "{}",
        fitted(format_args!("# {trainings}, {workers} in parallel: at most {at_most}, and their evaluations"))
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The network of a code, and the seconds that its training takes on one thread, from the fastest of a few steps.
fn measured(config: &SearchConfig, sets: &Sets, code: &Code) -> Result<(Plan, f64)> {
    let training = config.training();
    // How long a step takes does not depend on what the images are normalised by.
    let split = Split::with(&training, sets, Some(Normalise::usual(sets.train.shape()[0])))?;
    let spec = genetic_cnn::network(code, &training.options(sets.train.shape(), sets.train.classes().len())?)?;
    let seconds = ThreadPool::new(1)?.install(|| {
        let mut trainer = Trainer::of(&spec, training, &split.train)?;
        Ok::<f64, anyhow::Error>(seconds_a_step(&mut trainer, &split)? * trainer.steps() as f64)
    })?;
    Ok((spec.plan()?, seconds))
}
