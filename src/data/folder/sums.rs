//! One checksum of all files of a folder of images: their names, lengths and contents, read on all cores and decoded nowhere.

use super::contents::opened;
use crate::data::Progress;
use crate::data::image::{self, memory};
use crate::error::{Error, Result};
use crate::par;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Files whose sums are kept until they are added up: enough for all cores, whose progress is reported in between.
const SOME: usize = 256;
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// The sum of a file's bytes.
type Sum = [u8; 32];

/// What is known of all files.
pub(super) struct Sums {
    /// The sha256, in hexadecimal, of their names, lengths and sums.
    pub all: String,
    /// The beginning of the sum of each.
    pub each: Vec<u128>,
}

/// The sums of `count` files below `root`, in their order.
pub(super) fn all(
    root: &Path,
    count: usize,
    path: impl Fn(usize) -> PathBuf + Sync,
    progress: &mut dyn Progress,
) -> Result<Sums> {
    let (mut hash, mut each) = (Sha256::new(), Vec::with_capacity(count));
    for first in (0..count).step_by(SOME) {
        let end = count.min(first + SOME);
        let sums = par::map(end - first, |index| of_file(&path(first + index)));
        for (index, sum) in (first..end).zip(sums) {
            let path = path(index);
            let (length, sum) = sum.map_err(|problem| Error::file(&path, problem, image::REMEDY))?;
            // The name within the folder, so that the folder may be moved as a whole.
            let name = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_encoded_bytes();
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(length.to_le_bytes());
            hash.update(sum);
            each.push(u128::from_le_bytes(std::array::from_fn(|place| sum[place])));
        }
        progress.count("reading the files of images", end as u64, count as u64);
    }
    Ok(Sums { all: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), each })
}

/// The length and the sum of a file, of which one chunk is in memory at a time.
fn of_file(path: &Path) -> std::result::Result<(u64, Sum), String> {
    let (file, _) = opened(path)?;
    let (mut file, mut hash, mut length) = (file.take(memory::MOST_BYTES), Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok((length, hash.finalize().into())),
            Ok(count) => {
                hash.update(&chunk[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}
