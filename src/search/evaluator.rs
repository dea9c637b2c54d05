//! The fitness of generations of codes: what is known already is looked up, the rest is trained in parallel, and everything
//! is written down as soon as it is known.

use super::candidate::{Ground, Task};
use super::config::SearchConfig;
use super::drive::Trainings;
use super::journal::{SearchJournal, begin_row, read_journal};
use crate::data::Progress;
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::models::genetic_cnn::Code;
use crate::par::in_parallel;
use crate::record::{AnswerRow, BeginRow, EvaluationRow, GenerationRow, IndividualRow, LeaderRow, SearchRow, outcome};
use crate::train::{self, changed_settings, expect_same_data, expect_same_program, listed};
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

/// What a search reports while it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A network has been trained and evaluated.
    Evaluated {
        /// What it came to.
        row: &'a EvaluationRow,
        /// How many of this generation's are done.
        done: usize,
        /// How many there are to do.
        total: usize,
    },
    /// A generation is complete.
    Generation(&'a GenerationRow),
    /// So many images have been read for their statistics, before the first network.
    Reading {
        /// Images read.
        done: u64,
        /// All images that are to be read.
        total: u64,
    },
    /// Nothing has happened for a moment.
    Waiting,
}

/// What is called with each event, and answers whether to go on.
pub type OnEvent<'a> = dyn FnMut(Event<'_>) -> bool + 'a;

/// The task of a confirmation, the only one that asks for the test set.
pub(super) const CONFIRM: &str = "confirm";

/// Trains networks and remembers what they came to.
pub(super) struct Evaluator<'a> {
    ground: Ground,
    epochs: u32,
    /// The core seconds of all trainings that were asked for, those of the journal among them.
    asked: f64,
    workers: usize,
    journal: SearchJournal,
    /// What is known, also of generations to come, where a journal is replayed.
    known: HashMap<Training, EvaluationRow>,
    /// The generations that the journal holds, by number.
    written: Vec<GenerationRow>,
    answered: Option<AnswerRow>,
    since: Instant,
    /// Seconds that workers have spent on networks since then, over all workers.
    busy: f64,
    on_event: &'a mut OnEvent<'a>,
}

/// A training of a code: which time, and for how many epochs.
type Training = (String, u32, u32);

impl<'a> Evaluator<'a> {
    /// Opens the journal and draws the samples.
    pub fn new(
        path: &Path,
        task: &str,
        config: &SearchConfig,
        sets: &Sets,
        on_event: &'a mut OnEvent<'a>,
    ) -> Result<Self> {
        let (mut journal, rows) = SearchJournal::open(path)?;
        let now = begin(task, config, sets, &mut ())?;
        match rows.first() {
            None => journal.append(&SearchRow::Begin(now))?,
            Some(first) => expect_same(path, first, &now)?,
        }
        let (mut known, mut written, mut answered) = (HashMap::new(), Vec::new(), None);
        for row in rows {
            match row {
                SearchRow::Evaluation(row) => drop(known.insert((row.code.clone(), row.repeat, row.epochs), row)),
                SearchRow::Generation(row) => written.push(row),
                SearchRow::Answer(row) => answered = Some(row),
                SearchRow::Begin(_) => {}
            }
        }
        let (epochs, workers) = (config.training.epochs, config.workers());
        let tested = task == CONFIRM;
        let ground = Ground::new(config, sets, tested, &mut Reading(&mut *on_event))?;
        let since = Instant::now();
        Ok(Evaluator {
            ground,
            epochs,
            asked: 0.0,
            workers,
            journal,
            known,
            written,
            answered,
            since,
            busy: 0.0,
            on_event,
        })
    }

    /// Trains as these settings say from now on; codes and the space of networks stay.
    pub fn train_as(&mut self, config: &SearchConfig, sets: &Sets) -> Result<()> {
        self.ground = Ground::new(config, sets, false, &mut Reading(&mut *self.on_event))?;
        self.epochs = config.training.epochs;
        Ok(())
    }

    /// What trainings for so many epochs come to; those that are not known are done.
    pub fn rows(&mut self, generation: u32, trainings: &[(Code, u32)], epochs: u32) -> Result<Vec<EvaluationRow>> {
        let key = |(code, repeat): &(Code, u32)| (code.to_string(), *repeat, epochs);
        let missing = trainings.iter().filter(|training| !self.known.contains_key(&key(training)));
        let task = |(code, repeat): &(Code, u32)| Task { code: code.clone(), repeat: *repeat, epochs };
        let tasks = missing.map(task).collect();
        self.train_all(generation, tasks)?;
        Ok(trainings.iter().map(|training| self.known[&key(training)].clone()).collect())
    }

    /// Trains in parallel; writes each result as soon as it is there.
    fn train_all(&mut self, generation: u32, tasks: Vec<Task>) -> Result<()> {
        let (total, mut done, mut failed, mut go_on) = (tasks.len(), 0, None, true);
        let Evaluator { ground, workers, journal, known, busy, on_event, .. } = self;
        let work = |task: Task, stop: &_| crate::within_memory(|| ground.work(task, generation, stop)).flatten();
        let mut hear = |result: Option<Result<Option<EvaluationRow>>>| {
            let written = match result {
                None => {
                    go_on &= on_event(Event::Waiting);
                    return go_on;
                }
                Some(Ok(None)) => return false,
                Some(Err(error)) => Err(error),
                Some(Ok(Some(row))) => {
                    done += 1;
                    *busy += row.seconds;
                    let row = SearchRow::Evaluation(row);
                    // After a row that could not be written whole, nothing may follow it.
                    let written = if failed.is_none() { journal.append(&row) } else { return false };
                    if let (SearchRow::Evaluation(row), Ok(())) = (row, &written) {
                        go_on &= on_event(Event::Evaluated { row: &row, done, total });
                        known.insert((row.code.clone(), row.repeat, row.epochs), row);
                    }
                    written
                }
            };
            if let Err(error) = written {
                (failed, go_on) = (failed.take().or(Some(error)), false);
            }
            go_on
        };
        in_parallel(*workers, tasks, work, &mut hear)?;
        match failed {
            Some(error) => Err(error),
            None if !go_on => Err(Error::Stopped),
            None => Ok(()),
        }
    }

    /// Writes a generation or a round of the race, or compares it with what was written when the journal is replayed;
    /// whether to go on.
    pub fn round(
        &mut self,
        number: u32,
        race: bool,
        individuals: Vec<IndividualRow>,
        leader: Option<LeaderRow>,
    ) -> Result<bool> {
        let seconds = std::mem::replace(&mut self.since, Instant::now()).elapsed().as_secs_f64();
        let busy = std::mem::take(&mut self.busy);
        if let Some(written) = self.written.iter().find(|row| row.generation == number) {
            if written.individuals != individuals || written.leader != leader {
                return Err(other_version(&format!("generation {number}")));
            }
            return Ok((self.on_event)(Event::Generation(written)));
        }
        // Rounding alone could make it negative.
        let idle_seconds = Some((self.workers as f64 * seconds - busy).max(0.0));
        let row = GenerationRow { generation: number, race, individuals, leader, seconds, idle_seconds };
        let row = SearchRow::Generation(row);
        self.journal.append(&row)?;
        let SearchRow::Generation(row) = &row else { return Ok(true) };
        Ok((self.on_event)(Event::Generation(row)))
    }
}

impl Evaluator<'_> {
    /// Writes what the search came to, or compares it with what was written.
    pub fn answer(&mut self, row: AnswerRow) -> Result<()> {
        match &self.answered {
            Some(written) if *written == row => Ok(()),
            Some(_) => Err(other_version("answer")),
            None => self.journal.append(&SearchRow::Answer(row)),
        }
    }
}

/// That a journal does not follow from its own trainings.
fn other_version(what: &str) -> Error {
    let problem = format!("the journal's {what} is not what follows from what is before it");
    Error::op("search", problem, &[], "start a new search: another version of the program has written this one")
}

impl Trainings for Evaluator<'_> {
    fn train(&mut self, round: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>> {
        let rows = self.rows(round, trainings, self.epochs)?;
        self.asked += rows.iter().map(EvaluationRow::cost).sum::<f64>();
        Ok(rows.iter().map(outcome).collect())
    }

    fn seconds(&self) -> f64 {
        self.asked
    }
}

/// Tells of images that are read.
struct Reading<'a>(&'a mut OnEvent<'a>);

impl Progress for Reading<'_> {
    fn step(&mut self, _: &str, _: u64, _: Option<u64>) {}

    fn count(&mut self, _: &str, done: u64, total: u64) {
        // Whether to go on is asked again before the first network.
        (self.0)(Event::Reading { done, total });
    }

    fn note(&mut self, _: &str) {}
}

/// What a search of this kind, or `exhaust` or `calibrate`, begins with. The test set's images are not looked at; `progress`
/// gets how far the look at the others is.
///
/// # Errors
/// When an image cannot be read.
pub fn begin(task: &str, config: &SearchConfig, sets: &Sets, progress: &mut dyn Progress) -> Result<BeginRow> {
    train::begin(task, config.to_toml(), sets, progress)
}

/// Whether the journal is that of a search of this kind with these settings and data, on this instruction set: the first
/// thing to ask before anything is written. How many networks are trained in parallel may be changed: it changes nothing.
///
/// # Errors
/// When it is not, or cannot be read.
pub fn expect_same_search(journal: &Path, task: &str, config: &SearchConfig, sets: &Sets) -> Result<()> {
    if !journal.exists() {
        return Ok(());
    }
    match read_journal(journal)?.first() {
        None => Ok(()),
        Some(first) => expect_same(journal, first, &begin(task, config, sets, &mut ())?),
    }
}

/// Whether the first row is one like `now`.
fn expect_same(path: &Path, first: &SearchRow, now: &BeginRow) -> Result<()> {
    let then = begin_row(path, first)?;
    expect_same_program(path, then, &now.task)?;
    let changed = changed_settings(&then.settings, &now.settings).map_err(|error| error.at(path.display()))?;
    if !changed.is_empty() {
        let problem = format!("it is of a search with other settings ({})", listed(&changed));
        return Err(Error::file(path, problem, "go on with its own, or name another journal"));
    }
    expect_same_data(path, then, now)
}
