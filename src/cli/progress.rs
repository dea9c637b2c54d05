//! How far a training run is: a bar on a terminal, plain lines elsewhere; always on standard error.

use evograd::record::Metric;
use evograd::train::{Event, Position};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows the events of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    epochs: u32,
    steps: u64,
    /// When the first step of this process was done, and which that was.
    first: Option<(Instant, u64)>,
    pace: Pace,
}

/// How fast training steps are taken, without what is done between them.
#[derive(Default)]
struct Pace {
    pictures: usize,
    time: Duration,
    /// When the step under way began; unknown before the first one and while the network is evaluated.
    began: Option<Instant>,
}

impl Pace {
    /// A step ends now, and the next one begins.
    fn step(&mut self, pictures: usize, now: Instant) {
        if let Some(began) = self.began.replace(now) {
            self.time += now - began;
            self.pictures += pictures;
        }
    }

    /// Pictures a second; `None` before a whole step has been seen.
    fn rate(&self) -> Option<f64> {
        (self.pictures > 0).then(|| self.pictures as f64 / self.time.as_secs_f64().max(1e-9))
    }
}

impl Progress {
    /// Of a run with so many steps in so many epochs.
    pub fn new(steps: u64, epochs: u32, quiet: bool) -> Progress {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let style = ProgressStyle::with_template("{wide_bar:.cyan/dim} {msg}");
        let bar = terminal.then(|| ProgressBar::new(steps).with_style(style.expect("the template is well-formed")));
        Progress { bar, quiet, epochs, steps, first: None, pace: Pace::default() }
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
            Event::Step { report, position } => {
                let now = Instant::now();
                self.first.get_or_insert((now, position.step));
                self.pace.step(report.pictures, now);
                self.show(position);
            }
            Event::Evaluating { done, total } => {
                self.pace.began = None;
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("evaluating {done}/{total}"));
                }
            }
            Event::Row(row) => {
                if let Metric::Epoch(_) = row {
                    self.pace.began = Some(Instant::now());
                }
                self.row(row);
            }
        }
    }

    /// Moves the bar to where the run stands.
    fn show(&self, position: &Position) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(position.step);
        bar.set_message(format!(
            "epoch {}/{} · loss {:.3} · accuracy {:.1} % · {} images/s · {} left",
            position.epoch + 1,
            self.epochs,
            position.loss(),
            100.0 * position.accuracy(),
            self.pace.rate().map_or("?".into(), |rate| format!("{rate:.0}")),
            self.left(position.step)
        ));
    }

    /// Ends the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn row(&self, row: &Metric) {
        match row {
            Metric::Step(row) if self.bar.is_none() => self.note(&format!(
                "step {}/{} · loss {:.4} · accuracy {:.1} % · rate {:.4} · {:.0} images/s · {} left",
                row.step,
                self.steps,
                row.loss,
                100.0 * row.accuracy,
                row.rate,
                row.images_per_second,
                self.left(row.step)
            )),
            Metric::Epoch(row) => self.note(&format!(
                "epoch {}/{} · loss {:.4} · accuracy {:.2} % · {} loss {:.4} · {} accuracy {:.2} % · {:.0} images/s",
                row.epoch,
                self.epochs,
                row.loss,
                100.0 * row.accuracy,
                row.held_out.split,
                row.held_out.loss,
                row.held_out.split,
                100.0 * row.held_out.accuracy,
                row.images_per_second
            )),
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

/// A time as people say it: `42 s`, `7 min 5 s`, `1 h 20 min`.
pub fn clock(seconds: f64) -> String {
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
    use evograd::train::StepReport;

    #[test]
    fn times_are_said_as_people_say_them() {
        assert_eq!([42.9, 425.0, 4800.0].map(clock), ["42 s", "7 min 5 s", "1 h 20 min"]);
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

    /// An evaluation that takes long, as the events of a run tell it.
    #[test]
    fn an_evaluation_does_not_slow_the_pace() {
        let mut progress = Progress::new(3, 1, true);
        let report = StepReport { loss: 1.0, right: 1, pictures: 128, rate: 0.1, gradient_norm: 1.0 };
        let wait = |seconds| std::thread::sleep(Duration::from_secs_f64(seconds));
        let step = |progress: &mut Progress, number| {
            wait(0.01);
            progress.tell(&Event::Step { report, position: &Position { step: number, ..Position::default() } });
        };
        step(&mut progress, 1);
        step(&mut progress, 2);
        for done in 1..=4 {
            wait(0.25);
            progress.tell(&Event::Evaluating { done, total: 4 });
        }
        step(&mut progress, 3);
        let rate = progress.pace.rate().unwrap();
        assert!(rate > 128.0 / 0.5, "{rate} pictures a second, with the evaluation of a second counted");
    }
}
