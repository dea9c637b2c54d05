//! The constants that operations such as `scale` take. Knows no operation.

use crate::error::{Error, Result};
use crate::setting::Allowed;
pub(in crate::ops) use crate::setting::shown;
use crate::shape::Shape;
use evograd_kernels::Element;

/// Refuses a constant that is infinite or not a number in the element type.
pub(in crate::ops) fn require_finite<E: Element>(op: &'static str, name: &str, value: f64, x: &Shape) -> Result<()> {
    if Allowed::Finite.holds::<E>(value) {
        return Ok(());
    }
    let remedy = format!("use a number that is finite in {}", E::NAME);
    Err(Error::op(op, format!("the {name} is {value:?}"), &[("x", x)], remedy))
}

/// Refuses a constant that is not above 0, infinite or not a number in the element type: what rounds to 0 there would
/// divide by 0 just as 0 does.
pub(in crate::ops) fn require_positive<E: Element>(
    op: &'static str,
    name: &str,
    value: f64,
    shapes: &[(&str, &Shape)],
    usual: &str,
) -> Result<()> {
    if Allowed::Positive.holds::<E>(value) {
        return Ok(());
    }
    if value.is_finite() && value > 1.0 {
        let remedy = format!("use a number that is finite in {}, such as {usual}", E::NAME);
        return Err(Error::op(op, format!("{name} is {}", shown(value)), shapes, remedy));
    }
    Err(Error::op(op, format!("{name} is {value}"), shapes, format!("use a number above 0, such as {usual}")))
}
