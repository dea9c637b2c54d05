//! Files that a command is asked to write: whether they can be, before there is anything to lose, and the writing.

use evograd::{Error, Result};
use std::fs::OpenOptions;
use std::path::Path;

/// Sees to it that a file can be written.
pub fn expect_writable(path: &Path) -> Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.map(drop).map_err(|error| unwritable(path, &error))
}

/// Writes a file anew.
pub fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::file(path, error, "name a file in a folder that can be written to")
}
