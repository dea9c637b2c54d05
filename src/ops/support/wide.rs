//! The way out where `f32` would leave its range on the way to a result that fits it: the same kernel once more in `f64`,
//! on copies. Knows slices, no operation.
//!
//! Products of three factors, squares and their sums reach twice as far as what comes of them. The kernels of an
//! operation are trusted where the numbers that decide about its intermediate results are ordinary; elsewhere, which a
//! network that trains never sees, nothing is lost but time. The decision depends on the numbers alone, so results
//! have the same bits on any number of threads. For tensors of `f64` there is no wider type: their squares overflow from
//! 10¹⁵⁴ on.

use crate::buffer::Buffer;
use evograd_kernels::Element;

/// Whether products of such numbers with others like them keep their digits in the type: each is 0 or has a magnitude
/// from `2⁻ᵇ` to `2ᵇ`. Asked for every plane of every image.
#[inline]
pub(in crate::ops) fn ordinary<E: Element>(numbers: &[f64], bits: u32) -> bool {
    let most = (1_u128 << bits) as f64;
    let least = 1.0 / most;
    !E::WIDENS || numbers.iter().all(|x| *x == 0.0 || (x.abs() >= least && x.abs() <= most))
}

/// Runs `work` on the inputs in `f64`, and on what `y` holds, which receives the result.
pub(in crate::ops) fn in_f64<E: Element, T, const N: usize>(
    inputs: [&[E]; N],
    y: &mut [E],
    work: impl FnOnce([&[f64]; N], &mut [f64]) -> T,
) -> T {
    let inputs = inputs.map(copy);
    let mut wide = copy(y);
    let result = work(inputs.each_ref().map(|x| &**x), &mut wide);
    y.iter_mut().zip(wide.iter()).for_each(|(y, wide)| *y = E::from_f64(*wide));
    result
}

fn copy<E: Element>(x: &[E]) -> Buffer<f64> {
    let mut wide = Buffer::stale(x.len());
    wide.iter_mut().zip(x).for_each(|(wide, x)| *wide = x.to_f64());
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_numbers_are_zero_or_in_the_middle_of_the_range() {
        assert!(ordinary::<f32>(&[0.0, 1.0, -1e-6, 1e6], 20));
        for strange in [1e-7, 1e7, f64::NAN, f64::INFINITY, 1e-300] {
            assert!(!ordinary::<f32>(&[1.0, strange], 20), "{strange}");
            assert!(ordinary::<f64>(&[1.0, strange], 20), "{strange}");
        }
    }
}
