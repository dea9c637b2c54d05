//! Work on several cores, with the same bits whatever their number.
//!
//! Work is cut into chunks whose sizes depend on the data alone, never on the number of threads; each chunk writes a
//! place of its own, and partial results come back in the order of their index. So scheduling decides *when* a chunk
//! runs, and nothing else.

#[cfg_attr(not(feature = "parallel"), path = "par/caller.rs")]
mod scheduler;
#[cfg(feature = "training")]
mod workers;

use crate::error::{Error, Result};
use crate::mode::Modes;
use evograd_kernels::{Element, Isa, arith};
use scheduler::{PairWork, Pool};
use std::sync::OnceLock;
#[cfg(feature = "training")]
pub(crate) use workers::{in_parallel, thread_seconds};

/// Elements in a chunk of element-wise work: 64 KiB of `f32`, large against the cost of handing a chunk to a thread.
pub(crate) const CHUNK: usize = 1 << 14;

/// A number of threads of one's own.
///
/// ```
/// use evograd::{ThreadPool, Var, Tensor};
/// let pool = ThreadPool::new(2)?;
/// let y = pool.install(|| Var::constant(Tensor::full([3], 2.0_f32)?).exp().map(|y| y.value().clone()))?;
/// assert_eq!(y.shape().sizes(), [3]);
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct ThreadPool(Pool);

impl ThreadPool {
    /// A pool of `threads` threads.
    ///
    /// # Errors
    /// When `threads` is 0 or above 1024, or the system refuses to start them; without the feature `parallel` also when it is not 1.
    pub fn new(threads: usize) -> Result<ThreadPool> {
        let failed = |problem: String| Error::Threads { threads, problem };
        if !(1..=1024).contains(&threads) {
            return Err(failed("that is no sensible number".into()));
        }
        Pool::new(threads).map(ThreadPool).map_err(failed)
    }

    /// Runs `work` on a thread of the pool; whatever it computes in parallel uses the pool's threads.
    /// Without a pool of one's own, work runs on as many threads as there are cores.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        // The modes are set, whatever they are: while this thread of the pool waited for something else, it may have
        // been in others.
        let (modes, isa) = (Modes::current(), Isa::chosen().ok());
        self.0.install(move || in_modes(modes, isa, work))
    }
}

/// Whether work can run on the threads that it is to run on: those of the pool that this one belongs to, or as many as
/// there are cores, which are started when they are first needed.
///
/// # Errors
/// When the system refuses to start these.
pub(crate) fn ready() -> Result<()> {
    static REFUSED: OnceLock<Option<String>> = OnceLock::new();
    if scheduler::is_in_pool() {
        return Ok(());
    }
    match REFUSED.get_or_init(|| scheduler::start().err()) {
        None => Ok(()),
        Some(problem) => {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            Err(Error::Threads { threads, problem: problem.clone() })
        }
    }
}

/// The number of threads that work runs on now.
///
/// ```
/// assert_eq!(evograd::ThreadPool::new(2)?.install(evograd::threads), 2);
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn threads() -> usize {
    // Where the system refuses the others, there is the caller's.
    if ready().is_ok() { scheduler::threads() } else { 1 }
}

/// Calls `work` with the index and the place of every chunk of `out`.
pub(crate) fn for_each<T: Send>(out: &mut [T], chunk: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    each(out, chunk, &work);
}

/// [`for_each`], compiled once for an element type and not for every work: the scheduler is large.
fn each<T: Send>(out: &mut [T], chunk: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    if out.len() <= chunk || threads() == 1 {
        out.chunks_mut(chunk).enumerate().for_each(|(i, out)| work(i, out));
    } else {
        let modes = Modes::current();
        scheduler::chunks(out, chunk, &|i, out| modes.scope(|| work(i, out)));
    }
}

/// As [`for_each`] with two outputs, cut into equally many chunks.
pub(crate) fn for_each_pair<T: Send, U: Send>(
    a: (&mut [T], usize),
    b: (&mut [U], usize),
    work: impl Fn(usize, &mut [T], &mut [U]) + Sync,
) {
    each_pair(a, b, &work);
}

/// [`for_each_pair`], compiled once for two element types.
fn each_pair<T: Send, U: Send>(
    (a, a_chunk): (&mut [T], usize),
    (b, b_chunk): (&mut [U], usize),
    work: &PairWork<'_, T, U>,
) {
    assert_eq!(a.len().div_ceil(a_chunk), b.len().div_ceil(b_chunk), "two outputs in different numbers of chunks");
    if a.len() <= a_chunk || threads() == 1 {
        a.chunks_mut(a_chunk).zip(b.chunks_mut(b_chunk)).enumerate().for_each(|(i, (a, b))| work(i, a, b));
    } else {
        let modes = Modes::current();
        scheduler::chunk_pairs((a, a_chunk), (b, b_chunk), &|i, a, b| modes.scope(|| work(i, a, b)));
    }
}

/// As [`for_each_pair`] with three outputs of one length, cut into chunks of [`CHUNK`] elements.
pub(crate) fn for_each_triple<T: Send>(
    a: &mut [T],
    b: &mut [T],
    c: &mut [T],
    work: impl Fn(usize, [&mut [T]; 3]) + Sync,
) {
    assert!(a.len() == b.len() && a.len() == c.len(), "three outputs of {}, {} and {}", a.len(), b.len(), c.len());
    let chunks = a.chunks_mut(CHUNK).zip(b.chunks_mut(CHUNK)).zip(c.chunks_mut(CHUNK));
    let mut chunks: Vec<[&mut [T]; 3]> = chunks.map(|((a, b), c)| [a, b, c]).collect();
    for_each(&mut chunks, 1, |i, chunk| work(i, chunk[0].each_mut().map(|out| &mut **out)));
}

/// What `work` returns for each index below `count`, in that order.
pub(crate) fn map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut results: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for_each(&mut results, 1, |index, place| place[0] = Some(work(index)));
    results.into_iter().map(|result| result.expect("every chunk was visited")).collect()
}

/// Runs `work` in these modes and, where there is one, on this instruction set.
fn in_modes<R>(modes: Modes, isa: Option<Isa>, work: impl FnOnce() -> R) -> R {
    modes.scope(move || match isa {
        Some(isa) => isa.scope(work),
        None => work(),
    })
}

/// The elements that chunk `index` of element-wise work covers, in an array of `len`.
pub(crate) fn chunk(index: usize, len: usize) -> std::ops::Range<usize> {
    index * CHUNK..((index + 1) * CHUNK).min(len)
}

/// `y += x`
pub(crate) fn accumulate<E: Element>(isa: Isa, x: &[E], y: &mut [E]) {
    assert_eq!(x.len(), y.len(), "a sum of two arrays");
    for_each(y, CHUNK, |i, y| arith::accumulate(isa, &x[chunk(i, x.len())], y));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::{checked, no_grad};

    #[test]
    fn every_chunk_is_visited_once_on_any_number_of_threads() {
        for threads in [1, 2, 3] {
            let mut out = vec![0; 100_003];
            ThreadPool::new(threads).unwrap().install(|| {
                for_each(&mut out, 1000, |i, out| out.iter_mut().enumerate().for_each(|(j, x)| *x += i * 1000 + j));
            });
            assert!(out.iter().enumerate().all(|(i, x)| i == *x));
            assert_eq!(ThreadPool::new(threads).unwrap().install(|| map(1000, |i| i)), (0..1000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn work_on_a_pool_runs_in_the_modes_of_who_installs_it() {
        let pool = ThreadPool::new(2).unwrap();
        let modes = || pool.install(|| (Modes::current().recording, Modes::current().checked));
        assert_eq!(modes(), (true, false));
        assert_eq!(no_grad(modes), (false, false));
        assert_eq!(checked(modes), (true, true));
    }

    /// A thread of the pool that waits inside `no_grad` takes up other work, which must not run in that mode.
    #[test]
    fn work_taken_up_while_waiting_keeps_its_own_modes() {
        let pool = ThreadPool::new(2).unwrap();
        let busy = || pool.install(|| no_grad(|| map(64, |i| (0..20_000).fold(i, |sum, j| sum ^ j))));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..200).for_each(|_| drop(busy())));
            }
            for _ in 0..500 {
                assert!(pool.install(|| Modes::current().recording));
            }
        });
    }

    #[test]
    fn a_senseless_number_of_threads_is_an_error() {
        let text = ThreadPool::new(0).err().unwrap().to_string();
        assert!(text.starts_with("thread pool of size 0: that is no sensible number; use 1 to 1024"), "{text}");
    }
}
