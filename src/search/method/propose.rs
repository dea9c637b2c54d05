//! What every method is: it proposes individuals, generation after generation.

use crate::error::Result;
use crate::models::genetic_cnn::Code;
use crate::search::history::History;
use crate::search::surrogate::Estimate;

/// An individual that a method wants to see evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Its code.
    pub code: Code,
    /// The places of its parents in the generation before; none where it was drawn from nowhere.
    pub parents: Vec<usize>,
}

/// What proposes individuals.
///
/// ```
/// use evograd::search::{History, Proposal, Propose};
/// /// One edge more with each generation.
/// struct Ladder;
/// impl Propose for Ladder {
///     fn propose(&mut self, generation: u32, history: &History, _: usize) -> evograd::Result<Vec<Proposal>> {
///         let mut bits = vec![false; history.space().0[0]];
///         bits.iter_mut().take(generation as usize).for_each(|bit| *bit = true);
///         let bits = evograd::genetic::StagedBits(vec![bits]);
///         Ok(vec![Proposal { code: history.code(&bits), parents: vec![] }])
///     }
/// }
/// ```
pub trait Propose {
    /// The individuals of a generation; the first is 0. Of those whose graphs were never trained, the first `room` will be.
    /// None where there is nothing left to propose.
    ///
    /// # Errors
    /// When the method cannot go on.
    fn propose(&mut self, generation: u32, history: &History, room: usize) -> Result<Vec<Proposal>>;

    /// Whether individuals are trained each time they are proposed, instead of once for each graph.
    fn retrains(&self) -> bool {
        false
    }

    /// The fitness of an individual.
    fn fitness(&self, history: &History, code: &Code) -> Estimate {
        history.estimate(code)
    }

    /// Whether it asks for the model, which is fitted after each generation.
    fn fits(&self) -> bool {
        true
    }

    /// Whether the last part of a budget is spent on a race of the best.
    fn races(&self) -> bool {
        true
    }
}
