//! A search from its first generation to its answer, whatever proposes individuals and whatever trains them.
//!
//! Three quarters of the budget go to generations that the method proposes, the rest to a race of the best ([`race`](super::race)). Methods
//! that want no race spend all of it on generations.

use super::budget::Budget;
use super::exhaust::is_used_up;
use super::history::History;
use super::method::{Proposal, Propose};
use super::race;
use super::surrogate::Estimate;
use crate::error::Result;
use crate::models::genetic_cnn::Code;
use std::collections::HashMap;

/// The part of a budget that is spent before the race.
const BEFORE: f64 = 0.75;
/// Generations without a new graph after which the method seems to find no more of those that are left.
const IDLE: u32 = 20;

/// What trains graphs.
pub trait Trainings {
    /// What each graph comes to, trained with the seed of that number; not finite where it diverged. The same number means
    /// the same seed for all graphs.
    ///
    /// # Errors
    /// When trainings cannot be had; [`Error::Stopped`](crate::Error::Stopped) when they are to end.
    fn train(&mut self, round: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>>;

    /// The core seconds spent so far; 0 where trainings are looked up.
    fn seconds(&self) -> f64 {
        0.0
    }
}

/// A generation, or a round of the race.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Its number; the first is 0.
    pub number: u32,
    /// Whether it is a round of the race: then its individuals are the finalists.
    pub race: bool,
    /// Its individuals.
    pub individuals: Vec<Individual>,
}

/// An individual of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Individual {
    /// Its code.
    pub code: Code,
    /// Its fitness with its standard error.
    pub fitness: Estimate,
    /// The places of its parents in the round before.
    pub parents: Vec<usize>,
}

/// What a search comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The graph of the greatest fitness.
    pub winner: Code,
    /// Its fitness, with its standard error.
    pub fitness: Estimate,
    /// How often it was trained.
    pub trainings: u32,
    /// The number of the generation in which it was first proposed, and its place there.
    pub found: (u32, usize),
    /// The probability that it is the best of the finalists; `None` without a race.
    pub certainty: Option<f64>,
    /// The best of the first generation, and its fitness now.
    pub first: (Code, Estimate),
}

/// What hears of each round, and answers whether to go on.
pub type ToldRound<'a> = dyn FnMut(&Round) -> Result<bool> + 'a;

/// Searches until the budget is spent, and answers; `None` where `told` ended it, or nothing could be proposed.
///
/// # Errors
/// When individuals cannot be proposed or trained, or `told` fails.
pub fn drive(
    budget: Budget,
    seed: u64,
    history: &mut History,
    method: &mut dyn Propose,
    trainings: &mut dyn Trainings,
    told: &mut ToldRound<'_>,
) -> Result<Option<Answer>> {
    let mut going =
        Going { budget, seed, history, method, trainings, told, round: 0, first: Vec::new(), found: HashMap::new() };
    let finalists = match going.breed()? {
        true if going.method.races() => race::finalists(going.history, &going.first),
        true => Vec::new(),
        false => return Ok(None),
    };
    if !finalists.is_empty() && !going.race(&finalists)? {
        return Ok(None);
    }
    Ok(going.answer(&finalists))
}

/// A search that is going on.
struct Going<'a> {
    budget: Budget,
    seed: u64,
    history: &'a mut History,
    method: &'a mut dyn Propose,
    trainings: &'a mut dyn Trainings,
    told: &'a mut dyn FnMut(&Round) -> Result<bool>,
    round: u32,
    /// The graphs of the first generation.
    first: Vec<Code>,
    /// Where each graph was first proposed.
    found: HashMap<Code, (u32, usize)>,
}

impl Going<'_> {
    /// Generation after generation, as far as the budget goes; whether to go on.
    fn breed(&mut self) -> Result<bool> {
        let part = if self.method.races() { BEFORE } else { 1.0 };
        let mut idle = 0;
        while idle < IDLE {
            let room = self.room(part);
            let proposals = if room > 0 { self.method.propose(self.round, self.history, room)? } else { Vec::new() };
            let wanted = wanted(self.history, &proposals, self.method.retrains());
            if proposals.is_empty() || (self.method.retrains() && wanted.len() > room) {
                break;
            }
            for (place, proposal) in proposals.iter().enumerate() {
                let graph = self.history.graph(&proposal.code);
                if self.round == 0 {
                    self.first.push(graph.clone());
                }
                self.found.entry(graph).or_insert((self.round, place));
            }
            if wanted.is_empty() && is_used_up(self.history.nodes(), self.history.trained().count()) {
                break;
            }
            idle = if wanted.is_empty() { idle + 1 } else { 0 };
            self.train(&wanted[..wanted.len().min(room)])?;
            if self.method.fits() {
                self.history.fit();
            }
            let individual = |Proposal { code, parents }| {
                let fitness = self.method.fitness(self.history, &code);
                Individual { code, fitness, parents }
            };
            let individuals = proposals.into_iter().map(individual).collect();
            if !self.tell(false, individuals)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The race of these; whether to go on.
    fn race(&mut self, finalists: &[Code]) -> Result<bool> {
        while !race::is_decided(self.history, finalists, self.seed, self.round) {
            let next = race::next(self.history, finalists, self.room(1.0));
            if next.is_empty() {
                break;
            }
            let seeds = next.iter().map(|code| self.history.trainings(code)).collect::<Vec<u32>>();
            self.train(&next.into_iter().zip(seeds).collect::<Vec<_>>())?;
            self.history.refit();
            let individual = |code: &Code| Individual {
                code: code.clone(),
                fitness: self.history.estimate(code),
                parents: Vec::new(),
            };
            if !self.tell(true, finalists.iter().map(individual).collect())? {
                return Ok(false);
            }
        }
        self.history.fit();
        Ok(true)
    }

    /// How many trainings may follow in a part of the budget.
    fn room(&self, part: f64) -> usize {
        self.budget.room(part, self.history.len(), self.trainings.seconds())
    }

    fn train(&mut self, wanted: &[(Code, u32)]) -> Result<()> {
        let values = self.trainings.train(self.round, wanted)?;
        wanted.iter().zip(values).for_each(|((code, _), value)| self.history.add(code, value));
        Ok(())
    }

    fn tell(&mut self, race: bool, individuals: Vec<Individual>) -> Result<bool> {
        let number = self.round;
        self.round += 1;
        (self.told)(&Round { number, race, individuals })
    }

    fn answer(&self, finalists: &[Code]) -> Option<Answer> {
        let best = |among: &mut dyn Iterator<Item = &Code>| {
            let all: Vec<(&Code, Estimate)> =
                among.map(|code| (code, self.method.fitness(self.history, code))).collect();
            let (code, fitness) = all.into_iter().max_by(|a, b| a.1.mean.total_cmp(&b.1.mean))?;
            Some((code.clone(), fitness))
        };
        // What never came to anything wins nothing, unless nothing has.
        let learned = |code: &&Code| self.history.has_learned(code);
        let (winner, fitness) =
            best(&mut self.history.trained().filter(learned)).or_else(|| best(&mut self.history.trained()))?;
        let first = best(&mut self.first.iter().filter(learned)).or_else(|| best(&mut self.first.iter()))?;
        let certainty =
            (!finalists.is_empty()).then(|| race::certainty(self.history, finalists, &winner, self.seed, self.round));
        let (trainings, found) = (self.history.trainings(&winner), self.found[&winner]);
        Some(Answer { winner, fitness, trainings, found, certainty, first })
    }
}

/// The trainings that proposals ask for: each graph with its next seed; of those known already none, unless they are trained again.
fn wanted(history: &History, proposals: &[Proposal], again: bool) -> Vec<(Code, u32)> {
    let mut wanted: Vec<(Code, u32)> = Vec::new();
    for proposal in proposals {
        let graph = history.graph(&proposal.code);
        let before = history.trainings(&graph) + wanted.iter().filter(|(other, _)| *other == graph).count() as u32;
        if again || before == 0 {
            wanted.push((graph, before));
        }
    }
    wanted
}
