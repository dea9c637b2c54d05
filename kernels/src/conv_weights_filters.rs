//! The gradient of a convolution's weights with lanes over filters, for few planes and filters that fill vectors.
//!
//! The plain algorithm:
//!
//! ```text
//! for each plane c and tap t, vector of filters k:
//!     sums[c][t][k] += Σ over images and output pixels p of x[c][p·step + t·delta + first] · dy[p][k]
//! ```
//!
//! A value of the source is one number for all lanes, as in [`conv_filters`](crate::conv_filters); `dy` becomes a strip, so that the
//! filters of a pixel are neighbours. Eight pixels of a row by two vectors of filters (four by two where there are only sixteen
//! registers) stay in registers while every tap of every plane adds their products to its sums, which stay in the first
//! level of the cache.

use crate::Element;
use crate::conv::Batch;
use crate::conv_channels::{VECTORS, block_of};
use crate::conv_filters::{Taps, padded_len};
use crate::im2col::Gather;
use crate::simd::Simd;
use crate::strips::Strip;

/// Pixels in a register block, with 32 and with 16 registers.
const MANY_PIXELS: usize = 8;
const FEW_PIXELS: usize = 4;

/// Elements of scratch: the padded planes of an image, the strip of its `dy`, and the sums.
pub(crate) fn scratch_len(gather: &Gather, filters: usize) -> usize {
    padded_len(gather) + (gather.pixels() + gather.depth()) * filters
}

/// A gradient that is being computed.
pub(crate) struct FilterWeights<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub x: &'a [E],
    pub source: Batch,
    pub dy: &'a [E],
    pub output: Batch,
}

impl<E: Element> FilterWeights<'_, E> {
    /// Adds the gradient over all images to `dw[filter][depth]`.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, dw: &mut [E], scratch: &mut [E]) {
        let (gather, filters, depth) = (self.gather, self.filters, self.gather.depth());
        let (rows, columns) = (gather.rows.output, gather.columns.output);
        let gradient = Strip::dense(filters, [rows, columns]);
        let (padded, rest) = scratch[..scratch_len(gather, filters)].split_at_mut(padded_len(gather));
        let (dy, sums) = rest.split_at_mut(gradient.image_len());
        padded.fill(E::ZERO);
        sums.fill(E::ZERO);
        for image in 0..self.source.images {
            gather.pad(s, &self.x[self.source.of(image, gather.source_len())], padded);
            gradient.fill(s, &self.dy[self.output.of(image, 0).start..], (0, rows), dy);
            match (S::REGISTERS == 32, block_of(S::LANES, filters) == S::LANES) {
                (true, true) => self.image::<S, 1, MANY_PIXELS>(s, padded, dy, sums),
                (true, false) => self.image::<S, VECTORS, MANY_PIXELS>(s, padded, dy, sums),
                (false, true) => self.image::<S, 1, FEW_PIXELS>(s, padded, dy, sums),
                (false, false) => self.image::<S, VECTORS, FEW_PIXELS>(s, padded, dy, sums),
            }
        }
        for (d, sums) in sums.chunks_exact(filters).enumerate() {
            dw.iter_mut().skip(d).step_by(depth).zip(sums).for_each(|(dw, sum)| *dw += *sum);
        }
    }

    /// The products of all pixels of an image, `P` of a row at a time, and what is left of it one by one.
    #[inline(always)]
    fn image<S: Simd<Elem = E>, const V: usize, const P: usize>(&self, s: S, padded: &[E], dy: &[E], sums: &mut [E]) {
        let (columns, taps) = (self.gather.columns.output, Taps::of(self.gather));
        let whole = columns - columns % P;
        for row in 0..self.gather.rows.output {
            let place = |column| (taps.layout.pixel(row, column), (row * columns + column) * self.filters);
            for column in (0..whole).step_by(P) {
                self.pixels::<S, V, P>(s, &taps, padded, dy, place(column), sums);
            }
            for column in whole..columns {
                self.pixels::<S, V, 1>(s, &taps, padded, dy, place(column), sums);
            }
        }
    }

    /// Adds the products of `P` neighbouring pixels, which stand at these places in the padded planes and in `dy`.
    #[inline(always)]
    fn pixels<S: Simd<Elem = E>, const V: usize, const P: usize>(
        &self,
        s: S,
        taps: &Taps,
        padded: &[E],
        dy: &[E],
        (place, start): (usize, usize),
        sums: &mut [E],
    ) {
        for filter in (0..self.filters).step_by(V * S::LANES) {
            let mut g = [[s.zero(); V]; P];
            for p in 0..P {
                for v in 0..V {
                    g[p][v] = s.load(&dy[start + p * self.filters + filter + v * S::LANES..]);
                }
            }
            let mut at = filter;
            for plane in 0..self.gather.planes {
                for i in 0..self.gather.rows.taps {
                    for j in 0..self.gather.columns.taps {
                        let values = &padded[taps.place(plane, i, j) + place..][..P];
                        let own = &mut sums[at..][..V * S::LANES];
                        for v in 0..V {
                            let mut sum = s.load(&own[v * S::LANES..]);
                            for p in 0..P {
                                sum = s.mul_add(s.splat(values[p]), g[p][v], sum);
                            }
                            s.store(sum, &mut own[v * S::LANES..]);
                        }
                        at += self.filters;
                    }
                }
            }
        }
    }
}
