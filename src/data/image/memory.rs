//! How much memory all threads together may decode in at a time.

use std::sync::{Condvar, Mutex, PoisonError};

/// The most bytes of a file that is read.
pub(in crate::data) const MOST_BYTES: u64 = 1 << 27;

/// Memory that threads share: whoever asks for more than is free waits.
pub(in crate::data) struct Pool {
    all: u64,
    free: Mutex<u64>,
    given_back: Condvar,
}

/// For files while they are decoded: two of the largest.
pub(in crate::data) static FILES: Pool = Pool::new(2 * MOST_BYTES);
/// For pixels: the largest image with all that its decoder keeps.
pub(super) static PIXELS: Pool = Pool::new(768 << 20);

/// A share of a pool; it is given back when this is dropped.
pub(in crate::data) struct Share {
    pool: &'static Pool,
    bytes: u64,
}

impl Pool {
    const fn new(all: u64) -> Pool {
        Pool { all, free: Mutex::new(all), given_back: Condvar::new() }
    }

    /// Waits until so many bytes are free; more than there are at all are given to one thread alone. A thread that holds
    /// pixels asks for nothing more, and one that holds a file asks for pixels alone, so nobody waits for ever.
    pub fn take(&'static self, bytes: u64) -> Share {
        let bytes = bytes.min(self.all);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < bytes {
            free = self.given_back.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= bytes;
        Share { pool: self, bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.pool.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.pool.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    #[test]
    fn threads_together_never_hold_more_than_all() {
        const ALL: u64 = 1 << 20;
        static POOL: Pool = Pool::new(ALL);
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..6_u64 {
                let (held, most) = (&held, &most);
                scope.spawn(move || {
                    for turn in 0..30 {
                        let bytes = ALL * (1 + (thread + turn) % 4) / 4;
                        let share = POOL.take(bytes);
                        most.fetch_max(held.fetch_add(bytes, SeqCst) + bytes, SeqCst);
                        std::thread::yield_now();
                        held.fetch_sub(bytes, SeqCst);
                        drop(share);
                    }
                });
            }
        });
        assert!((ALL / 2..=ALL).contains(&most.load(SeqCst)), "{most:?}");
        drop(POOL.take(u64::MAX));
    }
}
