//! Signals that ask a command to end: Ctrl-C, SIGTERM, and SIGHUP of a terminal that closes. The first asks it to finish
//! what it is at and save, a second ends the process at once.

use super::terminal::note;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{SigId, flag};
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The time between two looks whether a signal came.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

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

/// Whether nothing has begun yet that a signal would have to save.
static PHASE: AtomicUsize = AtomicUsize::new(UNWATCHED);
const UNWATCHED: usize = 0;
const BEFORE: usize = 1;
const WORKING: usize = 2;
const ENDING: usize = 3;

/// From here on, a signal ends the process at once and says that it was before the first step; until [`stop_requested`] is called. Of a
/// command that opens its data, which may take long and cannot be stopped. A run's folder that is half made by
/// then can be resumed, or begun again.
pub fn before_anything() -> Result<()> {
    let sent = SENT.get_or_init(Arc::default).clone();
    if PHASE.compare_exchange(UNWATCHED, BEFORE, Ordering::SeqCst, Ordering::SeqCst).is_err() {
        return Ok(());
    }
    for signal in signals() {
        flag::register_usize(signal, sent.clone(), signal as usize).context("signals cannot be caught")?;
    }
    let watch = move || {
        while PHASE.load(Ordering::SeqCst) == BEFORE {
            let number = sent.load(Ordering::SeqCst);
            let requested = number != 0;
            if requested && PHASE.compare_exchange(BEFORE, ENDING, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                note("\ninterrupted before the first step");
                std::process::exit(i32::from(code_of(number)));
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    };
    std::thread::Builder::new().spawn(watch).context("signals cannot be watched")?;
    Ok(())
}

/// Whether a signal has asked the command to stop, each time it is called; the first time that one has, `said` is said.
pub fn stop_requested(said: &'static str) -> Result<impl FnMut() -> bool> {
    // Who is about to end the process does so.
    while PHASE.fetch_max(WORKING, Ordering::SeqCst) == ENDING {
        std::thread::sleep(BETWEEN_LOOKS);
    }
    let sent = SENT.get_or_init(Arc::default).clone();
    let second = Arc::new(AtomicBool::new(false));
    for register in signals().into_iter().flat_map(|signal| registrations(signal, &sent, &second)) {
        register().context("signals cannot be caught")?;
    }
    // One that came between two registrations.
    if sent.load(Ordering::SeqCst) != 0 {
        second.store(true, Ordering::SeqCst);
    }
    let mut is_said = false;
    Ok(move || {
        let requested = sent.load(Ordering::SeqCst) != 0;
        if requested && !is_said {
            is_said = true;
            note(format_args!("\n{said}"));
        }
        requested
    })
}

type Registration = Box<dyn FnOnce() -> io::Result<SigId>>;

/// What is registered of a signal, in this order: from the first on, a signal does not end the process any more, and has to be
/// noted; and the first signal has to find `second` unset, and then sets it.
fn registrations(signal: i32, sent: &Arc<AtomicUsize>, second: &Arc<AtomicBool>) -> [Registration; 3] {
    let (sent, [shut_down, set]) = (sent.clone(), [0; 2].map(|_| second.clone()));
    let code = i32::from(code_of(signal as usize));
    [
        Box::new(move || flag::register_usize(signal, sent, signal as usize)),
        Box::new(move || flag::register_conditional_shutdown(signal, code, shut_down)),
        Box::new(move || flag::register(signal, set)),
    ]
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

    /// A signal that nothing else of the tests sends.
    #[test]
    fn a_signal_between_two_registrations_is_noted() {
        let signal = signal_hook::consts::SIGUSR2;
        for count in 1..=3 {
            let (sent, second) = (Arc::default(), Arc::default());
            let all = registrations(signal, &sent, &second);
            let registered: Vec<SigId> = all.into_iter().take(count).map(|register| register().unwrap()).collect();
            signal_hook::low_level::raise(signal).unwrap();
            assert_eq!(sent.load(Ordering::SeqCst), signal as usize, "after {count} registrations");
            assert_eq!(second.load(Ordering::SeqCst), count == 3);
            registered.into_iter().for_each(|id| assert!(signal_hook::low_level::unregister(id)));
        }
    }

    #[test]
    fn ignored_signals_are_the_bits_of_a_mask() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n";
        assert_eq!([1, 2, 13, 15].map(|signal| is_ignored(signal, status)), [true, false, true, false]);
        assert!(!is_ignored(1, ""));
    }
}
