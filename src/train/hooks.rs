//! What a program of one's own sees of each layer while a network is trained. Knows the tape; knows no layer.

use crate::error::Result;
use crate::tape::{Gradients, Tape, Var};
use crate::tensor::Tensor;

/// A function of a layer's name and a tensor.
type Hook = dyn FnMut(&str, &Tensor) + Send + Sync;

/// The functions that are called with each layer's output and with its gradient.
pub(super) struct Hooks {
    output: Box<Hook>,
    gradient: Box<Hook>,
}

/// The outputs of a training pass, by the names of their layers.
pub(super) type Seen = Vec<(String, Var)>;

impl Hooks {
    /// Two functions.
    pub fn new(
        output: impl FnMut(&str, &Tensor) + Send + Sync + 'static,
        gradient: impl FnMut(&str, &Tensor) + Send + Sync + 'static,
    ) -> Hooks {
        Hooks { output: Box::new(output), gradient: Box::new(gradient) }
    }

    /// Hands on what a layer gives, and keeps the gradient that will come to it.
    pub fn see(&mut self, tape: &Tape, name: &str, output: &Var, seen: &mut Seen) -> Result<()> {
        (self.output)(name, output.value());
        if output.is_tracked() {
            tape.watch(output)?;
            seen.push((name.to_string(), output.clone()));
        }
        Ok(())
    }

    /// Hands on the gradients, from the last layer to the first.
    pub fn see_gradients(&mut self, gradients: &Gradients, seen: &Seen) {
        for (name, output) in seen.iter().rev() {
            if let Some(gradient) = gradients.get(output) {
                (self.gradient)(name, gradient);
            }
        }
    }
}
