//! Files that are whole or as before, on the disk when a function returns, and never somebody else's. Knows no format.
//!
//! Whoever writes a folder may have got it from somebody else, with links in it that lead elsewhere: none is followed. A
//! file that is written whole takes the place of a link; one that is added to is refused if it is a symbolic link. A hard link,
//! as backup tools make them, is replaced by a copy before anything is added, so the other name keeps what it had.

mod pipe;

use crate::error::{Error, Result};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Brings the names in a folder to the disk: what was made, renamed or removed in it lasts. Only Unix lets a folder be
/// opened for that.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The folder that a path stands in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder and those above it that are missing, each of them lastingly.
///
/// # Errors
/// When the system refuses.
pub fn make_folder(folder: &Path) -> Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|at| !at.as_os_str().is_empty() && !at.exists()).collect();
    for folder in missing.into_iter().rev() {
        let made = match fs::create_dir(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            other => other,
        };
        made.and_then(|()| sync_folder(parent(folder))).map_err(|error| unwritten(folder, &error))?;
    }
    if folder.is_dir() { Ok(()) } else { Err(Error::file(folder, "it is no folder", "name another")) }
}

/// Writes a file beside its place first, so that it is whole or as before; a link in its place is replaced.
///
/// # Errors
/// When the system refuses; then nothing of it is left beside its place.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = part_of(path);
    let written = remove(&part)
        .and_then(|()| write_new(&part, bytes))
        .and_then(|()| fs::rename(&part, path))
        .and_then(|()| sync_folder(parent(path)));
    written.map_err(|error| {
        // Half a file is of no use, and takes the room that a full disk lacks.
        let _ = remove(&part);
        unwritten(path, &error)
    })
}

/// Where a file is while [`write_whole`] writes it.
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes a file of which there is none yet, and brings it to the disk; its name is for the caller to bring there.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Opens a file to be added to, or makes it; what is in it stays. Where it has a second name (a hard link), a copy takes its
/// place first.
///
/// # Errors
/// When it is a symbolic link or no file, or the system refuses.
pub fn open_to_add(path: &Path) -> Result<File> {
    let file = open_own(path)?;
    if !is_shared(&file) {
        return Ok(file);
    }
    let bytes = read(path).map_err(|error| unwritten(path, &error))?;
    write_whole(path, &bytes)?;
    open_own(path)
}

/// Opens a file of which other names (hard links) may lead to the same bytes, or makes it; what is in it stays.
///
/// # Errors
/// When it is a symbolic link or no file, or the system refuses.
pub fn open_own(path: &Path) -> Result<File> {
    let refused = |problem: &str| Err(Error::file(path, problem, "move it away, and put a file of its own there"));
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        found => Some(found.map_err(|error| unwritten(path, &error))?),
    };
    match &found {
        Some(found) if found.is_symlink() => return refused("it is a link, which is not followed"),
        Some(found) if !found.is_file() => return refused("it is no file"),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // Without `create_new`, a link put there meanwhile would be followed.
    let opened = if found.is_some() { options.open(path) } else { options.create_new(true).open(path) };
    let file = opened.map_err(|error| unwritten(path, &error))?;
    if found.is_none() {
        sync_folder(parent(path)).map_err(|error| unwritten(path, &error))?;
    }
    if leads_to(path, &file) { Ok(file) } else { refused("it is being replaced by another") }
}

/// Whether a file has more than one name.
pub fn is_shared(file: &File) -> bool {
    file.metadata().is_ok_and(|found| names(&found) > 1)
}

/// Whether there is anything at a path, be it a link that leads nowhere.
///
/// # Errors
/// When that cannot be found out, as where a folder above it may not be searched: then nothing may be concluded from it.
pub fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an error says that nothing is at a path, and not that it could not be reached this time.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// That something could not be read, and what to do about it.
pub fn unread(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => "make it readable, and try again",
        _ if is_missing(error) => "see whether its name is right",
        // No error of the system, but what was found there.
        _ if error.raw_os_error().is_none() => "give a file, or a pipe that something comes from",
        _ => "see whether the disk is sound and enough files may be open, and try again",
    };
    Error::file(path, error, remedy)
}

/// Opens a file to be read. What is no file, such as a pipe that nobody writes to, is not waited for.
///
/// # Errors
/// When it is none, or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    expect_file(path).and_then(|()| File::open(path))
}

/// The bytes of a file; as [`open`], nothing else is waited for.
///
/// # Errors
/// When it is none, or cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    expect_file(path).and_then(|()| fs::read(path))
}

fn expect_file(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() { Ok(()) } else { Err(io::Error::other("it is no file")) }
}

/// As [`read`], of what a user names to be read as a whole: also a pipe that the shell has opened for the program, as `<(…)`, and
/// standard input as `-`.
///
/// # Errors
/// When it is neither, nothing comes from it, or it cannot be read.
pub fn read_given(path: &Path) -> io::Result<Vec<u8>> {
    let path = pipe::given(path);
    if pipe::is_handed_over(path) { pipe::read(path) } else { read(path) }
}

/// As [`read`], of a text.
///
/// # Errors
/// When it is no file, cannot be read, or is no text in UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    as_text(read(path)?)
}

/// As [`read_given`], of a text.
///
/// # Errors
/// As that, and when it is no text in UTF-8.
pub fn read_given_text(path: &Path) -> io::Result<String> {
    as_text(read_given(path)?)
}

fn as_text(bytes: Vec<u8>) -> io::Result<String> {
    let no_text = |_| io::Error::new(ErrorKind::InvalidData, "it is no text in UTF-8");
    String::from_utf8(bytes).map_err(no_text)
}

/// Whether a path, without following a link at its end, still leads to what was opened there.
pub fn leads_to(path: &Path, opened: &File) -> bool {
    is(fs::symlink_metadata(path), opened)
}

/// As [`leads_to`], of a folder, which may be reached through a link.
pub fn folder_leads_to(path: &Path, opened: &File) -> bool {
    is(fs::metadata(path), opened)
}

fn is(found: io::Result<Metadata>, opened: &File) -> bool {
    matches!((found, opened.metadata()), (Ok(found), Ok(opened)) if identity(&found) == identity(&opened))
}

/// Removes what is at a path, be it a file, a link or a folder; nothing there is nothing to do.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    }
}

/// That the system refused to write, with what helps.
pub fn unwritten(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "make room on the disk",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "make its folder writable, or name another",
        ErrorKind::NotFound | ErrorKind::NotADirectory => "see where its folder has gone, or name another",
        _ => "see whether the disk and its file system are sound, or name a folder on another",
    };
    Error::file(path, error, remedy)
}

/// What no two things that exist at the same time have in common.
#[cfg(unix)]
fn identity(found: &Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino(), found.file_type())
}

/// Elsewhere an open file keeps its place.
#[cfg(not(unix))]
fn identity(found: &Metadata) -> impl PartialEq + use<> {
    found.file_type()
}

/// How many names a file has.
#[cfg(unix)]
fn names(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind of thing that may stand where a file is to be written; the file that a link leads to keeps its bytes.
    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("file"), folder.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        type Put<'a> = &'a dyn Fn(&Path) -> io::Result<()>;
        let kinds: [(bool, Put<'_>); 3] = [
            (true, &|at| symlink("victim", at)),
            (false, &|at| fs::hard_link(&victim, at)),
            (true, &|at| symlink("nowhere", at)),
        ];
        for (refused, put) in kinds {
            put(&path).unwrap();
            match open_to_add(&path) {
                Err(error) => {
                    let text = error.to_string();
                    assert!(refused && text.contains("it is a link, which is not followed"), "{text}");
                }
                Ok(mut file) => {
                    assert!(!refused);
                    assert_eq!(fs::read(&path).unwrap(), b"precious");
                    file.write_all(b"own").unwrap();
                    assert_eq!(fs::read(&path).unwrap(), b"owncious");
                    assert!(leads_to(&path, &file) && !part_of(&path).exists());
                }
            }
            assert_eq!(fs::read(&victim).unwrap(), b"precious");
            put(&part_of(&path)).unwrap();
            write_whole(&path, b"new").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
            assert_eq!(fs::read(&victim).unwrap(), b"precious");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a part or a link's end was left");
            remove(&path).unwrap();
        }
        fs::create_dir(&path).unwrap();
        assert!(open_to_add(&path).unwrap_err().to_string().contains("it is no file"));
        assert!(read(&path).unwrap_err().to_string().contains("it is no file"));
    }

    /// Nobody writes to the pipe: whoever opened it would wait for ever.
    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for refused in [open(&pipe).map(drop), read(&pipe).map(drop), read_text(&pipe).map(drop)] {
            assert_eq!(refused.unwrap_err().to_string(), "it is no file");
        }
        let file = folder.path().join("file");
        fs::write(&file, b"text \xff").unwrap();
        assert_eq!(read(&file).unwrap(), b"text \xff");
        assert_eq!(read_text(&file).unwrap_err().to_string(), "it is no text in UTF-8");
    }

    #[test]
    fn an_open_file_is_missed_where_it_stood() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        let file = open_own(&path).unwrap();
        assert!(leads_to(&path, &file));
        fs::rename(&path, &other).unwrap();
        assert!(!leads_to(&path, &file) && leads_to(&other, &file));
        fs::write(&path, "another").unwrap();
        assert!(!cfg!(unix) || !leads_to(&path, &file));
    }

    /// A path that cannot be looked at is neither there nor missing.
    #[cfg(unix)]
    #[test]
    fn what_cannot_be_looked_at_is_not_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (file, circle) = (folder.path().join("file"), folder.path().join("circle"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        assert!(is_there(&file).unwrap() && is_there(&circle).unwrap());
        assert!(!is_there(&folder.path().join("none")).unwrap() && !is_there(&file.join("below")).unwrap());
        is_there(&circle.join("below")).unwrap_err();
    }

    #[test]
    fn folders_are_made_with_those_above_them() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        fs::write(deep.join("d"), "").unwrap();
        let text = make_folder(&deep.join("d")).unwrap_err().to_string();
        assert!(text.contains("it is no folder"), "{text}");
        assert!(make_folder(&deep.join("d/e")).is_err());
    }
}
