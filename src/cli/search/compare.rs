//! `evograd search compare`: several searches against each other, at equal numbers of networks trained.

use super::advice;
use crate::cli::out_file::OutFile;
use crate::cli::run_folder::{Kind, expect_each_once, of_kind};
use crate::cli::table::{Table, fitted};
use crate::cli::terminal::note;
use anyhow::{Context, Result, bail};
use evograd::record::{BeginRow, SearchRow, any_learned};
use evograd::report::{SearchStats, best_so_far, comparison, percent};
use evograd::search::{SearchConfig, journal_of};
use evograd::train::RunFolder;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search --out runs/evolved
  evograd search --out runs/random --method random
  evograd search compare runs/evolved runs/random --svg comparison.svg

Who trains more networks finds better ones by luck alone. So all searches are
looked at where the shortest of them ended: after as many trainings. Fitness
is what a network comes to on average over seeds, as far as is known then.";

/// Compare searches at equal numbers of trained networks
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

/// A setting that is not the same for all searches.
struct Different {
    key: String,
    /// One for each search.
    values: Vec<String>,
}

/// Compares.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let svg = OutFile::maybe(args.svg.as_ref(), "svg")?;
    expect_each_once(&args.searches)?;
    let folders = args.searches.iter().map(|folder| of_kind(folder, &[Kind::Search, Kind::Exhaust]));
    let folders = folders.collect::<Result<Vec<RunFolder>>>()?;
    let journals = folders.iter().map(journal_of).collect::<evograd::Result<Vec<Vec<SearchRow>>>>()?;
    let begun = begun(&args.searches, &journals)?;
    let different = differences(&begun)?;
    let names: Vec<String> = args.searches.iter().map(|folder| folder.display().to_string()).collect();
    warn_of(&names, &begun, &different);
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
        for Different { key, values } in &different {
            writeln!(out, "{}", fitted(format_args!("{key}: {}", values.join(", "))))?;
        }
        if different.is_empty() {
            writeln!(out, "all of them had the same settings")?;
        }
    }
    if let Some(file) = svg {
        let named: Vec<(&str, &[SearchRow])> =
            names.iter().map(String::as_str).zip(journals.iter().map(Vec::as_slice)).collect();
        file.write(&comparison(&named).to_step_svg(), "the drawing")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What each search began with.
fn begun<'a>(folders: &[PathBuf], journals: &'a [Vec<SearchRow>]) -> Result<Vec<&'a BeginRow>> {
    let begin = |(folder, rows): (&PathBuf, &'a Vec<SearchRow>)| match rows.first() {
        Some(SearchRow::Begin(begin)) => Ok(begin),
        _ => bail!("{}: its journal is empty", folder.display()),
    };
    folders.iter().zip(journals).map(begin).collect()
}

/// Each setting that is not the same for all, with the values in the order of the searches.
fn differences(begun: &[&BeginRow]) -> Result<Vec<Different>> {
    let configs = begun.iter().map(|begin| SearchConfig::parse(&begin.settings, &[]));
    let configs = configs.collect::<evograd::Result<Vec<SearchConfig>>>()?;
    let mut different: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (place, config) in configs.iter().enumerate() {
        for (key, [first, other]) in configs[0].differences(config)? {
            different.entry(key).or_insert_with(|| vec![first; begun.len()])[place] = other;
        }
    }
    Ok(different.into_iter().map(|(key, values)| Different { key, values }).collect())
}

/// Says where a fitness of one search may not mean what it means in another, and where they searched among other networks.
fn warn_of(names: &[String], begun: &[&BeginRow], different: &[Different]) {
    for (place, name) in names.iter().enumerate().skip(1) {
        let of = |section: &[&str]| {
            let differ = different.iter().filter(|one| section.iter().any(|section| one.key.starts_with(section)));
            let differ = differ.filter(|one| one.values[0] != one.values[place] && !one.key.ends_with(".seed"));
            differ.map(|one| format!("{} {} and {}", one.key, one.values[0], one.values[place])).collect::<Vec<_>>()
        };
        let both = format!("{} and {name}", names[0]);
        let (networks, training) = (of(&["networks."]), of(&["data.", "training.", "optimizer.", "schedule."]));
        if !networks.is_empty() {
            note(format_args!("{both} searched among different networks: {}", networks.join("; ")));
        }
        let images = |begin: &BeginRow| (begin.data_checksums[0].clone(), begin.data.clone());
        if !training.is_empty() {
            let differ = training.join("; ");
            note(format_args!(
                "{both} trained their networks differently, so the same fitness may not mean the same: {differ}"
            ));
        } else if images(begun[0]) != images(begun[place]) {
            note(format_args!("{both} had other images, so the same fitness may not mean the same"));
        }
    }
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
