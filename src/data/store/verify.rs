//! Whether the files of a set are the official ones, and whether they are a set at all.

use super::{Progress, SUMS, sum};
use crate::data::catalogue::SetInfo;
use crate::data::source::present;
use crate::error::{Error, Result};
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// What a file's bytes were found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bytes {
    /// Those of the official file.
    Official,
    /// Not those of the official file.
    Other,
    /// Not those that were unpacked from the official archive: the file has changed since.
    Changed,
    /// No sum is known to compare them with.
    Unknown,
}

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// The sum that was expected, where one is known.
    pub expected: Option<String>,
    /// What the comparison says.
    pub found: Bytes,
}

/// What is to be said of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The name of the set.
    pub set: &'static str,
    /// Where it lies.
    #[serde(serialize_with = "as_text")]
    pub folder: PathBuf,
    /// Its files, and an official archive that lies with them.
    pub files: Vec<FileReport>,
    /// Training and test pictures, if the files are in order.
    pub pictures: Option<[usize; 2]>,
    /// What is wrong with the files, if anything is.
    pub problem: Option<String>,
}

/// A path as JSON has it, where bytes that are no Unicode are replaced.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl Verdict {
    /// Whether the set can be used: its layout is right, and nothing has changed since it was unpacked.
    pub fn passed(&self) -> bool {
        self.problem.is_none() && self.files.iter().all(|file| file.found != Bytes::Changed)
    }

    /// Whether every file is known to be the official one.
    pub fn official(&self) -> bool {
        self.passed() && !self.files.is_empty() && self.files.iter().all(|file| file.found == Bytes::Official)
    }
}

/// Compares the files of a set with the official sums, as far as they are known, and opens it, which checks it whole.
///
/// ```no_run
/// use evograd::data::{info, store};
/// let verdict = store::verify(info("cifar10")?, std::path::Path::new("/data"), &mut ())?;
/// println!("{} training pictures, official: {}", verdict.pictures.unwrap_or_default()[0], verdict.official());
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the set is not there, a file cannot be read, or this build lacks what opens the set. A file that is wrong is a
/// verdict, not an error.
pub fn verify(info: &SetInfo, data_dir: &Path, progress: &mut dyn Progress) -> Result<Verdict> {
    let folder = info.locate(data_dir)?;
    let mut files = Vec::new();
    for path in paths(info, &folder) {
        files.push(report(info, &folder, &path, progress)?);
    }
    let (pictures, problem) = match (info.open)(&folder) {
        Ok(sets) => (Some([sets.train.len(), sets.test.len()]), None),
        Err(error @ Error::Feature { .. }) => return Err(error),
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(Verdict { set: info.name, folder, files, pictures, problem })
}

/// The files to sum: those of the set, and archives that were kept. A set of folders has none.
fn paths(info: &SetInfo, folder: &Path) -> Vec<PathBuf> {
    let archives = info.archives.iter().map(|archive| archive.file).filter(|file| !info.files.contains(file));
    let kept =
        archives.flat_map(|file| [Some(folder), folder.parent()].into_iter().flatten().map(move |at| at.join(file)));
    let files = info.files.iter().filter_map(|file| present(folder, file));
    files.chain(kept).filter(|path| path.is_file()).collect()
}

fn report(info: &SetInfo, folder: &Path, path: &Path, progress: &mut dyn Progress) -> Result<FileReport> {
    let (bytes, sha256) = sum(path, progress)?;
    let file = super::name(path);
    let official = info.archives.iter().find(|archive| archive.file == file).and_then(|archive| archive.sha256);
    let kept = kept_sum(folder, &file);
    let expected = official.map(String::from).or(kept);
    let found = match &expected {
        Some(expected) if *expected == sha256 => Bytes::Official,
        Some(_) if official.is_some() => Bytes::Other,
        Some(_) => Bytes::Changed,
        None => Bytes::Unknown,
    };
    Ok(FileReport { file, bytes, sha256, expected, found })
}

/// The sum of a file when it was unpacked.
fn kept_sum(folder: &Path, file: &str) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(SUMS)).ok()?;
    let found = text.lines().filter_map(|line| line.split_once("  ")).find(|(_, name)| *name == file);
    found.map(|(sum, _)| sum.to_string())
}
