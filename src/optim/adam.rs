//! Adam, and Adam with decoupled weight decay.

use super::{check, own};
use crate::error::{Error, Result};
use crate::par::{chunk, for_each_triple};
use crate::setting::Allowed;
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa, reduce, update};

/// Settings of [`adam_step`].
///
/// ```
/// assert_eq!(evograd::AdamStep::default().beta2, 0.999);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The learning rate.
    pub rate: f64,
    /// The share of the gradients' mean that stays from step to step; below 1.
    pub beta1: f64,
    /// The share of the squared gradients' mean that stays from step to step; below 1.
    pub beta2: f64,
    /// What is added to the root; above 0. `f32` holds squares down to 1e-38 with all their digits, so gradients below
    /// 1e-19 count for less than they are, which an epsilon from 1e-12 on hides.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Whether the decay goes past the means straight to the weights, as in AdamW.
    pub decoupled: bool,
}

impl AdamStep {
    /// Adam with this learning rate, all else as usual.
    pub fn new(rate: f64) -> AdamStep {
        AdamStep { rate, ..AdamStep::default() }
    }
}

impl Default for AdamStep {
    fn default() -> Self {
        AdamStep { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, decoupled: false }
    }
}

/// One step of Adam, in place: `mean` and `square`, which begin at zero, follow the gradient and its square, and the
/// weights lose `rate·mean/(√square + epsilon)` with both corrected for their beginning. `number` counts steps from 1.
/// The definition is PyTorch's.
///
/// ```
/// use evograd::{AdamStep, Tensor, adam_step};
/// let [mut w, mut mean, mut square] = [1.0_f64, 0.0, 0.0].map(Tensor::scalar);
/// adam_step(&mut w, [&mut mean, &mut square], &Tensor::scalar(5.0), AdamStep::default(), 1)?;
/// assert!((w.item()? - 0.999).abs() < 1e-9); // the first step is the rate, whatever the gradient's size
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the shapes differ, a setting is negative or not finite, `epsilon` is 0 or a beta 1 in the element type, `number` is 0,
/// the square of a gradient does not fit the element type, or the system has not the memory. Nothing is changed then.
///
/// **Source** Kingma and Ba, *Adam: a method for stochastic optimization*, ICLR 2015; Loshchilov and Hutter, *Decoupled
/// weight decay regularization*, ICLR 2019.
pub fn adam_step<E: Element>(
    weights: &mut Tensor<E>,
    [mean, square]: [&mut Tensor<E>; 2],
    gradient: &Tensor<E>,
    step: AdamStep,
    number: u64,
) -> Result<()> {
    check_adam(weights, [mean, square], gradient, step, number)?;
    own(&mut [&mut *weights, &mut *mean, &mut *square])?;
    move_adam(weights, [mean, square], gradient, step, number)
}

/// The step of [`adam_step`], of what [`check_adam`] has passed and nobody else holds.
pub(super) fn move_adam<E: Element>(
    weights: &mut Tensor<E>,
    [mean, square]: [&mut Tensor<E>; 2],
    gradient: &Tensor<E>,
    step: AdamStep,
    number: u64,
) -> Result<()> {
    let isa = Isa::chosen()?;
    let correction = |beta: f64| 1.0 / (1.0 - beta.powi(i32::try_from(number).unwrap_or(i32::MAX)));
    let kernel = if step.decoupled { update::adam_w } else { update::adam };
    let [gain1, gain2] = [step.beta1, step.beta2].map(|beta| E::from_f64(1.0 - beta));
    let [correction1, correction2] = [step.beta1, step.beta2].map(|beta| E::from_f64(correction(beta)));
    let [rate, epsilon, decay] = [step.rate, step.epsilon, step.weight_decay].map(E::from_f64);
    let (gradient, scalars) =
        (gradient.as_slice(), update::AdamScalars { rate, gain1, gain2, correction1, correction2, epsilon, decay });
    for_each_triple(weights.as_mut_slice(), mean.as_mut_slice(), square.as_mut_slice(), |i, [w, m, v]| {
        kernel(isa, &gradient[chunk(i, gradient.len())], scalars, w, m, v);
    });
    Ok(())
}

/// Refuses what [`adam_step`] refuses.
pub(super) fn check_adam<E: Element>(
    weights: &Tensor<E>,
    [mean, square]: [&Tensor<E>; 2],
    gradient: &Tensor<E>,
    step: AdamStep,
    number: u64,
) -> Result<()> {
    let named = [("weights", weights), ("mean", mean), ("square", square), ("gradient", gradient)];
    check::<E>("adam_step", &named.map(|(name, tensor)| (name, tensor.shape())), &settings(&step))?;
    let refuse = |problem: String, remedy: &str| Err(Error::op("adam_step", problem, &[], remedy));
    if number == 0 {
        return refuse("the step's number is 0".into(), "count steps from 1");
    }
    // The decay is at most as great as the gradient may be, so that the square of both together fits.
    let (isa, bound) = (Isa::chosen()?, greatest_square_root::<E>() / 2.0);
    let fits =
        |x: &Tensor<E>, factor: f64| reduce::fits(isa, x.as_slice(), E::from_f64(E::MAX.to_f64() / bound * factor));
    let overflow = |problem, remedy: &str| Err(Error::Overflow { op: "adam_step", problem, remedy: remedy.into() });
    if !fits(gradient, 1.0) {
        let problem = format!("a gradient is not finite, or its square does not fit {}", E::NAME);
        return overflow(problem, "clip the gradients, or lower the learning rate");
    }
    let decay = if step.decoupled { 0.0 } else { step.weight_decay };
    if !fits(weights, decay) {
        let problem = format!("a weight is not finite, or the square of its decay does not fit {}", E::NAME);
        return overflow(problem, "lower the learning rate or weight_decay");
    }
    Ok(())
}

/// The root of the greatest number of the type.
fn greatest_square_root<E: Element>() -> f64 {
    E::MAX.to_f64().sqrt()
}

fn settings(step: &AdamStep) -> [(&'static str, f64, Allowed); 5] {
    [
        ("rate", step.rate, Allowed::NotNegative),
        ("beta1", step.beta1, Allowed::BelowOne),
        ("beta2", step.beta2, Allowed::BelowOne),
        ("epsilon", step.epsilon, Allowed::Positive),
        ("weight_decay", step.weight_decay, Allowed::NotNegative),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ThreadPool;

    #[test]
    fn steps_follow_the_definition_on_any_number_of_threads() {
        for decoupled in [false, true] {
            let step = AdamStep { rate: 0.1, weight_decay: 0.01, decoupled, ..AdamStep::default() };
            let run = |threads| {
                ThreadPool::new(threads).unwrap().install(|| {
                    let mut w = Tensor::from_fn([40_001], |i| i as f64 / 1000.0).unwrap();
                    let [mut m, mut v] = [0; 2].map(|_| Tensor::zeros([40_001]).unwrap());
                    for number in 1..=3 {
                        let gradient = Tensor::full([40_001], number as f64).unwrap();
                        adam_step(&mut w, [&mut m, &mut v], &gradient, step, number).unwrap();
                    }
                    w
                })
            };
            let (mut w, mut m, mut v) = (30.0, 0.0, 0.0);
            for number in 1..=3 {
                let (given, decay) = (f64::from(number), 0.01 * w);
                let g = if decoupled { given } else { given + decay };
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                let (m, v) = (m / (1.0 - 0.9_f64.powi(number)), v / (1.0 - 0.999_f64.powi(number)));
                w -= 0.1 * m / (v.sqrt() + 1e-8) + if decoupled { 0.1 * decay } else { 0.0 };
            }
            assert!((run(1).as_slice()[30_000] - w).abs() < 1e-9, "decoupled {decoupled}");
            assert_eq!(run(1), run(2));
        }
    }

    /// The tensor that is too large is the one that is blamed, and a weight is only where it counts: in the decay of Adam.
    #[test]
    fn what_does_not_fit_is_named() {
        let gradient = Some("adam_step: a gradient is not finite, or its square does not fit f32; clip the gradients");
        let weight = Some("adam_step: a weight is not finite, or the square of its decay does not fit f32; lower the");
        let decays = AdamStep { weight_decay: 0.1, ..AdamStep::default() };
        let decoupled = AdamStep { decoupled: true, ..decays };
        let table = [
            (1.0, 1e20, decays, gradient),
            (1.0, f32::NAN, decays, gradient),
            (1e30, 1.0, decays, weight),
            (f32::INFINITY, 1.0, decays, weight),
            (1e30, 1.0, decoupled, None),
            (1e30, 1.0, AdamStep::default(), None),
            (1e30, 1e20, decays, gradient),
        ];
        for (weight, slope, step, expected) in table {
            let mut w = Tensor::full([3], weight).unwrap();
            let [mut m, mut v] = [0; 2].map(|_| Tensor::zeros([3]).unwrap());
            let slope = Tensor::full([3], slope).unwrap();
            let found = adam_step(&mut w, [&mut m, &mut v], &slope, step, 1).map_err(|error| error.to_string());
            match expected {
                None => assert_eq!(found, Ok(())),
                Some(expected) => assert!(found.as_ref().is_err_and(|text| text.starts_with(expected)), "{found:?}"),
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let [mut w, mut m, mut v] = [0; 3].map(|_| Tensor::<f32>::zeros([2]).unwrap());
        let gradient = Tensor::full([2], 1.0).unwrap();
        let mut refused =
            |step, number| adam_step(&mut w, [&mut m, &mut v], &gradient, step, number).unwrap_err().to_string();
        let beta = AdamStep { beta1: 1.0, ..AdamStep::default() };
        assert_eq!(
            refused(beta, 1),
            "adam_step: beta1 is 1 (weights [2], mean [2], square [2], gradient [2]); \
             use a number below 1, such as 0.9 and 0.999"
        );
        let epsilon = AdamStep { epsilon: 1e-46, ..AdamStep::default() };
        assert_eq!(
            refused(epsilon, 1),
            "adam_step: epsilon is 1e-46, which f32 holds as 0 (weights [2], mean [2], square [2], gradient [2]); \
             use a number above 0, such as 1e-8"
        );
        assert_eq!(refused(AdamStep::default(), 0), "adam_step: the step's number is 0; count steps from 1");
        assert_eq!(
            refused(AdamStep { rate: f64::NAN, ..AdamStep::default() }, 1),
            "adam_step: rate is NaN (weights [2], mean [2], square [2], gradient [2]); \
             use a finite number that is not negative"
        );
    }
}
