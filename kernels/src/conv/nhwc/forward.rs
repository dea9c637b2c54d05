//! Direct convolution on a channels-last (NHWC) copy, with lanes over channels: the products of [`conv`](crate::conv)
//! for layers whose channels fill vectors, with any stride.
//!
//! The plain algorithm, on pixels instead of planes:
//!
//! ```text
//! for each output pixel p and filter k:
//!     y[p][k] = bias[k] + Σ over taps t and planes c of nhwc[p·step + t·delta + first][c] · w[t][c][k]
//! ```
//!
//! An image becomes a [`ChannelsLast`] once. Then every tap of a pixel is a run of channels in memory, wherever it
//! lies, so nothing is packed: eight pixels by two vectors of filters accumulate in registers (four pixels where there
//! are only sixteen registers) over some taps and all planes, blocks of such sums are added, and the pixels that come
//! out are transposed into rows of the output's planes.
//!
//! Filters are packed as `[vectors of filters][tap][plane][filter]`, the order in which the inner loop reads them.

use crate::conv::channels_last::{ChannelsLast, PlanarStore};
use crate::conv::geometry::{Batch, Gather, Grid, Weights};
use crate::conv::microkernel::channels::{FEW_PIXELS, MANY_PIXELS, VECTORS, block_of, multiply};
use crate::conv::microkernel::{SUMMED, add_to};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Elements of scratch: the channels-last copy of an image and the pixels of one block of filters.
pub(crate) fn scratch_len(gather: &Gather) -> usize {
    Source::of(gather).len() + gather.pixels().next_multiple_of(MANY_PIXELS) * VECTORS * MAX_LANES
}

/// Packs blocks of `block` filters.
pub(crate) fn pack_filters<E: Number>(
    gather: &Gather,
    (filters, block): (usize, usize),
    weights: &Weights<'_, E>,
    packed: &mut [E],
) {
    let (planes, rows, columns) = (gather.planes, gather.rows.taps, gather.columns.taps);
    for filter in 0..filters {
        let first = filter / block * rows * columns * planes * block + filter % block;
        for plane in 0..planes {
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let weight = weights.at(filter, [plane, i, j]);
                packed[first + ((i * columns + j) * planes + plane) * block] = weight;
            }
        }
    }
}

/// Source pixels, with zeros around them: an image as a channels-last copy, and where in it output pixels meet taps.
pub(crate) struct Source<'a> {
    gather: &'a Gather,
    nhwc: ChannelsLast,
    len: usize,
}

impl<'a> Source<'a> {
    pub fn of(gather: &'a Gather) -> Self {
        let nhwc = ChannelsLast::padded(gather.planes, gather.rows.source, &gather.columns);
        Source { gather, nhwc, len: gather.rows.padding().1 * nhwc.row() }
    }

    /// Elements of the channels-last copy.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Turns an image into a channels-last copy, whose zeros are there already.
    #[inline(always)]
    pub fn fill<S: Simd>(&self, s: S, x: &[S::Elem], nhwc: &mut [S::Elem]) {
        let above = self.gather.rows.padding().0 * self.nhwc.row();
        self.nhwc.fill(s, x, (0, self.gather.rows.source), &mut nhwc[above..]);
    }

    /// From where a pixel meets tap `(0, 0)` in the copy's first row and column to where it does.
    #[inline(always)]
    pub fn pixel(&self, row: usize, column: usize) -> usize {
        row * self.gather.rows.step * self.nhwc.row() + column * self.gather.columns.step * self.nhwc.channels
    }

    /// Where the first pixel meets a tap.
    #[inline(always)]
    pub fn tap(&self, tap: usize) -> usize {
        let taps = self.gather.columns.taps;
        let (row, column) = (self.gather.rows.place(tap / taps), self.gather.columns.place(tap % taps));
        row * self.nhwc.row() + column * self.nhwc.channels
    }

    /// Taps of the kernel.
    pub fn taps(&self) -> usize {
        self.gather.rows.taps * self.gather.columns.taps
    }
}

/// A convolution that is being computed.
pub(crate) struct NhwcForward<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub packed: &'a [E],
    pub bias: &'a [E],
    pub grid: Grid,
}

impl<E: Number> NhwcForward<'_, E> {
    /// All images.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, x: &[E], from: Batch, y: &mut [E], to: Batch, scratch: &mut [E]) {
        let (source, block, [rows, columns]) = (
            Source::of(self.gather),
            block_of(S::LANES, self.filters),
            [self.gather.rows.output, self.gather.columns.output],
        );
        let (nhwc, pixels) = scratch[..scratch_len(self.gather)].split_at_mut(source.len());
        let planes = PlanarStore { filters: block, width: columns, columns, grid: self.grid };
        nhwc.fill(E::ZERO);
        for image in 0..from.images {
            source.fill(s, &x[from.of(image, 0).start..], nhwc);
            for (b, packed) in self.packed.chunks_exact(self.gather.depth() * block).enumerate() {
                let bias = self.bias.get(b * block..).unwrap_or(&[]);
                match (S::REGISTERS == 32, block == S::LANES) {
                    (true, false) => self.block::<S, VECTORS, MANY_PIXELS>(s, &source, nhwc, packed, bias, pixels),
                    (true, true) => self.block::<S, 1, MANY_PIXELS>(s, &source, nhwc, packed, bias, pixels),
                    (false, false) => self.block::<S, VECTORS, FEW_PIXELS>(s, &source, nhwc, packed, bias, pixels),
                    (false, true) => self.block::<S, 1, FEW_PIXELS>(s, &source, nhwc, packed, bias, pixels),
                }
                let first = to.of(image, 0).start + b * block * self.grid.size[0] * self.grid.size[1];
                planes.write(s, pixels, (0, rows), &mut y[first..]);
            }
        }
    }

    /// One block of filters for all pixels of an image, `T` of them at a time; surplus ones repeat the last.
    #[inline(always)]
    fn block<S: Simd<Elem = E>, const V: usize, const T: usize>(
        &self,
        s: S,
        source: &Source,
        nhwc: &[E],
        packed: &[E],
        bias: &[E],
        pixels: &mut [E],
    ) {
        let (planes, last, columns) = (self.gather.planes, self.gather.pixels() - 1, self.gather.columns.output);
        let mut first_sums = [s.zero(); V];
        if !bias.is_empty() {
            for v in 0..V {
                first_sums[v] = s.load(&bias[v * S::LANES..]);
            }
        }
        for pixel in (0..=last).step_by(T) {
            let mut places = [0; T];
            for (t, place) in places.iter_mut().enumerate() {
                let pixel = (pixel + t).min(last);
                *place = source.pixel(pixel / columns, pixel % columns);
            }
            let mut sums = [first_sums; T];
            let (mut block, mut summed) = ([[s.zero(); V]; T], 0);
            for (tap, packed) in packed.chunks_exact(planes * V * S::LANES).enumerate() {
                block = multiply::<S, V, T>(s, &nhwc[source.tap(tap)..], &places, planes, packed, block);
                summed += planes;
                if summed >= SUMMED {
                    add_to(s, &mut sums, block);
                    (block, summed) = ([[s.zero(); V]; T], 0);
                }
            }
            add_to(s, &mut sums, block);
            for t in 0..T {
                for v in 0..V {
                    s.store(sums[t][v], &mut pixels[((pixel + t) * V + v) * S::LANES..]);
                }
            }
        }
    }
}
