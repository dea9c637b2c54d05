//! A search from its first generation to its answer, whatever proposes individuals and whatever trains them.
//!
//! Three quarters of the budget go to generations that the method proposes, the rest to a race of the best ([`race`](super::race)). Methods
//! that want no race spend all of it on generations.

use super::budget::Budget;
use super::graphs::is_used_up;
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

/// Why a search ends before its budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyEnd {
    /// All graphs of the space have been trained.
    UsedUp,
    /// Generation after generation no new graph was proposed.
    NothingNew,
    /// What is left is too little for a whole generation of a method that trains each individual again.
    NoWholeGeneration,
    /// One of the race is clearly ahead.
    Decided,
}

/// A generation, or a round of the race.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Its number; the first is 0.
    pub number: u32,
    /// Whether it is a round of the race: then its individuals are the finalists.
    pub race: bool,
    /// Its individuals that were trained.
    pub individuals: Vec<Individual>,
    /// The best of all that were trained so far, as it is known by now.
    pub leader: Leader,
}

/// The best of all graphs so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Leader {
    /// Its canonical code.
    pub code: Code,
    /// Its fitness with its standard error.
    pub fitness: Estimate,
    /// The number of the generation in which it was first proposed, and its place there.
    pub found: (u32, usize),
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
    /// The probability that it is the best of the finalists; `None` where none was trained again in a race.
    pub certainty: Option<f64>,
    /// The best of the first generation, and its fitness now.
    pub first: (Code, Estimate),
    /// By how much the winner is better than that one.
    pub lead: Estimate,
    /// By how much it is better than a network at random: the mean of codes that are drawn by fair coins, as the model has it, or
    /// without a model the mean of the first generation.
    pub gain: Estimate,
    /// Why a part of the budget is left, if one is, in the order in which it came to be.
    pub early: Vec<EarlyEnd>,
}

/// What is called with each round, and answers whether to go on.
pub type OnRound<'a> = dyn FnMut(&Round) -> Result<bool> + 'a;

/// Searches until the budget is spent, and answers; `None` where `on_round` ended it, or nothing could be proposed.
///
/// # Errors
/// When individuals cannot be proposed or trained, or `on_round` fails.
pub fn drive(
    budget: Budget,
    seed: u64,
    history: &mut History,
    method: &mut dyn Propose,
    trainings: &mut dyn Trainings,
    on_round: &mut OnRound<'_>,
) -> Result<Option<Answer>> {
    let (first, found) = (Vec::new(), HashMap::new());
    let early = Vec::new();
    let mut going =
        Going { budget, seed, history, method, trainings, on_round, round: 0, kept: 0, first, found, early };
    if !going.evolve()? {
        return Ok(None);
    }
    if !going.method.races() {
        return Ok(going.answer(&[]));
    }
    // A method that asks for no model still races by it.
    going.history.fit();
    let (finalists, before) = (race::finalists(going.history, &going.first), going.round);
    if !going.race(&finalists)? {
        return Ok(None);
    }
    // Nothing is known of who is the best of one, nor of finalists that have not run.
    let raced = finalists.len() > 1 && going.round > before;
    Ok(going.answer(if raced { &finalists } else { &[] }))
}

/// A search that is going on.
struct Going<'a> {
    budget: Budget,
    seed: u64,
    history: &'a mut History,
    method: &'a mut dyn Propose,
    trainings: &'a mut dyn Trainings,
    on_round: &'a mut dyn FnMut(&Round) -> Result<bool>,
    round: u32,
    /// How many individuals of the round before were trained; those behind them are nobody's parents.
    kept: usize,
    /// The graphs of the first generation.
    first: Vec<Code>,
    /// Where each graph was first proposed.
    found: HashMap<Code, (u32, usize)>,
    /// Why it ends early, as far as is known.
    early: Vec<EarlyEnd>,
}

impl Going<'_> {
    /// Generation after generation, as far as the budget goes; whether to go on.
    fn evolve(&mut self) -> Result<bool> {
        let part = if self.method.races() { BEFORE } else { 1.0 };
        let mut idle = 0;
        while idle < IDLE {
            let room = self.room(part);
            let proposals = if room > 0 { self.method.propose(self.round, self.history, room)? } else { Vec::new() };
            let wanted = wanted(self.history, &proposals, self.method.retrains());
            if room > 0 && self.method.retrains() && wanted.len() > room {
                self.early.push(EarlyEnd::NoWholeGeneration);
                break;
            }
            let none_is_new = room > 0 && wanted.is_empty();
            if none_is_new && is_used_up(self.history.nodes(), self.history.trained().count()) {
                self.early.push(EarlyEnd::UsedUp);
                break;
            }
            idle = if wanted.is_empty() { idle + 1 } else { 0 };
            if none_is_new && (proposals.is_empty() || idle == IDLE) {
                self.early.push(EarlyEnd::NothingNew);
            }
            if proposals.is_empty() {
                break;
            }
            self.train(&wanted[..wanted.len().min(room)])?;
            if self.method.fits() {
                self.history.fit();
            }
            let individuals = self.individuals(proposals);
            if !individuals.is_empty() && !self.report(false, individuals)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Those proposals that were trained, up to the first for which the budget had no room.
    fn individuals(&mut self, proposals: Vec<Proposal>) -> Vec<Individual> {
        let before = std::mem::take(&mut self.kept);
        let mut individuals = Vec::new();
        for Proposal { code, mut parents } in proposals {
            let graph = self.history.graph(&code);
            if self.history.trainings(&graph) == 0 {
                break;
            }
            if self.round == 0 {
                self.first.push(graph.clone());
            }
            self.found.entry(graph).or_insert((self.round, individuals.len()));
            parents.retain(|place| *place < before);
            let fitness = self.method.fitness(self.history, &code);
            individuals.push(Individual { code, fitness, parents });
        }
        self.kept = individuals.len();
        individuals
    }

    /// The race of these; whether to go on.
    fn race(&mut self, finalists: &[Code]) -> Result<bool> {
        while self.room(1.0) > 0 {
            if race::is_decided(self.history, finalists, self.seed, self.round) {
                self.early.push(EarlyEnd::Decided);
                break;
            }
            let next = race::next(self.history, finalists, self.room(1.0), self.seed, self.round);
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
            if !self.report(true, finalists.iter().map(individual).collect())? {
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

    fn report(&mut self, race: bool, individuals: Vec<Individual>) -> Result<bool> {
        let number = self.round;
        self.round += 1;
        let (code, fitness) = self.best(&mut self.history.trained()).expect("individuals were trained");
        let leader = Leader { found: self.found(&code), code, fitness };
        (self.on_round)(&Round { number, race, individuals, leader })
    }

    /// Where a graph was first proposed; what the history knew before the search, in no round of it.
    fn found(&self, graph: &Code) -> (u32, usize) {
        self.found.get(graph).copied().unwrap_or_default()
    }

    /// The best of these by fitness. What never came to anything is the best of nothing, unless nothing has.
    fn best(&self, among: &mut dyn Iterator<Item = &Code>) -> Option<(Code, Estimate)> {
        let all = among.map(|code| (self.history.has_learned(code), self.method.fitness(self.history, code), code));
        let (_, fitness, code) = all.max_by(|a, b| a.0.cmp(&b.0).then(a.1.mean.total_cmp(&b.1.mean)))?;
        Some((code.clone(), fitness))
    }

    fn answer(&self, finalists: &[Code]) -> Option<Answer> {
        let raced = !finalists.is_empty();
        let (winner, fitness) = match raced {
            true => self.best(&mut finalists.iter())?,
            false => self.best(&mut self.history.trained())?,
        };
        let first = self.best(&mut self.first.iter())?;
        let certainty = raced.then(|| race::certainty(self.history, finalists, &winner, self.seed, self.round));
        let lead = match self.method.fits() {
            true => self.history.difference(&winner, &first.0),
            false => apart((&winner, fitness), (&first.0, first.1)),
        };
        let gain = self.gain(&winner, fitness);
        let (trainings, found) = (self.history.trainings(&winner), self.found(&winner));
        // Of what is spent in the end, nothing is left by anything that came before.
        let early = if self.room(1.0) > 0 { self.early.clone() } else { Vec::new() };
        Some(Answer { winner, fitness, trainings, found, certainty, first, lead, gain, early })
    }

    /// How much better than a network at random the winner is. Without a model, those of the first generation stand for it.
    fn gain(&self, winner: &Code, fitness: Estimate) -> Estimate {
        let usual = self.history.usual();
        let usual: Vec<&Code> = usual.iter().collect();
        if let (true, Some(gain)) = (self.method.fits(), self.history.contrast(&[winner], &usual)) {
            return gain;
        }
        let all: Vec<Estimate> = self.first.iter().map(|code| self.method.fitness(self.history, code)).collect();
        let mean = all.iter().map(|one| one.mean).sum::<f64>() / all.len() as f64;
        let error = all.iter().map(|one| one.deviation.powi(2)).sum::<f64>().sqrt() / all.len() as f64;
        Estimate { mean: fitness.mean - mean, deviation: fitness.deviation.hypot(error) }
    }
}

/// The difference of two whose errors have nothing in common.
fn apart((a, of_a): (&Code, Estimate), (b, of_b): (&Code, Estimate)) -> Estimate {
    match a == b {
        true => Estimate { mean: 0.0, deviation: 0.0 },
        false => Estimate { mean: of_a.mean - of_b.mean, deviation: of_a.deviation.hypot(of_b.deviation) },
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
