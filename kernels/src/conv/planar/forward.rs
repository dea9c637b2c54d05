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

use crate::conv::geometry::{Batch, Gather, Grid};
use crate::conv::microkernel::pixels::{LARGE_BLOCK, PixelAccess, SMALL_BLOCK, VECTORS, multiply};
use crate::conv::planes::store_run;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Elements of scratch: the padded planes and a panel, each with room for one vector that a copy reads or writes past its end.
pub(crate) fn scratch_len(gather: &Gather) -> usize {
    gather.padded_len() + gather.depth() * VECTORS * MAX_LANES + 2 * MAX_LANES
}

/// A convolution that is being computed.
pub(crate) struct PlanarForward<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub packed: &'a [E],
    pub bias: &'a [E],
    pub grid: Grid,
}

impl<E: Number> PlanarForward<'_, E> {
    /// All images.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, x: &[E], from: Batch, y: &mut [E], to: Batch, scratch: &mut [E]) {
        let (gather, [height, width]) = (self.gather, self.grid.size);
        let (padded, panel) = scratch[..scratch_len(gather)].split_at_mut(gather.padded_len() + MAX_LANES);
        padded.fill(E::ZERO);
        for image in 0..from.images {
            gather.pad(s, &x[from.of(image, gather.source_len())], padded);
            let y = &mut y[to.of(image, self.filters * height * width)];
            if S::REGISTERS == 32 {
                self.image::<S, LARGE_BLOCK>(s, padded, panel, y);
            } else {
                self.image::<S, SMALL_BLOCK>(s, padded, panel, y);
            }
        }
    }

    /// All pixels of one image, two vectors at a time; one where no more are left.
    #[inline(always)]
    fn image<S: Simd<Elem = E>, const K: usize>(&self, s: S, padded: &[E], panel: &mut [E], y: &mut [E]) {
        let pixels = self.gather.pixels();
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
        let (depth, width) = (self.gather.depth(), V * S::LANES);
        self.gather.pack_pixels::<S, V>(s, padded, first, panel);
        let panel = &panel[..depth * width];
        for block in (0..self.filters).step_by(K) {
            let filters = &self.packed[block * depth..(block + K) * depth];
            let mut bias = [E::ZERO; K];
            if !self.bias.is_empty() {
                let own = &self.bias[block..self.filters.min(block + K)];
                bias[..own.len()].copy_from_slice(own);
            }
            let sums = multiply::<S, V, K>(s, panel, &PixelAccess::panel(S::LANES), filters, bias);
            #[allow(clippy::needless_range_loop, reason = "a constant bound unrolls, and the sums stay in registers")]
            for k in 0..K {
                if block + k < self.filters {
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
        let Grid { size: [height, width], first: [top, left], step: [down, right] } = self.grid;
        let y = &mut y[filter * height * width..][..height * width];
        let (columns, pixels) = (self.gather.columns.output, self.gather.pixels());
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
