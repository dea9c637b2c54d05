//! The rectifier.

use super::layer::{Layer, Pass, only};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// `max(x, 0)`, element by element.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, Relu};
/// let layer = Relu;
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16])?])?.sizes(), [8, 16]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu;

impl Layer for Relu {
    fn kind(&self) -> String {
        "relu".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        Ok(**only("relu", inputs)?)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        only("relu", inputs)?.relu()
    }
}
