//! The command line of evograd.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    match cli::run(cli::arguments()) {
        Ok(code) => code,
        Err(error) => {
            cli::tell_error(&error);
            ExitCode::from(cli::USER_ERROR)
        }
    }
}
