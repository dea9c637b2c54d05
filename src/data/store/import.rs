//! Files that the user has: an official archive, an official file, or a folder in the right layout.
//!
//! Files are first written beside their place, checked, and then renamed; so a set is never half there because of a
//! crash, and what was there before stays if the new one is refused.

use super::packed::expect_unpacked;
use super::{Progress, SUMS, Staging, archives_beside, name, sum, sync_folder, unwritable};
use crate::data::gzip::Members;
use crate::data::info::{Archive, Presence, SetInfo};
use crate::data::source::{forms, present};
use crate::error::{Error, Result};
use crate::files;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// More than any file within an official archive, so that a wrong header cannot fill the disk.
const LARGEST: u64 = 1 << 30;
/// More entries than any official archive has.
const MOST_ENTRIES: usize = 10_000;

/// What an import brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Where the files are now.
    pub folder: PathBuf,
    /// The files.
    pub files: Vec<String>,
    /// What is still missing for the set to be whole.
    pub missing: Vec<&'static str>,
}

/// Takes the files of a data set from paths that the user names: the official archive or files, whatever their name now,
/// or a folder that holds the set unpacked or its official files.
///
/// ```no_run
/// use evograd::data::{info, store};
/// let from = ["cifar-10-binary.tar.gz".into()];
/// let imported = store::import(info("cifar10")?, &from, std::path::Path::new("/data"), &mut ())?;
/// assert!(imported.missing.is_empty());
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When a file is not the official one (both sums are named), a folder does not hold the set, or writing fails. A folder in
/// the right layout is taken even if its bytes are not the official ones; [`verify`](super::verify()) tells.
pub fn import(info: &SetInfo, from: &[PathBuf], data_dir: &Path, progress: &mut dyn Progress) -> Result<Imported> {
    if info.archives.is_empty() {
        let problem = format!("the data set {} has no files to import", info.name);
        return Err(Error::op("data import", problem, &[], "use it where it is, with --data-dir"));
    }
    let home = info.home(data_dir);
    let (staging, sums) = (Staging::new(&home)?, String::new());
    let mut work = Import { info, staging, files: Vec::new(), sources: Vec::new(), sums, checked: true };
    for path in from {
        if path.is_dir() { work.folder(path, progress)? } else { work.file(path, progress)? }
    }
    work.finish(&home)
}

/// Whether a file is called as an official one, with or without the dot of some mirrors.
fn same_name(official: &str, called: &str) -> bool {
    official == called || official.replace("-idx", ".idx") == called
}

struct Import<'a> {
    info: &'a SetInfo,
    staging: Staging,
    /// What was written, by name.
    files: Vec<String>,
    /// What was copied, by name, and from where.
    sources: Vec<(String, PathBuf)>,
    /// The lines of the file of sums.
    sums: String,
    /// Whether each file is the official one, or came with a whole set that was opened.
    checked: bool,
}

impl Import<'_> {
    /// Takes a whole set from a folder, or else the official files in it.
    fn folder(&mut self, folder: &Path, progress: &mut dyn Progress) -> Result<()> {
        // The user names the folder for this set, so how it is called does not matter.
        let named = SetInfo { loose: |_| true, ..*self.info };
        match named.presence(folder) {
            Presence::Whole(found) => {
                named.expect_one(&found, folder)?;
                for archive in archives_beside(self.info, &found) {
                    expect_unpacked(&archive, &found, self.info.files)?;
                }
                self.open(&found)?;
                for path in self.info.files.iter().filter_map(|file| present(&found, file)) {
                    self.copy(&path, &name(&path), progress)?;
                }
                Ok(())
            }
            parts => {
                let archives = self.info.archives.iter().map(|archive| folder.join(archive.file));
                let found: Vec<PathBuf> = archives.filter(|path| path.is_file()).collect();
                if found.is_empty() {
                    return Err(self.not_there(folder, parts));
                }
                found.iter().try_for_each(|path| self.file(path, progress))
            }
        }
    }

    /// Opens the set in a folder, which checks it whole. What is wrong is reported of the file that the user named, and what to do is
    /// none of what was just done.
    fn open(&self, folder: &Path) -> Result<()> {
        let Err(error) = (self.info.open)(folder) else { return Ok(()) };
        let Error::File { path, problem, .. } = error else { return Err(error) };
        let given = self.sources.iter().find(|(file, _)| folder.join(file).as_path() == Path::new(&path));
        let path = given.map_or_else(|| path.into(), |(_, source)| source.clone());
        Err(Error::file(path, problem, self.another()))
    }

    /// What to import instead.
    fn another(&self) -> String {
        let files: Vec<&str> = self.info.archives.iter().map(|archive| archive.file).collect();
        let publisher = self.info.mirrors.first().copied().unwrap_or("its publisher");
        format!("name the official {} of {publisher}, or a folder that holds the whole set", files.join(", "))
    }

    fn not_there(&self, folder: &Path, parts: Presence) -> Error {
        let missing = match parts {
            Presence::Parts { missing, .. } => missing,
            _ => self.info.files.to_vec(),
        };
        let problem = format!("it does not hold the data set {}: {} is missing", self.info.name, missing.join(", "));
        Error::file(folder, problem, "name the folder that holds all of these, or the official archive")
    }

    /// Takes an official file, or unpacks an official archive.
    fn file(&mut self, path: &Path, progress: &mut dyn Progress) -> Result<()> {
        let (bytes, found) = sum(path, progress)?;
        let official = self.info.archives.iter().find(|archive| archive.sha256 == Some(&*found));
        let called = name(path);
        let named = || self.info.archives.iter().find(|archive| same_name(archive.file, &called));
        let archive = match official.or_else(named) {
            Some(archive) if archive.sha256.is_none_or(|sum| sum == found) => archive,
            Some(archive) => return Err(self.refused(path, archive, bytes, &found)),
            None => match self.info.archives {
                [archive] => return Err(self.refused(path, archive, bytes, &found)),
                _ => return Err(self.unknown(path, bytes, &found)),
            },
        };
        if archive.sha256.is_none() {
            self.checked = false;
        }
        if self.info.files.contains(&archive.file) {
            return self.copy(path, archive.file, progress);
        }
        self.unpack(path, archive, progress)
    }

    fn refused(&self, path: &Path, archive: &Archive, bytes: u64, found: &str) -> Error {
        let size = archive.bytes.map_or_else(String::new, |bytes| format!(" of {bytes} bytes"));
        let problem = format!(
            "it is not the official {}: {bytes} bytes with SHA-256 {found}, expected {}{size}",
            archive.file,
            archive.sha256.unwrap_or("another"),
        );
        Error::file(path, problem, self.another())
    }

    fn unknown(&self, path: &Path, bytes: u64, found: &str) -> Error {
        let files: Vec<&str> = self.info.archives.iter().map(|archive| archive.file).collect();
        let problem = format!("it is no official file of {}: {bytes} bytes with SHA-256 {found}", self.info.name);
        Error::file(path, problem, format!("name one of {}, or the folder that holds them", files.join(", ")))
    }

    /// Copies a file to where it will be checked.
    fn copy(&mut self, path: &Path, file: &str, progress: &mut dyn Progress) -> Result<()> {
        let unread = |error| Error::file(path, error, "give a file that can be read");
        let opened = files::open(path).map_err(unread)?;
        let total = opened.metadata().map_err(unread)?.len();
        self.staging.write(file, opened, total, progress).map_err(|error| self.unwritten(file)(error))?;
        self.files.push(file.into());
        self.sources.push((file.into(), path.into()));
        Ok(())
    }

    /// Writes the files of the set from an archive. Only the last part of an entry's path counts, so an entry cannot be
    /// written anywhere else.
    fn unpack(&mut self, path: &Path, archive: &Archive, progress: &mut dyn Progress) -> Result<()> {
        let broken = |error| Error::file(path, format!("it cannot be unpacked: {error}"), "get it anew");
        let opened = files::open(path).map_err(broken)?;
        let unpacked = Members::new(std::io::BufReader::new(opened)).take(4 * LARGEST);
        let mut packed = tar::Archive::new(unpacked);
        for (number, entry) in packed.entries().map_err(broken)?.enumerate() {
            let entry = entry.map_err(broken)?;
            if number == MOST_ENTRIES {
                let problem = format!("it holds more than {MOST_ENTRIES} files");
                return Err(Error::file(path, problem, "name the official archive"));
            }
            let file = name(&entry.path().map_err(broken)?);
            let size = entry.size();
            if !self.info.files.contains(&&*file) || !entry.header().entry_type().is_file() {
                continue;
            }
            if size > LARGEST {
                let problem = format!("it says that {file} has {size} bytes, and at most {LARGEST} are unpacked");
                return Err(Error::file(path, problem, "name the official archive"));
            }
            let sum = self.staging.write(&file, entry, size, progress).map_err(|error| self.unwritten(&file)(error))?;
            self.sums += &format!("{sum}  {file}\n");
            self.files.push(file);
        }
        let head = format!("# Unpacked from {}, SHA-256 {}.\n", archive.file, archive.sha256.unwrap_or("unknown"));
        self.sums.insert_str(0, &head);
        Ok(())
    }

    fn unwritten(&self, file: &str) -> impl Fn(std::io::Error) -> Error {
        // Where it would be in the end: the folder beside its place is hidden, and gone by then.
        let path = self.staging.folder.with_file_name(file);
        move |error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::file(&path, "it was given twice", "give each file once"),
            _ => unwritable(&path)(error),
        }
    }

    /// Checks what was written, and puts it into its place.
    fn finish(mut self, home: &Path) -> Result<Imported> {
        let whole = self.info.missing(&self.staging.folder).is_empty();
        if whole {
            self.open(&self.staging.folder)?;
        } else if !self.checked {
            let problem =
                format!("no official sum is known for the files of {}, so one alone cannot be checked", self.info.name);
            return Err(Error::op("data import", problem, &[], "name all of its files, or the folder that holds them"));
        } else if self.files.is_empty() || !self.sums.is_empty() {
            let missing = self.info.missing(&self.staging.folder).join(", ");
            let problem = format!("what was named does not hold {missing}");
            return Err(Error::op("data import", problem, &[], "name the official archive"));
        }
        // The old sums go first: killed in between, the new files would look as if they had changed.
        let sums = home.join(SUMS);
        if sums.exists() {
            fs::remove_file(&sums).map_err(unwritable(&sums))?;
        }
        for file in &self.files {
            self.forget_other_form(home, file)?;
            fs::rename(self.staging.folder.join(file), home.join(file)).map_err(unwritable(&home.join(file)))?;
        }
        self.keep_sums(home)?;
        sync_folder(home)?;
        Ok(Imported { folder: home.into(), files: std::mem::take(&mut self.files), missing: self.info.missing(home) })
    }

    /// A file that came compressed replaces one that lay there unpacked, and the other way round; likewise its other names.
    fn forget_other_form(&self, home: &Path, file: &str) -> Result<()> {
        let same = |listed: &&&str| forms(listed).iter().any(|form| form == file);
        let others = self.info.files.iter().find(same).map_or_else(Vec::new, |listed| forms(listed));
        let others = others.iter().filter(|form| *form != file).map(|form| home.join(form));
        others.filter(|other| other.is_file()).try_for_each(|other| fs::remove_file(&other).map_err(unwritable(&other)))
    }

    /// Writes the file of sums, where there are any.
    fn keep_sums(&self, home: &Path) -> Result<()> {
        if self.sums.is_empty() {
            return Ok(());
        }
        let path = home.join(SUMS);
        let staged = self.staging.folder.join(SUMS);
        let written = files::write_new(&staged, self.sums.as_bytes());
        written.and_then(|()| fs::rename(&staged, &path)).map_err(unwritable(&path))
    }
}
