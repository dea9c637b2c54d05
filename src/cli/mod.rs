//! Arguments, and one file per command. Knows every module; no module knows it.

mod data;
mod data_dir;
mod eval;
mod exit_code;
mod file_progress;
mod gradcheck;
mod image_size;
mod inspect;
mod interrupt;
mod model_args;
mod origin;
mod out_file;
mod predict;
mod processor;
mod profile;
mod progress;
mod results;
mod run_folder;
mod search;
mod table;
mod terminal;
mod train;
mod tsp;
mod typed;
mod values;
mod variables;
mod width;
mod wrap;

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use exit_code::USER_ERROR;
use run_folder::Unfinished;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use terminal::{note, note_command};

const AFTER_HELP: &str = "\
Exit codes: 0 all is well, 1 a check did not pass or a run diverged, 2 wrong
arguments or data, 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP.
Environment: EVOGRAD_ISA=portable|avx2|avx512 forces an instruction set;
EVOGRAD_DATA_DIR is the folder of the data sets, EVOGRAD_MIRROR a place to
fetch them from.";

/// A tensor engine for the CPU with hand-written gradients, each of them proved.
#[derive(Parser)]
#[command(version, about, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Threads to compute with [default: one for each core]
    #[arg(long, global = true, value_name = "N", value_parser = values::whole::<usize>(1, 1024))]
    threads: Option<usize>,
    /// Hide progress; write only warnings and errors to standard error
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    Data(data::Args),
    Gradcheck(gradcheck::Args),
    Inspect(inspect::Args),
    Profile(profile::Args),
    Train(Box<train::Args>),
    Search(Box<search::Args>),
    Tsp(tsp::Args),
    Eval(eval::Args),
    Predict(predict::Args),
}

/// Does what the command line asks for. What is wrong with it is said in lines that fit the terminal, where clap breaks its help
/// alone.
pub fn run() -> ExitCode {
    let mut command = with_negative_numbers(Args::command());
    if let Some(width) = width::of_output().or_else(terminal::error_width) {
        command = command.term_width(width);
    }
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = matches.and_then(|matches| {
        let typed = typed::Typed::of(&command, &matches);
        Args::from_arg_matches(&matches).map(|args| (args, typed)).map_err(|error| error.format(&mut command))
    });
    match parsed {
        Ok((args, typed)) => answer(args, &typed),
        Err(error) => explain(&error),
    }
}

/// A command whose arguments take −1 for a value, however wrong: so that what refuses it knows the argument.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let with = |argument: clap::Arg| {
        let takes = argument.get_long().is_some() && argument.get_action().takes_values();
        argument.allow_negative_numbers(takes)
    };
    command.mut_args(with).mut_subcommands(with_negative_numbers)
}

/// The help, the version, or what is wrong with the arguments.
fn explain(error: &clap::Error) -> ExitCode {
    let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USER_ERROR));
    let text = error.render().to_string();
    if error.use_stderr() && !terminal::fits(&text) {
        note(text.trim_end());
        return code;
    }
    let written = error.print().and_then(|()| std::io::stdout().flush());
    match written {
        // What goes to standard error is best effort.
        Err(problem) if !error.use_stderr() && problem.kind() != ErrorKind::BrokenPipe => {
            refused(&lost(problem), &typed::Typed::default())
        }
        _ => code,
    }
}

/// Runs the command, and says what went wrong.
fn answer(args: Args, typed: &typed::Typed) -> ExitCode {
    if args.quiet {
        terminal::be_quiet();
    }
    perform(args, typed).unwrap_or_else(|error| refused(&error, typed))
}

/// Says an error, and how to go on where it ended work of which something is kept.
fn refused(error: &anyhow::Error, typed: &typed::Typed) -> ExitCode {
    note(format_args!("evograd: {}", typed.with_typed_names(message(error))));
    if let Some(Unfinished { kept, command, .. }) = error.downcast_ref() {
        note_command(&format!("{kept}; go on with:"), command);
    }
    ExitCode::from(USER_ERROR)
}

fn lost(problem: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(problem).context("not all results could be written to standard output")
}

/// Runs the command on as many threads as asked for. Results go to standard output; where they cannot, because the disk
/// is full, that is said once the work is done, and a reader that has seen enough, such as `head`, is no problem at all.
fn perform(args: Args, typed: &typed::Typed) -> Result<ExitCode> {
    evograd::Isa::chosen()?;
    variables::warn_of_unknown();
    typed.expect_resumable()?;
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let run = || {
        let mut out = results::Results::new(std::io::stdout().lock());
        let outcome = match args.command {
            Command::Data(args) => data::run(&args, &mut out),
            Command::Gradcheck(args) => gradcheck::run(&args, &mut out),
            Command::Inspect(args) => inspect::run(&args, &mut out),
            Command::Eval(args) => eval::run(&args, &mut out),
            Command::Predict(args) => predict::run(&args, &mut out),
            Command::Profile(args) => profile::run(&args, &mut out),
            Command::Search(args) => search::run(&args, typed, &mut out),
            Command::Train(args) => train::run(&args, &mut out),
            Command::Tsp(args) => tsp::run(&args, &mut out),
        }?;
        out.problem().map_or(Ok(outcome), |problem| Err(lost(problem)))
    };
    evograd::ThreadPool::new(threads.unwrap_or(1))?.install(|| evograd::within_memory(run)?)
}

/// An error and what it came of, each said once: some name their source themselves.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        text if text.contains(&cause) => text.into(),
        text => format!("{text}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_of_all_commands_go_together() {
        super::Args::command().debug_assert();
    }

    /// The first default that the help of an argument names.
    fn default_in_help(command: &str, argument: &str) -> String {
        let all = super::Args::command();
        let command = all.find_subcommand(command).unwrap();
        let help =
            command.get_arguments().find(|known| known.get_id() == argument).unwrap().get_help().unwrap().to_string();
        let (_, default) = help.split_once("[default: ").unwrap();
        default.split([' ', ',', ']']).next().unwrap().to_string()
    }

    #[test]
    fn the_help_names_the_defaults_that_are_used() {
        let search = evograd::search::SearchConfig::parse("", &[]).unwrap();
        let train = evograd::train::Config::parse("", &[]).unwrap();
        for (command, argument, used) in [
            ("search", "data", search.data.set.clone()),
            ("search", "samples", search.data.samples.to_string()),
            ("search", "validation", search.data.validation.unwrap().to_string()),
            ("search", "epochs", search.training.epochs.to_string()),
            ("search", "batch", search.training.batch.to_string()),
            ("search", "rate", search.optimizer.rate.to_string()),
            ("search", "population", search.search.population.to_string()),
            ("search", "budget", search.search.budget.to_string()),
            ("search", "children", search.search.children.to_string()),
            ("train", "model", train.model.name.clone()),
            ("train", "data", train.data.set.clone()),
            ("train", "epochs", train.training.epochs.to_string()),
            ("train", "batch", train.training.batch.to_string()),
            ("train", "rate", train.optimizer.rate.to_string()),
        ] {
            assert_eq!(default_in_help(command, argument), used, "{command}, {argument}");
        }
    }
}
