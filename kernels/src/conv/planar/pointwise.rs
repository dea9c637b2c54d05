//! Pointwise (1×1) convolution: the products of [`conv`](crate::conv) where no pixel sees a neighbour and none is stepped over.
//!
//! The plain algorithm, for one image:
//!
//! ```text
//! for each filter k, pixel p:
//!     y[k][p] = bias[k] + Σ over planes c of w[k][c] · x[c][p]
//! ```
//!
//! Lanes run over pixels. Those of a plane are contiguous already, and so do those of an output plane, so nothing
//! is packed, transposed or copied: the micro-kernel of [`planar::forward`](crate::conv::planar::forward) reads the
//! planes where they stand. Two vectors of pixels are finished for all filters before the next two.

use crate::conv::algorithm::{ForwardAlgorithm, Product};
use crate::conv::geometry::{Axis, Gather, Grid, Images, ImagesMut, Weights};
use crate::conv::microkernel::pixels::{self, LARGE_BLOCK, PixelAccess, SMALL_BLOCK, VECTORS, multiply};
use crate::conv::planar::forward::PlanarProduct;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Whether every pixel sees itself alone, and pixels fill the vectors of every instruction set.
pub(crate) fn serves(gather: &Gather) -> bool {
    let alone = |axis: &Axis| axis.taps == 1 && axis.step == 1 && axis.first == 0 && axis.output == axis.source;
    alone(&gather.rows) && alone(&gather.columns) && gather.pixels().is_multiple_of(VECTORS * MAX_LANES)
}

/// Direct convolution of single pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointwise;

impl ForwardAlgorithm for Pointwise {
    fn packed_len(&self, gather: &Gather, filters: usize) -> usize {
        pixels::packed_len(gather, filters)
    }

    fn scratch_len(&self, _: &Gather, _: usize) -> usize {
        0
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
        _: &mut [S::Elem],
    ) {
        let Product { gather, filters, grid: Grid { size: [height, width], .. }, .. } = *product;
        for image in 0..x.batch.images {
            let x = x.planes(image, gather.source_len());
            let y = y.planes(image, filters * height * width);
            for first in (0..gather.pixels()).step_by(VECTORS * S::LANES) {
                if S::REGISTERS == 32 {
                    PointwiseProduct(product).pixels::<S, LARGE_BLOCK>(s, x, first, y);
                } else {
                    PointwiseProduct(product).pixels::<S, SMALL_BLOCK>(s, x, first, y);
                }
            }
        }
    }
}

/// The product of one image at a time.
struct PointwiseProduct<'a, E>(&'a Product<'a, E>);

impl<E: Number> PointwiseProduct<'_, E> {
    /// Two vectors of pixels, for all filters; where the last block is not full, the surplus is not stored.
    #[inline(always)]
    fn pixels<S: Simd<Elem = E>, const K: usize>(&self, s: S, x: &[E], first: usize, y: &mut [E]) {
        let Product { gather, filters, packed, bias, .. } = *self.0;
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
                    PlanarProduct(self.0).store(s, sums[k], block + k, first, y);
                }
            }
        }
    }
}
