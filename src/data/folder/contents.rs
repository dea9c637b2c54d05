//! The bytes of an image file, within the memory that all threads may take for files.

use super::listing::kind;
use crate::data::image::memory;
use crate::reserve;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The bytes of a file, and the share of memory that they take.
pub(in crate::data) fn contents(path: &Path) -> std::result::Result<(Vec<u8>, memory::Share), String> {
    let (file, length) = opened(path)?;
    let share = memory::FILES.take(length);
    let mut bytes = reserve::with_room(length as usize)?;
    let read = file.take(memory::MOST_BYTES).read_to_end(&mut bytes);
    read.map(|_| (bytes, share)).map_err(|error| error.to_string())
}

/// An open file and its length. What is no file would never end, so its kind comes first.
pub(super) fn opened(path: &Path) -> std::result::Result<(File, u64), String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err(format!("it is {}", kind(about.file_type())));
    }
    if about.len() > memory::MOST_BYTES {
        return Err(format!("it has {} bytes, and at most {} are read", about.len(), memory::MOST_BYTES));
    }
    File::open(path).map(|file| (file, about.len())).map_err(|error| error.to_string())
}
