//! A layer from outside the crate, as one that networks hold. Knows no layer by name.
//!
//! [`Layer::run`] is generic over the element type, so layers of unknown types cannot be called through a `dyn Layer`. What a run
//! takes and gives is therefore put into one value, a `Call`, whose type is asked for where the layer is known again: it is that of
//! `f32` or that of `f64`, as there are no other elements.

use super::layer::{Layer, Parameter, Pass, Phase};
use crate::error::{Error, Result};
use crate::ops::{DropoutKey, RunningStats};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// Any layer that a user writes: networks, trainers, checkpoints, frozen networks, plans, profiles and gradient checks treat it as
/// one of their own.
///
/// ```
/// use evograd::models::{Network, Spec};
/// use evograd::nn::{Init, Layer, OwnLayer, Parameter, Pass, Role, only};
/// use evograd::{Element, Result, Shape, Tensor, Var};
///
/// /// `y = x·w`, with a weight for each channel.
/// #[derive(Clone, Debug, PartialEq)]
/// struct Gain;
///
/// impl Layer for Gain {
///     fn kind(&self) -> String {
///         "gain".into()
///     }
///     fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
///         only("gain", inputs).map(|x| **x)
///     }
///     fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
///         let shape = Shape::new(&[inputs[0].sizes()[1], 1, 1]).expect("channels of an image");
///         vec![Parameter { name: "weight", shape, init: Init::Constant(2.0), role: Role::Scale }]
///     }
///     fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
///         inputs[0].mul(&pass.weights[0])
///     }
/// }
///
/// let mut spec = Spec::new("own", [3, 4, 4]);
/// spec.add("gain", OwnLayer::new(Gain), &[spec.image()]);
/// let network = Network::<f32>::new(&spec, 0)?;
/// assert_eq!(network.evaluate(&Tensor::full([2, 3, 4, 4], 1.0)?)?, Tensor::full([2, 3, 4, 4], 2.0)?);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnLayer(Arc<dyn Erased>);

impl OwnLayer {
    /// This layer as one that [`Spec::add`](crate::models::Spec::add) takes.
    pub fn new(layer: impl Layer + Debug + PartialEq + Send + Sync + 'static) -> OwnLayer {
        OwnLayer(Arc::new(layer))
    }
}

/// Equal are layers of one type that are equal.
impl PartialEq for OwnLayer {
    fn eq(&self, other: &OwnLayer) -> bool {
        self.0.equals(&*other.0)
    }
}

impl Layer for OwnLayer {
    fn kind(&self) -> String {
        self.0.kind_of()
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        self.0.shape_of(inputs)
    }

    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        self.0.parameters_of(inputs)
    }

    fn statistics(&self, inputs: &[&Shape]) -> Option<usize> {
        self.0.statistics_of(inputs)
    }

    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        self.0.macs_of(inputs, output)
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        let (running, key) = match &pass.phase {
            Phase::Train { running, key } => (running.to_vec(), Some(*key)),
            Phase::Evaluate { running } => (running.to_vec(), None),
        };
        let mut call = Call { inputs: inputs.to_vec(), weights: pass.weights.to_vec(), running, key, output: None };
        self.0.run_in(&mut call);
        let output = call.output.expect("elements are f32 or f64, and both are asked for")?;
        self.expect_promised(inputs, &output)?;
        if let Phase::Train { running, .. } = pass.phase {
            running.iter().zip(&call.running).try_for_each(|(before, now)| self.expect_channels(before, now))?;
            running.clone_from_slice(&call.running);
        }
        Ok(output)
    }
}

impl OwnLayer {
    /// Refuses an output of another shape than the plan was made with.
    fn expect_promised<E: Element>(&self, inputs: &[Var<E>], output: &Var<E>) -> Result<()> {
        let shapes: Vec<&Shape> = inputs.iter().map(|input| input.value().shape()).collect();
        let (promised, given) = (self.output_shape(&shapes)?, output.value().shape());
        if promised == *given {
            return Ok(());
        }
        let problem = format!("the output of {} has another shape than promised", self.kind());
        let shapes = [("output", given), ("promised", &promised)];
        Err(Error::op("own layer", problem, &shapes, "make run and output_shape of the layer agree"))
    }

    /// Refuses running statistics of other shapes than those that the layer was handed.
    fn expect_channels<E: Element>(&self, before: &RunningStats<E>, now: &RunningStats<E>) -> Result<()> {
        let pairs = [("mean", &before.mean, &now.mean), ("variance", &before.variance, &now.variance)];
        match pairs.into_iter().find(|(_, before, now)| before.shape() != now.shape()) {
            None => Ok(()),
            Some((name, before, now)) => {
                let problem = format!("{} gave its running {name} another shape", self.kind());
                let shapes = [("now", now.shape()), ("before", before.shape())];
                Err(Error::op("own layer", problem, &shapes, "keep one number for each channel of Layer::statistics"))
            }
        }
    }
}

/// What a run of a layer takes, and then what it gives.
struct Call<E: Element> {
    inputs: Vec<Var<E>>,
    weights: Vec<Var<E>>,
    running: Vec<RunningStats<E>>,
    /// There while the network is trained.
    key: Option<DropoutKey>,
    output: Option<Result<Var<E>>>,
}

impl<E: Element> Call<E> {
    fn run(&mut self, layer: &impl Layer) {
        let phase = match self.key {
            Some(key) => Phase::Train { running: &mut self.running, key },
            None => Phase::Evaluate { running: &self.running },
        };
        self.output = Some(layer.run(&self.inputs, Pass { weights: &self.weights, phase }));
    }
}

/// A [`Layer`] whose type is not known any more.
trait Erased: Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Erased) -> bool;
    fn kind_of(&self) -> String;
    fn shape_of(&self, inputs: &[&Shape]) -> Result<Shape>;
    fn parameters_of(&self, inputs: &[&Shape]) -> Vec<Parameter>;
    fn statistics_of(&self, inputs: &[&Shape]) -> Option<usize>;
    fn macs_of(&self, inputs: &[&Shape], output: &Shape) -> u64;
    /// Runs the layer where `call` is a [`Call`].
    fn run_in(&self, call: &mut dyn Any);
}

impl<L: Layer + Debug + PartialEq + Send + Sync + 'static> Erased for L {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn equals(&self, other: &dyn Erased) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }
    fn kind_of(&self) -> String {
        self.kind()
    }
    fn shape_of(&self, inputs: &[&Shape]) -> Result<Shape> {
        self.output_shape(inputs)
    }
    fn parameters_of(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        self.parameters(inputs)
    }
    fn statistics_of(&self, inputs: &[&Shape]) -> Option<usize> {
        self.statistics(inputs)
    }
    fn macs_of(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        self.macs(inputs, output)
    }
    fn run_in(&self, call: &mut dyn Any) {
        if let Some(call) = call.downcast_mut::<Call<f32>>() {
            call.run(self);
        } else if let Some(call) = call.downcast_mut::<Call<f64>>() {
            call.run(self);
        }
    }
}
