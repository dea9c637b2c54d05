//! Batch normalisation with statistics that are given.
//!
//! **Formula** `y = (x − μ)·s·γ + β` with `s = 1/√(v + ε)`, where `μ` and `v` are the running mean and variance of the
//! channel.
//!
//! **Shapes** `x` and `y` are `[N, C, H, W]` or `[N, C]`; `γ`, `β`, `μ` and `v` are `[C]`.
//!
//! **Gradient** The statistics are constants, so `y` is linear in `x`: `dx = dy·s·γ`. Summed over all values of a
//! channel, `dγ = Σdy·(x − μ)·s` and `dβ = Σdy`.
//!
//! **Kept for backward** `x` (for `[N, C]` a transposed copy), `γ`, and two numbers for each channel.
//!
//! **Source** Ioffe and Szegedy, *Batch normalization*, ICML 2015, algorithm 2.

use super::support::batch_statistics::RunningStats;
use super::support::catalogue::{CHANNELS, IMAGES, Large, Row, case};
use super::support::constant::require_positive;
use super::support::isa;
use super::support::planes::{Affine, Channel, Planes, gradient_sums, parameter_gradients};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "batch_norm_eval",
    formula: "y = (x − mean)/√(variance + ε)·γ + β with given statistics",
    nondifferentiable: "",
    f32_bound: 12.0,
    draw: |draw| {
        let (n, c) = (draw.size(1, 5), draw.size(4, 7));
        let (h, w) = (draw.size(1, 5), draw.size(1, 5));
        let x = if draw.flag() { draw.values([n, c, h, w]) } else { draw.values([n, c]) };
        let (epsilon, mean, variance) = (draw.pick(&[1e-5, 1e-3]), draw.number(-2.0, 2.0), draw.number(0.2, 2.0));
        let parameters = format!("epsilon {epsilon} mean {mean} variance {variance}");
        case!([x, draw.values([c]), draw.values([c])], parameters, |v| {
            v[0].batch_norm_eval(&v[1], &v[2], &drawn(c, mean, variance)?, epsilon)
        })
    },
    large: Large {
        shapes: &[IMAGES, CHANNELS, CHANNELS],
        run: |v| v[0].batch_norm_eval(&v[1], &v[2], &RunningStats::new(6)?, 1e-5),
    },
};

/// Statistics that grow from channel to channel.
fn drawn<E: Element>(channels: usize, mean: f64, variance: f64) -> Result<RunningStats<E>> {
    let from = |start: f64| Tensor::from_fn([channels], |c| E::from_f64(f64::from(start as f32) + c as f64 / 8.0));
    Ok(RunningStats { mean: from(mean)?, variance: from(variance)? })
}

#[derive(Debug)]
struct Evaluating<E: Element> {
    running: RunningStats<E>,
    epsilon: f64,
}

#[derive(Debug)]
struct Kept<E: Element> {
    planes: Planes,
    /// Laid out in planes.
    x: Tensor<E>,
    gamma: Tensor<E>,
    channels: Vec<Channel>,
}

impl<E: Element> Op<E, 3> for Evaluating<E> {
    const NAME: &'static str = ROW.name;
    type Saved = Kept<E>;

    fn output_shape(&self, [x, gamma, beta]: [&Shape; 3]) -> Result<Shape> {
        let (mean, variance) = (self.running.mean.shape(), self.running.variance.shape());
        let shapes = [("gamma", gamma), ("beta", beta), ("running mean", mean), ("running variance", variance)];
        Planes::checked(ROW.name, x, &shapes)?;
        require_positive::<E>(ROW.name, "epsilon", self.epsilon, &[&[("x", x)], &shapes[..]].concat(), "1e-5")?;
        Ok(*x)
    }

    fn check(&self, [x, ..]: [&Tensor<E>; 3]) -> Result<()> {
        let RunningStats { variance, .. } = &self.running;
        // NaN comes through to the output, while an infinite variance would make it β, whatever x is.
        let Some(channel) = variance.as_slice().iter().position(|v| *v < E::ZERO || *v > E::MAX) else { return Ok(()) };
        let problem = format!("the running variance of channel {channel} is {}", variance.as_slice()[channel]);
        let shapes = [("x", x.shape()), ("running variance", variance.shape())];
        Err(Error::op(ROW.name, problem, &shapes, "give finite variances of at least 0, as batch_norm makes them"))
    }

    fn forward(&self, [x, gamma, beta]: [&Tensor<E>; 3]) -> (Tensor<E>, Kept<E>) {
        let isa = isa();
        let planes = Planes::agreed(x.shape());
        let x = planes.laid_out(x);
        let statistics = self.running.mean.as_slice().iter().zip(self.running.variance.as_slice());
        let channel = |(mean, variance): (&E, &E)| Channel {
            mean: mean.to_f64(),
            inverse: 1.0 / (variance.to_f64() + self.epsilon).sqrt(),
        };
        let channels: Vec<Channel> = statistics.map(channel).collect();
        let (values, gammas, betas) = (x.as_slice(), gamma.as_slice(), beta.as_slice());
        let y = planes.build(|c, place, y| {
            let affine = Affine { gamma: gammas[c], beta: betas[c] };
            channels[c].normalise(isa, affine, false, &values[place], y);
        });
        (y, Kept { planes, x, gamma: gamma.clone(), channels })
    }

    fn backward(&self, saved: Kept<E>, dy: Tensor<E>, wanted: [bool; 3]) -> [Option<Tensor<E>>; 3] {
        let Kept { planes, x, gamma, channels } = saved;
        let dy = planes.laid_out(&dy);
        let (isa, dy, gammas) = (isa(), dy.as_slice(), gamma.as_slice());
        let dx = wanted[0].then(|| planes.build(|c, place, dx| channels[c].scale(isa, gammas[c], &dy[place], dx)));
        if !(wanted[1] || wanted[2]) {
            return [dx, None, None];
        }
        let sums = gradient_sums(&planes, &channels, |_| None, [x.as_slice(), dy]);
        let [dgamma, dbeta] = parameter_gradients(&channels, &sums, *gamma.shape());
        [dx, Some(dgamma), Some(dbeta)]
    }
}

impl<E: Element> Var<E> {
    /// `self`, `[N, C, H, W]` or `[N, C]`, normalised with the running statistics of each channel, times `gamma`, plus
    /// `beta`, both `[C]`. The statistics are constants.
    ///
    /// ```
    /// use evograd::{RunningStats, Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 1], vec![7.0_f64])?);
    /// let [gamma, beta] = [10.0, 5.0].map(|value| Var::constant(Tensor::full([1], value).unwrap()));
    /// let running = RunningStats { mean: Tensor::full([1], 3.0)?, variance: Tensor::full([1], 4.0)? };
    /// assert!((x.batch_norm_eval(&gamma, &beta, &running, 1e-9)?.item()? - 25.0).abs() < 1e-6);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has other than 2 or 4 axes, a parameter or running statistic is not `[C]`, a running variance is
    /// below 0, or `epsilon` is not above 0.
    pub fn batch_norm_eval(
        &self,
        gamma: &Var<E>,
        beta: &Var<E>,
        running: &RunningStats<E>,
        epsilon: f64,
    ) -> Result<Var<E>> {
        apply(Evaluating { running: running.clone(), epsilon }, [self, gamma, beta])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchNorm;

    #[test]
    fn after_many_equal_batches_evaluation_agrees_with_training() {
        let x = Var::constant(Tensor::from_fn([64, 3, 4, 4], |i| (i * 7919 % 1009) as f64 / 100.0).unwrap());
        let [gamma, beta] = [1.5, -0.5].map(|value| Var::constant(Tensor::full([3], value).unwrap()));
        let mut running = RunningStats::new(3).unwrap();
        let train =
            |running: &mut RunningStats<f64>| x.batch_norm(&gamma, &beta, running, BatchNorm::default()).unwrap();
        (0..300).for_each(|_| drop(train(&mut running)));
        let (trained, evaluated) = (train(&mut running), x.batch_norm_eval(&gamma, &beta, &running, 1e-5).unwrap());
        for (trained, evaluated) in trained.value().as_slice().iter().zip(evaluated.value().as_slice()) {
            assert!((trained - evaluated).abs() < 2e-3, "{evaluated} instead of {trained}");
        }
    }

    #[test]
    fn a_negative_variance_is_refused_and_nan_goes_on_to_its_channel() {
        let [x, gamma] = [&[1, 3][..], &[3]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        let run = |variance| {
            let mut running = RunningStats::new(3).unwrap();
            running.variance.as_mut_slice()[1] = variance;
            x.batch_norm_eval(&gamma, &gamma, &running, 1e-5)
        };
        assert_eq!(
            run(-1.0).unwrap_err().to_string(),
            "batch_norm_eval: the running variance of channel 1 is -1 (x [1, 3], running variance [3]); \
             give finite variances of at least 0, as batch_norm makes them"
        );
        let y = run(f32::NAN).unwrap();
        assert_eq!(y.value().as_slice().iter().map(|y| y.is_nan()).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let [x, gamma] = [&[2, 3][..], &[3]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        let text = |channels, epsilon| {
            let running = RunningStats::new(channels).unwrap();
            x.batch_norm_eval(&gamma, &gamma, &running, epsilon).unwrap_err().to_string()
        };
        assert_eq!(
            text(2, 1e-5),
            "batch_norm_eval: x has 3 channels, but running mean has the shape [2] (x [2, 3], gamma [3], beta [3], \
             running mean [2], running variance [2]); give running mean the shape [3]"
        );
        assert_eq!(
            text(3, f64::NAN),
            "batch_norm_eval: epsilon is NaN (x [2, 3], gamma [3], beta [3], running mean [3], running variance [3]); \
             use a number above 0, such as 1e-5"
        );
    }
}
