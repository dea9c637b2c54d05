//! Fused multiply-adds on registers alone, on several threads: the most that the machine can do.

use evograd::Isa;
use evograd_kernels::peak;

/// Rounds on each thread.
const ROUNDS: usize = 1_000_000;

/// Multiply-adds on so many threads at once; the multiplications and additions that they were.
pub fn multiply_adds(isa: Isa, threads: usize) -> u64 {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| peak::multiply_adds(isa, ROUNDS))).collect();
        threads.into_iter().map(|thread| thread.join().expect("arithmetic does not panic")).sum()
    })
}
