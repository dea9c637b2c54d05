//! The gradient of a depthwise convolution's weights. The plain algorithm stands in [`weights`](crate::conv::weights).
//!
//! 1. **Lanes run over the pixels of an output row**, as in [`depthwise`](crate::conv::planar::depthwise), and here they are summed:
//!    a register holds the partial sums of one tap, which are added to each other at the end of a block of rows.
//! 2. **Nine taps at a time**, all of a 3×3 kernel: a vector of `dy` is read once for nine products, and their sums do not wait for
//!    each other. Where fewer are left, the last is computed again and not stored.
//! 3. **`dy` is copied into rows of whole vectors** with zeros behind the last pixel, so no row has an end of its own.

use crate::conv::algorithm::{WeightsAlgorithm, WeightsProduct};
use crate::conv::geometry::Gather;
use crate::conv::planar::depthwise::{Depthwise, tap_places};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Taps in a micro-kernel.
const TAPS: usize = 9;

/// Pixels whose products are added one after the other (to a lane each) before their sum is added to those of others.
const PIXELS: usize = 1024;

impl WeightsAlgorithm for Depthwise {
    fn images_together(&self, _: &Gather) -> usize {
        1
    }

    /// The padded planes, with room for one vector that is read past their end, and `dy` of one filter in whole vectors.
    fn scratch_len(&self, gather: &Gather, _: usize, _: usize) -> usize {
        let dy = gather.rows.output * gather.columns.output.next_multiple_of(MAX_LANES);
        gather.padded_len() + MAX_LANES + dy
    }

    #[inline(always)]
    fn run<S: Simd>(&self, s: S, product: &WeightsProduct<'_, S::Elem>, dw: &mut [S::Elem], scratch: &mut [S::Elem]) {
        let WeightsProduct { gather, filters, x, dy } = *product;
        let (depth, pixels) = (gather.depth(), gather.pixels());
        let (padded, rows) = scratch.split_at_mut(gather.padded_len() + MAX_LANES);
        padded.fill(S::Elem::ZERO);
        rows.fill(S::Elem::ZERO);
        let places = tap_places(gather);
        for image in 0..x.batch.images {
            gather.pad(s, x.planes(image, gather.source_len()), padded);
            let dy = dy.planes(image, filters * pixels);
            for (dy, dw) in dy.chunks_exact(pixels).zip(dw.chunks_exact_mut(depth)) {
                let width = copy_rows(s, dy, gather.columns.output, rows);
                for (places, dw) in places[..depth].chunks(TAPS).zip(dw.chunks_mut(TAPS)) {
                    add_taps(s, gather, padded, &rows[..width * gather.rows.output], places, dw);
                }
            }
        }
    }
}

/// Copies rows into rows of whole vectors, and answers how wide those are. What stands behind a row is left as it is.
#[inline(always)]
fn copy_rows<S: Simd>(s: S, from: &[S::Elem], columns: usize, to: &mut [S::Elem]) -> usize {
    let (width, whole) = (columns.next_multiple_of(S::LANES), columns - columns % S::LANES);
    for (from, to) in from.chunks_exact(columns).zip(to.chunks_exact_mut(width)) {
        for at in (0..whole).step_by(S::LANES) {
            s.store(s.load(&from[at..]), &mut to[at..]);
        }
        to[whole..columns].copy_from_slice(&from[whole..]);
    }
    width
}

/// Adds the products of some taps over one plane to their weights' gradients.
#[inline(always)]
fn add_taps<S: Simd>(s: S, gather: &Gather, padded: &[S::Elem], dy: &[S::Elem], places: &[usize], dw: &mut [S::Elem]) {
    let (down, width) = (gather.layout().pixel(1, 0), dy.len() / gather.rows.output);
    let mut starts = [places[places.len() - 1]; TAPS];
    starts[..places.len()].copy_from_slice(places);
    let rows = (PIXELS / gather.columns.output).max(1);
    for (block, dy) in dy.chunks(rows * width).enumerate() {
        let mut sums = [s.zero(); TAPS];
        for (row, dy) in dy.chunks_exact(width).enumerate() {
            let x = &padded[(block * rows + row) * down..];
            for column in (0..width).step_by(S::LANES) {
                let dy = s.load(&dy[column..]);
                for t in 0..TAPS {
                    sums[t] = s.mul_add(s.load(&x[starts[t] + column..]), dy, sums[t]);
                }
            }
        }
        for (dw, sum) in dw.iter_mut().zip(sums) {
            *dw += s.sum(sum);
        }
    }
}
