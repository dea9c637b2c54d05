//! Direct convolution of few input channels, with lanes over filters: the products of [`conv`](crate::conv) for few
//! planes and filters that fill vectors, such as a network's first layer.
//!
//! The plain algorithm, for one image:
//!
//! ```text
//! for each output pixel p, vector of filters k:
//!     y[p][k] = bias[k] + Σ over planes c and taps t of x[c][p·step + t·delta + first] · w[c][t][k]
//! ```
//!
//! A value of the source is one number for all lanes, so it is read where it stands in the padded planes, and nothing is packed.
//! Neighbouring pixels of a row accumulate in registers, sixteen by one vector of filters or eight by two (half as many where
//! there are only sixteen registers), over the whole depth. The pixels that come out are transposed into the output's planes.
//!
//! Filters are packed as `[vectors of filters][plane][tap][filter]`, the order in which the inner loop reads them.

use crate::conv::algorithm::{ForwardAlgorithm, Product};
use crate::conv::channels_last::PlanarStore;
use crate::conv::geometry::{Gather, Images, ImagesMut, Weights};
use crate::conv::microkernel::channels::{VECTORS, block_of, fills};
use crate::conv::microkernel::pixels;
use crate::conv::planes::Layout;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// The most planes and taps of a row that are served: few planes, and offsets that fit the stack.
const PLANES: usize = 7;
const TAPS: usize = 16;

/// Sums of a micro-kernel, pixels times vectors of filters, with 32 and with 16 registers.
const MANY: usize = 16;
const FEW: usize = 8;

/// Whether a gather has few planes, and the filters fill vectors.
pub(crate) fn serves(gather: &Gather, filters: usize) -> bool {
    let taps = 1..=TAPS;
    gather.planes <= PLANES && gather.depth() > 0 && taps.contains(&gather.columns.taps) && fills(filters)
}

/// Elements of the padded planes of an image, and of what is read past them.
fn padded_len(gather: &Gather) -> usize {
    gather.padded_len() + MANY.max(MAX_LANES)
}

/// Direct convolution of few input channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FewChannels;

impl ForwardAlgorithm for FewChannels {
    fn packed_len(&self, gather: &Gather, filters: usize) -> usize {
        filters * gather.depth()
    }

    /// The padded planes, which a block of pixels may be read past, and the pixels of one block of filters.
    fn scratch_len(&self, gather: &Gather, _: usize) -> usize {
        let pixels = gather.rows.output * gather.columns.output.next_multiple_of(MANY);
        padded_len(gather) + pixels * VECTORS * MAX_LANES
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
        pixels::pack_filters(gather, filters, block_of(S::LANES, filters), weights, packed);
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
        let (block, own) = (block_of(S::LANES, filters), FewChannelsProduct(product));
        let (padded, pixels) = scratch[..self.scratch_len(gather, x.batch.images)].split_at_mut(padded_len(gather));
        padded.fill(S::Elem::ZERO);
        for image in 0..x.batch.images {
            gather.pad(s, x.planes(image, gather.source_len()), padded);
            for (b, packed) in product.packed.chunks_exact(gather.depth() * block).enumerate() {
                let bias = product.bias.get(b * block..).unwrap_or(&[]);
                let y = &mut y.from(image)[b * block * grid.size[0] * grid.size[1]..];
                match (S::REGISTERS == 32, block == S::LANES) {
                    (true, true) => own.block::<S, 1, MANY>(s, padded, packed, bias, pixels, y),
                    (true, false) => own.block::<S, VECTORS, { MANY / VECTORS }>(s, padded, packed, bias, pixels, y),
                    (false, true) => own.block::<S, 1, FEW>(s, padded, packed, bias, pixels, y),
                    (false, false) => own.block::<S, VECTORS, { FEW / VECTORS }>(s, padded, packed, bias, pixels, y),
                }
            }
        }
    }
}

/// The product of one image and one block of filters at a time.
struct FewChannelsProduct<'a, E>(&'a Product<'a, E>);

impl<E: Number> FewChannelsProduct<'_, E> {
    /// One block of filters for all pixels of an image, `T` of a row at a time; surplus ones are not written to `y`.
    #[inline(always)]
    fn block<S: Simd<Elem = E>, const V: usize, const T: usize>(
        &self,
        s: S,
        padded: &[E],
        packed: &[E],
        bias: &[E],
        pixels: &mut [E],
        y: &mut [E],
    ) {
        let Product { gather, grid, .. } = *self.0;
        let [rows, columns] = [gather.rows.output, gather.columns.output];
        let (taps, width) = (Taps::of(gather), columns.next_multiple_of(T));
        let mut first_sums = [s.zero(); V];
        if !bias.is_empty() {
            for v in 0..V {
                first_sums[v] = s.load(&bias[v * S::LANES..]);
            }
        }
        for row in 0..rows {
            for column in (0..width).step_by(T) {
                let place = taps.layout.pixel(row, column);
                let sums = taps.multiply::<S, V, T>(s, padded, place, packed, [first_sums; T]);
                let pixels = &mut pixels[(row * width + column) * V * S::LANES..];
                for t in 0..T {
                    for v in 0..V {
                        s.store(sums[t][v], &mut pixels[(t * V + v) * S::LANES..]);
                    }
                }
            }
        }
        PlanarStore { filters: V * S::LANES, width, columns, grid }.write(s, pixels, 0..rows, y);
    }
}

/// Where taps stand in the padded planes.
struct Taps<'a> {
    gather: &'a Gather,
    layout: Layout,
    /// From the first tap of a row to each of them.
    right: [isize; TAPS],
}

impl<'a> Taps<'a> {
    fn of(gather: &'a Gather) -> Self {
        let layout = gather.layout();
        let mut right = [0; TAPS];
        for (j, right) in right.iter_mut().enumerate().take(gather.columns.taps) {
            *right = layout.tap(0, 0, j) as isize - layout.tap(0, 0, 0) as isize;
        }
        Taps { gather, layout, right }
    }

    /// Where the first pixel meets tap `(i, j)` of `plane`.
    #[inline(always)]
    fn place(&self, plane: usize, i: usize, j: usize) -> usize {
        self.layout.tap(plane, i, 0).wrapping_add_signed(self.right[j])
    }

    /// The micro-kernel: `T` pixels from `place` on by `V` vectors of filters, over the whole depth, added to `sums`.
    #[inline(always)]
    fn multiply<S: Simd, const V: usize, const T: usize>(
        &self,
        s: S,
        padded: &[S::Elem],
        place: usize,
        packed: &[S::Elem],
        mut sums: [[S::Vector; V]; T],
    ) -> [[S::Vector; V]; T] {
        let mut packed = packed.chunks_exact(V * S::LANES);
        for plane in 0..self.gather.planes {
            for i in 0..self.gather.rows.taps {
                for j in 0..self.gather.columns.taps {
                    let values = &padded[self.place(plane, i, j) + place..][..T];
                    let packed = packed.next().expect("filters have a weight for each tap of each plane");
                    let mut w = [s.zero(); V];
                    for v in 0..V {
                        w[v] = s.load(&packed[v * S::LANES..]);
                    }
                    for t in 0..T {
                        let value = s.splat(values[t]);
                        for v in 0..V {
                            sums[t][v] = s.mul_add(value, w[v], sums[t][v]);
                        }
                    }
                }
            }
        }
        sums
    }
}
