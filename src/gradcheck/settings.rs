//! The settings of a gradient check, and which of them leave nothing to compare.

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Settings of a gradient check.
///
/// A derivative `a` that backward computes and `n` from finite differences agree where `|a − n| ≤ absolute + tolerance ·
/// max(|a|, |n|)`.
///
/// ```
/// use evograd::{Tensor, gradcheck::Gradcheck};
/// let every_entry = Gradcheck { full: true, ..Gradcheck::default() };
/// let report = every_entry.run(|v| v[0].matmul(&v[1]), &[Tensor::full([2, 3], 0.5)?, Tensor::full([3, 2], 2.0)?])?;
/// assert!(report.passed() && report.worst < 1e-6);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// A function that loses the digits of small derivatives needs an absolute tolerance, or a better formula:
///
/// ```
/// use evograd::{Tensor, Var, gradcheck::{Gradcheck, Verdict}};
/// // ln(1 + eˣ) at −30: beside 1, little is left of e⁻³⁰ = 9.4e-14.
/// let softplus = |v: &[Var<f64>]| v[0].exp()?.add(&Var::constant(Tensor::scalar(1.0)))?.log();
/// let x = [Tensor::scalar(-30.0)];
/// assert_eq!(Gradcheck::default().run(softplus, &x)?.verdict(), Verdict::CannotTell);
/// assert!(Gradcheck { absolute: 1e-9, ..Gradcheck::default() }.run(softplus, &x)?.passed());
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gradcheck {
    /// The greatest relative error that passes; 10⁻⁶.
    pub tolerance: f64,
    /// The greatest error that passes whatever the derivative, in its units; 0.
    pub absolute: f64,
    /// The step of central differences, as a share of each element's size; 3·10⁻⁵. Where it does not settle the matter,
    /// steps from a 64th of it up to a quarter of the size are compared.
    pub step: f64,
    /// Random directions tried for each input; 2.
    pub directions: usize,
    /// Whether to compare every entry of the Jacobian matrix instead of random projections; the report then names the entry with
    /// the greatest relative error, and not the first one found.
    pub full: bool,
    /// Seed of the random vectors.
    pub seed: u64,
}

impl Default for Gradcheck {
    fn default() -> Self {
        Gradcheck { tolerance: 1e-6, absolute: 0.0, step: 3e-5, directions: 2, full: false, seed: 0 }
    }
}

impl Gradcheck {
    pub(super) fn expect_something_to_compare(&self, inputs: &[Tensor<f64>]) -> Result<()> {
        let refuse = |problem: String, remedy: &str| Err(Error::op("gradcheck", problem, &[], remedy));
        let positive = |x: f64| x.is_finite() && x > 0.0;
        match self {
            _ if inputs.is_empty() => refuse("there are no inputs".into(), "give at least one tensor"),
            Gradcheck { tolerance, .. } if !positive(*tolerance) => {
                refuse(format!("the tolerance is {tolerance}"), "use a number above 0, such as 1e-6")
            }
            Gradcheck { absolute, .. } if *absolute != 0.0 && !positive(*absolute) => {
                refuse(format!("the absolute tolerance is {absolute}"), "use 0 or a number above it, such as 1e-9")
            }
            Gradcheck { step, .. } if !positive(*step) || *step > 0.01 => {
                refuse(format!("the step is {step}"), "use a share of an element from above 0 to 0.01, such as 3e-5")
            }
            Gradcheck { directions: 0, full: false, .. } => {
                refuse("there are no directions to try".into(), "try at least one, or the full Jacobian matrix")
            }
            _ => Ok(()),
        }
    }
}
