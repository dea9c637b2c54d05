//! Search by the model alone: random graphs first, then always those of which a draw from the posterior promises most, among some
//! thousands that are drawn at random or are near the best.
//!
//! **Source** Wen et al., *Neural predictor for neural architecture search*, ECCV 2020, with a linear model in the network's place.

use super::draw::{flipped, greatest, is_new, new_graphs, stream};
use super::propose::{Proposal, Propose};
use crate::error::Result;
use crate::genetic::Space;
use crate::models::genetic_cnn::Code;
use crate::rng::Stream;
use crate::search::history::History;
use crate::search::settings::Strategy;
use std::collections::HashSet;

/// Graphs that are trained before the model is fitted again.
const BATCH: usize = 5;
/// Codes that are looked at for each batch: drawn at random, and made from the best by flips of one to three bits.
const DRAWN: usize = 1000;
const NEAR: usize = 1000;
/// The best that others are near to.
const BEST: usize = 10;

pub(super) struct Predictor<'a> {
    strategy: &'a Strategy,
    /// Graphs of the first, random part.
    first: usize,
}

impl<'a> Predictor<'a> {
    pub fn new(strategy: &'a Strategy) -> Predictor<'a> {
        Predictor { strategy, first: 2 * strategy.population }
    }
}

/// Codes that are looked at.
fn pool(history: &History, stream: &mut Stream) -> Vec<Code> {
    let space = history.space();
    let best: Vec<Code> = history.ranked().into_iter().take(BEST).map(|(code, _)| code.clone()).collect();
    let mut pool: Vec<Code> = (0..DRAWN).map(|_| history.code(&space.random(stream))).collect();
    for _ in 0..NEAR {
        let parent = &best[stream.below(best.len())];
        pool.push(flipped(history, parent, 1 + stream.below(3), stream));
    }
    pool
}

impl Propose for Predictor<'_> {
    fn propose(&mut self, generation: u32, history: &History, room: usize) -> Result<Vec<Proposal>> {
        let mut stream = stream(self.strategy, generation, 0);
        let mut chosen = HashSet::new();
        if generation == 0 {
            return Ok(new_graphs(history, self.first.min(room), &mut chosen, &mut stream));
        }
        let pool = pool(history, &mut stream);
        let mut proposals = Vec::new();
        for _ in 0..BATCH.min(room) {
            let values = history.drawn(&pool, &mut stream);
            let Some(best) = greatest(&values, |at| is_new(history, &pool[at], &chosen)) else { break };
            chosen.insert(history.graph(&pool[best]));
            proposals.push(Proposal { code: pool[best].clone(), parents: Vec::new() });
        }
        Ok(proposals)
    }
}
