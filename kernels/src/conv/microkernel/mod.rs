//! Micro-kernels: the inner loops of all algorithms, which multiply and add into a block of registers.
//!
//! Each file is named after what its lanes run over. Knows the geometry; knows no algorithm: those say where operands stand.

pub(crate) mod channels;
pub(crate) mod channels_weights;
pub(crate) mod pixels;
pub(crate) mod pixels_weights;

use crate::simd::Simd;

/// Products that are added one after the other before their sum is added to those of others, or as many as one tap has, so that
/// rounding does not grow with the taps.
pub(crate) const SUMMED: usize = 128;

/// Adds the sums of a micro-kernel to those of earlier blocks.
#[inline(always)]
pub(crate) fn add_to<S: Simd, const V: usize, const T: usize>(
    s: S,
    sums: &mut [[S::Vector; V]; T],
    block: [[S::Vector; V]; T],
) {
    for t in 0..T {
        for v in 0..V {
            sums[t][v] = s.add(sums[t][v], block[t][v]);
        }
    }
}
