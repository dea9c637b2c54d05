//! Pictures read by all cores at a time, for work that needs every one of them and no order.

use super::Dataset;
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Bytes of a picture of the set.
///
/// # Errors
/// When a size of its shape is 0, or their product is more than a machine can count.
pub(super) fn picture_bytes(set: &dyn Dataset) -> Result<usize> {
    let shape = set.shape();
    let bytes = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    bytes.filter(|&bytes| bytes > 0 && bytes <= isize::MAX as usize).ok_or_else(|| {
        Error::op("data", format!("pictures of shape {shape:?} cannot be read"), &[], "use sizes [C, H, W] above 0")
    })
}

/// Reads these samples of a set on all cores and shows `visit` each with what came of it, in any order. `done` hears how many
/// have been read.
pub(super) fn read_all(
    set: &dyn Dataset,
    samples: &[usize],
    visit: impl Fn(usize, Result<&[u8]>) + Sync,
    mut done: impl FnMut(usize),
) -> Result<()> {
    let (size, next) = (picture_bytes(set)?, AtomicUsize::new(0));
    let work = |sender: Sender<()>| {
        let mut picture = vec![0; size];
        while let Some(&sample) = samples.get(next.fetch_add(1, Ordering::Relaxed)) {
            let read = set.read(sample, &mut picture);
            visit(sample, read.map(|()| &*picture));
            // Nobody listens any more only where the caller has panicked.
            let _ = sender.send(());
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(samples.len());
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let start = |_| {
            let sender = sender.clone();
            thread::Builder::new().spawn_scoped(scope, || work(sender)).is_ok()
        };
        // Where the system refuses a thread, the others do its work, and this one where it refuses all.
        let started = (0..threads).map(start).filter(|started| *started).count();
        if started == 0 {
            work(sender);
        } else {
            drop(sender);
        }
        receiver.into_iter().enumerate().for_each(|(count, ())| done(count + 1));
    });
    Ok(())
}
