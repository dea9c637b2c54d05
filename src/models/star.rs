//! What each convolution of a chain is, which makes the difference between a network and its starred version: the
//! convolution itself, or two branches that are fused.
//!
//! **Known** The starred networks of SORT's paper have "each convolution replaced by a two-branch module"; the figure
//! shows the input feeding two parallel chains of two layers each, `a` and `b`, and a fusion behind them.
//!
//! **Inferred**, since nothing that could be found says it:
//!
//! * *The two layers of a branch.* `a` is the convolution that is replaced, with its kernel, stride and padding; `b` is a
//!   3×3 convolution that keeps the size. Both have as many filters as the convolution had. So the rule is the same for
//!   5×5, 3×3 and AlexNet's 11×11 with stride 4.
//! * *Batch normalisation* behind each of the four convolutions. It makes a response's size that of a standard normal
//!   variable, so that neither the sum of two branches nor their product grows from module to module, and every fusion
//!   trains at the same learning rate. Convolutions before it have no bias.
//! * *ReLU* behind `a`, none behind `b`, one behind the fusion. A ReLU behind `b` would make both branches positive, and
//!   SORT's rectification, which only its second-order term has, would mean nothing. The residual block beside it in the
//!   figure has the same form.

use super::options::Options;
use super::spec::{Spec, Value};
use crate::nn::Conv;
use crate::ops::FusedActivation;

/// What stands for a convolution with its ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Itself, with a bias.
    Plain,
    /// Two branches of two convolutions.
    TwoBranches,
}

impl Unit {
    /// Adds a convolution with its ReLU, or what stands for it, at this path.
    pub fn add(self, spec: &mut Spec, path: &str, conv: Conv, x: Value, options: &Options) -> Value {
        match self {
            Unit::Plain => {
                let x = spec.add(path, conv.biased(), &[x]);
                spec.relu(path, x)
            }
            Unit::TwoBranches => {
                let branches = [1, 2].map(|number| branch(spec, &format!("{path}.branch{number}"), conv, x));
                spec.fuse(path, branches, options.fusion, FusedActivation::Relu)
            }
        }
    }
}

fn branch(spec: &mut Spec, path: &str, conv: Conv, x: Value) -> Value {
    let name = |part: &str| format!("{path}.{part}");
    let x = spec.conv_bn_relu(name("conva"), name("bna"), conv, x);
    spec.conv_bn(name("convb"), name("bnb"), Conv::same(conv.filters, 3), x)
}
