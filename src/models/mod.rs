//! Networks: plain descriptions, checked and counted before a weight exists, and networks with weights. Knows layers;
//! knows no data and no training.
//!
//! One file per family; `catalogue.rs` lists them by name. Where two branches meet, the caller's
//! [`Fusion`](crate::Fusion) fuses them: in residual blocks and in the two-branch modules of the starred networks. Each
//! family's file says what its source fixes and what is inferred.

mod alexnet;
mod bignet;
mod catalogue;
mod densenet;
#[cfg(feature = "training")]
mod fit;
mod freeze;
mod frozen;
pub mod genetic_cnn;
mod lenet;
mod linear;
mod network;
mod options;
mod plan;
mod resnet;
mod resnet_imagenet;
#[cfg(feature = "training")]
mod saved;
mod spec;
mod star;
mod statistics;
mod summary;
mod vgg;
#[cfg(feature = "training")]
pub mod weights;
mod wide;

pub use catalogue::{CATALOGUE, Model, model, spec};
#[cfg(feature = "training")]
pub(crate) use fit::fitting;
pub use frozen::Frozen;
pub use network::{Network, forward};
pub use options::{Options, Shortcut};
pub use plan::{Plan, PlannedLayer};
pub use spec::{Node, Spec, Value};
pub use statistics::TensorStatistics;
