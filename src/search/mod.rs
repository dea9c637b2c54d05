//! Genetic CNN: networks that are written as bits, evolved and trained. Knows the genetic algorithm and networks.
//!
//! An individual is a code ([`models::genetic_cnn`](crate::models::genetic_cnn)); its fitness is the
//! accuracy on images held out after a small training run, as a model of all trainings so far estimates it ([`Surrogate`]), with its
//! error. A race of the best with new seeds ends a search. Several networks are trained in parallel, each on one core: that needs no
//! waiting for each other, and gives the same bits for any number of workers. Everything is written to a journal as soon as it
//! is known, from which a search that was killed goes on.
//!
//! **Source** Xie and Yuille, *Genetic CNN*, ICCV 2017, in the version of arXiv 1703.01513v1, section 3.2.

mod budget;
mod calibrate;
mod candidate;
mod cholesky;
mod config;
mod confirm;
mod drive;
mod evaluator;
mod exhaust;
mod features;
mod folder;
mod graphs;
mod history;
mod insight;
mod journal;
mod landscape;
mod length;
mod method;
mod numbers;
mod race;
mod readers;
mod rehearsal;
mod run;
mod rungs;
mod settings;
mod statistics;
mod surrogate;
mod table;
mod two_samples;

pub use budget::Budget;
pub use calibrate::{Trial, calibrate};
pub use config::SearchConfig;
pub use confirm::{Confirmed, confirm, plain_networks};
pub use drive::{Answer, EarlyEnd, Individual, Leader, OnRound, Round, Trainings, drive};
pub use evaluator::{Event, OnEvent, begin, expect_same_search};
pub use exhaust::exhaust;
pub use features::Features;
pub use folder::journal_of;
pub use graphs::{graphs, is_used_up};
pub use history::History;
pub use insight::insight;
pub use journal::read_journal;
pub use landscape::{Landscape, OnLandscape};
pub use length::{Length, Repeated};
pub use method::{Proposal, Propose, method};
pub use numbers::expect_number;
pub use rehearsal::{Rehearsal, rehearse};
pub use run::{search, search_by};
pub use rungs::{Rung, rungs, without_divergences};
pub use settings::{Calibration, Confirmation, Contestant, Method, Networks, Sampling, Selector, Strategy};
pub use statistics::{Repeatability, correlation, kendall_tau, selection_intensity, slope};
pub use surrogate::{Draw, Estimate, Observation, Prediction, Scale, Surrogate, Variances, r_squared};
pub use table::{TableSource, TrainingRow, TrainingTable};
pub use two_samples::{Interval, mean_interval, permutation_p, welch};
