//! Fully connected layers, and the reshape before them.

use super::Init;
use super::layer::{Layer, Parameter, Pass, Role, only};
use crate::error::{Error, Result};
use crate::ops::linear_shape;
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// `[N, C, H, W]` → `[N, C·H·W]`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, Flatten};
/// let layer = Flatten;
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 3, 4, 4])?])?.sizes(), [8, 48]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl Layer for Flatten {
    fn kind(&self) -> String {
        "flatten".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let sizes = only("flatten", inputs)?.sizes();
        Ok(Shape::new(&[sizes[0], sizes[1..].iter().product()])?)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        only("flatten", inputs)?.flatten(1)
    }
}

/// `[N, in]` → `[N, features]`, with weights `[features, in]` and a bias `[features]`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, Linear};
/// let layer = Linear { features: 10 };
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 48])?])?.sizes(), [8, 10]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Outputs.
    pub features: usize,
}

impl Linear {
    fn weight_shape(&self, x: &Shape) -> Result<Shape> {
        match x.axes() {
            Some([_, inputs]) => Ok(Shape::new(&[self.features, inputs])?),
            None => {
                let problem = format!("the input has {} axes", x.rank());
                Err(Error::op("linear", problem, &[("x", x)], "flatten it to [N, in] first"))
            }
        }
    }
}

impl Layer for Linear {
    fn kind(&self) -> String {
        "linear".into()
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let x = *only("linear", inputs)?;
        linear_shape(&[x, &self.weight_shape(x)?])
    }

    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        let shape = self.weight_shape(inputs[0]).expect("output_shape has agreed");
        let init = Init::Uniform { fan_in: shape.sizes()[1] };
        let weight = Parameter { name: "weight", shape, init, role: Role::Weight };
        vec![weight, Parameter { init, ..super::conv::bias(self.features) }]
    }

    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        (inputs[0].sizes()[1] as u64).saturating_mul(output.elements() as u64)
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        only("linear", inputs)?.linear(&pass.weights[0], pass.weights.get(1))
    }
}
