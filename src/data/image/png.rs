//! PNG files, by the crate `png`, whole or not at all.

use super::{Pixels, exif, expect_pixels, memory, scaled_bytes, too_short};
use crate::reserve;
use png::{DecodeOptions, Decoder, Limits, Transformations};
use std::io::Cursor;

/// Deflate makes at most this many bytes of one.
const MOST_DEFLATED: u64 = 1032;

/// Decodes a whole PNG file.
pub(super) fn decode(bytes: &[u8], side: usize) -> Result<Pixels, String> {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(told)?;
    let (width, height) = (u64::from(header.width), u64::from(header.height));
    let pixels = expect_pixels(width, height)?;
    let row = header.raw_row_length() as u64;
    if (bytes.len() as u64).saturating_mul(MOST_DEFLATED) < row.saturating_mul(height) {
        return Err(too_short(width, height, bytes.len() as u64));
    }
    // At most four bytes of a pixel come out.
    let needed = pixels * 4 + 4 * row;
    let share = memory::PIXELS.take(needed + scaled_bytes(width, height, side));
    decoder.set_limits(Limits { bytes: needed as usize + (1 << 20) });
    let mut reader = decoder.read_info().map_err(told)?;
    let orientation = reader.info().exif_metadata.as_deref().map(exif::orientation).unwrap_or_default();
    let size = reader.output_buffer_size().ok_or("its size overflows")?;
    let mut decoded = reserve::filled(size, 0)?;
    let frame = reader.next_frame(&mut decoded).map_err(told)?;
    reader.finish().map_err(told)?;
    decoded.truncate(frame.buffer_size());
    let channels = frame.color_type.samples();
    Ok(Pixels {
        width: frame.width as usize,
        height: frame.height as usize,
        channels,
        bytes: decoded,
        orientation,
        _share: share,
    })
}

/// What the decoder says, in the words of this program where data end early.
fn told(error: png::DecodingError) -> String {
    match &error {
        png::DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it ends early: it is cut short".into()
        }
        _ => format!("it is no whole PNG file: {error}"),
    }
}
