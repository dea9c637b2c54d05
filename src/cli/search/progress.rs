//! How far a search is: a bar on a terminal, plain lines elsewhere; always on standard error.

use crate::cli::progress::clock;
use crate::cli::terminal::Bar;
use evograd::record::{EvaluationRow, GenerationRow, SearchRow};
use evograd::report::{estimate, percent};
use evograd::search::{Budget, Event};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// The least time between two plain lines about evaluations.
const PAUSE: Duration = Duration::from_secs(10);
/// The least time between two plain lines about what comes before the first network.
const SHORT_PAUSE: Duration = Duration::from_secs(2);

/// What the rounds of a journal are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Parts {
    /// Generations and rounds of a race, until a budget is spent.
    Rounds(Budget),
    /// So many budgets of a calibration.
    Budgets(u32),
    /// So many seeds of a confirmation.
    Seeds(u32),
    /// A single one.
    One,
}

/// What is known of the trainings so far.
#[derive(Default)]
struct Seen {
    /// The generations that trained something.
    trained_for: HashSet<u32>,
    /// Whether any came to something.
    learned: bool,
}

impl Seen {
    fn note(&mut self, row: &EvaluationRow) {
        self.trained_for.insert(row.generation);
        self.learned |= row.diverged.is_none();
    }
}

/// Shows the events of a search.
pub struct Progress {
    bar: Bar,
    parts: Parts,
    /// The fittest so far, of single trainings until a generation says more.
    best: Option<f64>,
    seen: Seen,
    began: Instant,
    /// Networks trained by this process.
    trained: usize,
    /// All trainings of the journal, and their seconds.
    spent: (usize, f64),
}

impl Progress {
    /// Of a journal that holds these rows already.
    pub fn new(parts: Parts, rows: &[SearchRow], quiet: bool) -> Progress {
        let bar = Bar::new(1, quiet);
        bar.message(|| "training the first networks".into());
        let (mut seen, mut spent) = (Seen::default(), (0, 0.0));
        for row in rows {
            if let SearchRow::Evaluation(row) = row {
                seen.note(row);
                spent = (spent.0 + 1, spent.1 + row.seconds);
            }
        }
        Progress { bar, parts, best: None, seen, began: Instant::now(), trained: 0, spent }
    }

    /// Says something apart from the bar.
    pub fn note(&mut self, text: &str) {
        self.bar.note(text);
    }

    /// Shows an event.
    pub fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Evaluated { row, done, total } => self.evaluated(row, *done, *total),
            Event::Generation(row) => self.generation(row),
            Event::Reading { done, total } => {
                self.bar.set_length(*total);
                self.bar.show(*done, SHORT_PAUSE, || format!("reading images: {done} of {total}"));
            }
            Event::Waiting => self.bar.tick(),
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        self.bar.finish();
    }

    fn evaluated(&mut self, row: &EvaluationRow, done: usize, total: usize) {
        self.trained += 1;
        self.spent = (self.spent.0 + 1, self.spent.1 + row.seconds);
        self.seen.note(row);
        if row.diverged.is_none() {
            self.best = Some(self.best.map_or(row.fitness, |best| best.max(row.fitness)));
        }
        self.bar.set_length(total as u64);
        let best = self.best.map_or_else(|| "none".into(), percent);
        let text = format!(
            "{}network {done}/{total} · best {best} · {} left",
            self.place(row.generation),
            self.left(total - done)
        );
        self.bar.show(done as u64, PAUSE, || text);
        if let Some(reason) = &row.diverged {
            self.note(&format!("{} diverged: {reason}", row.code));
        }
    }

    fn generation(&mut self, row: &GenerationRow) {
        let fitness = || row.individuals.iter().map(|individual| individual.fitness);
        let best = row.individuals.iter().max_by(|a, b| a.fitness.total_cmp(&b.fitness));
        // In a generation that trained nothing, nothing has happened.
        let Some(best) = best.filter(|_| self.seen.trained_for.contains(&row.generation)) else { return };
        if !self.seen.learned {
            return self.note(&format!("{}all networks have diverged", self.place(row.generation)));
        }
        self.best = Some(best.fitness);
        let mean = percent(fitness().sum::<f64>() / row.individuals.len() as f64);
        let shown = estimate(best.fitness, best.error);
        let text = match row.race {
            true => format!("race · {} · leader {shown}", self.spent()),
            false => format!("{}best {shown} · mean {mean}", self.place(row.generation)),
        };
        self.note(&text);
    }

    /// `generation 2 · 24/100 · `, or nothing where there is only one.
    fn place(&self, number: u32) -> String {
        match self.parts {
            Parts::One => String::new(),
            Parts::Budgets(all) => format!("budget {}/{all} · ", number + 1),
            Parts::Seeds(all) => format!("seed {}/{all} · ", number + 1),
            Parts::Rounds(_) => format!("generation {number} · {} · ", self.spent()),
        }
    }

    /// How much of a budget is spent.
    fn spent(&self) -> String {
        match self.parts {
            Parts::Rounds(Budget::Trainings(all)) => format!("{}/{all}", self.spent.0),
            Parts::Rounds(Budget::Seconds(all)) => format!("{} of {}", clock(self.spent.1), clock(all)),
            _ => String::new(),
        }
    }

    /// The time for the rest, if networks take as long as those of this process so far. Of budgets it is the present one's.
    fn left(&self, to_do: usize) -> String {
        let elapsed = self.began.elapsed().as_secs_f64();
        let each = elapsed / self.trained.max(1) as f64;
        clock(match self.parts {
            Parts::Rounds(Budget::Trainings(all)) => each * all.saturating_sub(self.spent.0) as f64,
            Parts::Rounds(Budget::Seconds(all)) => {
                (all - self.spent.1).max(0.0) * each * self.spent.0 as f64 / self.spent.1.max(1e-9)
            }
            Parts::Budgets(_) | Parts::Seeds(_) | Parts::One => each * to_do as f64,
        })
    }
}
