//! Where an operation stands on the tape, and how the gradients that it gave reach its inputs. Knows no operation.

use super::finite;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::rc::Rc;

/// Where an operation stands.
pub(super) struct Places {
    /// The place on the tape, where there is one, and the shape of each input.
    pub(super) inputs: Vec<(Option<usize>, Shape)>,
    /// The part that it was recorded in.
    pub(super) part: Option<Rc<str>>,
}

impl Places {
    pub fn wanted(&self) -> Vec<bool> {
        self.inputs.iter().map(|(id, _)| id.is_some()).collect()
    }

    /// The gradients that were wanted, with their places, after checking what the operation gave.
    pub fn deliver<E: Element>(
        &self,
        op: &'static str,
        gradients: Vec<Option<Tensor<E>>>,
    ) -> Result<Vec<(usize, Tensor<E>)>> {
        self.checked(op, gradients).map_err(|error| self.named(error))
    }

    /// An error with the name of the part that the operation was recorded in.
    pub fn named(&self, error: Error) -> Error {
        match &self.part {
            Some(part) => error.at(part),
            None => error,
        }
    }

    fn checked<E: Element>(
        &self,
        op: &'static str,
        gradients: Vec<Option<Tensor<E>>>,
    ) -> Result<Vec<(usize, Tensor<E>)>> {
        if gradients.len() != self.inputs.len() {
            return Err(Error::Tape {
                op,
                problem: format!("backward returned {} gradients for {} inputs", gradients.len(), self.inputs.len()),
                remedy: "return one for each input, None where it is not wanted".into(),
            });
        }
        let mut reached = Vec::with_capacity(gradients.len());
        for ((id, shape), dx) in self.inputs.iter().zip(gradients) {
            let (Some(id), Some(dx)) = (*id, dx) else { continue };
            expect_shape(op, dx.shape(), shape)?;
            finite::check_gradient(op, &dx)?;
            reached.push((id, dx));
        }
        Ok(reached)
    }
}

pub(super) fn expect_shape(op: &'static str, given: &Shape, wanted: &Shape) -> Result<()> {
    if given == wanted {
        return Ok(());
    }
    let shapes = [("gradient", given), ("value", wanted)];
    Err(Error::op(op, "a gradient has another shape than its value", &shapes, "make their shapes equal"))
}
