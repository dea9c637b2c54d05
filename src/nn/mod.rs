//! Layers: what each asks of its inputs, the weights it needs, what it costs, and how it runs. Knows operations; knows
//! no network.
//!
//! A layer is a plain description without weights. It answers for shapes alone, so that a whole network can be checked
//! and counted before any memory is asked for; and it runs on variables, with weights that the network hands it. Whoever writes
//! a [`Layer`] outside the crate hands it to networks as an [`OwnLayer`].

mod activation;
mod conv;
mod dropout;
mod fuse;
mod init;
mod layer;
mod linear;
mod norm;
mod own;
mod pool;
mod shortcut;

pub use activation::Relu;
pub use conv::Conv;
pub use dropout::Dropout;
pub use fuse::{BatchNormFuse, Concat, Fuse};
pub use init::Init;
pub use layer::{Layer, Parameter, Pass, Phase, Role, only};
pub use linear::{Flatten, Linear};
pub use norm::{BatchNorm, LocalResponseNorm};
pub use own::OwnLayer;
pub use pool::{AvgPool, GlobalAvgPool, MaxPool};
pub use shortcut::Subsample;

use crate::error::Result;
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// Makes the list of all layers, and hands each question on to the one it is asked of.
macro_rules! layers {
    ($($name:ident),*) => {
        /// Any layer, as plain data.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnyLayer {
            $(#[doc = concat!("A [`", stringify!($name), "`].")] $name($name)),*
        }

        $(impl From<$name> for AnyLayer {
            fn from(layer: $name) -> AnyLayer {
                AnyLayer::$name(layer)
            }
        })*

        impl Layer for AnyLayer {
            fn kind(&self) -> String {
                match self { $(AnyLayer::$name(layer) => layer.kind()),* }
            }
            fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
                match self { $(AnyLayer::$name(layer) => layer.output_shape(inputs)),* }
            }
            fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
                match self { $(AnyLayer::$name(layer) => layer.parameters(inputs)),* }
            }
            fn statistics(&self, inputs: &[&Shape]) -> Option<usize> {
                match self { $(AnyLayer::$name(layer) => layer.statistics(inputs)),* }
            }
            fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
                match self { $(AnyLayer::$name(layer) => layer.macs(inputs, output)),* }
            }
            fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
                match self { $(AnyLayer::$name(layer) => layer.run(inputs, pass)),* }
            }
        }
    };
}

layers!(
    AvgPool,
    BatchNorm,
    BatchNormFuse,
    Concat,
    Conv,
    Dropout,
    Flatten,
    Fuse,
    GlobalAvgPool,
    Linear,
    LocalResponseNorm,
    MaxPool,
    OwnLayer,
    Relu,
    Subsample
);
