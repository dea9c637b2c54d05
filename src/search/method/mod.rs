//! How a search chooses what to train next. Each method proposes individuals, generation after generation; who trains them, and how
//! the final race is run, is the same for all, so that methods are compared at equal cost.

mod aging;
mod evolution;
mod predictor;
mod random;

use super::config::{Breeding, Method};
use super::history::History;
use super::surrogate::Estimate;
use crate::error::Result;
use crate::genetic::{Space, StagedBits};
use crate::models::genetic_cnn::Code;
use crate::rng::{Purpose, Stream};
use std::collections::HashSet;

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

/// The method that the settings name.
pub fn method(breeding: &Breeding) -> Box<dyn Propose + '_> {
    match breeding.method {
        Method::Evolution => Box::new(evolution::Bred::with_children(breeding)),
        Method::Paper => Box::new(evolution::Bred::to_the_letter(breeding)),
        Method::Aging => Box::new(aging::Aging::new(breeding)),
        Method::Predictor => Box::new(predictor::Predictor::new(breeding)),
        Method::Random => Box::new(random::Random(breeding)),
    }
}

/// Draws codes until so many of graphs that are neither trained nor among `chosen` were found; fewer where the space has hardly any left.
fn new_graphs(history: &History, count: usize, chosen: &mut HashSet<Code>, stream: &mut Stream) -> Vec<Proposal> {
    let space = history.space();
    let mut found = Vec::new();
    // Where the space is used up, a hundred draws for each are not likely to find what is left.
    for _ in 0..100 * count {
        if found.len() == count {
            break;
        }
        let code = history.code(&space.random(stream));
        if is_new(history, &code, chosen) {
            chosen.insert(history.graph(&code));
            found.push(Proposal { code, parents: Vec::new() });
        }
    }
    found
}

/// Whether the graph of a code is neither trained nor chosen.
fn is_new(history: &History, code: &Code, chosen: &HashSet<Code>) -> bool {
    history.trainings(code) == 0 && !chosen.contains(&history.graph(code))
}

/// A copy of a code in which so many bits, drawn one after the other, are flipped.
fn flipped(history: &History, code: &Code, flips: usize, stream: &mut Stream) -> Code {
    let mut bits: Vec<Vec<bool>> = code.0.iter().map(|stage| stage.bits().to_vec()).collect();
    let count: usize = bits.iter().map(Vec::len).sum();
    for _ in 0..flips {
        let at = stream.below(count);
        let bit = bits.iter_mut().flatten().nth(at).expect("a bit of the code");
        *bit = !*bit;
    }
    history.code(&StagedBits(bits))
}

/// The place of the greatest value among those that are allowed.
fn greatest(values: &[f64], allowed: impl Fn(usize) -> bool) -> Option<usize> {
    (0..values.len()).filter(|at| allowed(*at)).max_by(|a, b| values[*a].total_cmp(&values[*b]).then(b.cmp(a)))
}

/// Random numbers for a part of a generation. Breeding itself has the parts below 1,000.
fn stream(breeding: &Breeding, generation: u32, part: u32) -> Stream {
    Stream::new(breeding.seed, Purpose::Genetic, generation, 1000 + part)
}
