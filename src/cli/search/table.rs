//! `evograd search table`: the trainings of calibrations and exhaustive searches as one CSV file.

use crate::cli::out_file::OutFile;
use crate::cli::run_folder::{Kind, expect_each_once, of_kind, word};
use crate::cli::terminal::note;
use anyhow::Result;
use evograd::report::counted;
use evograd::search::{TableSource, TrainingTable, journal_of};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search table runs/calibrate-cifar10-seed0 > cifar10.csv
  evograd search table runs/short runs/long --out both.csv
      of two folders that trained by one recipe, for different lengths
  evograd search --problem table --table both.csv
      searches by the thousand on these trainings

A folder need not be finished. All have to agree in everything that decides
about a result, but for the length of a training and its seed.";

/// Write the trainings of calibrations and exhaustive searches as a table
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folders of calibrations and exhaustive searches
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Write a file, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    expect_each_once(&args.folders)?;
    let sources = args.folders.iter().map(|folder| source(folder)).collect::<Result<Vec<TableSource>>>()?;
    let table = TrainingTable::gather(&sources)?;
    match OutFile::maybe(args.out.as_ref(), "csv")? {
        Some(file) => {
            file.write(&table.to_csv(), &format!("a table of {}", counted(table.rows().len() as u64, "training")))?
        }
        None => out.write_all(table.to_csv().as_bytes())?,
    }
    let diverged = table.rows().iter().filter(|row| row.accuracy.is_none()).count();
    if diverged > 0 {
        note(format_args!("{} diverged: no accuracy stands in their rows", counted(diverged as u64, "training")));
    }
    Ok(ExitCode::SUCCESS)
}

fn source(folder: &Path) -> Result<TableSource> {
    let run = of_kind(folder, &[Kind::Calibration, Kind::Exhaust])?;
    let rows = journal_of(&run)?;
    // Whoever lost `run.json` still has the trainings.
    let command = run.info().map(|info| shown(&info.command)).unwrap_or_default();
    Ok(TableSource { folder: folder.to_path_buf(), rows, command })
}

/// A command as a shell takes it, without where the program stood.
fn shown(command: &[String]) -> String {
    let name = |(place, argument): (usize, &String)| match place {
        0 => {
            Path::new(argument).file_name().map_or_else(|| argument.clone(), |name| name.to_string_lossy().into_owned())
        }
        _ => argument.clone(),
    };
    command.iter().enumerate().map(name).map(|argument| argument_word(&argument)).collect::<Vec<_>>().join(" ")
}

/// An argument as one word; one that begins with a dash is an option here.
fn argument_word(argument: &str) -> String {
    let option = argument.trim_start_matches('-');
    let dashes = &argument[..argument.len() - option.len()];
    match option {
        "" if !argument.is_empty() => argument.into(),
        option => format!("{dashes}{}", word(Path::new(option))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let command =
            ["/opt/bin/evograd", "search", "--stages", "3,4", "-q", "--set", "data.set='my set'", ""].map(String::from);
        assert_eq!(shown(&command), r"evograd search --stages 3,4 -q --set 'data.set='\''my set'\''' ''");
    }
}
