//! The operations: one file each, with formula, shapes, gradient, forward, backward, method and tests.
//!
//! An operation is a method of [`Var`](crate::Var). All of them return a `Result`: shapes and values come from the
//! user. [`CATALOGUE`] lists them with a way to draw random cases of each, which is what the gradient checks, the
//! property tests and `evograd gradcheck` go through. Below, each operation has a page with its formula, shapes and the
//! derivation of its gradient.

mod support;

pub mod add;
pub mod avg_pool2d;
pub mod batch_norm;
pub mod batch_norm_eval;
pub mod batch_norm_fuse;
pub mod batch_norm_relu;
pub mod concat;
pub mod conv2d;
pub mod cross_entropy;
pub mod div;
pub mod dropout;
pub mod exp;
pub mod global_avg_pool;
pub mod leaky_relu;
pub mod linear;
pub mod local_response_norm;
pub mod log;
pub mod log_softmax;
pub mod matmul;
pub mod max_pool2d;
pub mod maximum;
pub mod mean;
pub mod mul;
pub mod neg;
pub mod pad;
pub mod pow;
pub mod relu;
pub mod reshape;
pub mod scale;
pub mod sigmoid;
pub mod slice;
pub mod soft_cross_entropy;
pub mod softmax;
pub mod sort_fusion;
pub mod sort_root_fusion;
pub mod sqrt;
pub mod sub;
pub mod sum;
pub mod sum_max;
pub mod tanh;
pub mod transpose;

pub use avg_pool2d::AvgPool2d;
pub(crate) use concat::concat_shape;
pub use conv2d::{Conv2d, PreparedConv2d};
pub use dropout::DropoutKey;
pub(crate) use linear::linear_shape;
pub use local_response_norm::LocalResponseNorm;
pub use matmul::Transpose;
pub use max_pool2d::MaxPool2d;
pub use support::batch_statistics::{BatchNorm, RunningStats};
pub use support::catalogue::{Case, Draw, Large, Row, Run};
pub use support::elementwise::{map_chunks, zip_chunks};
pub(crate) use support::fusion::common_shape;
pub use support::fusion::{FusedActivation, Fusion};
pub use support::reduction::ReducedAxes;

/// Every operation.
pub const CATALOGUE: &[Row] = &[
    add::ROW,
    avg_pool2d::ROW,
    batch_norm::ROW,
    batch_norm_eval::ROW,
    batch_norm_fuse::ROW,
    batch_norm_relu::ROW,
    concat::ROW,
    conv2d::ROW,
    cross_entropy::ROW,
    div::ROW,
    dropout::ROW,
    exp::ROW,
    global_avg_pool::ROW,
    leaky_relu::ROW,
    linear::ROW,
    local_response_norm::ROW,
    log::ROW,
    log_softmax::ROW,
    matmul::ROW,
    max_pool2d::ROW,
    maximum::ROW,
    mean::ROW,
    mul::ROW,
    neg::ROW,
    pad::ROW,
    pow::ROW,
    relu::ROW,
    reshape::ROW,
    scale::ROW,
    sigmoid::ROW,
    slice::ROW,
    soft_cross_entropy::ROW,
    softmax::ROW,
    sort_fusion::ROW,
    sort_root_fusion::ROW,
    sqrt::ROW,
    sub::ROW,
    sum::ROW,
    sum_max::ROW,
    tanh::ROW,
    transpose::ROW,
];

/// The row of the operation of this name.
///
/// ```
/// assert!(evograd::ops::row("relu").is_some());
/// ```
pub fn row(name: &str) -> Option<&'static Row> {
    CATALOGUE.iter().find(|row| row.name == name)
}
