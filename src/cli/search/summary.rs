//! What a search is about to do, and what it came to.

use super::page::write_page;
use super::place::Begun;
use crate::cli::table::Table;
use anyhow::{Context, Result};
use evograd::data::Sets;
use evograd::models::Plan;
use evograd::models::genetic_cnn::{self, Code};
use evograd::report::{GenerationStats, SearchStats, duration, grouped, percent};
use evograd::search::{Method, SearchConfig};
use std::io::Write;

/// What is about to be done, and where.
pub fn banner(begun: &Begun, resumed: bool) -> Vec<String> {
    let SearchConfig { search, networks, data, training, calibration, .. } = &begun.config;
    let stages: Vec<String> = networks.stages.iter().map(ToString::to_string).collect();
    let bits: usize = networks.stages.iter().map(|nodes| nodes * (nodes - 1) / 2).sum();
    let from = if search.method == Method::Random { "drawn at random" } else { "bred" };
    let epochs = match (begun.task, calibration) {
        ("calibrate", Some(calibration)) => {
            let budgets = calibration.budgets.iter().map(|[epochs, _]| epochs.to_string());
            budgets.collect::<Vec<_>>().join(", then ")
        }
        _ => training.epochs.to_string(),
    };
    let what = match begun.task {
        "search" => format!("{from}: {} individuals, generations 0 to {}", search.population, search.generations),
        "exhaust" => "each graph of the space once".into(),
        _ => format!("{} of them at random", calibration.as_ref().map_or(0, |calibration| calibration.codes)),
    };
    let mut lines = vec![
        format!("networks of {} nodes (2^{bits} codes), joined by {}, {what}", stages.join("+"), networks.join),
        format!(
            "each trained on {} pictures of {}, epochs: {epochs}; measured on {} others; {} side by side; in {}",
            data.samples,
            data.set,
            data.validation,
            begun.config.workers(),
            begun.path().display()
        ),
    ];
    if resumed {
        lines.push("going on where the journal ends".into());
    }
    lines
}

/// Writes the page of a search, `report.html`, and says what the search came to.
pub fn report(begun: &Begun, json: bool, out: &mut impl Write) -> Result<()> {
    let stats = write_page(begun.path(), &begun.config)?;
    if json {
        return Ok(());
    }
    writeln!(out, "{}", generations(&stats).for_output())?;
    let best = stats.best.as_ref().context("a search has at least one individual")?;
    let first = stats.generations.first().map_or(0.0, |generation| generation.best);
    let plan = plan(&begun.config, &begun.sets, &best.code.parse()?)?;
    writeln!(
        out,
        "best network     {}: {} of the pictures held out (best of the first generation: {})",
        best.code,
        percent(best.fitness),
        percent(first)
    )?;
    let macs = plan.macs() as f64 / 1e6;
    writeln!(out, "its cost         {} parameters, {macs:.1} M multiply-adds a picture", grouped(plan.parameters()))?;
    writeln!(
        out,
        "networks         {} trained, {} looked up, {} diverged; {:.0} ms of overhead each",
        stats.trained,
        stats.cache_hits,
        stats.diverged,
        1e3 * stats.time.overhead_median
    )?;
    let folder = begun.path().display();
    writeln!(out, "report           {folder}/report.html")?;
    writeln!(out, "and now          evograd search explain '{}'", best.code)?;
    writeln!(out, "                 evograd search transfer {folder}")?;
    Ok(())
}

fn plan(config: &SearchConfig, sets: &Sets, code: &Code) -> Result<Plan> {
    let options = config.training().options(sets.train.shape(), sets.train.classes().len())?;
    Ok(genetic_cnn::network(code, &options)?.plan()?)
}

fn generations(stats: &SearchStats) -> Table {
    let mut table =
        Table::new(&["generation", "best", "mean", "median", "worst", "best so far", "trained", "time"], 0..8);
    for generation in &stats.generations {
        let GenerationStats { best, mean, median, least, best_so_far, .. } = generation;
        let [best, mean, median, least, so_far] = [best, mean, median, least, best_so_far].map(|share| percent(*share));
        let (number, trained) = (generation.number.to_string(), generation.trained.to_string());
        table.row([number, best, mean, median, least, so_far, trained, duration(generation.seconds)]);
    }
    table
}
