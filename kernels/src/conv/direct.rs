//! The products of a convolution summed for each output alone, as the plain algorithm says: for images and filters that
//! [`evenness`](crate::conv::evenness) keeps from Winograd's algorithm, and for values that are not finite.
//!
//! What lies outside an image takes part in no product here, where other algorithms multiply zeros: zero times infinity
//! would be NaN. So an output is infinite or NaN exactly where a product that it sums is, or the sum itself overflows.
//! Lanes run over the columns of one row, which is read and written where it stands; along the width, only neighbours
//! can be.

use crate::conv::algorithm::{Product, WeightsProduct};
use crate::conv::geometry::{Axis, Gather, Grid, Images, ImagesMut, Weights};
use crate::number::Number;
use crate::simd::Simd;
use crate::tail::{load_padded, store_some};
use std::ops::Range;

/// The output places that meet a tap inside the source, and where the first of them does.
#[inline(always)]
fn meeting(axis: &Axis, tap: usize) -> (Range<usize>, usize) {
    let offset = axis.first + tap as isize * axis.delta;
    let from = (-offset).max(0) as usize;
    let from = from.div_ceil(axis.step);
    let to = (axis.source as isize - offset).max(0) as usize;
    let to = to.div_ceil(axis.step).min(axis.output);
    if from >= to { (0..0, 0) } else { (from..to, ((from * axis.step) as isize + offset) as usize) }
}

kernel! {
    trait ConvDirectKernels;

    /// The products of filters with the pixels of every image, as in [`conv`](crate::conv::conv), from their own weights.
    pub fn products(product: &Product<'_, E>, weights: &Weights<'_, E>, x: Images<'_, E>, y: ImagesMut<'_, E>) |s| {
        DirectProduct { product, weights }.run(s, x, y);
    }

    /// Adds the gradient of the weights over all images to `dw[filter][depth]`.
    pub fn add_weights(product: &WeightsProduct<'_, E>, dw: &mut [E]) |s| {
        DirectWeights(product).run(s, dw);
    }
}

/// A product with the weights of its filters.
struct DirectProduct<'a, E> {
    product: &'a Product<'a, E>,
    weights: &'a Weights<'a, E>,
}

impl<E: Number> DirectProduct<'_, E> {
    /// All images.
    #[inline(always)]
    fn run<S: Simd<Elem = E>>(&self, s: S, x: Images<'_, E>, mut y: ImagesMut<'_, E>) {
        let Product { gather, filters, bias, grid, .. } = *self.product;
        let Grid { size: [height, width], first: [top, left], step: [down, right] } = grid;
        for image in 0..x.batch.images {
            let x = x.planes(image, gather.source_len());
            for filter in 0..filters {
                let y = &mut y.from(image)[filter * height * width..][..height * width];
                let bias = bias.get(filter).copied().unwrap_or(E::ZERO);
                for row in 0..gather.rows.output {
                    let y = &mut y[(top + row * down) * width + left..];
                    y.iter_mut().step_by(right).take(gather.columns.output).for_each(|y| *y = bias);
                    self.row(s, x, filter, row, y);
                }
            }
        }
    }

    /// Adds the products of one filter to one row of the output.
    #[inline(always)]
    fn row<S: Simd<Elem = E>>(&self, s: S, x: &[E], filter: usize, row: usize, y: &mut [E]) {
        let (Gather { planes, rows, columns }, y_step) = (*self.product.gather, self.product.grid.step[1]);
        for plane in 0..planes {
            for i in 0..rows.taps {
                let Some(source) = rows.sees(row, i) else { continue };
                let x = &x[(plane * rows.source + source) * columns.source..][..columns.source];
                for j in 0..columns.taps {
                    let (outputs, first) = meeting(&columns, j);
                    let weight = self.weights.at(filter, plane, i, j);
                    let (x, y) = (&x[first..], &mut y[outputs.start * y_step..]);
                    add_scaled(s, weight, x, columns.step, y, y_step, outputs.len());
                }
            }
        }
    }
}

/// `y += w·x` for so many places, each a step from the last.
#[inline(always)]
fn add_scaled<S: Simd>(s: S, w: S::Elem, x: &[S::Elem], x_step: usize, y: &mut [S::Elem], y_step: usize, len: usize) {
    if x_step == 1 && y_step == 1 {
        let (x, y) = (&x[..len], &mut y[..len]);
        for at in (0..len).step_by(S::LANES) {
            let sum = load_padded(s, &y[at..], S::Elem::ZERO);
            let x = load_padded(s, &x[at..], S::Elem::ZERO);
            store_some(s, s.mul_add(s.splat(w), x, sum), &mut y[at..]);
        }
        return;
    }
    for at in 0..len {
        y[at * y_step] += w * x[at * x_step];
    }
}

/// A gradient of weights that is being computed.
struct DirectWeights<'a, E>(&'a WeightsProduct<'a, E>);

impl<E: Number> DirectWeights<'_, E> {
    /// Adds the gradient over all images to `dw[filter][depth]`.
    #[inline(always)]
    fn run<S: Simd<Elem = E>>(&self, s: S, dw: &mut [E]) {
        let WeightsProduct { gather, filters, x, dy } = *self.0;
        let (Gather { planes, rows, columns }, pixels) = (*gather, gather.pixels());
        for image in 0..x.batch.images {
            let (x, dy) = (x.planes(image, gather.source_len()), dy.planes(image, filters * pixels));
            for (at, dw) in dw.iter_mut().enumerate() {
                let (at, j) = (at / columns.taps, at % columns.taps);
                let (at, i) = (at / rows.taps, at % rows.taps);
                let (filter, plane) = (at / planes, at % planes);
                let x = &x[plane * rows.source * columns.source..][..rows.source * columns.source];
                *dw += self.tap(s, x, &dy[filter * pixels..][..pixels], i, j);
            }
        }
    }

    /// The products of a plane with a plane of the output's gradient at one tap, summed.
    #[inline(always)]
    fn tap<S: Simd<Elem = E>>(&self, s: S, x: &[E], dy: &[E], i: usize, j: usize) -> E {
        let Gather { rows, columns, .. } = *self.0.gather;
        let ((outputs, first), mut sum) = (meeting(&columns, j), E::ZERO);
        for row in meeting(&rows, i).0 {
            let source = rows.sees(row, i).expect("a row that meets the tap");
            let x = &x[source * columns.source + first..(source + 1) * columns.source];
            let dy = &dy[row * columns.output..][outputs.clone()];
            sum += dot(s, x, columns.step, dy);
        }
        sum
    }
}

/// The sum of `dy` times every so many-th of `x`.
#[inline(always)]
fn dot<S: Simd>(s: S, x: &[S::Elem], step: usize, dy: &[S::Elem]) -> S::Elem {
    let mut sum = S::Elem::ZERO;
    if step != 1 {
        for (dy, x) in dy.iter().zip(x.iter().step_by(step)) {
            sum += *dy * *x;
        }
        return sum;
    }
    let mut lanes = s.zero();
    let x = &x[..dy.len()];
    for at in (0..dy.len()).step_by(S::LANES) {
        let (x, dy) = (load_padded(s, &x[at..], S::Elem::ZERO), load_padded(s, &dy[at..], S::Elem::ZERO));
        lanes = s.mul_add(x, dy, lanes);
    }
    s.sum(lanes)
}
