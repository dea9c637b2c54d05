//! The last part of a search: its best are trained again with new seeds, the most promising first, until the budget is spent or one is
//! clearly ahead.
//!
//! A search that returns the best it has seen returns the luckiest: of a hundred trainings one is good by chance alone. Trained again, luck
//! evens out, and what the search says of its winner is what a user will find.
//!
//! Most promising is what is most often the best in draws from the posterior. Standard errors would not do: all of them hold what
//! no network knows of the common mean and the seeds, and that decides between none.
//!
//! **Source** Russo, *Simple Bayesian algorithms for best arm identification*, COLT 2016.

use super::history::History;
use crate::models::genetic_cnn::Code;
use crate::rng::{Purpose, Stream};

/// Graphs that take part.
const FINALISTS: usize = 10;
/// Trainings between two looks at the posterior; not as many as there are workers, or the result would depend on them.
const BATCH: usize = 4;
/// Trainings that the leader has at the end, where the budget allows.
const LEAST: u32 = 4;
/// How sure the leader must be to end early.
const SURE: f64 = 0.95;
/// Draws from the posterior by which that is estimated.
const DRAWS: u32 = 1000;

/// The graphs that take part: the best by posterior mean, and the best of some that others are to be compared with.
pub(super) fn finalists(history: &History, baseline: &[Code]) -> Vec<Code> {
    let ranked: Vec<Code> = history.ranked().into_iter().map(|(code, _)| code.clone()).collect();
    let mut finalists: Vec<Code> = ranked.iter().take(FINALISTS).cloned().collect();
    let best = ranked.iter().find(|graph| baseline.contains(graph));
    finalists.extend(best.filter(|best| !finalists.contains(best)).cloned());
    finalists
}

/// The finalists that are trained next, at most `room`.
pub(super) fn next(history: &History, finalists: &[Code], room: usize, seed: u64, round: u32) -> Vec<Code> {
    let wins = wins(history, finalists, seed, round);
    let mut order: Vec<(u32, f64, &Code)> =
        finalists.iter().zip(wins).map(|(code, wins)| (wins, history.estimate(code).mean, code)).collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let leader = leader(history, finalists).filter(|leader| history.trainings(leader) < LEAST);
    let others = order.into_iter().map(|(.., code)| code).filter(|code| Some(*code) != leader);
    leader.into_iter().chain(others).take(BATCH.min(room)).cloned().collect()
}

/// The finalist of the greatest posterior mean.
pub(super) fn leader<'a>(history: &History, finalists: &'a [Code]) -> Option<&'a Code> {
    let mean = |code: &&Code| history.estimate(code).mean;
    finalists.iter().max_by(|a, b| mean(a).total_cmp(&mean(b)))
}

/// Whether the race is over before its budget is spent.
pub(super) fn is_decided(history: &History, finalists: &[Code], seed: u64, round: u32) -> bool {
    let Some(leader) = leader(history, finalists) else { return true };
    history.trainings(leader) >= LEAST && certainty(history, finalists, leader, seed, round) > SURE
}

/// The probability that one is the best of the finalists.
pub(super) fn certainty(history: &History, finalists: &[Code], leader: &Code, seed: u64, round: u32) -> f64 {
    let wins = wins(history, finalists, seed, round);
    let own = finalists.iter().position(|code| code == leader).map_or(0, |at| wins[at]);
    f64::from(own) / f64::from(DRAWS)
}

/// In how many draws from the posterior each finalist is the best.
fn wins(history: &History, finalists: &[Code], seed: u64, round: u32) -> Vec<u32> {
    let stream = &mut Stream::new(seed, Purpose::Genetic, round, 3000);
    let mut wins = vec![0; finalists.len()];
    history.draw(finalists, DRAWS, stream, &mut |values| {
        let best = (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b]));
        best.into_iter().for_each(|best| wins[best] += 1);
    });
    wins
}
