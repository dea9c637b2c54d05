//! `evograd train --dry-run`: what a run would be: its settings, its size, and the time that it would take.

use super::banner::plan_line;
use crate::cli::file_progress::FileProgress;
use crate::cli::progress::clock;
use crate::cli::table::fitted;
use crate::cli::terminal::{said_if_slow, warn};
use anyhow::{Context, Result};
use evograd::data::{Loader, Normalise, Sets, TestSet, findings};
use evograd::report::{counted, grouped};
use evograd::train::{Config, InitialWeights, Split, Trainer, warnings};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

/// What is known of a run before it begins; what `--json` prints.
#[derive(Serialize)]
struct Forecast<'a> {
    settings: &'a Config,
    parameters: u64,
    /// Multiply-adds for one image.
    macs: u64,
    /// Of one image, in `f32`.
    activation_bytes: u64,
    images: Images,
    /// The weights that it would begin with, where they come from a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    initial: Option<InitialWeights>,
    steps: u64,
    /// Of one step.
    seconds_a_step: f64,
    /// Of all steps, without evaluations.
    seconds: f64,
    /// What is probably not meant.
    warnings: Vec<String>,
}

/// How many images there are.
#[derive(Serialize)]
struct Images {
    train: usize,
    validation: usize,
    test: usize,
}

/// Builds the network, takes a few steps, and says what they let expect.
pub fn dry_run(config: Config, sets: &Sets, json: bool, out: &mut impl Write) -> Result<ExitCode> {
    // How long a step takes does not depend on what the images are normalised by.
    let split = Split::with(&config, sets, Some(Normalise::usual(sets.train.shape()[0])))?;
    if !json {
        writeln!(out, "{}", config.to_toml())?;
    }
    let mut warnings = warnings(&config, split.train.samples());
    let mut file_progress = FileProgress::new();
    warnings.extend(findings(sets, TestSet::Used, &mut file_progress)?);
    file_progress.done();
    warn(&warnings);
    let mut trainer = Trainer::new(config.clone(), sets, &split.train)?;
    let initial = trainer.load_initial()?;
    let seconds_a_step = seconds_a_step(&mut trainer, &split)?;
    let (plan, steps) = (trainer.network.plan(), trainer.steps());
    let forecast = Forecast {
        settings: &config,
        parameters: plan.parameters(),
        macs: plan.macs(),
        activation_bytes: plan.activation_bytes(),
        images: Images {
            train: split.train.samples(),
            validation: split.validation.as_ref().map_or(0, Loader::samples),
            test: split.test.samples(),
        },
        initial,
        steps,
        seconds_a_step,
        seconds: seconds_a_step * steps as f64,
        warnings,
    };
    if json {
        writeln!(out, "{}", serde_json::to_string(&forecast)?)?;
    } else {
        writeln!(out, "{}", fitted(format_args!("# {}", plan_line(plan))))?;
        if let Some(initial) = &forecast.initial {
            writeln!(out, "{}", fitted(format_args!("# begins with the weights of {initial}")))?;
        }
        print(&forecast, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The least time that one of a few training steps takes.
pub fn seconds_a_step(trainer: &mut Trainer, split: &Split) -> Result<f64> {
    said_if_slow("timing a few training steps", || timed(trainer, split))
}

fn timed(trainer: &mut Trainer, split: &Split) -> Result<f64> {
    let mut times = Vec::new();
    for batch in split.train.epoch(0, 0)?.take(4) {
        let (batch, began) = (batch?, Instant::now());
        trainer.step(&batch)?;
        times.push(began.elapsed().as_secs_f64());
    }
    // The first step asks the system for memory that the others find.
    times.into_iter().reduce(f64::min).context("an epoch has at least one batch")
}

fn print(forecast: &Forecast<'_>, out: &mut impl Write) -> Result<()> {
    let Images { train, validation, test } = forecast.images;
    let [train, validation, test] = [train, validation, test].map(|count| grouped(count as u64));
    let images =
        format!("# {train} training images, {validation} held out for validation, {test} for the test at the end");
    writeln!(out, "{}", fitted(images))?;
    let (steps, milliseconds) = (forecast.steps, forecast.seconds_a_step * 1e3);
    let whole = clock(forecast.seconds);
    let steps = counted(steps, "step");
    let time =
        format!("# {steps} of {milliseconds:.0} ms, as a few that were timed: about {whole} without evaluations");
    Ok(writeln!(out, "{}", fitted(time))?)
}
