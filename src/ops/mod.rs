//! The operations: one file each, with formula, shapes, gradient, forward, backward, method and tests.
//!
//! An operation is a method of [`Var`](crate::Var). All of them return a `Result`: shapes and values come from the
//! user. [`CATALOGUE`] lists them with a way to draw random cases of each, which is what the gradient checks, the
//! property tests and `evograd gradcheck` go through.

mod broadcast;
pub mod catalogue;
mod constant;
mod elementwise;
mod fusion;
mod planes;
mod pooling;
mod product;
mod reduction;
mod region;
mod rows;
mod window;

mod add;
mod avg_pool2d;
mod batch_norm;
mod batch_norm_eval;
mod concat;
mod conv2d;
mod cross_entropy;
mod div;
mod dropout;
mod exp;
mod global_avg_pool;
mod leaky_relu;
mod linear;
mod local_response_norm;
mod log;
mod log_softmax;
mod matmul;
mod max_pool2d;
mod maximum;
mod mean;
mod mul;
mod neg;
mod pad;
mod power;
mod relu;
mod reshape;
mod scale;
mod sigmoid;
mod slice;
mod soft_cross_entropy;
mod softmax;
mod sort;
mod sort_root;
mod sqrt;
mod sub;
mod sum;
mod sum_max;
mod tanh;
mod transpose;

pub use avg_pool2d::AvgPool2d;
pub use batch_norm::{BatchNorm, RunningStats};
pub use catalogue::{Case, Draw, Row, Run};
pub use conv2d::Conv2d;
pub use dropout::DropoutKey;
pub use fusion::Fusion;
pub use local_response_norm::LocalResponseNorm;
pub use matmul::Transpose;
pub use max_pool2d::Pool2d;

/// Every operation.
pub const CATALOGUE: &[Row] = &[
    add::ROW,
    avg_pool2d::ROW,
    batch_norm::ROW,
    batch_norm_eval::ROW,
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
    power::ROW,
    relu::ROW,
    reshape::ROW,
    scale::ROW,
    sigmoid::ROW,
    slice::ROW,
    soft_cross_entropy::ROW,
    softmax::ROW,
    sort::ROW,
    sort_root::ROW,
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

/// The instruction set for an operation that is being run, to be asked for before work is handed to other threads, which
/// do not know of a scope of this one. `apply` and `backward` have checked that there is one.
fn isa() -> evograd_kernels::Isa {
    evograd_kernels::Isa::chosen().expect("apply and backward return an error before an operation runs without one")
}
