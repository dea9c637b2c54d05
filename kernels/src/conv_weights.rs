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
//! 2. **A block of about a thousand pixels at a time**, whole output rows of one image or of several small ones: the
//!    `dy` of all filters for that block is packed once and stays in L2.
//! 3. **Register blocks** of six rows of the virtual im2col matrix by four filters (three by four where there are only
//!    sixteen registers): the six rows are packed just before and stay in L1.
//!
//! The order of every sum is fixed by the sizes alone.

use crate::Element;
use crate::conv::Batch;
use crate::im2col::{Gather, clear};
use crate::simd::{MAX_LANES, Simd};

/// Filters in a register block.
const FILTERS: usize = 4;

/// Rows of the virtual matrix in a register block, with 32 and with 16 registers.
const MANY_ROWS: usize = 6;
const FEW_ROWS: usize = 3;

/// How a batch is cut into blocks of pixels.
#[derive(Clone, Copy)]
struct Blocks {
    /// Images whose padded planes are held at a time.
    images: usize,
    /// Output rows in a block.
    rows: usize,
    /// Pixels of a block, filled up to whole vectors.
    width: usize,
}

impl Blocks {
    fn of(gather: &Gather, filters: usize, images: usize) -> Self {
        let target = (65_536 / filters).clamp(256, 1024);
        let images = (target / gather.pixels()).clamp(1, images);
        let rows = (target / gather.columns.output).clamp(1, images * gather.rows.output);
        Blocks { images, rows, width: (rows * gather.columns.output).next_multiple_of(MAX_LANES) }
    }
}

/// Elements of scratch that [`conv_weights`] needs.
pub fn scratch_len(gather: &Gather, filters: usize, images: usize) -> usize {
    let blocks = Blocks::of(gather, filters, images);
    let rows = MANY_ROWS + filters.next_multiple_of(FILTERS);
    blocks.images * gather.padded_len() + MAX_LANES + rows * blocks.width + MAX_LANES
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
        let blocks = Blocks::of(gather, filters, source.images);
        let scratch = &mut scratch[..scratch_len(gather, filters, source.images)];
        let (padded, packed) = scratch.split_at_mut(blocks.images * gather.padded_len() + MAX_LANES);
        clear(padded);
        let mut work = Work { gather, filters, blocks, dy, output, padded, packed, dw };
        for first in (0..source.images).step_by(blocks.images) {
            let images = blocks.images.min(source.images - first);
            work.pad(s, x, source, first, images);
            for row in (0..images * gather.rows.output).step_by(blocks.rows) {
                let rows = blocks.rows.min(images * gather.rows.output - row);
                if S::REGISTERS == 32 {
                    work.block::<S, MANY_ROWS>(s, first, row, rows);
                } else {
                    work.block::<S, FEW_ROWS>(s, first, row, rows);
                }
            }
        }
    }
}

/// A gradient that is being computed.
struct Work<'a, E> {
    gather: &'a Gather,
    filters: usize,
    blocks: Blocks,
    dy: &'a [E],
    output: Batch,
    padded: &'a mut [E],
    packed: &'a mut [E],
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

    /// The share of `rows` output rows from `row` on, counted from the first row of image `first`.
    #[inline(always)]
    fn block<S: Simd<Elem = E>, const D: usize>(&mut self, s: S, first: usize, row: usize, rows: usize) {
        let width = (rows * self.gather.columns.output).next_multiple_of(S::LANES);
        self.pack_dy(first, row, rows, width);
        for d in (0..self.gather.depth()).step_by(D) {
            self.pack_x::<S, D>(s, d, row, rows, width);
            let (dy, x) = self.packed.split_at(self.filters.next_multiple_of(FILTERS) * self.blocks.width);
            for k in (0..self.filters).step_by(FILTERS) {
                let sums = multiply::<S, D>(s, &x[..D * width], &dy[k * width..(k + FILTERS) * width], width);
                add_block(&sums, self.gather.depth(), d, k, self.filters, self.dw);
            }
        }
    }

    /// `dy` of all filters over the block, `[filter][width]`, zero where there is no filter or no pixel.
    #[inline(always)]
    fn pack_dy(&mut self, first: usize, row: usize, rows: usize, width: usize) {
        let (columns, height) = (self.gather.columns.output, self.gather.rows.output);
        let pixels = self.gather.pixels();
        for k in 0..self.filters.next_multiple_of(FILTERS) {
            let packed = &mut self.packed[k * width..(k + 1) * width];
            packed.fill(E::ZERO);
            let mut done = 0;
            while k < self.filters && done < rows {
                let (image, top) = ((row + done) / height, (row + done) % height);
                let count = (height - top).min(rows - done);
                let plane = &self.dy[self.output.of(first + image, self.filters * pixels)][k * pixels..];
                packed[done * columns..(done + count) * columns]
                    .copy_from_slice(&plane[top * columns..][..count * columns]);
                done += count;
            }
        }
    }

    /// Rows `d .. d + D` of the virtual matrix over the block, `[row][width]`, zero where there is no row or no pixel.
    #[inline(always)]
    fn pack_x<S: Simd<Elem = E>, const D: usize>(&mut self, s: S, d: usize, row: usize, rows: usize, width: usize) {
        let (gather, height) = (self.gather, self.gather.rows.output);
        let start = self.filters.next_multiple_of(FILTERS) * self.blocks.width;
        let (taps_i, taps_j) = (gather.rows.taps, gather.columns.taps);
        for r in 0..D {
            let packed = &mut self.packed[start + r * width..];
            let mut done = 0;
            while d + r < gather.depth() && done < rows {
                let (image, top) = ((row + done) / height, (row + done) % height);
                let count = (height - top).min(rows - done);
                let padded = &self.padded[image * gather.padded_len()..];
                let tap = ((d + r) / (taps_i * taps_j), (d + r) / taps_j % taps_i, (d + r) % taps_j);
                gather.pack_tap(s, padded, tap, (top, count), &mut packed[done * gather.columns.output..]);
                done += count;
            }
            packed[done * gather.columns.output..width].fill(E::ZERO);
        }
    }
}

/// The register block: `D` rows of the virtual matrix times four filters, summed over the pixels.
#[inline(always)]
fn multiply<S: Simd, const D: usize>(s: S, x: &[S::Elem], dy: &[S::Elem], width: usize) -> [[S::Elem; FILTERS]; D] {
    let mut sums = [[s.zero(); FILTERS]; D];
    for pixel in (0..width).step_by(S::LANES) {
        let mut g = [s.zero(); FILTERS];
        for k in 0..FILTERS {
            g[k] = s.load(&dy[k * width + pixel..]);
        }
        for d in 0..D {
            let x = s.load(&x[d * width + pixel..]);
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
