//! One file of a data set while it is read: opens it, fills buffers, and tells what is wrong with it. Knows no format.

use crate::error::{Error, Result};
use crate::files;
use std::fmt::Display;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A file, and what to do where it is not right.
pub(super) struct Source {
    /// Its path, for messages.
    pub path: PathBuf,
    remedy: String,
}

/// How to get a set's files again, by a command that this build has.
pub(super) fn anew(set: &str) -> String {
    match cfg!(feature = "download") {
        true => format!("get it anew with `evograd data fetch {set}`"),
        false => format!("get it anew, with `evograd data import {set} --from PATH`"),
    }
}

impl Source {
    /// A file of the set of that name.
    pub fn new(path: impl Into<PathBuf>, set: &str) -> Self {
        Source { path: path.into(), remedy: anew(set) }
    }

    /// Bytes that come from no file of their own; `name` stands for it in messages.
    pub fn bytes(name: &str) -> Self {
        Source { path: name.into(), remedy: "use a whole file of this format".into() }
    }

    /// An error about this file.
    pub fn wrong(&self, problem: impl Display) -> Error {
        Error::file(&self.path, problem, &*self.remedy)
    }

    /// The error where there is no memory for what the file holds.
    pub fn refused(&self, problem: impl Display) -> Error {
        Error::file(&self.path, problem, "give the program more memory")
    }

    /// The open file and its length in bytes.
    pub fn open(&self) -> Result<(File, u64)> {
        let opened = files::open(&self.path).and_then(|file| file.metadata().map(|about| (file, about.len())));
        opened.map_err(|error| self.wrong(error))
    }

    /// Refuses a length other than the wanted one, which `reason` explains.
    pub fn check_length(&self, found: u64, wanted: u64, reason: impl Display) -> Result<()> {
        if found == wanted {
            return Ok(());
        }
        let kind = if found < wanted { "cut short" } else { "too long" };
        Err(self.wrong(format!("it is {kind}: {found} bytes, expected {wanted} ({reason})")))
    }

    /// Reads exactly as many bytes as the buffer has; `what` names them.
    pub fn fill(&self, reader: &mut impl Read, buffer: &mut [u8], what: impl Display) -> Result<()> {
        reader.read_exact(buffer).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.wrong(format!("it is cut short: it ends within {what}")),
            _ => self.wrong(format!("it cannot be read within {what}: {error}")),
        })
    }

    /// Refuses bytes after the last one wanted. Reading to the end also makes a decoder compare its checksum.
    pub fn check_end(&self, reader: &mut impl Read, what: impl Display) -> Result<()> {
        let mut byte = [0];
        loop {
            return match reader.read(&mut byte) {
                Ok(0) => Ok(()),
                Ok(_) => Err(self.wrong(format!("it is too long: it goes on after {what}"))),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(self.wrong(format!("it cannot be read to its end after {what}: {error}"))),
            };
        }
    }
}

/// The names that a file of a set may have: one that is listed as compressed also without its `.gz`, and one of MNIST's kind
/// with a dot before `idx`, as some mirrors and tools write it.
pub(super) fn forms(file: &str) -> Vec<String> {
    let plain = file.strip_suffix(".gz").unwrap_or(file);
    let mut forms: Vec<String> = vec![file.into()];
    forms.extend([plain.to_string(), file.replace("-idx", ".idx"), plain.replace("-idx", ".idx")]);
    let mut seen = std::collections::HashSet::new();
    forms.retain(|form| seen.insert(form.clone()));
    forms
}

/// Where a file of a set lies in a folder, under any of its [`forms`].
pub(super) fn present(folder: &Path, file: &str) -> Option<PathBuf> {
    forms(file).into_iter().map(|name| folder.join(name)).find(|path| path.exists())
}
