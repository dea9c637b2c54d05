//! Pixels by filters, with lanes over filters: what one tap of each pixel adds, over all planes.

use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Vectors of filters in a micro-kernel, where there are so many.
pub(crate) const VECTORS: usize = 2;

/// Pixels in a micro-kernel, with 32 and with 16 registers.
pub(crate) const MANY_PIXELS: usize = 8;
pub(crate) const FEW_PIXELS: usize = 4;

/// Whether so many channels fill vectors of every instruction set.
pub(crate) fn fills(channels: usize) -> bool {
    channels > 0 && channels.is_multiple_of(MAX_LANES)
}

/// Filters of a micro-kernel.
pub(crate) fn block_of(lanes: usize, filters: usize) -> usize {
    if filters.is_multiple_of(VECTORS * lanes) { VECTORS * lanes } else { lanes }
}

/// The micro-kernel: `T` pixels by `V` vectors of filters, over all planes of one tap, added to `sums`.
#[inline(always)]
pub(crate) fn multiply<S: Simd, const V: usize, const T: usize>(
    s: S,
    values: &[S::Elem],
    places: &[usize; T],
    planes: usize,
    filters: &[S::Elem],
    mut sums: [[S::Vector; V]; T],
) -> [[S::Vector; V]; T] {
    let nothing = [S::Elem::ZERO; MAX_LANES];
    for plane in (0..planes).step_by(MAX_LANES) {
        // Arrays of a length that is known here need one bounds check each, not one for every plane.
        let mut pixels = [&nothing; T];
        for t in 0..T {
            pixels[t] = values[places[t] + plane..].first_chunk().expect("planes are whole vectors");
        }
        let filters = &filters[plane * V * S::LANES..][..MAX_LANES * V * S::LANES];
        for p in 0..MAX_LANES {
            let mut w = [s.zero(); V];
            for v in 0..V {
                w[v] = s.load(&filters[(p * V + v) * S::LANES..]);
            }
            for t in 0..T {
                let value = s.splat(pixels[t][p]);
                for v in 0..V {
                    sums[t][v] = s.mul_add(value, w[v], sums[t][v]);
                }
            }
        }
    }
    sums
}
