//! Winograd's algorithms: fewer multiplications for kernels of a few taps, along one axis or along both.

pub(crate) mod one_d;
pub(crate) mod one_d_weights;
pub(crate) mod transforms;
pub(crate) mod two_d;
pub(crate) mod two_d_tiles;
pub(crate) mod two_d_weights;
