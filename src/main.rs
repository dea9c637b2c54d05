//! The command line of evograd.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::run()
}
