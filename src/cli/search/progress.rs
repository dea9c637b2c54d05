//! How far a search is: a bar on a terminal, plain lines elsewhere; always on standard error.

use crate::cli::progress::clock;
use crate::cli::terminal::Bar;
use crate::cli::wrap::{cut, fuller};
use evograd::record::{EvaluationRow, GenerationRow, IndividualRow, SearchRow};
use evograd::report::{estimate, percent};
use evograd::search::{Budget, Event};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// The least time between two plain lines about evaluations.
const PAUSE: Duration = Duration::from_secs(10);
/// The least time between two plain lines about what comes before the first network.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// The most columns of a code; the journal has it whole.
const NAME: usize = 50;

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
    /// The highest fitness of a single training, which luck has a part in.
    luckiest: Option<f64>,
    /// The best network by its estimate, as the last generation had it.
    leader: Option<f64>,
    /// Whether it was said already why an estimate may fall.
    fall_is_said: bool,
}

impl Seen {
    fn evaluation(&mut self, row: &EvaluationRow) {
        self.trained_for.insert(row.generation);
        if row.diverged.is_none() {
            self.luckiest = Some(self.luckiest.map_or(row.fitness, |best| best.max(row.fitness)));
        }
    }

    /// The leader of a generation; what there is to say where it is worse than the one before, once.
    fn generation(&mut self, row: &GenerationRow) -> Option<String> {
        let now = row.leader.as_ref()?.fitness;
        let before = self.leader.replace(now).filter(|before| percent(*before) != percent(now) && *before > now)?;
        let is_said = std::mem::replace(&mut self.fall_is_said, true);
        (!is_said).then(|| {
            let [before, now] = [before, now].map(percent);
            format!("the best so far falls from {before} to {now}: it is an estimate, which each training corrects")
        })
    }

    /// The best so far, by what is known of it.
    fn best(&self) -> String {
        let luckiest =
            || self.luckiest.map_or_else(|| "best none".into(), |best| format!("luckiest {}", percent(best)));
        self.leader.map_or_else(luckiest, |best| format!("best {}", percent(best)))
    }
}

/// Shows the events of a search.
pub struct Progress {
    bar: Bar,
    parts: Parts,
    seen: Seen,
    began: Instant,
    /// Networks trained by this process.
    trained: usize,
    /// All trainings of the journal, and their seconds.
    spent: (usize, f64),
}

impl Progress {
    /// Of a journal that holds these rows already.
    pub fn new(parts: Parts, rows: &[SearchRow]) -> Progress {
        let bar = Bar::new(1);
        bar.message(|| "training the first networks".into());
        let (mut seen, mut spent) = (Seen::default(), (0, 0.0));
        for row in rows {
            match row {
                SearchRow::Evaluation(row) => {
                    seen.evaluation(row);
                    spent = (spent.0 + 1, spent.1 + row.cost());
                }
                SearchRow::Generation(row) => drop(seen.generation(row)),
                SearchRow::Begin(_) | SearchRow::Answer(_) => {}
            }
        }
        Progress { bar, parts, seen, began: Instant::now(), trained: 0, spent }
    }

    /// Says something apart from the bar.
    pub fn note(&mut self, text: &str) {
        self.bar.note(text);
    }

    /// Shows an event.
    pub fn update(&mut self, event: &Event<'_>) {
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
        self.spent = (self.spent.0 + 1, self.spent.1 + row.cost());
        self.seen.evaluation(row);
        self.bar.set_length(total as u64);
        let text = self.network_line(row.generation, done, total);
        self.bar.show(done as u64, PAUSE, || text);
        if let Some(reason) = &row.diverged {
            self.note(&format!("{} diverged: {reason}", cut(&row.code, NAME)));
        }
    }

    fn network_line(&self, generation: u32, done: usize, total: usize) -> String {
        let (place, best, left) = (self.place(generation), self.seen.best(), self.left(total - done));
        let whole = format!("{place}network {done}/{total} · {best} · {left} left");
        fuller(whole, || format!("{place}{best} · {left} left"))
    }

    fn generation(&mut self, row: &GenerationRow) {
        let best = row.individuals.iter().max_by(|a, b| a.fitness.total_cmp(&b.fitness));
        // In a generation that trained nothing, nothing has happened.
        let Some(best) = best.filter(|_| self.seen.trained_for.contains(&row.generation)) else { return };
        if self.seen.luckiest.is_none() {
            return self.note(&format!("{}all networks have diverged", self.place(row.generation)));
        }
        let fall = self.seen.generation(row);
        let text = self.generation_line(row, best);
        self.note(&text);
        fall.iter().for_each(|text| self.note(text));
    }

    fn generation_line(&self, row: &GenerationRow, best: &IndividualRow) -> String {
        let sum: f64 = row.individuals.iter().map(|individual| individual.fitness).sum();
        let (mean, shown) = (percent(sum / row.individuals.len() as f64), estimate(best.fitness, best.error));
        match row.race {
            true => format!("race · {} · leader {shown}", self.spent()),
            false => {
                let best = format!("{}best {shown}", self.place(row.generation));
                fuller(format!("{best} · mean {mean}"), || best)
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use evograd::record::LeaderRow;

    fn evaluation(fitness: f64) -> EvaluationRow {
        EvaluationRow {
            generation: 0,
            code: "1-01".into(),
            repeat: 0,
            epochs: 1,
            fitness,
            loss: None,
            losses: Vec::new(),
            diverged: None,
            parameters: 1,
            macs: 1,
            seconds: 3600.0,
            core_seconds: None,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        }
    }

    fn generation(leader: f64) -> GenerationRow {
        let individuals = vec![IndividualRow { code: "1-01".into(), fitness: leader, error: 0.1, parents: vec![] }];
        let code = "1-01".into();
        let leader = Some(LeaderRow { code, fitness: leader, error: 0.1, generation: 0, place: 0 });
        GenerationRow { generation: 0, race: false, individuals, leader, seconds: 1.0, idle_seconds: None }
    }

    #[test]
    fn the_best_is_the_estimate_and_before_there_is_one_the_luckiest_training_is_called_so() {
        let mut progress = Progress::new(Parts::Rounds(Budget::Trainings(36)), &[]);
        assert_eq!(progress.seen.best(), "best none");
        progress.update(&Event::Evaluated { row: &evaluation(0.9), done: 1, total: 2 });
        assert_eq!(progress.seen.best(), "luckiest 90.00 %");
        progress.update(&Event::Generation(&generation(0.7)));
        progress.update(&Event::Evaluated { row: &evaluation(0.95), done: 2, total: 2 });
        assert_eq!(progress.seen.best(), "best 70.00 %");
        let rows = [SearchRow::Evaluation(evaluation(0.9)), SearchRow::Generation(generation(0.7))];
        assert_eq!(Progress::new(Parts::One, &rows).seen.best(), "best 70.00 %", "as the journal has it");
    }

    #[test]
    fn a_fall_of_the_best_is_explained_once() {
        let mut seen = Seen::default();
        let said =
            [0.5, 0.6, 0.600_001, 0.599_999, 0.55, 0.6, 0.4].map(|fitness| seen.generation(&generation(fitness)));
        let falls: Vec<String> = said.into_iter().flatten().collect();
        assert_eq!(
            falls,
            ["the best so far falls from 60.00 % to 55.00 %: it is an estimate, which each training corrects"]
        );
    }

    /// A day of a thousand networks in a hundred generations.
    #[test]
    fn every_line_of_a_search_fits_80_columns() {
        let mut seconds = Progress::new(Parts::Rounds(Budget::Seconds(86_399.0)), &[]);
        seconds.spent = (24, 86_398.0);
        let mut trainings = Progress::new(Parts::Rounds(Budget::Trainings(9_999)), &[]);
        trainings.spent = (9_998, 1e300);
        let others = [Parts::Budgets(1000), Parts::Seeds(1000), Parts::One].map(|parts| Progress::new(parts, &[]));
        for mut progress in [seconds, trainings].into_iter().chain(others) {
            progress.seen.evaluation(&evaluation(1.0));
            for fitness in [1.0, 1e-30, -0.25, f64::NAN] {
                let row = generation(fitness);
                let network = progress.network_line(99, 100, 100);
                let lines = [network, progress.generation_line(&row, &row.individuals[0])];
                let fall = progress.seen.generation(&row);
                for text in lines.into_iter().chain(fall) {
                    let width = crate::cli::wrap::columns(&text);
                    // What a search says in between is broken between words where a terminal is narrower.
                    assert!(width <= 80 || text.starts_with("the best so far"), "{width}: {text}");
                }
            }
        }
    }
}
