//! The gradient checker: compares a function's gradient with finite differences, and says where it is wrong.
//!
//! For an output `y = f(x)` and two random vectors, `r` over the output and `u` over one input, the number `r·(∂y/∂x)·u`
//! can be had in two ways: as `dx·u`, where `dx` is what backward makes of `r`; and from central differences of `f` along
//! `u`. One comparison tests all entries of the Jacobian matrix at once, whatever its size. Where it fails, halves of the
//! output and then of the input are tried, to find an entry that is wrong: a few evaluations of `f` for each time the size
//! can be halved. What is reported is that entry, a derivative.
//!
//! Everything runs in `f64` and [`checked`]. Steps are shares of each element's own size, and each output is judged by
//! its own noise, which is measured where agreement is not found at once. So there are three verdicts: right; WRONG, where
//! the two differ by more than the tolerance and all that truncation and rounding explain; and "cannot tell", where
//! rounding leaves finite differences too few digits, as in `y = 10¹² + x²`, or a slope times the size of its element is
//! beyond the range of `f64`, as that of `eˣ` at 709.
//!
//! Backward is also run on a random gradient of the output and on half of it, as one that is not linear may still be right where
//! that gradient is 1. A check of one input with one output costs about a dozen evaluations of `f`; to find a wrong element
//! among 50,000, and as many outputs, takes some 130 ([`Report::evaluations`]).
//!
//! Where a gradient is wrong, a sample of the Jacobian matrix is compared, and the report says what the fault looks like where
//! the sample shows it: a sign, a factor, a transposed gradient, a missing sum, a border, and so on ([`Diagnosis`]).
//!
//! [`verify()`] is the check as a property of drawn inputs, for property tests. [`hessian_vector_product()`] gets second
//! derivatives from gradients in the same way that slopes are got from values.

mod check;
mod diagnose;
mod diagnosis;
mod directions;
mod entry;
mod hessian;
mod jacobian;
mod linearity;
mod locate;
mod location;
mod patterns;
mod projection;
mod report;
mod sample;
mod settings;
mod slopes;
mod terms;
mod verify;

pub use diagnosis::Diagnosis;
pub use hessian::{HessianVectorProduct, hessian_vector_product};
pub use report::{Place, Report, Verdict};
pub use settings::Gradcheck;
pub use verify::verify;

use crate::error::Result;
use crate::mode::checked;
use crate::tape::Var;
use crate::tensor::Tensor;
use check::Check;
use linearity::{Nonlinear, nonlinear};
use projection::Comparison;
use slopes::Function;
use std::cell::Cell;

/// Checks the gradient of `f` at `inputs` with the default [`Gradcheck`].
///
/// ```
/// use evograd::{Tensor, gradcheck};
/// let x = Tensor::from_vec([2], vec![0.5, -1.5])?;
/// let report = gradcheck(|v| v[0].mul(&v[0])?.exp(), &[x])?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When `f` fails, or a value or gradient is not finite.
pub fn gradcheck(f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>, inputs: &[Tensor<f64>]) -> Result<Report> {
    Gradcheck::default().run(f, inputs)
}

impl Gradcheck {
    /// Checks the gradient of `f` at `inputs`.
    ///
    /// # Errors
    /// As [`gradcheck()`]; and when the settings or inputs leave nothing to compare.
    pub fn run(&self, f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>, inputs: &[Tensor<f64>]) -> Result<Report> {
        self.expect_something_to_compare(inputs)?;
        let function = Function { f: &f, inputs, name: "gradcheck", step: self.step, evaluations: Cell::new(0) };
        let comparison = Comparison { settings: *self, function };
        checked(|| {
            let mut report = compared(&comparison)?;
            let nonlinear = nonlinear(&comparison)?;
            report.evaluations = comparison.function.evaluations.get();
            diagnose(&comparison, nonlinear, &mut report)?;
            Ok(report)
        })
    }
}

/// What a comparison of the derivatives finds.
fn compared(comparison: &Comparison<'_>) -> Result<Report> {
    let mut check = Check { comparison, report: Report::new(comparison.settings.tolerance) };
    for input in 0..comparison.function.inputs.len() {
        if comparison.settings.full {
            jacobian::jacobian(comparison, input, &mut check.report)?;
        } else if check.report.wrong.is_none() {
            check.projections(input)?;
        }
    }
    Ok(check.report)
}

/// Adds what is wrong with a gradient though its derivatives seem right, and what the fault looks like.
fn diagnose(comparison: &Comparison<'_>, nonlinear: Option<Nonlinear>, report: &mut Report) -> Result<()> {
    if let Some(found) = nonlinear {
        if report.wrong.is_none() {
            report.note_wrong(found.place(comparison)?);
        }
        report.diagnosis = Some(found.diagnosis);
    } else if let Some(place) = &report.wrong {
        // The function may refuse to be moved as a diagnosis wants; what is wrong stays so.
        report.diagnosis = diagnose::diagnosed(comparison, place).unwrap_or(None);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;
    use crate::tape::{Op, apply};

    /// `y = x`, with a gradient that is a factor off in the last element.
    #[derive(Debug)]
    struct Off(f64);

    impl Op<f64, 1> for Off {
        const NAME: &'static str = "off";
        type Saved = ();
        fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
            Ok(*x)
        }
        fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, ()) {
            (x.clone(), ())
        }
        fn backward(&self, (): (), mut dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
            dy.as_mut_slice().last_mut().into_iter().for_each(|dy| *dy *= self.0);
            [Some(dy)]
        }
    }

    fn inputs() -> [Tensor<f64>; 1] {
        [Tensor::from_fn([2, 3], |i| i as f64 - 2.5).unwrap()]
    }

    #[test]
    fn a_wrong_element_is_named() {
        for full in [false, true] {
            let check = Gradcheck { full, ..Gradcheck::default() };
            let report = check.run(|v| apply(Off(1.01), [&v[0]]), &inputs()).unwrap();
            let place = report.wrong.clone().expect("the gradient is wrong");
            assert_eq!((place.input, place.index), (0, vec![1, 2]), "{report}");
            assert!((place.analytic / place.numeric - 1.01).abs() < 1e-8, "{report}");
        }
        assert!(gradcheck(|v| apply(Off(1.0), [&v[0]]), &inputs()).unwrap().passed());
    }

    #[test]
    fn the_error_does_not_depend_on_the_tolerance() {
        let worst = |tolerance| {
            let check = Gradcheck { tolerance, ..Gradcheck::default() };
            check.run(|v| apply(Off(3.0), [&v[0]]), &inputs()).unwrap().worst
        };
        assert_eq!(worst(1e-6), worst(1e-300));
    }

    #[test]
    fn a_check_that_compares_nothing_is_refused() {
        let text =
            |check: Gradcheck, inputs: &[Tensor<f64>]| check.run(|v| Ok(v[0].clone()), inputs).unwrap_err().to_string();
        let plain = Gradcheck::default();
        assert_eq!(text(plain, &[]), "gradcheck: there are no inputs; give at least one tensor");
        assert_eq!(
            text(Gradcheck { tolerance: 0.0, ..plain }, &inputs()),
            "gradcheck: the tolerance is 0; use a number above 0, such as 1e-6"
        );
        assert!(text(Gradcheck { step: f64::NAN, ..plain }, &inputs()).contains("the step is NaN"));
        assert!(text(Gradcheck { directions: 0, ..plain }, &inputs()).contains("no directions to try"));
    }
}
