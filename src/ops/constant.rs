//! The constants that operations such as `scale` take. Knows no operation.

use crate::error::{Error, Result};
use crate::shape::Shape;
use evograd_kernels::Element;

/// Refuses a constant that is infinite or not a number in the element type.
pub(super) fn require_finite<E: Element>(op: &'static str, name: &str, value: f64, x: &Shape) -> Result<()> {
    if E::from_f64(value).is_finite() {
        return Ok(());
    }
    let remedy = format!("use a number that is finite in {}", E::NAME);
    Err(Error::op(op, format!("the {name} is {value:?}"), &[("x", x)], remedy))
}

/// Refuses a constant that is not above 0, infinite or not a number in the element type: what rounds to 0 there would
/// divide by 0 just as 0 does.
pub(super) fn require_positive<E: Element>(
    op: &'static str,
    name: &str,
    value: f64,
    shapes: &[(&str, &Shape)],
    usual: &str,
) -> Result<()> {
    let rounded = E::from_f64(value);
    if rounded.is_finite() && rounded > E::ZERO {
        return Ok(());
    }
    if value.is_finite() && !rounded.is_finite() {
        let remedy = format!("use a number that is finite in {}, such as {usual}", E::NAME);
        return Err(Error::op(op, format!("{name} is {}", shown(value)), shapes, remedy));
    }
    Err(Error::op(op, format!("{name} is {value}"), shapes, format!("use a number above 0, such as {usual}")))
}

/// A constant in a message: great ones with an exponent instead of three hundred digits.
pub(super) fn shown(value: f64) -> String {
    if value.abs() < 1e16 { value.to_string() } else { format!("{value:?}") }
}
