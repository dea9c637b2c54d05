//! The file that settings are written in, so that errors about them name it and the line. Knows no setting.

use super::{numbers, unread};
use crate::error::{Error, Result, escaped};
use crate::files;
use std::path::{Path, PathBuf};

/// A file of settings. It is read once, since it may be a pipe.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("settings.toml");
/// use evograd::train::{Config, SettingsFile};
/// # std::fs::write(&path, "[data]\n\nsamples = 9").unwrap();
/// let file = SettingsFile::read(&path)?;
/// let config = Config::parse(file.text(), &[])?;
/// // Too many only for the data that there are, which are opened later.
/// let error = evograd::Error::op("configuration", "data.samples is 9", &[], "use at most 8");
/// assert!(file.place(error, &[]).to_string().contains("settings.toml: line 3: "));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsFile {
    path: PathBuf,
    text: String,
}

impl SettingsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is not text.
    pub fn read(path: &Path) -> Result<SettingsFile> {
        let text = files::read_given_text(path).map_err(|error| Error::file(path, error, "name a TOML file"))?;
        Ok(SettingsFile { path: path.into(), text })
    }

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// An error in settings that this file and assignments make together, with its origin: the file, and the line where that is known,
    /// unless it is about what an assignment says. Other errors stay as they are.
    pub fn place(&self, error: Error, set: &[String]) -> Error {
        if !matches!(&error, Error::Op { .. } | Error::At { .. }) {
            return error;
        }
        let problem = error.to_string();
        let path = escaped(self.path.display().to_string());
        if problem.starts_with(&path) {
            return error;
        }
        let of_key = |letter: char| !letter.is_ascii_alphanumeric() && !"._".contains(letter);
        let keys = || problem.split(of_key).map(|word| word.trim_matches('.')).filter(|word| word.contains('.'));
        let line = keys().find_map(|key| numbers::line_of_key(&self.text, key));
        let path = match line {
            _ if problem.starts_with("configuration: line ") => path,
            _ if keys().any(|key| unread::is_assigned(key, set)) => return error,
            Some(line) => format!("{path}: line {line}"),
            None => return error,
        };
        Error::At { path, source: Box::new(error) }
    }
}
