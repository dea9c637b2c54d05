//! `evograd search`: generation after generation.

use super::advice;
use super::dry_run::{Amount, dry_run};
use super::page::write_page;
use super::place::{Begun, Place};
use super::progress::{Parts, Progress};
use super::settings::Settings;
use super::summary;
use super::tsp::{self, TspArgs};
use crate::cli::interrupt;
use crate::cli::results::print_row;
use crate::cli::run_folder::{Kind, going_on};
use crate::cli::terminal::{note_command, warn};
use anyhow::{Result, bail};
use evograd::Error;
use evograd::record::SearchRow;
use evograd::search::{Budget, Event, Told, search};
use std::io::Write;
use std::process::ExitCode;

/// How networks are bred.
#[derive(clap::Args, Clone, Debug)]
#[group(id = "Breeding")]
pub struct Args {
    /// What is bred: structures of networks (Genetic CNN), or tours through towns
    #[arg(long, value_enum, default_value_t = Problem::Networks)]
    problem: Problem,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    place: Place,
    /// How networks are chosen: evolution by the operators of Genetic CNN, with children chosen by a model of accuracy; paper,
    /// the same to the letter; aging evolution; predictor, the model alone; or random [default: evolution]
    #[arg(long, value_name = "METHOD", value_parser = ["evolution", "paper", "aging", "predictor", "random"], conflicts_with = "resume")]
    method: Option<String>,
    /// What the search may cost: trainings, as 100, or time of all cores together, as 30min or 1.5h [default: 36]
    #[arg(long, value_name = "BUDGET", conflicts_with = "resume")]
    budget: Option<Budget>,
    /// Individuals in a generation [default: 10, and 200 tours]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    population: Option<usize>,
    /// Children bred for each place in a generation, of which the most promising is trained [default: 30]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    children: Option<u32>,
    /// Of tours: generations after the first [default: 10000]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    generations: Option<u32>,
    /// Print the settings and the expected time, and search nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    tsp: TspArgs,
}

/// What can be bred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Problem {
    Networks,
    Tsp,
}

/// Searches, or says what would be searched.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    if args.problem == Problem::Tsp {
        return tours(args, out);
    }
    if args.tsp != TspArgs::default() {
        bail!("--towns, --circle, --tsplib and --svg are about tours; use them with --problem tsp");
    }
    if args.generations.is_some() {
        bail!("--generations is about tours; say with --budget how many networks are trained, or for how long");
    }
    let more = [
        ("search.method", args.method.clone()),
        ("search.population", args.population.map(|n| n.to_string())),
        ("search.children", args.children.map(|n| n.to_string())),
        ("search.budget", args.budget.map(|budget| format!("\"{budget}\""))),
    ];
    let (config, sets) = args.place.settings(Kind::Search, &args.settings, &more)?;
    if args.dry_run {
        warn(&advice::before(Kind::Search, &config));
        let what = "training";
        let amount = match config.search.budget {
            Budget::Seconds(seconds) => Amount::Seconds(seconds),
            Budget::Trainings(trainings) => {
                Amount::Trainings { what, trainings, epochs: trainings as u64 * u64::from(config.training.epochs) }
            }
        };
        return dry_run(&config, &sets, amount, args.place.json, out);
    }
    let begun = args.place.begin(Kind::Search, config, sets)?;
    let progress = Progress::new(Parts::Rounds(begun.config.search.budget), &begun.rows()?, args.place.quiet);
    let outcome = watched(&begun, &args.place, progress, out, &mut |told| {
        search(&begun.journal(), &begun.config, &begun.sets, told).map(drop)
    })?;
    if !outcome {
        write_page(begun.path(), &begun.config)?;
        note_command("stopped; go on with:", &going_on(Kind::Search.command(), begun.path(), &args.place.data_dir));
        return Ok(interrupt::code());
    }
    if summary::report(&begun, &args.place, out)? {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(advice::nothing_learned())
}

fn tours(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let Args { settings, place, method, budget, population, children, generations, dry_run, .. } = args;
    let about_networks = method.is_some() || budget.is_some() || children.is_some() || *dry_run;
    if !settings.is_seed_alone() || !place.is_output_alone() || about_networks {
        bail!(
            "with --problem tsp, use --population, --generations, --seed, --json, --quiet and the arguments about towns"
        );
    }
    let common = tsp::Common {
        population: *population,
        generations: *generations,
        seed: settings.seed.unwrap_or(0),
        json: place.json,
        quiet: place.quiet,
    };
    tsp::run(&args.tsp, common, out)
}

/// Does `work` with its progress shown and its rows told; whether it came to its end.
pub fn watched(
    begun: &Begun,
    place: &Place,
    mut progress: Progress,
    out: &mut impl Write,
    work: &mut dyn FnMut(&mut Told<'_>) -> evograd::Result<()>,
) -> Result<bool> {
    let mut stop = interrupt::asked("stopping; what was evaluated is kept. A second signal stops at once")?;
    summary::banner(begun, place.resume.is_some()).iter().for_each(|line| progress.note(line));
    let outcome = work(&mut |event| {
        let row = match &event {
            Event::Evaluated { row, .. } => Some(SearchRow::Evaluation((*row).clone())),
            Event::Generation(row) => Some(SearchRow::Generation((*row).clone())),
            Event::Reading { .. } | Event::Waiting => None,
        };
        if let (Some(row), true) = (row, place.json) {
            print_row(&row, out);
        }
        progress.tell(&event);
        !stop()
    });
    progress.finish();
    let described = begun.ended(&outcome);
    // What ended the search says more than that this could not be noted.
    let ended = match outcome {
        Err(Error::Stopped) => false,
        outcome => outcome.map(|()| true)?,
    };
    described.map(|()| ended)
}
