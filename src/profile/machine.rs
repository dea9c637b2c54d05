//! What the machine can do, measured on the spot: multiply-adds on registers, and bytes from and to memory.

use crate::error::Result;
use crate::par;
use crate::reserve;
use evograd_kernels::{Isa, peak, reduce};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Rounds of multiply-adds on each thread in a measurement: a few milliseconds.
const ROUNDS: usize = 1_000_000;
/// Numbers read or copied in a measurement: 128 MiB of `f32`, more than the caches of common processors.
const NUMBERS: usize = 1 << 25;
/// Numbers that a thread reads or copies at a time.
const CHUNK: usize = 1 << 20;
/// Measurements of arithmetic, of which the best counts: others may use the machine too.
const ARITHMETIC: u32 = 20;
/// Measurements of memory.
const MEMORY: u32 = 5;

/// What the machine can do with the instruction set and the threads that are in use.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "training", derive(serde::Serialize))]
pub struct Machine {
    /// Threads that computed.
    pub threads: usize,
    /// Multiplications and additions a second, two for each multiply-add, in `f32` on registers alone.
    pub operations: f64,
    /// Bytes a second read from memory.
    pub read: f64,
    /// Bytes a second copied in memory, those read and those written together.
    pub copied: f64,
}

impl Machine {
    /// Measures the machine on the threads of the [`ThreadPool`](crate::ThreadPool) that this runs on, in less than a second. Takes
    /// 256 MiB of memory meanwhile.
    ///
    /// # Errors
    /// When `EVOGRAD_ISA` names an instruction set that this CPU lacks, or memory allocation fails.
    pub fn measure() -> Result<Machine> {
        let (isa, threads) = (Isa::chosen()?, crate::threads());
        let operations: u64 = par::map(threads, |_| peak::multiply_adds(isa, ROUNDS)).iter().sum();
        let arithmetic = best(ARITHMETIC, || drop(par::map(threads, |_| peak::multiply_adds(isa, ROUNDS))));
        let numbers = |value: f32| reserve::filled(NUMBERS, value).map_err(|refused| refused.during("profile"));
        let (from, mut to) = (numbers(1.0)?, numbers(0.0)?);
        let read = best(MEMORY, || {
            let chunks = |chunk| reduce::sum(isa, &from[chunk * CHUNK..][..CHUNK]);
            drop(black_box(par::map(NUMBERS / CHUNK, chunks)));
        });
        let copied = best(MEMORY, || {
            par::for_each(&mut to, CHUNK, |chunk, to| to.copy_from_slice(&from[chunk * CHUNK..][..CHUNK]));
            black_box(&mut to);
        });
        let bytes = (NUMBERS * size_of::<f32>()) as f64;
        Ok(Machine {
            threads,
            operations: operations as f64 / arithmetic,
            read: bytes / read,
            copied: 2.0 * bytes / copied,
        })
    }

    /// Bytes a second: reading or copying, whichever is faster.
    pub fn bandwidth(&self) -> f64 {
        self.read.max(self.copied)
    }

    /// The least time that so many operations and bytes can take.
    ///
    /// ```
    /// use evograd::profile::Machine;
    /// let machine = Machine { threads: 1, operations: 1e9, read: 1e8, copied: 2e8 };
    /// assert_eq!(machine.least_time(1_000_000, 20).as_micros(), 1000);
    /// assert_eq!(machine.least_time(20, 1_000_000).as_micros(), 5000);
    /// ```
    pub fn least_time(&self, operations: u64, bytes: u64) -> Duration {
        let seconds = (operations as f64 / self.operations).max(bytes as f64 / self.bandwidth());
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

/// The least seconds that `work` took.
fn best(times: u32, mut work: impl FnMut()) -> f64 {
    let seconds = (0..times).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ThreadPool;

    #[test]
    fn a_machine_can_do_something() {
        let machine = ThreadPool::new(2).unwrap().install(Machine::measure).unwrap();
        assert_eq!(machine.threads, 2);
        for rate in [machine.operations, machine.read, machine.copied] {
            assert!((1e7..1e15).contains(&rate), "{machine:?}");
        }
    }
}
