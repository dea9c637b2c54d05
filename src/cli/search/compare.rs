//! `evograd search compare`: several searches against each other, at equal numbers of networks trained.

use super::advice;
use crate::cli::out_file::OutFile;
use crate::cli::run_folder::{Kind, of_kind};
use crate::cli::table::Table;
use crate::cli::terminal::note;
use anyhow::{Context, Result, bail};
use evograd::record::{SearchRow, any_learned};
use evograd::report::{SearchStats, best_so_far, comparison, percent};
use evograd::search::{Breeding, SearchConfig, read_journal};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search --out runs/bred
  evograd search --out runs/drawn --method random
  evograd search compare runs/bred runs/drawn --svg comparison.svg

Who trains more networks finds better ones by luck alone. So all searches are
looked at where the shortest of them ended: after as many trainings. Fitness
is what a network comes to on average over seeds, as far as is known then.";

/// Compare what searches found with equally many networks trained
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folders of the searches
    #[arg(required = true)]
    searches: Vec<PathBuf>,
    /// Draw how the best fitness rises with the networks trained
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
    /// The least trainings of any of the searches.
    networks: f64,
    /// The best fitness at that cost; `None` where the search had not completed a generation by then.
    best_at_equal_cost: Option<f64>,
    trained: usize,
    best: f64,
    code: String,
    mean_of_last_generation: Option<f64>,
}

/// Compares.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let svg = OutFile::maybe(args.svg.as_ref(), "svg")?;
    for folder in &args.searches {
        of_kind(folder, &[Kind::Search, Kind::Exhaust])?;
    }
    let journals = args.searches.iter().map(|folder| read_journal(&folder.join("journal.jsonl")));
    let journals = journals.collect::<evograd::Result<Vec<Vec<SearchRow>>>>()?;
    expect_comparable(&args.searches, &journals)?;
    let names: Vec<String> = args.searches.iter().map(|folder| folder.display().to_string()).collect();
    let cost = |rows: &Vec<SearchRow>| best_so_far(rows).last().map_or(0.0, |[networks, _]| *networks);
    let least = journals.iter().map(cost).fold(f64::INFINITY, f64::min);
    if least == 0.0 {
        bail!("one of the searches has trained no network yet; go on with it first");
    }
    if let Some((folder, _)) = args.searches.iter().zip(&journals).find(|(_, rows)| !any_learned(rows)) {
        return Ok(advice::nothing_learned_in(folder));
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
    if let Some(file) = svg {
        let named: Vec<(&str, &[SearchRow])> =
            names.iter().map(String::as_str).zip(journals.iter().map(Vec::as_slice)).collect();
        file.write(&comparison(&named).to_step_svg(), "the drawing")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses what is no search, and says where networks were not trained alike.
fn expect_comparable(folders: &[PathBuf], journals: &[Vec<SearchRow>]) -> Result<()> {
    let mut first: Option<(&PathBuf, String)> = None;
    for (folder, rows) in folders.iter().zip(journals) {
        let Some(SearchRow::Begin(begin)) = rows.first() else { bail!("{}: its journal is empty", folder.display()) };
        let training = training(&SearchConfig::parse(&begin.settings, &[])?);
        match &first {
            Some((other, settings)) if *settings != training => {
                let (a, b) = (other.display(), folder.display());
                note(format_args!(
                    "{a} and {b} trained their networks differently: the same fitness may not mean the same"
                ));
            }
            Some(_) => {}
            None => first = Some((folder, training)),
        }
    }
    Ok(())
}

/// The settings that a fitness depends on, apart from seeds.
fn training(config: &SearchConfig) -> String {
    let mut config = config.clone();
    (config.search, config.training.seed) = (Breeding::default(), 0);
    config.to_toml()
}

fn line(name: &str, rows: &[SearchRow], least: f64) -> Result<Line> {
    let stats = SearchStats::of(rows);
    let best = stats.best.context("a search has at least one network")?;
    let at_cost = best_so_far(rows).into_iter().take_while(|[networks, _]| *networks <= least + 1e-9).last();
    Ok(Line {
        search: name.to_string(),
        networks: least,
        best_at_equal_cost: at_cost.map(|[_, fitness]| fitness),
        trained: stats.trained,
        best: best.fitness,
        code: best.code,
        mean_of_last_generation: stats.generations.iter().rev().find(|row| !row.race).map(|row| row.mean),
    })
}

fn print(lines: &[Line], least: f64, out: &mut impl Write) -> Result<()> {
    let trained = format!("{least:.1}");
    let trained = trained.trim_end_matches(".0");
    let at = format!("best after {trained}");
    let mut table = Table::new(&["search", &at, "trained", "at the end", "last mean", "best code"], 1..5).with_texts(1);
    for line in lines {
        let mean = line.mean_of_last_generation.map_or_else(String::new, percent);
        let (at, best) = (line.best_at_equal_cost.map_or("–".into(), percent), percent(line.best));
        table.row([line.search.clone(), at, line.trained.to_string(), best, mean, line.code.clone()]);
    }
    writeln!(out, "{}", table.for_output())?;
    writeln!(out, "after {trained}: when each search had trained as many networks as the shortest")?;
    writeln!(out, "last mean: the mean fitness of the last generation before the race")?;
    Ok(())
}
