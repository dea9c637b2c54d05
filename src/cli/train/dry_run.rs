//! `evograd train --dry-run`: what a run would be: its settings, its size, and the time that it would take.

use super::plan_line;
use crate::cli::progress::clock;
use anyhow::{Context, Result};
use evograd::data::Sets;
use evograd::report::counted;
use evograd::train::{Config, Split, Trainer};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

/// What is known of a run before it begins; what `--json` prints.
#[derive(Serialize)]
struct Forecast<'a> {
    settings: &'a Config,
    parameters: u64,
    /// Multiply-adds for one picture.
    macs: u64,
    /// Of one picture, in `f32`.
    activation_bytes: u64,
    pictures: Pictures,
    steps: u64,
    /// Of one step.
    seconds_a_step: f64,
    /// Of all steps, without evaluations.
    seconds: f64,
}

/// How many pictures there are.
#[derive(Serialize)]
struct Pictures {
    train: usize,
    held_out: usize,
    /// What is held out: `validation` or `test`.
    held_out_from: &'static str,
    test: usize,
}

/// Builds the network, takes a few steps, and says what they let expect.
pub fn dry_run(config: Config, sets: &Sets, json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let split = Split::new(&config, sets)?;
    if !json {
        writeln!(out, "{}", config.to_toml())?;
    }
    let mut trainer = Trainer::new(config.clone(), sets, &split.train)?;
    let seconds_a_step = seconds_a_step(&mut trainer, &split)?;
    let (plan, steps) = (trainer.network.plan(), trainer.steps());
    let forecast = Forecast {
        settings: &config,
        parameters: plan.parameters(),
        macs: plan.macs(),
        activation_bytes: plan.activation_bytes(),
        pictures: Pictures {
            train: split.train.samples(),
            held_out: split.held_out.samples(),
            held_out_from: split.held_out_name,
            test: split.test.samples(),
        },
        steps,
        seconds_a_step,
        seconds: seconds_a_step * steps as f64,
    };
    if json {
        writeln!(out, "{}", serde_json::to_string(&forecast)?)?;
    } else {
        writeln!(out, "# {}", plan_line(plan))?;
        print(&forecast, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub fn seconds_a_step(trainer: &mut Trainer, split: &Split) -> Result<f64> {
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
    let Pictures { train, held_out, held_out_from, test } = forecast.pictures;
    writeln!(out, "# {train} training pictures, {held_out} held out ({held_out_from}), {test} for the test")?;
    let (steps, milliseconds) = (forecast.steps, forecast.seconds_a_step * 1e3);
    let whole = clock(forecast.seconds);
    Ok(writeln!(out, "# {} of {milliseconds:.0} ms: about {whole} without evaluations", counted(steps, "step"))?)
}
