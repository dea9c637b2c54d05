//! What a layer is. Knows no layer by name.

use super::Init;
use crate::error::{Error, Result};
use crate::ops::{DropoutKey, RunningStats};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// A weight that a layer needs.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Init, Layer, Linear, Parameter, Role};
/// let parameters = Linear { features: 10 }.parameters(&[&Shape::new(&[1, 4])?]);
/// let (shape, init) = (Shape::new(&[10, 4])?, Init::Uniform { fan_in: 4 });
/// assert_eq!(parameters[0], Parameter { name: "weight", shape, init, role: Role::Weight });
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name within the layer, as PyTorch has it: `weight` or `bias`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Shape,
    /// Its first values.
    pub init: Init,
    /// What it is for.
    pub role: Role,
}

/// What a weight is for, which decides whether weight decay may leave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It multiplies what comes in.
    Weight,
    /// It is added.
    Bias,
    /// The scale of a normalisation.
    Scale,
}

/// What a network hands to a layer that runs.
///
/// ```
/// use evograd::nn::{Flatten, Layer, Pass, Phase};
/// use evograd::{Tensor, Var};
/// let x = Var::constant(Tensor::<f32>::zeros([8, 3, 4, 4])?);
/// let y = Flatten.run(&[x], Pass { weights: &[], phase: Phase::Evaluate { running: &[] } })?;
/// assert_eq!(y.value().shape().sizes(), [8, 48]);
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct Pass<'a, E: Element = f32> {
    /// The layer's weights, in the order of [`Layer::parameters`].
    pub weights: &'a [Var<E>],
    /// What the network does at present, with the layer's running statistics, if it has any.
    pub phase: Phase<'a, E>,
}

/// What a network does: train or evaluate. Statistics are those of as many layers as the holder speaks of.
pub enum Phase<'a, E: Element = f32> {
    /// It is trained: dropout drops, batch normalisation uses the batch and moves its statistics.
    Train {
        /// The running statistics, which move.
        running: &'a mut [RunningStats<E>],
        /// What the masks of this step are drawn from.
        key: DropoutKey,
    },
    /// It is evaluated: dropout does nothing, batch normalisation uses its statistics.
    Evaluate {
        /// The running statistics.
        running: &'a [RunningStats<E>],
    },
}

/// What every layer answers. Shapes have the batch in front: `[N, C, H, W]` or `[N, C]`.
pub trait Layer {
    /// The layer's name in tables.
    fn kind(&self) -> String;

    /// The output's shape.
    ///
    /// # Errors
    /// When the layer cannot work on these inputs.
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape>;

    /// The weights that the layer needs for inputs of these shapes, which [`output_shape`](Layer::output_shape) has
    /// agreed to.
    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        let _ = inputs;
        Vec::new()
    }

    /// The number of channels that the layer keeps running statistics of, if it does.
    fn statistics(&self, inputs: &[&Shape]) -> Option<usize> {
        let _ = inputs;
        None
    }

    /// The multiply-adds of the layer's products, for these shapes. Element-wise work counts for nothing, as is usual.
    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        let _ = (inputs, output);
        0
    }

    /// Runs the layer.
    ///
    /// # Errors
    /// When an operation refuses its inputs.
    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>>;
}

/// The only input of a layer that takes one, or its shape; `layer` is what errors call it.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::only;
/// let (x, y) = (Shape::new(&[1, 4])?, Shape::new(&[1, 8])?);
/// assert_eq!(only("gain", &[&x])?, &&x);
/// assert_eq!(only("gain", &[&x, &y]).unwrap_err().to_string(), "gain: it has 2 inputs; give it one");
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When it was given none or several.
pub fn only<'a, T>(layer: &'static str, inputs: &'a [T]) -> Result<&'a T> {
    match inputs {
        [input] => Ok(input),
        _ => Err(Error::op(layer, format!("it has {} inputs", inputs.len()), &[], "give it one")),
    }
}
