//! Optimisers: steps on tensors, and the state that goes with the weights of a network. Knows weights and gradients; knows
//! no tape and no network.

mod adam;
mod optimizer;
mod own;
mod sgd;

pub use adam::{AdamStep, adam_step};
pub use optimizer::{Optimizer, Rule};
pub use own::{OwnRule, RuleStep};
pub use sgd::{SgdStep, sgd_step};

use crate::error::{Error, Result};
use crate::setting::{Allowed, shown};
use crate::shape::Shape;
use crate::tensor::{Tensor, guarded};
use evograd_kernels::Element;

/// Refuses shapes that differ from the first, and settings that are not allowed as the element type holds them.
fn check<E: Element>(op: &'static str, shapes: &[(&str, &Shape)], settings: &[(&str, f64, Allowed)]) -> Result<()> {
    let refuse = |problem, remedy| Err(Error::op(op, problem, shapes, remedy));
    if shapes.iter().any(|(_, shape)| *shape != shapes[0].1) {
        return refuse("the shapes differ".into(), "give all of them the shape of the weights");
    }
    let Some((name, value, allowed)) = settings.iter().find(|(_, value, allowed)| !allowed.holds::<E>(*value)) else {
        return Ok(());
    };
    let remedy = match allowed {
        Allowed::Positive => "use a number above 0, such as 1e-8",
        Allowed::BelowOne | Allowed::Share => "use a number below 1, such as 0.9 and 0.999",
        Allowed::Finite | Allowed::NotNegative => "use a finite number that is not negative",
    };
    let held = match allowed.holds::<f64>(*value) {
        true => format!(", which {} holds as {}", E::NAME, E::from_f64(*value)),
        false => String::new(),
    };
    refuse(format!("{name} is {}{held}", shown(*value)), remedy)
}

/// Gives tensors that share their memory one of their own, so that writing to them cannot fail any more.
fn own<E: Element>(tensors: &mut [&mut Tensor<E>]) -> Result<()> {
    let shape = *tensors[0].shape();
    guarded("optimizer", &[("weights", &shape)], || {
        tensors.iter_mut().for_each(|tensor| {
            tensor.as_mut_slice();
        });
    })
}
