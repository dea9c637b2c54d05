//! Files that a command is asked to write: whether their names fit what they will hold and they can be written, before there
//! is any work to lose, and the writing.

use super::terminal::inform;
use anyhow::{Result, bail};
use evograd::Error;
use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file of a known format that can be written. There is no other way for a command to write one that the user named.
pub struct OutFile {
    path: PathBuf,
    /// Whether it was made to see whether it can be, and holds nothing yet.
    is_empty: Cell<bool>,
}

impl OutFile {
    /// The file at this path, for a format by its common ending, such as `svg`.
    pub fn new(path: &Path, ending: &str) -> Result<OutFile> {
        expect_ending(path, ending)?;
        let is_new = !path.exists();
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.map_err(|error| unwritable(path, &error))?;
        Ok(OutFile { path: path.to_path_buf(), is_empty: Cell::new(is_new) })
    }

    /// The same where a path is given.
    pub fn maybe(path: Option<&PathBuf>, ending: &str) -> Result<Option<OutFile>> {
        path.map(|path| OutFile::new(path, ending)).transpose()
    }

    /// Its path, for work that writes it.
    pub fn written_by<T, E: Into<anyhow::Error>>(&self, work: impl FnOnce(&Path) -> Result<T, E>) -> Result<T> {
        let result = work(&self.path).map_err(Into::into)?;
        self.is_empty.set(false);
        Ok(result)
    }

    /// Writes it anew, and says that `what`, such as `the drawing`, is there.
    pub fn write(&self, text: &str, what: &str) -> Result<()> {
        self.written_by(|path| std::fs::write(path, text).map_err(|error| unwritable(path, &error)))?;
        inform(format_args!("{}: {what} is there", self.path.display()));
        Ok(())
    }
}

/// Where the work fails that was to fill it, no empty file stays.
impl Drop for OutFile {
    fn drop(&mut self) {
        if self.is_empty.get() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Refuses a name that says another format, or none. A device or a pipe may be called as it likes.
fn expect_ending(path: &Path, ending: &str) -> Result<()> {
    let fits = path.extension().is_some_and(|found| found.to_string_lossy().eq_ignore_ascii_case(ending));
    let special = path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
    if fits || special {
        return Ok(());
    }
    let format = ending.to_uppercase();
    bail!("{}: what is written there is {format}; name a file that ends in .{ending}", path.display())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "make room on the disk, or name another file"
        }
        _ => "name a file in a folder that can be written to",
    };
    Error::file(path, error, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_the_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        let new = |name: &str, ending| OutFile::new(&folder.path().join(name), ending);
        for (name, ending) in [("a.svg", "svg"), ("a.b.SVG", "svg"), ("a.png", "png"), ("a.json", "json")] {
            assert!(new(name, ending).is_ok(), "{name}");
        }
        for (name, ending) in
            [("a", "svg"), ("a.jpg", "png"), ("b.png", "svg"), ("png", "png"), (".png", "png"), ("a.svg.gz", "svg")]
        {
            let error = new(name, ending).err().unwrap().to_string();
            assert!(error.ends_with(&format!("name a file that ends in .{ending}")), "{name}: {error}");
            assert!(!folder.path().join(name).exists(), "{name} was made");
        }
        assert!(OutFile::new(Path::new("/dev/null"), "svg").is_ok());
        assert!(Path::new("/dev/null").exists());
    }

    #[test]
    fn a_file_that_was_not_written_is_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let [new, old] = ["new.svg", "old.svg"].map(|name| folder.path().join(name));
        std::fs::write(&old, "before").unwrap();
        for path in [&new, &old] {
            drop(OutFile::new(path, "svg").unwrap());
        }
        assert!(!new.exists() && std::fs::read_to_string(&old).unwrap() == "before");
        OutFile::new(&new, "svg").unwrap().write("<svg/>", "the drawing").unwrap();
        assert_eq!(std::fs::read_to_string(&new).unwrap(), "<svg/>");
    }
}
