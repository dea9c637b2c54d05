//! Files of a set that lie there twice, as compressed and unpacked, or in two folders: none may be used in silence where they
//! are not the same. Knows compression by gzip, and no data set.

use super::gzip::{Members, is_gzip};
use super::source::{forms, present};
use crate::error::{Error, Result};
use crate::files;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Bytes that are compared at a time.
const CHUNK: usize = 1 << 16;

/// Where a file of a set lies in a folder, under any of its names; where it should be if it is not there, so that an error can
/// name it.
///
/// # Errors
/// When it lies there under two names, and they hold different bytes.
pub(super) fn only(folder: &Path, file: &str) -> Result<PathBuf> {
    let mut there = forms(file).into_iter().map(|name| folder.join(name)).filter(|path| path.exists());
    let Some(first) = there.next() else { return Ok(folder.join(file)) };
    there.try_for_each(|other| expect_same(&first, &other)).map(|()| first)
}

/// Refuses two folders that both hold these files of a set, and not the same ones.
///
/// # Errors
/// When a file differs; or what is to be compared is a folder.
pub(super) fn expect_same_files(first: &Path, other: &Path, listed: &[&str]) -> Result<()> {
    let found = |folder, file| present(folder, file);
    let pairs = listed.iter().filter_map(|file| Some((found(first, file)?, found(other, file)?)));
    pairs.into_iter().try_for_each(|(first, other)| expect_same(&first, &other))
}

/// Refuses two files, either of which may be compressed, that do not hold the same bytes. Folders are not looked into.
fn expect_same(first: &Path, other: &Path) -> Result<()> {
    let is_one = matches!((first.canonicalize(), other.canonicalize()), (Ok(first), Ok(other)) if first == other);
    let same = || Ok(first.is_file() && other.is_file() && same_bytes(&mut unpacked(first)?, &mut unpacked(other)?)?);
    match if is_one { Ok(true) } else { same() } {
        Ok(true) => Ok(()),
        Ok(false) => Err(differ(first, other)),
        Err(error) => Err(cannot_tell(first, other, &error)),
    }
}

/// That two places hold what one set cannot be at once.
pub(super) fn differ(first: &Path, other: &Path) -> Error {
    let problem = format!("it is another than {}, and both could be the set's", other.display());
    Error::file(first, problem, "remove one of them, or name a folder with one of them by --data-dir")
}

pub(super) fn cannot_tell(first: &Path, other: &Path, error: &io::Error) -> Error {
    let problem = format!("it cannot be compared with {}, which could be the set's as well: {error}", other.display());
    Error::file(first, problem, "remove the wrong one of them")
}

/// What a file holds, unpacked if it is compressed.
fn unpacked(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut reader = BufReader::with_capacity(CHUNK, files::open(path)?);
    Ok(if is_gzip(reader.fill_buf()?) { Box::new(Members::new(reader)) } else { Box::new(reader) })
}

/// Whether two readers give the same bytes.
pub(super) fn same_bytes(first: &mut impl Read, other: &mut impl Read) -> io::Result<bool> {
    let (mut a, mut b) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
    loop {
        a.clear();
        b.clear();
        first.by_ref().take(CHUNK as u64).read_to_end(&mut a)?;
        other.by_ref().take(CHUNK as u64).read_to_end(&mut b)?;
        if a != b || a.is_empty() {
            return Ok(a == b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::{gzip, mnist};
    use crate::data::{CATALOGUE, info};
    use std::fs;

    /// Each way in which a file may lie beside itself: with the same bytes it is the same, with one other byte it is refused.
    #[test]
    fn no_form_of_a_file_is_preferred_in_silence() {
        let listed = "train-images-idx3-ubyte.gz";
        for (i, first) in forms(listed).iter().enumerate() {
            for other in &forms(listed)[i + 1..] {
                for change in [0, 1] {
                    let folder = tempfile::tempdir().unwrap();
                    let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
                    let mut changed = bytes.clone();
                    changed[199_999] ^= change;
                    for (name, bytes) in [(first, &bytes), (other, &changed)] {
                        let bytes = if name.ends_with(".gz") { gzip(bytes) } else { bytes.clone() };
                        fs::write(folder.path().join(name), bytes).unwrap();
                    }
                    let found = only(folder.path(), listed);
                    assert_eq!(found.is_ok(), change == 0, "{first} beside {other}");
                    let text = found.err().map_or_else(String::new, |error| error.to_string());
                    assert!(change == 0 || (text.contains(first) && text.contains(other)), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_longer_file_is_another() {
        for [a, b] in [[&b"ab"[..], b"abc"], [b"", b"a"], [b"abc", b"ab"]] {
            assert!(!same_bytes(&mut { a }, &mut { b }).unwrap());
            assert!(same_bytes(&mut { a }, &mut { a }).unwrap());
        }
    }

    /// Whole sets in both places where they are looked for.
    #[test]
    fn no_folder_is_preferred_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("mnist");
        fs::create_dir(&own).unwrap();
        mnist(folder.path(), 4, 3);
        mnist(&own, 4, 3);
        assert_eq!(info("mnist").unwrap().locate(folder.path()).unwrap(), own);
        mnist(&own, 5, 3);
        let text = info("mnist").unwrap().locate(folder.path()).unwrap_err().to_string();
        let file = "train-images-idx3-ubyte.gz";
        let both = [&own, folder.path()].map(|at| at.join(file).display().to_string());
        assert!(both.iter().all(|path| text.contains(path)) && text.contains("remove one of them"), "{text}");
        for set in CATALOGUE.iter().filter(|set| !set.files.is_empty()) {
            let folder = tempfile::tempdir().unwrap();
            let own = folder.path().join(set.name);
            fs::create_dir(&own).unwrap();
            for file in set.files {
                let put = |at: &Path, bytes: &[u8]| match set.archives.is_empty() {
                    true => fs::create_dir(at.join(file)).unwrap(),
                    false => fs::write(at.join(file), bytes).unwrap(),
                };
                put(&own, b"one");
                put(folder.path(), b"other");
            }
            let loose = (set.loose)(folder.path());
            assert_eq!(set.locate(folder.path()).is_err(), loose, "{}", set.name);
        }
    }
}
