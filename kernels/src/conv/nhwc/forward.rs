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

use crate::conv::algorithm::{ForwardAlgorithm, Product};
use crate::conv::channels_last::{ChannelsLast, PlanarStore};
use crate::conv::geometry::{Gather, Images, ImagesMut, Weights};
use crate::conv::microkernel::channels::{FEW_PIXELS, MANY_PIXELS, VECTORS, block_of, multiply};
use crate::conv::microkernel::{SUMMED, add_to};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Packs blocks of `block` filters.
fn pack_filters<E: Number>(gather: &Gather, filters: usize, block: usize, weights: &Weights<'_, E>, packed: &mut [E]) {
    let (planes, rows, columns) = (gather.planes, gather.rows.taps, gather.columns.taps);
    for filter in 0..filters {
        let first = filter / block * rows * columns * planes * block + filter % block;
        for plane in 0..planes {
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let weight = weights.at(filter, plane, i, j);
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
        self.nhwc.fill(s, x, 0..self.gather.rows.source, &mut nhwc[above..]);
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

/// Direct convolution on channels-last copies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nhwc;

impl ForwardAlgorithm for Nhwc {
    fn packed_len(&self, gather: &Gather, filters: usize) -> usize {
        filters * gather.depth()
    }

    /// The channels-last copy of an image and the pixels of one block of filters.
    fn scratch_len(&self, gather: &Gather, _: usize) -> usize {
        Source::of(gather).len() + gather.pixels().next_multiple_of(MANY_PIXELS) * VECTORS * MAX_LANES
    }

    #[inline(always)]
    fn pack<S: Simd>(
        &self,
        _: S,
        gather: &Gather,
        filters: usize,
        weights: &Weights<'_, S::Elem>,
        packed: &mut [S::Elem],
    ) {
        pack_filters(gather, filters, block_of(S::LANES, filters), weights, packed);
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
        let Product { gather, filters, grid, .. } = *product;
        let (source, block, [rows, columns]) =
            (Source::of(gather), block_of(S::LANES, filters), [gather.rows.output, gather.columns.output]);
        let (nhwc, pixels) = scratch[..self.scratch_len(gather, x.batch.images)].split_at_mut(source.len());
        let planes = PlanarStore { filters: block, width: columns, columns, grid };
        nhwc.fill(S::Elem::ZERO);
        for image in 0..x.batch.images {
            source.fill(s, x.from(image), nhwc);
            for (b, packed) in product.packed.chunks_exact(gather.depth() * block).enumerate() {
                let bias = product.bias.get(b * block..).unwrap_or(&[]);
                match (S::REGISTERS == 32, block == S::LANES) {
                    (true, false) => source.block::<S, VECTORS, MANY_PIXELS>(s, nhwc, packed, bias, pixels),
                    (true, true) => source.block::<S, 1, MANY_PIXELS>(s, nhwc, packed, bias, pixels),
                    (false, false) => source.block::<S, VECTORS, FEW_PIXELS>(s, nhwc, packed, bias, pixels),
                    (false, true) => source.block::<S, 1, FEW_PIXELS>(s, nhwc, packed, bias, pixels),
                }
                planes.write(s, pixels, 0..rows, &mut y.from(image)[b * block * grid.size[0] * grid.size[1]..]);
            }
        }
    }
}

impl Source<'_> {
    /// One block of filters for all pixels of an image, `T` of them at a time; surplus ones repeat the last.
    #[inline(always)]
    fn block<S: Simd, const V: usize, const T: usize>(
        &self,
        s: S,
        nhwc: &[S::Elem],
        packed: &[S::Elem],
        bias: &[S::Elem],
        pixels: &mut [S::Elem],
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
                *place = self.pixel(pixel / columns, pixel % columns);
            }
            let mut sums = [first_sums; T];
            let (mut block, mut summed) = ([[s.zero(); V]; T], 0);
            for (tap, packed) in packed.chunks_exact(planes * V * S::LANES).enumerate() {
                block = multiply::<S, V, T>(s, &nhwc[self.tap(tap)..], &places, planes, packed, block);
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
