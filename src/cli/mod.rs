//! Arguments, and one file per command. Knows every module; no module knows it.

mod data;
mod data_dir;
mod eval;
mod gradcheck;
mod inspect;
mod interrupt;
mod model_args;
mod out_file;
mod profile;
mod progress;
mod run_folder;
mod search;
mod table;
mod train;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The exit code of a check that did not pass.
const FAILED: u8 = 1;
/// The exit code of a run that was asked to stop and has been saved.
const INTERRUPTED: u8 = 130;
/// The exit code of wrong arguments, wrong data or a system that refuses; clap's own.
pub const USER_ERROR: u8 = 2;

const AFTER_HELP: &str = "\
Exit codes: 0 all is well, 1 a check did not pass or a run diverged, 2 wrong arguments or data, 130 stopped by Ctrl-C.
Environment: EVOGRAD_ISA=portable|avx2|avx512 forces an instruction set; EVOGRAD_DATA_DIR is the folder of the data
sets, EVOGRAD_MIRROR a place to fetch them from.";

/// A tensor engine for the CPU with hand-written gradients, each of them proved.
#[derive(Parser)]
#[command(version, about, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Threads to compute with [default: one for each core]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
}

#[derive(Subcommand)]
enum Command {
    Data(data::Args),
    Gradcheck(gradcheck::Args),
    Inspect(inspect::Args),
    Profile(profile::Args),
    Train(Box<train::Args>),
    Search(Box<search::Args>),
    Eval(eval::Args),
}

/// Runs the command on as many threads as asked for. Results go to standard output; a reader that has seen enough, such
/// as `head`, ends the command quietly.
pub fn run(args: Args) -> Result<ExitCode> {
    evograd::Isa::chosen()?;
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let outcome = evograd::Pool::new(threads.unwrap_or(1))?.install(|| {
        let mut out = std::io::stdout().lock();
        match args.command {
            Command::Data(args) => data::run(&args, &mut out),
            Command::Gradcheck(args) => gradcheck::run(&args, &mut out),
            Command::Inspect(args) => inspect::run(&args, &mut out),
            Command::Eval(args) => eval::run(&args, &mut out),
            Command::Profile(args) => profile::run(&args, &mut out),
            Command::Search(args) => search::run(&args, &mut out),
            Command::Train(args) => train::run(&args, &mut out),
        }
    });
    match outcome {
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        outcome => outcome,
    }
}

/// An error and what it came of, each said once: some name their source themselves.
pub fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        text if text.contains(&cause) => text.into(),
        text => format!("{text}: {cause}"),
    })
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The processor's name, as the system tells it.
fn cpu() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_string(), |(_, name)| name.trim().to_string())
}
