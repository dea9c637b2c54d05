//! The linear classifier: each class has a weight for each pixel. What it reaches says how much of a data set can be distinguished
//! without looking for shapes.

use super::options::Options;
use super::spec::Spec;
use crate::nn::{Flatten, Linear};

pub(super) fn linear(name: &str, options: &Options) -> Spec {
    let mut spec = Spec::new(name, options.input);
    let x = spec.image();
    let x = spec.add("flatten", Flatten, &[x]);
    spec.add("fc", Linear { features: options.classes }, &[x]);
    spec
}
