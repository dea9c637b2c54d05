//! How far long work on files has come.

/// A progress callback of long work on files; `()` ignores it.
pub trait Progress {
    /// Of `total` bytes, where that is known, `done` are done; `what` names the work.
    fn step(&mut self, what: &str, done: u64, total: Option<u64>);
    /// Of `total` images, `done` are done; `what` names the work.
    fn count(&mut self, _what: &str, _done: u64, _total: u64) {}
    /// Something worth reporting happened.
    fn note(&mut self, text: &str);
}

impl Progress for () {
    fn step(&mut self, _: &str, _: u64, _: Option<u64>) {}
    fn note(&mut self, _: &str) {}
}
