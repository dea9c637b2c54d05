//! Many searches on one landscape: what a method is worth, and whether what it says of its winner is true. Each search has a seed of
//! its own; the same seed is the same luck for all methods, so that they are compared in pairs.

use super::drive::{Round, Trainings, drive};
use super::history::History;
use super::landscape::{Landscape, OnLandscape};
use super::method::method;
use super::settings::Strategy;
use super::surrogate::Estimate;
use crate::error::{Error, Result};
use crate::models::genetic_cnn::Code;
use crate::par::in_parallel;
use std::cell::RefCell;

/// What a search came to, and what is true.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// What the winner is worth.
    pub truth: f64,
    /// What the search says that it is worth.
    pub claim: Estimate,
    /// What the leader was worth after each training, from the first; NaN before there was one.
    pub leaders: Vec<f64>,
}

/// Searches so many times, with the seed of `strategy` and those that follow it, `workers` at a time; what each came to, in the order of
/// their seeds, whatever the number of workers. `on_progress` gets how many are done and answers whether to go on.
///
/// ```
/// use evograd::models::genetic_cnn::Backbone;
/// use evograd::search::{Budget, History, Landscape, Networks, Strategy, graphs, rehearse};
/// let networks = Networks { stages: vec![3, 4], backbone: Backbone::cifar10(2), ..Networks::default() };
/// let edges = |code: &evograd::models::genetic_cnn::Code| code.0.iter().map(|s| s.edges().count()).sum::<usize>() as f64;
/// let landscape = Landscape::new(graphs(&[3, 4])?.into_iter().map(|code| (code.clone(), edges(&code))), 0.5, 0.1);
/// let strategy = Strategy { budget: Budget::Trainings(24), ..Strategy::default() };
/// let all = rehearse(&landscape, &History::new(&networks, 32), &strategy, 4, 2, &mut |_| true)?;
/// assert_eq!((all.len(), all[0].leaders.len()), (4, 24));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// [`Error::Stopped`] when `on_progress` answers so; and when a search has nothing to train, or the system refuses threads.
pub fn rehearse(
    landscape: &Landscape,
    history: &History,
    strategy: &Strategy,
    repeats: u32,
    workers: usize,
    on_progress: &mut dyn FnMut(u32) -> bool,
) -> Result<Vec<Rehearsal>> {
    let mut all: Vec<Option<Rehearsal>> = (0..repeats).map(|_| None).collect();
    let (mut done, mut failed, mut stopped) = (0, None, false);
    // A thread takes what it needs of the history along: it remembers codes, which threads cannot share.
    let tasks: Vec<(u32, History)> = (0..repeats).map(|repeat| (repeat, history.clone())).collect();
    let work = |(repeat, history): (u32, History), _: &_| {
        let strategy = Strategy { seed: strategy.seed.wrapping_add(repeat.into()), ..strategy.clone() };
        (repeat, rehearsal(landscape, history, &strategy))
    };
    in_parallel(workers, tasks, work, &mut |result| {
        match result {
            Some((repeat, Ok(rehearsal))) => {
                all[repeat as usize] = Some(rehearsal);
                done += 1;
            }
            Some((_, Err(error))) => failed = failed.take().or(Some(error)),
            None => {}
        }
        stopped |= !on_progress(done);
        !stopped && failed.is_none()
    })?;
    match failed {
        Some(error) => Err(error),
        None => all.into_iter().collect::<Option<_>>().ok_or(Error::Stopped),
    }
}

/// One search.
fn rehearsal(landscape: &Landscape, mut history: History, strategy: &Strategy) -> Result<Rehearsal> {
    let trainings = RefCell::new(landscape.trainings(strategy.seed));
    let mut leaders = Vec::new();
    let mut last = f64::NAN;
    let mut on_round = |round: &Round| {
        let trainings = trainings.borrow();
        // Until this round had its last training, the leader of the round before led.
        leaders.resize(trainings.count().saturating_sub(1), last);
        last = landscape.truth(&round.leader.code).unwrap_or(f64::NAN);
        leaders.push(last);
        Ok(true)
    };
    let mut by = method(strategy);
    let answer = drive(strategy.budget, strategy.seed, &mut history, &mut *by, &mut Shared(&trainings), &mut on_round)?;
    let truth = answer.as_ref().and_then(|answer| landscape.truth(&answer.winner));
    match answer.zip(truth) {
        Some((answer, truth)) => Ok(Rehearsal { truth, claim: answer.fitness, leaders }),
        None => Err(Error::op("search", "nothing was trained", &[], "give a larger budget")),
    }
}

/// The trainings, which train and are asked for the truth by turns.
struct Shared<'a, 'b>(&'b RefCell<OnLandscape<'a>>);

impl Trainings for Shared<'_, '_> {
    fn train(&mut self, round: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>> {
        self.0.borrow_mut().train(round, trainings)
    }
}
