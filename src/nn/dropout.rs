//! Dropout.

use super::layer::{Layer, Pass, Phase, only};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// Sets each element to zero with probability `p` while training, and scales the others by `1/(1 − p)`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, Dropout};
/// let layer = Dropout { p: 0.5 };
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16])?])?.sizes(), [8, 16]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability, at least 0 and below 1.
    pub p: f64,
}

impl Layer for Dropout {
    fn kind(&self) -> String {
        format!("dropout {}", self.p)
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let x = *only("dropout", inputs)?;
        if !(0.0..1.0).contains(&self.p) {
            let remedy = "use a probability of at least 0 and below 1";
            return Err(Error::op("dropout", format!("p is {}", self.p), &[("x", x)], remedy));
        }
        Ok(*x)
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        let x = only("dropout", inputs)?;
        match pass.phase {
            Phase::Train { key, .. } => x.dropout(self.p, key),
            Phase::Evaluate { .. } => Ok(x.clone()),
        }
    }
}
