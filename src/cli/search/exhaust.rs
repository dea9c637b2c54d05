//! `evograd search exhaust`: every network of a small space.

use super::breed::watched;
use super::dry_run::{Amount, dry_run};
use super::page::write_page;
use super::place::{Begun, Place};
use super::progress::{Parts, Progress};
use super::settings::Settings;
use crate::cli::interrupt;
use crate::cli::run_folder::going_on;
use crate::cli::table::{Table, fitted};
use crate::cli::terminal::note_command;
use anyhow::{Context, Result};
use evograd::record::SearchRow;
use evograd::report::{counted, percent};
use evograd::search::{exhaust, graphs, read_journal};
use std::io::Write;
use std::process::ExitCode;

/// More networks than this are not begun without being asked for.
const USUAL_LIMIT: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  evograd search exhaust --stages 3,4
      186 graphs, on the built-in set of shapes
  evograd search exhaust --stages 3,4 --data cifar10 --samples 5000
  evograd search exhaust --resume runs/exhaust-shapes-seed0

Codes that mean the same graph are one network. One training of each says who
was best this time: the best of many is the luckiest, too.";

/// Train every network of a small space once
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
    /// Print the settings and the expected time, and train nothing
    #[arg(long)]
    dry_run: bool,
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
        let amount = Amount::Trainings {
            what: "network",
            trainings: count,
            epochs: count as u64 * u64::from(config.training.epochs),
        };
        return dry_run(&config, &sets, amount, args.place.json, out);
    }
    let begun = args.place.begin("exhaust", config, sets)?;
    let progress = Progress::new(Parts::One, &begun.rows()?, args.place.quiet);
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
    if args.place.json {
        return Ok(());
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
    let mut best = Table::new(&["rank", "code", "fitness"], 2..3);
    for (rank, row) in individuals.iter().take(10).enumerate() {
        best.row([(rank + 1).to_string(), row.code.clone(), percent(row.fitness)]);
    }
    writeln!(out, "{}", best.for_output())?;
    writeln!(out, "report: {}", begun.path().join("report.html").display())?;
    Ok(())
}
