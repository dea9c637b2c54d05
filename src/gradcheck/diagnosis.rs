//! What kind of fault a wrong gradient looks like, and how it is said.

use std::fmt;

/// What a wrong gradient looks like.
///
/// It is what a sample of the Jacobian matrix shows: all elements of the input and the output where each has up to 40, else 20 of
/// them, the wrong ones among them. A report has no diagnosis where no pattern fits, nor of more than 500,000 outputs, whose
/// slopes would take too much memory, unless it shows without a sample.
///
/// ```
/// use evograd::{Tensor, gradcheck, gradcheck::Diagnosis};
/// let x = Tensor::from_vec([3], vec![0.5, -1.5, 2.0])?;
/// // A third of the slope is hidden from backward.
/// let report = gradcheck(|v| v[0].scale(2.0)?.add(&v[0].detach()), &[x])?;
/// let Some(Diagnosis::Factor(factor)) = report.diagnosis else { panic!("{report}") };
/// assert!((factor - 2.0 / 3.0).abs() < 1e-9);
/// assert!(report.to_string().ends_with("it looks like a factor: every derivative is 0.6667 (2/3) times the right one"));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Diagnosis {
    /// Backward gives other values when it is run again.
    Unrepeatable,
    /// Backward does not multiply by the gradient of the output.
    GradientIgnored,
    /// Backward adds a constant, whatever the gradient of the output.
    ConstantAdded(f64),
    /// Backward is not linear in the gradient of the output in another way.
    Nonlinear,
    /// The function has no derivative at that element.
    NoDerivative {
        /// The slope towards smaller values.
        below: f64,
        /// The slope towards greater values.
        above: f64,
        /// The index of another element with the same value.
        tie: Option<Vec<usize>>,
    },
    /// Backward says 0 throughout.
    NoGradient,
    /// Every derivative is −1 times the right one.
    Sign,
    /// Every derivative is so many times the right one.
    Factor(f64),
    /// The gradient is the right one with two axes of the input exchanged.
    AxesExchanged([usize; 2]),
    /// The gradient is the right one in reversed order along an axis of the input.
    AxisReversed(usize),
    /// Along an axis of the input, the gradient is the right one at the index so much greater.
    Shifted {
        /// The axis.
        axis: usize,
        /// The distance: 1 or −1.
        by: isize,
    },
    /// An element counts in some of the outputs that it enters, as where the sum over a broadcast axis is missing.
    SumMissing {
        /// The outputs in which it counts.
        counted: usize,
        /// The outputs that it enters.
        of: usize,
    },
    /// All elements but one are right; here are the axes along which that one is the first or last.
    Single(Vec<usize>),
    /// Only elements at one index of an axis are wrong.
    Slice {
        /// The axis.
        axis: usize,
        /// The index.
        index: usize,
    },
    /// Only elements near the ends of some axes are wrong.
    Border {
        /// How far the wrong ones reach inwards, in elements.
        width: usize,
        /// The axes.
        axes: Vec<usize>,
    },
    /// An output depends on elements along some axes of the input, and backward spreads its gradient along others.
    WrongAxis {
        /// The axes along which the output depends on elements.
        right: Vec<usize>,
        /// The axes along which backward spreads its gradient.
        taken: Vec<usize>,
    },
    /// Backward says 0 of derivatives that are not.
    LeftOut {
        /// So many.
        zero: usize,
        /// The derivatives that are not 0.
        of: usize,
    },
    /// Every derivative is too great by the same number.
    Offset(f64),
    /// What backward says less the right derivative is a multiple of an expression.
    Term {
        /// The multiple.
        coefficient: f64,
        /// The expression, in `x`, `y` and `a`, what backward says.
        of: &'static str,
    },
}

impl Diagnosis {
    /// What the fault is called.
    fn name(&self) -> &'static str {
        match self {
            Self::Unrepeatable => "randomness",
            Self::GradientIgnored => "a forgotten factor",
            Self::ConstantAdded(_) | Self::Offset(_) => "a constant",
            Self::Nonlinear => "a power or a limit",
            Self::NoDerivative { .. } => "a point without a derivative",
            Self::NoGradient => "a missing gradient",
            Self::Sign => "a sign",
            Self::Factor(_) => "a factor",
            Self::AxesExchanged(_) => "a transposed gradient",
            Self::AxisReversed(_) => "a reversed axis",
            Self::Shifted { .. } => "an index off by one",
            Self::SumMissing { .. } => "a missing sum",
            Self::Single(axes) if axes.is_empty() => "an index",
            Self::Single(_) => "a boundary",
            Self::Slice { .. } => "a slice",
            Self::Border { .. } => "a border, such as padding",
            Self::WrongAxis { .. } => "a wrong axis",
            Self::LeftOut { .. } => "a dropped term",
            Self::Term { .. } => "a dropped or added term",
        }
    }

    /// What is wrong of a gradient as a whole; false where it is another fault.
    fn write_whole(&self, f: &mut fmt::Formatter<'_>) -> Result<bool, fmt::Error> {
        match self {
            Self::Unrepeatable => f.write_str("backward gives other values when it is run again; fix its seed")?,
            Self::GradientIgnored => f.write_str("backward does not multiply by the gradient of the output")?,
            Self::ConstantAdded(c) => {
                write!(f, "backward adds {} whatever the gradient of the output", Short(*c))?;
            }
            Self::Nonlinear => f.write_str("backward is not linear in the gradient of the output")?,
            Self::NoDerivative { below, above, tie } => write_corner(f, [*below, *above], tie.as_ref())?,
            Self::NoGradient => f.write_str("backward says 0 everywhere, as of a detached value")?,
            Self::Sign => f.write_str("every derivative is -1 times the right one")?,
            Self::Factor(c) => write!(f, "every derivative is {}{} times the right one", Short(*c), Fraction(*c))?,
            Self::Offset(c) => write!(f, "every derivative is too great by {}", Short(*c))?,
            Self::Term { coefficient, of } => {
                write!(f, "what backward says of y by x is too great by {} times {of}", Short(*coefficient))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is wrong of some elements, or of their order.
    fn write_places(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AxesExchanged([p, q]) => write!(f, "it is the right one with axes {p} and {q} exchanged"),
            Self::AxisReversed(axis) => write!(f, "it is the right gradient backwards along axis {axis}"),
            Self::Shifted { axis, by } => {
                let whose = if *by > 0 { "next" } else { "previous" };
                write!(f, "every element has the right gradient of the {whose} one along axis {axis}")
            }
            Self::SumMissing { counted, of } => {
                write!(f, "of the {of} outputs compared that the element enters, {counted} count, ")?;
                f.write_str("as where a broadcast axis is not summed over")
            }
            Self::Single(axes) if axes.is_empty() => f.write_str("this element alone is wrong"),
            Self::Single(axes) => write!(f, "this element alone is wrong, at the end of {}", Axes(axes)),
            Self::Slice { axis, index } => write!(f, "elements at {index} of axis {axis} alone are wrong"),
            Self::Border { width, axes } => {
                write!(f, "elements within {width} of the ends of {} alone are wrong", Axes(axes))
            }
            Self::WrongAxis { right, taken } => {
                write!(f, "an output depends on elements along {}, ", Axes(right))?;
                write!(f, "and backward spreads its gradient along {}", Axes(taken))
            }
            Self::LeftOut { zero, of } => {
                write!(f, "backward says 0 of {zero} of the {of} derivatives compared that are not 0, ")?;
                f.write_str("as where a mean or sum within the function is taken for a constant")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name())?;
        if self.write_whole(f)? { Ok(()) } else { self.write_places(f) }
    }
}

fn write_corner(f: &mut fmt::Formatter<'_>, [below, above]: [f64; 2], tie: Option<&Vec<usize>>) -> fmt::Result {
    write!(f, "the slope is {} below and {} above", Short(below), Short(above))?;
    match tie {
        Some(index) => write!(f, "; a tie, as {index:?} holds the same value"),
        None => Ok(()),
    }
}

/// A number in four digits.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Short(x) = *self;
        let digits = format!("{x:.3e}").parse().unwrap_or(x);
        if digits == 0.0 || (1e-3..1e5).contains(&digits.abs()) {
            write!(f, "{digits}")
        } else {
            write!(f, "{digits:e}")
        }
    }
}

/// A ratio of small whole numbers, where a factor is one.
struct Fraction(f64);

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let near = |bottom: &i32| {
            let top = self.0 * f64::from(*bottom);
            top.round() != 0.0 && (top - top.round()).abs() <= 1e-7 * top.abs()
        };
        match (2..=64).find(near) {
            Some(bottom) if self.0.fract() != 0.0 => write!(f, " ({:.0}/{bottom})", self.0 * f64::from(bottom)),
            _ => Ok(()),
        }
    }
}

/// Axes by their numbers.
struct Axes<'a>(&'a [usize]);

impl fmt::Display for Axes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no axis"),
            [axis] => write!(f, "axis {axis}"),
            [first @ .., last] => {
                let first: Vec<String> = first.iter().map(usize::to_string).collect();
                write!(f, "axes {} and {last}", first.join(", "))
            }
        }
    }
}
