//! How far work on files has come: a bar on a terminal, and lines now and then elsewhere.

use super::terminal::Bar;
use super::wrap::cut;
use evograd::data::Progress;
use std::time::Duration;

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(2);
/// The most columns of a name.
const NAME: usize = 40;

/// Shows it on standard error.
pub struct FileProgress {
    /// The work that is shown now.
    what: String,
    bar: Bar,
}

impl FileProgress {
    pub fn new() -> Self {
        FileProgress { what: String::new(), bar: Bar::new(0) }
    }

    /// Removes the bar.
    pub fn done(self) {
        self.bar.finish();
    }
}

impl Progress for FileProgress {
    fn step(&mut self, what: &str, done: u64, total: Option<u64>) {
        if self.what != what {
            self.what = what.into();
            self.bar.begin();
        }
        self.bar.set_length(total.unwrap_or(done));
        self.bar.show(done, PAUSE, || line(what, done, total));
    }

    fn count(&mut self, what: &str, done: u64, total: u64) {
        if self.what != what {
            self.what = what.into();
            self.bar.begin();
        }
        self.bar.set_length(total);
        self.bar.show(done, PAUSE, || format!("{}: {done} of {total}", cut(what, NAME)));
    }

    fn note(&mut self, text: &str) {
        self.bar.note(text);
    }
}

fn line(what: &str, done: u64, total: Option<u64>) -> String {
    let (what, millions) = (cut(what, NAME), |bytes: u64| format!("{:.1}", bytes as f64 / 1e6));
    let total = total.map_or_else(String::new, |total| format!(" of {}", millions(total)));
    format!("{what}: {}{total} MB", millions(done))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_shows_how_far_it_is() {
        assert_eq!(line("fetching a", 1_500_000, Some(170_052_171)), "fetching a: 1.5 of 170.1 MB");
        assert_eq!(line("fetching a", 1_500_000, None), "fetching a: 1.5 MB");
        for bytes in [0, 999_999, 10_u64.pow(15)] {
            let text = line(&"a-long-name/".repeat(30), bytes, Some(bytes));
            assert!(crate::cli::wrap::columns(&text) <= 80, "{text}");
        }
    }
}
