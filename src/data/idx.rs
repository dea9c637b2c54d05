//! The IDX format of MNIST and its kin (LeCun, Cortes, Burges): a big-endian header, then bytes. Knows the format, and no
//! data set.
//!
//! The first four bytes are `0 0 8 d`: 8 says unsigned bytes, `d` is the number of axes. Then comes the size of each axis
//! as four bytes. Images have three axes `[N, H, W]`, labels one. Either may be compressed by gzip, in any number of members.

use super::gzip::{Members, is_gzip};
use super::source::Source;
use crate::error::Result;
use std::io::{BufRead, BufReader, ErrorKind, Read};

/// Reads a file of `D` axes: their sizes, and the bytes. A first size above `most` is refused, so that a small compressed file
/// cannot fill the memory.
pub(super) fn read<const D: usize>(source: &Source, most: usize) -> Result<([usize; D], Vec<u8>)> {
    let (file, length) = source.open()?;
    read_from(source, BufReader::with_capacity(1 << 18, file), length, most)
}

/// As [`read`], from what a file of `length` bytes holds.
fn read_from<const D: usize>(
    source: &Source,
    mut reader: impl BufRead,
    length: u64,
    most: usize,
) -> Result<([usize; D], Vec<u8>)> {
    let start = reader.fill_buf().map_err(|error| source.wrong(error))?;
    if is_gzip(start) {
        parse(source, &mut Members::new(reader), None, most)
    } else {
        parse(source, &mut reader, Some(length), most)
    }
}

/// The sizes and bytes of an IDX file of `D` axes of unsigned bytes, plain or compressed by gzip, with at most `most` entries
/// along the first.
///
/// ```
/// let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
/// assert_eq!(evograd::data::read_idx(&labels, 10)?, ([2], vec![7, 9]));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the bytes are no such file.
pub fn read_idx<const D: usize>(bytes: &[u8], most: usize) -> Result<([usize; D], Vec<u8>)> {
    read_from(&Source::bytes("idx"), bytes, bytes.len() as u64, most)
}

/// Reads from `reader`, which ends after `length` bytes where that is known.
fn parse<const D: usize>(
    source: &Source,
    reader: &mut impl Read,
    length: Option<u64>,
    most: usize,
) -> Result<([usize; D], Vec<u8>)> {
    let sizes = header::<D>(source, reader)?;
    if sizes[0] as usize > most {
        return Err(source.wrong(format!("its header says sizes {sizes:?}, and the set has at most {most} images")));
    }
    let count = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size.into()));
    let Some(count) = count.filter(|&count| count <= LARGEST) else {
        return Err(source.wrong(format!("its header says sizes {sizes:?}, more than {LARGEST} bytes")));
    };
    let wanted = count + 4 + 4 * D as u64;
    let reason = format!("its header says sizes {sizes:?}");
    if let Some(length) = length {
        source.check_length(length, wanted, &reason)?;
    }
    // Nothing is reserved by what the header says: a decoder may hold far less.
    let mut bytes = Vec::new();
    let ended = reader.by_ref().take(count).read_to_end(&mut bytes);
    ended.map_err(|error| match error.kind() {
        ErrorKind::OutOfMemory => source.refused(error),
        _ => source.wrong(format!("it cannot be read after {} bytes of data: {error}", bytes.len())),
    })?;
    source.check_length(wanted - count + bytes.len() as u64, wanted, &reason)?;
    source.check_end(reader, format!("the data of its header's sizes {sizes:?}"))?;
    bytes.shrink_to_fit();
    Ok((sizes.map(|size| size as usize), bytes))
}

/// The most bytes that are read.
const LARGEST: u64 = 1 << 32;

/// What the third byte says of the values.
fn kind(byte: u8) -> Option<&'static str> {
    Some(match byte {
        0x08 => "unsigned bytes",
        0x09 => "signed bytes",
        0x0b => "whole numbers of 16 bits",
        0x0c => "whole numbers of 32 bits",
        0x0d => "floats of 32 bits",
        0x0e => "floats of 64 bits",
        _ => return None,
    })
}

fn header<const D: usize>(source: &Source, reader: &mut impl Read) -> Result<[u32; D]> {
    let mut word = [0; 4];
    source.fill(reader, &mut word, "its header")?;
    let (found, wanted) = (u32::from_be_bytes(word), 0x800 + D as u32);
    if found != wanted {
        let hint = match (word, kind(word[2])) {
            ([0, 0, _, axes], Some(kind)) => format!(" ({kind} along {axes} axes, expected unsigned bytes along {D})"),
            _ => String::new(),
        };
        return Err(source.wrong(format!("it begins with 0x{found:08x}, expected 0x{wanted:08x}{hint}")));
    }
    let mut sizes = [0; D];
    for size in &mut sizes {
        source.fill(reader, &mut word, "its header")?;
        *size = u32::from_be_bytes(word);
    }
    if sizes.contains(&0) {
        return Err(source.wrong(format!("its header says sizes {sizes:?}, expected none of them to be 0")));
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::{gzip, idx as file};
    use crate::data::source::anew;
    use proptest::prelude::*;
    use std::fs;

    fn parsed(bytes: &[u8]) -> std::result::Result<([usize; 3], Vec<u8>), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, bytes).unwrap();
        let remedy = format!("; {}", anew("mnist"));
        read::<3>(&Source::new(&path, "mnist"), usize::MAX).map_err(|error| {
            let text = error.to_string();
            text.strip_prefix(&format!("{}: ", path.display())).unwrap().strip_suffix(&remedy).unwrap().to_string()
        })
    }

    #[test]
    fn sizes_and_bytes_are_read_plain_and_compressed() {
        let bytes: Vec<u8> = (0..12).collect();
        let file = file(&[2, 3, 2], &bytes);
        assert_eq!(parsed(&file), Ok(([2, 3, 2], bytes.clone())));
        assert_eq!(parsed(&gzip(&file)), Ok(([2, 3, 2], bytes)));
    }

    #[test]
    fn a_broken_file_is_reported() {
        let good = file(&[2, 3, 2], &[7; 12]);
        let mut long = good.clone();
        long.push(0);
        let table: [(&[u8], &str); 9] = [
            (&[], "it is cut short: it ends within its header"),
            (&good[..9], "it is cut short: it ends within its header"),
            (&good[..27], "it is cut short: 27 bytes, expected 28 (its header says sizes [2, 3, 2])"),
            (&long, "it is too long: 29 bytes, expected 28 (its header says sizes [2, 3, 2])"),
            (
                &file(&[12], &[0; 12]),
                "it begins with 0x00000801, expected 0x00000803 (unsigned bytes along 1 axes, expected unsigned bytes along 3)",
            ),
            (
                &[0, 0, 13, 3, 0, 0, 0, 1],
                "it begins with 0x00000d03, expected 0x00000803 (floats of 32 bits along 3 axes, expected unsigned bytes along 3)",
            ),
            (b"<html>", "it begins with 0x3c68746d, expected 0x00000803"),
            (&file(&[2, 0, 2], &[]), "its header says sizes [2, 0, 2], expected none of them to be 0"),
            (
                &file(&[u32::MAX; 3], &[]),
                "its header says sizes [4294967295, 4294967295, 4294967295], more than 4294967296 bytes",
            ),
        ];
        for (bytes, problem) in table {
            assert_eq!(parsed(bytes), Err(problem.to_string()));
        }
    }

    #[test]
    fn a_broken_compressed_file_is_reported() {
        let good = file(&[2, 3, 2], &[7; 12]);
        let mut long = good.clone();
        long.push(0);
        let packed = gzip(&good);
        let mut wrong_sum = packed.clone();
        let sum = wrong_sum.len() - 8;
        wrong_sum[sum] ^= 1;
        let mut trailing = packed.clone();
        trailing.push(7);
        let huge = file(&[1_000_000, 28, 28], &[0; 100]);
        let table: [(&[u8], &str); 5] = [
            (&gzip(&good[..27]), "it is cut short: 27 bytes, expected 28 (its header says sizes [2, 3, 2])"),
            (&gzip(&long), "it is too long: it goes on after the data of its header's sizes [2, 3, 2]"),
            (
                &trailing,
                "it cannot be read to its end after the data of its header's sizes [2, 3, 2]: it goes on after the compressed data",
            ),
            (&gzip(&huge), "it is cut short: 116 bytes, expected 784000016 (its header says sizes [1000000, 28, 28])"),
            (
                &wrong_sum,
                "it cannot be read to its end after the data of its header's sizes [2, 3, 2]: corrupt gzip stream does not have a \
                 matching checksum",
            ),
        ];
        for (bytes, problem) in table {
            assert_eq!(parsed(bytes), Err(problem.to_string()));
        }
        assert!((0..packed.len()).all(|length| parsed(&packed[..length]).is_err()));
    }

    #[test]
    fn members_and_zeros_behind_them_are_read() {
        let file = file(&[2, 3, 2], &[7; 12]);
        for at in 0..=file.len() {
            let mut packed = [gzip(&file[..at]), gzip(&file[at..])].concat();
            packed.extend([0; 9]);
            assert_eq!(parsed(&packed), Ok(([2, 3, 2], vec![7; 12])), "{at}");
        }
    }

    /// A small compressed file that would unpack to gigabytes is refused by its header, before it is unpacked.
    #[test]
    fn more_than_the_set_has_is_refused() {
        let error = read_idx::<3>(&gzip(&file(&[3_423_921, 28, 28], &[])), 60_000).unwrap_err().to_string();
        assert_eq!(
            error,
            "idx: its header says sizes [3423921, 28, 28], and the set has at most 60000 images; use a whole file of this format"
        );
        assert_eq!(read_idx::<1>(&file(&[2], &[1, 2]), 2), Ok(([2], vec![1, 2])));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), place in 0..4_usize) {
            let _ = parsed(&bytes);
            let mut headed = file(&[1, 2, 3], &bytes);
            prop_assert_eq!(parsed(&headed).is_ok(), bytes.len() == 6);
            headed[4 * place..].iter_mut().zip(&bytes).take(4).for_each(|(old, new)| *old = *new);
            let _ = parsed(&headed);
            let mut packed = gzip(&headed);
            let at = bytes.len() % packed.len();
            packed[at] ^= 1 << place;
            let _ = parsed(&packed);
        }
    }
}
