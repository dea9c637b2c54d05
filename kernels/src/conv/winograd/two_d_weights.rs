//! The gradient of a convolution's weights by Winograd's algorithm along both axes: a quarter of the multiplications,
//! as [`winograd::two_d_tiles`](crate::conv::winograd::two_d_tiles) explains.
//!
//! The three steps of the forward pass in reverse order: `dy` is spread over the points as the source is, for each
//! point the product of both, `[planes × tiles] · [tiles × filters]`, is added to `sums[point][plane][filter]`, and
//! once in a thousand tiles the sums become weights, by the factors that turned weights into values.

use crate::conv::algorithm::{WeightsAlgorithm, WeightsProduct};
use crate::conv::geometry::Gather;
use crate::conv::microkernel::channels_weights::{OuterProducts, add_transposed};
use crate::conv::winograd::transforms::{POINTS, filter_transform};
use crate::conv::winograd::two_d_tiles::{
    POINTS_2D, SUMMED, TAPS, TILES_OF_A_BLOCK, Tiles2d, block_stride, point_stride,
};
use crate::number::Number;
use crate::simd::Simd;

/// Tiles that are summed at the points before they become weights: those round less where they are added.
const MOST_SUMMED: usize = 1024;

/// Where each kind of scratch ends.
struct Scratch {
    source: usize,
    gradient: usize,
    columns: usize,
    values: usize,
    gradients: usize,
    sums: usize,
    weights: usize,
}

impl Scratch {
    fn of(tiles: &Tiles2d, images: usize) -> Scratch {
        let (planes, filters) = (tiles.planes, tiles.filters);
        let rows = tiles.rows_together().min(tiles.rows.tiles);
        let source = tiles.source().nhwc_len(rows);
        let gradient = source + tiles.gradient().nhwc_len(rows);
        let columns = gradient + tiles.source().columns_len();
        let values = columns + tiles.values_len(images, planes);
        let gradients = values + tiles.values_len(images, filters);
        let sums = gradients + POINTS_2D * planes * filters;
        let weights = sums + TAPS * TAPS * planes * filters;
        Scratch { source, gradient, columns, values, gradients, sums, weights }
    }
}

impl WeightsAlgorithm for Tiles2d {
    fn images_together(&self, _: &Gather) -> usize {
        self.rows_together().div_ceil(self.rows.tiles)
    }

    fn scratch_len(&self, _: &Gather, _: usize, images: usize) -> usize {
        Scratch::of(self, images).weights
    }

    #[inline(always)]
    fn run<S: Simd>(&self, s: S, product: &WeightsProduct<'_, S::Elem>, dw: &mut [S::Elem], scratch: &mut [S::Elem]) {
        let WeightsProduct { x, dy, .. } = *product;
        let Tiles2d { planes, filters, columns, .. } = *self;
        let ends = Scratch::of(self, x.batch.images);
        let (scratch, weights) = scratch[..ends.weights].split_at_mut(ends.sums);
        let (scratch, sums) = scratch.split_at_mut(ends.gradients);
        let (scratch, gradients) = scratch.split_at_mut(ends.values);
        let (scratch, values) = scratch.split_at_mut(ends.columns);
        let (scratch, along_height) = scratch.split_at_mut(ends.gradient);
        let (source_nhwc, gradient_nhwc) = scratch.split_at_mut(ends.source);
        let (source, gradient) = (self.source(), self.gradient());
        source_nhwc.fill(S::Elem::ZERO);
        gradient_nhwc.fill(S::Elem::ZERO);
        sums.fill(S::Elem::ZERO);
        let mut summed = 0;
        for group in self.groups(x.batch.images) {
            for run in group.runs() {
                source.fill_nhwc(s, x.from(run.image), run, source_nhwc);
                source.transform::<S, true>(s, source_nhwc, run, along_height, values);
                gradient.fill_nhwc(s, dy.from(run.image), run, gradient_nhwc);
                gradient.transform::<S, false>(s, gradient_nhwc, run, along_height, gradients);
            }
            for point in 0..POINTS_2D {
                let sums = &mut sums[point * planes * filters..][..planes * filters];
                self.add_products(s, group.rows * columns.tiles, point, values, gradients, sums);
            }
            summed += group.rows * columns.tiles;
            if summed >= MOST_SUMMED {
                self.add_weights(s, sums, weights, dw);
                sums.fill(S::Elem::ZERO);
                summed = 0;
            }
        }
        if summed > 0 {
            self.add_weights(s, sums, weights, dw);
        }
    }
}

impl Tiles2d {
    /// Adds the weights that the sums at the points stand for to `dw[filter][depth]`.
    #[inline(always)]
    fn add_weights<S: Simd>(&self, s: S, sums: &[S::Elem], weights: &mut [S::Elem], dw: &mut [S::Elem]) {
        let Tiles2d { planes, filters, .. } = *self;
        self.filter_gradient(s, sums, weights);
        add_transposed(s, weights, planes, TAPS * TAPS, filters, dw);
    }

    /// Adds the products of so many tiles at one point.
    #[inline(always)]
    fn add_products<S: Simd>(
        &self,
        s: S,
        tiles: usize,
        point: usize,
        values: &[S::Elem],
        gradients: &[S::Elem],
        sums: &mut [S::Elem],
    ) {
        let Tiles2d { planes, filters, .. } = *self;
        let step = [block_stride(planes), block_stride(filters)];
        let (whole, rest) = (tiles / TILES_OF_A_BLOCK, tiles % TILES_OF_A_BLOCK);
        for (first, rows, columns) in [(0, whole, TILES_OF_A_BLOCK), (whole, 1, rest)] {
            if rows * columns > 0 {
                let products = OuterProducts {
                    planes,
                    filters,
                    rows,
                    columns,
                    together: SUMMED / TILES_OF_A_BLOCK,
                    row: step,
                    pixel: [planes, filters],
                };
                let values = &values[first * step[0] + point * point_stride(planes)..];
                let gradients = &gradients[first * step[1] + point * point_stride(filters)..];
                products.add_products(s, values, gradients, sums);
            }
        }
    }

    /// The inverse of the filter transform: turns the sums at the points into `weights[tap][plane][filter]`.
    #[inline(always)]
    fn filter_gradient<S: Simd>(&self, s: S, sums: &[S::Elem], weights: &mut [S::Elem]) {
        let Tiles2d { planes, filters, rows, columns } = *self;
        let (factors, len) = (filter_transform::<S::Elem>(TAPS), planes * filters);
        for place in (0..len).step_by(S::LANES) {
            let mut kernel = [[s.zero(); TAPS]; TAPS];
            for j in 0..POINTS {
                for i in 0..TAPS {
                    let mut sum = s.zero();
                    for point in 0..POINTS {
                        let at_point = s.load(&sums[(point * POINTS + j) * len + place..]);
                        sum = s.mul_add(s.splat(factors[i][point]), at_point, sum);
                    }
                    for tap in 0..TAPS {
                        kernel[i][tap] = s.mul_add(s.splat(factors[tap][j]), sum, kernel[i][tap]);
                    }
                }
            }
            for (i, row) in kernel.iter().enumerate() {
                for (j, weight) in row.iter().enumerate() {
                    let tap = rows.order.tap(i) * TAPS + columns.order.tap(j);
                    s.store(*weight, &mut weights[tap * len + place..]);
                }
            }
        }
    }
}
