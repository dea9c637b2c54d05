//! The gradient of a convolution's weights by Winograd's algorithm along the height: half the multiplications, as
//! [`winograd::transforms`](crate::conv::winograd::transforms) explains.
//!
//! A place is a tile, a column of a few pixels. For each of the six points, the products of
//! [`planar::weights`](crate::conv::planar::weights) are summed over places as they are there over pixels, with the
//! values of the source and of `dy` at that point for the pixels themselves. What has been summed at the six points
//! becomes the taps of each column of weights once, at the end.

use crate::conv::geometry::Batch;
use crate::conv::microkernel::pixels_weights::{Block, PACKED_X, ROW, Source, images_of_a_group, packed_dy_len};
use crate::conv::winograd::transforms::{POINTS, Tiles1d, filter_transform, gradient_transform};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use crate::tail::load_padded;

/// Elements of scratch: the values at the points of a group of images, packed rows, and the sums at the points.
pub(crate) fn scratch_len(tiles: &Tiles1d, filters: usize, images: usize) -> usize {
    values_len(tiles, images) + PACKED_X + POINTS * (packed_dy_len(filters) + sums_len(tiles, filters))
}

fn values_len(tiles: &Tiles1d, images: usize) -> usize {
    images_of_a_group(tiles.gather.pixels()).min(images) * POINTS * tiles.point_len() + MAX_LANES
}

fn sums_len(tiles: &Tiles1d, filters: usize) -> usize {
    filters * tiles.gather.depth()
}

/// A gradient that is being computed.
pub(crate) struct Winograd1dWeights<'a, E> {
    pub tiles: &'a Tiles1d,
    pub filters: usize,
    pub x: &'a [E],
    pub source: Batch,
    pub dy: &'a [E],
    pub output: Batch,
}

impl<E: Number> Winograd1dWeights<'_, E> {
    /// Adds the gradient over all images to `dw[filter][depth]`.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, dw: &mut [E], scratch: &mut [E]) {
        let (tiles, images) = (self.tiles, self.source.images);
        let (values, rest) = scratch.split_at_mut(values_len(tiles, images));
        let (packed_x, rest) = rest.split_at_mut(PACKED_X);
        let (packed_dy, sums) = rest.split_at_mut(POINTS * packed_dy_len(self.filters));
        sums.fill(E::ZERO);
        let (group, len) = (images_of_a_group(tiles.gather.pixels()), POINTS * tiles.point_len());
        for first in (0..images).step_by(group) {
            let images = group.min(images - first);
            for image in 0..images {
                let x = &self.x[self.source.of(first + image, tiles.source_len()).start..];
                tiles.transform_input(s, x, &mut values[image * len..]);
            }
            for block in Block::all(first, images * tiles.gather.pixels()) {
                self.pack_dy(s, block, packed_dy);
                for point in 0..POINTS {
                    let padded = &values[point * tiles.point_len()..];
                    let source = Source { gather: &tiles.gather, padded, image_len: len };
                    let dy = &packed_dy[point * packed_dy_len(self.filters)..][..packed_dy_len(self.filters)];
                    let sums = &mut sums[point * sums_len(tiles, self.filters)..][..sums_len(tiles, self.filters)];
                    source.products(s, block, self.filters, packed_x, dy, sums);
                }
            }
        }
        self.add_taps(sums, dw);
    }

    /// `dy` of all filters over a block, spread over the points: `packed[point][filter][tiles]`, zero where there is no
    /// filter or no tile.
    #[inline(always)]
    fn pack_dy<S: Simd<Elem = E>>(&self, s: S, block: Block, packed: &mut [E]) {
        let (part, pixels) = (packed_dy_len(self.filters), self.tiles.gather.pixels());
        let (columns, plane) = (self.tiles.gather.columns.output, self.tiles.height * self.tiles.gather.columns.output);
        for k in 0..part / ROW {
            if k < self.filters {
                block.for_each_image(pixels, |image, tile, count, at| {
                    let start = self.output.of(block.first_image + image, self.filters * plane).start + k * plane;
                    let mut done = 0;
                    while done < count {
                        let (row, column) = ((tile + done) / columns, (tile + done) % columns);
                        let len = (columns - column).min(count - done);
                        let packed = &mut packed[k * ROW + at + done..];
                        self.transform_dy(s, &self.dy[start..], row * self.tiles.rows, (column, len), packed);
                        done += len;
                    }
                });
            }
            let count = if k < self.filters { block.count } else { 0 };
            for point in 0..POINTS {
                packed[point * part + k * ROW..][count..ROW].fill(E::ZERO);
            }
        }
    }

    /// Spreads `len` tiles from row `first` and a column on; may write up to a vector more.
    #[inline(always)]
    fn transform_dy<S: Simd<Elem = E>>(
        &self,
        s: S,
        plane: &[E],
        first: usize,
        (column, len): (usize, usize),
        packed: &mut [E],
    ) {
        let (width, part) = (self.tiles.gather.columns.output, packed_dy_len(self.filters));
        for at in (0..len).step_by(S::LANES) {
            let mut rows = [s.zero(); POINTS - 1];
            for r in 0..self.tiles.rows.min(self.tiles.height - first) {
                let start = (first + r) * width + column + at;
                rows[r] = load_padded(s, &plane[start..], E::ZERO);
            }
            let values = gradient_transform(s, &rows, self.tiles.rows);
            for point in 0..POINTS {
                s.store(values[point], &mut packed[point * part + at..]);
            }
        }
    }

    /// Turns the sums at the points into the taps of each column of weights.
    #[inline(always)]
    fn add_taps(&self, sums: &[E], dw: &mut [E]) {
        let (taps, across) = (self.tiles.taps, self.tiles.gather.columns.taps);
        let factors = filter_transform::<E>(taps);
        let len = sums_len(self.tiles, self.filters);
        for (column, weights) in dw.chunks_exact_mut(taps * across).enumerate() {
            for j in 0..across {
                for i in 0..taps {
                    let tap = &mut weights[self.tiles.order.tap(i) * across + j];
                    for point in 0..POINTS {
                        *tap += factors[i][point] * sums[point * len + column * across + j];
                    }
                }
            }
        }
    }
}
