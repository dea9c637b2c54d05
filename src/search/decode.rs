//! From a code to the network that it stands for.

use super::code::Code;
use super::graph::{Source, StageGraph};
use crate::error::{Error, Result};
use crate::models::{Spec, Value};
use crate::nn::{Conv, Flatten, Linear, MaxPool};
use crate::ops::{Fusion, Pool2d};

/// What surrounds the nodes of a code: the same for all individuals of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Backbone {
    /// The picture's sizes `[C, H, W]`.
    pub input: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// The filters of each stage.
    pub filters: Vec<usize>,
    /// The side of the filters of each stage's input node; those of all other nodes are 3×3.
    pub kernel: usize,
    /// The padding of the input nodes' filters.
    pub padding: usize,
    /// The pool behind each stage.
    pub pool: Pool2d,
    /// The outputs of the first linear layer.
    pub features: usize,
    /// The probability of dropout behind it.
    pub dropout: f64,
    /// How several inputs of a node are joined. The paper adds them.
    pub join: Fusion,
}

impl Backbone {
    /// The paper's for CIFAR-10: `C5(P2)@8 – MP3(S2) – C5(P2)@16 – MP3(S2) – C5(P2)@32 – MP3(S2) – FC128 – D0.5`. The pools
    /// round up, so that they halve 32 to 16, 8 and 4, as figure 1 has it.
    pub fn cifar10(input: [usize; 3], classes: usize) -> Backbone {
        Backbone {
            input,
            classes,
            filters: vec![8, 16, 32],
            kernel: 5,
            padding: 2,
            pool: Pool2d { kernel: [3, 3], stride: [2, 2], padding: [0, 0], ceil: true },
            features: 128,
            dropout: 0.5,
            join: Fusion::Sum,
        }
    }

    /// The paper's for MNIST: `C5@20 – MP2(S2) – C5@50 – MP2(S2) – FC500 – D0.5`. The padding is not stated; it is 0, as in the
    /// classic LeNet.
    pub fn mnist(input: [usize; 3], classes: usize) -> Backbone {
        Backbone {
            filters: vec![20, 50],
            padding: 0,
            pool: Pool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0], ceil: false },
            features: 500,
            ..Self::cifar10(input, classes)
        }
    }

    /// The same at the width that the paper trains its best structures with: 64, 128 and 256 filters, and 1,024 features.
    pub fn wide(self) -> Backbone {
        let filters = (0..self.filters.len()).map(|stage| 64 << stage).collect();
        Backbone { filters, features: 1024, ..self }
    }
}

/// The network of a code.
///
/// ```
/// use evograd::search::{Backbone, decode};
/// let spec = decode(&"densenet".parse()?, &Backbone::cifar10([3, 32, 32], 10))?;
/// let convolutions = spec.plan()?.layers().iter().filter(|layer| layer.kind.starts_with("conv")).count();
/// assert_eq!(convolutions, (3 + 2) + (4 + 2) + (5 + 2));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the code has more or fewer stages than the backbone.
pub fn decode(code: &Code, backbone: &Backbone) -> Result<Spec> {
    if code.0.len() != backbone.filters.len() {
        let problem = format!("{code} has {} stages, the backbone {}", code.0.len(), backbone.filters.len());
        return Err(Error::op("genome", problem, &[], "give as many stages as there are numbers of filters"));
    }
    let mut spec = Spec::new(code.to_string(), backbone.input);
    let mut x = spec.picture();
    for (number, (stage, filters)) in code.0.iter().zip(&backbone.filters).enumerate() {
        let path = format!("stage{}", number + 1);
        x = decode_stage(&mut spec, &path, &StageGraph::new(stage), *filters, backbone, x);
        x = spec.add(format!("{path}.pool"), MaxPool(backbone.pool), &[x]);
    }
    let x = spec.add("flatten", Flatten, &[x]);
    let x = spec.add("fc1", Linear { features: backbone.features }, &[x]);
    let x = spec.relu("fc1", x);
    let x = spec.dropout("dropout", backbone.dropout, x);
    spec.add("fc2", Linear { features: backbone.classes }, &[x]);
    Ok(spec)
}

fn decode_stage(
    spec: &mut Spec,
    path: &str,
    graph: &StageGraph,
    filters: usize,
    backbone: &Backbone,
    x: Value,
) -> Value {
    let first = Conv::same(filters, backbone.kernel).padding(backbone.padding);
    let input = node(spec, &format!("{path}.input"), first, &[x], backbone.join);
    if graph.nodes.is_empty() {
        return input;
    }
    let mut outputs: Vec<(usize, Value)> = Vec::new();
    let output = |outputs: &[(usize, Value)], number| {
        outputs.iter().find(|(other, _)| *other == number).expect("nodes come in their order").1
    };
    for (number, sources) in &graph.nodes {
        let inputs: Vec<Value> = sources
            .iter()
            .map(|source| match source {
                Source::Input => input,
                Source::Node(other) => output(&outputs, *other),
            })
            .collect();
        let y = node(spec, &format!("{path}.node{number}"), Conv::same(filters, 3), &inputs, backbone.join);
        outputs.push((*number, y));
    }
    let ends: Vec<Value> = graph.ends.iter().map(|end| output(&outputs, *end)).collect();
    node(spec, &format!("{path}.output"), Conv::same(filters, 3), &ends, backbone.join)
}

/// Inputs joined, a convolution, batch normalisation, ReLU.
fn node(spec: &mut Spec, path: &str, conv: Conv, inputs: &[Value], join: Fusion) -> Value {
    let x = match inputs {
        [x] => *x,
        several => spec.join_all(path, several, join),
    };
    let y = spec.conv_bn(format!("{path}.conv"), format!("{path}.bn"), conv, x);
    spec.relu(&format!("{path}.bn"), y)
}
