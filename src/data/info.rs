//! What is known of a data set before any file of it is there, as a plain row, and where its files are looked for. Knows no format.

use super::source::present;
use super::twice::expect_same_files;
use super::{Augment, Sets};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The classes of a set of digits.
pub(super) const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// What is known about a data set before any file of it is there.
#[derive(Clone, Copy, Debug)]
pub struct SetInfo {
    /// Its name in commands.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// The number of classes; `None` where the files decide.
    pub classes: Option<usize>,
    /// The sizes `[C, H, W]` of an image; `None` where the user decides.
    pub shape: Option<[usize; 3]>,
    /// Training and test images of the official set; `None` where the files decide.
    pub counts: Option<[usize; 2]>,
    /// The changes to training images that leave their class as it is.
    pub augment: Augment,
    /// What its licence allows, in a few words.
    pub licence: &'static str,
    /// Folders of the web where the archives lie, the official one first.
    pub mirrors: &'static [&'static str],
    /// The official files to download.
    pub archives: &'static [Archive],
    /// The folder within the official archive.
    pub folder: Option<&'static str>,
    /// The files or folders that make the set; those of a compressed name may also lie there unpacked. A set without any
    /// is made by the program.
    pub files: &'static [&'static str],
    /// Opens the set from the folder that holds its files, and checks them whole.
    pub open: fn(&Path) -> Result<Sets>,
    /// Whether files in a folder that is not of the set's name may be taken for this set.
    pub loose: fn(&Path) -> bool,
}

/// An official file.
#[derive(Clone, Copy, Debug)]
pub struct Archive {
    /// Its name.
    pub file: &'static str,
    /// Its size in bytes, where it is known.
    pub bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal, where it is known.
    pub sha256: Option<&'static str>,
}

/// How much of a data set is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// All of its files, in this folder.
    Whole(PathBuf),
    /// Some of its files.
    Parts {
        /// The folder they lie in.
        folder: PathBuf,
        /// The files that are not there.
        missing: Vec<&'static str>,
    },
    /// None.
    Absent,
}

impl SetInfo {
    /// How much of the set is there.
    pub fn presence(&self, data_dir: &Path) -> Presence {
        let mut parts = Presence::Absent;
        for folder in self.places(data_dir) {
            let missing: Vec<&str> = self.missing(&folder);
            if missing.is_empty() {
                return Presence::Whole(folder);
            }
            if missing.len() < self.files.len() && parts == Presence::Absent {
                parts = Presence::Parts { folder, missing };
            }
        }
        parts
    }

    /// The folder that holds all files of the set.
    ///
    /// # Errors
    /// When there is none, or two that hold different files.
    pub fn locate(&self, data_dir: &Path) -> Result<PathBuf> {
        match self.presence(data_dir) {
            Presence::Whole(folder) => self.expect_one(&folder, data_dir).map(|()| folder),
            Presence::Parts { folder, missing } => {
                let problem = format!("the data set {} is not whole: {} is missing", self.name, missing.join(", "));
                Err(Error::file(folder, problem, self.remedy(data_dir)))
            }
            Presence::Absent => {
                let files = match self.files {
                    [first, _, ..] => format!("{first} and its like"),
                    files => files.join(""),
                };
                let problem = format!("the data set {} is not there ({files} in it, or in {})", self.name, self.name);
                Err(Error::file(data_dir, problem, self.remedy(data_dir)))
            }
        }
    }

    /// Refuses a folder that holds all files of the set where another one holds all as well, and not the same.
    pub(super) fn expect_one(&self, folder: &Path, data_dir: &Path) -> Result<()> {
        let whole = |other: &PathBuf| !self.files.is_empty() && other != folder && self.missing(other).is_empty();
        let mut others = self.places(data_dir).into_iter().filter(whole);
        others.try_for_each(|other| expect_same_files(folder, &other, self.files))
    }

    /// The files of the set that are not in a folder.
    pub fn missing(&self, folder: &Path) -> Vec<&'static str> {
        self.files.iter().copied().filter(|file| present(folder, file).is_none()).collect()
    }

    /// The folder where this program puts the set's files.
    pub fn home(&self, data_dir: &Path) -> PathBuf {
        let home = data_dir.join(self.name);
        self.folder.map_or(home.clone(), |folder| home.join(folder))
    }

    /// The addresses of an archive: below `first`, then those of the catalogue.
    pub fn addresses(&self, archive: &Archive, first: &[String]) -> Vec<String> {
        let mirrors = first.iter().map(String::as_str).chain(self.mirrors.iter().copied());
        mirrors.map(|mirror| format!("{}/{}", mirror.trim_end_matches('/'), archive.file)).collect()
    }

    /// Where the set is looked for, in this order.
    fn places(&self, data_dir: &Path) -> Vec<PathBuf> {
        let mut roots = vec![data_dir.join(self.name)];
        roots.extend((self.loose)(data_dir).then(|| data_dir.to_path_buf()));
        let within = |root: PathBuf| self.folder.map(|folder| root.join(folder)).into_iter().chain([root]);
        roots.into_iter().flat_map(within).collect()
    }

    /// What to do where the set is not there.
    fn remedy(&self, data_dir: &Path) -> String {
        let name = self.name;
        if self.archives.is_empty() {
            return "name the folder that holds it with --data-dir".into();
        }
        let kept = self
            .archives
            .iter()
            .flat_map(|archive| [data_dir.join(name), data_dir.to_path_buf()].map(|folder| folder.join(archive.file)));
        match kept.into_iter().find(|path| !self.files.iter().any(|file| path.ends_with(file)) && path.is_file()) {
            Some(path) => format!("unpack it with `evograd data import {name} --from {}`", path.display()),
            None if cfg!(feature = "download") => format!(
                "get it with `evograd data fetch {name}`, take it from a file or folder with `evograd data import {name} \
                 --from PATH`, or name the folder that holds it with --data-dir"
            ),
            None => format!(
                "get {} from {}, then `evograd data import {name} --from PATH`, or name the folder that holds it with --data-dir",
                self.archives.iter().map(|archive| archive.file).collect::<Vec<_>>().join(", "),
                self.mirrors.first().copied().unwrap_or("its publisher")
            ),
        }
    }
}
