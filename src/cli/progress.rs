//! How far a training run is: a bar on a terminal, plain lines elsewhere; always on standard error.

use evograd::record::Metric;
use evograd::train::Event;
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
}

impl Progress {
    /// Of a run with so many steps in so many epochs.
    pub fn new(steps: u64, epochs: u32, quiet: bool) -> Progress {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let style = ProgressStyle::with_template("{wide_bar:.cyan/dim} {msg}");
        let bar = terminal.then(|| ProgressBar::new(steps).with_style(style.expect("the template is well-formed")));
        Progress { bar, quiet, epochs, steps, first: None }
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
                let (began, first) = *self.first.get_or_insert((Instant::now(), position.step));
                let Some(bar) = &self.bar else { return };
                bar.set_position(position.step);
                let done = (position.step - first) as f64 / began.elapsed().as_secs_f64().max(1e-9);
                bar.set_message(format!(
                    "epoch {}/{} · loss {:.3} · accuracy {:.1} % · {:.0} images/s · {} left",
                    position.epoch + 1,
                    self.epochs,
                    position.loss_sum / position.batch as f64,
                    100.0 * position.right as f64 / position.seen as f64,
                    done * report.pictures as f64,
                    self.left(position.step)
                ));
            }
            Event::Evaluating { done, total } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("evaluating {done}/{total}"));
                }
            }
            Event::Row(row) => self.row(row),
        }
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

    /// The time that the remaining steps will take, if they take as long as those of this process so far.
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

    #[test]
    fn times_are_said_as_people_say_them() {
        assert_eq!([42.9, 425.0, 4800.0].map(clock), ["42 s", "7 min 5 s", "1 h 20 min"]);
    }
}
