//! Depthwise convolution: the products of [`conv`](crate::conv) where each channel has a filter, or a few, of its own.
//!
//! The plain algorithm, for one plane of one image and one filter:
//!
//! ```text
//! for each output pixel (oh, ow):
//!     y[oh][ow] = bias + Σ over taps i, j of w[i][j] · x[oh·step + i·delta + first][ow·step + j·delta + first]
//! ```
//!
//! A pixel is used by nothing but the few taps of one filter, so no work of an algorithm for many channels pays: neither packed
//! panels nor blocks of filters, nor Winograd's transforms, which take longer than the products that they save. Instead:
//!
//! 1. **Lanes run over the pixels of an output row**, and read the padded plane where it stands. It holds the places of each phase
//!    of a stride next to each other, so that strides and gaps between taps change addresses, and nothing else.
//! 2. **Eight rows at a time**: eight sums that do not wait for each other stay in registers, and a weight is fetched once for all.
//! 3. **Addresses of the taps are computed once** for all planes and images.
//! 4. **The end of a row is computed first.** Where it does not fill a vector, what is stored behind it is the start of the next
//!    row, which is stored later.
//!
//! Each output is one sum in the order of planes and taps. There are at most [`SUMMED`] of them, so that rounding is that of the
//! direct algorithms.

use crate::conv::algorithm::{ForwardAlgorithm, Product};
use crate::conv::geometry::{Gather, Grid, Images, ImagesMut, Weights};
use crate::conv::microkernel::SUMMED;
use crate::conv::planes::store_run;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use crate::tail::store_some;

/// Filters of one plane, or planes of one filter, at most: with more of them, a pixel is used often enough for other algorithms.
const MULTIPLIER: usize = 4;

/// Whether one plane meets a few filters, or a few planes one filter, as in the input's gradient; and taps are not too many for one sum.
pub(crate) fn serves(gather: &Gather, filters: usize) -> bool {
    let (least, most) = (gather.planes.min(filters), gather.planes.max(filters));
    least == 1 && most <= MULTIPLIER && (1..=SUMMED).contains(&gather.depth())
}

/// Where the first output pixel meets each tap of each plane, in the padded planes.
pub(super) fn tap_places(gather: &Gather) -> [usize; SUMMED] {
    let (layout, mut places) = (gather.layout(), [0; SUMMED]);
    let (rows, columns) = (gather.rows.taps, gather.columns.taps);
    for (tap, place) in places.iter_mut().take(gather.depth()).enumerate() {
        *place = layout.tap(tap / columns / rows, tap / columns % rows, tap % columns);
    }
    places
}

/// Direct convolution of single channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depthwise;

impl ForwardAlgorithm for Depthwise {
    fn packed_len(&self, gather: &Gather, filters: usize) -> usize {
        filters * gather.depth()
    }

    /// The padded planes, with room for one vector that is read past their end.
    fn scratch_len(&self, gather: &Gather, _: usize) -> usize {
        gather.padded_len() + MAX_LANES
    }

    /// As `[filter][plane][tap]`.
    #[inline(always)]
    fn pack<S: Simd>(
        &self,
        _: S,
        gather: &Gather,
        filters: usize,
        weights: &Weights<'_, S::Elem>,
        packed: &mut [S::Elem],
    ) {
        let (depth, rows, columns) = (gather.depth(), gather.rows.taps, gather.columns.taps);
        for (at, packed) in packed[..filters * depth].iter_mut().enumerate() {
            let (filter, tap) = (at / depth, at % depth);
            *packed = weights.at(filter, tap / columns / rows, tap / columns % rows, tap % columns);
        }
    }

    #[inline(always)]
    fn run<S: Simd>(
        &self,
        s: S,
        product: &Product<'_, S::Elem>,
        x: Images<'_, S::Elem>,
        mut y: ImagesMut<'_, S::Elem>,
        scratch: &mut [S::Elem],
    ) {
        let (gather, [height, width]) = (product.gather, product.grid.size);
        let padded = &mut scratch[..gather.padded_len() + MAX_LANES];
        padded.fill(S::Elem::ZERO);
        let places = tap_places(gather);
        let own = DepthwiseProduct { product, places: &places[..gather.depth()], down: gather.layout().pixel(1, 0) };
        for image in 0..x.batch.images {
            gather.pad(s, x.planes(image, gather.source_len()), padded);
            let y = y.planes(image, product.filters * height * width);
            for (filter, y) in y.chunks_exact_mut(height * width).enumerate() {
                own.plane(s, padded, filter, y);
            }
        }
    }
}

/// The product of one image at a time.
struct DepthwiseProduct<'a, E> {
    product: &'a Product<'a, E>,
    /// Where the first output pixel meets each tap, and how far from it the pixel below does.
    places: &'a [usize],
    down: usize,
}

impl<E: Number> DepthwiseProduct<'_, E> {
    /// All rows of one filter.
    #[inline(always)]
    fn plane<S: Simd<Elem = E>>(&self, s: S, padded: &[E], filter: usize, y: &mut [E]) {
        let (rows, mut row) = (self.product.gather.rows.output, 0);
        while row < rows {
            row += match rows - row {
                8.. => self.rows::<S, 8>(s, padded, filter, row, y),
                4.. => self.rows::<S, 4>(s, padded, filter, row, y),
                _ => self.rows::<S, 1>(s, padded, filter, row, y),
            };
        }
    }

    /// `R` rows of one filter, their end first: see the file's head. Answers `R`.
    #[inline(always)]
    fn rows<S: Simd<Elem = E>, const R: usize>(
        &self,
        s: S,
        padded: &[E],
        filter: usize,
        row: usize,
        y: &mut [E],
    ) -> usize {
        let columns = self.product.gather.columns.output;
        let whole = columns - columns % S::LANES;
        if whole < columns {
            self.block::<S, R>(s, padded, filter, [row, whole], y);
        }
        for column in (0..whole).step_by(S::LANES) {
            self.block::<S, R>(s, padded, filter, [row, column], y);
        }
        R
    }

    /// The micro-kernel: a vector of pixels in each of `R` rows.
    #[inline(always)]
    fn block<S: Simd<Elem = E>, const R: usize>(
        &self,
        s: S,
        padded: &[E],
        filter: usize,
        [row, column]: [usize; 2],
        y: &mut [E],
    ) {
        let Product { packed, bias, .. } = *self.product;
        let weights = &packed[filter * self.places.len()..][..self.places.len()];
        let mut sums = [s.splat(bias.get(filter).copied().unwrap_or(E::ZERO)); R];
        let first = row * self.down + column;
        for (place, w) in self.places.iter().zip(weights) {
            let (x, w) = (&padded[first + place..], s.splat(*w));
            for r in 0..R {
                sums[r] = s.mul_add(s.load(&x[r * self.down..]), w, sums[r]);
            }
        }
        #[allow(clippy::needless_range_loop, reason = "a constant bound unrolls, and the sums stay in registers")]
        for r in 0..R {
            self.store(s, sums[r], [row + r, column], y);
        }
    }

    /// Writes neighbouring pixels of one row to their places, and where all rows of a plane are written, perhaps more behind them.
    #[inline(always)]
    fn store<S: Simd<Elem = E>>(&self, s: S, sums: S::Vector, [row, column]: [usize; 2], y: &mut [E]) {
        let Grid { size: [_, width], first: [top, left], step: [down, right] } = self.product.grid;
        let columns = self.product.gather.columns.output;
        let y = &mut y[(top + row * down) * width + left + column * right..];
        if columns == width && down == 1 && right == 1 {
            return store_some(s, sums, y);
        }
        let mut values = [E::ZERO; MAX_LANES];
        s.store(sums, &mut values);
        store_run(&values[..S::LANES.min(columns - column)], right, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::geometry::Window;

    fn gather(planes: usize, kernel: usize) -> Gather {
        let axis = Window { input: 20, output: 21 - kernel, kernel, stride: 1, padding: 0, dilation: 1 }.forward();
        Gather { planes, rows: axis, columns: axis }
    }

    #[test]
    fn single_channels_with_few_taps_are_served() {
        for (planes, filters, kernel, expected) in [
            (1, 1, 3, true),
            (1, 4, 3, true),
            (4, 1, 3, true),
            (1, 1, 11, true),
            (1, 5, 3, false),
            (5, 1, 3, false),
            (2, 2, 3, false),
            (1, 1, 12, false),
            (4, 1, 6, false),
        ] {
            assert_eq!(serves(&gather(planes, kernel), filters), expected, "{planes}→{filters}, {kernel}×{kernel}");
        }
        let without = Gather { rows: Window { kernel: 0, ..window() }.forward(), ..gather(1, 3) };
        assert!(!serves(&without, 1), "no taps");
    }

    fn window() -> Window {
        Window { input: 20, output: 18, kernel: 3, stride: 1, padding: 0, dilation: 1 }
    }
}
