//! What operations share: how they go over tensors, what they refuse alike, and what a row of the catalogue is. Knows no
//! operation by name.

pub(super) mod batch_statistics;
pub(super) mod broadcast;
pub(super) mod catalogue;
pub(super) mod constant;
pub(super) mod elementwise;
pub(super) mod extreme;
pub(super) mod fusion;
pub(super) mod lanes;
pub(super) mod loss;
mod operators;
pub(super) mod planes;
pub(super) mod pointwise;
pub(super) mod pooling;
pub(super) mod product;
pub(super) mod reduction;
pub(super) mod region;
pub(super) mod resample;
pub(super) mod row_norm;
pub(super) mod rows;
pub(super) mod special;
pub(super) mod wide;
pub(super) mod window;

/// The instruction set for an operation that is being run, to be asked for before work is handed to other threads, which
/// do not know of a scope of this one. `apply` and `backward` have checked that there is one.
pub(super) fn isa() -> evograd_kernels::Isa {
    evograd_kernels::Isa::chosen().expect("apply and backward return an error before an operation runs without one")
}
