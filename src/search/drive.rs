//! A search from its first generation to its answer, whatever proposes individuals and whatever trains them.
//!
//! Three quarters of the budget go to generations that the method proposes, the rest to a race of the best ([`race`](super::race)). Methods
//! that want no race spend all of it on generations.

use super::budget::Budget;
use super::history::History;
use super::method::{Proposal, Propose};
use super::race;
use super::surrogate::Estimate;
use crate::error::Result;
use crate::models::genetic_cnn::Code;
use std::collections::HashMap;

/// The part of a budget that is spent before the race.
const BEFORE: f64 = 0.75;
/// Generations without a new graph after which there seem to be none left.
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
    let (mut round, mut idle, mut first) = (0, 0, Vec::new());
    let mut found: HashMap<Code, (u32, usize)> = HashMap::new();
    let before = if method.races() { BEFORE } else { 1.0 };
    while idle < IDLE {
        let room = budget.room(before, history.len(), trainings.seconds());
        let proposals = if room > 0 { method.propose(round, history, room)? } else { Vec::new() };
        let wanted = wanted(history, &proposals, method.retrains());
        if proposals.is_empty() || (method.retrains() && wanted.len() > room) {
            break;
        }
        if round == 0 {
            first = proposals.iter().map(|proposal| history.graph(&proposal.code)).collect();
        }
        for (place, proposal) in proposals.iter().enumerate() {
            found.entry(history.graph(&proposal.code)).or_insert((round, place));
        }
        idle = if wanted.is_empty() { idle + 1 } else { 0 };
        add(history, trainings, round, &wanted[..wanted.len().min(room)])?;
        if method.fits() {
            history.fit();
        }
        let individual =
            |Proposal { code, parents }| Individual { fitness: method.fitness(history, &code), code, parents };
        let individuals = proposals.into_iter().map(individual).collect();
        if !told(&Round { number: round, race: false, individuals })? {
            return Ok(None);
        }
        round += 1;
    }
    let finalists = race::finalists(history, &first);
    while method.races() && !race::is_decided(history, &finalists, seed, round) {
        let room = budget.room(1.0, history.len(), trainings.seconds());
        let next = race::next(history, &finalists, room);
        if next.is_empty() {
            break;
        }
        let wanted: Vec<(Code, u32)> = next.into_iter().map(|code| (code.clone(), history.trainings(&code))).collect();
        add(history, trainings, round, &wanted)?;
        history.refit();
        let individual =
            |code: &Code| Individual { code: code.clone(), fitness: history.estimate(code), parents: Vec::new() };
        let individuals = finalists.iter().map(individual).collect();
        if !told(&Round { number: round, race: true, individuals })? {
            return Ok(None);
        }
        round += 1;
    }
    if method.races() {
        history.fit();
    }
    Ok(answer(history, method, &finalists, &first, (seed, round))
        .map(|answer| Answer { found: found[&answer.winner], ..answer }))
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

fn add(history: &mut History, trainings: &mut dyn Trainings, round: u32, wanted: &[(Code, u32)]) -> Result<()> {
    let values = trainings.train(round, wanted)?;
    wanted.iter().zip(values).for_each(|((code, _), value)| history.add(code, value));
    Ok(())
}

fn answer(
    history: &History,
    method: &dyn Propose,
    finalists: &[Code],
    first: &[Code],
    (seed, round): (u64, u32),
) -> Option<Answer> {
    let best = |among: &mut dyn Iterator<Item = &Code>| {
        let all: Vec<(&Code, Estimate)> = among.map(|code| (code, method.fitness(history, code))).collect();
        let (code, fitness) = all.into_iter().max_by(|a, b| a.1.mean.total_cmp(&b.1.mean))?;
        Some((code.clone(), fitness))
    };
    let (winner, fitness) = best(&mut history.trained())?;
    let certainty = method.races().then(|| race::certainty(history, finalists, &winner, seed, round));
    let first = best(&mut first.iter())?;
    Some(Answer { trainings: history.trainings(&winner), winner, fitness, found: (0, 0), certainty, first })
}
