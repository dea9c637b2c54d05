//! VGG-16 and VGG-19, with and without batch normalisation.
//!
//! Stages of 3×3 convolutions to 64, 128, 256, 512 and 512 channels, each with a ReLU, a 2×2 pool behind each stage, then
//! `FC4096 – D.5 – FC4096 – D.5 – FC1000`.
//!
//! **Source** Simonyan and Zisserman, *Very deep convolutional networks for large-scale image recognition*, ICLR 2015,
//! configurations D and E; names and counts are torchvision's. On images with a side below 64 pixels there is one
//! linear layer behind the convolutions, `classifier`, as is usual for CIFAR: two layers of 4096 features would have
//! more weights than all the convolutions together.

use super::options::Options;
use super::spec::{Spec, Value};
use crate::nn::{Conv, Flatten, Linear, MaxPool};

/// Convolutions in each stage of VGG-16.
pub(super) const D: [usize; 5] = [2, 2, 3, 3, 3];
/// Convolutions in each stage of VGG-19.
pub(super) const E: [usize; 5] = [2, 2, 4, 4, 4];

/// A VGG network with so many convolutions in each stage.
pub(super) fn vgg(name: &str, stages: [usize; 5], normalised: bool, options: &Options) -> Spec {
    let mut spec = Spec::new(name, options.input);
    let mut x = spec.image();
    // torchvision numbers convolution, normalisation, ReLU and pool in one list.
    let mut index = 0;
    for (filters, convolutions) in [64, 128, 256, 512, 512].into_iter().zip(stages) {
        for _ in 0..convolutions {
            x = unit(&mut spec, index, Conv::same(options.channels(filters), 3), normalised, x);
            index += if normalised { 3 } else { 2 };
        }
        x = spec.add(format!("features.{index}"), MaxPool::square(2, 2), &[x]);
        index += 1;
    }
    let x = spec.add("flatten", Flatten, &[x]);
    head(&mut spec, x, options);
    spec
}

fn unit(spec: &mut Spec, index: usize, conv: Conv, normalised: bool, x: Value) -> Value {
    let path = format!("features.{index}");
    let x = spec.add(&path, conv.biased(), &[x]);
    if normalised { spec.bn_relu(&format!("features.{}", index + 1), x) } else { spec.relu(&path, x) }
}

fn head(spec: &mut Spec, mut x: Value, options: &Options) {
    let [_, rows, columns] = options.input;
    if rows.min(columns) < 64 {
        spec.add("classifier", Linear { features: options.classes }, &[x]);
        return;
    }
    for path in ["classifier.0", "classifier.3"] {
        x = spec.add(path, Linear { features: options.channels(4096) }, &[x]);
        x = spec.relu(path, x);
        x = spec.dropout(&format!("{path}.dropout"), options.dropout_or(0.5), x);
    }
    spec.add("classifier.6", Linear { features: options.classes }, &[x]);
}
