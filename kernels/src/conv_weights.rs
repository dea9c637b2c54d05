//! The gradient of a convolution's weights: products of the output's gradient with gathered pixels, summed over pixels.
//!
//! The plain algorithm:
//!
//! ```text
//! for each filter k, plane c, tap t:
//!     dw[k][c][t] += Σ over images n and output pixels p of dy[n][k][p] · x[n][c][p·step + t·delta + first]
//! ```
//!
//! What this code does differently:
//!
//! 1. **Lanes run over pixels**, and here the pixels are summed: a register holds partial sums of one weight, one for
//!    every lane, which are added to each other only at the end of a block of pixels. Both factors are then read as
//!    they lie in memory, and nothing is transposed.
//! 2. **A block of up to 512 pixels at a time**, of one image or of several small ones: the `dy` of all filters for that
//!    block is packed once and stays in L2.
//! 3. **Register blocks** of six rows of the virtual im2col matrix by four filters (two by four where there are only
//!    sixteen registers): the six rows are packed just before and stay in L1.
//! 4. **Packed rows lie a fixed distance apart**, known when this is compiled, so that one pointer and one bounds check
//!    serve all rows of a register block. The distance is no power of two: rows would compete for the same places
//!    of the cache.
//!
//! The order of every sum is fixed by the sizes alone.

use crate::Element;
use crate::conv::Batch;
use crate::im2col::{Gather, Layout, clear};
use crate::simd::{MAX_LANES, Simd};

/// Filters in a register block.
const FILTERS: usize = 4;

/// Rows of the virtual matrix in a register block, with 32 and with 16 registers.
const MANY_ROWS: usize = 6;
const FEW_ROWS: usize = 2;

/// The most pixels in a block.
const BLOCK: usize = 512;

/// From one packed row to the next: a block, and room for what a copy writes past its end.
const ROW: usize = BLOCK + MAX_LANES;

/// Images whose padded planes are held at a time: enough for a block.
fn images_at_a_time(gather: &Gather, images: usize) -> usize {
    (BLOCK / gather.pixels()).clamp(1, images)
}

/// Elements of scratch that [`conv_weights`] needs.
pub fn scratch_len(gather: &Gather, filters: usize, images: usize) -> usize {
    let padded = images_at_a_time(gather, images) * gather.padded_len() + MAX_LANES;
    padded + (MANY_ROWS + filters.next_multiple_of(FILTERS)) * ROW
}

kernel! {
    /// Adds the gradient of the weights over all images to `dw[filter][depth]`: see the module's text.
    ///
    /// # Panics
    /// When a slice is shorter than the sizes say.
    pub fn conv_weights(
        gather: &Gather, filters: usize, x: &[E], source: Batch, dy: &[E], output: Batch, dw: &mut [E], scratch: &mut [E],
    ) |s| {
        source.check(gather.source_len(), x.len(), "the input of a convolution");
        output.check(filters * gather.pixels(), dy.len(), "the output's gradient of a convolution");
        assert_eq!(source.images, output.images, "images of a convolution");
        assert_eq!(dw.len(), filters * gather.depth(), "weights of a convolution");
        let group = images_at_a_time(gather, source.images);
        let scratch = &mut scratch[..scratch_len(gather, filters, source.images)];
        let (padded, packed) = scratch.split_at_mut(group * gather.padded_len() + MAX_LANES);
        let (packed_x, packed_dy) = packed.split_at_mut(MANY_ROWS * ROW);
        clear(padded);
        let mut work = Work { gather, layout: gather.layout(), filters, dy, output, padded, packed_x, packed_dy, dw };
        for first in (0..source.images).step_by(group) {
            let images = group.min(source.images - first);
            work.pad(s, x, source, first, images);
            let pixels = images * gather.pixels();
            for pixel in (0..pixels).step_by(BLOCK) {
                let block = Block { first_image: first, first: pixel, count: BLOCK.min(pixels - pixel) };
                if S::REGISTERS == 32 {
                    work.block::<S, MANY_ROWS>(s, block);
                } else {
                    work.block::<S, FEW_ROWS>(s, block);
                }
            }
        }
    }
}

/// Some pixels of a group of images.
#[derive(Clone, Copy)]
struct Block {
    /// The group's first image.
    first_image: usize,
    /// The first pixel, counted from the first of the group.
    first: usize,
    /// How many.
    count: usize,
}

impl Block {
    /// Calls `visit(image of the group, first pixel in the image, how many, where in the block)` for each image.
    #[inline(always)]
    fn for_each_image(&self, pixels: usize, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let mut done = 0;
        while done < self.count {
            let (image, pixel) = ((self.first + done) / pixels, (self.first + done) % pixels);
            let count = (pixels - pixel).min(self.count - done);
            visit(image, pixel, count, done);
            done += count;
        }
    }
}

/// A gradient that is being computed.
struct Work<'a, E> {
    gather: &'a Gather,
    layout: Layout,
    filters: usize,
    dy: &'a [E],
    output: Batch,
    padded: &'a mut [E],
    packed_x: &'a mut [E],
    packed_dy: &'a mut [E],
    dw: &'a mut [E],
}

impl<E: Element> Work<'_, E> {
    /// Puts the planes of some images between zeros.
    #[inline(always)]
    fn pad<S: Simd<Elem = E>>(&mut self, s: S, x: &[E], source: Batch, first: usize, images: usize) {
        let len = self.gather.padded_len();
        for image in 0..images {
            let x = &x[source.of(first + image, self.gather.source_len())];
            self.gather.pad(s, x, &mut self.padded[image * len..][..len]);
        }
    }

    /// The share of one block.
    #[inline(always)]
    fn block<S: Simd<Elem = E>, const D: usize>(&mut self, s: S, block: Block) {
        self.pack_dy(block);
        let vectors = block.count.div_ceil(S::LANES);
        for d in (0..self.gather.depth()).step_by(D) {
            self.pack_x::<S, D>(s, d, block);
            for k in (0..self.filters).step_by(FILTERS) {
                let dy = &self.packed_dy[k * ROW..(k + FILTERS) * ROW];
                let sums = multiply::<S, D>(s, &self.packed_x[..D * ROW], dy, vectors);
                add_block(&sums, self.gather.depth(), d, k, self.filters, self.dw);
            }
        }
    }

    /// `dy` of all filters over the block, zero where there is no filter or no pixel.
    #[inline(always)]
    fn pack_dy(&mut self, block: Block) {
        let pixels = self.gather.pixels();
        for (k, packed) in self.packed_dy.chunks_exact_mut(ROW).enumerate() {
            if k >= self.filters {
                packed.fill(E::ZERO);
                continue;
            }
            block.for_each_image(pixels, |image, pixel, count, at| {
                let planes = &self.dy[self.output.of(block.first_image + image, self.filters * pixels)];
                packed[at..at + count].copy_from_slice(&planes[k * pixels + pixel..][..count]);
            });
            packed[block.count..].fill(E::ZERO);
        }
    }

    /// Rows `d .. d + D` of the virtual matrix over the block, zero where there is no row or no pixel.
    #[inline(always)]
    fn pack_x<S: Simd<Elem = E>, const D: usize>(&mut self, s: S, d: usize, block: Block) {
        let (gather, len) = (self.gather, self.gather.padded_len());
        let (taps_i, taps_j) = (gather.rows.taps, gather.columns.taps);
        for (r, packed) in self.packed_x.chunks_exact_mut(ROW).take(D).enumerate() {
            let d = d + r;
            if d >= gather.depth() {
                packed.fill(E::ZERO);
                continue;
            }
            let tap = (d / (taps_i * taps_j), d / taps_j % taps_i, d % taps_j);
            block.for_each_image(gather.pixels(), |image, pixel, count, at| {
                let padded = &self.padded[image * len..];
                gather.pack_tap(s, &self.layout, padded, tap, (pixel, count), &mut packed[at..]);
            });
            packed[block.count..block.count.next_multiple_of(S::LANES)].fill(E::ZERO);
        }
    }
}

/// The register block: `D` rows of the virtual matrix times four filters, summed over the pixels.
#[inline(always)]
fn multiply<S: Simd, const D: usize>(s: S, x: &[S::Elem], dy: &[S::Elem], vectors: usize) -> [[S::Elem; FILTERS]; D] {
    let mut sums = [[s.zero(); FILTERS]; D];
    for pixel in (0..vectors * S::LANES).step_by(S::LANES) {
        let x = &x[pixel..][..(D - 1) * ROW + S::LANES];
        let dy = &dy[pixel..][..(FILTERS - 1) * ROW + S::LANES];
        let mut g = [s.zero(); FILTERS];
        for k in 0..FILTERS {
            g[k] = s.load(&dy[k * ROW..]);
        }
        for d in 0..D {
            let x = s.load(&x[d * ROW..]);
            for k in 0..FILTERS {
                sums[d][k] = s.mul_add(x, g[k], sums[d][k]);
            }
        }
    }
    let mut totals = [[S::Elem::ZERO; FILTERS]; D];
    for d in 0..D {
        for k in 0..FILTERS {
            totals[d][k] = s.sum(sums[d][k]);
        }
    }
    totals
}

/// Adds a block of sums to the weights it belongs to.
#[inline(always)]
fn add_block<E: Element, const D: usize>(
    sums: &[[E; FILTERS]; D],
    depth: usize,
    d: usize,
    k: usize,
    filters: usize,
    dw: &mut [E],
) {
    for (r, row) in sums.iter().enumerate().take(depth - d) {
        for (f, sum) in row.iter().enumerate().take(filters - k) {
            dw[(k + f) * depth + d + r] += *sum;
        }
    }
}
