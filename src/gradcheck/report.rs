//! What a gradient check found, and how it says so.

use super::Diagnosis;
use std::fmt;

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
/// // A point without a derivative: at 0 the slope to the left is 0 and to the right 1, and the central difference sees ½.
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
    /// What the fault looks like; `None` where no pattern fits, or nothing is wrong.
    pub diagnosis: Option<Diagnosis>,
    /// How often the function was evaluated for the verdict, forward alone or with backward. A diagnosis takes up to 230 more,
    /// and up to 130 where input and output have more than 40 elements.
    pub evaluations: usize,
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

impl Report {
    /// A report of nothing compared yet.
    pub(super) fn new(tolerance: f64) -> Self {
        Report { worst: 0.0, tolerance, wrong: None, unclear: None, diagnosis: None, evaluations: 0 }
    }

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

    pub(super) fn note(&mut self, error: f64) {
        self.worst = self.worst.max(error);
    }

    /// Keeps a wrong derivative unless one that is further off is known.
    pub(super) fn note_wrong(&mut self, place: Place) {
        let error = place.relative_error();
        self.note(error);
        if self.wrong.as_ref().is_none_or(|known| error > known.relative_error()) {
            self.wrong = Some(place);
        }
    }

    pub(super) fn note_unclear(&mut self, place: Place) {
        self.unclear.get_or_insert(place);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { worst, tolerance, .. } = self;
        match (&self.wrong, &self.unclear) {
            (Some(place), _) => {
                f.write_str("gradient WRONG: ")?;
                // What is wrong of backward as a whole need not show at a place.
                if place.relative_error() > *tolerance {
                    write!(f, "relative error {:.1e}, allowed {tolerance:.0e}; ", place.relative_error())?;
                }
                write!(f, "{place}")?;
                write!(f, ", finite differences {:.9e} (up to {:.0e} off)", place.numeric, place.uncertainty)?;
                self.diagnosis.as_ref().map_or(Ok(()), |diagnosis| write!(f, "; it looks like {diagnosis}"))
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

impl Place {
    /// How far both are apart, as a share of the greater.
    fn relative_error(&self) -> f64 {
        let greater = self.analytic.abs().max(self.numeric.abs());
        (self.analytic - self.numeric).abs() / greater.max(f64::MIN_POSITIVE)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { input, index, output, analytic, .. } = self;
        write!(f, "input {input} at {index:?}, output at {output:?}: backward says {analytic:.9e}")
    }
}
