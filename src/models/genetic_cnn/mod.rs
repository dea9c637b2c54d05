//! The networks of Genetic CNN: a code says how the nodes of each stage are wired, a backbone what surrounds them.
//!
//! Each node sums (or otherwise fuses) its inputs, then applies a convolution, batch normalisation and ReLU. In each stage a default
//! input node consumes what comes before and feeds the nodes without a predecessor; a default output node consumes the
//! nodes without a successor; a pool follows. Nodes without any edge vanish, and a stage without edges is its input node alone.
//!
//! An example: in the stage `0-01-100` ([`Code`]) the groups belong to the nodes 2, 3 and 4, and bit `i` of a group says whether node
//! `i` feeds it. Node 2 has no predecessor, node 3 has node 2, node 4 has node 1. So nodes 1 and 2 take the input node, and nodes 3
//! and 4, which have no successor, feed the output node. All nodes of a stage have the same resolution and number of filters, so
//! that their outputs can be added.
//!
//! **Source** Xie and Yuille, *Genetic CNN*, ICCV 2017, in the version of arXiv 1703.01513v1, sections 3.1 and 4. Not stated
//! there: the padding of the pools on CIFAR-10 (they round up here, so that they halve 32 to 16, 8 and 4, as figure 1 has it) and of
//! the first convolutions on MNIST (none here, as in the classic LeNet).

mod backbone;
mod canonical;
mod code;
mod graph;

pub use backbone::Backbone;
pub use canonical::canonical;
pub use code::{Code, PRESETS, Stage};
pub use graph::{Source, StageGraph};

use super::options::Options;
use super::spec::{Spec, Value};
use crate::error::Result;
use crate::nn::{Conv, Flatten, Linear, MaxPool};
use crate::ops::{Fusion, MaxPool2d};

/// The usual probability of dropout before the last layer.
const DROPOUT: f64 = 0.5;

/// The network of a code. Filters and features are multiplied with the options' width: with 8 they are the paper's 64, 128, 256
/// and 1,024, at which it trains its best structures.
///
/// ```
/// use evograd::models::{Options, genetic_cnn};
/// let spec = genetic_cnn::network(&"densenet-like".parse()?, &Options::default())?;
/// let convolutions = spec.plan()?.layers().iter().filter(|layer| layer.kind.starts_with("conv")).count();
/// assert_eq!(convolutions, (3 + 2) + (4 + 2) + (5 + 2));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the code has more or fewer stages than the backbone.
pub fn network(code: &Code, options: &Options) -> Result<Spec> {
    let backbone = options.backbone.clone().unwrap_or_else(|| Backbone::cifar10(code.0.len()));
    backbone.check(code.0.len())?;
    let mut spec = Spec::new(code.to_string(), options.input);
    let mut x = spec.image();
    for (number, (stage, filters)) in code.0.iter().zip(&backbone.filters).enumerate() {
        let path = format!("stage{}", number + 1);
        let first = Conv::same(options.channels(*filters), backbone.kernel).padding(backbone.padding);
        x = Nodes { spec: &mut spec, path: &path, fusion: options.fusion }.stage(&StageGraph::new(stage), first, x);
        let pool = MaxPool2d { stride: [2, 2], ceil: true, ..MaxPool2d::new([backbone.pool; 2]) };
        x = spec.add(format!("{path}.pool"), MaxPool(pool), &[x]);
    }
    let x = spec.add("flatten", Flatten, &[x]);
    let x = spec.add("fc1", Linear { features: options.channels(backbone.features) }, &[x]);
    let x = spec.relu("fc1", x);
    let x = spec.dropout("dropout", options.dropout_or(DROPOUT), x);
    spec.add("fc2", Linear { features: options.classes }, &[x]);
    Ok(spec)
}

/// Where the nodes of a stage are added.
struct Nodes<'a> {
    spec: &'a mut Spec,
    path: &'a str,
    fusion: Fusion,
}

impl Nodes<'_> {
    /// All nodes of a stage, of which the first does `first` to `x`.
    fn stage(&mut self, graph: &StageGraph, first: Conv, x: Value) -> Value {
        let same = Conv::same(first.filters, 3);
        let input = self.node("input", first, &[x]);
        if graph.nodes.is_empty() {
            return input;
        }
        let mut outputs: Vec<(usize, Value)> = Vec::new();
        let output = |outputs: &[(usize, Value)], number| {
            outputs.iter().find(|(other, _)| *other == number).expect("nodes come in their order").1
        };
        for (number, sources) in &graph.nodes {
            let source = |source: &Source| match source {
                Source::Input => input,
                Source::Node(other) => output(&outputs, *other),
            };
            let inputs: Vec<Value> = sources.iter().map(source).collect();
            outputs.push((*number, self.node(&format!("node{number}"), same, &inputs)));
        }
        let ends: Vec<Value> = graph.ends.iter().map(|end| output(&outputs, *end)).collect();
        self.node("output", same, &ends)
    }

    /// Inputs fused, a convolution, batch normalisation, ReLU.
    fn node(&mut self, name: &str, conv: Conv, inputs: &[Value]) -> Value {
        let path = format!("{}.{name}", self.path);
        let x = match inputs {
            [x] => *x,
            several => self.spec.fuse_all(&path, several, self.fusion),
        };
        self.spec.conv_bn_relu(format!("{path}.conv"), format!("{path}.bn"), conv, x)
    }
}
