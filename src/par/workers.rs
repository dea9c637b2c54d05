//! Whole tasks in parallel, each on a thread of its own, as the candidates of a search are.

use super::{ThreadPool, in_modes};
use crate::error::{Error, Result};
use crate::mode::Modes;
use evograd_kernels::Isa;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::thread::Builder;
use std::time::Duration;

/// How long to wait for the end of a task before saying that none has ended.
const TICK: Duration = Duration::from_millis(200);

/// Does whole tasks in parallel: `workers` of them at a time, each on one thread of its own. What each comes to is reported on
/// the caller's thread, in the order of their ends; while none ends, `None` is reported a few times a second. Once `on_result`
/// answers that it is not to go on, no task is begun, and `work` sees the flag raised, so that it can leave what it is at.
///
/// # Errors
/// When the system refuses to start a thread.
pub(crate) fn in_parallel<T: Send, R: Send>(
    workers: usize,
    tasks: Vec<T>,
    work: impl Fn(T, &AtomicBool) -> R + Sync,
    on_result: &mut dyn FnMut(Option<R>) -> bool,
) -> Result<()> {
    let pools = (0..workers.min(tasks.len())).map(|_| ThreadPool::new(1)).collect::<Result<Vec<_>>>()?;
    let (queue, stop) = (Mutex::new(tasks.into_iter()), AtomicBool::new(false));
    let next = || queue.lock().expect("no task is taken by a thread that panics").next();
    // A refusal of memory does not cross from one thread to another that waits for results.
    let (modes, isa) = (Modes { refusable: false, ..Modes::current() }, Isa::chosen().ok());
    std::thread::scope(|scope| {
        let (sender, results) = std::sync::mpsc::channel();
        let mut refused = None;
        for pool in &pools {
            let (sender, work, next, stop) = (sender.clone(), &work, &next, &stop);
            let go_on = move || {
                while let Some(task) = (!stop.load(Ordering::Relaxed)).then(next).flatten() {
                    // Nobody listens any more where the caller has panicked.
                    let _ = sender.send(work(task, stop));
                }
            };
            let started = Builder::new().spawn_scoped(scope, move || pool.install(|| in_modes(modes, isa, go_on)));
            if let Err(error) = started {
                stop.store(true, Ordering::Relaxed);
                refused = Some(Error::Threads { threads: pools.len(), problem: error.to_string() });
                break;
            }
        }
        drop(sender);
        loop {
            let result = match results.recv_timeout(TICK) {
                Ok(result) => Some(result),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return refused.map_or(Ok(()), Err),
            };
            if !on_result(result) {
                stop.store(true, Ordering::Relaxed);
            }
        }
    })
}

/// The seconds that a processor core has worked for this thread; `None` where the system does not say.
#[cfg(unix)]
pub(crate) fn thread_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// Other systems are not asked.
#[cfg(not(unix))]
pub(crate) fn thread_seconds() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::no_grad;
    use crate::par::threads;

    #[test]
    fn every_task_is_done_once_on_one_thread_in_the_modes_of_the_caller() {
        for workers in [1, 2, 3] {
            let mut done = Vec::new();
            let work = |task: usize, _: &AtomicBool| (task, threads(), Modes::current().recording);
            let tasks = (0..50).collect();
            let on_result = &mut |result| {
                done.extend(result);
                true
            };
            no_grad(|| in_parallel(workers, tasks, work, on_result)).unwrap();
            done.sort_unstable();
            assert_eq!(done, (0..50).map(|task| (task, 1, false)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn tasks_that_are_not_begun_are_left_when_asked_to_stop() {
        let mut done = 0;
        let on_result = &mut |result: Option<usize>| {
            done += result.into_iter().count();
            done < 3
        };
        let work = |task, _: &AtomicBool| {
            std::thread::sleep(Duration::from_millis(1));
            task
        };
        in_parallel(2, (0..1000).collect(), work, on_result).unwrap();
        // The channel may hold what was done meanwhile.
        assert!((3..1000).contains(&done), "{done}");
    }
}
