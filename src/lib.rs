//! A CPU tensor engine with hand-written gradients, made to be right, fast and read.
//!
//! Reading route: [`Shape`] → [`Tensor`] → [`Tape`] and [`Op`] → one operation, such as `src/ops/sort_root_fusion.rs` →
//! [`gradcheck()`], which proves its gradient → the kernels, in the crate `evograd_kernels`.

#![forbid(unsafe_code)]

/// The README's example is compiled and run as a test.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../README.md")]
struct Readme;

mod buffer;
#[cfg(feature = "training")]
pub mod data;
mod error;
#[cfg(feature = "training")]
mod files;
#[cfg(feature = "training")]
pub mod genetic;
pub mod gradcheck;
#[cfg(feature = "cli")]
pub mod guide;
mod mode;
pub mod models;
pub mod nn;
mod numerals;
pub mod ops;
mod optim;
mod par;
pub mod profile;
#[cfg(feature = "training")]
pub mod record;
#[cfg(feature = "report")]
pub mod report;
mod reserve;
mod rng;
mod schedule;
#[cfg(feature = "training")]
pub mod search;
mod setting;
mod shape;
mod tape;
mod tensor;
#[cfg(feature = "training")]
pub mod train;

pub use buffer::release_memory;
pub use error::{Error, Result};
pub use evograd_kernels::{Element, Isa, IsaError};
pub use gradcheck::gradcheck;
pub use mode::{checked, named, no_grad};
pub use ops::{BatchNorm, DropoutKey, Fusion, RunningStats};
pub use optim::{AdamStep, Optimizer, OwnRule, Rule, RuleStep, SgdStep, adam_step, sgd_step};
pub use par::{ThreadPool, threads};
pub use profile::profiled;
pub use rng::{Purpose, Stream};
pub use schedule::Schedule;
pub use shape::{IntoShape, MAX_RANK, Shape, ShapeError};
pub use tape::{Gradients, ListOp, Op, Tape, Var, apply, apply_list};
pub use tensor::{Tensor, within_memory};
