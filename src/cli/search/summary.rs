//! What a search is about to do, and what it came to.

use super::place::Begun;
use super::stages::stages;
use crate::cli::table::Table;
use anyhow::{Context, Result};
use evograd::data::Sets;
use evograd::models::Plan;
use evograd::models::genetic_cnn::{self, Code, canonical};
use evograd::report::{GenerationStats, SearchReport, SearchStats, WinnerRow, duration, grouped, percent, search_html};
use evograd::search::{Method, SearchConfig, read_journal};
use std::io::Write;

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

/// Writes the page of a search, `report.html`, and says what the search came to.
pub fn report(begun: &Begun, json: bool, out: &mut impl Write) -> Result<()> {
    let stats = write_page(begun)?;
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

/// Writes the page of a search, `report.html`; its numbers.
pub fn write_page(begun: &Begun) -> Result<SearchStats> {
    let rows = read_journal(&begun.journal())?;
    let stats = SearchStats::of(&rows);
    let winner = match &stats.best {
        None => None,
        Some(best) => {
            let code: Code = best.code.parse()?;
            let plan = plan(&begun.config, &begun.sets, &code)?;
            let (canonical, stages) = (canonical(&code).to_string(), stages(&code));
            Some(WinnerRow { canonical, parameters: plan.parameters(), macs: plan.macs(), stages })
        }
    };
    let name = begun.path().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    begun.write("report.html", &search_html(&SearchReport { name: &name, rows: &rows, winner }))?;
    Ok(stats)
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
