//! The most that the arithmetic of the machine can do: what kernels are compared with.

use crate::dispatch::Dispatch;
use crate::isa::Isa;
use crate::simd::{Kernel, Simd};
use std::hint::black_box;

/// Independent sums, enough to hide the latency of a multiply-add.
const ACCUMULATORS: usize = 12;

/// Rounds of one multiply-add in every accumulator, on registers alone.
struct MultiplyAdds(usize);

impl Kernel<f32> for MultiplyAdds {
    type Output = (f32, usize);

    /// The sum of all lanes, so that none is left out, and the lanes of a vector.
    #[inline(always)]
    fn run<S: Simd<Elem = f32>>(self, s: S) -> (f32, usize) {
        let (a, b) = (s.splat(black_box(0.999)), s.splat(black_box(0.001)));
        let mut sums = [s.splat(1.0); ACCUMULATORS];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, a, b);
            }
        }
        (sums.into_iter().map(|sum| s.sum(sum)).sum(), S::LANES)
    }
}

/// Does `rounds` rounds of twelve multiply-adds of whole vectors of `f32`, each independent of the others, without
/// touching memory. Returns the number of multiplications and additions that these were.
///
/// ```
/// use evograd_kernels::{Isa, peak};
/// let operations = peak::multiply_adds(Isa::PORTABLE, 1000);
/// assert_eq!(operations % (2 * 12 * 1000), 0);
/// ```
pub fn multiply_adds(isa: Isa, rounds: usize) -> u64 {
    let (_, lanes) = black_box(f32::dispatch(isa, MultiplyAdds(rounds)));
    (2 * lanes * ACCUMULATORS * rounds) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::every_isa;

    /// `x ← 0.999·x + 0.001` leaves 1 where it is, but for rounding.
    #[test]
    fn every_accumulator_of_every_lane_is_worked_on() {
        for isa in every_isa() {
            let (sum, lanes) = f32::dispatch(isa, MultiplyAdds(1000));
            assert!((sum / (lanes * ACCUMULATORS) as f32 - 1.0).abs() < 1e-3, "{isa:?}: {sum}");
            assert_eq!(multiply_adds(isa, 10), (2 * lanes * ACCUMULATORS * 10) as u64);
        }
    }
}
