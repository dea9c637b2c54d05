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
