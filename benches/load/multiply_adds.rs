//! Fused multiply-adds on registers alone: the most that the machine can do.

use evograd::{Element, Isa};
use evograd_kernels::simd::{Kernel, Simd};
use std::hint::black_box;

/// Independent sums, enough to hide the latency of an addition.
const CHAINS: usize = 12;

/// Rounds of one multiply-add in every chain.
const ROUNDS: usize = 1_000_000;

/// `CHAINS × ROUNDS` multiply-adds of whole vectors; the sum of all lanes, so that none is left out.
struct MultiplyAdds;

impl Kernel<f32> for MultiplyAdds {
    type Output = (f32, usize);

    #[inline(always)]
    fn run<S: Simd<Elem = f32>>(self, s: S) -> (f32, usize) {
        let (a, b) = (s.splat(black_box(0.999)), s.splat(black_box(0.001)));
        let mut sums = [s.splat(1.0); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, a, b);
            }
        }
        (sums.into_iter().map(|sum| s.sum(sum)).sum(), S::LANES)
    }
}

/// Multiply-adds on so many threads at once; the multiplications and additions that they were.
pub fn multiply_adds(isa: Isa, threads: usize) -> u64 {
    let lanes = std::thread::scope(|scope| {
        let work = || black_box(f32::dispatch(isa, MultiplyAdds)).1;
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("arithmetic does not panic")).sum::<usize>()
    });
    (2 * lanes * CHAINS * ROUNDS) as u64
}
