//! Arrays of a MATLAB file of version 5 (*MAT-File Format*, The MathWorks), read in stream. Knows the format, and no data
//! set.
//!
//! After a header of 128 bytes come elements: a tag of two words, type and length, then the data. An array is an element
//! of type 14, whose data are elements again: flags, sizes, name, values, each padded to eight bytes. An element of type
//! 15 is another element compressed by zlib. Data of up to four bytes may stand within the tag. The last two bytes of the
//! header say in which order the bytes of a number come.

use super::source::Source;
use crate::error::Result;
use crate::reserve::reserve;
use flate2::bufread::ZlibDecoder;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Read};

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const UNSIGNED_BYTES: u32 = 2;
const OPAQUE: u8 = 17;

/// What an array says of itself before its values come.
#[derive(Debug)]
pub(super) struct Array {
    /// Its name.
    pub name: String,
    /// The size of each axis; the first runs fastest.
    pub sizes: Vec<u32>,
    /// What it holds that are no real numbers, in a word; `None` for these.
    pub other: Option<&'static str>,
    /// How the values are stored, which may be narrower than what they are in MATLAB.
    stored: u32,
}

impl Array {
    /// Whether its values are stored as unsigned bytes.
    pub fn is_bytes(&self) -> bool {
        self.stored == UNSIGNED_BYTES
    }
}

/// What an array of a class holds, if not numbers.
fn other(class: u8, complex: bool) -> Option<&'static str> {
    match class {
        1 => Some("cells"),
        2 => Some("a structure"),
        3 => Some("an object"),
        4 => Some("text"),
        5 => Some("sparse numbers"),
        6..=15 if complex => Some("complex numbers"),
        6..=15 => None,
        16 => Some("a function"),
        OPAQUE => Some("an object"),
        _ => Some("values of an unknown class"),
    }
}

/// The values of an array, as they come out of the file; nothing where they are no numbers.
pub(super) struct Data<'a> {
    source: &'a Source,
    reader: &'a mut dyn Read,
    order: Order,
    stored: u32,
}

impl Data<'_> {
    /// The next bytes; `what` names them.
    pub fn fill(&mut self, buffer: &mut [u8], what: impl Display) -> Result<()> {
        self.source.fill(&mut self.reader, buffer, what)
    }

    /// The next value; `what` names it. Whole numbers above 2⁵³ are rounded.
    pub fn number(&mut self, what: impl Display) -> Result<f64> {
        let mut bytes = [0; 8];
        let width = width(self.stored).unwrap_or(8) as usize;
        self.fill(&mut bytes[..width], what)?;
        if self.order == Order::Big {
            bytes[..width].reverse();
        }
        let [a, b, c, d, ..] = bytes;
        Ok(match self.stored {
            1 => f64::from(a as i8),
            2 => f64::from(a),
            3 => f64::from(i16::from_le_bytes([a, b])),
            4 => f64::from(u16::from_le_bytes([a, b])),
            5 => f64::from(i32::from_le_bytes([a, b, c, d])),
            6 => f64::from(u32::from_le_bytes([a, b, c, d])),
            7 => f64::from(f32::from_le_bytes([a, b, c, d])),
            12 => i64::from_le_bytes(bytes) as f64,
            13 => u64::from_le_bytes(bytes) as f64,
            _ => f64::from_le_bytes(bytes),
        })
    }
}

/// The bytes of a value by the way it is stored: whole numbers of 8, 16, 32 and 64 bits with and without a sign, floats of 32
/// and 64 bits.
fn width(stored: u32) -> Option<u64> {
    match stored {
        1 | 2 => Some(1),
        3 | 4 => Some(2),
        5..=7 => Some(4),
        9 | 12 | 13 => Some(8),
        _ => None,
    }
}

/// In which order the bytes of a number come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// The lowest first.
    Little,
    /// The highest first.
    Big,
}

impl Order {
    fn word(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }

    /// As the header says.
    fn of(header: &[u8; 128]) -> std::result::Result<Order, &'static str> {
        match header[124..] {
            [0, 1, b'I', b'M'] => Ok(Order::Little),
            [1, 0, b'M', b'I'] => Ok(Order::Big),
            [0, 2, b'I', b'M'] => Err("it is a MATLAB file of version 7.3; save it with -v7"),
            _ => Err("it is no MATLAB file of version 5"),
        }
    }
}

/// An array of numbers from a MATLAB file.
#[derive(Clone, Debug, PartialEq)]
pub struct MatArray {
    /// Its name.
    pub name: String,
    /// The size of each axis; the first runs fastest.
    pub sizes: Vec<u32>,
    /// Its values.
    pub values: Vec<f64>,
}

/// The numeric arrays of a MATLAB file of version 5, in their order; texts, cells, structures and other kinds are passed over.
///
/// ```
/// let error = evograd::data::read_mat(b"no file").unwrap_err().to_string();
/// assert_eq!(error, "mat: it is cut short: it ends within its header; use a whole file of this format");
/// ```
///
/// # Errors
/// When the bytes are no such file.
pub fn read_mat(bytes: &[u8]) -> Result<Vec<MatArray>> {
    let mut arrays = Vec::new();
    read_from(&Source::bytes("mat"), bytes, |array, data| {
        if array.other.is_none() {
            let count = array.sizes.iter().fold(1_u64, |count, &size| count.saturating_mul(size.into()));
            let mut values = Vec::new();
            for value in 0..count {
                reserve(&mut values, 1).map_err(|refused| refused.during("mat"))?;
                values.push(data.number(format_args!("value {value}"))?);
            }
            arrays.push(MatArray { name: array.name.clone(), sizes: array.sizes.clone(), values });
        }
        Ok(())
    })?;
    Ok(arrays)
}

/// Shows each array of a file to `visit`, which may read its values. The file is read to its end, and checksums compared.
pub(super) fn read(source: &Source, visit: impl FnMut(&Array, &mut Data) -> Result<()>) -> Result<()> {
    let (file, _) = source.open()?;
    read_from(source, BufReader::with_capacity(1 << 18, file), visit)
}

/// As [`read`], from what a file holds.
fn read_from(
    source: &Source,
    mut reader: impl BufRead,
    mut visit: impl FnMut(&Array, &mut Data) -> Result<()>,
) -> Result<()> {
    let mut header = [0; 128];
    source.fill(&mut reader, &mut header, "its header")?;
    let order = Order::of(&header).map_err(|problem| source.wrong(problem))?;
    while !reader.fill_buf().map_err(|error| source.wrong(error))?.is_empty() {
        let tag = Tag::read(source, order, &mut reader)?;
        let mut body = reader.by_ref().take(tag.length);
        match tag.kind {
            MATRIX => matrix(source, order, &mut body, tag.length, &mut visit)?,
            COMPRESSED => {
                let mut decoder = ZlibDecoder::new(body);
                let tag = Tag::read(source, order, &mut decoder)?;
                if tag.kind != MATRIX {
                    return Err(source.wrong(format!("it holds an element of type {}, expected an array", tag.kind)));
                }
                matrix(source, order, &mut decoder.by_ref().take(tag.length), tag.length, &mut visit)?;
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
    order: Order,
    mut reader: &mut dyn Read,
    length: u64,
    visit: &mut impl FnMut(&Array, &mut Data) -> Result<()>,
) -> Result<()> {
    if length == 0 {
        return Ok(());
    }
    let flags = small(source, order, &mut reader, &[6], 8, "flags")?;
    let word = flags.first_chunk().map_or(0, |bytes| order.word(*bytes));
    let (class, complex) = (word as u8, word >> 8 & 8 > 0);
    if class == OPAQUE {
        return finish(source, reader, "an object");
    }
    let sizes = small(source, order, &mut reader, &[5, 6], 1024, "sizes")?;
    let sizes: Vec<u32> = sizes.chunks_exact(4).map(|b| order.word([b[0], b[1], b[2], b[3]])).collect();
    let name = small(source, order, &mut reader, &[1, 2, 16], 256, "name")?;
    let name = String::from_utf8_lossy(&name).into_owned();
    if let Some(other) = other(class, complex) {
        let array = Array { name, sizes, other: Some(other), stored: 0 };
        visit(&array, &mut Data { source, reader: &mut std::io::empty(), order, stored: 0 })?;
        return finish(source, reader, &array.name);
    }
    let tag = Tag::read(source, order, &mut reader)?;
    let array = Array { name, sizes, other: None, stored: tag.kind };
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
        visit(&array, &mut Data { source, reader: &mut values, order, stored: tag.kind })?;
        finish(source, &mut values, &array.name)?;
    }
    finish(source, reader, &array.name)
}

/// Reads what is left of an element: values that nobody asked for, and the padding.
fn finish(source: &Source, reader: &mut dyn Read, name: &str) -> Result<()> {
    let ended = std::io::copy(reader, &mut std::io::sink());
    ended.map(|_| ()).map_err(|error| source.wrong(format!("it cannot be read to the end of {name}: {error}")))
}

/// Reads an element of a wanted type and at most `most` bytes, with its padding.
fn small(
    source: &Source,
    order: Order,
    reader: &mut impl Read,
    kinds: &[u32],
    most: u64,
    what: &str,
) -> Result<Vec<u8>> {
    let tag = Tag::read(source, order, reader)?;
    if !kinds.contains(&tag.kind) || tag.length > most {
        let (found, kind) = (format!("type {} and {} bytes", tag.kind, tag.length), kinds[0]);
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
    fn read(source: &Source, order: Order, reader: &mut impl Read) -> Result<Tag> {
        let mut bytes = [0; 8];
        source.fill(reader, &mut bytes, "the tag of an element")?;
        let [a, b, c, d, data @ ..] = bytes;
        let word = order.word([a, b, c, d]);
        match word >> 16 {
            0 => Ok(Tag { kind: word, length: order.word(data).into(), within: None }),
            short @ 1..=4 => Ok(Tag { kind: word & 0xffff, length: short.into(), within: Some(data) }),
            short => Err(source.wrong(format!("a tag says {short} bytes within itself, expected up to 4"))),
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
            if array.other.is_some() {
                return Ok(());
            }
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
        let stored: [(u32, Vec<u8>); 10] = [
            (1, vec![0xfd, 7]),
            (2, vec![253, 7]),
            (3, vec![0xfd, 0xff, 7, 0]),
            (4, vec![0xfd, 0xff, 7, 0]),
            (5, [(-3_i32).to_le_bytes(), 7_i32.to_le_bytes()].concat()),
            (6, [3_u32.to_le_bytes(), 7_u32.to_le_bytes()].concat()),
            (7, [(-2.5_f32).to_le_bytes(), 7_f32.to_le_bytes()].concat()),
            (9, [(-2.5_f64).to_le_bytes(), 7_f64.to_le_bytes()].concat()),
            (12, [(-3_i64).to_le_bytes(), 7_i64.to_le_bytes()].concat()),
            (13, [3_u64.to_le_bytes(), 7_u64.to_le_bytes()].concat()),
        ];
        let firsts = [-3.0, 253.0, -3.0, 65533.0, -3.0, 3.0, -2.5, -2.5, -3.0, 3.0];
        for ((kind, data), first) in stored.into_iter().zip(firsts) {
            let whole = file(&[array(6, &[2, 1], "a_long_name", kind, &data)]);
            assert_eq!(parsed(&whole), Ok(vec![("a_long_name".into(), vec![2, 1], vec![first, 7.0])]), "{kind}");
        }
    }

    /// Files that SciPy and MATLAB's description make (`data/golden/mat.py`): every class in both orders of bytes, beside
    /// texts, cells, structures, sparse and complex numbers.
    #[test]
    fn arrays_of_every_class_are_read_and_others_passed_over() {
        for name in ["little.mat", "big.mat", "compressed.mat"] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/mat").join(name);
            let found = read_mat(&std::fs::read(path).unwrap()).unwrap();
            let mut names: Vec<&str> = found.iter().map(|array| array.name.as_str()).collect();
            names.sort_unstable();
            let classes =
                ["double", "int16", "int32", "int64", "int8", "single", "uint16", "uint32", "uint64", "uint8"];
            assert_eq!(names, [&classes[..], &["zlogical", "zsmall"]].concat(), "{name}");
            for array in found {
                let signed = ["int8", "int16", "int32", "int64", "single", "double"].contains(&array.name.as_str());
                let (sizes, values) = match array.name.as_str() {
                    "zsmall" => (vec![1, 1], vec![7.0]),
                    "zlogical" => (vec![1, 2], vec![1.0, 0.0]),
                    // Column by column: [[1, 2, 3], [100, x, 0]].
                    _ => (vec![2, 3], vec![1.0, 100.0, 2.0, if signed { -5.0 } else { 55.0 }, 3.0, 0.0]),
                };
                assert_eq!((array.sizes, array.values), (sizes, values), "{name}: {}", array.name);
            }
        }
    }

    #[test]
    fn wrong_elements_are_reported() {
        let mut newer = file(&[]);
        newer[124..].copy_from_slice(&[0, 2, b'I', b'M']);
        let mut text_in_tag = file(&[]);
        text_in_tag.extend([1, 0, 5, 0, 0, 0, 0, 0]);
        let good = array(6, &[1, 1], "a", 2, &[1]);
        let mut outgrown = good.clone();
        outgrown[4] -= 8;
        let mut wrong_sum = file(&[compressed(&good)]);
        *wrong_sum.last_mut().unwrap() ^= 1;
        let table = [
            (vec![0; 100], "it is cut short: it ends within its header"),
            (newer, "it is a MATLAB file of version 7.3; save it with -v7"),
            (vec![0; 128], "it is no MATLAB file of version 5"),
            (text_in_tag, "a tag says 5 bytes within itself, expected up to 4"),
            (file(&[element(2, &[0; 8])]), "it holds an element of type 2, expected an array"),
            (file(&[compressed(&compressed(&good))]), "it holds an element of type 15, expected an array"),
            (
                file(&[element(14, &element(5, &[0; 8]))]),
                "the flags of an array are of type 5 and 8 bytes, expected type 6 and up to 8",
            ),
            (file(&[array(6, &[1, 1], "s", 16, &[1])]), "s holds values of type 16, expected numbers"),
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
