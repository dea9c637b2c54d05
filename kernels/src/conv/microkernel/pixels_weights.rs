//! Rows of the im2col matrix by filters, with lanes over pixels, which are summed.

use crate::conv::geometry::Gather;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Filters in a micro-kernel.
const FILTERS: usize = 4;

/// Rows of the virtual matrix in a micro-kernel, with 32 and with 16 registers, and in the last one, where so few are left.
const MANY_ROWS: usize = 6;
const FEW_ROWS: usize = 2;
const LAST_ROWS: [usize; 2] = [MANY_ROWS / 2, FEW_ROWS / 2];

/// The most pixels in a block.
pub(crate) const BLOCK: usize = 1024;

/// From one packed row to the next: a block, and room for what a copy writes past its end.
pub(crate) const ROW: usize = BLOCK + MAX_LANES;

/// Elements of the packed rows of a micro-kernel, and of the packed `dy` of all filters.
pub(crate) const PACKED_X: usize = MANY_ROWS * ROW;
pub(crate) fn packed_dy_len(filters: usize) -> usize {
    filters.next_multiple_of(FILTERS) * ROW
}

/// Images that fill a block, with so many pixels or tiles each.
pub(crate) fn images_of_a_group(pixels: usize) -> usize {
    (BLOCK / pixels).max(1)
}

/// Some pixels of a group of images.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    /// The group's first image.
    pub first_image: usize,
    /// The first pixel, counted from the first of the group.
    first: usize,
    /// How many.
    pub count: usize,
}

impl Block {
    /// The blocks of a group of so many pixels.
    #[inline(always)]
    pub fn all(first_image: usize, pixels: usize) -> impl Iterator<Item = Block> {
        (0..pixels).step_by(BLOCK).map(move |first| Block { first_image, first, count: BLOCK.min(pixels - first) })
    }

    /// The image of the group and the pixel in it that stand at a place of the block, with so many pixels in an image.
    #[inline(always)]
    fn place(&self, at: usize, pixels: usize) -> (usize, usize) {
        ((self.first + at) / pixels, (self.first + at) % pixels)
    }

    /// Calls `visit(image of the group, first pixel in the image, how many, where in the block)` for each image.
    #[inline(always)]
    pub fn for_each_image(&self, pixels: usize, mut visit: impl FnMut(usize, usize, usize, usize)) {
        let mut done = 0;
        while done < self.count {
            let (image, pixel) = self.place(done, pixels);
            let count = (pixels - pixel).min(self.count - done);
            visit(image, pixel, count, done);
            done += count;
        }
    }
}

/// The padded planes of a group of images.
pub(crate) struct Source<'a, E> {
    pub gather: &'a Gather,
    pub padded: &'a [E],
    /// From an image to the next.
    pub image_len: usize,
}

impl<E: Number> Source<'_, E> {
    /// Adds the products of one block's pixels with its packed `dy` to `dw[filter][depth]`.
    #[inline(always)]
    pub fn products<S: Simd<Elem = E>>(
        &self,
        s: S,
        block: Block,
        filters: usize,
        packed_x: &mut [E],
        packed_dy: &[E],
        dw: &mut [E],
    ) {
        if S::REGISTERS == 32 {
            self.rows::<S, MANY_ROWS, { LAST_ROWS[0] }>(s, block, filters, packed_x, packed_dy, dw);
        } else {
            self.rows::<S, FEW_ROWS, { LAST_ROWS[1] }>(s, block, filters, packed_x, packed_dy, dw);
        }
    }

    /// [`products`](Source::products), `D` rows of the virtual matrix at a time, and at last `L` where no more are left.
    #[inline(always)]
    fn rows<S: Simd<Elem = E>, const D: usize, const L: usize>(
        &self,
        s: S,
        block: Block,
        filters: usize,
        packed_x: &mut [E],
        packed_dy: &[E],
        dw: &mut [E],
    ) {
        let mut offsets = [0; BLOCK];
        let offsets = &mut offsets[..block.count.div_ceil(S::LANES)];
        let whole = self.vectors(S::LANES, block, offsets);
        for d in (0..self.gather.depth()).step_by(D) {
            let mut starts = [0; D];
            if whole {
                for (r, start) in starts.iter_mut().enumerate() {
                    *start = self.tap((d + r).min(self.gather.depth() - 1));
                }
            } else {
                self.pack::<S, D>(s, d, block, packed_x);
                for (r, start) in starts.iter_mut().enumerate() {
                    *start = r * ROW;
                }
            }
            let x = if whole { self.padded } else { &*packed_x };
            for k in (0..filters).step_by(FILTERS) {
                let dy = &packed_dy[k * ROW..(k + FILTERS) * ROW];
                match starts.first_chunk() {
                    Some(starts) if self.gather.depth() - d <= L => {
                        let sums = multiply::<S, L>(s, x, starts, offsets, dy);
                        add_block(&sums, self.gather.depth(), d, k, filters, dw);
                    }
                    _ => {
                        let sums = multiply::<S, D>(s, x, &starts, offsets, dy);
                        add_block(&sums, self.gather.depth(), d, k, filters, dw);
                    }
                }
            }
        }
    }

    /// Where each vector of pixels starts: in the planes, where all of them lie within a row (which is what is answered), or
    /// in a packed row.
    #[inline(always)]
    fn vectors(&self, lanes: usize, block: Block, offsets: &mut [usize]) -> bool {
        let (columns, layout) = (self.gather.columns.output, self.gather.layout());
        let whole = columns.is_multiple_of(lanes);
        for (v, offset) in offsets.iter_mut().enumerate() {
            let (image, pixel) = block.place(v * lanes, self.gather.pixels());
            let place = image * self.image_len + layout.pixel(pixel / columns, pixel % columns);
            *offset = if whole { place } else { v * lanes };
        }
        whole
    }

    /// Where the first pixel meets row `d` of the virtual matrix.
    #[inline(always)]
    fn tap(&self, d: usize) -> usize {
        let (taps_i, taps_j) = (self.gather.rows.taps, self.gather.columns.taps);
        self.gather.layout().tap(d / (taps_i * taps_j), d / taps_j % taps_i, d % taps_j)
    }

    /// Rows `d .. d + D` of the virtual matrix over the block, zero where there is no row or no pixel.
    #[inline(always)]
    fn pack<S: Simd<Elem = E>, const D: usize>(&self, s: S, d: usize, block: Block, packed: &mut [E]) {
        let (gather, layout) = (self.gather, self.gather.layout());
        for (r, packed) in packed.chunks_exact_mut(ROW).take(D).enumerate() {
            let d = d + r;
            if d >= gather.depth() {
                packed.fill(E::ZERO);
                continue;
            }
            let tap = self.tap(d);
            block.for_each_image(gather.pixels(), |image, pixel, count, at| {
                let padded = &self.padded[image * self.image_len..];
                gather.pack_tap(s, &layout, padded, tap, pixel..pixel + count, &mut packed[at..]);
            });
            packed[block.count..block.count.next_multiple_of(S::LANES)].fill(E::ZERO);
        }
    }
}

/// The micro-kernel: `D` rows of the virtual matrix times four filters, summed over the pixels. A row's vectors start at
/// `offsets` from where the row does.
#[inline(always)]
fn multiply<S: Simd, const D: usize>(
    s: S,
    x: &[S::Elem],
    rows: &[usize; D],
    offsets: &[usize],
    dy: &[S::Elem],
) -> [[S::Elem; FILTERS]; D] {
    let mut sums = [[s.zero(); FILTERS]; D];
    let mut pixel = 0;
    for offset in offsets {
        let dy = &dy[pixel..][..(FILTERS - 1) * ROW + S::LANES];
        let mut g = [s.zero(); FILTERS];
        for k in 0..FILTERS {
            g[k] = s.load(&dy[k * ROW..]);
        }
        for d in 0..D {
            let x = s.load(&x[rows[d] + offset..]);
            for k in 0..FILTERS {
                sums[d][k] = s.mul_add(x, g[k], sums[d][k]);
            }
        }
        pixel += S::LANES;
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
fn add_block<E: Number, const D: usize>(
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
