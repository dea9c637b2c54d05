//! An optimiser for all weights of a network, with its state.

use super::adam::{check_adam, move_adam};
use super::own::{OwnRule, RuleStep};
use super::sgd::{check_sgd, move_sgd};
use super::{AdamStep, SgdStep, own};
use crate::error::{Error, Result};
use crate::profile::{Event, Pass, timed};
use crate::shape::Shape;
use crate::tensor::{Tensor, guarded};
use evograd_kernels::Element;
use std::sync::Arc;

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

/// How weights follow their gradients: by a rule of this crate, or by one from outside.
#[derive(Clone, Debug)]
enum AnyRule<E: Element> {
    Known(Rule),
    Own(Arc<dyn OwnRule<E>>),
}

/// The step of one weight by a rule of this crate.
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
    rule: AnyRule<E>,
    /// The weight decay of each weight.
    decays: Vec<f64>,
    /// What is remembered of each weight, a tensor for each of the rule's names.
    memory: Vec<Vec<Tensor<E>>>,
    steps: u64,
    /// The steps that each weight has taken: fewer than all where it was frozen, since Adam corrects its means by their number.
    weight_steps: Vec<u64>,
}

impl Rule {
    /// The names of what is remembered of each weight.
    fn memory(&self) -> &'static [&'static str] {
        match self {
            Rule::Sgd { .. } => &["velocity"],
            Rule::Adam { .. } => &["mean", "square"],
        }
    }
}

impl<E: Element> AnyRule<E> {
    fn memory(&self) -> &'static [&'static str] {
        match self {
            AnyRule::Known(rule) => rule.memory(),
            AnyRule::Own(rule) => rule.memory(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            AnyRule::Known(Rule::Sgd { .. }) => "sgd",
            AnyRule::Known(Rule::Adam { .. }) => "adam",
            AnyRule::Own(rule) => rule.name(),
        }
    }
}

impl<E: Element> Optimizer<E> {
    /// An optimiser that remembers nothing yet, with the weight decay of each weight.
    ///
    /// # Errors
    /// When there is not one decay for each weight, or the system has not the memory.
    pub fn new(rule: Rule, weights: &[Tensor<E>], decays: Vec<f64>) -> Result<Self> {
        Self::of(AnyRule::Known(rule), weights, decays)
    }

    /// As [`Optimizer::new`], with a rule of one's own; see [`OwnRule`].
    ///
    /// # Errors
    /// As [`Optimizer::new`]; and when the rule remembers two tensors under one name.
    pub fn own(rule: impl OwnRule<E> + 'static, weights: &[Tensor<E>], decays: Vec<f64>) -> Result<Self> {
        let names = rule.memory();
        if let Some(name) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)).map(|(_, name)| name)
        {
            let problem = format!("{} remembers two tensors called {name}", rule.name());
            return Err(Error::op("optimizer", problem, &[], "give each a name of its own"));
        }
        Self::of(AnyRule::Own(Arc::new(rule)), weights, decays)
    }

    fn of(rule: AnyRule<E>, weights: &[Tensor<E>], decays: Vec<f64>) -> Result<Self> {
        if decays.len() != weights.len() {
            return Err(mismatch("decays", decays.len(), weights.len()));
        }
        let zeros = |weight: &Tensor<E>| rule.memory().iter().map(|_| Tensor::zeros(weight.shape())).collect();
        let memory = weights.iter().map(zeros).collect::<Result<_>>()?;
        Ok(Optimizer { rule, decays, memory, steps: 0, weight_steps: vec![0; weights.len()] })
    }

    /// One step of all weights at a learning rate.
    ///
    /// # Errors
    /// When there is not one gradient for each weight, shapes differ, a setting makes no sense, the square of a gradient does
    /// not fit Adam's memory, or the system has not the memory. Nothing is changed then, in no weight.
    pub fn step(&mut self, weights: &mut [Tensor<E>], gradients: &[Tensor<E>], rate: f64) -> Result<()> {
        self.move_all(weights, &gradients.iter().map(Some).collect::<Vec<_>>(), rate)
    }

    /// As [`Optimizer::step`], where a weight without a gradient stays as it is: it does not decay, and what is remembered of it
    /// does not move it. Steps are counted for each weight: one that gets its first gradient late moves as under a new optimiser.
    ///
    /// ```
    /// use evograd::{Optimizer, Rule, Tensor};
    /// let mut weights = [Tensor::scalar(1.0_f64), Tensor::scalar(1.0)];
    /// let mut optimizer = Optimizer::new(Rule::Sgd { momentum: 0.9, nesterov: false }, &weights, vec![0.5; 2])?;
    /// optimizer.step_some(&mut weights, &[Some(Tensor::scalar(1.5)), None], 0.25)?;
    /// assert_eq!((weights[0].item()?, weights[1].item()?), (0.5, 1.0)); // 1 − 0.25·(1.5 + 0.5·1)
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Optimizer::step`].
    pub fn step_some(&mut self, weights: &mut [Tensor<E>], gradients: &[Option<Tensor<E>>], rate: f64) -> Result<()> {
        self.move_all(weights, &gradients.iter().map(Option::as_ref).collect::<Vec<_>>(), rate)
    }

    fn move_all(&mut self, weights: &mut [Tensor<E>], gradients: &[Option<&Tensor<E>>], rate: f64) -> Result<()> {
        for (name, len) in [("weights", weights.len()), ("gradients", gradients.len())] {
            if len != self.memory.len() {
                return Err(mismatch(name, len, self.memory.len()));
            }
        }
        let rule = self.rule.clone();
        let (done, span) = match rule {
            AnyRule::Known(rule) => {
                self.prepare(rule, weights, gradients, rate)?;
                timed(|| self.update(rule, weights, gradients, rate))
            }
            AnyRule::Own(rule) => timed(|| self.update_by(&*rule, weights, gradients, rate)),
        };
        if let Some(span) = span {
            span.note(self.event(weights));
        }
        done?;
        self.steps += 1;
        let moved = self.weight_steps.iter_mut().zip(gradients).filter(|(_, gradient)| gradient.is_some());
        moved.for_each(|(steps, _)| *steps += 1);
        Ok(())
    }

    /// Finds everything that could stop the step of any weight, before the first one is changed.
    fn prepare(
        &mut self,
        rule: Rule,
        weights: &mut [Tensor<E>],
        gradients: &[Option<&Tensor<E>>],
        rate: f64,
    ) -> Result<()> {
        for (i, memory) in self.memory.iter().enumerate() {
            let Some(gradient) = gradients[i] else { continue };
            match (self.step_of(rule, i, rate), &memory[..]) {
                (Step::Sgd(step), [velocity]) => check_sgd(&weights[i], velocity, gradient, step)?,
                (Step::Adam(step), [mean, square]) => {
                    check_adam(&weights[i], [mean, square], gradient, step, self.weight_steps[i] + 1)?;
                }
                _ => unreachable!("memory is made by the rule's names"),
            }
        }
        let moved = self.memory.iter_mut().zip(weights).zip(gradients).filter(|(_, gradient)| gradient.is_some());
        moved.map(|(pair, _)| pair).try_for_each(|(memory, weight)| {
            let mut tensors: Vec<&mut Tensor<E>> = memory.iter_mut().collect();
            tensors.push(weight);
            own(&mut tensors)
        })
    }

    /// The step of one weight.
    fn step_of(&self, rule: Rule, i: usize, rate: f64) -> Step {
        let weight_decay = self.decays[i];
        match rule {
            Rule::Sgd { momentum, nesterov } => Step::Sgd(SgdStep { rate, momentum, weight_decay, nesterov }),
            Rule::Adam { beta1, beta2, epsilon, decoupled } => {
                Step::Adam(AdamStep { rate, beta1, beta2, epsilon, weight_decay, decoupled })
            }
        }
    }

    /// The step of every weight, which [`Optimizer::prepare`] has passed.
    fn update(
        &mut self,
        rule: Rule,
        weights: &mut [Tensor<E>],
        gradients: &[Option<&Tensor<E>>],
        rate: f64,
    ) -> Result<()> {
        for (i, weight) in weights.iter_mut().enumerate() {
            let Some(gradient) = gradients[i] else { continue };
            match (self.step_of(rule, i, rate), &mut self.memory[i][..]) {
                (Step::Sgd(step), [velocity]) => move_sgd(weight, velocity, gradient, step)?,
                (Step::Adam(step), [mean, square]) => {
                    move_adam(weight, [mean, square], gradient, step, self.weight_steps[i] + 1)?;
                }
                _ => unreachable!("memory is made by the rule's names"),
            }
        }
        Ok(())
    }

    /// The step of every weight by a rule from outside. What it may refuse is not known before, so that all is kept until the last
    /// weight has moved: a tensor is copied when the rule writes to it.
    fn update_by(
        &mut self,
        rule: &dyn OwnRule<E>,
        weights: &mut [Tensor<E>],
        gradients: &[Option<&Tensor<E>>],
        rate: f64,
    ) -> Result<()> {
        let before = (weights.to_vec(), self.memory.clone());
        let given = gradients.iter().zip(&self.decays).zip(&self.weight_steps);
        let outcome = weights.iter_mut().zip(&mut self.memory).zip(given).try_for_each(|((weight, memory), given)| {
            let ((gradient, decay), taken) = given;
            let Some(gradient) = gradient else { return Ok(()) };
            let at = RuleStep { rate, weight_decay: *decay, number: taken + 1 };
            step_by(rule, weight, memory, gradient, at)
        });
        if outcome.is_err() {
            weights.clone_from_slice(&before.0);
            self.memory = before.1;
        }
        outcome
    }

    /// What a profile records of a step: weight, gradient and memory are read, weight and memory written.
    fn event(&self, weights: &[Tensor<E>]) -> Event {
        // Weight and memory are read and written, the gradient is read.
        let (op, passes) = (self.rule.name(), 2 * self.rule.memory().len() as u64 + 3);
        let inputs: Vec<Shape> = weights.iter().map(|weight| *weight.shape()).collect();
        let all = Shape::new(&[inputs.iter().map(Shape::elements).sum()]).unwrap_or(Shape::SCALAR);
        let bytes = passes * weights.iter().map(Tensor::bytes).sum::<u64>();
        Event { inputs, bytes, ..Event::new(op, Pass::Update, all) }
    }

    /// Its rule with all settings, as `Debug` shows them.
    #[cfg(feature = "training")]
    pub(crate) fn rule_settings(&self) -> String {
        format!("{:?}", self.rule)
    }

    /// The name of its rule: `sgd`, `adam`, or that of an [`OwnRule`].
    pub fn rule_name(&self) -> &'static str {
        self.rule.name()
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Sets the number of steps taken, by the optimiser and by every weight, when a run goes on.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
        self.weight_steps.fill(steps);
    }

    /// For each weight, how many steps moved it: one without a gradient stays where it is.
    ///
    /// ```
    /// use evograd::{Optimizer, Rule, Tensor};
    /// let mut weights = [Tensor::scalar(1.0_f64), Tensor::scalar(1.0)];
    /// let mut optimizer = Optimizer::new(Rule::Sgd { momentum: 0.9, nesterov: false }, &weights, vec![0.0; 2])?;
    /// optimizer.step_some(&mut weights, &[Some(Tensor::scalar(1.5)), None], 0.25)?;
    /// assert_eq!((optimizer.steps(), optimizer.weight_steps()), (1, &[1, 0][..]));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn weight_steps(&self) -> &[u64] {
        &self.weight_steps
    }

    /// Sets the number of steps that each weight has taken, when a run goes on; [`Optimizer::set_steps`] comes before.
    ///
    /// ```
    /// use evograd::{Optimizer, Rule, Tensor};
    /// let weights = [Tensor::scalar(1.0_f64), Tensor::scalar(1.0)];
    /// let mut optimizer = Optimizer::new(Rule::Sgd { momentum: 0.9, nesterov: false }, &weights, vec![0.0; 2])?;
    /// optimizer.set_steps(7);
    /// optimizer.set_weight_steps(vec![7, 3])?;
    /// assert_eq!((optimizer.steps(), optimizer.weight_steps()), (7, &[7, 3][..]));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is not one number for each weight, or one is greater than that of all steps; nothing is changed then.
    pub fn set_weight_steps(&mut self, steps: Vec<u64>) -> Result<()> {
        if steps.len() != self.memory.len() {
            return Err(mismatch("numbers of steps", steps.len(), self.memory.len()));
        }
        if let Some(more) = steps.iter().find(|steps| **steps > self.steps) {
            let problem = format!("a weight has taken {more} steps, and the optimiser {}", self.steps);
            return Err(Error::op("optimizer", problem, &[], "give each weight at most the number of all steps"));
        }
        self.weight_steps = steps;
        Ok(())
    }

    /// What is remembered of each weight, with names: `velocity`, or `mean` and `square`, or those of an [`OwnRule`].
    pub fn state(&self) -> impl Iterator<Item = Vec<(&'static str, &Tensor<E>)>> {
        let names = self.rule.memory();
        self.memory.iter().map(move |memory| names.iter().copied().zip(memory).collect())
    }

    /// As [`Optimizer::state`], to be changed in place.
    pub fn state_mut(&mut self) -> impl Iterator<Item = Vec<(&'static str, &mut Tensor<E>)>> {
        let names = self.rule.memory();
        self.memory.iter_mut().map(move |memory| names.iter().copied().zip(memory).collect())
    }
}

/// The step of one weight by a rule from outside, which may neither give it another shape, nor make it infinite or NaN, nor run out
/// of memory unnoticed.
fn step_by<E: Element>(
    rule: &dyn OwnRule<E>,
    weight: &mut Tensor<E>,
    memory: &mut [Tensor<E>],
    gradient: &Tensor<E>,
    at: RuleStep,
) -> Result<()> {
    let (name, shape) = (rule.name(), *weight.shape());
    if *gradient.shape() != shape {
        let shapes = [("weight", &shape), ("gradient", gradient.shape())];
        return Err(Error::op(name, "the shapes differ", &shapes, "give the gradient the shape of the weight"));
    }
    guarded(name, &[("weight", &shape)], || rule.step(weight, memory, gradient, at))??;
    for tensor in std::iter::once(&*weight).chain(&*memory) {
        if *tensor.shape() != shape {
            let shapes = [("weight", &shape), ("now", tensor.shape())];
            let problem = "the rule gave a weight or what is remembered of it another shape";
            return Err(Error::op(name, problem, &shapes, "change their elements in place"));
        }
        if let Some(x) = tensor.as_slice().iter().find(|x| !x.is_finite()) {
            let problem = format!("the rule made {x} of a weight {shape} or of what is remembered of it");
            let remedy = "lower the learning rate, or see what the rule divides by".into();
            return Err(Error::Overflow { op: name, problem, remedy });
        }
    }
    Ok(())
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
    fn all(weights: &[Tensor], optimizer: &Optimizer) -> (Vec<Tensor>, Vec<Tensor>, Vec<u64>) {
        let state = optimizer.state().flatten().map(|(_, tensor)| tensor.clone());
        (weights.to_vec(), state.collect(), optimizer.weight_steps().to_vec())
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

    /// The rate by the number of the step, to see that number.
    #[derive(Debug)]
    struct Counts;

    impl OwnRule for Counts {
        fn name(&self) -> &'static str {
            "counts"
        }
        fn step(&self, weight: &mut Tensor, _: &mut [Tensor], _: &Tensor, at: RuleStep) -> Result<()> {
            weight.as_mut_slice().fill(at.number as f32);
            Ok(())
        }
    }

    /// A weight that gets its first gradient after a thousand steps moves by the same bits as under a new optimiser.
    #[test]
    fn a_weight_that_was_frozen_begins_as_under_a_new_optimiser() {
        let adamw = Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decoupled: true };
        type Make<'a> = &'a dyn Fn(&[Tensor]) -> Optimizer;
        let make: [Make<'_>; 4] = [
            &|weights| Optimizer::new(ADAM, weights, vec![0.1; weights.len()]).unwrap(),
            &|weights| Optimizer::new(adamw, weights, vec![0.1; weights.len()]).unwrap(),
            &|weights| Optimizer::new(SGD, weights, vec![0.1; weights.len()]).unwrap(),
            &|weights| Optimizer::own(Counts, weights, vec![0.1; weights.len()]).unwrap(),
        ];
        let gradient = |i: usize| Tensor::full([2, 3], (i as f32 * 0.7).sin()).unwrap();
        for make in make {
            let (mut weights, mut alone) = (vec![ones([1, 2]), ones([2, 3])], vec![ones([2, 3])]);
            let (mut optimizer, mut fresh) = (make(&weights), make(&alone));
            (0..1000).for_each(|_| optimizer.step_some(&mut weights, &[Some(ones([1, 2])), None], 0.01).unwrap());
            assert_eq!(weights[1], alone[0]);
            for i in 0..5 {
                optimizer.step(&mut weights, &[ones([1, 2]), gradient(i)], 0.01).unwrap();
                fresh.step(&mut alone, &[gradient(i)], 0.01).unwrap();
                assert_eq!(weights[1], alone[0], "{} after {} steps", optimizer.rule_name(), i + 1);
            }
            assert_eq!((optimizer.steps(), optimizer.weight_steps()), (1005, &[1005, 5][..]));
        }
    }

    #[test]
    fn numbers_of_steps_that_cannot_be_are_refused() {
        let mut optimizer = Optimizer::new(ADAM, &[ones([1, 1]), ones([1, 1])], vec![0.0; 2]).unwrap();
        optimizer.set_steps(4);
        let text = optimizer.set_weight_steps(vec![1]).unwrap_err().to_string();
        assert_eq!(text, "optimizer: 1 numbers of steps for 2 weights; give one for each weight");
        let text = optimizer.set_weight_steps(vec![4, 5]).unwrap_err().to_string();
        let expected = "optimizer: a weight has taken 5 steps, and the optimiser 4; \
                        give each weight at most the number of all steps";
        assert_eq!((text.as_str(), optimizer.weight_steps()), (expected, &[4, 4][..]));
    }
}
