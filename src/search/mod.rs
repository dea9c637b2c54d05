//! Genetic CNN: networks that are written as bits, bred and trained. Knows the genetic algorithm and networks.
//!
//! An individual is a code ([`models::genetic_cnn`](crate::models::genetic_cnn)); its fitness is the share of right answers
//! on pictures held out after a small training run. Several are trained side by side, each on one core: that needs no
//! waiting for each other, and gives the same bits for any number of workers. Everything is written to a journal as soon as it
//! is known, from which a search that was killed goes on.
//!
//! **Source** Xie and Yuille, *Genetic CNN*, ICCV 2017, in the version of arXiv 1703.01513v1, section 3.2.

mod budget;
mod calibrate;
mod candidate;
mod cholesky;
mod config;
mod drive;
mod evaluator;
mod exhaust;
mod features;
mod history;
mod journal;
mod landscape;
mod method;
mod race;
mod run;
mod statistics;
mod surrogate;

pub use budget::Budget;
pub use calibrate::{Rung, Trial, calibrate, kendall_tau, rungs, without_divergences};
pub use config::{Breeding, Calibration, Method, Networks, SearchConfig, Selector};
pub use drive::{Answer, Individual, Round, ToldRound, Trainings, drive};
pub use evaluator::{Event, Told, begin, expect_same_search};
pub use exhaust::{exhaust, graphs, is_used_up};
pub use features::Features;
pub use history::History;
pub use journal::read_journal;
pub use landscape::{Landscape, OnLandscape};
pub use method::{Proposal, Propose, method};
pub use run::{search, search_by};
pub use statistics::{Repeatability, correlation, selection_intensity, slope};
pub use surrogate::{Draw, Estimate, Observation, Scale, Surrogate, Variances};
