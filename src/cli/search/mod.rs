//! `evograd search`: breeds what is fittest.

mod tsp;

use anyhow::Result;
use std::io::Write;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search --problem tsp                      the shortest way through 52 towns at random
  evograd search --problem tsp --towns 60 --circle  towns on a circle, whose shortest way is known
  evograd search --problem tsp --tsplib berlin52.tsp --svg tour.svg --generations 30000

Ctrl-C finishes the generation and prints the best so far; exit code 130.";

/// Breed what is fittest by a genetic algorithm.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to breed
    #[arg(long, value_enum)]
    problem: Problem,
    /// Individuals in a generation [default: 200]
    #[arg(long, value_name = "N")]
    population: Option<usize>,
    /// Generations in all [default: 10000]
    #[arg(long, value_name = "N")]
    generations: Option<u32>,
    /// Seed of the problem and of all random choices
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
    /// No progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    tsp: tsp::TspArgs,
}

/// What can be bred.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Problem {
    /// Tours through towns
    Tsp,
}

/// Breeds and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let Args { population, generations, seed, json, quiet, .. } = *args;
    match args.problem {
        Problem::Tsp => tsp::run(&args.tsp, tsp::Common { population, generations, seed, json, quiet }, out),
    }
}
