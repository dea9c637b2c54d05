//! Aging evolution: whoever is oldest dies, however good it seems. So a lucky fitness dies with its bearer.
//!
//! A child is a copy of the best of five individuals drawn from the population, with one bit flipped, or now and then two. As in
//! [`evolution`](super::evolution) several are proposed for each place, and the one with the highest draw from the posterior is trained.
//!
//! **Source** Real et al., *Regularized evolution for image classifier architecture search*, AAAI 2019.

use super::draw::{flipped, greatest, is_new, new_graphs, stream};
use super::propose::{Proposal, Propose};
use crate::error::Result;
use crate::models::genetic_cnn::Code;
use crate::rng::Stream;
use crate::search::history::History;
use crate::search::settings::Strategy;
use std::collections::{HashSet, VecDeque};

/// Individuals of which the best becomes a parent.
const SAMPLE: usize = 5;
/// Children that are trained before the model is fitted again.
const BATCH: usize = 5;
/// How often a second bit flips.
const SECOND: f64 = 0.3;

pub(super) struct Aging<'a> {
    strategy: &'a Strategy,
    /// The oldest first.
    population: VecDeque<Code>,
}

impl<'a> Aging<'a> {
    pub fn new(strategy: &'a Strategy) -> Aging<'a> {
        Aging { strategy, population: VecDeque::new() }
    }

    /// The best of a few by posterior mean, changed a little.
    fn child(&self, history: &History, stream: &mut Stream) -> Code {
        let sample = (0..SAMPLE).map(|_| &self.population[stream.below(self.population.len())]);
        let value = |code: &&Code| history.estimate(code).mean;
        let parent = sample.max_by(|a, b| value(a).total_cmp(&value(b))).expect("a sample is not empty");
        flipped(history, parent, 1 + usize::from(stream.uniform() < SECOND), stream)
    }
}

impl Propose for Aging<'_> {
    fn propose(&mut self, generation: u32, history: &History, room: usize) -> Result<Vec<Proposal>> {
        let mut stream = stream(self.strategy, generation, 0);
        let mut chosen = HashSet::new();
        if generation == 0 {
            let first = new_graphs(history, self.strategy.population.min(room), &mut chosen, &mut stream);
            self.population = first.iter().map(|proposal| proposal.code.clone()).collect();
            return Ok(first);
        }
        let mut proposals = Vec::new();
        for _ in 0..BATCH.min(room) {
            let children: Vec<Code> = (0..self.strategy.children).map(|_| self.child(history, &mut stream)).collect();
            let values = history.drawn(&children, &mut stream);
            let best = greatest(&values, |child| is_new(history, &children[child], &chosen));
            let code = match best {
                Some(child) => children[child].clone(),
                None => match new_graphs(history, 1, &mut chosen, &mut stream).pop() {
                    Some(proposal) => proposal.code,
                    None => break,
                },
            };
            chosen.insert(history.graph(&code));
            proposals.push(Proposal { code, parents: Vec::new() });
        }
        for proposal in &proposals {
            self.population.push_back(proposal.code.clone());
            self.population.pop_front();
        }
        Ok(proposals)
    }
}
