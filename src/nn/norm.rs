//! Normalisations: over the batch, and over neighbouring channels.

use super::Init;
use super::layer::{Layer, Parameter, Pass, Phase, Role, only};
use crate::error::{Error, Result};
use crate::ops;
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// Batch normalisation of `[N, C, H, W]` or `[N, C]`, with a scale and a bias for each channel, rectified where `relu` is set.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, BatchNorm};
/// let layer = BatchNorm { relu: true, ..BatchNorm::default() };
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16, 4, 4])?])?.sizes(), [8, 16, 4, 4]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchNorm {
    /// Its settings.
    pub options: ops::BatchNorm,
    /// Whether a ReLU follows; while training it is done in the same pass over memory.
    pub relu: bool,
}

impl Layer for BatchNorm {
    fn kind(&self) -> String {
        if self.relu { "batch norm + relu".into() } else { "batch norm".into() }
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let x = *only("batch_norm", inputs)?;
        if ![2, 4].contains(&x.rank()) {
            let problem = format!("the input has {} axes", x.rank());
            return Err(Error::op("batch_norm", problem, &[("input", x)], "give it [N, C] or [N, C, H, W]"));
        }
        Ok(*x)
    }

    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        let bias = super::conv::bias(inputs[0].sizes()[1]);
        let scale = Parameter { name: "weight", init: Init::Constant(1.0), role: Role::Scale, ..bias.clone() };
        vec![scale, bias]
    }

    fn statistics(&self, inputs: &[&Shape]) -> Option<usize> {
        Some(inputs[0].sizes()[1])
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        let (x, [gamma, beta]) = (only("batch_norm", inputs)?, [&pass.weights[0], &pass.weights[1]]);
        match pass.phase {
            Phase::Train { running, .. } if self.relu => x.batch_norm_relu(gamma, beta, &mut running[0], self.options),
            Phase::Train { running, .. } => x.batch_norm(gamma, beta, &mut running[0], self.options),
            Phase::Evaluate { running } => {
                let y = x.batch_norm_eval(gamma, beta, &running[0], self.options.epsilon)?;
                if self.relu { y.relu() } else { Ok(y) }
            }
        }
    }
}

/// Local response normalisation over channels of `[N, C, H, W]`.
///
/// ```
/// use evograd::nn::{Layer, LocalResponseNorm};
/// use evograd::ops;
/// let layer = LocalResponseNorm(ops::LocalResponseNorm::new(5));
/// assert_eq!(layer.kind(), "response norm 5");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponseNorm(pub ops::LocalResponseNorm);

impl Layer for LocalResponseNorm {
    fn kind(&self) -> String {
        format!("response norm {}", self.0.size)
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        self.0.output_shape(only("local_response_norm", inputs)?)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        only("local_response_norm", inputs)?.local_response_norm(self.0)
    }
}
