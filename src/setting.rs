//! Settings, checked in the type that they are used in. Knows numbers alone.
//!
//! Settings are given as `f64` and used as the elements of tensors are, mostly `f32`: there 1e-46 is 0, 1e39 is infinite, and
//! 1 − 1e-9 is 1. What is refused of a number is refused of what rounds to it.

use evograd_kernels::Element;

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Any finite number.
    Finite,
    /// A finite number from 0 on.
    NotNegative,
    /// A finite number above 0.
    Positive,
    /// From 0 to below 1.
    BelowOne,
    /// From 0 to 1.
    Share,
}

impl Allowed {
    /// Whether `value` is allowed, both as it was given and as the type holds it.
    pub fn holds<E: Element>(self, value: f64) -> bool {
        self.holds_exactly(value) && self.holds_exactly(E::from_f64(value).to_f64())
    }

    fn holds_exactly(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Allowed::Finite => true,
                Allowed::NotNegative => value >= 0.0,
                Allowed::Positive => value > 0.0,
                Allowed::BelowOne => (0.0..1.0).contains(&value),
                Allowed::Share => (0.0..=1.0).contains(&value),
            }
    }
}

/// A setting in a message: great and small ones with an exponent instead of three hundred digits.
pub(crate) fn shown(value: f64) -> String {
    let usual = value == 0.0 || (1e-5..1e16).contains(&value.abs());
    if usual || !value.is_finite() { value.to_string() } else { format!("{value:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_a_refused_number_is_refused() {
        use Allowed::{BelowOne, Finite, NotNegative, Positive, Share};
        // 2⁻¹⁵⁰ is half of the least f32, and rounds to 0; 1 − 2⁻²⁵ is half way to 1; 3.4028236e38 rounds to infinity.
        let (tiny, nearly, huge) = (2_f64.powi(-150), 1.0 - 2_f64.powi(-25), 3.402_823_6e38);
        let table = [
            (Finite, huge, false, true),
            (Finite, -3.4e38, true, true),
            (Finite, f64::NAN, false, false),
            (Finite, f64::INFINITY, false, false),
            (NotNegative, tiny, true, true),
            (NotNegative, -tiny, false, false),
            (NotNegative, huge, false, true),
            (Positive, tiny, false, true),
            (Positive, tiny * 1.1, true, true),
            (Positive, 0.0, false, false),
            (Positive, huge, false, true),
            (BelowOne, nearly, false, true),
            (BelowOne, 0.999_999, true, true),
            (BelowOne, 1.0, false, false),
            (BelowOne, -tiny, false, false),
            (Share, nearly, true, true),
            (Share, 1.0, true, true),
            (Share, 1.0 + 2_f64.powi(-30), false, false),
        ];
        for (allowed, value, single, double) in table {
            assert_eq!(allowed.holds::<f32>(value), single, "{allowed:?} {value:e} in f32");
            assert_eq!(allowed.holds::<f64>(value), double, "{allowed:?} {value:e} in f64");
        }
    }

    #[test]
    fn numbers_are_shown_briefly() {
        let text = [0.0, 0.1, -3.0, 1e-46, 1e300, f64::NAN].map(shown);
        assert_eq!(text, ["0", "0.1", "-3", "1e-46", "1e300", "NaN"]);
    }
}
