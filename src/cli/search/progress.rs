//! How far a search is: a bar on a terminal, plain lines elsewhere; always on standard error.

use crate::cli::progress::clock;
use evograd::record::{EvaluationRow, GenerationRow};
use evograd::search::Event;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The least time between two plain lines about evaluations.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows the events of a search.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    generations: u32,
    generation: u32,
    /// The fittest so far.
    best: Option<(f64, String)>,
    began: Instant,
    said: Instant,
    /// Networks trained by this process.
    trained: usize,
    /// Networks trained by this process in the generations that are complete, and how many of these there are.
    complete: [usize; 2],
}

impl Progress {
    /// Of a search with so many generations after the first.
    pub fn new(generations: u32, quiet: bool) -> Progress {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let style = ProgressStyle::with_template("{wide_bar:.cyan/dim} {msg}").expect("the template is well-formed");
        let bar = terminal.then(|| ProgressBar::new(1).with_style(style));
        let (best, now) = (None, Instant::now());
        let (generation, trained, complete) = (0, 0, [0, 0]);
        Progress { bar, quiet, generations, generation, best, began: now, said: now, trained, complete }
    }

    /// Says something apart from the bar.
    pub fn note(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Shows an event.
    pub fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Evaluated { row, done, total } => self.evaluated(row, *done, *total),
            Event::Generation(row) => self.generation(row),
            Event::Waiting => self.bar.iter().for_each(ProgressBar::tick),
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }

    fn evaluated(&mut self, row: &EvaluationRow, done: usize, total: usize) {
        self.trained += 1;
        self.meet(row.fitness, &row.code);
        let now = Instant::now();
        let text = format!(
            "generation {}/{} · network {done}/{total} · best {} · {} left",
            row.generation,
            self.generations,
            self.best.as_ref().map_or_else(String::new, |(fitness, code)| format!("{:.2} % {code}", 100.0 * fitness)),
            self.left(total - done)
        );
        match &self.bar {
            Some(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(text);
            }
            None if now - self.said >= PAUSE => {
                self.said = now;
                self.note(&text);
            }
            None => {}
        }
        if let Some(reason) = &row.diverged {
            self.note(&format!("{} diverged, its fitness is 0: {reason}", row.code));
        }
    }

    fn generation(&mut self, row: &GenerationRow) {
        self.generation = row.generation + 1;
        self.complete = [self.trained, self.complete[1] + 1];
        let mut fitness: Vec<f64> = row.individuals.iter().map(|individual| individual.fitness).collect();
        fitness.sort_by(f64::total_cmp);
        row.individuals.iter().for_each(|individual| self.meet(individual.fitness, &individual.code));
        let mean = fitness.iter().sum::<f64>() / fitness.len() as f64;
        let [worst, best] = [fitness[0], fitness[fitness.len() - 1]].map(|share| 100.0 * share);
        let so_far = self.best.as_ref().map_or(0.0, |(fitness, _)| 100.0 * fitness);
        self.said = Instant::now();
        self.note(&format!(
            "generation {}/{} · best {best:.2} % · mean {:.2} % · worst {worst:.2} % · best so far {so_far:.2} %",
            row.generation,
            self.generations,
            100.0 * mean
        ));
    }

    fn meet(&mut self, fitness: f64, code: &str) {
        if self.best.as_ref().is_none_or(|(best, _)| fitness > *best) {
            self.best = Some((fitness, code.to_string()));
        }
    }

    /// The time for the rest, if networks take as long as those of this process so far, and if generations need as many new
    /// ones.
    fn left(&self, in_generation: usize) -> String {
        let each = self.began.elapsed().as_secs_f64() / self.trained.max(1) as f64;
        let [trained, complete] = self.complete;
        let usual = if complete == 0 { self.trained + in_generation } else { trained.div_ceil(complete) };
        let generations = (self.generations + 1).saturating_sub(self.generation + 1) as usize;
        clock(each * (in_generation + generations * usual) as f64)
    }
}
