//! Direct convolution on planes (NCHW), with lanes over pixels: the products of [`conv`](crate::conv), where the plain
//! algorithm stands, for layers of any number of channels.
//!
//! 1. **Lanes run over pixels.** A vector holds neighbouring output pixels of one filter, so no lane is wasted on
//!    layers of 3 or 8 channels, and results are stored as they stand.
//! 2. **A panel at a time.** The pixels of two vectors are packed for all planes and taps (`panel[depth][pixels]`) and used by
//!    all filters before the next; for 8 planes and 3×3 taps that is 9 KiB and stays in L1.
//! 3. **Micro-kernels.** Eight filters by two vectors accumulate in sixteen registers (four filters where there are
//!    only sixteen registers in all): every loaded value is used several times, and a partial sum travels to memory once in
//!    128 products, when it is added to those of others, lest rounding grow with the depth.
//!
//! Filters are packed as `[block][depth][filter in block]`, the order in which the inner loop reads them. A last block
//! that is not full is filled up with zeros, and its surplus results are not stored.

use crate::conv::algorithm::{ForwardAlgorithm, Product};
use crate::conv::geometry::{Gather, Grid, Images, ImagesMut, Weights};
use crate::conv::microkernel::pixels::{self, LARGE_BLOCK, PixelAccess, SMALL_BLOCK, VECTORS, multiply};
use crate::conv::planes::store_run;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Direct convolution on planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planar;

impl ForwardAlgorithm for Planar {
    fn packed_len(&self, gather: &Gather, filters: usize) -> usize {
        pixels::packed_len(gather, filters)
    }

    /// The padded planes and a panel, each with room for one vector that a copy reads or writes past its end.
    fn scratch_len(&self, gather: &Gather, _: usize) -> usize {
        gather.padded_len() + gather.depth() * VECTORS * MAX_LANES + 2 * MAX_LANES
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
        pixels::pack_filters(gather, filters, pixels::block_of(S::REGISTERS), weights, packed);
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
        let scratch = &mut scratch[..self.scratch_len(gather, x.batch.images)];
        let (padded, panel) = scratch.split_at_mut(gather.padded_len() + MAX_LANES);
        padded.fill(S::Elem::ZERO);
        for image in 0..x.batch.images {
            gather.pad(s, x.planes(image, gather.source_len()), padded);
            let y = y.planes(image, product.filters * height * width);
            if S::REGISTERS == 32 {
                PlanarProduct(product).image::<S, LARGE_BLOCK>(s, padded, panel, y);
            } else {
                PlanarProduct(product).image::<S, SMALL_BLOCK>(s, padded, panel, y);
            }
        }
    }
}

/// The product of one image at a time.
pub(crate) struct PlanarProduct<'a, E>(pub &'a Product<'a, E>);

impl<E: Number> PlanarProduct<'_, E> {
    /// All pixels of one image, two vectors at a time; one where no more are left.
    #[inline(always)]
    fn image<S: Simd<Elem = E>, const K: usize>(&self, s: S, padded: &[E], panel: &mut [E], y: &mut [E]) {
        let pixels = self.0.gather.pixels();
        let mut first = 0;
        while first + S::LANES < pixels {
            self.panel::<S, VECTORS, K>(s, padded, first, panel, y);
            first += VECTORS * S::LANES;
        }
        if first < pixels {
            self.panel::<S, 1, K>(s, padded, first, panel, y);
        }
    }

    /// The pixels of one panel, for all filters.
    #[inline(always)]
    fn panel<S: Simd<Elem = E>, const V: usize, const K: usize>(
        &self,
        s: S,
        padded: &[E],
        first: usize,
        panel: &mut [E],
        y: &mut [E],
    ) {
        let (depth, width) = (self.0.gather.depth(), V * S::LANES);
        self.0.gather.pack_pixels::<S, V>(s, padded, first, panel);
        let panel = &panel[..depth * width];
        for block in (0..self.0.filters).step_by(K) {
            let filters = &self.0.packed[block * depth..(block + K) * depth];
            let mut bias = [E::ZERO; K];
            if !self.0.bias.is_empty() {
                let own = &self.0.bias[block..self.0.filters.min(block + K)];
                bias[..own.len()].copy_from_slice(own);
            }
            let sums = multiply::<S, V, K>(s, panel, &PixelAccess::panel(S::LANES), filters, bias);
            #[allow(clippy::needless_range_loop, reason = "a constant bound unrolls, and the sums stay in registers")]
            for k in 0..K {
                if block + k < self.0.filters {
                    self.store(s, sums[k], block + k, first, y);
                }
            }
        }
    }

    /// Writes neighbouring pixels of one filter to their places.
    #[inline(always)]
    pub fn store<S: Simd<Elem = E>, const V: usize>(
        &self,
        s: S,
        sums: [S::Vector; V],
        filter: usize,
        first: usize,
        y: &mut [E],
    ) {
        let Grid { size: [height, width], first: [top, left], step: [down, right] } = self.0.grid;
        let y = &mut y[filter * height * width..][..height * width];
        let (columns, pixels) = (self.0.gather.columns.output, self.0.gather.pixels());
        let dense = columns == width && down == 1 && right == 1;
        if dense && first + V * S::LANES <= pixels {
            for v in 0..V {
                s.store(sums[v], &mut y[top * width + first + v * S::LANES..]);
            }
            return;
        }
        let mut values = [E::ZERO; VECTORS * MAX_LANES];
        for v in 0..V {
            s.store(sums[v], &mut values[v * S::LANES..]);
        }
        let (mut done, count) = (0, (pixels - first).min(V * S::LANES));
        while done < count {
            let (row, column) = ((first + done) / columns, (first + done) % columns);
            let len = (columns - column).min(count - done);
            let place = (top + row * down) * width + left + column * right;
            store_run(&values[done..][..len], right, &mut y[place..]);
            done += len;
        }
    }
}
