//! Batch normalisation while training.
//!
//! **Formula** For each channel, `μ` and `v` are the mean and the biased variance of its `m = N·H·W` values,
//! `s = 1/√(v + ε)`, and `y = (x − μ)·s·γ + β`. The running statistics move by `momentum` towards `μ` and towards the
//! **unbiased** variance `v·m/(m − 1)`.
//!
//! **Shapes** `x` and `y` are `[N, C, H, W]` or `[N, C]`; `γ`, `β` and both running statistics are `[C]`; `m > 1`.
//!
//! **Gradient** Write `x̂ = (x − μ)·s`; `Σ` runs over the `m` values of the channel. Directly, `dβ = Σdy` and `dγ = Σdy·x̂`.
//! For `x`, start with `dx̂ = γ·dy`. An `x` reaches the loss in three ways: through its own `x̂`, with `s·dx̂`; through `μ`,
//! of which `∂μ/∂x = 1/m` and `∂L/∂μ = −s·Σdx̂` (that through `v` is 0, for `Σ(x − μ) = 0`); and through `v`, of which `∂v/∂x
//! = 2(x − μ)/m` and `∂L/∂v = −½·s³·Σdx̂·(x − μ)`. Added up, `dx = s·γ·(dy − Σdy/m − (x − μ)·s²·Σdy·(x − μ)/m)`, one pass
//! once the two sums are known. With the gradients of the parameters in place of the sums it is `dx = s·γ/m · (m·dy − dβ −
//! x̂·dγ)`. With a ReLU behind it, `dy` counts as 0 wherever `y ≤ 0`, in both sums and in `dx`.
//!
//! **Kept for backward** `x` (shared, not copied; for `[N, C]` a transposed copy), `γ`, `β`, and two numbers for
//! each channel. `x̂` is not kept: it is a subtraction and a product away.
//!
//! **Source** Ioffe and Szegedy, *Batch normalization*, ICML 2015; running statistics as PyTorch defines them.

use super::support::batch_statistics::{Batch, BatchNorm, RunningStats, channel, gradient_coefficients, train};
use super::support::catalogue::{CHANNELS, IMAGES, Large, Row, case};
use super::support::isa;
use super::support::planes::{Affine, Channel, Planes, gradient_sums, parameter_gradients};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Recompute, Var};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::ops::Range;

pub(super) const ROW: Row = Row {
    name: "batch_norm",
    formula: "y = (x − mean)/√(variance + ε)·γ + β over each channel of the batch",
    nondifferentiable: "channels of nearly equal values, whose slopes are too steep to compare: every other image is negative",
    f32_bound: 24.0,
    draw: |draw| {
        let (n, c) = (draw.size(4, 9), draw.size(4, 7));
        let (h, w) = (draw.size(1, 5), draw.size(1, 5));
        let mut x = if draw.flag() { draw.positive([n, c, h, w]) } else { draw.positive([n, c]) };
        let image = x.shape().elements() / n;
        let odd_images = x.as_mut_slice().chunks_mut(image).skip(1).step_by(2);
        odd_images.flatten().for_each(|x| *x = -*x);
        let options = BatchNorm { epsilon: draw.pick(&[1e-5, 1e-3]), momentum: draw.pick(&[0.1, 0.0, 0.3, 1.0]) };
        case!([x, draw.nonzero([c]), draw.values([c])], format!("{options:?}"), |v| {
            v[0].batch_norm(&v[1], &v[2], &mut RunningStats::new(c)?, options)
        })
    },
    large: Large {
        shapes: &[IMAGES, CHANNELS, CHANNELS],
        run: |v| v[0].batch_norm(&v[1], &v[2], &mut RunningStats::new(6)?, BatchNorm::default()),
    },
};

/// The operation, with or without a ReLU behind it.
#[derive(Debug)]
pub(super) struct Training<const RELU: bool>(Batch);

impl<const RELU: bool> Training<RELU> {
    pub fn new(batch: Batch) -> Self {
        Training(batch)
    }
}

/// What it keeps.
#[derive(Debug)]
pub(super) struct Kept<E: Element> {
    planes: Planes,
    /// Laid out in planes.
    x: Tensor<E>,
    gamma: Tensor<E>,
    beta: Tensor<E>,
    channels: Vec<Channel>,
}

impl<E: Element, const RELU: bool> Op<E, 3> for Training<RELU> {
    const NAME: &'static str = if RELU { "batch_norm_relu" } else { ROW.name };
    type Saved = Kept<E>;

    fn output_shape(&self, inputs: [&Shape; 3]) -> Result<Shape> {
        self.0.check::<E>(<Self as Op<E, 3>>::NAME, inputs)?;
        Ok(*inputs[0])
    }

    fn forward(&self, [x, gamma, beta]: [&Tensor<E>; 3]) -> (Tensor<E>, Kept<E>) {
        let planes = Planes::agreed(x.shape());
        let x = planes.laid_out(x);
        let channels = self.0.channels(&planes, x.as_slice());
        (
            normalise::<E, RELU>(&planes, &channels, [&x, gamma, beta]),
            Kept { planes, x, gamma: gamma.clone(), beta: beta.clone(), channels },
        )
    }

    fn backward(&self, saved: Kept<E>, dy: Tensor<E>, wanted: [bool; 3]) -> [Option<Tensor<E>>; 3] {
        let Kept { planes, x, gamma, beta, channels } = saved;
        let dy = planes.laid_out(&dy);
        let (isa, x, dy) = (isa(), x.as_slice(), dy.as_slice());
        let relu = |c: usize| RELU.then(|| Affine { gamma: gamma.as_slice()[c], beta: beta.as_slice()[c] });
        let sums = gradient_sums(&planes, &channels, relu, [x, dy]);
        let [dgamma, dbeta] = parameter_gradients(&channels, &sums, *gamma.shape());
        let coefficients = gradient_coefficients(&planes, &channels, &sums, &gamma);
        let dx = wanted[0].then(|| {
            let back = |c: usize, place: Range<usize>, dx: &mut [E]| {
                channels[c].backward(isa, coefficients[c], relu(c), [&x[place.clone()], &dy[place]], dx);
            };
            planes.build(back)
        });
        [dx, Some(dgamma), Some(dbeta)]
    }
}

/// `y` from `x`, which is laid out, `γ` and `β`.
fn normalise<E: Element, const RELU: bool>(
    planes: &Planes,
    channels: &[Channel],
    [x, gamma, beta]: [&Tensor<E>; 3],
) -> Tensor<E> {
    let (isa, x, gamma, beta) = (isa(), x.as_slice(), gamma.as_slice(), beta.as_slice());
    planes
        .build(|c, place, y| channels[c].normalise(isa, Affine { gamma: gamma[c], beta: beta[c] }, RELU, &x[place], y))
}

/// How `y` is computed again from what the operation keeps.
#[derive(Debug)]
struct Normalised<E: Element> {
    inputs: [Tensor<E>; 3],
    channels: Vec<Channel>,
}

impl<E: Element> Recompute<E> for Normalised<E> {
    fn value(&self) -> Tensor<E> {
        let [x, gamma, beta] = &self.inputs;
        let planes = Planes::agreed(x.shape());
        normalise::<E, false>(&planes, &self.channels, [&planes.laid_out(x), gamma, beta])
    }
}

impl<E: Element> Var<E> {
    /// `self`, `[N, C, H, W]` or `[N, C]`, with the mean and variance of each channel over the batch taken out, times
    /// `gamma`, plus `beta`, both `[C]`. Moves the running statistics towards those of the batch.
    ///
    /// ```
    /// use evograd::{BatchNorm, RunningStats, Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 1], vec![1.0_f32, 3.0])?);
    /// let [gamma, beta] = [10.0, 5.0].map(|value| Var::constant(Tensor::full([1], value).unwrap()));
    /// let mut running = RunningStats::new(1)?;
    /// let y = x.batch_norm(&gamma, &beta, &mut running, BatchNorm::default())?;
    /// assert!((y.value().as_slice()[1] - 15.0).abs() < 1e-3);
    /// assert!((running.mean.item()? - 0.2).abs() < 1e-6); // 0.9·0 + 0.1·2
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has other than 2 or 4 axes or a single value for each channel, a parameter or running statistic is
    /// not `[C]`, a setting is out of range, or a running statistic would no longer fit the element type. The running
    /// statistics are then as before.
    pub fn batch_norm(
        &self,
        gamma: &Var<E>,
        beta: &Var<E>,
        running: &mut RunningStats<E>,
        options: BatchNorm,
    ) -> Result<Var<E>> {
        let inputs = [self, gamma, beta];
        let (y, moments) = train(inputs, running, options, Training::<false>::new)?;
        let channels = moments.iter().map(|moments| channel(moments, options.epsilon)).collect();
        Ok(y.recomputable(Normalised { inputs: inputs.map(|input| input.value().clone()), channels }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, ThreadPool, checked};

    fn run<E: Element>(x: &Tensor<E>, c: usize, running: &mut RunningStats<E>) -> Result<Var<E>> {
        let [gamma, beta] = [E::ONE, E::ZERO].map(|value| Var::constant(Tensor::full([c], value).unwrap()));
        Var::constant(x.clone()).batch_norm(&gamma, &beta, running, BatchNorm::default())
    }

    #[test]
    fn values_and_running_statistics_are_those_worked_out_by_hand() {
        // Channel 0 holds 1, 2, 3, 6: mean 3, squared deviations 14. Channel 1 holds 0, 0, 4, 4: mean 2, 16.
        let x = Tensor::from_vec([2, 2, 1, 2], vec![1.0, 2.0, 0.0, 0.0, 3.0, 6.0, 4.0, 4.0]).unwrap();
        let mut running = RunningStats::<f64>::new(2).unwrap();
        let y = run(&x, 2, &mut running).unwrap();
        let scale = [1.0 / (3.5_f64 + 1e-5).sqrt(), 1.0 / (4.0_f64 + 1e-5).sqrt()];
        let expected = [(-2.0, 0), (-1.0, 0), (-2.0, 1), (-2.0, 1), (0.0, 0), (3.0, 0), (2.0, 1), (2.0, 1)];
        for (y, (deviation, channel)) in y.value().as_slice().iter().zip(expected) {
            assert!((y - deviation * scale[channel]).abs() < 1e-14);
        }
        let close = |found: &Tensor<f64>, expected: [f64; 2]| {
            found.as_slice().iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-14)
        };
        assert!(close(&running.mean, [0.3, 0.2]));
        assert!(close(&running.variance, [0.9 + 0.1 * 14.0 / 3.0, 0.9 + 0.1 * 16.0 / 3.0]));
    }

    /// A mean ten thousand times the deviation: a variance from `E[x²] − E[x]²` would have no digit left in `f32`.
    #[test]
    fn a_large_mean_costs_no_accuracy() {
        let x = Tensor::from_fn([8, 3, 16, 16], |i| 1e4 + (i * 7919 % 1009) as f32 / 300.0).unwrap();
        let single = run(&x, 3, &mut RunningStats::new(3).unwrap()).unwrap();
        let double = run(&x.cast::<f64>(), 3, &mut RunningStats::new(3).unwrap()).unwrap();
        for (single, double) in single.value().as_slice().iter().zip(double.value().as_slice()) {
            assert!((f64::from(*single) - double).abs() < 2e-6, "{single} instead of {double}");
        }
    }

    /// Right values by hand: eight equidistant values have the variance 5.25 of their distance squared.
    #[test]
    fn squares_that_overflow_spoil_no_normalised_value() {
        for (scale, epsilon) in [(1e20, 1e-5), (3e37, 1e-5), (1e-20, 1e-44), (1e-30, 1e-44)] {
            let x = Tensor::from_fn([8, 1], |i| (i as f32 - 3.0) * scale).unwrap();
            let [gamma, beta] = [1.0, 0.5].map(|value| Var::constant(Tensor::full([1], value).unwrap()));
            let options = BatchNorm { epsilon, momentum: 0.0 };
            let y = Var::constant(x).batch_norm(&gamma, &beta, &mut RunningStats::new(1).unwrap(), options).unwrap();
            let epsilon = f64::from(epsilon as f32) / f64::from(scale).powi(2);
            for (i, y) in y.value().as_slice().iter().enumerate() {
                let expected = (i as f64 - 3.5) / (5.25 + epsilon).sqrt() + 0.5;
                assert!((f64::from(*y) - expected).abs() < 1e-6, "{scale}: {y} instead of {expected}");
            }
        }
    }

    #[test]
    fn a_running_statistic_that_does_not_fit_is_an_error_and_none_moves() {
        // The second channel has the unbiased variance 2·(2e20)², of which a tenth goes into the running one.
        let x = Tensor::from_vec([2, 2], vec![1.0_f32, -2e20, 3.0, 2e20]).unwrap();
        let mut running = RunningStats::new(2).unwrap();
        let text = run(&x, 2, &mut running).unwrap_err().to_string();
        assert_eq!(
            text,
            "batch_norm: the running variance of channel 1 [2] would be 8.000000320654042e39, which f32 cannot hold; \
             lower the learning rate, or scale what comes in"
        );
        assert_eq!(running, RunningStats::new(2).unwrap());
    }

    #[test]
    fn a_batch_of_vectors_is_one_of_single_pixels() {
        let x = Tensor::from_fn([300, 70], |i| (i * 7919 % 1009) as f32 / 100.0).unwrap();
        let y = run(&x, 70, &mut RunningStats::new(70).unwrap()).unwrap();
        let pixels = run(&x.reshape([300, 70, 1, 1]).unwrap(), 70, &mut RunningStats::new(70).unwrap()).unwrap();
        assert_eq!(y.value().as_slice(), pixels.value().as_slice());
        let column = |c: usize| y.value().as_slice().iter().skip(c).step_by(70).map(|y| f64::from(*y));
        for c in 0..70 {
            assert!((column(c).sum::<f64>() / 300.0).abs() < 1e-6);
            assert!((column(c).map(|y| y * y).sum::<f64>() / 300.0 - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit_of_a_batch_of_many_chunks() {
        let bits = |threads| {
            ThreadPool::new(threads).unwrap().install(|| {
                let tape = Tape::new();
                let x = tape.leaf(Tensor::from_fn([5, 7, 41, 43], |i| (i * 7919 % 1009) as f32 / 100.0).unwrap());
                let [gamma, beta] = [1.5, 0.5].map(|value| tape.leaf(Tensor::full([7], value).unwrap()));
                let mut running = RunningStats::new(7).unwrap();
                let y = x.batch_norm(&gamma, &beta, &mut running, BatchNorm::default()).unwrap();
                let dy = Tensor::from_fn([5, 7, 41, 43], |i| (i * 31 % 97) as f32 / 97.0).unwrap();
                let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
                let all = [y.value(), gradients.get(&x).unwrap(), gradients.get(&gamma).unwrap(), &running.variance];
                all.map(|tensor| tensor.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>())
            })
        };
        assert_eq!(bits(1), bits(2));
        assert_eq!(bits(1), bits(3));
    }

    #[test]
    fn nan_spoils_its_channel_alone() {
        let mut x = Tensor::from_fn([2, 2, 2, 2], |i| i as f32).unwrap();
        x.as_mut_slice()[0] = f32::NAN;
        let mut running = RunningStats::new(2).unwrap();
        let y = run(&x, 2, &mut running).unwrap();
        let spoiled = y.value().as_slice().chunks(4).map(|plane| plane.iter().all(|y| y.is_nan()));
        assert_eq!(spoiled.collect::<Vec<_>>(), [true, false, true, false]);
        assert!(y.value().as_slice()[4..8].iter().all(|y| y.is_finite()));
        assert!(running.mean.as_slice()[0].is_nan() && running.mean.as_slice()[1].is_finite());
    }

    #[test]
    fn the_running_statistics_stay_when_the_operation_fails() {
        let mut running = RunningStats::new(1).unwrap();
        let infinite = Tensor::from_vec([2, 1], vec![1.0_f32, f32::INFINITY]).unwrap();
        assert!(checked(|| run(&infinite, 1, &mut running)).is_err());
        assert!(run(&Tensor::zeros([1, 1]).unwrap(), 1, &mut running).is_err());
        assert_eq!(running, RunningStats::new(1).unwrap());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = |x: &[usize], channels: usize, options: BatchNorm| {
            let [gamma, beta] = [3, channels].map(|c| Var::constant(Tensor::<f32>::zeros([c]).unwrap()));
            let x = Var::constant(Tensor::zeros(x).unwrap());
            let mut running = RunningStats::new(3).unwrap();
            x.batch_norm(&gamma, &beta, &mut running, options).unwrap_err().to_string()
        };
        let default = BatchNorm::default();
        let rest = "gamma [3], beta [3], running mean [3], running variance [3])";
        assert_eq!(
            text(&[2, 3, 4], 3, default),
            format!("batch_norm: x has 3 axes (x [2, 3, 4], {rest}; give it the shape [N, C] or [N, C, H, W]")
        );
        assert_eq!(
            text(&[2, 3], 4, default),
            "batch_norm: x has 3 channels, but beta has the shape [4] \
             (x [2, 3], gamma [3], beta [4], running mean [3], running variance [3]); give beta the shape [3]"
        );
        assert_eq!(
            text(&[1, 3, 1, 1], 3, default),
            format!(
                "batch_norm: one value for each channel has no variance (x [1, 3, 1, 1], {rest}; \
                 use a larger batch or batch_norm_eval"
            )
        );
        assert_eq!(
            text(&[2, 3], 3, BatchNorm { epsilon: 0.0, ..default }),
            format!("batch_norm: epsilon is 0 (x [2, 3], {rest}; use a number above 0, such as 1e-5")
        );
        let lost = text(&[2, 3], 3, BatchNorm { epsilon: 1e-90, ..default });
        assert!(lost.starts_with("batch_norm: epsilon is 0.0000") && lost.ends_with("such as 1e-5"), "{lost}");
        assert_eq!(
            text(&[2, 3], 3, BatchNorm { momentum: 1.5, ..default }),
            format!("batch_norm: momentum is 1.5 (x [2, 3], {rest}; use a number from 0 to 1, such as 0.1")
        );
    }
}
