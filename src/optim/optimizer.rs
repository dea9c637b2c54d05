//! An optimiser for all weights of a network, with its state.

use super::adam::{check_adam, move_adam};
use super::sgd::{check_sgd, move_sgd};
use super::{AdamStep, SgdStep, own};
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

/// The step of one weight.
enum Step {
    Sgd(SgdStep),
    Adam(AdamStep),
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
    /// When there is not one gradient for each weight, shapes differ, a setting makes no sense, the square of a gradient does
    /// not fit Adam's memory, or the system has not the memory. Nothing is changed then, in no weight.
    pub fn step(&mut self, weights: &mut [Tensor<E>], gradients: &[Tensor<E>], rate: f64) -> Result<()> {
        for (name, len) in [("weights", weights.len()), ("gradients", gradients.len())] {
            if len != self.memory.len() {
                return Err(mismatch(name, len, self.memory.len()));
            }
        }
        self.prepare(weights, gradients, rate)?;
        let (done, span) = timed(|| self.update(weights, gradients, rate));
        if let Some(span) = span {
            span.note(self.event(weights));
        }
        done?;
        self.steps += 1;
        Ok(())
    }

    /// Finds everything that could stop the step of any weight, before the first one is changed.
    fn prepare(&mut self, weights: &mut [Tensor<E>], gradients: &[Tensor<E>], rate: f64) -> Result<()> {
        for (i, [first, second]) in self.memory.iter().enumerate() {
            match self.step_of(i, rate) {
                Step::Sgd(step) => check_sgd(&weights[i], first, &gradients[i], step)?,
                Step::Adam(step) => check_adam(&weights[i], [first, second], &gradients[i], step, self.steps + 1)?,
            }
        }
        let memory = self.memory.iter_mut().zip(weights);
        memory.into_iter().try_for_each(|([first, second], weight)| own(&mut [weight, first, second]))
    }

    /// The step of one weight.
    fn step_of(&self, i: usize, rate: f64) -> Step {
        let weight_decay = self.decays[i];
        match self.rule {
            Rule::Sgd { momentum, nesterov } => Step::Sgd(SgdStep { rate, momentum, weight_decay, nesterov }),
            Rule::Adam { beta1, beta2, epsilon, decoupled } => {
                Step::Adam(AdamStep { rate, beta1, beta2, epsilon, weight_decay, decoupled })
            }
        }
    }

    /// The step of every weight, which [`Optimizer::prepare`] has passed.
    fn update(&mut self, weights: &mut [Tensor<E>], gradients: &[Tensor<E>], rate: f64) -> Result<()> {
        for (i, weight) in weights.iter_mut().enumerate() {
            let (step, [first, second]) = (self.step_of(i, rate), &mut self.memory[i]);
            match step {
                Step::Sgd(step) => move_sgd(weight, first, &gradients[i], step)?,
                Step::Adam(step) => move_adam(weight, [first, second], &gradients[i], step, self.steps + 1)?,
            }
        }
        Ok(())
    }

    /// What a profile records of a step: weight, gradient and memory are read, weight and memory written.
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

#[cfg(test)]
mod tests {
    use super::*;

    const SGD: Rule = Rule::Sgd { momentum: 0.9, nesterov: true };
    const ADAM: Rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: false };

    fn ones(sizes: [usize; 2]) -> Tensor {
        Tensor::full(sizes, 1.0).unwrap()
    }

    /// Everything that a step may change.
    fn all(weights: &[Tensor], optimizer: &Optimizer) -> (Vec<Tensor>, Vec<Tensor>, u64) {
        let state = optimizer.state().flatten().map(|(_, tensor)| tensor.clone());
        (weights.to_vec(), state.collect(), optimizer.steps())
    }

    #[test]
    fn a_step_that_fails_at_any_weight_changes_none() {
        let spoilt = |make: &dyn Fn(usize) -> Tensor, at: usize| -> Vec<Tensor> {
            (0..3).map(|i| if i == at { make(i) } else { ones([2, i + 1]) }).collect()
        };
        let otherwise = |i: usize| ones([i + 1, 2]);
        let other = |i: usize| if i == 1 { ones([4, 1]) } else { otherwise(i) };
        let huge = |i: usize| Tensor::full([2, i + 1], 1e20).unwrap();
        let nan = |i: usize| Tensor::full([2, i + 1], f32::NAN).unwrap();
        for at in 0..3 {
            for (rule, make) in [(SGD, &other as &dyn Fn(usize) -> Tensor), (ADAM, &other), (ADAM, &huge), (ADAM, &nan)]
            {
                let mut weights: Vec<Tensor> = (0..3).map(|i| ones([2, i + 1])).collect();
                let mut optimizer = Optimizer::new(rule, &weights, vec![0.1; 3]).unwrap();
                optimizer.step(&mut weights, &spoilt(&|i| ones([2, i + 1]), 0), 0.1).unwrap();
                let before = all(&weights, &optimizer);
                assert!(optimizer.step(&mut weights, &spoilt(make, at), 0.1).is_err(), "{rule:?} {at}");
                assert_eq!(all(&weights, &optimizer), before, "{rule:?} {at}");
            }
        }
    }

    #[test]
    fn a_setting_that_makes_no_sense_in_the_type_stops_the_step_of_every_weight() {
        let adam = |beta1, beta2, epsilon| Rule::Adam { beta1, beta2, epsilon, decoupled: true };
        let (tiny, huge, nearly) = (1e-46, 1e39, 1.0 - 1e-9);
        let table = [
            (adam(0.9, 0.999, 0.0), 0.0, 0.1, "epsilon is 0"),
            (adam(0.9, 0.999, tiny), 0.0, 0.1, "epsilon is 1e-46, which f32 holds as 0"),
            (adam(0.9, 0.999, huge), 0.0, 0.1, "epsilon is 1e39, which f32 holds as inf"),
            (adam(nearly, 0.999, 1e-8), 0.0, 0.1, "beta1 is 0.999999999, which f32 holds as 1"),
            (adam(0.9, nearly, 1e-8), 0.0, 0.1, "beta2 is 0.999999999, which f32 holds as 1"),
            (adam(0.9, 0.999, 1e-8), huge, 0.1, "weight_decay is 1e39, which f32 holds as inf"),
            (adam(0.9, 0.999, 1e-8), 0.0, huge, "rate is 1e39, which f32 holds as inf"),
            (Rule::Sgd { momentum: huge, nesterov: false }, 0.0, 0.1, "momentum is 1e39, which f32 holds as inf"),
            (SGD, huge, 0.1, "weight_decay is 1e39, which f32 holds as inf"),
            (SGD, 0.0, huge, "rate is 1e39, which f32 holds as inf"),
            (SGD, 0.0, f64::NAN, "rate is NaN"),
        ];
        for (rule, decay, rate, expected) in table {
            let mut weights = vec![ones([1, 2]), ones([3, 1])];
            let gradients = weights.clone();
            // The first weight decays as it should; the second does not.
            let mut optimizer = Optimizer::new(rule, &weights, vec![0.0, decay]).unwrap();
            let before = all(&weights, &optimizer);
            let text = optimizer.step(&mut weights, &gradients, rate).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
            assert_eq!(all(&weights, &optimizer), before, "{expected}");
        }
    }

    #[test]
    fn a_weight_without_gradient_stays_under_adam() {
        for epsilon in [1e-8, 1e-38] {
            let rule = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon, decoupled: false };
            let mut weights = vec![ones([1, 1])];
            let mut optimizer = Optimizer::new(rule, &weights, vec![0.0]).unwrap();
            optimizer.step(&mut weights, &[Tensor::zeros([1, 1]).unwrap()], 0.1).unwrap();
            assert_eq!(weights[0].item().unwrap(), 1.0);
        }
    }
}
