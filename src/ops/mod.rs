//! The operations: one file each, with formula, shapes, gradient, forward, backward, method and tests.
//!
//! An operation is a method of [`Var`](crate::Var). All of them return a `Result`: shapes and values come from the
//! user. [`CATALOGUE`] lists them with a way to draw random cases of each, which is what the gradient checks, the
//! property tests and `evograd gradcheck` go through.

mod broadcast;
pub mod catalogue;
mod elementwise;
mod planes;
mod window;

mod add;
mod avg_pool2d;
mod global_avg_pool;
mod local_response_norm;
mod max_pool2d;
mod relu;
mod sort_root;

pub use avg_pool2d::AvgPool2d;
pub use catalogue::{Case, Draw, Row, Run};
pub use local_response_norm::LocalResponseNorm;
pub use max_pool2d::Pool2d;

/// Every operation.
pub const CATALOGUE: &[Row] = &[
    add::ROW,
    avg_pool2d::ROW,
    global_avg_pool::ROW,
    local_response_norm::ROW,
    max_pool2d::ROW,
    relu::ROW,
    sort_root::ROW,
];

/// The row of the operation of this name.
///
/// ```
/// assert!(evograd::ops::row("relu").is_some());
/// ```
pub fn row(name: &str) -> Option<&'static Row> {
    CATALOGUE.iter().find(|row| row.name == name)
}

/// The instruction set for an operation that is being run: `apply` and `backward` have checked that there is one.
fn isa() -> evograd_kernels::Isa {
    evograd_kernels::Isa::chosen().expect("apply and backward return an error before an operation runs without one")
}
