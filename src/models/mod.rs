//! Networks: plain descriptions, checked and counted before a weight exists, and networks with weights. Knows layers;
//! knows no data and no training.

mod network;
mod options;
mod plan;
mod resnet;
mod spec;
pub mod weights;

pub use network::{Network, forward};
pub use options::{Options, Shortcut};
pub use plan::{Plan, PlannedLayer};
pub use spec::{Node, Spec, Value};

use crate::error::{Error, Result};

/// A model that can be asked for by name.
pub struct Model {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    build: fn(&Options) -> Spec,
}

/// Every model.
pub const CATALOGUE: &[Model] = &[
    Model { name: "resnet20", summary: "residual, 20 layers", build: |o| resnet::resnet("resnet20", 3, o) },
    Model { name: "resnet32", summary: "residual, 32 layers", build: |o| resnet::resnet("resnet32", 5, o) },
    Model { name: "resnet56", summary: "residual, 56 layers", build: |o| resnet::resnet("resnet56", 9, o) },
    Model { name: "resnet110", summary: "residual, 110 layers", build: |o| resnet::resnet("resnet110", 18, o) },
];

/// The network of this name.
///
/// ```
/// use evograd::models::{Options, spec};
/// let plan = spec("resnet20", &Options::default())?.plan()?;
/// assert_eq!((plan.parameters(), plan.macs()), (272_474, 40_813_184));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When there is no model of this name.
pub fn spec(name: &str, options: &Options) -> Result<Spec> {
    let found = CATALOGUE.iter().find(|model| model.name == name);
    found.map(|model| (model.build)(options)).ok_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|model| model.name).collect();
        Error::op(
            "model",
            format!("there is no model called {name:?}"),
            &[],
            format!("use one of {}", names.join(", ")),
        )
    })
}
