//! The winner of a search beside what random search would have found with as many trainings.
//!
//! Nobody trains a second search to see what the first was worth; the model knows enough to play it. Each draw from its posterior is a world in
//! which all networks have true accuracies. In it, networks drawn at random are trained once, with the noise of trainings,
//! and the best of them race with new seeds, as at the end of a search; then the true accuracy of the one that seems best is compared with the
//! winner's. Over many draws this says how likely the winner is better than a random search's, and by how much.

use crate::models::genetic_cnn::Code;
use crate::record::ChanceRow;
use crate::rng::{Purpose, Stream};
use crate::search::history::History;

/// Worlds that are drawn.
const WORLDS: u32 = 1000;
/// The part of trainings that the race has, as in a search.
const RACE: f64 = 0.25;
/// Trainings of each that races, and how many race at most.
const EACH: usize = 3;
const FINALISTS: usize = 10;

/// The winner against random search; `None` where the model knows nothing, or there are too few trainings for a race.
pub(super) fn against_random(history: &History, winner: &Code) -> Option<ChanceRow> {
    let (noise, trainings) = (history.variances()?.noise.sqrt(), history.len());
    let race = (RACE * trainings as f64).round() as usize;
    let plan = Plan { first: trainings - race, finalists: (race / EACH).min(FINALISTS), each: EACH };
    if plan.finalists == 0 {
        return None;
    }
    let codes: Vec<Code> = std::iter::once(winner.clone()).chain(history.usual()).collect();
    let (worlds, games) = (&mut Stream::new(0, Purpose::Genetic, u32::MAX - 3, 0), &mut game_stream());
    let mut leads = Vec::new();
    history.draw(&codes, WORLDS, worlds, &mut |truths| {
        leads.push(truths[0] - random_search(&truths[1..], plan, noise, games));
    });
    let count = leads.len() as f64;
    let lead = leads.iter().sum::<f64>() / count;
    let error = (leads.iter().map(|x| (x - lead).powi(2)).sum::<f64>() / count).sqrt();
    let probability = leads.iter().filter(|lead| **lead > 0.0).count() as f64 / count;
    Some(ChanceRow { probability, lead, error, trainings })
}

fn game_stream() -> Stream {
    Stream::new(0, Purpose::Genetic, u32::MAX - 4, 0)
}

/// How random search spends its trainings: so many networks once, and so many of them again that often each.
#[derive(Clone, Copy)]
struct Plan {
    first: usize,
    finalists: usize,
    each: usize,
}

/// The true accuracy of what random search finds.
fn random_search(truths: &[f64], Plan { first, finalists, each }: Plan, noise: f64, games: &mut Stream) -> f64 {
    let train =
        |truth: f64, times: usize, games: &mut Stream| (0..times).map(|_| truth + noise * games.normal()).sum::<f64>();
    let mut trained: Vec<(f64, f64)> = Vec::new();
    for _ in 0..first {
        let truth = truths[games.below(truths.len())];
        trained.push((train(truth, 1, games), truth));
    }
    trained.sort_by(|a, b| b.0.total_cmp(&a.0));
    let raced = trained.iter().take(finalists).map(|(seen, truth)| (seen + train(*truth, each, games), *truth));
    raced.max_by(|a, b| a.0.total_cmp(&b.0)).map_or(f64::NEG_INFINITY, |(_, truth)| truth)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without noise the best of those drawn is found; with nothing but noise any of them.
    #[test]
    fn random_search_finds_the_best_as_far_as_noise_lets_it() {
        let truths: Vec<f64> = (0..10).map(f64::from).collect();
        let games = &mut game_stream();
        let mean = |noise: f64, games: &mut Stream| {
            let plan = Plan { first: 200, finalists: 10, each: 5 };
            (0..2000).map(|_| random_search(&truths, plan, noise, games)).sum::<f64>() / 2000.0
        };
        assert_eq!(mean(0.0, games), 9.0);
        assert!((mean(1e6, games) - 4.5).abs() < 0.3);
        // 20 draws of ten values: the greatest is there with probability 1 − 0.9²⁰.
        let plan = Plan { first: 20, finalists: 1, each: 1 };
        let few = (0..2000).map(|_| random_search(&truths, plan, 0.0, games)).filter(|best| *best == 9.0).count();
        assert!((few as f64 / 2000.0 - (1.0 - 0.9_f64.powi(20))).abs() < 0.03);
    }
}
