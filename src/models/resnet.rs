//! Residual networks for small images: ResNet-20, 32, 56 and 110.
//!
//! A 3×3 convolution to 16 channels, three stages of `n` blocks with 16, 32 and 64 channels, of which the second and third
//! begin with stride 2, the mean of each channel, and a linear layer: `6n + 2` layers with weights. A block is
//! convolution, batch normalisation, ReLU, convolution, batch normalisation, fused with its input, then ReLU.
//!
//! **Source** He, Zhang, Ren and Sun, *Deep residual learning for image recognition*, CVPR 2016, section 4.2; SORT fuses
//! the two branches as its paper's section on residual blocks has it. Names are those of PyTorch's ResNet.

use super::options::{Options, Shortcut};
use super::spec::{Spec, Value};
use crate::nn::{Conv, GlobalAvgPool, Linear, Subsample};
use crate::ops::FusedActivation;

/// A residual network with `blocks` blocks in each of its three stages.
pub(super) fn resnet(name: &str, blocks: usize, options: &Options) -> Spec {
    let mut spec = Spec::new(name, options.input);
    let x = spec.image();
    let mut x = spec.conv_bn_relu("conv1".into(), "bn1".into(), Conv::same(options.channels(16), 3), x);
    let mut channels = options.channels(16);
    for stage in 0..3 {
        let filters = options.channels(16 << stage);
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let path = format!("layer{}.{block}", stage + 1);
            x = basic_block(&mut spec, &path, x, [channels, filters], stride, options);
            channels = filters;
        }
    }
    let x = spec.add("avgpool", GlobalAvgPool, &[x]);
    spec.add("fc", Linear { features: options.classes }, &[x]);
    spec
}

/// Two 3×3 convolutions, fused with their input.
pub(super) fn basic_block(
    spec: &mut Spec,
    path: &str,
    x: Value,
    channels: [usize; 2],
    stride: usize,
    options: &Options,
) -> Value {
    let [_, filters] = channels;
    let name = |part: &str| format!("{path}.{part}");
    let f = spec.conv_bn_relu(name("conv1"), name("bn1"), Conv::same(filters, 3).stride(stride), x);
    let f = spec.conv_bn(name("conv2"), name("bn2"), Conv::same(filters, 3), f);
    let x = shortcut(spec, path, x, channels, stride, options.shortcut);
    spec.fuse(path, [x, f], options.fusion, FusedActivation::Relu)
}

/// The input itself, where the block keeps its size; else what makes it as small and as deep as the block's output.
pub(super) fn shortcut(
    spec: &mut Spec,
    path: &str,
    x: Value,
    channels: [usize; 2],
    stride: usize,
    shortcut: Shortcut,
) -> Value {
    let [given, wanted] = channels;
    if stride == 1 && given == wanted {
        return x;
    }
    let path = format!("{path}.downsample");
    match shortcut {
        Shortcut::Pad => spec.add(path, Subsample { stride, channels: wanted }, &[x]),
        Shortcut::Conv => {
            let conv = Conv::same(wanted, 1).stride(stride);
            spec.conv_bn(format!("{path}.0"), format!("{path}.1"), conv, x)
        }
    }
}
