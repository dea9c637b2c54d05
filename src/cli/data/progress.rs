//! How far work on files has come: a bar on a terminal, and lines now and then elsewhere.

use evograd::data::store::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(2);

/// Tells on standard error.
pub struct Teller {
    /// The work that is told of now.
    what: String,
    /// There where standard error is a terminal.
    bar: Option<ProgressBar>,
    /// When the work began or was last told of.
    told: Instant,
}

impl Teller {
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0));
        Teller { what: String::new(), bar, told: Instant::now() }
    }

    /// Removes the bar.
    pub fn done(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Teller {
    fn step(&mut self, what: &str, done: u64, total: Option<u64>) {
        let new = self.what != what;
        if new {
            self.what = what.into();
        }
        if let Some(bar) = &self.bar {
            if new {
                let style =
                    ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.reset();
                bar.set_message(what.to_string());
            }
            bar.set_length(total.unwrap_or(done));
            bar.set_position(done);
        } else if new {
            self.told = Instant::now();
        } else if self.told.elapsed() > PAUSE {
            eprintln!("{}", line(what, done, total));
            self.told = Instant::now();
        }
    }

    fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}

fn line(what: &str, done: u64, total: Option<u64>) -> String {
    let millions = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let total = total.map_or_else(String::new, |total| format!(" of {}", millions(total)));
    format!("{what}: {}{total} MB", millions(done))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_tells_how_far_it_is() {
        assert_eq!(line("fetching a", 1_500_000, Some(170_052_171)), "fetching a: 1.5 of 170.1 MB");
        assert_eq!(line("fetching a", 1_500_000, None), "fetching a: 1.5 MB");
    }
}
