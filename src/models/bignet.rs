//! BigNet and BigNet\*: eight 3×3 convolutions and three linear layers.
//!
//! `C3@64 ×2 – MP2 – D.25 – C3@128 ×2 – MP2 – D.25 – C3@256 ×4 – MP2 – D.25 – FC1024 – D.5 – FC1024 – D.5 – FC10`, with a
//! ReLU behind each convolution and the first two linear layers.
//!
//! **Source** the net of "nagadomi" for Kaggle's CIFAR-10 competition, 2014. **Inferred**: that it is SORT's BigNet. The
//! paper says no more of it than that it has 11 layers, which this one has and other candidates have not. The original
//! sees 24×24 crops; here an image may have any size of at least 8×8. The starred version is explained in `star.rs`.

use super::options::Options;
use super::spec::{Spec, Value};
use super::star::Unit;
use crate::nn::{Conv, Flatten, Linear, MaxPool};

/// Filters and the number of convolutions before each pool.
const STAGES: [(usize, usize); 3] = [(64, 2), (128, 2), (256, 4)];

/// BigNet.
pub(super) fn bignet(name: &str, options: &Options) -> Spec {
    build(name, Unit::Plain, options)
}

/// BigNet\*.
pub(super) fn star(name: &str, options: &Options) -> Spec {
    build(name, Unit::TwoBranches, options)
}

fn build(name: &str, unit: Unit, options: &Options) -> Spec {
    let mut spec = Spec::new(name, options.input);
    let mut x = spec.image();
    for (stage, (filters, convolutions)) in (1..).zip(STAGES) {
        for i in 1..=convolutions {
            let conv = Conv::same(options.channels(filters), 3);
            x = unit.add(&mut spec, &format!("conv{stage}_{i}"), conv, x, options);
        }
        x = spec.add(format!("pool{stage}"), MaxPool::square(2, 2), &[x]);
        x = spec.dropout(&format!("dropout{stage}"), options.dropout_or(0.25), x);
    }
    head(&mut spec, x, options);
    spec
}

fn head(spec: &mut Spec, x: Value, options: &Options) {
    let mut x = spec.add("flatten", Flatten, &[x]);
    for i in 1..=2 {
        let path = format!("fc{i}");
        x = spec.add(&path, Linear { features: options.channels(1024) }, &[x]);
        x = spec.relu(&path, x);
        x = spec.dropout(&format!("{path}.dropout"), options.dropout_or(0.5), x);
    }
    spec.add("fc3", Linear { features: options.classes }, &[x]);
}
