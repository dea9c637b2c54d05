//! Normalising over the batch: its settings, the statistics of a batch, and how the running ones follow them. Knows no operation
//! by name.

use super::constant::require_positive;
use super::planes::{Channel, Planes};
use crate::error::{Error, Result};
use crate::setting::Allowed;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::norm::GradientCoefficients;
use evograd_kernels::{Element, stats::Moments};
use std::cell::OnceCell;
use std::rc::Rc;

/// Settings of [`Var::batch_norm`].
///
/// ```
/// use evograd::BatchNorm;
/// let slower = BatchNorm { momentum: 0.01, ..BatchNorm::default() };
/// assert_eq!(slower.epsilon, 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// What is added to the variance under the root.
    pub epsilon: f64,
    /// The weight of a batch's statistics in the running ones.
    pub momentum: f64,
}

impl Default for BatchNorm {
    fn default() -> Self {
        BatchNorm { epsilon: 1e-5, momentum: 0.1 }
    }
}

/// Mean and variance of each channel over the batches seen, for evaluation.
///
/// ```
/// use evograd::{BatchNorm, RunningStats, Tensor, Var};
/// let [gamma, beta] = [1.0_f32, 0.0].map(|x| Var::constant(Tensor::full([1], x).unwrap()));
/// let x = Var::constant(Tensor::from_vec([2, 1], vec![10.0, 30.0])?);
/// let mut running = RunningStats::new(1)?;
/// x.batch_norm(&gamma, &beta, &mut running, BatchNorm::default())?;
/// assert_eq!(running.mean.as_slice(), [2.0]); // a tenth of the way from 0 to 20
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RunningStats<E: Element = f32> {
    /// The mean of each channel, `[C]`.
    pub mean: Tensor<E>,
    /// The unbiased variance of each channel, `[C]`.
    pub variance: Tensor<E>,
}

impl<E: Element> RunningStats<E> {
    /// Mean 0 and variance 1 for each of `channels`.
    ///
    /// ```
    /// let running = evograd::RunningStats::<f32>::new(2)?;
    /// assert_eq!((running.mean.as_slice(), running.variance.as_slice()), (&[0.0, 0.0][..], &[1.0, 1.0][..]));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `channels` is 0 or the system has not the memory.
    pub fn new(channels: usize) -> Result<Self> {
        Ok(RunningStats { mean: Tensor::zeros([channels])?, variance: Tensor::full([channels], E::ONE)? })
    }

    /// Moves by `momentum` towards the statistics of a batch.
    ///
    /// # Errors
    /// When a statistic no longer fits the type. All are then as before.
    fn follow(&mut self, op: &'static str, batch: &[Moments], momentum: f64) -> Result<()> {
        let moved = |name, running: &Tensor<E>, new: &dyn Fn(&Moments) -> f64| {
            let (mut next, running_shape) = (running.clone(), running.shape());
            for (channel, (running, batch)) in next.as_mut_slice().iter_mut().zip(batch).enumerate() {
                let value = (1.0 - momentum) * running.to_f64() + momentum * new(batch);
                *running = E::from_f64(value);
                // What was NaN or infinite before stays so, and shows.
                if value.is_finite() && !running.is_finite() {
                    return Err(misfit::<E>(op, &format!("running {name} of channel {channel}"), value, running_shape));
                }
            }
            Ok(next)
        };
        let mean = moved("mean", &self.mean, &|batch| batch.mean)?;
        let variance = moved("variance", &self.variance, &|batch| batch.m2 / (batch.count - 1) as f64)?;
        *self = RunningStats { mean, variance };
        Ok(())
    }
}

/// That a statistic does not fit the element type.
fn misfit<E: Element>(op: &'static str, name: &str, value: f64, shape: &Shape) -> Error {
    let problem = format!("the {name} {shape} would be {value:e}, which {} cannot hold", E::NAME);
    Error::Overflow { op, problem, remedy: "lower the learning rate, or scale what comes in".into() }
}

/// The moments of the batch, handed from the operation to the method.
type Statistics = Rc<OnceCell<Vec<Moments>>>;

/// What an operation that normalises over the batch receives, and what it reports.
#[derive(Debug)]
pub(in crate::ops) struct Batch {
    options: BatchNorm,
    running: [Shape; 2],
    statistics: Statistics,
}

impl Batch {
    /// Refuses what `op` cannot normalise: `x`, `gamma` and `beta` of these shapes, with these settings.
    pub fn check<E: Element>(&self, op: &'static str, [x, gamma, beta]: [&Shape; 3]) -> Result<()> {
        let [mean, variance] = &self.running;
        let shapes = [("gamma", gamma), ("beta", beta), ("running mean", mean), ("running variance", variance)];
        let planes = Planes::checked(op, x, &shapes)?;
        let shapes = [&[("x", x)], &shapes[..]].concat();
        let refuse = |problem, remedy| Err(Error::op(op, problem, &shapes, remedy));
        let BatchNorm { epsilon, momentum } = self.options;
        require_positive::<E>(op, "epsilon", epsilon, &shapes, "1e-5")?;
        if !Allowed::Share.holds::<E>(momentum) {
            return refuse(format!("momentum is {momentum}"), "use a number from 0 to 1, such as 0.1");
        }
        if planes.values() == 1 {
            return refuse(
                "one value for each channel has no variance".into(),
                "use a larger batch or batch_norm_eval",
            );
        }
        Ok(())
    }

    /// What each channel of `x`, which is laid out, is normalised with.
    pub fn channels<E: Element>(&self, planes: &Planes, x: &[E]) -> Vec<Channel> {
        let moments = planes.moments(x);
        let channels = moments.iter().map(|moments| channel(moments, self.options.epsilon)).collect();
        self.statistics.set(moments).expect("apply runs forward once, and each operation has a cell of its own");
        channels
    }
}

/// For each channel, what [`Channel::backward`] makes `dx` with, from its sums.
pub(in crate::ops) fn gradient_coefficients<E: Element>(
    planes: &Planes,
    channels: &[Channel],
    sums: &[[f64; 2]],
    gamma: &Tensor<E>,
) -> Vec<GradientCoefficients<f64>> {
    let count = planes.values() as f64;
    let coefficients = |((channel, sums), gamma): ((&Channel, &[f64; 2]), &E)| {
        let gradient = channel.inverse * gamma.to_f64();
        let deviation = -gradient * channel.inverse * channel.inverse * sums[1] / count;
        GradientCoefficients { gradient, deviation, constant: -gradient * sums[0] / count }
    };
    channels.iter().zip(sums).zip(gamma.as_slice()).map(coefficients).collect()
}

/// What a channel of these moments is normalised with.
pub(in crate::ops) fn channel(moments: &Moments, epsilon: f64) -> Channel {
    let variance = moments.m2 / moments.count as f64;
    Channel { mean: moments.mean, inverse: 1.0 / (variance + epsilon).sqrt() }
}

/// Runs an operation that normalises over the batch, and moves the running statistics; answers those of the batch as well.
pub(in crate::ops) fn train<E: Element, O: Op<E, N>, const N: usize>(
    inputs: [&Var<E>; N],
    running: &mut RunningStats<E>,
    options: BatchNorm,
    operation: impl FnOnce(Batch) -> O,
) -> Result<(Var<E>, Vec<Moments>)> {
    let statistics = Statistics::default();
    let shapes = [*running.mean.shape(), *running.variance.shape()];
    let y = apply(operation(Batch { options, running: shapes, statistics: statistics.clone() }), inputs)?;
    let batch = statistics.get().expect("forward has set the moments of the batch").clone();
    running.follow(O::NAME, &batch, options.momentum)?;
    Ok((y, batch))
}
