//! Signals that ask a command to end: Ctrl-C, SIGTERM, and SIGHUP of a terminal that closes. The first asks it to finish
//! what it is at and save, a second ends the process at once.

use super::terminal::note;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The signal that was sent, 0 for none; where it is set, signals are caught.
static SENT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// The exit code of a process that signal `number` has ended, as shells have it: 130 for Ctrl-C.
fn code_of(number: usize) -> u8 {
    128 + number as u8
}

/// The exit code of a run that was asked to stop and has been saved: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
pub fn code() -> ExitCode {
    let sent = SENT.get().map_or(0, |sent| sent.load(Ordering::SeqCst));
    ExitCode::from(code_of(if sent == 0 { SIGINT as usize } else { sent }))
}

/// What tells whether a signal has asked the command to end; the first time that it has, `said` is said.
pub fn asked(said: &'static str) -> Result<impl FnMut() -> bool> {
    let sent = SENT.get_or_init(Arc::default).clone();
    let second = Arc::new(AtomicBool::new(false));
    for signal in signals() {
        let caught = || {
            // In this order: the first signal finds `second` unset, and sets it.
            flag::register_conditional_shutdown(signal, i32::from(code_of(signal as usize)), second.clone())?;
            flag::register(signal, second.clone())?;
            flag::register_usize(signal, sent.clone(), signal as usize)
        };
        caught().context("signals cannot be caught")?;
    }
    let mut is_said = false;
    Ok(move || {
        let asked = sent.load(Ordering::SeqCst) != 0;
        if asked && !is_said {
            is_said = true;
            note(format_args!("\n{said}"));
        }
        asked
    })
}

/// The signals that are caught. A hangup that is ignored, as `nohup` has it, stays ignored.
fn signals() -> Vec<i32> {
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    if !is_ignored(signal_hook::consts::SIGHUP, &std::fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        signals.push(signal_hook::consts::SIGHUP);
    }
    signals
}

/// Whether a process ignores a signal, by what Linux says of it in `/proc/self/status`; elsewhere that is not known.
#[cfg(unix)]
fn is_ignored(signal: i32, status: &str) -> bool {
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_the_bits_of_a_mask() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n";
        assert_eq!([1, 2, 13, 15].map(|signal| is_ignored(signal, status)), [true, false, true, false]);
        assert!(!is_ignored(1, ""));
    }
}
