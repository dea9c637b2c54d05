//! Whether the files of a set are the official ones, and whether they are a set at all.

use super::packed::expect_unpacked;
use super::{Progress, SUMS, archives_beside, sum};
use crate::data::info::SetInfo;
use crate::data::parallel::read_all;
use crate::data::source::present;
use crate::data::{Dataset, FileNote, Sets, TestSet, findings};
use crate::error::Result;
use crate::files;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
    /// Training and test images, if the files are in order.
    pub images: Option<[usize; 2]>,
    /// Images that cannot be decoded, each with what is wrong.
    pub broken: Vec<String>,
    /// Images whose files are named as those of another format.
    pub misnamed: Vec<String>,
    /// Images that are odd and read nevertheless, each with what is odd.
    pub odd: Vec<String>,
    /// Files that are no part of the set, each with the reason.
    pub left_out: Vec<String>,
    /// What is odd about the images and labels as a whole; see [`findings`].
    pub warnings: Vec<String>,
    /// What is wrong with the files, if anything is.
    pub problem: Option<String>,
}

/// A path as JSON has it, where bytes that are no Unicode are replaced.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl Verdict {
    /// Whether the set can be used: its layout is right, every image can be decoded, and nothing has changed since it was
    /// unpacked.
    pub fn passed(&self) -> bool {
        self.problem.is_none() && self.broken.is_empty() && self.files.iter().all(|file| file.found != Bytes::Changed)
    }

    /// Whether every file is known to be the official one.
    pub fn official(&self) -> bool {
        self.passed() && !self.files.is_empty() && self.files.iter().all(|file| file.found == Bytes::Official)
    }
}

/// Compares the files of a set with the official sums, as far as they are known, and opens it, which checks it whole. Images of
/// folders are all decoded, on all cores.
///
/// ```no_run
/// use evograd::data::{info, store};
/// let verdict = store::verify(info("cifar10")?, std::path::Path::new("/data"), &mut ())?;
/// println!("{} training images, official: {}", verdict.images.unwrap_or_default()[0], verdict.official());
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
    let mut verdict = Verdict {
        set: info.name,
        folder,
        files,
        images: None,
        broken: Vec::new(),
        misnamed: Vec::new(),
        odd: Vec::new(),
        left_out: Vec::new(),
        warnings: Vec::new(),
        problem: None,
    };
    let opened = (info.open)(&verdict.folder).and_then(|sets| sets.check().map(|()| sets));
    let beside = archives_beside(info, &verdict.folder);
    let unpacked =
        |sets| beside.iter().try_for_each(|path| expect_unpacked(path, &verdict.folder, info.files)).map(|()| sets);
    match opened.and_then(unpacked) {
        Ok(sets) => verdict.look_at(&sets, progress)?,
        Err(error) => verdict.problem = Some(error.to_string()),
    }
    Ok(verdict)
}

impl Verdict {
    /// Takes down how many images there are, what else lies there, and which of them cannot be decoded.
    fn look_at(&mut self, sets: &Sets, progress: &mut dyn Progress) -> Result<()> {
        self.images = Some([sets.train.len(), sets.test.len()]);
        for (name, set) in [("training", &*sets.train), ("test", &*sets.test)] {
            self.left_out.extend(set.left_out().iter().map(FileNote::to_string));
            if set.is_decoded() {
                let broken = decode_all(set, &format!("decoding {name} images"), progress)?;
                self.broken.extend(broken);
                self.odd.extend(set.odd().iter().map(FileNote::to_string));
                self.misnamed
                    .extend((0..set.len()).filter_map(|index| set.misnamed(index)).map(|note| note.to_string()));
            }
        }
        match findings(sets, TestSet::Used, progress) {
            Ok(warnings) => self.warnings = warnings,
            Err(error) => self.problem = Some(error.to_string()),
        }
        Ok(())
    }
}

/// What is wrong with each image that cannot be decoded, in the order of the set.
fn decode_all(set: &dyn Dataset, what: &str, progress: &mut dyn Progress) -> Result<Vec<String>> {
    let (all, broken) = ((0..set.len()).collect::<Vec<_>>(), Mutex::new(Vec::new()));
    let visit = |sample: usize, read: Result<&[u8]>| {
        if let Err(error) = read {
            broken.lock().unwrap_or_else(PoisonError::into_inner).push((sample, error.to_string()));
        }
    };
    read_all(set, &all, visit, |done| progress.count(what, done as u64, all.len() as u64))?;
    let mut broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort();
    Ok(broken.into_iter().map(|(_, problem)| problem).collect())
}

/// The files to sum: those of the set, and archives that were kept. A set of folders has none.
fn paths(info: &SetInfo, folder: &Path) -> Vec<PathBuf> {
    let files = info.files.iter().filter_map(|file| present(folder, file));
    files.filter(|path| path.is_file()).chain(archives_beside(info, folder)).collect()
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
    let text = files::read_text(&folder.join(SUMS)).ok()?;
    let found = text.lines().filter_map(|line| line.split_once("  ")).find(|(_, name)| *name == file);
    found.map(|(sum, _)| sum.to_string())
}
