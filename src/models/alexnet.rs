//! AlexNet and AlexNet\*, for large images.
//!
//! `C11(S4P2)@64 – MP3(S2) – C5(P2)@192 – MP3(S2) – C3@384 – C3@256 – C3@256 – MP3(S2) – D.5 – FC4096 – D.5 – FC4096 –
//! FC1000`, with a ReLU behind each convolution and the first two linear layers: in **one column**, without groups and
//! without response normalisation.
//!
//! **Source** Krizhevsky, *One weird trick for parallelizing convolutional neural networks*, 2014, as torchvision has it,
//! with its names: 61,100,840 weights. It is not the two-column network of NIPS 2012. **Inferred**: that it is what SORT
//! means; its paper says "8 layers" and prints an error close to torchvision's. torchvision's averaging to 6×6 before the
//! linear layers does nothing on 224×224 images and is left out, so the first linear layer is smaller on smaller
//! images. The starred version is explained in `star.rs`.

use super::options::Options;
use super::spec::{Spec, Value};
use super::star::Unit;
use crate::nn::{Conv, Flatten, Linear, MaxPool};

/// Name, filters, kernel, stride, padding, and whether a pool follows.
type Row = (&'static str, usize, usize, usize, usize, bool);

const CONVOLUTIONS: [Row; 5] = [
    ("features.0", 64, 11, 4, 2, true),
    ("features.3", 192, 5, 1, 2, true),
    ("features.6", 384, 3, 1, 1, false),
    ("features.8", 256, 3, 1, 1, false),
    ("features.10", 256, 3, 1, 1, true),
];

/// AlexNet.
pub(super) fn alexnet(name: &str, options: &Options) -> Spec {
    build(name, Unit::Plain, options)
}

/// AlexNet\*.
pub(super) fn star(name: &str, options: &Options) -> Spec {
    build(name, Unit::TwoBranches, options)
}

fn build(name: &str, unit: Unit, options: &Options) -> Spec {
    let mut spec = Spec::new(name, options.input);
    let mut x = spec.image();
    for (path, filters, kernel, stride, padding, pooled) in CONVOLUTIONS {
        let conv = Conv::same(options.channels(filters), kernel).stride(stride).padding(padding);
        x = unit.add(&mut spec, path, conv, x, options);
        if pooled {
            x = spec.add(format!("{path}.pool"), MaxPool::square(3, 2), &[x]);
        }
    }
    head(&mut spec, x, options);
    spec
}

fn head(spec: &mut Spec, x: Value, options: &Options) {
    let mut x = spec.add("flatten", Flatten, &[x]);
    for path in ["classifier.1", "classifier.4"] {
        x = spec.dropout(&format!("{path}.dropout"), options.dropout_or(0.5), x);
        x = spec.add(path, Linear { features: options.channels(4096) }, &[x]);
        x = spec.relu(path, x);
    }
    spec.add("classifier.6", Linear { features: options.classes }, &[x]);
}
