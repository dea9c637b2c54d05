//! What an algorithm may ask of a vector register, and the two traits that carry an algorithm to it.
//!
//! A [`Simd`] value is a zero-sized **token**: it exists only where the CPU has been asked, so lane operations are
//! plain safe methods. Each file beside this one is a list of one-line operations and contains no algorithm.
//!
//! An algorithm is a [`Kernel`], written once over the token. `Dispatch::dispatch` runs it through one trampoline per
//! instruction set: a function that carries `target_feature`, into which everything marked `#[inline(always)]` is
//! inlined, and so compiled for that instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use portable::Portable;

use crate::number::Number;

/// The widest vector of any instruction set, in elements: the size of the stack copies that serve tails.
pub const MAX_LANES: usize = 16;

/// The lane operations of one instruction set, for one element type.
pub trait Simd: Copy + 'static {
    /// What a lane holds.
    type Elem: Number;
    /// A register of [`LANES`](Simd::LANES) elements.
    type Vector: Copy;
    /// Elements in a vector.
    const LANES: usize;
    /// Vector registers that an inner loop may fill.
    const REGISTERS: usize;

    /// `x` in every lane.
    fn splat(self, x: Self::Elem) -> Self::Vector;
    /// The first `LANES` elements of `x`.
    fn load(self, x: &[Self::Elem]) -> Self::Vector;
    /// Writes the lanes over the first `LANES` elements of `y`.
    fn store(self, v: Self::Vector, y: &mut [Self::Elem]);
    /// `a + b`
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a − b`
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a · b`
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a / b`
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a · b + c`, rounded once where the CPU has fused multiply-add, else twice.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `√a`, correctly rounded.
    fn sqrt(self, a: Self::Vector) -> Self::Vector;
    /// The greater of both; **`b`** where either is NaN or both are zero.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The lesser of both; **`b`** where either is NaN or both are zero.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `yes` in lanes with `a > b`, else `no` (also where either is NaN).
    fn select_gt(self, a: Self::Vector, b: Self::Vector, yes: Self::Vector, no: Self::Vector) -> Self::Vector;
    /// Whether `a > b` in any lane.
    fn any_gt(self, a: Self::Vector, b: Self::Vector) -> bool;
    /// The greater of `a`, which is no less than 0, and `|b|`; NaN where either is.
    fn max_magnitude(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The nearest integer, ties to even.
    fn round(self, a: Self::Vector) -> Self::Vector;
    /// `2^a` for integral `a` in −126..=127; anything for other lanes.
    fn exp2_int(self, a: Self::Vector) -> Self::Vector;
    /// The sum of the lanes, in an order that belongs to the instruction set.
    fn sum(self, a: Self::Vector) -> Self::Elem;

    /// Exchanges rows and lanes of the first `LANES` rows: what lane `j` of row `i` held, lane `i` of row `j` holds.
    fn transpose(self, rows: &mut [Self::Vector; MAX_LANES]);

    /// All of `x`, which is shorter than a vector, and zero in the lanes behind it.
    #[inline(always)]
    fn load_tail(self, x: &[Self::Elem]) -> Self::Vector {
        let mut padded = [Self::Elem::ZERO; MAX_LANES];
        padded[..x.len()].copy_from_slice(x);
        self.load(&padded)
    }
    /// Fills `y`, which is shorter than a vector, with the first lanes.
    #[inline(always)]
    fn store_tail(self, v: Self::Vector, y: &mut [Self::Elem]) {
        let mut padded = [Self::Elem::ZERO; MAX_LANES];
        self.store(v, &mut padded);
        y.copy_from_slice(&padded[..y.len()]);
    }
    /// Zero in every lane.
    #[inline(always)]
    fn zero(self) -> Self::Vector {
        self.splat(Self::Elem::ZERO)
    }
}

/// An algorithm, written once for every instruction set. `run` must be `#[inline(always)]`.
pub trait Kernel<E> {
    /// What the algorithm returns.
    type Output;
    /// Does the work with the lanes of `s`.
    fn run<S: Simd<Elem = E>>(self, s: S) -> Self::Output;
}

#[cfg(test)]
mod tests {
    use super::{Kernel, MAX_LANES, Simd};
    use crate::dispatch::Dispatch;
    use crate::testing::every_isa;

    /// Transposes rows of sixteen elements each; answers how many lanes there are.
    struct Transpose<'a>(&'a mut [f32]);

    impl Kernel<f32> for Transpose<'_> {
        type Output = usize;

        #[inline(always)]
        fn run<S: Simd<Elem = f32>>(self, s: S) -> usize {
            let mut vectors = [s.zero(); MAX_LANES];
            for (vector, row) in vectors.iter_mut().zip(self.0.chunks(MAX_LANES)) {
                *vector = s.load(row);
            }
            s.transpose(&mut vectors);
            for (vector, row) in vectors.iter().zip(self.0.chunks_mut(MAX_LANES)) {
                s.store(*vector, row);
            }
            S::LANES
        }
    }

    #[test]
    fn rows_become_lanes_and_rows_behind_them_stay() {
        for isa in every_isa() {
            let number = |i: usize, j: usize| (100 * i + j) as f32;
            let mut rows: Vec<f32> = (0..256).map(|place| number(place / 16, place % 16)).collect();
            let lanes = f32::dispatch(isa, Transpose(&mut rows));
            for (i, j) in (0..16).flat_map(|i| (0..lanes).map(move |j| (i, j))) {
                let expected = if i < lanes { number(j, i) } else { number(i, j) };
                assert_eq!(rows[i * 16 + j], expected, "{isa:?}, row {i}, lane {j}");
            }
        }
    }
}
