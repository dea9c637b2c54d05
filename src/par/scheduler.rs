//! Threads that wait for work, by rayon: the only file that knows it.

use rayon::prelude::*;
use std::error::Error;

/// A number of threads.
pub struct Pool(rayon::ThreadPool);

impl Pool {
    /// Starts them; or says why the system refused.
    pub fn new(threads: usize) -> Result<Pool, String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map(Pool).map_err(|error| error.to_string())
    }

    /// Runs `work` on one of them.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.0.install(work)
    }
}

/// Whether this thread belongs to a pool.
pub fn is_in_pool() -> bool {
    rayon::current_thread_index().is_some()
}

/// Starts as many threads as there are cores, for work that is on no pool; or says why the system refused.
pub fn start() -> Result<(), String> {
    let started = rayon::ThreadPoolBuilder::new().build_global();
    // That somebody else has started them already is no error of the system's.
    started.or_else(|error| if error.source().is_some() { Err(error.to_string()) } else { Ok(()) })
}

/// The threads of this thread's pool, or of those that [`start`] started.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Calls `work` with the index and the place of every chunk.
pub fn chunks<T: Send>(out: &mut [T], chunk: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    out.par_chunks_mut(chunk).enumerate().for_each(|(i, out)| work(i, out));
}

/// What is called with the index and the places of a chunk of two outputs.
pub type PairWork<'a, T, U> = dyn Fn(usize, &mut [T], &mut [U]) + Sync + 'a;

/// The same of two outputs with equally many chunks.
pub fn chunk_pairs<T: Send, U: Send>(
    (a, a_chunk): (&mut [T], usize),
    (b, b_chunk): (&mut [U], usize),
    work: &PairWork<'_, T, U>,
) {
    let chunks = a.par_chunks_mut(a_chunk).zip(b.par_chunks_mut(b_chunk));
    chunks.enumerate().for_each(|(i, (a, b))| work(i, a, b));
}
