//! A network as plain data: layers and what each takes its input from. Knows no weight.

use crate::nn::{AnyLayer, BatchNorm, Conv, Dropout, Fuse, Relu};
use crate::ops::FusedActivation;
use crate::ops::Fusion;

/// A value that flows through a network: the image, or what a node gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub(super) usize);

impl Value {
    /// The index of the node that gives it; `None` for the image.
    pub fn layer(self) -> Option<usize> {
        self.0.checked_sub(1)
    }
}

/// A layer with its place in a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its path, such as `layer1.0.conv1`, which weights are named after.
    pub name: String,
    /// What it does.
    pub layer: AnyLayer,
    /// What it consumes.
    pub inputs: Vec<Value>,
}

/// A network without weights. The last node gives the logits.
///
/// ```
/// use evograd::models::Spec;
/// use evograd::nn::{Conv, Flatten, Linear, Relu};
/// let mut spec = Spec::new("tiny", [3, 8, 8]);
/// let x = spec.image();
/// let x = spec.add("conv", Conv::same(4, 3), &[x]);
/// let x = spec.add("relu", Relu, &[x]);
/// let x = spec.add("flatten", Flatten, &[x]);
/// spec.add("fc", Linear { features: 10 }, &[x]);
/// let plan = spec.plan()?;
/// assert_eq!((plan.parameters(), plan.macs()), (3 * 4 * 9 + 256 * 10 + 10, 3 * 4 * 9 * 64 + 2560));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// What the network is called.
    pub name: String,
    /// The image's sizes `[C, H, W]`.
    pub input: [usize; 3],
    /// Layers in an order in which they can run.
    pub nodes: Vec<Node>,
}

impl Spec {
    /// A network without layers, for images `[C, H, W]`.
    pub fn new(name: impl Into<String>, input: [usize; 3]) -> Spec {
        Spec { name: name.into(), input, nodes: Vec::new() }
    }

    /// The image.
    pub fn image(&self) -> Value {
        Value(0)
    }

    /// Adds a layer; its output is returned.
    pub fn add(&mut self, name: impl Into<String>, layer: impl Into<AnyLayer>, inputs: &[Value]) -> Value {
        self.nodes.push(Node { name: name.into(), layer: layer.into(), inputs: inputs.to_vec() });
        Value(self.nodes.len())
    }

    /// Adds a convolution and its batch normalisation, under names such as `layer1.0.conv1` and `layer1.0.bn1`.
    pub fn conv_bn(&mut self, conv: String, bn: String, layer: Conv, x: Value) -> Value {
        let x = self.add(conv, layer, &[x]);
        self.bn(&bn, x)
    }

    /// Adds a batch normalisation.
    pub fn bn(&mut self, path: &str, x: Value) -> Value {
        self.add(path, BatchNorm::default(), &[x])
    }

    /// As [`Spec::conv_bn`], with the ReLU behind it.
    pub fn conv_bn_relu(&mut self, conv: String, bn: String, layer: Conv, x: Value) -> Value {
        let x = self.add(conv, layer, &[x]);
        self.bn_relu(&bn, x)
    }

    /// Adds a batch normalisation with the ReLU behind it.
    pub fn bn_relu(&mut self, path: &str, x: Value) -> Value {
        self.add(path, BatchNorm { relu: true, ..BatchNorm::default() }, &[x])
    }

    /// Adds a ReLU; `after` is the path of the layer before it.
    pub fn relu(&mut self, after: &str, x: Value) -> Value {
        self.add(format!("{after}.relu"), Relu, &[x])
    }

    /// Adds dropout with probability `p`, or nothing where `p` is 0.
    pub fn dropout(&mut self, name: &str, p: f64, x: Value) -> Value {
        if p == 0.0 { x } else { self.add(name, Dropout { p }, &[x]) }
    }

    /// Adds the fusion of two branches, at the path `block`. Where the second is a batch normalisation that nobody else consumes,
    /// and a sum or a rooted SORT with a ReLU fuses it, the plan trains both in one pass over memory.
    pub fn fuse(&mut self, block: &str, branches: [Value; 2], fusion: Fusion, activation: FusedActivation) -> Value {
        let relu = activation == FusedActivation::Relu;
        self.add(format!("{block}.fusion"), Fuse { fusion, relu }, &branches)
    }

    /// Adds the fusion of any number of branches, without a ReLU, at the path `block`.
    pub fn fuse_all(&mut self, block: &str, branches: &[Value], fusion: Fusion) -> Value {
        self.add(format!("{block}.fusion"), Fuse { fusion, relu: false }, branches)
    }
}
