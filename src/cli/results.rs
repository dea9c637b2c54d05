//! Standard output, as commands write their results to it.

use serde::Serialize;
use std::io::{Error, ErrorKind, Result, Write};

/// Prints a row as a line of JSON while the work goes on: what cannot be written is for [`Results`] to say in the end.
pub fn print_row(row: &impl Serialize, out: &mut impl Write) {
    let _ = serde_json::to_string(row).map_err(Error::from).and_then(|row| writeln!(out, "{row}"));
}

/// A writer that never fails: from the first thing that cannot be written on, everything is dropped, and what was wrong is
/// kept. So a reader that has seen enough, such as `head`, or a full disk ends no training; whether the command did its work
/// says its exit code.
pub struct Results<W> {
    inner: W,
    problem: Option<Error>,
}

impl<W: Write> Results<W> {
    /// Writes to `inner`.
    pub fn new(inner: W) -> Results<W> {
        Results { inner, problem: None }
    }

    /// What could not be written; that the reader has gone away is as it should be.
    pub fn problem(mut self) -> Option<Error> {
        let _ = self.flush();
        self.problem.filter(|problem| problem.kind() != ErrorKind::BrokenPipe)
    }
}

impl<W: Write> Write for Results<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.problem.is_none() {
            self.problem = self.inner.write_all(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        if self.problem.is_none() {
            self.problem = self.inner.flush().err();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, and then fails.
    struct Full(usize, ErrorKind);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(self.1.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn writing_never_fails_and_only_a_full_disk_is_reported() {
        for (kind, expected) in [(ErrorKind::BrokenPipe, None), (ErrorKind::StorageFull, Some(ErrorKind::StorageFull))]
        {
            let mut results = Results::new(Full(3, kind));
            for _ in 0..3 {
                writeln!(results, "row").unwrap();
            }
            assert_eq!(results.problem().map(|problem| problem.kind()), expected);
        }
        let mut results = Results::new(Vec::new());
        writeln!(results, "row").unwrap();
        assert_eq!(results.inner, b"row\n");
        assert!(results.problem().is_none());
    }
}
