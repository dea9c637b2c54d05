//! What stands for the scheduler in a build without the feature `parallel`: all work is done by who asks for it.

/// The caller's thread.
pub struct Pool;

impl Pool {
    /// One thread there is; more are refused.
    pub fn new(threads: usize) -> Result<Pool, String> {
        match threads {
            1 => Ok(Pool),
            _ => Err("this build has no threads, for the feature `parallel` is off".into()),
        }
    }

    /// Runs `work`.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }
}

/// The caller's thread is all that there is.
pub fn is_in_pool() -> bool {
    true
}

/// There is nothing to start.
pub fn start() -> Result<(), String> {
    Ok(())
}

/// The caller's.
pub fn threads() -> usize {
    1
}

/// Calls `work` with the index and the place of every chunk.
pub fn chunks<T: Send>(out: &mut [T], chunk: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    out.chunks_mut(chunk).enumerate().for_each(|(i, out)| work(i, out));
}

/// What is called with the index and the places of a chunk of two outputs.
pub type PairWork<'a, T, U> = dyn Fn(usize, &mut [T], &mut [U]) + Sync + 'a;

/// The same of two outputs with equally many chunks.
pub fn chunk_pairs<T: Send, U: Send>(
    (a, a_chunk): (&mut [T], usize),
    (b, b_chunk): (&mut [U], usize),
    work: &PairWork<'_, T, U>,
) {
    a.chunks_mut(a_chunk).zip(b.chunks_mut(b_chunk)).enumerate().for_each(|(i, (a, b))| work(i, a, b));
}
