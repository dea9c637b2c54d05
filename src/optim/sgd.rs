//! Stochastic gradient descent with momentum.

use super::{check, own};
use crate::error::Result;
use crate::par::{CHUNK, chunk, for_each_pair};
use crate::setting::Allowed;
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa, update};

/// Settings of [`sgd_step`].
///
/// ```
/// let usual = evograd::SgdStep { momentum: 0.9, nesterov: true, ..evograd::SgdStep::new(0.1) };
/// assert!(usual.nesterov);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// The learning rate.
    pub rate: f64,
    /// The share of the velocity that stays from step to step; 0 for plain gradient descent.
    pub momentum: f64,
    /// The share of the weights that is added to the gradient.
    pub weight_decay: f64,
    /// Whether to look ahead along the velocity.
    pub nesterov: bool,
}

impl SgdStep {
    /// Plain gradient descent with this learning rate.
    pub fn new(rate: f64) -> SgdStep {
        SgdStep { rate, momentum: 0.0, weight_decay: 0.0, nesterov: false }
    }
}

/// One step of stochastic gradient descent, in place: with `g = gradient + weight_decay·weights`, the velocity becomes
/// `momentum·velocity + g`, and the weights lose `rate` times the velocity, or times `g + momentum·velocity` with
/// Nesterov's look-ahead. The velocity starts at zero. The definition is PyTorch's.
///
/// A leaf made from a clone of the weights shares their memory. Drop the leaves and the tape before the step: weights
/// that are still shared are copied first.
///
/// ```
/// use evograd::{SgdStep, Tensor, sgd_step};
/// let (mut w, mut v) = (Tensor::scalar(1.0_f64), Tensor::scalar(0.0));
/// let step = SgdStep { momentum: 0.5, ..SgdStep::new(0.5) };
/// sgd_step(&mut w, &mut v, &Tensor::scalar(1.0), step)?;
/// sgd_step(&mut w, &mut v, &Tensor::scalar(1.0), step)?;
/// assert_eq!((w.item()?, v.item()?), (-0.25, 1.5));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the shapes differ, a setting is negative or not finite, or the system has not the memory. Nothing is changed then.
pub fn sgd_step<E: Element>(
    weights: &mut Tensor<E>,
    velocity: &mut Tensor<E>,
    gradient: &Tensor<E>,
    step: SgdStep,
) -> Result<()> {
    check_sgd(weights, velocity, gradient, step)?;
    own(&mut [&mut *weights, &mut *velocity])?;
    move_sgd(weights, velocity, gradient, step)
}

/// The step of [`sgd_step`], of what [`check_sgd`] has passed and nobody else holds.
pub(super) fn move_sgd<E: Element>(
    weights: &mut Tensor<E>,
    velocity: &mut Tensor<E>,
    gradient: &Tensor<E>,
    step: SgdStep,
) -> Result<()> {
    let isa = Isa::chosen()?;
    let kernel = if step.nesterov { update::sgd_nesterov } else { update::sgd };
    let [rate, momentum, decay] = [step.rate, step.momentum, step.weight_decay].map(E::from_f64);
    let (w, v, gradient) = (weights.as_mut_slice(), velocity.as_mut_slice(), gradient.as_slice());
    for_each_pair((w, CHUNK), (v, CHUNK), |i, w, v| {
        kernel(isa, &gradient[chunk(i, gradient.len())], rate, momentum, decay, w, v);
    });
    Ok(())
}

/// Refuses what [`sgd_step`] refuses.
pub(super) fn check_sgd<E: Element>(
    weights: &Tensor<E>,
    velocity: &Tensor<E>,
    gradient: &Tensor<E>,
    step: SgdStep,
) -> Result<()> {
    let shapes = [("weights", weights.shape()), ("velocity", velocity.shape()), ("gradient", gradient.shape())];
    let settings = [("rate", step.rate), ("momentum", step.momentum), ("weight_decay", step.weight_decay)];
    check::<E>("sgd_step", &shapes, &settings.map(|(name, value)| (name, value, Allowed::NotNegative)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ThreadPool;

    const STEP: SgdStep = SgdStep { rate: 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true };

    #[test]
    fn steps_follow_the_definition_on_any_number_of_threads() {
        let weights = |threads| {
            ThreadPool::new(threads).unwrap().install(|| {
                let mut w = Tensor::from_fn([40_001], |i| i as f64 / 1000.0).unwrap();
                let mut v = Tensor::zeros([40_001]).unwrap();
                for _ in 0..2 {
                    sgd_step(&mut w, &mut v, &Tensor::full([40_001], 2.0).unwrap(), STEP).unwrap();
                }
                w
            })
        };
        let (mut w, mut v) = (30.0, 0.0);
        for _ in 0..2 {
            let g = 2.0 + 0.01 * w;
            v = 0.9 * v + g;
            w -= 0.1 * (g + 0.9 * v);
        }
        assert!((weights(2).as_slice()[30_000] - w).abs() < 1e-12);
        assert_eq!(weights(1), weights(2));
    }

    #[test]
    fn what_does_not_fit_is_named_and_changes_nothing() {
        let [mut w, mut v] = [2, 3].map(|len| Tensor::<f32>::zeros([len]).unwrap());
        let gradient = Tensor::full([2], 1.0).unwrap();
        assert_eq!(
            sgd_step(&mut w, &mut v, &gradient, STEP).unwrap_err().to_string(),
            "sgd_step: the shapes differ (weights [2], velocity [3], gradient [2]); \
             give all of them the shape of the weights"
        );
        let mut v = w.clone();
        assert_eq!(
            sgd_step(&mut w, &mut v, &gradient, SgdStep { rate: -1.0, ..STEP }).unwrap_err().to_string(),
            "sgd_step: rate is -1 (weights [2], velocity [2], gradient [2]); use a finite number that is not negative"
        );
        assert_eq!(w.as_slice(), [0.0, 0.0]);
    }
}
