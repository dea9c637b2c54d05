//! The gradient of a convolution's weights by Winograd's algorithm along the height: half the multiplications, as
//! [`winograd::transforms`](crate::conv::winograd::transforms) explains.
//!
//! A place is a tile, a column of a few pixels. For each of the six points, the products of
//! [`planar::weights`](crate::conv::planar::weights) are summed over places as they are there over pixels, with the
//! values of the source and of `dy` at that point for the pixels themselves. What has been summed at the six points
//! becomes the taps of each column of weights once, at the end.

use crate::conv::algorithm::{WeightsAlgorithm, WeightsProduct};
use crate::conv::geometry::Gather;
use crate::conv::microkernel::pixels_weights::{Block, PACKED_X, ROW, Source, images_of_a_group, packed_dy_len};
use crate::conv::winograd::transforms::{POINTS, Tiles1d, filter_transform, gradient_transform};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use crate::tail::load_padded;

fn values_len(tiles: &Tiles1d, images: usize) -> usize {
    images_of_a_group(tiles.gather.pixels()).min(images) * POINTS * tiles.point_len() + MAX_LANES
}

fn sums_len(tiles: &Tiles1d, filters: usize) -> usize {
    filters * tiles.gather.depth()
}

impl WeightsAlgorithm for Tiles1d {
    fn images_together(&self, _: &Gather) -> usize {
        images_of_a_group(self.gather.pixels())
    }

    /// The values at the points of a group of images, packed rows, and the sums at the points.
    fn scratch_len(&self, _: &Gather, filters: usize, images: usize) -> usize {
        values_len(self, images) + PACKED_X + POINTS * (packed_dy_len(filters) + sums_len(self, filters))
    }

    #[inline(always)]
    fn run<S: Simd>(&self, s: S, product: &WeightsProduct<'_, S::Elem>, dw: &mut [S::Elem], scratch: &mut [S::Elem]) {
        Winograd1dWeights { tiles: self, product }.run(s, dw, scratch);
    }
}

/// The product with its tiles.
struct Winograd1dWeights<'a, E> {
    tiles: &'a Tiles1d,
    product: &'a WeightsProduct<'a, E>,
}

impl<E: Number> Winograd1dWeights<'_, E> {
    #[inline(always)]
    fn run<S: Simd<Elem = E>>(&self, s: S, dw: &mut [E], scratch: &mut [E]) {
        let (tiles, WeightsProduct { filters, x, .. }) = (self.tiles, *self.product);
        let images = x.batch.images;
        let (values, rest) = scratch.split_at_mut(values_len(tiles, images));
        let (packed_x, rest) = rest.split_at_mut(PACKED_X);
        let (packed_dy, sums) = rest.split_at_mut(POINTS * packed_dy_len(filters));
        sums.fill(E::ZERO);
        let (group, len) = (images_of_a_group(tiles.gather.pixels()), POINTS * tiles.point_len());
        for first in (0..images).step_by(group) {
            let images = group.min(images - first);
            for image in 0..images {
                tiles.transform_input(s, x.from(first + image), &mut values[image * len..]);
            }
            for block in Block::all(first, images * tiles.gather.pixels()) {
                self.pack_dy(s, block, packed_dy);
                for point in 0..POINTS {
                    let padded = &values[point * tiles.point_len()..];
                    let source = Source { gather: &tiles.gather, padded, image_len: len };
                    let dy = &packed_dy[point * packed_dy_len(filters)..][..packed_dy_len(filters)];
                    let sums = &mut sums[point * sums_len(tiles, filters)..][..sums_len(tiles, filters)];
                    source.products(s, block, filters, packed_x, dy, sums);
                }
            }
        }
        self.add_taps(sums, dw);
    }

    /// `dy` of all filters over a block, spread over the points: `packed[point][filter][tiles]`, zero where there is no
    /// filter or no tile.
    #[inline(always)]
    fn pack_dy<S: Simd<Elem = E>>(&self, s: S, block: Block, packed: &mut [E]) {
        let (part, pixels) = (packed_dy_len(self.product.filters), self.tiles.gather.pixels());
        let (columns, plane) = (self.tiles.gather.columns.output, self.tiles.height * self.tiles.gather.columns.output);
        for k in 0..part / ROW {
            if k < self.product.filters {
                block.for_each_image(pixels, |image, tile, count, at| {
                    let dy = &self.product.dy.from(block.first_image + image)[k * plane..];
                    let mut done = 0;
                    while done < count {
                        let (row, column) = ((tile + done) / columns, (tile + done) % columns);
                        let len = (columns - column).min(count - done);
                        let packed = &mut packed[k * ROW + at + done..];
                        self.transform_dy(s, dy, row * self.tiles.rows, column, len, packed);
                        done += len;
                    }
                });
            }
            let count = if k < self.product.filters { block.count } else { 0 };
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
        column: usize,
        len: usize,
        packed: &mut [E],
    ) {
        let (width, part) = (self.tiles.gather.columns.output, packed_dy_len(self.product.filters));
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
        let len = sums_len(self.tiles, self.product.filters);
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
