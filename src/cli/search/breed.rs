//! `evograd search`: generation after generation.

use super::advice;
use super::dry_run::{Amount, dry_run};
use super::page::write_page;
use super::place::{Begun, Place};
use super::progress::{Parts, Progress};
use super::rehearse::{self, TableArgs};
use super::settings::Settings;
use super::summary;
use super::tsp::{self, TspArgs};
use crate::cli::interrupt;
use crate::cli::results::print_row;
use crate::cli::run_folder::{Kind, Unfinished, going_on};
use crate::cli::terminal::{note_command, warn};
use crate::cli::typed::Typed;
use crate::cli::values::{setting, whole};
use anyhow::{Result, bail};
use evograd::Error;
use evograd::record::SearchRow;
use evograd::report::counted;
use evograd::search::{Budget, Event, Told, search};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// How networks are bred.
#[derive(clap::Args, Clone, Debug)]
#[group(id = "Breeding")]
pub struct Args {
    /// What to search: network architectures (Genetic CNN), architectures in a table of finished trainings, or tours through towns
    #[arg(long, value_enum, default_value_t = Problem::Networks)]
    problem: Problem,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    place: Place,
    /// Search method: evolution, the operators of Genetic CNN with offspring selected by a surrogate model; paper, Genetic CNN to
    /// the letter; aging evolution; predictor, the surrogate alone; or random search; with --problem table also all [default:
    /// evolution]
    #[arg(long, value_name = "METHOD", value_parser = ["evolution", "paper", "aging", "predictor", "random", ALL])]
    method: Option<String>,
    /// Budget of the search: trainings, as 100, or core time, as 30min or 1.5h [default: 28]
    #[arg(long, value_name = "BUDGET")]
    budget: Option<Budget>,
    /// Individuals in a generation [default: 7, and 200 tours]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("search.population"))]
    population: Option<usize>,
    /// Offspring generated for each place in a generation, of which the most promising is trained [default: 30]
    #[arg(long, value_name = "N", value_parser = setting::<u32>("search.children"))]
    children: Option<u32>,
    /// Of tours: generations after the first [default: 10000]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0, u32::MAX.into()))]
    generations: Option<u32>,
    /// Print the settings and the expected time, and search nothing
    #[arg(long)]
    dry_run: bool,
    /// Draw the tour; or, of searches on a table, what their leaders are worth after each training
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    tsp: TspArgs,
}

/// Every method, one after the other.
const ALL: &str = "all";

/// What can be bred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Problem {
    Networks,
    Table,
    Tsp,
}

/// What a search of networks reads besides its settings, one on a table, and one of tours.
const EVERYWHERE: [&str; 5] = ["--problem", "--seed", "--json", "--quiet", "--threads"];
const OF_TABLES: [&str; 11] = [
    "--method",
    "--budget",
    "--population",
    "--children",
    "--workers",
    "--config",
    "--set",
    "--svg",
    "--table",
    "--images",
    "--repeats",
];
const OF_TOURS: [&str; 6] = ["--population", "--generations", "--svg", "--towns", "--circle", "--tsplib"];

/// Refuses arguments that are about another problem.
fn expect_of_problem(problem: Problem, typed: &Typed) -> Result<()> {
    let own = match problem {
        Problem::Networks => {
            let others = ["--table", "--images", "--repeats"].map(|name| (name, "--problem table")).into_iter();
            let others =
                others.chain(["--towns", "--circle", "--tsplib", "--generations"].map(|name| (name, "--problem tsp")));
            let mut others =
                others.chain([("--svg", "--problem tsp or table; the drawings of a search are in its report.html")]);
            return others.try_for_each(|(name, with)| typed.expect_without(name, with));
        }
        Problem::Table => (&OF_TABLES[..], "--problem table, as the table says how networks were trained"),
        Problem::Tsp => (&OF_TOURS[..], "--problem tsp"),
    };
    let known: Vec<&str> = EVERYWHERE.iter().chain(own.0).copied().collect();
    typed.expect_only(&known, own.1)
}

/// Searches, or says what would be searched.
pub fn run(args: &Args, typed: &Typed, out: &mut impl Write) -> Result<ExitCode> {
    expect_of_problem(args.problem, typed)?;
    match args.problem {
        Problem::Tsp => return tours(args, out),
        Problem::Table => return on_a_table(args, out),
        Problem::Networks if args.method.as_deref() == Some(ALL) => {
            bail!("--method all is about a table of trainings; use it with --problem table")
        }
        Problem::Networks => {}
    }
    let (config, sets) = args.place.settings(Kind::Search, &args.settings, &more(args))?;
    if args.dry_run {
        let what = "training";
        let amount = match config.search.budget {
            Budget::Seconds(seconds) => Amount::Seconds(seconds),
            Budget::Trainings(trainings) => {
                Amount::Trainings { what, trainings, epochs: trainings as u64 * u64::from(config.training.epochs) }
            }
        };
        return dry_run(Kind::Search, &config, &sets, amount, args.place.json, out);
    }
    let begun = args.place.begin(Kind::Search, config, sets)?;
    let progress = Progress::new(Parts::Rounds(begun.config.search.budget), &begun.rows()?);
    let mut early = Vec::new();
    let outcome = watched(&begun, &args.place, progress, out, &mut |told| {
        early = search(&begun.journal(), &begun.config, &begun.sets, told)?.early;
        Ok(())
    })?;
    if !outcome {
        write_page(begun.path(), &begun.config)?;
        note_command("stopped; go on with:", &going_on(Kind::Search.command(), begun.path(), &args.place.data_dir));
        return Ok(interrupt::code());
    }
    if summary::report(&begun, &args.place, &early, out)? {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(advice::nothing_learned())
}

/// What the arguments say of breeding.
fn more(args: &Args) -> [(&'static str, Option<String>); 4] {
    [
        ("search.method", args.method.clone().filter(|method| method != ALL)),
        ("search.population", args.population.map(|n| n.to_string())),
        ("search.children", args.children.map(|n| n.to_string())),
        ("search.budget", args.budget.map(|budget| format!("\"{budget}\""))),
    ]
}

fn on_a_table(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let workers = ("search.workers", args.place.workers.map(|workers| workers.to_string()));
    let more: Vec<_> = more(args).into_iter().chain([workers]).collect();
    warn(&args.settings.unread_of_file(Kind::Search)?);
    let config = args.settings.config(&more)?;
    let usual = Settings::of_seed(args.settings.seed).config(&[])?;
    let mut unread = usual.differences(&config)?;
    unread.retain(|(key, _)| !key.starts_with("search."));
    // Others may have changed with those that were set.
    unread.sort_by_key(|(key, _)| (!args.settings.is_set(key), key == "optimizer.rate"));
    if let Some((key, _)) = unread.first() {
        bail!("{key} is set, and with --problem table the table says how networks were trained; leave it out");
    }
    let (all, svg, json) = (args.method.as_deref() == Some(ALL), args.svg.as_ref(), args.place.json);
    rehearse::run(&args.table, &rehearse::Common { config, all, svg, json }, out)
}

fn tours(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let Args { settings, place, population, generations, svg, .. } = args;
    let common = tsp::Common {
        population: *population,
        generations: *generations,
        seed: settings.seed.unwrap_or(0),
        json: place.json,
        svg: svg.as_ref(),
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
        Ok(()) => true,
        Err(error) => {
            let command = begun.kind.command();
            return Err(Unfinished::of(error, || kept(begun), command, begun.path(), &place.data_dir));
        }
    };
    described.map(|()| ended)
}

/// What is kept of a search that failed.
fn kept(begun: &Begun) -> String {
    let trained = |rows: &Vec<SearchRow>| rows.iter().filter(|row| matches!(row, SearchRow::Evaluation(_))).count();
    match begun.rows().as_ref().map(trained) {
        Ok(0) => "nothing had been trained by then".into(),
        Ok(trainings) => format!("kept: {}, in journal.jsonl", counted(trainings as u64, "training")),
        // What is wrong with the journal is told when it is opened again.
        Err(_) => "kept: journal.jsonl".into(),
    }
}
