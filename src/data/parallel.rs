//! Images read by all cores at a time, for work that needs every one of them and no order.

use super::Dataset;
use crate::error::{Error, Result};
use crate::reserve;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Bytes of an image of the set.
///
/// # Errors
/// When a size of its shape is 0, or their product is more than a machine can count.
pub(super) fn image_bytes(set: &dyn Dataset) -> Result<usize> {
    let shape = set.shape();
    let bytes = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    bytes.filter(|&bytes| bytes > 0 && bytes <= isize::MAX as usize).ok_or_else(|| {
        Error::op("data", format!("images of shape {shape:?} cannot be read"), &[], "use sizes [C, H, W] above 0")
    })
}

/// Reads these samples of a set on all cores and shows `visit` each with what came of it, in any order. `done` gets how many
/// have been read.
pub(super) fn read_all(
    set: &dyn Dataset,
    samples: &[usize],
    visit: impl Fn(usize, Result<&[u8]>) + Sync,
    mut done: impl FnMut(usize),
) -> Result<()> {
    let (size, next) = (image_bytes(set)?, AtomicUsize::new(0));
    let work = |mut image: Vec<u8>, sender: Sender<()>| {
        while let Some(&sample) = samples.get(next.fetch_add(1, Ordering::Relaxed)) {
            let read = set.read(sample, &mut image);
            visit(sample, read.map(|()| &*image));
            // Nobody listens any more only where the caller has panicked.
            let _ = sender.send(());
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(samples.len());
    let image = || reserve::filled(size, 0).map_err(|refused| refused.during("data"));
    let images = (0..threads).map(|_| image()).collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let start = |image| {
            let (work, sender) = (&work, sender.clone());
            thread::Builder::new().spawn_scoped(scope, move || work(image, sender)).is_ok()
        };
        // Where the system refuses a thread, the others do its work, and this one where it refuses all.
        let started = images.into_iter().map(start).filter(|started| *started).count();
        if started == 0 {
            work(image()?, sender);
        } else {
            drop(sender);
        }
        receiver.into_iter().enumerate().for_each(|(count, ())| done(count + 1));
        Ok(())
    })
}
