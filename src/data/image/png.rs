//! PNG files, by the crate `png`, whole or not at all.

use super::odd::Odd;
use super::pixels::{Pixels, expect_pixels, scaled_bytes, too_short};
use super::{exif, memory};
use crate::reserve;
use flate2::read::ZlibDecoder;
use png::{ColorType, DecodeOptions, Decoder, Info, Limits, OutputInfo, Transformations};
use std::io::{self, Cursor, Read};

/// Deflate makes at most this many bytes of one.
const MOST_DEFLATED: u64 = 1032;

/// Decodes a whole PNG file.
pub(super) fn decode(bytes: &[u8], side: usize) -> Result<Pixels, String> {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    let header = decoder.read_header_info().map_err(message)?;
    let (width, height) = (u64::from(header.width), u64::from(header.height));
    let indexed = header.color_type == ColorType::Indexed;
    let pixels = expect_pixels(width, height)?;
    let (row, inflated) = (header.raw_row_length() as u64, inflated_bytes(header));
    if (bytes.len() as u64).saturating_mul(MOST_DEFLATED) < row.saturating_mul(height) {
        return Err(too_short(width, height, bytes.len() as u64));
    }
    // At most four bytes of a pixel come out.
    let needed = pixels * 4 + 4 * row;
    let share = memory::PIXELS.take(needed + scaled_bytes(width, height, side));
    // The decoder would make black of an index that the palette has no colour for.
    decoder.set_transformations(match indexed {
        true => Transformations::IDENTITY,
        false => Transformations::normalize_to_color8(),
    });
    decoder.set_limits(Limits { bytes: needed as usize + (1 << 20) });
    let mut reader = decoder.read_info().map_err(message)?;
    let orientation = reader.info().exif_metadata.as_deref().map(exif::orientation).unwrap_or_default();
    let animated = reader.info().animation_control.is_some_and(|animation| animation.num_frames > 1);
    let size = reader.output_buffer_size().ok_or("its size overflows")?;
    let mut decoded = reserve::filled(size, 0)?;
    let frame = reader.next_frame(&mut decoded).map_err(message)?;
    reader.finish().map_err(message)?;
    decoded.truncate(frame.buffer_size());
    let (decoded, channels) = match indexed {
        true => (coloured(&decoded, &frame, reader.info().palette.as_deref().unwrap_or_default())?, 3),
        false => (decoded, frame.color_type.samples()),
    };
    expect_checksum(bytes, inflated)?;
    Ok(Pixels {
        width: frame.width as usize,
        height: frame.height as usize,
        channels,
        bytes: decoded,
        orientation,
        odd: Odd { animated, ..Odd::turned(orientation) }.before(behind_end(bytes), false),
        _share: share,
    })
}

/// The rows and columns that the header says.
pub(super) fn size(bytes: &[u8]) -> Result<[usize; 2], String> {
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.read_header_info().map(|header| [header.height, header.width].map(|size| size as usize)).map_err(message)
}

/// Red, green and blue of each pixel, of rows of indices into a palette, which are packed into bytes from the highest bit on.
fn coloured(rows: &[u8], frame: &OutputInfo, palette: &[u8]) -> Result<Vec<u8>, String> {
    let (bits, width) = (frame.bit_depth as usize, frame.width as usize);
    let mut colours = reserve::with_room(3 * width * frame.height as usize)?;
    for row in rows.chunks_exact(frame.line_size) {
        for bit in (0..width).map(|column| column * bits) {
            let index = usize::from(row[bit / 8] << (bit % 8) >> (8 - bits));
            let colour = palette.get(3 * index..3 * index + 3).ok_or_else(|| {
                format!("a pixel is of colour {index}, and its palette has only {}, counted from 0", palette.len() / 3)
            })?;
            colours.extend_from_slice(colour);
        }
    }
    Ok(colours)
}

/// The bytes that the stream of pixels unfolds to: rows, each behind a byte that names its filter, of the image or of the seven passes of
/// an interlaced one.
fn inflated_bytes(header: &Info) -> u64 {
    // The first column and row of each pass, and how far apart its others are (PNG, section 8.2).
    const PASSES: [[u64; 4]; 7] =
        [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
    let bits = header.color_type.samples() as u64 * header.bit_depth as u64;
    let passes = if header.interlaced { &PASSES[..] } else { &[[0, 0, 1, 1]] };
    let bytes = passes.iter().map(|[left, top, across, down]| {
        let columns = u64::from(header.width).saturating_sub(*left).div_ceil(*across);
        let rows = u64::from(header.height).saturating_sub(*top).div_ceil(*down);
        if columns == 0 { 0 } else { rows * (1 + (columns * bits).div_ceil(8)) }
    });
    bytes.sum()
}

/// Refuses a stream of pixels that ends before its checksum (Adler-32), which the decoder does without once it has all pixels, or that
/// has more than these.
fn expect_checksum(bytes: &[u8], inflated: u64) -> Result<(), String> {
    let packed = ZlibDecoder::new(PixelData { rest: &[], chunks: &bytes[SIGNATURE..] });
    let found = io::copy(&mut packed.take(inflated + 1), &mut io::sink())
        .map_err(|error| format!("the checksum of its pixels is missing, cut short or wrong: {error}"))?;
    if found > inflated {
        return Err("its pixels are more than its header says".into());
    }
    Ok(())
}

/// The bytes before the first chunk.
const SIGNATURE: usize = 8;

/// The contents of all chunks of pixels, one after the other.
struct PixelData<'a> {
    /// What is not read yet of the present chunk.
    rest: &'a [u8],
    /// The chunks behind it: length, kind, contents and checksum of each.
    chunks: &'a [u8],
}

impl Read for PixelData<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty()
            && let Some((length, behind)) = self.chunks.split_first_chunk::<4>()
            && let Some((kind, behind)) = behind.split_first_chunk::<4>()
            && let Some((contents, behind)) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)
        {
            self.chunks = behind.get(4..).unwrap_or_default();
            self.rest = if kind == b"IDAT" { contents } else { &[] };
        }
        self.rest.read(buffer)
    }
}

/// What follows the last chunk.
fn behind_end(bytes: &[u8]) -> &[u8] {
    let mut chunks = bytes.get(SIGNATURE..).unwrap_or_default();
    while let Some((length, behind)) = chunks.split_first_chunk::<4>()
        && let Some((kind, behind)) = behind.split_first_chunk::<4>()
    {
        // Its contents and its checksum.
        chunks = behind.get(u32::from_be_bytes(*length) as usize + 4..).unwrap_or_default();
        if kind == b"IEND" {
            return chunks;
        }
    }
    &[]
}

/// What the decoder says, in the words of this program where data end early.
fn message(error: png::DecodingError) -> String {
    match &error {
        png::DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it ends early: it is cut short".into()
        }
        _ => format!("it is no whole PNG file: {error}"),
    }
}
