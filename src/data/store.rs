//! How the files of a data set come into the data folder, and whether they are the official ones. Knows files, sums and
//! the rows of the catalogue; knows no format.

mod fetch;
mod import;
mod packed;
mod verify;

pub use fetch::{Fetched, expect_mirror, fetch};
pub use import::{Imported, import};
pub use verify::{Bytes, FileReport, Verdict, verify};

use crate::data::Progress;
use crate::data::info::SetInfo;
use crate::error::{Error, Result};
use crate::files;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The file that keeps the sums of what was unpacked from an official archive, in the form of `sha256sum`.
const SUMS: &str = "SHA256SUMS";

/// A reader that reports how far it is, and sums what it read.
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
    let file = files::open(path).map_err(unread)?;
    let total = file.metadata().map_err(unread)?.len();
    let mut watched = Watched::new(file, format!("checking {}", name(path)), Some(total), progress);
    copy(&mut watched, &mut io::sink()).map_err(unread)?;
    Ok((watched.done, watched.sum()))
}

/// Copies in large chunks.
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

/// The official archives that lie beside the files of a set, which were unpacked from one.
fn archives_beside(info: &SetInfo, folder: &Path) -> Vec<PathBuf> {
    let archives = info.archives.iter().map(|archive| archive.file).filter(|file| !info.files.contains(file));
    let beside =
        archives.flat_map(|file| [Some(folder), folder.parent()].into_iter().flatten().map(move |at| at.join(file)));
    beside.filter(|path| path.is_file()).collect()
}

/// An error about a place of the data folder that cannot be written.
fn unwritable(path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| {
        let first = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "make room on the disk",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "allow writing there",
            _ => "see whether the disk and its file system are sound",
        };
        let remedy = format!("{first}, or choose another folder with --data-dir; then give the same command again");
        Error::file(path, error, remedy)
    }
}

/// Makes a rename last: the folder's own entry has to reach the disk as well.
fn sync_folder(folder: &Path) -> Result<()> {
    files::sync_folder(folder).map_err(unwritable(folder))
}

/// A folder that was made, with those above it that were missing. Those that are still empty when this is dropped go away
/// again, so that what fails leaves no trace; what holds a file by then stays.
struct Made(Vec<PathBuf>);

impl Made {
    fn new(folder: &Path) -> Result<Made> {
        let missing = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()).take_while(|at| !at.exists());
        let made = Made(missing.map(Path::to_path_buf).collect());
        fs::create_dir_all(folder).map_err(unwritable(folder))?;
        made.0.iter().try_for_each(|folder| sync_folder(files::parent(folder)))?;
        Ok(made)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // The deepest comes first; one that is not empty, or belongs to somebody else by now, is not removed.
        self.0.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

/// A hidden folder beside the place where files will be; it goes away with all that was not taken out. One process at a
/// time has it, and what a killed one left is removed.
struct Staging {
    folder: PathBuf,
    lock: PathBuf,
    /// Locked until it is closed.
    _locked: File,
    /// Dropped last, when nothing of this lies in it any more.
    _home: Made,
}

impl Staging {
    fn new(home: &Path) -> Result<Staging> {
        let (folder, lock) = (home.join(".import"), home.join(".import.lock"));
        let made = Made::new(home)?;
        let locked = File::create(&lock).map_err(unwritable(&lock))?;
        if locked.try_lock().is_err() {
            return Err(Error::file(lock, "another process is importing this set", "wait until it is done"));
        }
        let staging = Staging { folder, lock, _locked: locked, _home: made };
        let emptied = match fs::remove_dir_all(&staging.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir(&staging.folder),
        };
        emptied.map_err(unwritable(&staging.folder))?;
        Ok(staging)
    }

    /// Writes a file that is whole and on the disk when this returns; its sum.
    fn write(&self, file: &str, reader: impl Read, total: u64, progress: &mut dyn Progress) -> io::Result<String> {
        let mut watched = Watched::new(reader, format!("writing {file}"), Some(total), progress);
        let mut written = File::create_new(self.folder.join(file))?;
        copy(&mut watched, &mut written)?;
        written.sync_all()?;
        Ok(watched.sum())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next import; nobody reads it.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::catalogue::info;
    use crate::data::info::Archive;
    use crate::data::samples;
    use std::path::Path;

    const IMAGES: &str = "train-images-idx3-ubyte.gz";
    const LABELS: &str = "train-labels-idx1-ubyte.gz";

    /// A row like MNIST's whose official files are the ones in a folder.
    fn four_files(folder: &Path) -> SetInfo {
        let mnist = info("mnist").unwrap();
        let archives = mnist.archives.iter().map(|archive| official(folder, archive.file)).collect::<Vec<_>>();
        SetInfo { archives: archives.leak(), ..*mnist }
    }

    fn official(folder: &Path, file: &'static str) -> Archive {
        let (bytes, sum) = sum(&folder.join(file), &mut ()).unwrap();
        Archive { file, bytes: Some(bytes), sha256: Some(sum.leak()) }
    }

    /// A row whose official archive, `set.tar.gz`, is in a folder and holds the files of another folder.
    fn packed(folder: &Path, of: &Path, entries: &[(&str, &str)]) -> SetInfo {
        let mut archive = tar::Builder::new(Vec::new());
        for (entry, file) in entries {
            let bytes = fs::read(of.join(file)).unwrap();
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // The builder itself refuses paths that lead out of the folder.
            header.as_old_mut().name[..entry.len()].copy_from_slice(entry.as_bytes());
            header.set_cksum();
            archive.append(&header, &*bytes).unwrap();
        }
        fs::write(folder.join("set.tar.gz"), samples::gzip(&archive.into_inner().unwrap())).unwrap();
        let archives = vec![official(folder, "set.tar.gz")];
        SetInfo { archives: archives.leak(), folder: Some("inner"), ..*info("mnist").unwrap() }
    }

    fn whole(folder: &Path) -> Vec<(&'static str, &'static str)> {
        let files = info("mnist").unwrap().files;
        assert!(files.iter().all(|file| folder.join(file).exists()));
        files.iter().map(|file| (*file, *file)).collect()
    }

    struct Places {
        _all: tempfile::TempDir,
        from: PathBuf,
        data: PathBuf,
    }

    /// A folder with a small set, and an empty one.
    fn places() -> Places {
        let all = tempfile::tempdir().unwrap();
        let (from, data) = (all.path().join("from"), all.path().join("data"));
        fs::create_dir(&from).unwrap();
        fs::create_dir(&data).unwrap();
        samples::mnist(&from, 12, 3);
        Places { _all: all, from, data }
    }

    /// The files below a folder, and the folders that are empty, which end in a slash.
    fn tree(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match (path.is_dir(), if path.is_dir() { tree(&path) } else { Vec::new() }) {
                (true, below) if below.is_empty() => names.push(format!("{}/", name(&path))),
                (true, below) => names.extend(below.iter().map(|file| format!("{}/{file}", name(&path)))),
                (false, _) => names.push(name(&path)),
            }
        }
        names.sort();
        names
    }

    fn refused(info: &SetInfo, from: &[PathBuf], places: &Places) -> String {
        let before = tree(&places.data);
        let text = import(info, from, &places.data, &mut ()).unwrap_err().to_string();
        assert_eq!(tree(&places.data), before, "what was refused leaves nothing behind");
        text.replace(&format!("{}/", places.from.display()), "")
    }

    /// The data folder and two above it are not there yet, and are not there after an import that failed.
    #[test]
    fn what_fails_leaves_no_folder_behind() {
        let places = places();
        let set = four_files(&places.from);
        let deep = places.data.join("new/deeper");
        import(&set, &[places.from.join("none")], &deep, &mut ()).unwrap_err();
        assert!(tree(&places.data).is_empty(), "{:?}", tree(&places.data));
        fs::write(places.data.join("file"), "").unwrap();
        import(&set, &[], &places.data.join("file/deeper"), &mut ()).unwrap_err();
        assert_eq!(tree(&places.data), ["file"]);
        fs::create_dir_all(deep.join("mnist")).unwrap();
        import(&set, &[places.from.join("none")], &deep, &mut ()).unwrap_err();
        assert_eq!(tree(&places.data), ["file", "new/deeper/mnist/"], "what was there before stays");
        import(&set, std::slice::from_ref(&places.from), &places.data.join("other"), &mut ()).unwrap();
        assert_eq!(tree(&places.data.join("other")).len(), 4);
    }

    #[test]
    fn an_official_archive_is_unpacked_by_the_names_of_its_files() {
        let places = places();
        let (from, data) = (&places.from, &places.data);
        let mut entries = whole(from);
        entries[0].0 = "../../outside/train-images-idx3-ubyte.gz";
        entries[1].0 = "/absolute/train-labels-idx1-ubyte.gz";
        entries.push(("inner/readme.html", LABELS));
        let set = packed(from, from, &entries);
        fs::rename(from.join("set.tar.gz"), from.join("renamed (1).tgz")).unwrap();
        let imported = import(&set, &[from.join("renamed (1).tgz")], data, &mut ()).unwrap();
        assert_eq!((imported.files.len(), imported.folder), (4, data.join("mnist/inner")));
        let mut wanted: Vec<String> = set.files.iter().map(|file| format!("mnist/inner/{file}")).collect();
        wanted.push("mnist/inner/SHA256SUMS".into());
        wanted.sort();
        assert_eq!(tree(data), wanted);
        let verdict = verify(&set, data, &mut ()).unwrap();
        assert!(verdict.official() && verdict.images == Some([12, 3]), "{verdict:?}");
        // A later change is found, even if the layout stays right.
        samples::mnist(&data.join("mnist/inner"), 13, 3);
        let verdict = verify(&set, data, &mut ()).unwrap();
        assert!(!verdict.passed() && verdict.problem.is_none(), "{verdict:?}");
        let found: Vec<Bytes> = verdict.files.iter().map(|file| file.found).collect();
        assert_eq!(found, [Bytes::Changed, Bytes::Changed, Bytes::Official, Bytes::Official]);
    }

    #[test]
    fn another_archive_is_refused_with_both_sums() {
        let places = places();
        let set = packed(&places.from, &places.from, &whole(&places.from));
        let path = places.from.join("set.tar.gz");
        let mut bytes = fs::read(&path).unwrap();
        let right = bytes.len();
        bytes.push(0);
        fs::write(&path, &bytes).unwrap();
        let (_, found) = sum(&path, &mut ()).unwrap();
        assert_eq!(
            refused(&set, &[path], &places),
            format!(
                "set.tar.gz: it is not the official set.tar.gz: {} bytes with SHA-256 {found}, expected {} of {right} bytes; \
                 name the official set.tar.gz of {}, or a folder that holds the whole set",
                right + 1,
                set.archives[0].sha256.unwrap(),
                set.mirrors[0]
            )
        );
    }

    #[test]
    fn archives_that_lack_a_file_or_have_it_twice_are_refused() {
        let places = places();
        let mut entries = whole(&places.from);
        entries.pop();
        let set = packed(&places.from, &places.from, &entries);
        assert_eq!(
            refused(&set, &[places.from.join("set.tar.gz")], &places),
            "data import: what was named does not hold t10k-labels-idx1-ubyte.gz; name the official archive"
        );
        entries.push(("again/train-images-idx3-ubyte.gz", IMAGES));
        let set = packed(&places.from, &places.from, &entries);
        assert!(refused(&set, &[places.from.join("set.tar.gz")], &places).contains("it was given twice"));
    }

    /// What lies unpacked is the archive's or another's: neither is used in silence where they differ.
    #[test]
    fn an_archive_beside_other_files_is_refused() {
        let places = places();
        let set = packed(&places.from, &places.from, &whole(&places.from));
        import(&set, std::slice::from_ref(&places.from), &places.data, &mut ()).unwrap();
        assert_eq!(verify(&set, &places.from, &mut ()).unwrap().problem, None);
        samples::mnist(&places.from, 7, 2);
        let text = refused(&set, std::slice::from_ref(&places.from), &places);
        assert!(text.contains("it is another than ") && text.contains(&format!("set.tar.gz/{IMAGES}")), "{text}");
        assert!(verify(&set, &places.from, &mut ()).unwrap().problem.unwrap().contains("it is another than "));
    }

    #[test]
    fn official_files_may_come_one_by_one() {
        let places = places();
        let set = four_files(&places.from);
        let imported = import(&set, &[places.from.join(IMAGES)], &places.data, &mut ()).unwrap();
        assert_eq!(imported.missing, [LABELS, "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]);
        let error = set.locate(&places.data).unwrap_err().to_string();
        assert!(error.contains("the data set mnist is not whole: train-labels-idx1-ubyte.gz, t10k"), "{error}");
        fs::write(places.from.join("notes.txt"), "x").unwrap();
        let text = refused(&set, &[places.from.join("notes.txt")], &places);
        assert!(
            text.starts_with("notes.txt: it is no official file of mnist: 1 bytes with SHA-256 2d711642"),
            "{text}"
        );
        fs::write(places.from.join(IMAGES), "x").unwrap();
        let text = refused(&set, &[places.from.join(IMAGES)], &places);
        assert!(text.starts_with("train-images-idx3-ubyte.gz: it is not the official train-images"), "{text}");
        let text = refused(&set, &[places.from.join("none")], &places);
        assert!(text.starts_with("none: No such file"), "{text}");
    }

    #[test]
    fn a_folder_in_the_right_layout_is_taken_whatever_its_bytes() {
        let places = places();
        let set = four_files(&places.from);
        samples::mnist(&places.from, 5, 2);
        let plain = places.from.join("t10k-labels-idx1-ubyte");
        fs::remove_file(places.from.join("t10k-labels-idx1-ubyte.gz")).unwrap();
        fs::write(&plain, samples::idx(&[2], &[0, 1])).unwrap();
        let imported = import(&set, std::slice::from_ref(&places.from), &places.data, &mut ()).unwrap();
        assert!(imported.missing.is_empty() && imported.files.contains(&"t10k-labels-idx1-ubyte".into()));
        let verdict = verify(&set, &places.data, &mut ()).unwrap();
        assert!(verdict.passed() && !verdict.official() && verdict.images == Some([5, 2]), "{verdict:?}");
        let found: Vec<Bytes> = verdict.files.iter().map(|file| file.found).collect();
        // The test images and labels change with their number; the plain file has no sum to compare with.
        assert_eq!(found, [Bytes::Other, Bytes::Other, Bytes::Other, Bytes::Unknown]);
        fs::write(&plain, samples::idx(&[2], &[0, 10])).unwrap();
        let text = refused(&set, std::slice::from_ref(&places.from), &places);
        assert!(text.starts_with("t10k-labels-idx1-ubyte: label 1 is 10, expected one below 10; "), "{text}");
        fs::remove_file(&plain).unwrap();
        fs::remove_file(places.from.join(IMAGES)).unwrap();
        let empty = places.from.join("empty");
        fs::create_dir(&empty).unwrap();
        assert!(refused(&set, &[empty], &places).contains("it does not hold the data set mnist: train-images"));
    }

    #[test]
    fn without_known_sums_files_come_all_or_not_at_all() {
        let places = places();
        let set = info("fashion-mnist").unwrap();
        assert_eq!(
            refused(set, &[places.from.join(IMAGES)], &places),
            "data import: no official sum is known for the files of fashion-mnist, so one alone cannot be checked; name all \
             of its files, or the folder that holds them"
        );
        let all: Vec<PathBuf> = set.files.iter().map(|file| places.from.join(file)).collect();
        assert_eq!(import(set, &all, &places.data, &mut ()).unwrap().files.len(), 4);
        let verdict = verify(set, &places.data, &mut ()).unwrap();
        assert!(verdict.passed() && verdict.files.iter().all(|file| file.found == Bytes::Unknown), "{verdict:?}");
    }

    #[test]
    fn a_killed_import_leaves_nothing_and_a_running_one_is_waited_for() {
        let places = places();
        let set = four_files(&places.from);
        let home = places.data.join("mnist");
        fs::create_dir_all(home.join(".import")).unwrap();
        fs::write(home.join(".import").join(IMAGES), "half").unwrap();
        let held = File::create(home.join(".import.lock")).unwrap();
        held.lock().unwrap();
        let text = refused(&set, std::slice::from_ref(&places.from), &places);
        assert!(text.ends_with(".import.lock: another process is importing this set; wait until it is done"), "{text}");
        drop(held);
        import(&set, std::slice::from_ref(&places.from), &places.data, &mut ()).unwrap();
        let wanted: Vec<String> = tree(&places.from).iter().map(|file| format!("mnist/{file}")).collect();
        assert_eq!(tree(&places.data), wanted);
    }

    #[test]
    fn a_broken_file_is_a_verdict() {
        let places = places();
        let set = four_files(&places.from);
        fs::write(places.from.join(LABELS), "x").unwrap();
        let verdict = verify(&set, &places.from, &mut ()).unwrap();
        assert!(!verdict.passed() && verdict.problem.unwrap().contains("it is cut short: it ends within its header"));
    }

    #[test]
    fn what_has_no_files_is_not_imported_or_fetched() {
        let set = info("folder").unwrap();
        let places = places();
        assert_eq!(
            refused(set, &[], &places),
            "data import: the data set folder has no files to import; use it where it is, with --data-dir"
        );
        assert_eq!(
            fetch(set, &places.data, &[], &mut ()).unwrap_err().to_string(),
            "data fetch: the data set folder is nowhere to be fetched from; name the folder that holds it with --data-dir"
        );
    }

    #[cfg(not(feature = "download"))]
    #[test]
    fn a_build_without_downloads_says_how_to_do_it_by_hand() {
        let places = places();
        assert_eq!(
            fetch(info("cifar10").unwrap(), &places.data, &[], &mut ()).unwrap_err().to_string(),
            "data fetch: this build cannot download; build with `cargo build --release --features download`, or fetch by \
             hand, then `evograd data import cifar10 --from FILE`:\n  \
             https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz (170052171 bytes, SHA-256 \
             c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd)"
        );
        assert!(fetch(&four_files(&places.from), &places.from, &[], &mut ()).unwrap().downloaded.is_empty());
    }

    #[cfg(feature = "download")]
    #[test]
    fn files_that_only_opening_shows_to_be_wrong_are_removed() {
        use samples::server::{Serve, Server};
        let places = places();
        let server = Server::new(b"<html>welcome", &[Serve::All, Serve::All, Serve::All, Serve::All]);
        let unknown = info("fashion-mnist").unwrap().archives.iter().map(|archive| Archive { bytes: None, ..*archive });
        let set = &SetInfo { archives: unknown.collect::<Vec<_>>().leak(), ..*info("fashion-mnist").unwrap() };
        let error = fetch(set, &places.data, std::slice::from_ref(&server.address), &mut ()).unwrap_err().to_string();
        assert!(error.contains("train-images-idx3-ubyte.gz: it begins with 0x3c68746d"), "{error}");
        assert!(tree(&places.data).is_empty(), "{:?}", tree(&places.data));
        let missing = Server::new(b"", &[Serve::Status(404)]);
        fetch(set, &places.data.join("new"), &[missing.address], &mut ()).unwrap_err();
        assert!(tree(&places.data).is_empty(), "{:?}", tree(&places.data));
    }

    #[cfg(feature = "download")]
    #[test]
    fn a_fetched_archive_is_unpacked_and_removed() {
        let places = places();
        let mut set = packed(&places.from, &places.from, &whole(&places.from));
        let bytes = fs::read(places.from.join("set.tar.gz")).unwrap();
        let server = samples::server::Server::new(&bytes, &[samples::server::Serve::All]);
        set.mirrors = vec![&*server.address.clone().leak()].leak();
        let fetched = fetch(&set, &places.data, &[], &mut ()).unwrap();
        assert_eq!((fetched.downloaded, fetched.folder), (vec!["set.tar.gz"], places.data.join("mnist/inner")));
        assert!(!tree(&places.data).iter().any(|file| file.contains("set.tar.gz")), "{:?}", tree(&places.data));
        assert!(verify(&set, &places.data, &mut ()).unwrap().official());
        assert!(fetch(&set, &places.data, &[], &mut ()).unwrap().downloaded.is_empty());
    }
}
