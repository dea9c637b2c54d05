//! `evograd search` and its subcommands.

mod advice;
mod calibrate;
mod compare;
mod confirm;
mod dry_run;
mod exhaust;
mod explain;
mod page;
mod place;
mod progress;
mod rehearsal_result;
mod rehearse;
mod run;
mod settings;
mod stages;
mod summary;
mod table;
mod transfer;
mod watch;

use super::typed::Typed;
use anyhow::Result;
use std::io::Write;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search
      a small search on the built-in set of shapes
  evograd search --data cifar10 --budget 1h
      as many networks as an hour of core time allows
  evograd search --fusion sort --seed 1
      nodes fuse their inputs by SORT
  evograd search --method random
      random search with as many trainings
  evograd search --resume runs/search
      continue where it stopped
  evograd search explain '1-01|0-01-100|0-11-101-0001'
  evograd search compare runs/search runs/search-random
  evograd search confirm runs/search --against runs/search-random
      their winners and plain networks, trained again and tested
  evograd search --problem table --method all
      every method a thousand times, on trainings that were done before

Ctrl-C, SIGTERM and SIGHUP stop it and keep what was evaluated. Exit code 1:
all networks diverged; 130, 143 or 129: it was stopped.";

/// Evolve network architectures, with short trainings as fitness (Genetic CNN).
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
// The group of `run::Args` has the same name.
#[group(skip)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    search: run::Args,
}

#[derive(clap::Subcommand)]
enum Command {
    Explain(explain::Args),
    Exhaust(exhaust::Args),
    Calibrate(calibrate::Args),
    Compare(compare::Args),
    Confirm(confirm::Args),
    Transfer(transfer::Args),
    Report(page::Args),
    Table(table::Args),
}

/// Searches, or does what goes with it.
pub fn run(args: &Args, typed: &Typed, out: &mut impl Write) -> Result<ExitCode> {
    match &args.command {
        None => run::run(&args.search, typed, out),
        Some(Command::Explain(args)) => explain::run(args, out),
        Some(Command::Exhaust(args)) => exhaust::run(args, out),
        Some(Command::Calibrate(args)) => calibrate::run(args, out),
        Some(Command::Compare(args)) => compare::run(args, out),
        Some(Command::Confirm(args)) => confirm::run(args, out),
        Some(Command::Transfer(args)) => transfer::run(args, out),
        Some(Command::Report(args)) => page::run(args, out),
        Some(Command::Table(args)) => table::run(args, out),
    }
}
