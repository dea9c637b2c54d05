//! The operations: one file each, with formula, shapes, gradient, forward, backward, method and tests.
//!
//! An operation is a method of [`Var`](crate::Var). All of them return a `Result`: shapes and values come from the
//! user. [`CATALOGUE`] lists them with a way to draw random cases of each, which is what the gradient checks, the
//! property tests and `evograd gradcheck` go through.

mod broadcast;
pub mod catalogue;
mod elementwise;
mod product;
mod reduction;
mod region;
mod window;

mod add;
mod concat;
mod conv2d;
mod linear;
mod matmul;
mod mean;
mod pad;
mod relu;
mod reshape;
mod slice;
mod sort_root;
mod sum;
mod transpose;

pub use catalogue::{Case, Draw, Row, Run};
pub use conv2d::Conv2d;
pub use matmul::Transpose;

/// Every operation.
pub const CATALOGUE: &[Row] = &[
    add::ROW,
    sum::ROW,
    mean::ROW,
    matmul::ROW,
    linear::ROW,
    conv2d::ROW,
    reshape::ROW,
    transpose::ROW,
    slice::ROW,
    concat::ROW,
    pad::ROW,
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

/// The instruction set for an operation that is being run, to be asked for before work is handed to other threads, which
/// do not know of a scope of this one. `apply` and `backward` have checked that there is one.
fn isa() -> evograd_kernels::Isa {
    evograd_kernels::Isa::chosen().expect("apply and backward return an error before an operation runs without one")
}
