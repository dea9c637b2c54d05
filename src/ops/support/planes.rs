//! Images as planes of one channel each: how normalisations cut their work. Knows shapes and slices, no operation.
//!
//! In `[N, C, H, W]`, plane `n·C + c` is a slice of `H·W` elements. Where a plane is a single element, as in `[N, C]`,
//! the tensor is transposed first, so that a channel's values over the batch become one plane of `N` elements, and
//! everything below works on long slices.
//!
//! Work goes to threads in chunks of whole planes; what a channel's planes yield is put together in their order.

use super::isa;
use super::wide::{in_f64, ordinary};
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::norm::{GradientCoefficients, Normalisation};
use evograd_kernels::{Element, Isa, arith, norm, stats};
use std::ops::Range;

/// How a tensor divides into planes.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Planes {
    shape: Shape,
    images: usize,
    channels: usize,
    plane: usize,
    transposed: bool,
}

impl Planes {
    /// The planes of `x`, where it is `[N, C]` or `[N, C, H, W]` and every parameter is `[C]`.
    pub fn checked(op: &'static str, x: &Shape, parameters: &[(&'static str, &Shape)]) -> Result<Planes> {
        let shapes = || [&[("x", x)], parameters].concat();
        let Some(planes) = Self::of(x) else {
            let problem = format!("x has {} axes", x.rank());
            return Err(Error::op(op, problem, &shapes(), "give it the shape [N, C] or [N, C, H, W]"));
        };
        match parameters.iter().find(|(_, shape)| shape.sizes() != [planes.channels]) {
            None => Ok(planes),
            Some((name, shape)) => {
                let problem = format!("x has {} channels, but {name} has the shape {shape}", planes.channels);
                Err(Error::op(op, problem, &shapes(), format!("give {name} the shape [{}]", planes.channels)))
            }
        }
    }

    /// The planes of a shape that has been checked.
    pub fn agreed(x: &Shape) -> Planes {
        Self::of(x).expect("output_shape has agreed to 2 or 4 axes")
    }

    fn of(x: &Shape) -> Option<Planes> {
        let (images, channels, plane) = match x.sizes() {
            [n, c] => (*n, *c, 1),
            [n, c, h, w] => (*n, *c, h * w),
            _ => return None,
        };
        Some(match plane {
            1 => Planes { shape: *x, images: 1, channels, plane: images, transposed: true },
            _ => Planes { shape: *x, images, channels, plane, transposed: false },
        })
    }

    /// The number of values of each channel.
    pub fn values(&self) -> usize {
        self.images * self.plane
    }

    /// `x` with every plane contiguous: `x` itself, or its transpose.
    pub fn laid_out<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        self.lay_out(x.clone())
    }

    /// As [`Planes::laid_out`], taking `x` over with its memory.
    pub fn lay_out<E: Element>(&self, x: Tensor<E>) -> Tensor<E> {
        if self.transposed { transpose(&x, self.shape, self.plane, self.channels) } else { x }
    }

    /// A tensor that is laid out, as it was before.
    pub fn restored<E: Element>(&self, x: Tensor<E>) -> Tensor<E> {
        if self.transposed { transpose(&x, self.shape, self.channels, self.plane) } else { x }
    }

    /// Fills each plane of an output with `work(channel, place, plane)`, where `place` is the plane's place in a tensor
    /// that is laid out.
    pub fn build<E: Element>(&self, work: impl Fn(usize, Range<usize>, &mut [E]) + Sync) -> Tensor<E> {
        self.restored(Tensor::build(self.shape, |y| self.visit(y, work)))
    }

    /// Calls `work` as [`Planes::build`] does, with the planes of `y`, which is laid out.
    pub fn visit<E: Element>(&self, y: &mut [E], work: impl Fn(usize, Range<usize>, &mut [E]) + Sync) {
        let together = self.planes_in_a_chunk();
        for_each(y, together * self.plane, |chunk, y| {
            for (i, y) in y.chunks_mut(self.plane).enumerate() {
                let index = chunk * together + i;
                work(index % self.channels, self.place(index), y);
            }
        });
    }

    /// Two numbers for each channel: `of_plane(channel, place, outputs)` of its planes, put together by `merge` in the
    /// order of the images. On the way each plane of the outputs, which are laid out, may be written.
    pub fn reduce<T: Send, const N: usize>(
        &self,
        outputs: [&mut [T]; N],
        of_plane: impl Fn(usize, Range<usize>, [&mut [T]; N]) -> [f64; 2] + Sync,
        mut merge: impl FnMut(usize, [f64; 2]),
    ) {
        let together = self.planes_in_a_chunk();
        let mut results = Buffer::<[f64; 2]>::stale(self.images * self.channels);
        let mut outputs = outputs.map(|output| output.chunks_mut(together * self.plane));
        let chunks = results.chunks_mut(together).map(|results| {
            (results, outputs.each_mut().map(|output| output.next().expect("an output has a place for each value")))
        });
        let mut chunks: Vec<_> = chunks.collect();
        for_each(&mut chunks, 1, |chunk, place| {
            let (results, outputs) = &mut place[0];
            for (i, result) in results.iter_mut().enumerate() {
                let (index, own) = (chunk * together + i, self.place(i));
                let outputs = outputs.each_mut().map(|output| &mut output[own.clone()]);
                *result = of_plane(index % self.channels, self.place(index), outputs);
            }
        });
        results.iter().enumerate().for_each(|(index, result)| merge(index % self.channels, *result));
    }

    /// As [`Planes::reduce`], with the numbers of a channel's planes added up.
    pub fn sums<T: Send, const N: usize>(
        &self,
        outputs: [&mut [T]; N],
        of_plane: impl Fn(usize, Range<usize>, [&mut [T]; N]) -> [f64; 2] + Sync,
    ) -> Vec<[f64; 2]> {
        let mut all = vec![[0.0; 2]; self.channels];
        self.reduce(outputs, of_plane, |channel, [plain, weighted]| {
            all[channel][0] += plain;
            all[channel][1] += weighted;
        });
        all
    }

    /// The number of values, mean and squared deviations of each channel.
    pub fn moments<E: Element>(&self, x: &[E]) -> Vec<stats::Moments> {
        let isa = isa();
        let mut all = vec![stats::Moments::default(); self.channels];
        let of_plane = |_, place: Range<usize>, []: [&mut [E]; 0]| {
            let stats::Moments { mean, m2, .. } = stats::Moments::of(isa, &x[place]);
            [mean, m2]
        };
        self.reduce([], of_plane, |channel, [mean, m2]| {
            all[channel] = all[channel].merge(stats::Moments { count: self.plane, mean, m2 });
        });
        all
    }

    fn place(&self, index: usize) -> Range<usize> {
        index * self.plane..(index + 1) * self.plane
    }

    fn planes_in_a_chunk(&self) -> usize {
        (CHUNK / self.plane).max(1)
    }
}

/// `[rows, columns]` as `[columns, rows]`; `shape` is only what the result is called.
fn transpose<E: Element>(x: &Tensor<E>, shape: Shape, rows: usize, columns: usize) -> Tensor<E> {
    let x = x.as_slice();
    Tensor::build(shape, |y| {
        for_each(y, rows * (CHUNK / rows).max(1), |chunk, y| {
            let first = chunk * (CHUNK / rows).max(1);
            for (column, y) in y.chunks_mut(rows).enumerate() {
                y.iter_mut().enumerate().for_each(|(row, y)| *y = x[row * columns + first + column]);
            }
        });
    })
}

/// The learned scale and shift of a channel.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Affine<E> {
    pub gamma: E,
    pub beta: E,
}

impl<E: Element> Affine<E> {
    /// In `f64`.
    pub fn wide(self) -> Affine<f64> {
        Affine { gamma: self.gamma.to_f64(), beta: self.beta.to_f64() }
    }
}

/// The statistics that a channel is normalised with.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Channel {
    /// The mean.
    pub mean: f64,
    /// `1 / √(variance + ε)`
    pub inverse: f64,
}

impl Channel {
    /// The mean as the element type has it, and what its rounding left off.
    ///
    /// Near a large mean the rounding is not small against the deviation; subtracting the rounded mean is exact there,
    /// and the difference is accounted for in the shift.
    pub fn rounded_mean<E: Element>(&self) -> (E, f64) {
        let mean = E::from_f64(self.mean);
        (mean, self.mean - mean.to_f64())
    }

    /// The coefficients of `y = (x − mean)·inverse·gamma + beta`, as the element type has them.
    pub fn normalisation<E: Element>(&self, Affine { gamma, beta }: Affine<E>) -> Normalisation<E> {
        let (mean, left_off) = self.rounded_mean::<E>();
        let scale = gamma.to_f64() * self.inverse;
        Normalisation { mean, scale: E::from_f64(scale), shift: E::from_f64(beta.to_f64() - left_off * scale) }
    }

    /// Whether the type holds all that lies between `x` and the normalised values times `gamma`.
    ///
    /// Deviations are at most `√count / inverse`, so that with an ordinary `inverse` no difference, no product with a
    /// gradient of ordinary size, and no scale is near the ends of its range.
    pub fn ordinary<E: Element>(&self, gamma: E) -> bool {
        ordinary::<E>(&[self.inverse], 20) && ordinary::<E>(&[gamma.to_f64()], 60) && self.mean.abs() < 1e30
    }

    /// `y = (x − mean)·inverse·gamma + beta`, rectified where a ReLU follows.
    pub fn normalise<E: Element>(&self, isa: Isa, affine: Affine<E>, relu: bool, x: &[E], y: &mut [E]) {
        if !self.ordinary(affine.gamma) {
            return in_f64([x], y, |[x], y| self.normalise_here(isa, affine.wide(), relu, x, y));
        }
        self.normalise_here(isa, affine, relu, x, y);
    }

    /// [`Channel::normalise`] in the type at hand.
    fn normalise_here<E: Element>(&self, isa: Isa, affine: Affine<E>, relu: bool, x: &[E], y: &mut [E]) {
        let normalise = if relu { norm::normalise_relu } else { norm::normalise };
        normalise(isa, x, self.normalisation(affine), y);
    }

    /// `dx = dy·inverse·gamma`, where the statistics are constants.
    pub fn scale<E: Element>(&self, isa: Isa, gamma: E, dy: &[E], dx: &mut [E]) {
        let scale = self.inverse * gamma.to_f64();
        match ordinary::<E>(&[scale], 60) {
            true => arith::scale(isa, dy, E::from_f64(scale), dx),
            false => in_f64([dy], dx, |[dy], dx| arith::scale(isa, dy, scale, dx)),
        }
    }

    /// `dx` by its [`GradientCoefficients`], where `g` is `dy`, or where a ReLU follows what it lets through of it.
    pub fn backward<E: Element>(
        &self,
        isa: Isa,
        coefficients: GradientCoefficients<f64>,
        relu: Option<Affine<E>>,
        [x, dy]: [&[E]; 2],
        dx: &mut [E],
    ) {
        if !self.trusts::<E>(coefficients, relu.map(|affine| affine.gamma)) {
            let relu = relu.map(Affine::wide);
            return in_f64([x, dy], dx, |inputs, dx| self.backward_here(isa, coefficients, relu, inputs, dx));
        }
        self.backward_here(isa, coefficients, relu, [x, dy], dx);
    }

    /// Whether the type holds all that lies between `x`, `dy` and what [`Channel::backward`] makes of them: of three
    /// coefficients that are made of up to five factors, each may leave the range where `dx` does not.
    fn trusts<E: Element>(&self, coefficients: GradientCoefficients<f64>, gamma: Option<E>) -> bool {
        let GradientCoefficients { gradient, deviation, constant } = coefficients;
        ordinary::<E>(&[gradient, deviation, constant], 80) && self.ordinary(gamma.unwrap_or(E::ONE))
    }

    /// [`Channel::backward`] in the type at hand.
    fn backward_here<E: Element>(
        &self,
        isa: Isa,
        coefficients: GradientCoefficients<f64>,
        relu: Option<Affine<E>>,
        [x, dy]: [&[E]; 2],
        dx: &mut [E],
    ) {
        let (mean, coefficients) = self.rounded(coefficients);
        match relu.map(|affine| self.normalisation(affine)) {
            None => norm::normalise_backward(isa, x, dy, mean, coefficients, dx),
            Some(line) => norm::normalise_relu_backward(isa, x, dy, line, coefficients, dx),
        }
    }

    /// As [`Channel::backward`] without a ReLU, written over `dy`.
    pub fn backward_over<E: Element>(&self, isa: Isa, coefficients: GradientCoefficients<f64>, x: &[E], dy: &mut [E]) {
        if !self.trusts::<E>(coefficients, None) {
            let (mean, coefficients) = self.rounded(coefficients);
            return in_f64([x], dy, |[x], dy| norm::normalise_backward_over(isa, x, mean, coefficients, dy));
        }
        let (mean, coefficients) = self.rounded(coefficients);
        norm::normalise_backward_over(isa, x, mean, coefficients, dy);
    }

    /// The rounded mean, and the coefficients for deviations from it, as the element type has them.
    fn rounded<E: Element>(&self, coefficients: GradientCoefficients<f64>) -> (E, GradientCoefficients<E>) {
        let GradientCoefficients { gradient, deviation, constant } = coefficients;
        let (mean, left_off) = self.rounded_mean::<E>();
        let [gradient, deviation, constant] = [gradient, deviation, constant - left_off * deviation].map(E::from_f64);
        (mean, GradientCoefficients { gradient, deviation, constant })
    }

    /// `Σg` and `Σg·(x − mean)` from the same with the rounded mean in the mean's place.
    fn about_mean<E: Element>(&self, sums: [E; 2]) -> [f64; 2] {
        let [plain, weighted] = sums.map(E::to_f64);
        [plain, weighted - self.rounded_mean::<E>().1 * plain]
    }

    /// As [`Channel::about_mean`], of `g` itself where the sums are not to be trusted: where they overflowed, or are so
    /// small that digits of their products were lost.
    pub fn trusted_sums<E: Element>(&self, isa: Isa, sums: [E; 2], [x, g]: [&[E]; 2]) -> [f64; 2] {
        if ordinary::<E>(&sums.map(E::to_f64), 80) {
            return self.about_mean(sums);
        }
        in_f64([x, g], &mut [], |[x, g], _| self.about_mean(stats::gradient_sums(isa, x, g, self.mean)))
    }

    /// `Σg` and `Σg·(x − mean)`, where `g` is as in [`Channel::backward`].
    fn gradient_sums<E: Element>(&self, isa: Isa, relu: Option<Affine<E>>, inputs: [&[E]; 2]) -> [f64; 2] {
        let wide = || {
            let relu = relu.map(Affine::wide);
            in_f64(inputs, &mut [], |inputs, _| self.about_mean(self.gradient_sums_here(isa, relu, inputs)))
        };
        if !self.ordinary(relu.map_or(E::ONE, |affine| affine.gamma)) {
            return wide();
        }
        let sums = self.gradient_sums_here(isa, relu, inputs);
        if ordinary::<E>(&sums.map(E::to_f64), 80) { self.about_mean(sums) } else { wide() }
    }

    /// [`Channel::gradient_sums`] in the type at hand, about the rounded mean.
    fn gradient_sums_here<E: Element>(&self, isa: Isa, relu: Option<Affine<E>>, [x, dy]: [&[E]; 2]) -> [E; 2] {
        match relu.map(|affine| self.normalisation(affine)) {
            None => stats::gradient_sums(isa, x, dy, self.rounded_mean::<E>().0),
            Some(line) => stats::gradient_sums_relu(isa, x, dy, line),
        }
    }
}

/// `Σg` and `Σg·(x − mean)` of each channel, where `g` is `dy`, or where a ReLU follows, whose `gamma` and `beta` are
/// given, what it lets through of it.
pub(in crate::ops) fn gradient_sums<E: Element>(
    planes: &Planes,
    channels: &[Channel],
    relu: impl Fn(usize) -> Option<Affine<E>> + Sync,
    [x, dy]: [&[E]; 2],
) -> Vec<[f64; 2]> {
    let isa = isa();
    planes.sums([], |c, place, []: [&mut [E]; 0]| {
        channels[c].gradient_sums(isa, relu(c), [&x[place.clone()], &dy[place]])
    })
}

/// The gradients of `gamma` and `beta` from the sums of each channel: `Σdy·(x − mean)·inverse` and `Σdy`.
pub(in crate::ops) fn parameter_gradients<E: Element>(
    channels: &[Channel],
    sums: &[[f64; 2]],
    shape: Shape,
) -> [Tensor<E>; 2] {
    let gradient = |of: fn(&Channel, &[f64; 2]) -> f64| {
        Tensor::build(shape, |out| {
            for ((out, channel), sums) in out.iter_mut().zip(channels).zip(sums) {
                *out = E::from_f64(of(channel, sums));
            }
        })
    };
    [gradient(|channel, sums| sums[1] * channel.inverse), gradient(|_, sums| sums[0])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transpose_exchanges_the_axes_whatever_the_chunks() {
        for (rows, columns) in [(1, 1), (3, 5), (200, 300), (20_000, 2), (2, 20_000)] {
            let shape = Shape::new(&[rows, columns]).unwrap();
            let x = Tensor::from_fn(shape, |i| i as f64).unwrap();
            let y = transpose(&x, shape, rows, columns);
            let expected = (0..columns).flat_map(|column| (0..rows).map(move |row| (row * columns + column) as f64));
            assert!(y.as_slice().iter().copied().eq(expected), "{rows} rows of {columns}");
        }
    }
}
