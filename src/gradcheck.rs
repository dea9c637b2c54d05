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

mod check;
mod directions;
mod slopes;

use crate::error::{Error, Result};
use crate::mode::checked;
use crate::tape::Var;
use crate::tensor::Tensor;
use check::Check;
use slopes::Function;
use std::fmt;

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

/// What a gradient check concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that was compared agrees.
    Right,
    /// A derivative differs by more than the tolerance and all that rounding explains.
    Wrong,
    /// Nothing is shown to be wrong, but some derivative could not be compared: rounding leaves it too few digits, or a slope
    /// is beyond the range of the type.
    CannotTell,
}

/// What a gradient check found; as text, the verdict and, where it is not right, the place.
///
/// ```
/// use evograd::{Tensor, gradcheck};
/// // A kink: at 0 the slope to the left is 0 and to the right 1, and the central difference sees ½.
/// let report = gradcheck(|v| v[0].relu(), &[Tensor::scalar(0.0)])?;
/// assert!(report.to_string().starts_with("gradient WRONG: relative error 1.0e0, allowed 1e-6; input 0 at []"));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    /// The greatest relative error of any comparison that could be made.
    pub worst: f64,
    /// The tolerance it is held against.
    pub tolerance: f64,
    /// A derivative that is wrong; `None` where none was found.
    pub wrong: Option<Place>,
    /// A derivative that could not be compared; `None` where there is none.
    pub unclear: Option<Place>,
}

/// A derivative: of one element of the output by one element of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Which input.
    pub input: usize,
    /// The element's index along each axis.
    pub index: Vec<usize>,
    /// The index of the output's element along each axis.
    pub output: Vec<usize>,
    /// What backward says.
    pub analytic: f64,
    /// What finite differences say.
    pub numeric: f64,
    /// How far finite differences may be off; infinite where they are beyond the range of the type.
    pub uncertainty: f64,
}

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
        let function = Function { f: &f, inputs, step: self.step };
        let report = Report { worst: 0.0, tolerance: self.tolerance, wrong: None, unclear: None };
        let mut check = Check { settings: *self, function, report };
        checked(|| {
            for input in 0..inputs.len() {
                if self.full {
                    check.jacobian(input)?;
                } else if check.report.wrong.is_none() {
                    check.projections(input)?;
                }
            }
            Ok(check.report)
        })
    }

    fn expect_something_to_compare(&self, inputs: &[Tensor<f64>]) -> Result<()> {
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

impl Report {
    /// The verdict: a single wrong derivative outweighs all else, and one that could not be compared all that is right.
    pub fn verdict(&self) -> Verdict {
        match self {
            Report { wrong: Some(_), .. } => Verdict::Wrong,
            Report { unclear: Some(_), .. } => Verdict::CannotTell,
            _ => Verdict::Right,
        }
    }

    /// Whether all that was compared agrees, and all could be compared.
    pub fn passed(&self) -> bool {
        self.verdict() == Verdict::Right
    }

    fn note(&mut self, error: f64) {
        if self.wrong.is_none() {
            self.worst = self.worst.max(error);
        }
    }

    fn note_wrong(&mut self, error: f64, place: Place) {
        if self.wrong.is_none() || error > self.worst {
            (self.worst, self.wrong) = (error, Some(place));
        }
    }

    fn note_unclear(&mut self, place: Place) {
        self.unclear.get_or_insert(place);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { worst, tolerance, .. } = self;
        match (&self.wrong, &self.unclear) {
            (Some(place), _) => {
                write!(f, "gradient WRONG: relative error {worst:.1e}, allowed {tolerance:.0e}; {place}")?;
                write!(f, ", finite differences {:.9e} (up to {:.0e} off)", place.numeric, place.uncertainty)
            }
            (None, Some(place)) => {
                write!(f, "gradient not compared, cannot tell within {tolerance:.0e}; {place}, finite differences ")?;
                if !place.uncertainty.is_finite() {
                    write!(
                        f,
                        "{:e}: a slope times the size of its element is beyond the range of f64; ",
                        place.numeric
                    )?;
                    return f.write_str("scale the function down or try inputs at which it is less steep");
                }
                write!(f, "{:.9e}, which rounding may put {:.0e} off: ", place.numeric, place.uncertainty)?;
                f.write_str("the function loses digits there, as where great numbers cancel; ")?;
                f.write_str("try other inputs or a formula that keeps digits, or set an absolute tolerance")
            }
            (None, None) => write!(f, "gradient right: relative error {worst:.1e}, allowed {tolerance:.0e}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { input, index, output, analytic, .. } = self;
        write!(f, "input {input} at {index:?}, output at {output:?}: backward says {analytic:.9e}")
    }
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
