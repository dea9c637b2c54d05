//! What can go wrong, and how it is reported. Knows nothing of the engine but shapes.

use crate::shape::{Shape, ShapeError};
use evograd_kernels::IsaError;
use std::fmt;
use std::path::Path;

/// The result of whatever depends on the user's data, shapes or settings.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that can go wrong in the engine.
///
/// Each message names the operation, what was wrong, all shapes, and what would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Sizes that make no shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),

    /// An operation was given what it cannot work on.
    #[error("{op}: {problem}{}; {remedy}", Shapes(.shapes))]
    Op {
        /// The operation.
        op: &'static str,
        /// What was wrong.
        problem: String,
        /// Every shape concerned, by name.
        shapes: Vec<(String, Shape)>,
        /// What would be right.
        remedy: String,
    },

    /// A value that is infinite or not a number, found where values are checked.
    #[error(
        "{op}: {place} holds {value} at {index:?}{}; look {} for a division by zero, the logarithm or root of a negative \
         number, or a step too large", Shapes(.shapes), culprit(.place)
    )]
    NonFinite {
        /// The operation.
        op: &'static str,
        /// Which of its tensors.
        place: String,
        /// The value: `NaN`, `inf` or `-inf`.
        value: f64,
        /// Its index along each axis.
        index: Vec<usize>,
        /// Every shape concerned, by name.
        shapes: Vec<(String, Shape)>,
    },

    /// A result that is finite, as far as is known, and does not fit the element type.
    #[error("{op}: {problem}; {remedy}")]
    Overflow {
        /// The operation or method.
        op: &'static str,
        /// What does not fit.
        problem: String,
        /// What would help.
        remedy: String,
    },

    /// The tape was used in a way that it does not support.
    #[error("{op}: {problem}; {remedy}")]
    Tape {
        /// The operation or method.
        op: &'static str,
        /// What was wrong.
        problem: String,
        /// What would be right.
        remedy: String,
    },

    /// A wrong instruction set was asked for.
    #[error(transparent)]
    Isa(#[from] IsaError),

    /// The thread pool could not be made.
    #[error("thread pool of size {threads}: {problem}; use 1 to 1024 threads, or fewer where the system refuses")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What was wrong.
        problem: String,
    },

    /// Training came upon a loss or a gradient that is infinite or not a number.
    #[error(
        "training diverged in step {step}, epoch {epoch}: {source} (a lower learning rate or clipping often helps)"
    )]
    Diverged {
        /// The step, counted from 1.
        step: u64,
        /// The epoch, counted from 1.
        epoch: u32,
        /// Where the first such value came from.
        source: Box<Error>,
    },

    /// A file or folder that is not what it should be, or that the system does not give.
    #[error("{path}: {problem}; {remedy}")]
    File {
        /// Its path.
        path: String,
        /// What was wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },

    /// The progress callback answered that it is to stop.
    #[error("stopped, as was asked for")]
    Stopped,

    /// An error inside a named part, such as a layer.
    #[error("{path}: {source}")]
    At {
        /// The part's name.
        path: String,
        /// What went wrong in it.
        source: Box<Error>,
    },
}

impl Error {
    /// An [`Error::Op`].
    ///
    /// ```
    /// use evograd::{Error, Shape};
    /// let shape = Shape::new(&[2, 3])?;
    /// let error = Error::op("flip", "axis 2 does not exist", &[("input", &shape)], "name an axis below 2");
    /// assert_eq!(error.to_string(), "flip: axis 2 does not exist (input [2, 3]); name an axis below 2");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn op(
        op: &'static str,
        problem: impl Into<String>,
        shapes: &[(&str, &Shape)],
        remedy: impl Into<String>,
    ) -> Error {
        let shapes = shapes.iter().map(|(name, shape)| (name.to_string(), **shape)).collect();
        Error::Op { op, problem: shown(problem.into()), shapes, remedy: remedy.into() }
    }

    /// An [`Error::File`].
    ///
    /// ```
    /// let error = evograd::Error::file("a.bin", "it is empty", "fetch it again");
    /// assert_eq!(error.to_string(), "a.bin: it is empty; fetch it again");
    /// ```
    pub fn file(path: impl AsRef<Path>, problem: impl fmt::Display, remedy: impl Into<String>) -> Error {
        let path = escaped(path.as_ref().display().to_string());
        Error::File { path, problem: shown(problem.to_string()), remedy: remedy.into() }
    }

    /// Whether it tells of a value that is infinite or not a number.
    ///
    /// ```
    /// use evograd::{Tensor, Var, checked};
    /// let error = checked(|| Var::constant(Tensor::scalar(-1.0_f32)).log()).unwrap_err();
    /// assert!(error.at("head").is_non_finite());
    /// ```
    pub fn is_non_finite(&self) -> bool {
        match self {
            Error::NonFinite { .. } | Error::Overflow { .. } => true,
            Error::At { source, .. } => source.is_non_finite(),
            _ => false,
        }
    }

    /// The same error with the name of the part it happened in before it; names join with dots.
    ///
    /// ```
    /// use evograd::{Error, Shape};
    /// let error = Error::from(Shape::new(&[0]).unwrap_err()).at("conv1").at("block2");
    /// assert!(error.to_string().starts_with("block2.conv1: shape [0]: "));
    /// ```
    pub fn at(self, part: impl fmt::Display) -> Error {
        let part = escaped(part.to_string());
        match self {
            Error::At { path, source } => Error::At { path: format!("{part}.{path}"), source },
            other => Error::At { path: part, source: Box::new(other) },
        }
    }
}

/// The most characters of a text in a message.
const LONGEST: usize = 1000;

/// A text as a message shows it. It may quote what somebody else has put into a file: a name of a megabyte, or the characters
/// that move a terminal's cursor.
fn shown(text: String) -> String {
    let text = escaped(text);
    let end = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    end.map(|end| format!("{} …", &text[..end])).unwrap_or(text)
}

/// A text with its control characters written as in a program: `\n`, `\u{1b}`.
pub(crate) fn escaped(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Where a value that is not finite came from: an input was so before the operation, all else is the operation's doing.
fn culprit(place: &str) -> &'static str {
    if place.starts_with("input") { "before this operation" } else { "at this operation" }
}

/// Shows ` (input [2, 3], kernel [4, 3, 5, 5])`, or nothing where there are no shapes.
struct Shapes<'a>(&'a [(String, Shape)]);

impl fmt::Display for Shapes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, shape)) in self.0.iter().enumerate() {
            write!(f, "{}{name} {shape}", if i == 0 { " (" } else { ", " })?;
        }
        f.write_str(if self.0.is_empty() { "" } else { ")" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_quotes_neither_commands_the_terminal_nor_fills_it() {
        let bad = "a\u{1b}[2J\r\nb\u{9b}ä\0";
        let good = "a\\u{1b}[2J\\r\\nb\\u{9b}ä\\u{0}";
        assert_eq!(Error::op("read", bad, &[], "mend it").to_string(), format!("read: {good}; mend it"));
        assert_eq!(Error::file(bad, bad, "mend it").at(bad).to_string(), format!("{good}: {good}: {good}; mend it"));
        let text = Error::file("a", "\0".repeat(LONGEST), "b").to_string();
        assert_eq!(text, format!("a: {} …; b", r"\u{0}".repeat(LONGEST / 5)), "what is escaped counts as it is shown");
        for count in [LONGEST, LONGEST + 1, 1 << 20] {
            let text = Error::file("a", "é".repeat(count), "b").to_string();
            let end = if count == LONGEST { "" } else { " …" };
            assert_eq!(text, format!("a: {}{end}; b", "é".repeat(LONGEST)));
        }
    }
}
