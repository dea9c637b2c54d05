//! The middle of an image, scaled to a square.
//!
//! Scaling weighs source pixels by a triangle as wide as two target pixels (bilinear where it enlarges, and each source
//! pixel counts where it shrinks), first along rows, then along columns, with bytes in between.

use super::pixels::Pixels;
use crate::reserve::{self, Refused};

/// What one target pixel is made of: source pixels from `first` on, each with its weight.
struct Blend {
    first: usize,
    weights: Vec<f32>,
}

/// Writes the middle, as wide and high as the short side, as three planes of `side` rows and columns.
pub(super) fn write(pixels: &Pixels, side: usize, planes: &mut [u8]) -> Result<(), Refused> {
    let Pixels { width, height, channels, ref bytes, orientation, .. } = *pixels;
    let short = width.min(height);
    // Of an odd rest, the extra row or column goes to the end of what is shown, not of what is stored.
    let start = |length: usize, backwards: bool| {
        let rest = length - short;
        if backwards { rest - rest / 2 } else { rest / 2 }
    };
    let (top, left) = (start(height, orientation.rows_backwards), start(width, orientation.columns_backwards));
    let blends = blends(short, side);
    let colours = if channels < 3 { 1 } else { 3 };
    let mut rows = reserve::filled(short * side * colours, 0)?;
    for (row, out) in rows.chunks_exact_mut(side * colours).enumerate() {
        let line = &bytes[((top + row) * width + left) * channels..][..short * channels];
        for (blend, out) in blends.iter().zip(out.chunks_exact_mut(colours)) {
            (0..colours).for_each(|c| out[c] = blend.of(|place| line[place * channels + c]));
        }
    }
    for (y, blend) in blends.iter().enumerate() {
        for x in 0..side {
            let place = place(orientation, side, y, x);
            for plane in 0..3 {
                let c = plane.min(colours - 1);
                planes[plane * side * side + place] = blend.of(|row| rows[(row * side + x) * colours + c]);
            }
        }
    }
    Ok(())
}

/// Where the stored row `y` and column `x` are shown.
fn place(orientation: super::exif::Orientation, side: usize, y: usize, x: usize) -> usize {
    let y = if orientation.rows_backwards { side - 1 - y } else { y };
    let x = if orientation.columns_backwards { side - 1 - x } else { x };
    if orientation.exchanged { x * side + y } else { y * side + x }
}

/// What each of `side` pixels is made of, of a row of `length`.
fn blends(length: usize, side: usize) -> Vec<Blend> {
    let scale = length as f64 / side as f64;
    let reach = scale.max(1.0);
    let blend = |target: usize| {
        let middle = (target as f64 + 0.5) * scale;
        let first = (middle - reach + 0.5).max(0.0) as usize;
        let end = ((middle + reach + 0.5) as usize).min(length);
        let weight = |place: usize| (1.0 - ((place as f64 + 0.5 - middle) / reach).abs()).max(0.0);
        let sum: f64 = (first..end).map(weight).sum();
        Blend { first, weights: (first..end).map(|place| (weight(place) / sum) as f32).collect() }
    };
    (0..side).map(blend).collect()
}

impl Blend {
    /// The weighted mean of what `at` says, rounded.
    fn of(&self, at: impl Fn(usize) -> u8) -> u8 {
        let sum: f32 = (self.first..).zip(&self.weights).map(|(place, weight)| weight * f32::from(at(place))).sum();
        (sum + 0.5) as u8
    }
}
