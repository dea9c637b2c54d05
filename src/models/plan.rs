//! A network whose every shape has been checked, and what it costs. Knows no weight.

use super::spec::{Node, Spec, Value};
use crate::error::{Error, Result};
use crate::nn::{AnyLayer, BatchNormFuse, Layer, Parameter};
use crate::shape::Shape;
use std::collections::HashSet;
use std::ops::Range;

/// A layer of a checked network.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLayer {
    /// Its path.
    pub name: String,
    /// What it is, for tables.
    pub kind: String,
    /// The output's shape for one image.
    pub output: Shape,
    /// The weights it needs.
    pub parameters: Vec<Parameter>,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Whether its output is never made while training: the fusion behind it normalises, in the same pass over memory.
    pub in_fusion: bool,
    /// Where its weights stand among all of the network's.
    pub(super) weights: Range<usize>,
    /// Where its running statistics stand among all of the network's.
    pub(super) running: Range<usize>,
    /// The channels it keeps running statistics of; 0 where it keeps none.
    pub(super) channels: usize,
}

/// A checked network: a [`Spec`] with the shape and the cost of each layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    spec: Spec,
    layers: Vec<PlannedLayer>,
    /// For each value, the image first, the last node that consumes it; its own where nobody does.
    last_use: Vec<usize>,
    /// For each node, how it is trained where it is a fusion that normalises its second branch.
    fusions: Vec<Option<TrainedFusion>>,
}

/// A fusion that is trained together with the batch normalisation whose output it alone consumes.
#[derive(Clone, Debug, PartialEq)]
struct TrainedFusion {
    /// The node that is the normalisation.
    norm: usize,
    /// What does the work of both.
    layer: AnyLayer,
}

impl PlannedLayer {
    /// The names of its weights, within the network.
    pub(super) fn weight_names(&self) -> impl Iterator<Item = String> + '_ {
        self.parameters.iter().map(|parameter| format!("{}.{}", self.name, parameter.name))
    }

    /// The names of the mean and of the variance that it keeps, within the network, where it keeps them.
    pub(super) fn statistics_names(&self) -> [String; 2] {
        ["running_mean", "running_var"].map(|name| format!("{}.{name}", self.name))
    }

    /// The number of its weights' elements.
    pub fn parameter_count(&self) -> u64 {
        total(self.parameters.iter().map(|parameter| parameter.shape.elements() as u64))
    }

    /// Bytes of its output for one image in `f32`; none where its output is never made while training.
    pub fn activation_bytes(&self) -> u64 {
        if self.in_fusion { 0 } else { 4_u64.saturating_mul(self.output.elements() as u64) }
    }
}

impl Spec {
    /// Checks every shape and counts what the network costs. No memory for weights is asked for.
    ///
    /// # Errors
    /// When a layer cannot work on what it is given; the error names the layer.
    pub fn plan(&self) -> Result<Plan> {
        Plan::new(self.clone())
    }
}

impl Plan {
    fn new(spec: Spec) -> Result<Plan> {
        let mut shapes = vec![image_shape(&spec)?];
        let mut layers: Vec<PlannedLayer> = Vec::with_capacity(spec.nodes.len());
        let mut last_use = vec![0];
        let (mut names, mut tensors) = (HashSet::new(), HashSet::new());
        for (i, node) in spec.nodes.iter().enumerate() {
            if !names.insert(&node.name) {
                let problem = format!("two layers of {} are called {}", spec.name, node.name);
                return Err(Error::op("plan", problem, &[], "give each a name of its own"));
            }
            let inputs = inputs(&shapes, &node.inputs).map_err(|error| error.at(&node.name))?;
            let layer = plan_layer(node, &inputs, layers.last()).map_err(|error| error.at(&node.name))?;
            expect_new_names(&layer, &mut tensors).map_err(|error| error.at(&node.name))?;
            node.inputs.iter().for_each(|input| last_use[input.0] = i);
            last_use.push(i);
            shapes.push(layer.output);
            layers.push(layer);
        }
        if layers.is_empty() {
            let problem = format!("the network {} has no layers", spec.name);
            return Err(Error::op("plan", problem, &[], "add at least one"));
        }
        let fusions: Vec<_> = spec.nodes.iter().map(|node| trained_fusion(&spec, node)).collect();
        fusions.iter().flatten().for_each(|fusion| layers[fusion.norm].in_fusion = true);
        Ok(Plan { spec, layers, last_use, fusions })
    }

    /// The network that was checked.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Its layers, in the order in which they run.
    pub fn layers(&self) -> &[PlannedLayer] {
        &self.layers
    }

    /// The number of all weights' elements.
    pub fn parameters(&self) -> u64 {
        total(self.layers.iter().map(PlannedLayer::parameter_count))
    }

    /// Multiply-adds of a forward pass for one image.
    pub fn macs(&self) -> u64 {
        total(self.layers.iter().map(|layer| layer.macs))
    }

    /// Bytes of all outputs for one image in `f32` that training makes: what training keeps at least, where nothing is recomputed.
    pub fn activation_bytes(&self) -> u64 {
        total(self.layers.iter().map(PlannedLayer::activation_bytes))
    }

    /// Whether a layer normalises over the batch.
    pub fn is_normalised(&self) -> bool {
        self.layers.iter().any(|layer| layer.channels > 0)
    }

    /// The shape of the logits of one image.
    pub fn output(&self) -> &Shape {
        &self.layers[self.layers.len() - 1].output
    }

    /// The node of the layer of this name.
    pub(super) fn node(&self, name: &str) -> Result<usize> {
        self.layers.iter().position(|layer| layer.name == name).ok_or_else(|| {
            const SHOWN: usize = 6;
            let names: Vec<&str> = self.layers.iter().take(SHOWN).map(|layer| layer.name.as_str()).collect();
            let more = if self.layers.len() > SHOWN { ", …; Plan::layers has all" } else { "" };
            let problem = format!("{} has no layer called {name:?}", self.spec.name);
            Error::op("activations", problem, &[], format!("name one of {}{more}", names.join(", ")))
        })
    }

    /// What a node does while training: a layer, and the node whose weights and statistics it has. `None` where it hands its
    /// input on, for its fusion to do its work.
    pub(super) fn trained(&self, node: usize) -> Option<(&AnyLayer, usize)> {
        match &self.fusions[node] {
            Some(fusion) => Some((&fusion.layer, fusion.norm)),
            None if self.layers[node].in_fusion => None,
            None => Some((&self.spec.nodes[node].layer, node)),
        }
    }

    /// The node that consumes what this one gives, where it is the only one that does, and only once.
    pub(super) fn single_consumer(&self, node: usize) -> Option<usize> {
        single_consumer(&self.spec, Value(node + 1))
    }

    /// The node that takes a value in last.
    pub(super) fn last_use(&self, value: Value) -> usize {
        self.last_use[value.0]
    }
}

/// A sum of what may be as large as a description of a network can ask for.
fn total(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

fn image_shape(spec: &Spec) -> Result<Shape> {
    let [c, h, w] = spec.input;
    Ok(Shape::new(&[1, c, h, w])?)
}

fn inputs<'a>(shapes: &'a [Shape], values: &[Value]) -> Result<Vec<&'a Shape>> {
    let missing = || Error::op("plan", "it consumes what comes only after it", &[], "add layers in the order they run");
    values.iter().map(|value| shapes.get(value.0).ok_or_else(missing)).collect()
}

/// How a node is trained, where it is the only one to consume a batch normalisation, and can do that one's work as well.
fn trained_fusion(spec: &Spec, node: &Node) -> Option<TrainedFusion> {
    let [_, branch] = node.inputs[..] else { return None };
    let norm = branch.layer()?;
    let (AnyLayer::BatchNorm(first), AnyLayer::Fuse(fusion)) = (&spec.nodes[norm].layer, &node.layer) else {
        return None;
    };
    let layer = BatchNormFuse::of(*first, *fusion)?.into();
    single_consumer(spec, branch).map(|_| TrainedFusion { norm, layer })
}

/// The node that takes a value in, where there is one alone that does so once.
fn single_consumer(spec: &Spec, value: Value) -> Option<usize> {
    let readers = spec.nodes.iter().enumerate().flat_map(|(i, node)| node.inputs.iter().map(move |input| (i, *input)));
    let mut readers = readers.filter(|(_, input)| *input == value).map(|(i, _)| i);
    readers.next().filter(|_| readers.next().is_none())
}

fn plan_layer(node: &Node, inputs: &[&Shape], before: Option<&PlannedLayer>) -> Result<PlannedLayer> {
    let output = node.layer.output_shape(inputs)?;
    if output.sizes().first() != Some(&1) {
        let problem = "the output for a batch of one image does not begin with a size of 1";
        return Err(Error::op("plan", problem, &[("output", &output)], "put the batch in front, as in [N, C, H, W]"));
    }
    let parameters = node.layer.parameters(inputs);
    let channels = node.layer.statistics(inputs);
    if channels == Some(0) {
        let problem = "it keeps running statistics of 0 channels";
        return Err(Error::op("plan", problem, &[], "answer None where a layer keeps none"));
    }
    let (weights, running) = before.map_or((0, 0), |layer| (layer.weights.end, layer.running.end));
    Ok(PlannedLayer {
        name: node.name.clone(),
        kind: node.layer.kind(),
        output,
        macs: node.layer.macs(inputs, &output),
        in_fusion: false,
        weights: weights..weights + parameters.len(),
        running: running..running + usize::from(channels.is_some()),
        channels: channels.unwrap_or(0),
        parameters,
    })
}

/// Refuses a layer with a tensor of a name that one of the tensors before has: files could not tell the two apart.
fn expect_new_names(layer: &PlannedLayer, before: &mut HashSet<String>) -> Result<()> {
    let statistics = layer.statistics_names().into_iter().filter(|_| layer.channels > 0);
    match layer.weight_names().chain(statistics).find(|name| !before.insert(name.clone())) {
        None => Ok(()),
        Some(name) => {
            let problem = format!("two tensors are called {name}");
            Err(Error::op("plan", problem, &[], "give each weight of a layer a name of its own"))
        }
    }
}
