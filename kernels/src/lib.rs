//! The kernels of evograd: slices in, slices out.
//!
//! * An algorithm is written once, over a [`Simd`](simd::Simd) token, and compiled for each [`Isa`]: portable lanes
//!   on any CPU, AVX2 with FMA, AVX-512. `f64` runs the same bodies one lane wide.
//! * This crate is the only place of the project where `unsafe` may be written, and there is little of it: the lane
//!   operations, the trampolines that enter an instruction set, the call of the matrix-product library.
//! * A kernel never allocates and never spawns. Scratch comes from the caller; so does parallelism.
//! * A kernel checks every length it relies on, in release builds too.
//! * The value of an element depends neither on its index (tails run the same lanes on a padded copy) nor on how the
//!   caller cut the work, where the kernel says so.

#[macro_use]
mod define;

pub mod activation;
pub mod arith;
pub mod conv;
mod dispatch;
mod element;
pub mod exp;
pub mod gemm;
mod isa;
pub mod join;
mod line;
pub mod lrn;
pub mod maximum;
pub mod norm;
mod number;
pub mod peak;
pub mod pool;
pub mod reduce;
pub mod relu;
pub mod simd;
pub mod softmax;
pub mod sort;
pub mod stats;
pub mod tail;
#[cfg(test)]
mod testing;
pub mod update;

pub use dispatch::Dispatch;
pub use element::Element;
pub use isa::{Isa, IsaError, VARIABLE};
pub use line::CacheLine;
pub use number::Number;
