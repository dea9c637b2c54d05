//! Ctrl-C: once asks a command to finish what it is at, twice ends the process.

use anyhow::{Context, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// What tells whether Ctrl-C was pressed; the first time, `said` is said.
pub fn asked(said: &'static str) -> Result<impl Fn() -> bool> {
    let pressed = move || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln!("\n{said}");
    };
    ctrlc::set_handler(pressed).context("Ctrl-C cannot be caught")?;
    Ok(|| ASKED.load(Ordering::SeqCst))
}
