//! The fitness of generations of codes: what is known already is looked up, the rest is trained side by side, and everything
//! is written down as soon as it is known.

use super::candidate::{Ground, Outcome, Task};
use super::config::{Repeat, SearchConfig};
use super::journal::{SearchJournal, read_journal};
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::genetic::compare_fitness;
use crate::models::genetic_cnn::{Code, canonical};
use crate::par::side_by_side;
use crate::record::{BeginRow, EvaluationRow, GenerationRow, IndividualRow, SearchRow};
use crate::train::{self, Trainer, expect_same_data, expect_same_program, expect_same_settings};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

/// What a search tells while it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// A network has been trained and asked for its answers.
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
    /// Nothing has happened for a moment.
    Waiting,
}

/// What hears of the events, and answers whether to go on.
pub type Told<'a> = dyn FnMut(Event<'_>) -> bool + 'a;

/// Trains networks and remembers what they came to.
pub(super) struct Evaluator<'a> {
    ground: Ground,
    repeat: Repeat,
    halving: Vec<u32>,
    workers: usize,
    journal: SearchJournal,
    /// What is known, also of generations to come, where a journal is gone through again.
    known: HashMap<Training, EvaluationRow>,
    /// The generations that the journal holds, by number.
    written: Vec<GenerationRow>,
    /// Codes that were evaluated, and how often.
    seen: HashMap<Code, Vec<f64>>,
    since: Instant,
    /// Seconds that workers have spent on networks since then, over all workers.
    busy: f64,
    told: &'a mut Told<'a>,
}

/// A training of a code: which time, and for how many epochs.
type Training = (String, u32, u32);

impl<'a> Evaluator<'a> {
    /// Opens the journal and draws the samples.
    pub fn new(path: &Path, task: &str, config: &SearchConfig, sets: &Sets, told: &'a mut Told<'a>) -> Result<Self> {
        let (mut journal, rows) = SearchJournal::open(path)?;
        let now = begin(task, config, sets)?;
        match rows.first() {
            None => journal.append(&SearchRow::Begin(now))?,
            Some(first) => expect_same(path, first, &now)?,
        }
        let (mut known, mut written) = (HashMap::new(), Vec::new());
        for row in rows {
            match row {
                SearchRow::Evaluation(row) => drop(known.insert((row.code.clone(), row.repeat, row.epochs), row)),
                SearchRow::Generation(row) => written.push(row),
                SearchRow::Begin(_) => {}
            }
        }
        let (repeat, halving, workers) = (config.search.repeat, config.search.halving.clone(), config.workers());
        let (ground, seen, since) = (Ground::new(config, sets)?, HashMap::new(), Instant::now());
        Ok(Evaluator { ground, repeat, halving, workers, journal, known, written, seen, since, busy: 0.0, told })
    }

    /// The fitness of each code of a generation.
    pub fn fitness(&mut self, generation: u32, codes: &[Code]) -> Result<Vec<f64>> {
        match self.repeat {
            Repeat::Cache => self.cached(generation, codes),
            Repeat::Average => self.averaged(generation, codes),
        }
    }

    /// Each graph is trained once, under its canonical code.
    fn cached(&mut self, generation: u32, codes: &[Code]) -> Result<Vec<f64>> {
        let graphs: Vec<Code> = codes.iter().map(canonical).collect();
        let mut new: Vec<Code> = Vec::new();
        let mut met: HashSet<&Code> = HashSet::new();
        for graph in graphs.iter().filter(|graph| !self.seen.contains_key(*graph)) {
            if met.insert(graph) {
                new.push(graph.clone());
            }
        }
        let values = self.halved(generation, &new)?;
        new.into_iter().zip(values).for_each(|(graph, value)| drop(self.seen.insert(graph, vec![value])));
        Ok(graphs.iter().map(|graph| self.seen[graph][0]).collect())
    }

    /// Every individual is trained; its fitness is the mean over all trainings of its code so far.
    fn averaged(&mut self, generation: u32, codes: &[Code]) -> Result<Vec<f64>> {
        let epochs = self.ground.config.training.epochs;
        let mut counts: HashMap<&Code, u32> = HashMap::new();
        let trainings: Vec<(Code, u32)> = codes
            .iter()
            .map(|code| {
                let before = self.seen.get(code).map_or(0, Vec::len) as u32;
                let count = counts.entry(code).or_default();
                *count += 1;
                (code.clone(), before + *count - 1)
            })
            .collect();
        let rows = self.rows(generation, &trainings, [epochs; 2], &mut HashMap::new())?;
        for (code, row) in codes.iter().zip(rows) {
            self.seen.entry(code.clone()).or_default().push(row.fitness);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        Ok(codes.iter().map(|code| mean(&self.seen[code])).collect())
    }

    /// The fitness of codes that are new, of which the worse half is given up after each of the epochs asked for.
    fn halved(&mut self, generation: u32, codes: &[Code]) -> Result<Vec<f64>> {
        let of_epochs = self.ground.config.training.epochs;
        let rungs: Vec<u32> = self.halving.iter().copied().chain([of_epochs]).collect();
        let mut values = vec![0.0; codes.len()];
        let mut left: Vec<usize> = (0..codes.len()).collect();
        let mut trainers = HashMap::new();
        for epochs in rungs {
            let trainings: Vec<(Code, u32)> = left.iter().map(|place| (codes[*place].clone(), 0)).collect();
            let rows = self.rows(generation, &trainings, [epochs, of_epochs], &mut trainers)?;
            left.iter().zip(rows).for_each(|(place, row)| values[*place] = row.fitness);
            left.sort_by(|a, b| compare_fitness(values[*b], values[*a]).then(a.cmp(b)));
            left.truncate(left.len().div_ceil(2));
            trainers.retain(|code, _| left.iter().any(|place| codes[*place] == *code));
        }
        Ok(values)
    }

    /// What trainings come to after the first of two numbers of epochs, of which the second is the whole; those that are
    /// not known are done, from where `trainers` stand.
    pub fn rows(
        &mut self,
        generation: u32,
        trainings: &[(Code, u32)],
        [epochs, of_epochs]: [u32; 2],
        trainers: &mut HashMap<Code, Box<Trainer>>,
    ) -> Result<Vec<EvaluationRow>> {
        let key = |(code, repeat): &(Code, u32)| (code.to_string(), *repeat, epochs);
        let missing = trainings.iter().filter(|training| !self.known.contains_key(&key(training)));
        let task = |(code, repeat): &(Code, u32)| {
            let trainer = trainers.remove(code);
            Task { code: code.clone(), repeat: *repeat, epochs, of_epochs, trainer }
        };
        let tasks = missing.map(task).collect();
        self.train(generation, tasks, trainers)?;
        Ok(trainings.iter().map(|training| self.known[&key(training)].clone()).collect())
    }

    /// Trains side by side; writes each result as soon as it is there.
    fn train(&mut self, generation: u32, tasks: Vec<Task>, trainers: &mut HashMap<Code, Box<Trainer>>) -> Result<()> {
        let (total, mut done, mut failed, mut go_on) = (tasks.len(), 0, None, true);
        let Evaluator { ground, workers, journal, known, busy, told, .. } = self;
        let work = |task: Task, stop: &_| {
            let code = task.code.clone();
            let outcome = crate::within_memory(|| ground.work(task, generation, stop)).flatten();
            outcome.map(|outcome| outcome.map(|outcome| (code, outcome)))
        };
        let mut hear = |result: Option<Result<Option<(Code, Outcome)>>>| {
            let written = match result {
                None => {
                    go_on &= told(Event::Waiting);
                    return go_on;
                }
                Some(Ok(None)) => return false,
                Some(Err(error)) => Err(error),
                Some(Ok(Some((code, Outcome { row, trainer })))) => {
                    done += 1;
                    *busy += row.seconds;
                    trainers.extend(trainer.map(|trainer| (code, trainer)));
                    let row = SearchRow::Evaluation(row);
                    // After a row that could not be written whole, nothing may follow it.
                    let written = if failed.is_none() { journal.append(&row) } else { return false };
                    if let (SearchRow::Evaluation(row), Ok(())) = (row, &written) {
                        go_on &= told(Event::Evaluated { row: &row, done, total });
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
        side_by_side(*workers, tasks, work, &mut hear)?;
        match failed {
            Some(error) => Err(error),
            None if !go_on => Err(Error::Stopped),
            None => Ok(()),
        }
    }

    /// Writes a generation, or compares it with what was written when the journal is gone through again; whether to go on.
    pub fn generation(&mut self, number: u32, individuals: Vec<IndividualRow>) -> Result<bool> {
        let seconds = std::mem::replace(&mut self.since, Instant::now()).elapsed().as_secs_f64();
        let busy = std::mem::take(&mut self.busy);
        if let Some(written) = self.written.iter().find(|row| row.generation == number) {
            if written.individuals != individuals {
                let problem = format!("the journal's generation {number} is not what follows from what is before it");
                let remedy = "start a new search: another version of the program has written this one";
                return Err(Error::op("search", problem, &[], remedy));
            }
            return Ok((self.told)(Event::Generation(written)));
        }
        // Rounding alone could make it negative.
        let idle_seconds = Some((self.workers as f64 * seconds - busy).max(0.0));
        let row = GenerationRow { generation: number, individuals, seconds, idle_seconds };
        let row = SearchRow::Generation(row);
        self.journal.append(&row)?;
        let SearchRow::Generation(row) = &row else { return Ok(true) };
        Ok((self.told)(Event::Generation(row)))
    }
}

/// What a search of this kind, or `exhaust` or `calibrate`, begins with. The test set's pictures are not looked at.
///
/// # Errors
/// When a picture cannot be read.
pub fn begin(task: &str, config: &SearchConfig, sets: &Sets) -> Result<BeginRow> {
    train::begin(task, config.to_toml(), sets)
}

/// Whether the journal is that of a search of this kind with these settings and data, on this instruction set: the first
/// thing to ask before anything is written. How many generations there are to be, and how many networks are trained side by
/// side, may be changed: neither changes what has been.
///
/// # Errors
/// When it is not, or cannot be read.
pub fn expect_same_search(journal: &Path, task: &str, config: &SearchConfig, sets: &Sets) -> Result<()> {
    if !journal.exists() {
        return Ok(());
    }
    let rows = read_journal(journal)?;
    let Some(first) = rows.first() else { return Ok(()) };
    expect_same(journal, first, &begin(task, config, sets)?)?;
    let last =
        rows.iter().filter_map(|row| if let SearchRow::Generation(row) = row { Some(row.generation) } else { None });
    match last.max().filter(|last| *last > config.search.generations) {
        None => Ok(()),
        Some(last) => {
            let problem = format!("it holds generations up to {last}, and {} are asked for", config.search.generations);
            Err(Error::file(journal, problem, format!("ask for at least {last}, or leave --generations out")))
        }
    }
}

/// Whether the first row is one like `now`.
fn expect_same(path: &Path, first: &SearchRow, now: &BeginRow) -> Result<()> {
    let SearchRow::Begin(then) = first else {
        return Err(Error::file(path, "it does not begin with what was searched", "restore the file"));
    };
    expect_same_program(path, then, &now.task)?;
    expect_same_settings(path, then, &now.settings)?;
    expect_same_data(path, then, now)
}
