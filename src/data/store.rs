//! How the files of a data set come into the data folder, and whether they are the official ones. Knows files, sums and
//! the rows of the catalogue; knows no format.

mod fetch;
mod import;
mod verify;

pub use fetch::{Fetched, fetch};
pub use import::{Imported, import};
pub use verify::{Bytes, FileReport, Verdict, verify};

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The file that keeps the sums of what was unpacked from an official archive, in the form of `sha256sum`.
const SUMS: &str = "SHA256SUMS";

/// Somebody who is told how far long work on files has come. `()` does not listen.
pub trait Progress {
    /// Of `total` bytes, where that is known, `done` are done; `what` names the work.
    fn step(&mut self, what: &str, done: u64, total: Option<u64>);
    /// Something worth telling happened.
    fn note(&mut self, text: &str);
}

impl Progress for () {
    fn step(&mut self, _: &str, _: u64, _: Option<u64>) {}
    fn note(&mut self, _: &str) {}
}

/// A reader that tells how far it is, and sums what it read.
struct Watched<'a, R> {
    inner: R,
    hash: Sha256,
    done: u64,
    total: Option<u64>,
    what: String,
    progress: &'a mut dyn Progress,
}

impl<'a, R: Read> Watched<'a, R> {
    fn new(inner: R, what: String, total: Option<u64>, progress: &'a mut dyn Progress) -> Self {
        Watched { inner, hash: Sha256::new(), done: 0, total, what, progress }
    }

    /// The sum of all that was read, in hexadecimal.
    fn sum(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.done += count as u64;
        self.progress.step(&self.what, self.done, self.total);
        Ok(count)
    }
}

/// The size and the SHA-256 of a file.
fn sum(path: &Path, progress: &mut dyn Progress) -> Result<(u64, String)> {
    let unread = |error| Error::file(path, error, "give a file that can be read");
    let file = File::open(path).map_err(unread)?;
    let total = file.metadata().map_err(unread)?.len();
    let mut watched = Watched::new(file, format!("checking {}", name(path)), Some(total), progress);
    copy(&mut watched, &mut io::sink()).map_err(unread)?;
    Ok((watched.done, watched.sum()))
}

/// Copies in large pieces.
fn copy(reader: &mut impl Read, writer: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 18];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => writer.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The last part of a path.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// An error about a place of the data folder that cannot be written.
fn unwritable(path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| Error::file(path, error, "make room and allow writing there, or choose another folder with --data-dir")
}

/// Makes a rename last: the folder's own entry has to reach the disk as well.
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable(folder))
}

/// A hidden folder beside the place where files will be; it goes away with all that was not taken out.
struct Staging(PathBuf);

impl Staging {
    fn new(home: &Path) -> Result<Staging> {
        let path = home.join(format!(".import-{}", std::process::id()));
        let made = fs::create_dir_all(home).and_then(|()| match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&path),
        });
        made.map_err(unwritable(&path))?;
        Ok(Staging(path))
    }

    /// Writes a file that is whole and on the disk when this returns; its sum.
    fn write(&self, file: &str, reader: impl Read, total: u64, progress: &mut dyn Progress) -> io::Result<String> {
        let mut watched = Watched::new(reader, format!("writing {file}"), Some(total), progress);
        let mut written = File::create_new(self.0.join(file))?;
        copy(&mut watched, &mut written)?;
        written.sync_all()?;
        Ok(watched.sum())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next import of a process of this number; nobody reads it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
