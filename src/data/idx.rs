//! The IDX format of MNIST and its kin (LeCun, Cortes, Burges): a big-endian header, then bytes. Knows the format, and no
//! data set.
//!
//! The first four bytes are `0 0 8 d`: 8 says unsigned bytes, `d` is the number of axes. Then comes the size of each axis
//! as four bytes. Pictures have three axes `[N, H, W]`, labels one. Either may be compressed by gzip.

use super::source::Source;
use crate::error::Result;
use flate2::bufread::GzDecoder;
use std::io::{BufRead, BufReader, Read};

/// The most bytes that are read, so that a small compressed file cannot fill the memory.
const LARGEST: u64 = 1 << 32;

/// Reads a file of `D` axes: their sizes, and the bytes.
pub(super) fn read<const D: usize>(source: &Source) -> Result<([usize; D], Vec<u8>)> {
    let (file, length) = source.open()?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let start = reader.fill_buf().map_err(|error| source.wrong(error))?;
    if !start.starts_with(&[0x1f, 0x8b]) {
        return parse(source, &mut reader, Some(length));
    }
    let mut decoder = GzDecoder::new(reader);
    let parsed = parse(source, &mut decoder, None)?;
    source.check_end(&mut decoder.into_inner(), "the compressed data")?;
    Ok(parsed)
}

/// Reads from `reader`, which ends after `length` bytes where that is known.
fn parse<const D: usize>(
    source: &Source,
    reader: &mut impl Read,
    length: Option<u64>,
) -> Result<([usize; D], Vec<u8>)> {
    let sizes = header::<D>(source, reader)?;
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
    ended.map_err(|error| source.wrong(format!("it cannot be read after {} bytes of data: {error}", bytes.len())))?;
    source.check_length(wanted - count + bytes.len() as u64, wanted, &reason)?;
    source.check_end(reader, format!("the data of its header's sizes {sizes:?}"))?;
    bytes.shrink_to_fit();
    Ok((sizes.map(|size| size as usize), bytes))
}

fn header<const D: usize>(source: &Source, reader: &mut impl Read) -> Result<[u32; D]> {
    let mut word = [0; 4];
    source.fill(reader, &mut word, "its header")?;
    let (found, wanted) = (u32::from_be_bytes(word), 0x800 + D as u32);
    if found != wanted {
        return Err(source.wrong(format!("it begins with 0x{found:08x}, expected 0x{wanted:08x}")));
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
        read::<3>(&Source::new(&path, "mnist")).map_err(|error| {
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
    fn a_broken_file_is_told() {
        let good = file(&[2, 3, 2], &[7; 12]);
        let mut long = good.clone();
        long.push(0);
        let table: [(&[u8], &str); 8] = [
            (&[], "it is cut short: it ends within its header"),
            (&good[..9], "it is cut short: it ends within its header"),
            (&good[..27], "it is cut short: 27 bytes, expected 28 (its header says sizes [2, 3, 2])"),
            (&long, "it is too long: 29 bytes, expected 28 (its header says sizes [2, 3, 2])"),
            (&file(&[12], &[0; 12]), "it begins with 0x00000801, expected 0x00000803"),
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
    fn a_broken_compressed_file_is_told() {
        let good = file(&[2, 3, 2], &[7; 12]);
        let mut long = good.clone();
        long.push(0);
        let packed = gzip(&good);
        let mut wrong_sum = packed.clone();
        let sum = wrong_sum.len() - 8;
        wrong_sum[sum] ^= 1;
        let mut trailing = packed.clone();
        trailing.push(0);
        let huge = file(&[1_000_000, 28, 28], &[0; 100]);
        let table: [(&[u8], &str); 5] = [
            (&gzip(&good[..27]), "it is cut short: 27 bytes, expected 28 (its header says sizes [2, 3, 2])"),
            (&gzip(&long), "it is too long: it goes on after the data of its header's sizes [2, 3, 2]"),
            (&trailing, "it is too long: it goes on after the compressed data"),
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
