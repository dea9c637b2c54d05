//! `evograd search` without a subcommand: one search of networks, or many on a table.

use super::advice;
use super::dry_run::{Amount, dry_run};
use super::page::write_page;
use super::place::Place;
use super::progress::{Parts, Progress};
use super::rehearse::{self, TableArgs};
use super::settings::Settings;
use super::summary;
use super::watch::watched;
use crate::cli::interrupt;
use crate::cli::run_folder::{Kind, going_on};
use crate::cli::terminal::{note_command, warn};
use crate::cli::typed::Typed;
use crate::cli::values::{setting, written};
use anyhow::{Result, bail};
use evograd::search::{Budget, search};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What is searched, and how.
#[derive(clap::Args, Clone, Debug)]
#[group(id = "Run")]
pub struct Args {
    /// What to search: network architectures (Genetic CNN), or architectures in a table of finished trainings
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
    /// Budget of the search: trainings, as 100, or core time, as 30min or 1.5h [default: 24]
    #[arg(long, value_name = "BUDGET", value_parser = written::<Budget>)]
    budget: Option<Budget>,
    /// Individuals in a generation [default: 6]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("search.population"))]
    population: Option<usize>,
    /// Offspring generated for each place in a generation, of which the most promising is trained [default: 100]
    #[arg(long, value_name = "N", value_parser = setting::<u32>("search.children"))]
    children: Option<u32>,
    /// Print the settings and the expected time, and search nothing
    #[arg(long)]
    dry_run: bool,
    /// With --problem table: plot the true value of the best network so far after each training
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    moved: Moved,
}

/// Every method, one after the other.
const ALL: &str = "all";

/// Arguments of `evograd tsp`, which was a problem of this command.
#[derive(clap::Args, Clone, Debug)]
struct Moved {
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    towns: Option<String>,
    #[arg(long, hide = true)]
    circle: bool,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    tsplib: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    generations: Option<String>,
}

impl Moved {
    /// Refuses them, and the problem, by the command that takes them.
    fn expect_none(&self, problem: Problem) -> Result<()> {
        if problem == Problem::Tsp {
            bail!("--problem tsp is a command of its own now; use evograd tsp, see evograd tsp --help");
        }
        let typed = [
            ("--towns", self.towns.is_some()),
            ("--circle", self.circle),
            ("--tsplib", self.tsplib.is_some()),
            ("--generations", self.generations.is_some()),
        ];
        match typed.iter().find(|(_, typed)| *typed) {
            Some((name, _)) => {
                bail!("{name} is about tours through towns; use evograd tsp {name}, see evograd tsp --help")
            }
            None => Ok(()),
        }
    }
}

/// What can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Problem {
    Networks,
    Table,
    /// `evograd tsp` now.
    #[value(hide = true)]
    Tsp,
}

/// What a search on a table reads.
const OF_TABLES: [&str; 16] = [
    "--problem",
    "--seed",
    "--json",
    "--quiet",
    "--threads",
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

/// Refuses arguments that are about another problem.
fn expect_of_problem(problem: Problem, typed: &Typed) -> Result<()> {
    match problem {
        Problem::Table => typed.expect_only(&OF_TABLES, "--problem table, as the table says how networks were trained"),
        Problem::Networks | Problem::Tsp => {
            let with_table = ["--table", "--images", "--repeats"].map(|name| (name, "--problem table")).into_iter();
            let mut others =
                with_table.chain([("--svg", "--problem table; the drawings of a search are in its report.html")]);
            others.try_for_each(|(name, with)| typed.expect_without(name, with))
        }
    }
}

/// Searches, or says what would be searched.
pub fn run(args: &Args, typed: &Typed, out: &mut impl Write) -> Result<ExitCode> {
    args.moved.expect_none(args.problem)?;
    expect_of_problem(args.problem, typed)?;
    match args.problem {
        Problem::Table => return on_a_table(args, out),
        _ if args.method.as_deref() == Some(ALL) => {
            bail!("--method all is about a table of trainings; use it with --problem table")
        }
        _ => {}
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
    let outcome = watched(&begun, &args.place, progress, out, &mut |on_event| {
        early = search(&begun.journal(), &begun.config, &begun.sets, on_event)?.early;
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

/// What the arguments say of the method.
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
    let default = Settings::of_seed(args.settings.seed).config(&[])?;
    let mut unread = default.differences(&config)?;
    unread.retain(|(key, _)| !key.starts_with("search."));
    // Others may have changed with those that were set.
    unread.sort_by_key(|(key, _)| (!args.settings.is_set(key), key == "optimizer.rate"));
    if let Some((key, _)) = unread.first() {
        bail!("{key} is set, and with --problem table the table says how networks were trained; leave it out");
    }
    let (all, svg, json) = (args.method.as_deref() == Some(ALL), args.svg.as_ref(), args.place.json);
    rehearse::run(&args.table, &rehearse::Common { config, all, svg, json }, out)
}
