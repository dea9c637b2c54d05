//! Numeric arrays of a MATLAB file of version 5 (*MAT-File Format*, The MathWorks), read in stream. Knows the format, and
//! no data set.
//!
//! After a header of 128 bytes come elements: a tag of two words, type and length, then the data. An array is an element
//! of type 14, whose data are elements again: flags, sizes, name, values, each padded to eight bytes. An element of type
//! 15 is another element compressed by zlib. Data of up to four bytes may stand within the tag.

use super::source::Source;
use crate::error::Result;
use flate2::bufread::ZlibDecoder;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Read};

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const UNSIGNED_BYTES: u32 = 2;
const CLASS_UINT8: u8 = 9;

/// What an array says of itself before its values come.
pub(super) struct Array {
    /// Its name.
    pub name: String,
    /// The size of each axis; the first runs fastest.
    pub sizes: Vec<u32>,
    class: u8,
    /// How the values are stored, which may be narrower than the class.
    stored: u32,
}

impl Array {
    /// Whether it holds unsigned bytes.
    pub fn is_bytes(&self) -> bool {
        (self.class, self.stored) == (CLASS_UINT8, UNSIGNED_BYTES)
    }
}

/// The values of an array, as they come out of the file.
pub(super) struct Data<'a> {
    source: &'a Source,
    reader: &'a mut dyn Read,
    stored: u32,
}

impl Data<'_> {
    /// The next bytes; `what` names them.
    pub fn fill(&mut self, buffer: &mut [u8], what: impl Display) -> Result<()> {
        self.source.fill(&mut self.reader, buffer, what)
    }

    /// The next value; `what` names it.
    pub fn number(&mut self, what: impl Display) -> Result<f64> {
        let mut bytes = [0; 8];
        let width = width(self.stored).unwrap_or(8);
        self.fill(&mut bytes[..width as usize], what)?;
        let [a, b, c, d, ..] = bytes;
        Ok(match self.stored {
            1 => f64::from(a as i8),
            2 => f64::from(a),
            3 => f64::from(i16::from_le_bytes([a, b])),
            4 => f64::from(u16::from_le_bytes([a, b])),
            5 => f64::from(i32::from_le_bytes([a, b, c, d])),
            6 => f64::from(u32::from_le_bytes([a, b, c, d])),
            7 => f64::from(f32::from_le_bytes([a, b, c, d])),
            _ => f64::from_le_bytes(bytes),
        })
    }
}

/// The bytes of a value by the way it is stored: whole numbers of 8, 16 and 32 bits with and without a sign, floats of 32
/// and 64 bits.
fn width(stored: u32) -> Option<u64> {
    match stored {
        1 | 2 => Some(1),
        3 | 4 => Some(2),
        5..=7 => Some(4),
        9 => Some(8),
        _ => None,
    }
}

/// Shows each array of a file to `visit`, which may read its values. The file is gone through to its end, and checksums
/// compared.
pub(super) fn read(source: &Source, mut visit: impl FnMut(&Array, &mut Data) -> Result<()>) -> Result<()> {
    let (file, _) = source.open()?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut header = [0; 128];
    source.fill(&mut reader, &mut header, "its header")?;
    if header[124..] != [0, 1, b'I', b'M'] {
        return Err(source.wrong("it is no MATLAB file of version 5 in little-endian order"));
    }
    while !reader.fill_buf().map_err(|error| source.wrong(error))?.is_empty() {
        let tag = Tag::read(source, &mut reader)?;
        let mut body = reader.by_ref().take(tag.length);
        match tag.kind {
            MATRIX => matrix(source, &mut body, tag.length, &mut visit)?,
            COMPRESSED => {
                let mut decoder = ZlibDecoder::new(body);
                let tag = Tag::read(source, &mut decoder)?;
                if tag.kind != MATRIX {
                    return Err(source.wrong(format!("it holds an element of type {}, expected an array", tag.kind)));
                }
                matrix(source, &mut decoder.by_ref().take(tag.length), tag.length, &mut visit)?;
                source.check_end(&mut decoder, "a compressed array")?;
                body = decoder.into_inner();
            }
            kind => return Err(source.wrong(format!("it holds an element of type {kind}, expected an array"))),
        }
        source.check_end(&mut body, "an array")?;
        if body.limit() > 0 {
            return Err(source.wrong("it is cut short: it ends within an array"));
        }
    }
    Ok(())
}

/// Reads an array of `length` bytes, values and all.
fn matrix(
    source: &Source,
    mut reader: &mut dyn Read,
    length: u64,
    visit: &mut impl FnMut(&Array, &mut Data) -> Result<()>,
) -> Result<()> {
    let flags = small(source, &mut reader, 6, 8, "flags")?;
    let sizes = small(source, &mut reader, 5, 64, "sizes")?;
    let sizes: Vec<u32> = sizes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let name = String::from_utf8_lossy(&small(source, &mut reader, 1, 64, "name")?).into_owned();
    let tag = Tag::read(source, &mut reader)?;
    let array = Array { name, sizes, class: flags.first().copied().unwrap_or(0), stored: tag.kind };
    let Some(width) = width(tag.kind) else {
        return Err(source.wrong(format!("{} holds values of type {}, expected numbers", array.name, tag.kind)));
    };
    let wanted = array.sizes.iter().try_fold(width, |bytes, &size| bytes.checked_mul(size.into()));
    if wanted != Some(tag.length) {
        let wanted = wanted.map_or("more than any file holds".into(), |wanted| wanted.to_string());
        let Array { name, sizes, .. } = array;
        let problem = format!("{name} has {} bytes of data, expected {wanted} for its sizes {sizes:?}", tag.length);
        return Err(source.wrong(problem));
    }
    if tag.length > length {
        let problem = format!("{} has {} bytes of data in an element of {length}", array.name, tag.length);
        return Err(source.wrong(problem));
    }
    {
        let mut values = tag.data(&mut reader);
        visit(&array, &mut Data { source, reader: &mut values, stored: tag.kind })?;
        finish(source, &mut values, &array.name)?;
    }
    finish(source, reader, &array.name)
}

/// Goes through what is left of an element: values that nobody asked for, and the padding.
fn finish(source: &Source, reader: &mut dyn Read, name: &str) -> Result<()> {
    let ended = std::io::copy(reader, &mut std::io::sink());
    ended.map(|_| ()).map_err(|error| source.wrong(format!("it cannot be read to the end of {name}: {error}")))
}

/// Reads an element of a wanted type and at most `most` bytes, with its padding.
fn small(source: &Source, reader: &mut impl Read, kind: u32, most: u64, what: &str) -> Result<Vec<u8>> {
    let tag = Tag::read(source, reader)?;
    if tag.kind != kind || tag.length > most {
        let found = format!("type {} and {} bytes", tag.kind, tag.length);
        return Err(
            source.wrong(format!("the {what} of an array are of {found}, expected type {kind} and up to {most}"))
        );
    }
    let mut bytes = vec![0; tag.length as usize];
    source.fill(&mut tag.data(reader), &mut bytes, format_args!("the {what} of an array"))?;
    let padding = if tag.within.is_some() { 0 } else { bytes.len().wrapping_neg() % 8 };
    source.fill(reader, &mut [0; 8][..padding], format_args!("the {what} of an array"))?;
    Ok(bytes)
}

/// What stands before the data of an element.
struct Tag {
    kind: u32,
    length: u64,
    /// The data, where they stand within the tag.
    within: Option<[u8; 4]>,
}

impl Tag {
    fn read(source: &Source, reader: &mut impl Read) -> Result<Tag> {
        let mut bytes = [0; 8];
        source.fill(reader, &mut bytes, "the tag of an element")?;
        let [a, b, c, d, data @ ..] = bytes;
        let (kind, short) = (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([c, d]));
        match short {
            0 => Ok(Tag { kind, length: u32::from_le_bytes(data).into(), within: None }),
            1..=4 => Ok(Tag { kind: kind & 0xffff, length: short.into(), within: Some(data) }),
            _ => Err(source.wrong(format!("a tag says {short} bytes within itself, expected up to 4"))),
        }
    }

    /// The data: from within the tag, or what comes next.
    fn data<'a>(&'a self, reader: &'a mut impl Read) -> impl Read + 'a {
        let within = self.within.as_ref().map_or(&[][..], |bytes| &bytes[..self.length as usize]);
        within.chain(reader.take(if self.within.is_some() { 0 } else { self.length }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::{mat as file, mat_array as array, mat_compressed as compressed, mat_element as element};
    use crate::data::source::anew;

    /// The name, sizes and values of each array.
    type Arrays = Vec<(String, Vec<u32>, Vec<f64>)>;

    fn parsed(bytes: &[u8]) -> std::result::Result<Arrays, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mat");
        std::fs::write(&path, bytes).unwrap();
        let mut arrays = Vec::new();
        let outcome = read(&Source::new(&path, "svhn"), |array, data| {
            let count: u32 = array.sizes.iter().product();
            let values: Result<Vec<f64>> = (0..count).map(|i| data.number(i)).collect();
            arrays.push((array.name.clone(), array.sizes.clone(), values?));
            Ok(())
        });
        let text = |error: crate::error::Error| error.to_string();
        outcome.map(|()| arrays).map_err(|error| {
            let (start, end) = (format!("{}: ", path.display()), format!("; {}", anew("svhn")));
            text(error).strip_prefix(&start).unwrap().strip_suffix(&end).unwrap().to_string()
        })
    }

    #[test]
    fn values_are_read_however_they_are_stored() {
        let stored: [(u32, Vec<u8>); 8] = [
            (1, vec![0xfd, 7]),
            (2, vec![253, 7]),
            (3, vec![0xfd, 0xff, 7, 0]),
            (4, vec![0xfd, 0xff, 7, 0]),
            (5, [(-3_i32).to_le_bytes(), 7_i32.to_le_bytes()].concat()),
            (6, [3_u32.to_le_bytes(), 7_u32.to_le_bytes()].concat()),
            (7, [(-2.5_f32).to_le_bytes(), 7_f32.to_le_bytes()].concat()),
            (9, [(-2.5_f64).to_le_bytes(), 7_f64.to_le_bytes()].concat()),
        ];
        let firsts = [-3.0, 253.0, -3.0, 65533.0, -3.0, 3.0, -2.5, -2.5];
        for ((kind, data), first) in stored.into_iter().zip(firsts) {
            let whole = file(&[array(6, &[2, 1], "a_long_name", kind, &data)]);
            assert_eq!(parsed(&whole), Ok(vec![("a_long_name".into(), vec![2, 1], vec![first, 7.0])]), "{kind}");
        }
    }

    #[test]
    fn wrong_elements_are_told() {
        let mut big_endian = file(&[]);
        big_endian[124..].copy_from_slice(&[1, 0, b'M', b'I']);
        let mut text_in_tag = file(&[]);
        text_in_tag.extend([1, 0, 5, 0, 0, 0, 0, 0]);
        let good = array(6, &[1, 1], "a", 2, &[1]);
        let mut outgrown = good.clone();
        outgrown[4] -= 8;
        let mut wrong_sum = file(&[compressed(&good)]);
        *wrong_sum.last_mut().unwrap() ^= 1;
        let table = [
            (vec![0; 100], "it is cut short: it ends within its header"),
            (big_endian, "it is no MATLAB file of version 5 in little-endian order"),
            (text_in_tag, "a tag says 5 bytes within itself, expected up to 4"),
            (file(&[element(2, &[0; 8])]), "it holds an element of type 2, expected an array"),
            (file(&[compressed(&compressed(&good))]), "it holds an element of type 15, expected an array"),
            (
                file(&[element(14, &element(5, &[0; 8]))]),
                "the flags of an array are of type 5 and 8 bytes, expected type 6 and up to 8",
            ),
            (file(&[array(4, &[1, 1], "s", 16, &[1])]), "s holds values of type 16, expected numbers"),
            (file(&[array(6, &[2, 1], "a", 2, &[1])]), "a has 1 bytes of data, expected 2 for its sizes [2, 1]"),
            (
                file(&[array(6, &[-1, -1, -1], "a", 2, &[1])]),
                "a has 1 bytes of data, expected more than any file holds for its sizes [4294967295, 4294967295, \
                 4294967295]",
            ),
            (wrong_sum, "it cannot be read within the tag of an element: corrupt deflate stream"),
        ];
        for (bytes, problem) in table {
            assert_eq!(parsed(&bytes), Err(problem.to_string()));
        }
        assert!(parsed(&file(&[outgrown])).is_err());
    }
}
