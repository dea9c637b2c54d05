//! Pointwise (1×1) convolution: the products of [`conv`](crate::conv) where no pixel sees a neighbour and none is stepped over.
//!
//! The plain algorithm, for one image:
//!
//! ```text
//! for each filter k, pixel p:
//!     y[k][p] = bias[k] + Σ over planes c of w[k][c] · x[c][p]
//! ```
//!
//! Lanes run over pixels. Those of a plane stand side by side already, and so do those of an output plane, so nothing
//! is packed, transposed or copied: the micro-kernel of [`planar::forward`](crate::conv::planar::forward) reads the
//! planes where they stand. Two vectors of pixels are finished for all filters before the next two.

use crate::conv::geometry::{Axis, Batch, Gather, Grid};
use crate::conv::microkernel::pixels::{LARGE_BLOCK, PixelAccess, SMALL_BLOCK, VECTORS, multiply};
use crate::conv::planar::forward::PlanarForward;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Whether every pixel sees itself alone, and pixels fill the vectors of every instruction set.
pub(crate) fn serves(gather: &Gather) -> bool {
    let alone = |axis: &Axis| axis.taps == 1 && axis.step == 1 && axis.first == 0 && axis.output == axis.source;
    alone(&gather.rows) && alone(&gather.columns) && gather.pixels().is_multiple_of(VECTORS * MAX_LANES)
}

/// A convolution that is being computed.
pub(crate) struct PointwiseForward<'a, E>(pub PlanarForward<'a, E>);

impl<E: Number> PointwiseForward<'_, E> {
    /// All images.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, x: &[E], from: Batch, y: &mut [E], to: Batch) {
        let PlanarForward { gather, filters, grid: Grid { size: [height, width], .. }, .. } = self.0;
        for image in 0..from.images {
            let x = &x[from.of(image, gather.source_len())];
            let y = &mut y[to.of(image, filters * height * width)];
            for first in (0..gather.pixels()).step_by(VECTORS * S::LANES) {
                if S::REGISTERS == 32 {
                    self.pixels::<S, LARGE_BLOCK>(s, x, first, y);
                } else {
                    self.pixels::<S, SMALL_BLOCK>(s, x, first, y);
                }
            }
        }
    }

    /// Two vectors of pixels, for all filters; where the last block is not full, the surplus is not stored.
    #[inline(always)]
    fn pixels<S: Simd<Elem = E>, const K: usize>(&self, s: S, x: &[E], first: usize, y: &mut [E]) {
        let PlanarForward { gather, filters, packed, bias, .. } = self.0;
        let mut access = PixelAccess { starts: [first; VECTORS], plane: gather.pixels(), tap: 0, taps: 1 };
        for v in 0..VECTORS {
            access.starts[v] += v * S::LANES;
        }
        for block in (0..filters).step_by(K) {
            let own = K.min(filters - block);
            let mut first_sums = [E::ZERO; K];
            if !bias.is_empty() {
                first_sums[..own].copy_from_slice(&bias[block..][..own]);
            }
            let packed = &packed[block * gather.planes..][..K * gather.planes];
            let sums = multiply::<S, VECTORS, K>(s, x, &access, packed, first_sums);
            #[allow(clippy::needless_range_loop, reason = "a constant bound unrolls, and the sums stay in registers")]
            for k in 0..K {
                if k < own {
                    self.0.store(s, sums[k], block + k, first, y);
                }
            }
        }
    }
}
