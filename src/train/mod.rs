//! Training runs: what they are set to, their steps, and the folder that they can be resumed from. Knows networks, data and
//! optimisers; names no layer and no operation but the loss.

mod checkpoint;
mod config;
mod evaluate;
mod fingerprint;
mod folder;
mod hooks;
mod info;
mod initial;
mod metrics;
mod network;
pub(crate) mod notes;
pub(crate) mod numbers;
mod own_checkpoint;
mod position;
mod predictor;
pub(crate) mod read_config;
mod refuse;
mod run;
mod settings_file;
mod trainer;
pub(crate) mod unread;
mod warnings;

pub use config::{Config, Data, Model, Optimisation, ScheduleKind, Schedules, Training, UpdateRule};
pub use evaluate::{Evaluation, evaluate};
pub(crate) use fingerprint::{
    Changed, begin, changed_settings, expect_same_data, expect_same_program, expect_same_settings, listed,
};
pub use folder::RunFolder;
pub use info::{RunInfo, Status};
pub use initial::InitialWeights;
pub use metrics::read_metrics;
pub use position::{Position, StepReport, Window};
pub use predictor::Predictor;
pub use run::{Event, Kept, Run};
pub use settings_file::SettingsFile;
pub use trainer::{Split, Trainer};
pub use warnings::{Chance, warnings};
