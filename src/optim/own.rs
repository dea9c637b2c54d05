//! A rule of one's own by which weights follow their gradients. Knows tensors alone.

use crate::error::Result;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::fmt::Debug;

/// What a step of a rule goes by, besides the gradient.
///
/// ```
/// let at = evograd::RuleStep { rate: 0.1, weight_decay: 0.0, number: 1 };
/// assert_eq!(at.number, 1); // the first step
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleStep {
    /// The learning rate.
    pub rate: f64,
    /// The weight decay of this weight, 0 where it does not decay.
    pub weight_decay: f64,
    /// Which step of this weight it is, counted from 1; steps without a gradient of it, as while it is frozen, do not count.
    pub number: u64,
}

/// A rule of one's own by which a weight follows its gradient; [`Optimizer::own`](crate::Optimizer::own) runs it.
///
/// What it remembers between steps are tensors, which the optimiser holds and checkpoints save under these names. The rule itself is
/// plain settings.
///
/// ```
/// use evograd::{Optimizer, OwnRule, Result, RuleStep, Tensor};
///
/// /// Every element moves by the rate, against the sign of a mean of its gradients (as signSGD with momentum).
/// #[derive(Debug)]
/// struct Sign;
///
/// impl OwnRule for Sign {
///     fn name(&self) -> &'static str {
///         "sign"
///     }
///     fn memory(&self) -> &'static [&'static str] {
///         &["mean"]
///     }
///     fn step(&self, weight: &mut Tensor, memory: &mut [Tensor], gradient: &Tensor, at: RuleStep) -> Result<()> {
///         let (means, weights) = (memory[0].as_mut_slice(), weight.as_mut_slice());
///         for ((w, mean), dw) in weights.iter_mut().zip(means).zip(gradient.as_slice()) {
///             *mean = 0.9 * *mean + 0.1 * dw;
///             *w -= at.rate as f32 * mean.signum();
///         }
///         Ok(())
///     }
/// }
///
/// let mut weights = vec![Tensor::full([2], 1.0)?];
/// let mut optimizer = Optimizer::own(Sign, &weights, vec![0.0])?;
/// optimizer.step(&mut weights, &[Tensor::from_vec([2], vec![3.0, -0.1])?], 0.25)?;
/// assert_eq!(weights[0].as_slice(), [0.75, 1.25]);
/// # Ok::<(), evograd::Error>(())
/// ```
pub trait OwnRule<E: Element = f32>: Debug + Send + Sync {
    /// Its name in profiles and errors.
    fn name(&self) -> &'static str;

    /// The names of the tensors that it remembers of each weight: each has the shape of the weight and begins at zero.
    fn memory(&self) -> &'static [&'static str] {
        &[]
    }

    /// One step of one weight; `memory` has a tensor for each name of [`OwnRule::memory`].
    ///
    /// # Errors
    /// When the rule refuses; then no weight of the network is changed, and nothing that is remembered.
    fn step(&self, weight: &mut Tensor<E>, memory: &mut [Tensor<E>], gradient: &Tensor<E>, at: RuleStep) -> Result<()>;
}
