//! What a search is about to do, and what it came to.

use super::place::Begun;
use crate::cli::progress::clock;
use anyhow::{Context, Result};
use evograd::data::Sets;
use evograd::models::genetic_cnn::{self, Code};
use evograd::record::{IndividualRow, SearchRow};
use evograd::report::grouped;
use evograd::search::{Method, SearchConfig, read_journal};
use evograd::train::{Split, Trainer};
use evograd::{Error, Pool};
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

/// What is about to be searched, and where.
pub fn banner(begun: &Begun) -> Result<Vec<String>> {
    let SearchConfig { search, networks, data, training, .. } = &begun.config;
    let stages: Vec<String> = networks.stages.iter().map(ToString::to_string).collect();
    let bits: usize = networks.stages.iter().map(|nodes| nodes * (nodes - 1) / 2).sum();
    let from = if search.method == Method::Random { "drawn at random" } else { "bred" };
    let workers = begun.config.workers();
    Ok(vec![
        format!(
            "networks of {} nodes (2^{bits} codes), joined by {}, {from}: {} individuals, {} generations after the first",
            stages.join("+"),
            networks.join,
            search.population,
            search.generations
        ),
        format!(
            "each trained for {} epochs on {} pictures of {}, measured on {} others; {workers} side by side; in {}",
            training.epochs,
            data.samples,
            data.set,
            data.validation,
            begun.path().display()
        ),
    ])
}

/// What the finished search came to.
pub fn report(begun: &Begun, json: bool, out: &mut impl Write) -> Result<()> {
    let rows = read_journal(&begun.journal())?;
    if json {
        return Ok(());
    }
    let best = best(&rows).context("a search has at least one individual")?;
    writeln!(out, "best {:.2} % {}", 100.0 * best.fitness, best.code)?;
    Ok(())
}

/// The fittest individual of all generations that are complete; of equals the first.
pub fn best(rows: &[SearchRow]) -> Option<&IndividualRow> {
    let individuals = rows.iter().filter_map(|row| match row {
        SearchRow::Generation(row) => Some(&row.individuals),
        _ => None,
    });
    individuals.flatten().reduce(|best, other| if other.fitness > best.fitness { other } else { best })
}

/// The settings, and the time that a few steps of the largest network let expect.
pub fn dry_run(config: &SearchConfig, sets: &Sets, out: &mut impl Write) -> Result<ExitCode> {
    writeln!(out, "{}", config.to_toml())?;
    let (training, networks) = (config.training(), &config.networks);
    let split = Split::new(&training, sets)?;
    let code = Code::dense(&networks.stages)?;
    let spec = genetic_cnn::network(&code, &training.options(sets.train.shape(), sets.train.classes().len())?)?;
    let seconds = Pool::new(1)?.install(|| {
        let mut trainer = Trainer::of(&spec, training.clone(), &split.train)?;
        let mut times = Vec::new();
        for batch in split.train.epoch(0, 0)?.take(4) {
            let (batch, began) = (batch?, Instant::now());
            trainer.step(&batch)?;
            times.push(began.elapsed().as_secs_f64());
        }
        Ok::<f64, Error>(times.into_iter().fold(f64::INFINITY, f64::min) * trainer.steps() as f64)
    })?;
    let plan = spec.plan()?;
    let individuals = config.search.population * (config.search.generations as usize + 1);
    writeln!(
        out,
        "# the largest network, {code}: {} parameters, {:.1} M multiply-adds a picture, trained in {}",
        grouped(plan.parameters()),
        plan.macs() as f64 / 1e6,
        clock(seconds)
    )?;
    writeln!(
        out,
        "# {individuals} individuals, {} side by side: at most {}",
        config.workers(),
        clock(seconds * individuals as f64 / config.workers() as f64)
    )?;
    Ok(ExitCode::SUCCESS)
}
