//! The check of a gradient as a property that holds or is refuted, for tests.

use super::Gradcheck;
use crate::error::{Error, Result};
use crate::tape::Var;
use crate::tensor::Tensor;

/// So many values of an input are shown.
const SHOWN: usize = 16;

/// Checks a gradient with the default [`Gradcheck`], and fails where it is not right: for tests, and for properties of drawn
/// inputs above all. The error tells the report and the inputs.
///
/// With [proptest](https://docs.rs/proptest) a property takes its sizes from a list of words of fixed length, which shrinks to
/// zeros, the smallest choices of [`Draw`](crate::ops::Draw), and its values from a seed. So what is shown in the end is the
/// smallest case that fails:
///
/// ```
/// use evograd::{Var, gradcheck::verify, ops::Draw};
/// use proptest::{collection::vec, prelude::*};
///
/// proptest! {
///     # /*
///     #[test]
///     # */
///     fn a_product_has_the_right_gradient(words in vec(0_u32..60, 12), seed: u64) {
///         let mut draw = Draw::replaying(words, seed);
///         let (a, b) = draw.broadcasting();
///         let inputs = [draw.values(a), draw.nonzero(b)];
///         verify(|v| v[0].mul(&v[1]), &inputs)?;
///     }
/// }
/// # a_product_has_the_right_gradient();
/// ```
///
/// # Errors
/// When a derivative is wrong or cannot be compared; and as [`gradcheck()`](super::gradcheck()).
pub fn verify(f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>, inputs: &[Tensor<f64>]) -> Result<()> {
    Gradcheck::default().verify(f, inputs)
}

impl Gradcheck {
    /// Checks the gradient of `f` at `inputs`, as [`verify()`] does.
    ///
    /// ```
    /// use evograd::{Tensor, gradcheck::Gradcheck};
    /// let check = Gradcheck { full: true, ..Gradcheck::default() };
    /// let x = Tensor::from_vec([2], vec![0.5, 2.0])?;
    /// check.verify(|v| v[0].exp(), std::slice::from_ref(&x))?;
    /// let error = check.verify(|v| v[0].detach().mul(&v[0]), &[x]).unwrap_err().to_string();
    /// assert!(error.starts_with("gradcheck: gradient WRONG: relative error 5.0e-1") && error.contains("[0.5, 2.0]"), "{error}");
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`verify()`].
    pub fn verify(&self, f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>, inputs: &[Tensor<f64>]) -> Result<()> {
        let report = self.run(f, inputs)?;
        if report.passed() {
            return Ok(());
        }
        let values: Vec<String> = inputs.iter().map(shown).collect();
        let names: Vec<String> = (0..inputs.len()).map(|input| format!("input {input}")).collect();
        let shapes: Vec<_> = names.iter().map(String::as_str).zip(inputs.iter().map(Tensor::shape)).collect();
        let problem = format!("{report}; inputs {}", values.join(" and "));
        let remedy = match &report.wrong {
            Some(_) => "mend backward, or draw inputs at which there is a derivative",
            None => "mend the formula, or draw other inputs",
        };
        Err(Error::op("gradcheck", problem, &shapes, remedy))
    }
}

/// The values of an input, the first of many.
fn shown(x: &Tensor<f64>) -> String {
    match x.as_slice() {
        all if all.len() <= SHOWN => format!("{all:?}"),
        all => format!("{:?} and {} more", &all[..SHOWN], all.len() - SHOWN),
    }
}
