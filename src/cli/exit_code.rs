//! The exit codes of all commands; those of signals are in `interrupt.rs`.

/// The exit code of a check that did not pass.
pub const FAILED: u8 = 1;
/// The exit code of wrong arguments, wrong data or a system that refuses; clap's own.
pub const USER_ERROR: u8 = 2;
