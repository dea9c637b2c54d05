//! A whole search of networks that are trained, from its first generation, or from where its journal ends, to its answer.

use super::config::SearchConfig;
use super::drive::{Answer, Individual, Leader, Round, Trainings, drive};
use super::evaluator::{Evaluator, OnEvent};
use super::history::History;
use super::method::{Propose, method};
use super::surrogate::Estimate;
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::models::genetic_cnn::Code;
use crate::record::{AnswerRow, IndividualRow, LeaderRow};
use std::cell::RefCell;
use std::path::Path;

/// Searches networks as the settings say. Every evaluation and every round is written to the file `journal` as soon as it
/// is complete; where the file holds some already, they are not done again. With a budget of trainings the search comes to the same end
/// as if it had never been stopped; with one of time, what the journal holds stays, and its time counts.
///
/// # Errors
/// [`Error::Stopped`] when `on_event` answers so. And when the journal cannot be read or written or belongs to another search, a
/// image cannot be read, or the system refuses memory or threads.
pub fn search(journal: &Path, config: &SearchConfig, sets: &Sets, on_event: &mut OnEvent<'_>) -> Result<Answer> {
    search_by(&mut *method(&config.search), journal, config, sets, on_event)
}

/// As [`search`], by a method of one's own. To go on from a journal, it has to propose the same again.
///
/// # Errors
/// As [`search`]; and when the method proposes nothing.
pub fn search_by(
    method: &mut dyn Propose,
    journal: &Path,
    config: &SearchConfig,
    sets: &Sets,
    on_event: &mut OnEvent<'_>,
) -> Result<Answer> {
    let mut on_event = |event: super::Event<'_>| on_event(event);
    let evaluator = RefCell::new(Evaluator::new(journal, "search", config, sets, &mut on_event)?);
    let mut history = History::new(&config.networks, sets.train.shape()[1]);
    let mut stopped = false;
    let mut round = |Round { number, race, individuals, leader }: &Round| {
        let (individuals, leader) = (individuals.iter().map(individual_row).collect(), leader_row(leader));
        let go_on = evaluator.borrow_mut().round(*number, *race, individuals, Some(leader))?;
        stopped = !go_on;
        Ok(go_on)
    };
    let (budget, seed) = (config.search.budget, config.search.seed);
    let answer = drive(budget, seed, &mut history, method, &mut Shared(&evaluator), &mut round)?;
    match answer {
        Some(answer) => {
            evaluator.borrow_mut().answer(answer_row(&answer))?;
            Ok(answer)
        }
        None if stopped => Err(Error::Stopped),
        None => Err(Error::op(
            "search",
            "nothing was trained",
            &[],
            "give a larger budget, or a method that proposes networks",
        )),
    }
}

/// The evaluator, which trains and is notified of rounds by turns.
struct Shared<'a, 'b>(&'a RefCell<Evaluator<'b>>);

impl Trainings for Shared<'_, '_> {
    fn train(&mut self, round: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>> {
        self.0.borrow_mut().train(round, trainings)
    }

    fn seconds(&self) -> f64 {
        self.0.borrow().seconds()
    }
}

fn individual_row(Individual { code, fitness, parents }: &Individual) -> IndividualRow {
    IndividualRow { code: code.to_string(), fitness: fitness.mean, error: fitness.deviation, parents: parents.clone() }
}

fn leader_row(Leader { code, fitness, found }: &Leader) -> LeaderRow {
    let Estimate { mean, deviation } = *fitness;
    LeaderRow { code: code.to_string(), fitness: mean, error: deviation, generation: found.0, place: found.1 }
}

fn answer_row(answer: &Answer) -> AnswerRow {
    AnswerRow {
        code: answer.winner.to_string(),
        fitness: answer.fitness.mean,
        error: answer.fitness.deviation,
        trainings: answer.trainings,
        generation: answer.found.0,
        place: answer.found.1,
        certainty: answer.certainty,
        first_code: answer.first.0.to_string(),
        first_fitness: answer.first.1.mean,
        first_error: answer.first.1.deviation,
        lead: answer.lead.mean,
        lead_error: answer.lead.deviation,
        gain: answer.gain.mean,
        gain_error: answer.gain.deviation,
    }
}
