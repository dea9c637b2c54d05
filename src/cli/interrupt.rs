//! Ctrl-C: once asks a command to finish what it is at, twice ends the process.

use anyhow::{Context, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// What tells whether Ctrl-C was pressed.
pub fn asked() -> Result<impl Fn() -> bool> {
    let pressed = || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln!("\nfinishing what is begun; press Ctrl-C again to stop at once");
    };
    ctrlc::set_handler(pressed).context("Ctrl-C cannot be caught")?;
    Ok(|| ASKED.load(Ordering::SeqCst))
}
