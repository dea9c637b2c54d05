//! Images as files have them, JPEG and PNG, to squares of bytes. Knows bytes; knows no path and no data set.
//!
//! What a file is, its first bytes say, whatever its name is. An image whose data end early or are damaged is refused,
//! never filled up with grey: its structure is walked first ([`jpeg`], [`png`]), and a header that claims more pixels than
//! the bytes behind it can hold is refused before any memory is asked for. 16-bit samples keep their high byte, transparency
//! is dropped, grey becomes three equal planes, CMYK becomes RGB, and an orientation from a camera (EXIF) is applied. What is
//! odd about a file and still read is said ([`Odd`]).

mod exif;
mod jpeg;
pub(super) mod memory;
mod odd;
mod pixels;
mod png;
mod scans;
mod square;

use crate::error::{Error, Result};
use crate::reserve;
use std::fmt;

pub(super) use odd::Odd;

/// The most rows and columns that can be asked for.
pub(super) const MOST_SIDE: usize = 4096;

/// The kind of file that an image comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
        })
    }
}

/// Decodes a JPEG or PNG file: its middle, as wide and high as its short side, scaled to `side` rows and columns. Returns
/// the planes of red, green and blue, one after the other.
///
/// ```
/// let error = evograd::data::decode_image(b"GIF89a", 8).unwrap_err().to_string();
/// assert_eq!(error, "image: it is a GIF file, expected JPEG or PNG; replace it by a whole JPEG or PNG file, or remove it");
/// ```
///
/// # Errors
/// When the bytes are no JPEG or PNG file, end early, are damaged, or claim more than 67,108,864 pixels.
pub fn decode_image(bytes: &[u8], side: usize) -> Result<Vec<u8>> {
    if side == 0 || side > MOST_SIDE {
        let problem = format!("{side} rows and columns were asked for");
        return Err(Error::op("image", problem, &[], format!("ask for 1 to {}", MOST_SIDE)));
    }
    let mut planes = reserve::filled(3 * side * side, 0).map_err(|refused| refused.during("image"))?;
    decode(bytes, side, &mut planes).map_err(|problem| Error::op("image", problem, &[], REMEDY))?;
    Ok(planes)
}

/// What to do about a file that cannot be decoded.
pub(super) const REMEDY: &str = "replace it by a whole JPEG or PNG file, or remove it";

/// Decodes into planes of `side` rows and columns, and says what is odd about the file.
pub(super) fn decode(bytes: &[u8], side: usize, planes: &mut [u8]) -> std::result::Result<Odd, String> {
    let pixels = match format(bytes)? {
        Format::Jpeg => jpeg::decode(bytes, side)?,
        Format::Png => png::decode(bytes, side)?,
    };
    square::write(&pixels, side, planes)?;
    Ok(pixels.odd)
}

/// The rows and columns that the header of a file says.
pub(super) fn size(bytes: &[u8]) -> std::result::Result<[usize; 2], String> {
    match format(bytes)? {
        Format::Jpeg => jpeg::size(bytes),
        Format::Png => png::size(bytes),
    }
}

/// What kind of file it is, by its first bytes; the error says what it is instead.
pub(super) fn format(bytes: &[u8]) -> std::result::Result<Format, String> {
    const OTHERS: [(usize, &[u8], &str); 11] = [
        (0, b"GIF8", "a GIF file"),
        (0, b"BM", "a BMP file"),
        (0, b"II*\0", "a TIFF file"),
        (0, b"MM\0*", "a TIFF file"),
        (8, b"WEBP", "a WebP file"),
        (4, b"ftypavif", "an AVIF file"),
        (4, b"ftyphei", "a HEIC file"),
        (4, b"ftypmif1", "a HEIC file"),
        (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
        (0, b"%PDF", "a PDF file"),
        (0, b"<", "a text such as HTML or SVG"),
    ];
    match bytes {
        [] => Err("it is empty".into()),
        [0xff, 0xd8, ..] => Ok(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Format::Png),
        _ => {
            let known =
                OTHERS.iter().find(|(at, start, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(start)));
            let found = known.map_or("of no known kind", |(_, _, what)| what);
            Err(format!("it is {found}, expected JPEG or PNG"))
        }
    }
}

#[cfg(test)]
mod tests;
