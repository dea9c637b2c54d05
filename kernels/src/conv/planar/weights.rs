//! The gradient of a convolution's weights with lanes over pixels, for layers of any number of channels. The plain algorithm
//! stands in [`weights`](crate::conv::weights).
//!
//! 1. **Lanes run over pixels**, and here the pixels are summed: a register holds partial sums of one weight, one for
//!    every lane, which are added to each other only at the end of a block of pixels. Both factors are then read as
//!    they lie in memory, and nothing is transposed.
//! 2. **A block of up to 1,024 pixels at a time**, of one image or of several small ones: the `dy` of all filters for that
//!    block is packed once and stays in L2.
//! 3. **Micro-kernels** of six rows of the virtual im2col matrix by four filters (two by four where there are only
//!    sixteen registers). Where a row of the image is a number of whole vectors, they are read where they lie; else
//!    the six rows are packed just before and stay in L1.
//! 4. **Packed rows lie a fixed distance apart**, known when this is compiled, so that one pointer and one bounds check
//!    serve all rows of a micro-kernel. The distance is no power of two: rows would compete for the same places
//!    of the cache.

use crate::conv::algorithm::{WeightsAlgorithm, WeightsProduct};
use crate::conv::geometry::{Gather, Images};
use crate::conv::microkernel::pixels_weights::{Block, PACKED_X, ROW, Source, images_of_a_group, packed_dy_len};
use crate::conv::planar::forward::Planar;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

impl WeightsAlgorithm for Planar {
    fn images_together(&self, gather: &Gather) -> usize {
        images_of_a_group(gather.pixels())
    }

    /// The padded planes of a group of images, packed rows and packed `dy`.
    fn scratch_len(&self, gather: &Gather, filters: usize, images: usize) -> usize {
        let padded = images_of_a_group(gather.pixels()).min(images) * gather.padded_len() + MAX_LANES;
        padded + PACKED_X + packed_dy_len(filters)
    }

    #[inline(always)]
    fn run<S: Simd>(&self, s: S, product: &WeightsProduct<'_, S::Elem>, dw: &mut [S::Elem], scratch: &mut [S::Elem]) {
        let WeightsProduct { gather, filters, x, dy } = *product;
        let images = x.batch.images;
        let group = images_of_a_group(gather.pixels()).min(images);
        let (padded, packed) = scratch.split_at_mut(group * gather.padded_len() + MAX_LANES);
        let (packed_x, packed_dy) = packed.split_at_mut(PACKED_X);
        padded.fill(S::Elem::ZERO);
        for first in (0..images).step_by(group) {
            let images = group.min(images - first);
            for image in 0..images {
                let x = x.planes(first + image, gather.source_len());
                gather.pad(s, x, &mut padded[image * gather.padded_len()..][..gather.padded_len()]);
            }
            for block in Block::all(first, images * gather.pixels()) {
                pack_dy(gather.pixels(), filters, dy, block, packed_dy);
                let source = Source { gather, padded, image_len: gather.padded_len() };
                source.products(s, block, filters, packed_x, packed_dy, dw);
            }
        }
    }
}

/// `dy` of all filters over a block, zero where there is no filter or no pixel.
#[inline(always)]
fn pack_dy<E: Number>(pixels: usize, filters: usize, dy: Images<'_, E>, block: Block, packed: &mut [E]) {
    for (k, packed) in packed.chunks_exact_mut(ROW).enumerate() {
        if k >= filters {
            packed.fill(E::ZERO);
            continue;
        }
        block.for_each_image(pixels, |image, pixel, count, at| {
            let planes = dy.planes(block.first_image + image, filters * pixels);
            packed[at..at + count].copy_from_slice(&planes[k * pixels + pixel..][..count]);
        });
        packed[block.count..].fill(E::ZERO);
    }
}
