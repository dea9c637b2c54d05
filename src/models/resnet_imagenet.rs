//! Residual networks for large images: ResNet-18, 34 and 50.
//!
//! A 7×7 convolution with stride 2 to 64 channels, a 3×3 pool with stride 2, four stages that begin with 64, 128, 256 and
//! 512 filters, of which all but the first halve the image, the mean of each channel, and a linear layer. ResNet-18 and
//! 34 are made of the blocks of `resnet.rs`; ResNet-50 of bottlenecks: 1×1, 3×3 and 1×1 convolutions, of which the last has
//! four times the filters.
//!
//! **Source** He, Zhang, Ren and Sun, *Deep residual learning for image recognition*, CVPR 2016, table 1, with the stride
//! of a bottleneck in its 3×3 convolution, as in torchvision ("version 1.5") and the Torch version that SORT's paper
//! trained. Names and counts are torchvision's.

use super::options::Options;
use super::resnet::{basic_block, shortcut};
use super::spec::{Spec, Value};
use crate::nn::{Conv, GlobalAvgPool, Linear, MaxPool};
use crate::ops::FusedActivation;
use crate::ops::MaxPool2d;

/// What adds one block: the network, its path, its input, channels before and behind, its stride.
type Block = fn(&mut Spec, &str, Value, [usize; 2], usize, &Options) -> Value;

/// A network of blocks of two 3×3 convolutions.
pub(super) fn basic(name: &str, blocks: [usize; 4], options: &Options) -> Spec {
    build(name, blocks, basic_block, 1, options)
}

/// A network of bottlenecks.
pub(super) fn deep(name: &str, blocks: [usize; 4], options: &Options) -> Spec {
    build(name, blocks, bottleneck, EXPANSION, options)
}

/// How many times deeper a bottleneck's output is than its 3×3 convolution.
const EXPANSION: usize = 4;

fn build(name: &str, blocks: [usize; 4], add: Block, expansion: usize, options: &Options) -> Spec {
    let mut spec = Spec::new(name, options.input);
    let mut channels = options.channels(64);
    let mut x = stem(&mut spec, channels);
    for (stage, blocks) in blocks.into_iter().enumerate() {
        let filters = expansion * options.channels(64 << stage);
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let path = format!("layer{}.{block}", stage + 1);
            x = add(&mut spec, &path, x, [channels, filters], stride, options);
            channels = filters;
        }
    }
    let x = spec.add("avgpool", GlobalAvgPool, &[x]);
    spec.add("fc", Linear { features: options.classes }, &[x]);
    spec
}

fn stem(spec: &mut Spec, channels: usize) -> Value {
    let x = spec.image();
    let x = spec.conv_bn_relu("conv1".into(), "bn1".into(), Conv::same(channels, 7).stride(2), x);
    let pool = MaxPool2d { padding: [1, 1], ..MaxPool::square(3, 2).0 };
    spec.add("maxpool", MaxPool(pool), &[x])
}

/// 1×1, 3×3 and 1×1 convolutions, fused with their input.
fn bottleneck(spec: &mut Spec, path: &str, x: Value, channels: [usize; 2], stride: usize, options: &Options) -> Value {
    let [_, outputs] = channels;
    let filters = outputs / EXPANSION;
    let name = |part: &str| format!("{path}.{part}");
    let f = spec.conv_bn_relu(name("conv1"), name("bn1"), Conv::same(filters, 1), x);
    let f = spec.conv_bn_relu(name("conv2"), name("bn2"), Conv::same(filters, 3).stride(stride), f);
    let f = spec.conv_bn(name("conv3"), name("bn3"), Conv::same(outputs, 1), f);
    let x = shortcut(spec, path, x, channels, stride, options.shortcut);
    spec.fuse(path, [x, f], options.fusion, FusedActivation::Relu)
}
