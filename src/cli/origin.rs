//! Where settings were written, so that errors found once the data are open name the file and the line. Knows no setting.

use anyhow::Result;
use evograd::Error;
use evograd::train::SettingsFile;
use std::path::Path;

/// A file of settings, if there is one, and the assignments that override it.
pub struct Origin {
    file: Option<SettingsFile>,
    set: Vec<String>,
}

impl Origin {
    /// Reads the file.
    pub fn of(path: Option<&Path>, set: Vec<String>) -> evograd::Result<Origin> {
        Ok(Origin { file: path.map(SettingsFile::read).transpose()?, set })
    }

    /// What a parser of settings makes of it.
    pub fn parsed<T>(&self, parse: impl Fn(&str, &[String]) -> evograd::Result<T>) -> evograd::Result<T> {
        let text = self.file.as_ref().map_or("", SettingsFile::text);
        parse(text, &self.set).map_err(|error| self.place(error))
    }

    /// The result of work that only these settings decide about: its error names the file and the line.
    pub fn placed<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.downcast::<Error>().map_or_else(|other| other, |error| self.place(error).into()))
    }

    fn place(&self, error: Error) -> Error {
        match &self.file {
            Some(file) => file.place(error, &self.set),
            None => error,
        }
    }
}
