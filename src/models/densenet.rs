//! Densely connected networks for small images, `densenet-DEPTH-GROWTH` and `densenet-bc-DEPTH-GROWTH`.
//!
//! A 3×3 convolution; three blocks of `n` layers, each of which adds `growth` channels behind those it was given; between
//! blocks a 1×1 convolution and a 2×2 mean pool; batch normalisation, ReLU, the mean of each channel, and a linear layer. A
//! layer is batch normalisation, ReLU and a 3×3 convolution; in a "BC" network a 1×1 convolution to `4·growth` channels
//! comes before it in the same way, and the convolutions between blocks halve the channels. The depth is `3n + 4`, with
//! bottlenecks `6n + 4`. The first convolution has 16 channels, in a BC network `2·growth`.
//!
//! Branches meet by standing one behind the other, so no fusion is chosen here.
//!
//! **Source** Huang, Liu, van der Maaten and Weinberger, *Densely connected convolutional networks*, CVPR 2017, section 4.
//! Dropout behind each convolution of a layer where it is asked for; the paper uses 0.2 without augmentation. Names are
//! those of torchvision, with `norm_final` for the last normalisation.

use super::options::Options;
use super::spec::{Spec, Value};
use crate::error::{Error, Result};
use crate::nn::{AvgPool, Concat, Conv, GlobalAvgPool, Linear};
use crate::ops::{AvgPool2d, Divisor};

/// The greatest depth and growth that a name may ask for.
const GREATEST: [usize; 2] = [1000, 1000];

/// Between blocks, every second pixel is left along each axis.
const HALVE: AvgPool = AvgPool(AvgPool2d {
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0],
    padding_end: None,
    ceil: false,
    divisor: Divisor::Padded,
});

/// What a network is made of.
struct Shape {
    layers: usize,
    growth: usize,
    /// Whether layers have bottlenecks and blocks are followed by compression.
    compressed: bool,
}

/// `densenet-DEPTH-GROWTH`.
pub(super) fn plain(name: &str, numbers: [usize; 2], options: &Options) -> Result<Spec> {
    build(name, numbers, false, options)
}

/// `densenet-bc-DEPTH-GROWTH`.
pub(super) fn compressed(name: &str, numbers: [usize; 2], options: &Options) -> Result<Spec> {
    build(name, numbers, true, options)
}

fn build(name: &str, [depth, growth]: [usize; 2], compressed: bool, options: &Options) -> Result<Spec> {
    let layers = layers(depth, growth, compressed)?;
    let shape = Shape { layers, growth: options.channels(growth), compressed };
    let mut spec = Spec::new(name, options.input);
    let x = spec.image();
    let mut channels = if compressed { 2 * shape.growth } else { options.channels(16) };
    let mut x = spec.add("features.conv0", Conv::same(channels, 3), &[x]);
    for block in 1..=3 {
        x = add_block(&mut spec, &format!("features.denseblock{block}"), &shape, x, options);
        channels += shape.layers * shape.growth;
        if block < 3 {
            channels = if compressed { (channels / 2).max(1) } else { channels };
            x = add_transition(&mut spec, &format!("features.transition{block}"), channels, x, options);
        }
    }
    let x = spec.bn_relu("features.norm_final", x);
    let x = spec.add("avgpool", GlobalAvgPool, &[x]);
    spec.add("classifier", Linear { features: options.classes }, &[x]);
    Ok(spec)
}

/// Layers in each block.
fn layers(depth: usize, growth: usize, compressed: bool) -> Result<usize> {
    let (each, examples) = if compressed { (6, "40, 100, 190, 250") } else { (3, "22, 40, 100") };
    let [deepest, fastest] = GREATEST;
    if depth < each + 4 || depth > deepest || !(depth - 4).is_multiple_of(each) {
        let problem = format!("the depth {depth} is not {each}n + 4");
        return Err(Error::op("densenet", problem, &[], format!("use {examples} or another one up to {deepest}")));
    }
    if !(1..=fastest).contains(&growth) {
        return Err(Error::op("densenet", format!("the growth is {growth}"), &[], format!("use 1 to {fastest}")));
    }
    Ok((depth - 4) / each)
}

fn add_block(spec: &mut Spec, path: &str, shape: &Shape, mut x: Value, options: &Options) -> Value {
    for layer in 1..=shape.layers {
        let name = |part: &str| format!("{path}.denselayer{layer}.{part}");
        let mut new = spec.bn_relu(&name("norm1"), x);
        if shape.compressed {
            new = spec.add(name("conv1"), Conv::same(4 * shape.growth, 1), &[new]);
            new = spec.dropout(&name("dropout1"), options.dropout_or(0.0), new);
            new = spec.bn_relu(&name("norm2"), new);
        }
        let last = if shape.compressed { 2 } else { 1 };
        new = spec.add(name(&format!("conv{last}")), Conv::same(shape.growth, 3), &[new]);
        new = spec.dropout(&name(&format!("dropout{last}")), options.dropout_or(0.0), new);
        x = spec.add(name("concat"), Concat, &[x, new]);
    }
    x
}

fn add_transition(spec: &mut Spec, path: &str, channels: usize, x: Value, options: &Options) -> Value {
    let name = |part: &str| format!("{path}.{part}");
    let x = spec.bn_relu(&name("norm"), x);
    let x = spec.add(name("conv"), Conv::same(channels, 1), &[x]);
    let x = spec.dropout(&name("dropout"), options.dropout_or(0.0), x);
    spec.add(name("pool"), HALVE, &[x])
}
