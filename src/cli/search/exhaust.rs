//! `evograd search exhaust`: every network of a small space, and what searches would have found in it.

use super::breed::watched;
use super::dry_run::{Amount, dry_run};
use super::page::write_page;
use super::place::{Begun, Place};
use super::progress::Progress;
use super::settings::Settings;
use crate::cli::interrupt;
use crate::cli::run_folder::going_on;
use crate::cli::table::{Table as Printed, fitted};
use crate::cli::terminal::{note_command, said_if_slow};
use anyhow::{Context, Result};
use evograd::record::{IndividualRow, SearchRow};
use evograd::report::{counted, percent};
use evograd::search::{Breeding, Method, Table, exhaust, graphs, read_journal};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// More networks than this are not begun without being asked for.
const USUAL_LIMIT: usize = 1000;

/// Generations of the searches on the table: as many as the paper's.
const GENERATIONS: u32 = 50;

const EXAMPLES: &str = "\
Examples:
  evograd search exhaust --stages 3,4
      186 graphs, on the built-in set of shapes
  evograd search exhaust --stages 3,4 --data cifar10 --samples 5000
  evograd search exhaust --resume runs/exhaust-shapes-seed0

Codes that mean the same graph are one network. Those searches train nothing:
they look up what the networks came to.";

/// Train every network of a small space once, then see how soon evolution and random search would have found the best
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    place: Place,
    /// Begin only if there are at most so many networks to train
    #[arg(long, value_name = "N", default_value_t = USUAL_LIMIT)]
    limit: usize,
    /// Searches that are tried on what was found, so many by evolution and as many at random, each with another seed
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    searches: u64,
    /// Print the settings and the expected time, and train nothing
    #[arg(long)]
    dry_run: bool,
}

/// The mean of the best fitness after so many networks.
#[derive(Serialize)]
struct Found {
    networks: usize,
    evolution: f64,
    random: f64,
}

/// Trains and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let (config, sets) = args.place.settings(&args.settings, &[])?;
    let count = graphs(&config.networks.stages)?.len();
    if count > args.limit {
        anyhow::bail!(
            "stages of {:?} nodes have {}; allow that many with --limit, or use fewer nodes",
            config.networks.stages,
            counted(count as u64, "different graph")
        );
    }
    if args.dry_run {
        let amount =
            Amount { what: "network", trainings: count, epochs: count as u64 * u64::from(config.training.epochs) };
        return dry_run(&config, &sets, amount, args.place.json, out);
    }
    let begun = args.place.begin("exhaust", config, sets)?;
    let progress = Progress::new("generation", 0, args.place.quiet);
    let ended = watched(&begun, &args.place, progress, out, &mut |told| {
        exhaust(&begun.journal(), &begun.config, &begun.sets, told)
    })?;
    if !ended {
        note_command("stopped; go on with:", &going_on("evograd search exhaust", begun.path(), &args.place.data_dir));
        return Ok(interrupt::code());
    }
    report(&begun, args, out)?;
    Ok(ExitCode::SUCCESS)
}

fn report(begun: &Begun, args: &Args, out: &mut impl Write) -> Result<()> {
    write_page(begun.path(), &begun.config)?;
    let rows = read_journal(&begun.journal())?;
    let individuals = rows.into_iter().find_map(|row| match row {
        SearchRow::Generation(row) => Some(row.individuals),
        _ => None,
    });
    let mut individuals = individuals.context("the journal has no generation")?;
    let progress = said_if_slow("trying searches", || searches(begun, &individuals, args.searches))?;
    if args.place.json {
        let line = serde_json::json!({ "kind": "searches", "best_so_far": progress });
        return Ok(writeln!(out, "{line}")?);
    }
    individuals.sort_by(|a, b| b.fitness.total_cmp(&a.fitness));
    let at = |share: f64| percent(individuals[((individuals.len() - 1) as f64 * share).round() as usize].fitness);
    let spread = format!(
        "{}: best {}, a quarter at least {}, half at least {}, three quarters at least {}, worst {}",
        counted(individuals.len() as u64, "network"),
        at(0.0),
        at(0.25),
        at(0.5),
        at(0.75),
        at(1.0)
    );
    writeln!(out, "{}", fitted(spread))?;
    let mut best = Printed::new(&["rank", "code", "fitness"], 2..3);
    for (rank, row) in individuals.iter().take(10).enumerate() {
        best.row([(rank + 1).to_string(), row.code.clone(), percent(row.fitness)]);
    }
    writeln!(out, "{}", best.for_output())?;
    let population = begun.config.search.population;
    let meaning = format!(
        "The best that a search has found after so many networks: the mean of {} of each kind, of {} and\n\
         {GENERATIONS} generations. One that meets no new network any more keeps its best.",
        counted(args.searches, "search"),
        counted(population as u64, "individual")
    );
    writeln!(out, "{}", fitted(meaning))?;
    let mut found = Printed::new(&["networks trained", "evolution", "random search"], 0..3);
    for row in progress {
        found.row([row.networks.to_string(), percent(row.evolution), percent(row.random)]);
    }
    writeln!(out, "{}", found.for_output())?;
    writeln!(out, "report: {}", begun.path().join("report.html").display())?;
    Ok(())
}

/// How far evolution and chance come on the table after as many networks. A search that has met fewer keeps its best.
fn searches(begun: &Begun, individuals: &[IndividualRow], searches: u64) -> Result<Vec<Found>> {
    let config = &begun.config;
    let table = Table::new(&config.networks.stages, individuals)?;
    let mean = |method| {
        let run =
            |seed| table.best_so_far(&Breeding { method, seed, generations: GENERATIONS, ..config.search.clone() });
        let runs = (0..searches).map(run).collect::<evograd::Result<Vec<Vec<f64>>>>()?;
        let at = move |networks: usize| {
            let bests = runs.iter().map(|best| best[networks.min(best.len()) - 1]);
            bests.sum::<f64>() / runs.len() as f64
        };
        Ok::<_, anyhow::Error>(at)
    };
    let (evolution, random) = (mean(Method::Evolution)?, mean(Method::Random)?);
    let counts = [5, 10, 20, 30, 40, 60, 80, 120, 200, 400, 800];
    let counts = counts.into_iter().filter(|networks| *networks < individuals.len());
    Ok(counts.map(|networks| Found { networks, evolution: evolution(networks), random: random(networks) }).collect())
}
