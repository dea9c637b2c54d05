//! An optimiser for all weights of a network, with its state.

use super::{AdamStep, SgdStep, adam_step, sgd_step};
use crate::error::{Error, Result};
use crate::profile::{Event, Pass, timed};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// How weights follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent; the rate and the decay stand elsewhere.
    Sgd {
        /// As [`SgdStep::momentum`].
        momentum: f64,
        /// As [`SgdStep::nesterov`].
        nesterov: bool,
    },
    /// Adam or AdamW; the rate and the decay stand elsewhere.
    Adam {
        /// As [`AdamStep::beta1`].
        beta1: f64,
        /// As [`AdamStep::beta2`].
        beta2: f64,
        /// As [`AdamStep::epsilon`].
        epsilon: f64,
        /// As [`AdamStep::decoupled`].
        decoupled: bool,
    },
}

/// An optimiser and what it remembers of each weight.
///
/// ```
/// use evograd::{Optimizer, Rule, Tensor};
/// let mut weights = vec![Tensor::scalar(1.0_f64)];
/// let mut optimizer = Optimizer::new(Rule::Sgd { momentum: 0.0, nesterov: false }, &weights, vec![0.0])?;
/// optimizer.step(&mut weights, &[Tensor::scalar(2.0)], 0.25)?;
/// assert_eq!(weights[0].item()?, 0.5);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Optimizer<E: Element = f32> {
    rule: Rule,
    /// The weight decay of each weight.
    decays: Vec<f64>,
    /// What is remembered of each weight: the velocity, or the means of the gradient and of its square.
    memory: Vec<[Tensor<E>; 2]>,
    steps: u64,
}

impl<E: Element> Optimizer<E> {
    /// An optimiser that remembers nothing yet, with the weight decay of each weight.
    ///
    /// # Errors
    /// When there is not one decay for each weight, or the system has not the memory.
    pub fn new(rule: Rule, weights: &[Tensor<E>], decays: Vec<f64>) -> Result<Self> {
        if decays.len() != weights.len() {
            return Err(mismatch("decays", decays.len(), weights.len()));
        }
        let scalar = || Ok(Tensor::scalar(E::ZERO));
        let memory = weights.iter().map(|weight| {
            let second = if matches!(rule, Rule::Adam { .. }) { Tensor::zeros(weight.shape()) } else { scalar() };
            Ok([Tensor::zeros(weight.shape())?, second?])
        });
        Ok(Optimizer { rule, decays, memory: memory.collect::<Result<_>>()?, steps: 0 })
    }

    /// One step of all weights at a learning rate.
    ///
    /// # Errors
    /// When there is not one gradient for each weight, shapes differ, or a setting makes no sense.
    pub fn step(&mut self, weights: &mut [Tensor<E>], gradients: &[Tensor<E>], rate: f64) -> Result<()> {
        for (name, len) in [("weights", weights.len()), ("gradients", gradients.len())] {
            if len != self.memory.len() {
                return Err(mismatch(name, len, self.memory.len()));
            }
        }
        self.steps += 1;
        let (done, span) = timed(|| self.update(weights, gradients, rate));
        if let Some(span) = span {
            span.note(self.event(weights));
        }
        done
    }

    /// The step of every weight.
    fn update(&mut self, weights: &mut [Tensor<E>], gradients: &[Tensor<E>], rate: f64) -> Result<()> {
        for (i, [first, second]) in self.memory.iter_mut().enumerate() {
            let weight_decay = self.decays[i];
            match self.rule {
                Rule::Sgd { momentum, nesterov } => {
                    let step = SgdStep { rate, momentum, weight_decay, nesterov };
                    sgd_step(&mut weights[i], first, &gradients[i], step)?;
                }
                Rule::Adam { beta1, beta2, epsilon, decoupled } => {
                    let step = AdamStep { rate, beta1, beta2, epsilon, weight_decay, decoupled };
                    adam_step(&mut weights[i], [first, second], &gradients[i], step, self.steps)?;
                }
            }
        }
        Ok(())
    }

    /// What a profile is told of a step: weight, gradient and memory are read, weight and memory written.
    fn event(&self, weights: &[Tensor<E>]) -> Event {
        let (op, passes) = match self.rule {
            Rule::Sgd { .. } => ("sgd", 5),
            Rule::Adam { .. } => ("adam", 7),
        };
        let inputs: Vec<Shape> = weights.iter().map(|weight| *weight.shape()).collect();
        let all = Shape::new(&[inputs.iter().map(Shape::elements).sum()]).unwrap_or(Shape::SCALAR);
        let bytes = passes * weights.iter().map(Tensor::bytes).sum::<u64>();
        Event { inputs, bytes, ..Event::new(op, Pass::Update, all) }
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Sets the number of steps taken, when a run goes on.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// What is remembered of each weight, with names: `velocity`, or `mean` and `square`.
    pub fn state(&self) -> impl Iterator<Item = Vec<(&'static str, &Tensor<E>)>> {
        let names = self.names();
        self.memory.iter().map(move |memory| names.iter().copied().zip(memory).collect())
    }

    /// As [`Optimizer::state`], to be changed in place.
    pub fn state_mut(&mut self) -> impl Iterator<Item = Vec<(&'static str, &mut Tensor<E>)>> {
        let names = self.names();
        self.memory.iter_mut().map(move |memory| names.iter().copied().zip(memory).collect())
    }

    fn names(&self) -> &'static [&'static str] {
        match self.rule {
            Rule::Sgd { .. } => &["velocity"],
            Rule::Adam { .. } => &["mean", "square"],
        }
    }
}

fn mismatch(name: &str, given: usize, wanted: usize) -> Error {
    let problem = format!("{given} {name} for {wanted} weights");
    Error::op("optimizer", problem, &[], "give one for each weight")
}
