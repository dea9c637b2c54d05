//! How far a search is: a bar on a terminal, plain lines elsewhere; always on standard error.

use crate::cli::progress::clock;
use crate::cli::terminal::Bar;
use evograd::record::{EvaluationRow, GenerationRow};
use evograd::report::percent;
use evograd::search::Event;
use std::time::{Duration, Instant};

/// The least time between two plain lines about evaluations.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows the events of a search.
pub struct Progress {
    bar: Bar,
    /// What a row of the journal counts: `generation` or `budget`.
    part: &'static str,
    /// The number of the last of these.
    last: u32,
    /// The number of the next.
    next: u32,
    /// The fittest so far.
    best: Option<f64>,
    began: Instant,
    /// Networks trained by this process.
    trained: usize,
    /// Networks trained by this process in complete generations, and in how many generations.
    complete: [usize; 2],
    /// Of the present generation, how many this process has trained.
    present: usize,
}

impl Progress {
    /// Of a search whose parts, such as generations, have numbers up to `last`.
    pub fn new(part: &'static str, last: u32, quiet: bool) -> Progress {
        let bar = Bar::new(1, quiet);
        bar.message(|| "training the first networks".into());
        let (best, now) = (None, Instant::now());
        let (next, trained, complete, present) = (0, 0, [0, 0], 0);
        Progress { bar, part, last, next, best, began: now, trained, complete, present }
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
            Event::Waiting => self.bar.tick(),
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        self.bar.finish();
    }

    fn evaluated(&mut self, row: &EvaluationRow, done: usize, total: usize) {
        (self.trained, self.present) = (self.trained + 1, self.present + 1);
        self.meet(row.fitness);
        self.bar.set_length(total as u64);
        let text = format!(
            "{}network {done}/{total} · best {} · {} left",
            self.place(row.generation),
            percent(self.best.unwrap_or(0.0)),
            self.left(total - done)
        );
        self.bar.show(done as u64, PAUSE, || text);
        if let Some(reason) = &row.diverged {
            self.note(&format!("{} diverged, its fitness is 0: {reason}", row.code));
        }
    }

    fn generation(&mut self, row: &GenerationRow) {
        self.next = row.generation + 1;
        if self.present > 0 {
            self.complete = [self.complete[0] + self.present, self.complete[1] + 1];
        }
        self.present = 0;
        let mut fitness: Vec<f64> = row.individuals.iter().map(|individual| individual.fitness).collect();
        let mean = fitness.iter().sum::<f64>() / fitness.len() as f64;
        fitness.sort_by(f64::total_cmp);
        row.individuals.iter().for_each(|individual| self.meet(individual.fitness));
        let [worst, best] = [fitness[0], fitness[fitness.len() - 1]].map(percent);
        let so_far = percent(self.best.unwrap_or(0.0));
        let (place, mean) = (self.place(row.generation), percent(mean));
        self.note(&format!("{place}best {best} · mean {mean} · worst {worst} · so far {so_far}"));
        if self.part == "generation" && self.next <= self.last {
            let next = format!("{}breeding", self.place(self.next));
            self.bar.show(0, Duration::MAX, || next);
        }
    }

    /// `generation 2/5 · `, or nothing where there is only one.
    fn place(&self, number: u32) -> String {
        let (first, last) = if self.part == "generation" { (number, self.last) } else { (number + 1, self.last + 1) };
        if self.last == 0 { String::new() } else { format!("{} {first}/{last} · ", self.part) }
    }

    fn meet(&mut self, fitness: f64) {
        self.best = Some(self.best.map_or(fitness, |best| best.max(fitness)));
    }

    /// The time for the rest: if networks take as long as those of this process so far, and if generations need as many new
    /// ones. Other budgets take another time, so of budgets it is the present one's.
    fn left(&self, to_do: usize) -> String {
        let each = self.began.elapsed().as_secs_f64() / self.trained.max(1) as f64;
        let [trained, complete] = self.complete;
        let usual = if complete == 0 { self.present + to_do } else { trained.div_ceil(complete) };
        let parts = if self.part == "generation" { self.last.saturating_sub(self.next) as usize } else { 0 };
        clock(each * (to_do + parts * usual) as f64)
    }
}
