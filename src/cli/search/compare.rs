//! `evograd search compare`: several searches against each other, at equal numbers of networks trained.

use crate::cli::table::Table;
use anyhow::{Context, Result, bail};
use evograd::record::SearchRow;
use evograd::report::{SearchStats, best_so_far, comparison, percent};
use evograd::search::read_journal;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search --out runs/bred
  evograd search --out runs/drawn --method random
  evograd search compare runs/bred runs/drawn --svg comparison.svg";

/// Compare searches at equal numbers of networks trained
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folders of the searches
    #[arg(required = true)]
    searches: Vec<PathBuf>,
    /// Draw the best fitness so far against the networks trained
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object for each search on standard output
    #[arg(long)]
    json: bool,
}

/// A search, as `--json` prints it.
#[derive(Serialize)]
struct Line {
    search: String,
    /// The least number of networks that any of the searches has trained.
    networks: usize,
    /// The best fitness after so many.
    best_at_equal_cost: f64,
    trained: usize,
    best: f64,
    code: String,
    mean_of_last_generation: Option<f64>,
}

/// Compares.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let journals = args.searches.iter().map(|folder| read_journal(&folder.join("journal.jsonl")));
    let journals = journals.collect::<evograd::Result<Vec<Vec<SearchRow>>>>()?;
    let names: Vec<String> = args.searches.iter().map(|folder| folder.display().to_string()).collect();
    let least = journals.iter().map(|rows| SearchStats::of(rows).trained).min().unwrap_or(0);
    if least == 0 {
        bail!("one of the searches has trained no network yet; go on with it first");
    }
    let lines: Vec<Line> =
        names.iter().zip(&journals).map(|(name, rows)| line(name, rows, least)).collect::<Result<_>>()?;
    if args.json {
        lines
            .iter()
            .try_for_each(|line| Ok::<(), anyhow::Error>(writeln!(out, "{}", serde_json::to_string(line)?)?))?;
    } else {
        print(&lines, least, out)?;
    }
    if let Some(path) = &args.svg {
        let named: Vec<(&str, &[SearchRow])> =
            names.iter().map(String::as_str).zip(journals.iter().map(Vec::as_slice)).collect();
        std::fs::write(path, comparison(&named).to_step_svg())
            .with_context(|| format!("{}: cannot be written; name a file in a folder that exists", path.display()))?;
        eprintln!("{}: the drawing is there", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn line(name: &str, rows: &[SearchRow], least: usize) -> Result<Line> {
    let stats = SearchStats::of(rows);
    let best = stats.best.context("a search has at least one network")?;
    let at_cost = best_so_far(rows).into_iter().take_while(|[networks, _]| *networks <= least as f64).last();
    Ok(Line {
        search: name.to_string(),
        networks: least,
        best_at_equal_cost: at_cost.map_or(0.0, |[_, fitness]| fitness),
        trained: stats.trained,
        best: best.fitness,
        code: best.code,
        mean_of_last_generation: stats.generations.last().map(|generation| generation.mean),
    })
}

fn print(lines: &[Line], least: usize, out: &mut impl Write) -> Result<()> {
    let at = format!("best of {least}");
    let mut table = Table::new(&["search", at.as_str(), "trained", "best", "last mean", "best code"], 1..5);
    for line in lines {
        let mean = line.mean_of_last_generation.map_or_else(String::new, percent);
        let [at, best] = [line.best_at_equal_cost, line.best].map(percent);
        table.row([line.search.clone(), at, line.trained.to_string(), best, mean, line.code.clone()]);
    }
    writeln!(out, "{}", table.for_output())?;
    Ok(())
}
