//! Optimisers: steps on tensors, and the state that goes with the weights of a network. Knows weights and gradients; knows
//! no tape and no network.

mod adam;
mod optimizer;
mod sgd;

pub use adam::{AdamStep, adam_step};
pub use optimizer::{Optimizer, Rule};
pub use sgd::{SgdStep, sgd_step};

use crate::error::{Error, Result};
use crate::shape::Shape;

/// Refuses shapes that differ from the first, and settings that are negative or not finite.
fn check(op: &'static str, shapes: &[(&str, &Shape)], settings: &[(&str, f64)]) -> Result<()> {
    let refuse = |problem, remedy| Err(Error::op(op, problem, shapes, remedy));
    if shapes.iter().any(|(_, shape)| *shape != shapes[0].1) {
        return refuse("the shapes differ".into(), "give all of them the shape of the weights");
    }
    match settings.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
        Some((name, value)) => refuse(format!("{name} is {value}"), "use a finite number that is not negative"),
        None => Ok(()),
    }
}
