//! What is said on standard error while a command works: lines, and a live bar on a terminal that can show one. Nothing here
//! can fail: a log that cannot be written, because its reader or its terminal is gone or its disk is full, ends no run.

use super::width;
use super::wrap::{columns, cut, wrapped};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A terminal narrower than this gets lines instead of a bar.
const NARROWEST: usize = 40;
/// The least columns that a bar and the space behind it take of a line.
const LEAST_BAR: usize = 8;

/// Says something on standard error: on a terminal broken between words, elsewhere as it is. What cannot be written is lost.
pub fn note(text: impl Display) {
    let text = text.to_string();
    let text = error_width().map_or_else(|| text.clone(), |width| wrapped(&text, width));
    // One write, so that lines of several processes stay whole.
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Whether standard error is to hold warnings and errors alone.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on says nothing of how work goes on, nor where it put something: only what went wrong or is not as it should be.
pub fn be_quiet() {
    QUIET.store(true, Relaxed);
}

fn is_quiet() -> bool {
    QUIET.load(Relaxed)
}

/// Says what is as it should be, unless it is to be quiet.
pub fn inform(text: impl Display) {
    if !is_quiet() {
        note(text);
    }
}

/// Says what is probably not meant.
pub fn warn(warnings: &[String]) {
    warnings.iter().for_each(|warning| note(format_args!("warning: {warning}")));
}

/// Does some work, and says what it is once it has taken two seconds.
pub fn said_if_slow<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if is_quiet() {
        return work();
    }
    let (done, waiting) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let waits = move || {
            if waiting.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
                note(format_args!("{what} …"));
            }
        };
        // Where the system refuses a thread, nothing is said.
        let _ = std::thread::Builder::new().spawn_scoped(scope, waits);
        let result = work();
        drop(done);
        result
    })
}

/// Says what to type next. Where that does not fit a line of the terminal it stands on lines of its own, which can be copied.
pub fn note_command(before: &str, command: &str) {
    let line = format!("{before} {command}");
    if fits(&line) {
        return note(line);
    }
    note(before);
    let _ = writeln!(std::io::stderr().lock(), "{command}");
}

/// Whether no line of a text is wider than the terminal that standard error is, if it is one.
pub fn fits(text: &str) -> bool {
    error_width().is_none_or(|width| columns(text) <= width)
}

/// The columns of the terminal that standard error is; `None` where it is a file or a pipe.
pub fn error_width() -> Option<usize> {
    let stderr = std::io::stderr();
    stderr.is_terminal().then(|| width::of(width::columns_of(&stderr)))
}

/// The width of the terminal that standard error is, where it can be drawn on: what draws asks for its rows too.
fn drawn_width() -> Option<usize> {
    console::Term::stderr().size_checked().and(error_width())
}

/// Whether a line of the terminal can be drawn over and over. `TERM` is `dumb` or missing where it cannot; and who sets
/// `NO_COLOR` wants no control sequences.
fn can_draw(width: Option<usize>, term: Option<&str>, no_color: bool) -> bool {
    width.is_some_and(|width| width >= NARROWEST) && term.is_some_and(|term| !["", "dumb"].contains(&term)) && !no_color
}

/// As much of a message as leaves room for a bar.
fn beside_bar(message: &str, width: Option<usize>) -> String {
    width.map_or_else(|| message.into(), |width| cut(message, width.saturating_sub(LEAST_BAR)))
}

/// How far some work is: a bar on a terminal that can draw one, lines elsewhere, nothing if it is to be quiet.
pub struct Bar {
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Bar {
    /// Of so many parts of work.
    pub fn new(length: u64) -> Bar {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let term = set("TERM").map(|term| term.to_string_lossy().into_owned());
        let live = !is_quiet() && can_draw(drawn_width(), term.as_deref(), set("NO_COLOR").is_some());
        let style = ProgressStyle::with_template("{wide_bar:.cyan/dim} {msg}").expect("the template is well-formed");
        Bar { bar: live.then(|| ProgressBar::new(length).with_style(style)), said: Instant::now() }
    }

    /// Whether there is a bar, and not lines.
    pub fn is_live(&self) -> bool {
        self.bar.is_some()
    }

    /// Says something, above the bar if there is one.
    pub fn note(&mut self, text: impl Display) {
        self.said = Instant::now();
        match &self.bar {
            _ if is_quiet() => {}
            Some(bar) => bar.suspend(|| note(text)),
            None => note(text),
        }
    }

    /// Moves the bar; elsewhere says the message in a line, if nothing was said for so long.
    pub fn show(&mut self, done: u64, between_lines: Duration, message: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(beside_bar(&message(), error_width()));
            }
            None if !is_quiet() && self.said.elapsed() >= between_lines => self.note(message()),
            None => {}
        }
    }

    /// Begins with other work of the same length.
    pub fn begin(&mut self) {
        self.said = Instant::now();
        self.bar.iter().for_each(ProgressBar::reset);
    }

    /// Says in the bar alone what is being done.
    pub fn message(&self, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(beside_bar(&message(), error_width()));
        }
    }

    /// Changes how much work there is.
    pub fn set_length(&self, length: u64) {
        self.bar.iter().for_each(|bar| bar.set_length(length));
    }

    /// Draws the bar again where that is due.
    pub fn tick(&self) {
        self.bar.iter().for_each(ProgressBar::tick);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_for_terminals_that_can_draw_it() {
        assert!(can_draw(Some(80), Some("xterm"), false));
        let plain = [
            (None, Some("xterm"), false),
            (Some(NARROWEST - 1), Some("xterm"), false),
            (Some(80), Some("dumb"), false),
            (Some(80), None, false),
            (Some(80), Some("xterm"), true),
        ];
        assert!(plain.into_iter().all(|(width, term, no_color)| !can_draw(width, term, no_color)));
    }
}
