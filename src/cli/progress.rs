//! How far a training run is: a bar on a terminal, plain lines elsewhere; always on standard error.

use super::terminal::Bar;
use super::wrap::fuller;
use evograd::record::{EpochRow, Metric, StepRow};
use evograd::report::short;
use evograd::train::{Event, Position, Training};
use std::time::{Duration, Instant};

/// Shows the events of a run.
pub struct Progress {
    bar: Bar,
    epochs: u32,
    steps: u64,
    log_every: u64,
    /// When the first step of this process was done, and which that was.
    first: Option<(Instant, u64)>,
    pace: Pace,
}

/// How fast training steps are taken, without what is done between them.
#[derive(Default)]
struct Pace {
    images: usize,
    time: Duration,
    /// When the step under way began; unknown before the first one and while the network is evaluated.
    began: Option<Instant>,
}

impl Pace {
    /// A step ends now, and the next one begins.
    fn step(&mut self, images: usize, now: Instant) {
        if let Some(began) = self.began.replace(now) {
            self.time += now - began;
            self.images += images;
        }
    }

    /// Images a second; `None` before a whole step has been seen.
    fn rate(&self) -> Option<f64> {
        (self.images > 0).then(|| self.images as f64 / self.time.as_secs_f64().max(1e-9))
    }
}

impl Progress {
    /// Of a run of so many steps with these settings.
    pub fn new(steps: u64, training: &Training) -> Progress {
        let Training { epochs, log_every, .. } = *training;
        Progress { bar: Bar::new(steps), epochs, steps, log_every, first: None, pace: Pace::default() }
    }

    /// Says something apart from the bar.
    pub fn note(&mut self, text: &str) {
        self.bar.note(text);
    }

    /// Shows an event.
    pub fn update(&mut self, event: &Event<'_>) {
        match event {
            Event::Step { report, position } => {
                let now = Instant::now();
                self.first.get_or_insert((now, position.step));
                self.pace.step(report.images, now);
                self.show(position);
            }
            Event::Evaluating { done, total } => {
                self.pace.began = None;
                self.bar.message(|| format!("evaluating {done}/{total}"));
            }
            Event::Row(row) => {
                if let Metric::Epoch(_) = row {
                    self.pace.began = Some(Instant::now());
                }
                self.row(row);
            }
        }
    }

    /// Moves the bar to where the run stands; without one, rows of metrics say it.
    fn show(&mut self, position: &Position) {
        if self.bar.is_live() {
            let place = format!("epoch {}/{}", position.epoch + 1, self.epochs);
            let measured = [short(position.loss(), 3), accuracy(position.accuracy())];
            let message = line(&place, measured, self.pace.rate(), &self.left(position.step));
            self.bar.show(position.step, Duration::MAX, || message);
        }
    }

    /// Ends the bar.
    pub fn finish(&self) {
        self.bar.finish();
    }

    fn row(&mut self, row: &Metric) {
        match row {
            // The row of an epoch's last step says no more than that of the epoch.
            Metric::Step(row) if !self.bar.is_live() && row.step.is_multiple_of(self.log_every) => {
                let left = self.left(row.step);
                self.bar.note(step_line(row, self.steps, &left))
            }
            Metric::Epoch(row) => self.bar.note(epoch_line(row, self.epochs)),
            _ => {}
        }
    }

    /// The time that the remaining steps will take, if they take as long as those of this process so far, with the
    /// evaluations between them.
    fn left(&self, step: u64) -> String {
        match self.first {
            Some((began, first)) if step > first => {
                let each = began.elapsed().as_secs_f64() / (step - first) as f64;
                clock(each * (self.steps - step) as f64)
            }
            _ => "?".into(),
        }
    }
}

/// How far a run is, by one of its rows.
fn step_line(row: &StepRow, steps: u64, left: &str) -> String {
    let measured = [short(row.loss, 4), accuracy(row.accuracy)];
    line(&format!("step {}/{steps}", row.step), measured, Some(row.images_per_second), left)
}

fn accuracy(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// How far a run is, in 80 columns.
fn line(place: &str, [loss, accuracy]: [String; 2], pace: Option<f64>, left: &str) -> String {
    let pace = pace.map_or("?".into(), |rate| short(rate, 0));
    let before = format!("{place} · loss {loss} · accuracy {accuracy}");
    fuller(format!("{before} · {pace} images/s · {left} left"), || format!("{before} · {left} left"))
}

/// What an epoch came to; the score on what is held out in brackets. It fits 80 columns, with fewer decimals where it must.
fn epoch_line(row: &EpochRow, epochs: u32) -> String {
    fuller(epoch_line_of(row, epochs, [4, 2]), || epoch_line_of(row, epochs, [2, 1]))
}

fn epoch_line_of(row: &EpochRow, epochs: u32, [of_loss, of_accuracy]: [usize; 2]) -> String {
    let loss = |loss: f64| short(loss, of_loss);
    let accuracy = |share: f64| format!("{:.of_accuracy$} %", 100.0 * share);
    let [held_out_loss, held_out_accuracy] = row.held_out.as_ref().map_or_else(Default::default, |score| {
        [format!(" ({} {})", score.split, loss(score.loss)), format!(" ({})", accuracy(score.accuracy))]
    });
    let (epoch, loss, accuracy) = (row.epoch, loss(row.loss), accuracy(row.accuracy));
    format!("epoch {epoch}/{epochs} · loss {loss}{held_out_loss} · accuracy {accuracy}{held_out_accuracy}")
}

/// A time as people say it: `42 s`, `7 min 5 s`, `1 h 20 min`.
pub fn clock(seconds: f64) -> String {
    if seconds.is_nan() {
        return "?".into();
    }
    let seconds = Duration::from_secs_f64(seconds.clamp(0.0, 1e9)).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, min, s) => format!("{min} min {s} s"),
        (h, min, _) => format!("{h} h {min} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evograd::record::Score;
    use evograd::train::StepReport;

    #[test]
    fn times_are_said_as_people_say_them() {
        assert_eq!([42.9, 425.0, 4800.0].map(clock), ["42 s", "7 min 5 s", "1 h 20 min"]);
        assert_eq!([f64::NAN, -1.0, f64::INFINITY].map(clock), ["?", "0 s", "277777 h 46 min"]);
    }
    /// Losses of every size, with the longest times and a million steps.
    #[test]
    fn every_line_of_a_run_fits_80_columns() {
        let losses = (-30..=300).map(|power| 9.999_96 * 10_f64.powi(power)).chain([0.0, f64::NAN, f64::INFINITY, 1e21]);
        for loss in losses {
            let row = StepRow {
                segment: 0,
                step: 999_999,
                epoch: 100,
                loss,
                accuracy: 1.0,
                rate: 0.1,
                gradient_norm: 1.0,
                images_per_second: 1e6 * loss.max(1e-6),
            };
            let held_out = Some(Score { split: "validation".into(), images: 1, loss, accuracy: 1.0 });
            let (segment, step, epoch, seconds) = (0, 1, 1000, 1.0);
            let epoch =
                EpochRow { segment, step, epoch, loss, accuracy: 1.0, held_out, seconds, images_per_second: loss };
            let lines = [step_line(&row, 1_000_000, &clock(loss)), epoch_line(&epoch, 1000)];
            for text in lines {
                assert!(crate::cli::wrap::columns(&text) <= 80, "{loss:e}: {text}");
            }
        }
    }

    #[test]
    fn the_pace_is_that_of_training_steps_alone() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut pace = Pace::default();
        pace.step(128, at(100.0));
        assert_eq!(pace.rate(), None, "how long the first step took, nobody saw");
        pace.step(100, at(101.0));
        assert_eq!(pace.rate(), Some(100.0));
        // An evaluation of a minute, and another step after it.
        pace.began = Some(at(161.0));
        pace.step(50, at(162.0));
        assert_eq!(pace.rate(), Some(75.0));
    }

    /// An evaluation that takes long, as the events of a run show it.
    #[test]
    fn an_evaluation_does_not_slow_the_pace() {
        let mut progress = Progress::new(3, &Training { epochs: 1, ..Training::default() });
        let report = StepReport { loss: 1.0, correct: 1, images: 128, rate: 0.1, gradient_norm: 1.0 };
        let wait = |seconds| std::thread::sleep(Duration::from_secs_f64(seconds));
        let step = |progress: &mut Progress, number| {
            wait(0.01);
            progress.update(&Event::Step { report, position: &Position { step: number, ..Position::default() } });
        };
        step(&mut progress, 1);
        step(&mut progress, 2);
        for done in 1..=4 {
            wait(0.25);
            progress.update(&Event::Evaluating { done, total: 4 });
        }
        step(&mut progress, 3);
        let rate = progress.pace.rate().unwrap();
        assert!(rate > 128.0 / 0.5, "{rate} images a second, with the evaluation of a second counted");
    }
}
