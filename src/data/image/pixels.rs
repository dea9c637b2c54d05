//! Decoded pixels, and how many of them a header may claim. Knows no format.

use super::odd::Odd;
use super::{exif, memory};

/// The most pixels of an image that is decoded: 8192 × 8192, far more than cameras have.
const MOST_PIXELS: u64 = 1 << 26;

/// Decoded pixels, row by row.
pub(super) struct Pixels {
    pub width: usize,
    pub height: usize,
    /// Bytes of a pixel: 1 and 2 are grey, 3 and 4 red, green and blue; the last of 2 and 4 is not used.
    pub channels: usize,
    pub bytes: Vec<u8>,
    pub orientation: exif::Orientation,
    /// What is to be said of the file.
    pub odd: Odd,
    /// What they may take of the memory for decoding.
    pub _share: memory::Share,
}

/// The number of pixels that a header claims, if it is not too many to be decoded.
pub(super) fn expect_pixels(width: u64, height: u64) -> std::result::Result<u64, String> {
    let pixels = width * height;
    if width == 0 || height == 0 {
        return Err(format!("its header says {width}×{height} pixels"));
    }
    if pixels > MOST_PIXELS {
        return Err(format!("its header says {width}×{height} pixels, and at most {MOST_PIXELS} are decoded"));
    }
    Ok(pixels)
}

/// Bytes that scaling to `side` columns keeps of an image.
pub(super) fn scaled_bytes(width: u64, height: u64, side: usize) -> u64 {
    3 * width.min(height) * side as u64
}

/// That the data are too few for the pixels that the header claims.
pub(super) fn too_short(width: u64, height: u64, bytes: u64) -> String {
    format!("it ends early: {bytes} bytes of data cannot hold the {width}×{height} pixels that its header says")
}
