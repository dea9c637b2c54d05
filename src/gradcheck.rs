//! The gradient checker: compares a function's gradient with finite differences, and says where it is wrong.
//!
//! For an output `y = f(x)` and two random vectors, `r` over the output and `u` over one input, the number `r·(∂y/∂x)·u`
//! can be had in two ways: as `dx·u`, where `dx` is what backward makes of `r`; and as a central difference,
//! `(r·f(x + hu) − r·f(x − hu)) / 2h`. One comparison tests all entries of the Jacobian matrix at once, whatever its
//! size. Where it fails, each element of the input is tried alone, to name the place.
//!
//! Everything runs in `f64` and [`checked`], with `h = 10⁻⁵`: the truncation of a central difference is of order
//! `h² = 10⁻¹⁰`, its rounding of order `2·10⁻¹⁶ / h`, both far below the tolerance of `10⁻⁶`.

use crate::error::{Error, Result};
use crate::mode::checked;
use crate::rng::{Purpose, Stream};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;
use std::fmt;

/// Settings of a gradient check.
///
/// ```
/// use evograd::{Tensor, gradcheck::Gradcheck};
/// let every_entry = Gradcheck { full: true, ..Gradcheck::default() };
/// let report = every_entry.run(|v| v[0].matmul(&v[1]), &[Tensor::full([2, 3], 0.5)?, Tensor::full([3, 2], 2.0)?])?;
/// assert!(report.passed() && report.worst < 1e-6);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gradcheck {
    /// The greatest relative error that passes.
    pub tolerance: f64,
    /// The step `h` of the central difference.
    pub step: f64,
    /// Random directions tried for each input.
    pub directions: usize,
    /// Whether to compare every entry of the Jacobian matrix instead of random projections.
    pub full: bool,
    /// Seed of the random vectors.
    pub seed: u64,
}

impl Default for Gradcheck {
    fn default() -> Self {
        Gradcheck { tolerance: 1e-6, step: 1e-5, directions: 2, full: false, seed: 0 }
    }
}

/// What a gradient check found; as text, the verdict and, where it is wrong, the place.
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
    /// The greatest relative error of any comparison.
    pub worst: f64,
    /// The tolerance it is held against.
    pub tolerance: f64,
    /// Where the gradient is most wrong; `None` where it passes.
    pub wrong: Option<Place>,
}

/// An element whose gradient is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Which input.
    pub input: usize,
    /// The element's index along each axis.
    pub index: Vec<usize>,
    /// What backward says.
    pub analytic: f64,
    /// What the central difference says.
    pub numeric: f64,
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
        let check = Check { settings: *self, f: &f, inputs };
        checked(|| {
            let mut report = Report { worst: 0.0, tolerance: self.tolerance, wrong: None };
            for input in 0..inputs.len() {
                if self.full { check.jacobian(input, &mut report)? } else { check.projections(input, &mut report)? }
            }
            Ok(report)
        })
    }
}

impl Gradcheck {
    fn expect_something_to_compare(&self, inputs: &[Tensor<f64>]) -> Result<()> {
        let refuse = |problem: String, remedy: &str| Err(Error::op("gradcheck", problem, &[], remedy));
        let positive = |x: f64| x.is_finite() && x > 0.0;
        match self {
            _ if inputs.is_empty() => refuse("there are no inputs".into(), "give at least one tensor"),
            Gradcheck { tolerance, .. } if !positive(*tolerance) => {
                refuse(format!("the tolerance is {tolerance}"), "use a number above 0, such as 1e-6")
            }
            Gradcheck { step, .. } if !positive(*step) => {
                refuse(format!("the step is {step}"), "use a number above 0, such as 1e-5")
            }
            Gradcheck { directions: 0, full: false, .. } => {
                refuse("there are no directions to try".into(), "try at least one, or the full Jacobian matrix")
            }
            _ => Ok(()),
        }
    }
}

impl Report {
    /// Whether no comparison was off by more than the tolerance.
    pub fn passed(&self) -> bool {
        self.worst <= self.tolerance
    }

    /// Takes note of a comparison.
    fn note(&mut self, error: f64, place: impl FnOnce() -> Place) {
        if error > self.worst || error.is_nan() {
            self.worst = error;
            if !self.passed() {
                self.wrong = Some(place());
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "right" } else { "WRONG" };
        write!(f, "gradient {verdict}: relative error {:.1e}, allowed {:.0e}", self.worst, self.tolerance)?;
        match &self.wrong {
            Some(Place { input, index, analytic, numeric }) => {
                write!(
                    f,
                    "; input {input} at {index:?}: backward says {analytic:.9e}, finite differences {numeric:.9e}"
                )
            }
            None => Ok(()),
        }
    }
}

/// A central difference.
struct Difference {
    /// The slope of each output.
    slopes: Vec<f64>,
    /// How far rounding alone may put one of them off.
    noise: f64,
}

/// A function under test.
struct Check<'a, F> {
    settings: Gradcheck,
    f: &'a F,
    inputs: &'a [Tensor<f64>],
}

impl<F: Fn(&[Var<f64>]) -> Result<Var<f64>>> Check<'_, F> {
    /// Compares in random directions, and element by element where that fails.
    fn projections(&self, input: usize, report: &mut Report) -> Result<()> {
        for direction in 0..self.settings.directions {
            let stream = |purpose| {
                Stream::new(self.settings.seed, Purpose::Gradcheck, 1 + 2 * direction as u32 + purpose, input as u32)
            };
            let r = random_like(self.value(self.inputs)?.value(), stream(0));
            let u = random_like(&self.inputs[input], stream(1));
            let dx = self.analytic(input, &r)?;
            let analytic = dot(&dx, &u);
            let (numeric, noise) = self.numeric(input, &u, &r)?;
            let error = relative_error(analytic, numeric, noise);
            if error <= self.settings.tolerance {
                report.note(error, || unreachable!("within the tolerance there is no place to name"));
            } else {
                self.locate(input, &r, &dx, error, report)?;
            }
        }
        Ok(())
    }

    /// Names the element of `input` whose gradient is most wrong, after a projection was off by `error`.
    fn locate(&self, input: usize, r: &Tensor<f64>, dx: &Tensor<f64>, error: f64, report: &mut Report) -> Result<()> {
        let mut worst = (0.0, 0, 0.0);
        for flat in 0..dx.shape().elements() {
            let (numeric, _) = self.numeric(input, &unit(dx, flat), r)?;
            let gap = (dx.as_slice()[flat] - numeric).abs();
            if gap >= worst.0 {
                worst = (gap, flat, numeric);
            }
        }
        let (_, flat, numeric) = worst;
        report.note(error, || Place { input, index: dx.index_of(flat), analytic: dx.as_slice()[flat], numeric });
        Ok(())
    }

    /// Compares every entry of the Jacobian matrix with respect to `input`: a row of it is what backward makes of one
    /// output, a column what a step of one element makes of all outputs.
    fn jacobian(&self, input: usize, report: &mut Report) -> Result<()> {
        let y = self.value(self.inputs)?;
        let x = &self.inputs[input];
        let columns: Vec<Difference> =
            (0..x.shape().elements()).map(|flat| self.difference(input, &unit(x, flat))).collect::<Result<_>>()?;
        for output in 0..y.value().shape().elements() {
            let dx = self.analytic(input, &unit(y.value(), output))?;
            for (flat, (analytic, column)) in dx.as_slice().iter().copied().zip(&columns).enumerate() {
                let numeric = column.slopes[output];
                let error = relative_error(analytic, numeric, column.noise);
                report.note(error, || Place { input, index: dx.index_of(flat), analytic, numeric });
            }
        }
        Ok(())
    }

    /// What backward makes of `r`, the gradient of the output. Zeros where the output does not depend on the input.
    fn analytic(&self, input: usize, r: &Tensor<f64>) -> Result<Tensor<f64>> {
        let tape = Tape::new();
        let leaves: Vec<Var<f64>> = self.inputs.iter().map(|value| tape.leaf(value.clone())).collect();
        let y = self.value_of(&leaves)?;
        if !y.is_tracked() {
            return Tensor::zeros(self.inputs[input].shape());
        }
        let mut gradients = tape.backward_from(&[(&y, r.clone())])?;
        gradients.take(&leaves[input]).map_or_else(|| Tensor::zeros(self.inputs[input].shape()), Ok)
    }

    /// The slope of `r·f` in direction `u` of one input, and how far rounding alone may put it off.
    fn numeric(&self, input: usize, u: &Tensor<f64>, r: &Tensor<f64>) -> Result<(f64, f64)> {
        let Difference { slopes, noise } = self.difference(input, u)?;
        let slope = slopes.iter().zip(r.as_slice()).map(|(slope, r)| slope * r).sum();
        Ok((slope, noise * dot(r, r).sqrt()))
    }

    /// The central difference of `f` in direction `u` of one input.
    ///
    /// An output is taken to be a few units of rounding off, of the greatest output: an output may be small because
    /// great numbers cancel, and carries their rounding.
    fn difference(&self, input: usize, u: &Tensor<f64>) -> Result<Difference> {
        let h = self.settings.step;
        let at = |step: f64| {
            let mut inputs = self.inputs.to_vec();
            inputs[input].as_mut_slice().iter_mut().zip(u.as_slice()).for_each(|(x, u)| *x += step * u);
            self.value(&inputs)
        };
        let (above, below) = (at(h)?, at(-h)?);
        let pairs = above.value().as_slice().iter().zip(below.value().as_slice());
        let greatest = above.value().as_slice().iter().fold(0.0, |greatest: f64, y| greatest.max(y.abs()));
        let noise = 4.0 * f64::EPSILON * greatest / h;
        Ok(Difference { slopes: pairs.map(|(above, below)| (above - below) / (2.0 * h)).collect(), noise })
    }

    fn value(&self, inputs: &[Tensor<f64>]) -> Result<Var<f64>> {
        let inputs: Vec<Var<f64>> = inputs.iter().cloned().map(Var::constant).collect();
        self.value_of(&inputs)
    }

    fn value_of(&self, inputs: &[Var<f64>]) -> Result<Var<f64>> {
        (self.f)(inputs).map_err(|error| Error::at(error, "gradcheck"))
    }
}

/// The difference of two slopes relative to the greater one. A slope so small that rounding leaves fewer than six digits
/// of the central difference is compared as if it were large enough for six.
fn relative_error(analytic: f64, numeric: f64, noise: f64) -> f64 {
    let scale = analytic.abs().max(numeric.abs()).max(1e6 * noise);
    if scale == 0.0 { 0.0 } else { (analytic - numeric).abs() / scale }
}

fn dot(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b).sum()
}

/// Random values from −1 to 1 in the shape of `tensor`.
fn random_like(tensor: &Tensor<f64>, mut stream: Stream) -> Tensor<f64> {
    Tensor::build(*tensor.shape(), |out| out.iter_mut().for_each(|x| *x = 2.0 * stream.uniform() - 1.0))
}

/// One at a position in row-major order, zero elsewhere, in the shape of `tensor`.
fn unit(tensor: &Tensor<f64>, flat: usize) -> Tensor<f64> {
    Tensor::build(*tensor.shape(), |out| {
        out.fill(0.0);
        out[flat] = 1.0;
    })
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
