//! The operations: one file each, with formula, shapes, gradient, forward, backward, method and tests.
//!
//! An operation is a method of [`Var`](crate::Var). All of them return a `Result`: shapes and values come from the
//! user. [`CATALOGUE`] lists them with a way to draw random cases of each, which is what the gradient checks, the
//! property tests and `evograd gradcheck` go through. Below, each operation has a page with its formula, shapes and the
//! derivation of its gradient.

mod support;

pub mod abs;
pub mod adaptive_avg_pool2d;
pub mod add;
pub mod amax;
pub mod amin;
pub mod avg_pool2d;
pub mod batch_norm;
pub mod batch_norm_eval;
pub mod batch_norm_fuse;
pub mod batch_norm_relu;
pub mod binary_cross_entropy_with_logits;
pub mod clamp;
pub mod concat;
pub mod conv1d;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod cos;
pub mod cross_entropy;
pub mod cross_entropy_with;
pub mod cumsum;
pub mod div;
pub mod dropout;
pub mod einsum;
pub mod elu;
pub mod embedding;
pub mod exp;
pub mod expm1;
pub mod gather;
pub mod gelu;
pub mod global_avg_pool;
pub mod group_norm;
pub mod huber_loss;
pub mod instance_norm;
pub mod l1_loss;
pub mod layer_norm;
pub mod leaky_relu;
pub mod linear;
pub mod local_response_norm;
pub mod log;
pub mod log1p;
pub mod log_softmax;
pub mod matmul;
pub mod max;
pub mod max_pool2d;
pub mod maximum;
pub mod mean;
pub mod min;
pub mod mse_loss;
pub mod mul;
pub mod neg;
pub mod pad;
pub mod pow;
pub mod relu;
pub mod reshape;
pub mod rms_norm;
pub mod scale;
pub mod scaled_dot_product_attention;
pub mod sigmoid;
pub mod silu;
pub mod sin;
pub mod slice;
pub mod smooth_l1_loss;
pub mod soft_cross_entropy;
pub mod softmax;
pub mod softplus;
pub mod sort_fusion;
pub mod sort_root_fusion;
pub mod split;
pub mod sqrt;
pub mod stack;
pub mod sub;
pub mod sum;
pub mod sum_max;
pub mod tanh;
pub mod transpose;
pub mod upsample_bilinear2d;
pub mod upsample_nearest2d;
pub mod where_;

pub use avg_pool2d::{AvgPool2d, Divisor};
pub(crate) use concat::concat_shape;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv1d::Conv1d;
pub use conv2d::{Conv2d, PreparedConv2d};
pub use cross_entropy_with::CrossEntropy;
pub use dropout::DropoutKey;
pub use gelu::Gelu;
pub(crate) use linear::linear_shape;
pub use local_response_norm::LocalResponseNorm;
pub use matmul::Transpose;
pub use max_pool2d::MaxPool2d;
pub use scaled_dot_product_attention::AttentionMask;
pub use softplus::Softplus;
pub use support::batch_statistics::{BatchNorm, RunningStats};
pub use support::catalogue::{Case, Draw, Large, Row, Run};
pub use support::elementwise::{map_chunks, zip_chunks};
pub(crate) use support::fusion::common_shape;
pub use support::fusion::{FusedActivation, Fusion};
pub use support::loss::Reduction;
pub use support::reduction::ReducedAxes;

/// Every operation.
pub const CATALOGUE: &[Row] = &[
    abs::ROW,
    adaptive_avg_pool2d::ROW,
    add::ROW,
    amax::ROW,
    amin::ROW,
    avg_pool2d::ROW,
    batch_norm::ROW,
    batch_norm_eval::ROW,
    batch_norm_fuse::ROW,
    batch_norm_relu::ROW,
    binary_cross_entropy_with_logits::ROW,
    clamp::ROW,
    concat::ROW,
    conv1d::ROW,
    conv2d::ROW,
    conv_transpose2d::ROW,
    cos::ROW,
    cross_entropy::ROW,
    cross_entropy_with::ROW,
    cumsum::ROW,
    div::ROW,
    dropout::ROW,
    einsum::ROW,
    elu::ROW,
    embedding::ROW,
    exp::ROW,
    expm1::ROW,
    gather::ROW,
    gelu::ROW,
    global_avg_pool::ROW,
    group_norm::ROW,
    huber_loss::ROW,
    instance_norm::ROW,
    l1_loss::ROW,
    layer_norm::ROW,
    leaky_relu::ROW,
    linear::ROW,
    local_response_norm::ROW,
    log::ROW,
    log1p::ROW,
    log_softmax::ROW,
    matmul::ROW,
    max::ROW,
    max_pool2d::ROW,
    maximum::ROW,
    mean::ROW,
    min::ROW,
    mse_loss::ROW,
    mul::ROW,
    neg::ROW,
    pad::ROW,
    pow::ROW,
    relu::ROW,
    reshape::ROW,
    rms_norm::ROW,
    scale::ROW,
    scaled_dot_product_attention::ROW,
    sigmoid::ROW,
    silu::ROW,
    sin::ROW,
    slice::ROW,
    smooth_l1_loss::ROW,
    soft_cross_entropy::ROW,
    softmax::ROW,
    softplus::ROW,
    sort_fusion::ROW,
    sort_root_fusion::ROW,
    split::ROW,
    sqrt::ROW,
    stack::ROW,
    sub::ROW,
    sum::ROW,
    sum_max::ROW,
    tanh::ROW,
    transpose::ROW,
    upsample_bilinear2d::ROW,
    upsample_nearest2d::ROW,
    where_::ROW,
];

/// The row of the operation of this name.
///
/// ```
/// assert!(evograd::ops::row("relu").is_some());
/// ```
pub fn row(name: &str) -> Option<&'static Row> {
    CATALOGUE.iter().find(|row| row.name == name)
}
