//! Where branches meet: fused to one of their shape, or put one behind the other.

use super::{Layer, Pass};
use crate::error::{Error, Result};
use crate::ops::{Fusion, common_shape, concat_shape};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// Two or more branches of one shape fused from left to right, and rectified where `relu` is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Join {
    /// How two of them are fused.
    pub fusion: Fusion,
    /// Whether a ReLU follows; SORT does it in the same pass over memory.
    pub relu: bool,
}

impl Layer for Join {
    fn kind(&self) -> String {
        format!("{}{}", self.fusion, if self.relu { " + relu" } else { "" })
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let [first, others @ ..] = inputs else { return Err(too_few("join", inputs.len())) };
        if others.is_empty() {
            return Err(too_few("join", 1));
        }
        others.iter().try_fold(**first, |shape, other| common_shape("join", &shape, other))
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        let Some((last, [first, between @ ..])) = inputs.split_last() else {
            return Err(too_few("join", inputs.len()));
        };
        let joined = between.iter().try_fold(first.clone(), |sum, input| sum.fuse(input, self.fusion, false))?;
        joined.fuse(last, self.fusion, self.relu)
    }
}

/// Branches one behind the other along the channels: `[N, C₁, H, W]`, `[N, C₂, H, W]` → `[N, C₁ + C₂, H, W]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat;

impl Layer for Concat {
    fn kind(&self) -> String {
        "concat".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        concat_shape(inputs, 1)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        Var::concat(&inputs.iter().collect::<Vec<_>>(), 1)
    }
}

fn too_few(layer: &'static str, inputs: usize) -> Error {
    Error::op(layer, format!("it has {inputs} inputs"), &[], "give it at least two branches")
}
