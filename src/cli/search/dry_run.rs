//! What a search would do, and how long it would take at most.

use crate::cli::progress::clock;
use crate::cli::train::seconds_a_step;
use anyhow::Result;
use evograd::Pool;
use evograd::data::Sets;
use evograd::models::Plan;
use evograd::models::genetic_cnn::{self, Code};
use evograd::report::{counted, grouped};
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
    individuals: usize,
    workers: usize,
    /// For the training of the largest network.
    seconds_each: f64,
    /// If every individual were as large, and none were looked up.
    seconds_at_most: f64,
}

/// The settings, and the time that a few steps of the largest network let expect.
pub fn dry_run(config: &SearchConfig, sets: &Sets, json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let code = Code::dense(&config.networks.stages)?;
    let (plan, seconds_each) = measured(config, sets, &code)?;
    let individuals = config.search.population * (config.search.generations as usize + 1);
    let expected = Expected {
        settings: config,
        largest: &code.to_string(),
        parameters: plan.parameters(),
        macs: plan.macs(),
        individuals,
        workers: config.workers(),
        seconds_each,
        seconds_at_most: seconds_each * individuals as f64 / config.workers() as f64,
    };
    if json {
        writeln!(out, "{}", serde_json::to_string(&expected)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Expected { largest, parameters, macs, workers, seconds_at_most, .. } = expected;
    writeln!(out, "{}", config.to_toml())?;
    writeln!(
        out,
        "# the largest network, {largest}: {} parameters, {:.1} M multiply-adds a picture, trained in {}",
        grouped(parameters),
        macs as f64 / 1e6,
        clock(seconds_each)
    )?;
    writeln!(
        out,
        "# {}, {workers} side by side: at most {}, and a little for their answers",
        counted(individuals as u64, "individual"),
        clock(seconds_at_most)
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The network of a code, and the seconds that its training takes on one thread, from the fastest of a few steps.
fn measured(config: &SearchConfig, sets: &Sets, code: &Code) -> Result<(Plan, f64)> {
    let training = config.training();
    let split = Split::new(&training, sets)?;
    let spec = genetic_cnn::network(code, &training.options(sets.train.shape(), sets.train.classes().len())?)?;
    let seconds = Pool::new(1)?.install(|| {
        let mut trainer = Trainer::of(&spec, training, &split.train)?;
        Ok::<f64, anyhow::Error>(seconds_a_step(&mut trainer, &split)? * trainer.steps() as f64)
    })?;
    Ok((spec.plan()?, seconds))
}
