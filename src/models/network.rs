//! A network with weights, which runs. Knows its plan and the tape; names no layer and no operation.

use super::plan::Plan;
use super::spec::Spec;
use crate::error::{Error, Result};
use crate::mode::{named, no_grad};
use crate::nn::{Layer, Pass, Phase, Role};
use crate::ops::{DropoutKey, RunningStats};
use crate::rng::{Purpose, Stream};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// A network with weights.
///
/// ```
/// use evograd::models::{self, Network, Options};
/// use evograd::Tensor;
/// let spec = models::spec("resnet20", &Options { width: 0.25, ..Options::default() })?;
/// let network = Network::<f32>::new(&spec, 0)?;
/// let logits = network.evaluate(&Tensor::zeros([2, 3, 32, 32])?)?;
/// assert_eq!(logits.shape().sizes(), [2, 10]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network<E: Element = f32> {
    plan: Plan,
    /// In the order of the plan's layers.
    weights: Vec<Tensor<E>>,
    running: Vec<RunningStats<E>>,
    /// Which weights are constants of a training pass.
    frozen: Vec<bool>,
}

impl<E: Element> Network<E> {
    /// The network with its first weights, drawn from `seed`.
    ///
    /// # Errors
    /// When the network does not fit together, or the system has not the memory.
    pub fn new(spec: &Spec, seed: u64) -> Result<Self> {
        let plan = spec.plan()?;
        let (mut weights, mut running) = (Vec::new(), Vec::new());
        for layer in plan.layers() {
            for parameter in &layer.parameters {
                let mut stream = Stream::new(seed, Purpose::Init, weights.len() as u32, 0);
                weights.push(parameter.init.tensor(&parameter.shape, &mut stream).map_err(|e| e.at(&layer.name))?);
            }
            if layer.channels > 0 {
                running.push(RunningStats::new(layer.channels)?);
            }
        }
        let frozen = vec![false; weights.len()];
        Ok(Network { plan, weights, running, frozen })
    }

    /// Its plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its weights, in the order of the plan's layers.
    pub fn weights(&self) -> &[Tensor<E>] {
        &self.weights
    }

    /// As [`Network::weights`], to be changed in place.
    pub fn weights_mut(&mut self) -> &mut [Tensor<E>] {
        &mut self.weights
    }

    /// Whether each weight is frozen, in the order of [`Network::weights`].
    pub(super) fn freezing(&self) -> &[bool] {
        &self.frozen
    }

    /// As [`Network::freezing`], to be changed in place.
    pub(super) fn freezing_mut(&mut self) -> &mut [bool] {
        &mut self.frozen
    }

    /// The running statistics, in the order of the plan's layers.
    pub(crate) fn running(&self) -> &[RunningStats<E>] {
        &self.running
    }

    #[cfg(feature = "training")]
    /// Sets the running statistics to those of before.
    pub(crate) fn set_running(&mut self, running: Vec<RunningStats<E>>) {
        assert_eq!(running.len(), self.running.len(), "running statistics of this network");
        self.running = running;
    }

    /// What each weight is for, in the order of [`Network::weights`].
    pub fn roles(&self) -> impl Iterator<Item = Role> + '_ {
        self.plan.layers().iter().flat_map(|layer| layer.parameters.iter().map(|parameter| parameter.role))
    }

    /// Every tensor of the network with its name, such as `layer1.0.conv1.weight` and `bn1.running_mean`: weights and
    /// running statistics, layer by layer.
    pub fn state(&self) -> Vec<(String, &Tensor<E>)> {
        let mut state = Vec::new();
        for layer in self.plan.layers() {
            state.extend(layer.weight_names().zip(&self.weights[layer.weights.clone()]));
            for running in &self.running[layer.running.clone()] {
                state.extend(layer.statistics_names().into_iter().zip([&running.mean, &running.variance]));
            }
        }
        state
    }

    /// As [`Network::state`], to be changed in place.
    pub fn state_mut(&mut self) -> Vec<(String, &mut Tensor<E>)> {
        let mut state = Vec::new();
        let (mut weights, mut running) = (self.weights.iter_mut(), self.running.iter_mut());
        for layer in self.plan.layers() {
            // The names first: what stops, stops before a weight is taken.
            state.extend(layer.weight_names().zip(weights.by_ref()));
            for running in running.by_ref().take(layer.running.len()) {
                let RunningStats { mean, variance } = running;
                state.extend(layer.statistics_names().into_iter().zip([mean, variance]));
            }
        }
        state
    }

    /// A training pass over images `[N, C, H, W]`: the logits `[N, K]`, and the leaf of each weight; one that
    /// is frozen is a constant. Running statistics move; dropout is drawn from `seed` and `step`.
    ///
    /// # Errors
    /// When the images do not fit, or a layer fails; the error names it. No running statistic has moved then.
    pub fn train(&mut self, tape: &Tape<E>, images: &Tensor<E>, seed: u64, step: u32) -> Result<(Var<E>, Vec<Var<E>>)> {
        self.train_watched(tape, images, seed, step, &mut |_, _| Ok(()))
    }

    /// As [`Network::train`]; `on_output` gets the name of each layer and what it gives, as soon as it has run. A batch
    /// normalisation that is trained as a part of the fusion behind it has no output of its own.
    ///
    /// ```
    /// use evograd::models::{self, Network, Options};
    /// use evograd::{Tape, Tensor};
    /// let mut network = Network::<f32>::new(&models::spec("lenet", &Options::default())?, 0)?;
    /// let (tape, mut watched) = (Tape::new(), Vec::new());
    /// let images = Tensor::zeros([2, 3, 32, 32])?;
    /// let (logits, _) = network.train_watched(&tape, &images, 0, 0, &mut |name, y| {
    ///     watched.push((name.to_string(), y.clone()));
    ///     tape.watch(y) // keeps its gradient
    /// })?;
    /// let gradients = tape.backward(&logits.cross_entropy(&[0, 1], 0.0)?)?;
    /// let (name, conv1) = &watched[0];
    /// assert_eq!((name.as_str(), gradients.get(conv1).unwrap().shape()), ("conv1", conv1.value().shape()));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Network::train`]; and when `on_output` gives one.
    pub fn train_watched(
        &mut self,
        tape: &Tape<E>,
        images: &Tensor<E>,
        seed: u64,
        step: u32,
        on_output: &mut dyn FnMut(&str, &Var<E>) -> Result<()>,
    ) -> Result<(Var<E>, Vec<Var<E>>)> {
        expect_images(&self.plan, images)?;
        let leaf = |(weight, frozen): (&Tensor<E>, &bool)| {
            if *frozen { Var::constant(weight.clone()) } else { tape.leaf(weight.clone()) }
        };
        let leaves: Vec<Var<E>> = self.weights.iter().zip(&self.frozen).map(leaf).collect();
        let mut running = self.running.clone();
        let mut phase = Phase::Train { running: &mut running, key: DropoutKey { seed, step, layer: 0 } };
        let plan = &self.plan;
        let logits = execute(plan, Var::constant(images.clone()), |node, inputs| {
            let output = run(plan, node, &leaves, inputs, &mut phase)?;
            if plan.trained(node).is_some() {
                on_output(&plan.layers()[node].name, &output)?;
            }
            Ok(output)
        })?;
        self.running = running;
        Ok((logits, leaves))
    }

    /// The logits `[N, K]` of images `[N, C, H, W]`.
    ///
    /// # Errors
    /// When the images do not fit; the error names the layer.
    pub fn evaluate(&self, images: &Tensor<E>) -> Result<Tensor<E>> {
        no_grad(|| {
            let weights: Vec<Var<E>> = self.weights.iter().map(|weight| Var::constant(weight.clone())).collect();
            let phase = Phase::Evaluate { running: &self.running };
            Ok(forward(&self.plan, &weights, Var::constant(images.clone()), phase)?.value().clone())
        })
    }

    /// What layers give for images `[N, C, H, W]`, such as feature maps `[N, C, H, W]`: one tensor for each name, as
    /// [`Plan::layers`] has them.
    ///
    /// ```
    /// use evograd::models::{self, Network, Options};
    /// use evograd::Tensor;
    /// let network = Network::<f32>::new(&models::spec("resnet20", &Options { width: 0.25, ..Options::default() })?, 0)?;
    /// let images = Tensor::zeros([2, 3, 32, 32])?;
    /// let maps = network.activations(&images, &["conv1", "layer2.0.conv1"])?;
    /// assert_eq!([maps[0].shape().sizes(), maps[1].shape().sizes()], [[2, 4, 32, 32], [2, 8, 16, 16]]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no layer of a name, or the images do not fit.
    pub fn activations(&self, images: &Tensor<E>, names: &[&str]) -> Result<Vec<Tensor<E>>> {
        let nodes = names.iter().map(|name| self.plan.node(name)).collect::<Result<Vec<usize>>>()?;
        expect_images(&self.plan, images)?;
        let mut seen = vec![None; names.len()];
        no_grad(|| {
            let weights: Vec<Var<E>> = self.weights.iter().map(|weight| Var::constant(weight.clone())).collect();
            execute(&self.plan, Var::constant(images.clone()), |node, inputs| {
                let mut phase = Phase::Evaluate { running: &self.running };
                let output = run(&self.plan, node, &weights, inputs, &mut phase)?;
                let wanted = nodes.iter().zip(&mut seen).filter(|(wanted, _)| **wanted == node);
                wanted.for_each(|(_, seen)| *seen = Some(output.value().clone()));
                Ok(output)
            })
        })?;
        Ok(seen.into_iter().map(|seen| seen.expect("every node has run")).collect())
    }
}

/// Runs the layers of a plan one after the other on given weights and statistics; both are in the order of the plan's
/// layers. What gradient checks differentiate; [`Network`] is this with weights of its own.
///
/// # Errors
/// When a layer refuses its inputs, or there are too few weights; the error names the layer.
pub fn forward<E: Element>(plan: &Plan, weights: &[Var<E>], images: Var<E>, mut phase: Phase<'_, E>) -> Result<Var<E>> {
    expect_images(plan, images.value())?;
    execute(plan, images, |node, inputs| run(plan, node, weights, inputs, &mut phase))
}

/// What the last layer gives, where `run` runs each with its inputs.
pub(super) fn execute<E: Element>(
    plan: &Plan,
    images: Var<E>,
    mut run: impl FnMut(usize, &[Var<E>]) -> Result<Var<E>>,
) -> Result<Var<E>> {
    let mut values = vec![Some(images)];
    for (i, node) in plan.spec().nodes.iter().enumerate() {
        let inputs: Vec<Var<E>> = node
            .inputs
            .iter()
            .map(|input| values[input.0].clone().expect("a value stays until its last use"))
            .collect();
        // What nobody needs any more goes now, so that its memory serves the next layer.
        node.inputs.iter().filter(|input| plan.last_use(**input) == i).for_each(|input| values[input.0] = None);
        values.push(Some(run(i, &inputs)?));
    }
    Ok(values.pop().flatten().expect("a plan has at least one layer"))
}

/// Runs one node; while training, a fusion runs what it is trained together with as well.
pub(super) fn run<E: Element>(
    plan: &Plan,
    node: usize,
    weights: &[Var<E>],
    inputs: &[Var<E>],
    phase: &mut Phase<'_, E>,
) -> Result<Var<E>> {
    let own = &plan.spec().nodes[node];
    let (layer, place) = match phase {
        Phase::Evaluate { .. } => (&own.layer, node),
        Phase::Train { .. } => match plan.trained(node) {
            Some(trained) => trained,
            None => return Ok(inputs[0].clone()),
        },
    };
    let place = &plan.layers()[place];
    let weights = weights.get(place.weights.clone()).ok_or_else(|| too_few(weights.len()))?;
    let pass = Pass { weights, phase: part(phase, place.running.clone(), node as u32) };
    named(&own.name, || layer.run(inputs, pass)).map_err(|error| error.at(&own.name))
}

/// The phase as one layer sees it.
fn part<'a, E: Element>(phase: &'a mut Phase<'_, E>, running: std::ops::Range<usize>, layer: u32) -> Phase<'a, E> {
    match phase {
        Phase::Train { running: all, key } => {
            Phase::Train { running: &mut all[running], key: DropoutKey { layer, ..*key } }
        }
        Phase::Evaluate { running: all } => Phase::Evaluate { running: &all[running] },
    }
}

pub(super) fn expect_images<E: Element>(plan: &Plan, images: &Tensor<E>) -> Result<()> {
    let wanted = plan.spec().input;
    if images.shape().rank() == 4 && images.shape().sizes()[1..] == wanted {
        return Ok(());
    }
    let problem = format!("{} takes images of shape {wanted:?}", plan.spec().name);
    Err(Error::op("network", problem, &[("images", images.shape())], "give it [N, C, H, W] with these sizes"))
}

fn too_few(weights: usize) -> Error {
    Error::op("network", format!("{weights} weights are too few"), &[], "give one for each parameter of the plan")
}
