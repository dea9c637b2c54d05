//! The individual of Genetic CNN that benches train.

use evograd::Result;
use evograd::models::genetic_cnn::{Backbone, Code, network};
use evograd::models::{Options, Spec};
use evograd::nn::{GlobalAvgPool, Linear};

/// All edges between 3, 4 and 5 nodes with 8, 16 and 32 filters: the most expensive network of a search. All its
/// convolutions are 3×3 and its pools 2×2, and its head is the mean of each channel and one linear layer, without dropout:
/// 18 convolutions and 9.66 million multiply-adds an image.
pub fn all_ones() -> Result<Spec> {
    let backbone = Backbone { kernel: 3, padding: 1, pool: 2, ..Backbone::cifar10(3) };
    let options = Options { backbone: Some(backbone), dropout: Some(0.0), ..Options::default() };
    let mut spec = network(&Code::dense(&[3, 4, 5])?, &options)?;
    let head = spec.nodes.iter().position(|node| node.name == "flatten").expect("every code has a flattening layer");
    let x = spec.nodes[head].inputs[0];
    spec.nodes.truncate(head);
    let x = spec.add("mean", GlobalAvgPool, &[x]);
    spec.add("fc", Linear { features: options.classes }, &[x]);
    Ok(spec)
}
