//! LeNet and LeNet\*: three convolutions for coloured images, two for the digits of MNIST, and two linear layers.
//!
//! On any images but 1×28×28: `C5(S1P2)@32 – MP3(S2) – C5(S1P2)@32 – MP3(S2) – C5(S1P2)@64 – MP3(S2) – FC64 – D0.5 –
//! FC10`. On 1×28×28: `C5(S1P0)@32 – MP2(S2) – C5(S1P0)@64 – MP2(S2) – FC512 – D0.5 – FC10`. A ReLU follows each
//! convolution and the first linear layer.
//!
//! **Source** Xie and others, *DisturbLabel*, CVPR 2016, which gives both; its second version is by authors of SORT, whose
//! LeNet has as many layers. **Inferred**: that SORT's is the same; and that the 3×3 pools round up, as Caffe's do, so that
//! they halve 32 to 16, 8 and 4. The starred version is explained in `star.rs`.

use super::options::Options;
use super::spec::{Spec, Value};
use super::star::Unit;
use crate::nn::{Conv, Flatten, Linear, MaxPool};
use crate::ops::MaxPool2d;

/// LeNet.
pub(super) fn lenet(name: &str, options: &Options) -> Spec {
    build(name, Unit::Plain, options)
}

/// LeNet\*.
pub(super) fn star(name: &str, options: &Options) -> Spec {
    build(name, Unit::TwoBranches, options)
}

fn build(name: &str, unit: Unit, options: &Options) -> Spec {
    let mut spec = Spec::new(name, options.input);
    let digits = options.input == [1, 28, 28];
    let (filters, padding, features): (&[usize], _, _) =
        if digits { (&[32, 64], 0, 512) } else { (&[32, 32, 64], 2, 64) };
    let pool =
        if digits { MaxPool::square(2, 2) } else { MaxPool(MaxPool2d { ceil: true, ..MaxPool::square(3, 2).0 }) };
    let mut x = spec.image();
    for (i, filters) in (1..).zip(filters) {
        let conv = Conv::same(options.channels(*filters), 5).padding(padding);
        x = unit.add(&mut spec, &format!("conv{i}"), conv, x, options);
        x = spec.add(format!("pool{i}"), pool, &[x]);
    }
    head(&mut spec, features, x, options);
    spec
}

fn head(spec: &mut Spec, features: usize, x: Value, options: &Options) {
    let x = spec.add("flatten", Flatten, &[x]);
    let x = spec.add("fc1", Linear { features: options.channels(features) }, &[x]);
    let x = spec.relu("fc1", x);
    let x = spec.dropout("dropout", options.dropout_or(0.5), x);
    spec.add("fc2", Linear { features: options.classes }, &[x]);
}
