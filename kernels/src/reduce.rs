//! Sums: of all elements, of products, of rows.
//!
//! The plain sum adds one element after the other into one number. What is done here instead, and why:
//!
//! 1. Four independent accumulators, a vector each: an addition takes several cycles, and only independent ones overlap.
//! 2. That goes on for one block of 512 elements only. The sums of the blocks are added in pairs, pairs of pairs, and
//!    so on: pairwise summation. An element then takes part in a few dozen additions instead of `n`, and the rounding
//!    error grows with the logarithm of `n` instead of with `n`.
//!
//! An infinity or NaN among the elements comes out as with the plain sum. The order of the additions depends on the
//! length and the instruction set alone.

use crate::number::Number;
use crate::simd::Simd;
use crate::tail::load_padded;

/// Elements added without regard to pairs.
const BLOCK: usize = 512;

/// Independent accumulators, a vector each.
const ACCUMULATORS: usize = 4;

/// Adds numbers in pairs, pairs of pairs, and so on, in the order they come.
///
/// Level `l` holds the sum of `2ˡ` numbers where bit `l` of `count` is set: adding one more carries like a counter.
pub(crate) struct PairwiseSum<E> {
    levels: [E; usize::BITS as usize],
    count: usize,
}

impl<E: Number> PairwiseSum<E> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        PairwiseSum { levels: [E::ZERO; usize::BITS as usize], count: 0 }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, x: E) {
        let full = self.count.trailing_ones() as usize;
        let mut sum = x;
        for level in &self.levels[..full] {
            sum = *level + sum;
        }
        self.levels[full] = sum;
        self.count += 1;
    }

    #[inline(always)]
    pub(crate) fn total(&self) -> E {
        let mut sum = E::ZERO;
        for (level, x) in self.levels.iter().enumerate() {
            if self.count >> level & 1 == 1 {
                sum = *x + sum;
            }
        }
        sum
    }
}

/// The four accumulators added up.
#[inline(always)]
fn join<S: Simd>(s: S, accumulators: [S::Vector; ACCUMULATORS]) -> S::Elem {
    s.sum(s.add(s.add(accumulators[0], accumulators[1]), s.add(accumulators[2], accumulators[3])))
}

/// The sum of one block.
#[inline(always)]
fn sum_block<S: Simd>(s: S, x: &[S::Elem]) -> S::Elem {
    let mut accumulators = [s.zero(); ACCUMULATORS];
    let mut i = 0;
    while i + ACCUMULATORS * S::LANES <= x.len() {
        for (c, accumulator) in accumulators.iter_mut().enumerate() {
            *accumulator = s.add(*accumulator, s.load(&x[i + c * S::LANES..]));
        }
        i += ACCUMULATORS * S::LANES;
    }
    while i + S::LANES <= x.len() {
        accumulators[0] = s.add(accumulators[0], s.load(&x[i..]));
        i += S::LANES;
    }
    if i < x.len() {
        accumulators[1] = s.add(accumulators[1], s.load_tail(&x[i..]));
    }
    join(s, accumulators)
}

/// The sum of all elements.
#[inline(always)]
pub(crate) fn total<S: Simd>(s: S, x: &[S::Elem]) -> S::Elem {
    if x.len() <= BLOCK {
        return sum_block(s, x);
    }
    let mut pairwise = PairwiseSum::new();
    for block in x.chunks(BLOCK) {
        pairwise.push(sum_block(s, block));
    }
    pairwise.total()
}

/// The sum of products of one block.
#[inline(always)]
fn dot_block<S: Simd>(s: S, a: &[S::Elem], b: &[S::Elem]) -> S::Elem {
    let mut accumulators = [s.zero(); ACCUMULATORS];
    let mut i = 0;
    while i + ACCUMULATORS * S::LANES <= a.len() {
        for (c, accumulator) in accumulators.iter_mut().enumerate() {
            let at = i + c * S::LANES;
            *accumulator = s.mul_add(s.load(&a[at..]), s.load(&b[at..]), *accumulator);
        }
        i += ACCUMULATORS * S::LANES;
    }
    while i + S::LANES <= a.len() {
        accumulators[0] = s.mul_add(s.load(&a[i..]), s.load(&b[i..]), accumulators[0]);
        i += S::LANES;
    }
    if i < a.len() {
        accumulators[1] = s.mul_add(s.load_tail(&a[i..]), s.load_tail(&b[i..]), accumulators[1]);
    }
    join(s, accumulators)
}

/// Adds up `P` neighbouring vectors of columns, the first at `first`, over all rows of length `width`.
#[inline(always)]
fn columns<S: Simd, const P: usize>(s: S, x: &[S::Elem], width: usize, first: usize, y: &mut [S::Elem]) {
    let mut sums = [s.zero(); P];
    for row in x.chunks_exact(width) {
        for (p, sum) in sums.iter_mut().enumerate() {
            *sum = s.add(*sum, s.load(&row[first + p * S::LANES..]));
        }
    }
    for (p, sum) in sums.into_iter().enumerate() {
        s.store(sum, &mut y[p * S::LANES..]);
    }
}

kernel! {
    trait ReduceKernels;

    /// `Σᵢ x[i]`; 0 where there is none.
    ///
    /// ```
    /// use evograd_kernels::{Isa, reduce};
    /// assert_eq!(reduce::sum(Isa::PORTABLE, &[1.0_f32, 2.0, 3.0]), 6.0);
    /// ```
    pub fn sum(x: &[E]) -> E |s| { total(s, x) }

    /// Whether `factor·x[i]` is finite everywhere.
    ///
    /// ```
    /// use evograd_kernels::{Isa, reduce};
    /// assert!(reduce::fits(Isa::PORTABLE, &[1.0_f32, 3e38], 1.0));
    /// assert!(!reduce::fits(Isa::PORTABLE, &[1.0_f32, 3e38], 2.0));
    /// ```
    pub fn fits(x: &[E], factor: E) -> bool |s| {
        // 0 times a finite number is 0, and NaN for any other.
        let factor = s.splat(factor);
        let mut accumulators = [s.zero(); ACCUMULATORS];
        let mut i = 0;
        while i + ACCUMULATORS * S::LANES <= x.len() {
            for (c, accumulator) in accumulators.iter_mut().enumerate() {
                *accumulator = s.mul_add(s.mul(s.load(&x[i + c * S::LANES..]), factor), s.zero(), *accumulator);
            }
            i += ACCUMULATORS * S::LANES;
        }
        while i < x.len() {
            let rest = load_padded(s, &x[i..], E::ZERO);
            accumulators[0] = s.mul_add(s.mul(rest, factor), s.zero(), accumulators[0]);
            i += S::LANES;
        }
        !join(s, accumulators).is_nan()
    }

    /// `Σᵢ a[i] · b[i]`
    ///
    /// # Panics
    /// When the slices are not equally long.
    pub fn dot(a: &[E], b: &[E]) -> E |s| {
        assert_eq!(a.len(), b.len(), "dot: slices of lengths {} and {}", a.len(), b.len());
        if a.len() <= BLOCK {
            return dot_block(s, a, b);
        }
        let mut pairwise = PairwiseSum::new();
        for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
            pairwise.push(dot_block(s, a, b));
        }
        pairwise.total()
    }

    /// `y[j] = Σᵣ x[r, first + j]` over the rows of `x`, each `width` long.
    ///
    /// Rows are added one after the other, so a caller cuts a long stack of them into shorter ones, both for the
    /// rounding error and for the threads. A column's sum does not depend on the columns asked for with it.
    ///
    /// # Panics
    /// When `x` is not made of whole rows, or the columns reach beyond a row.
    pub fn sum_rows(x: &[E], width: usize, first: usize, y: &mut [E]) |s| {
        assert!(width > 0 && x.len() % width == 0, "sum_rows: {} elements in rows of {width}", x.len());
        let fits = first.checked_add(y.len()).is_some_and(|end| end <= width);
        assert!(fits, "sum_rows: {} columns from {first} in rows of {width}", y.len());
        let mut j = 0;
        while j + ACCUMULATORS * S::LANES <= y.len() {
            columns::<S, ACCUMULATORS>(s, x, width, first + j, &mut y[j..]);
            j += ACCUMULATORS * S::LANES;
        }
        while j + S::LANES <= y.len() {
            columns::<S, 1>(s, x, width, first + j, &mut y[j..]);
            j += S::LANES;
        }
        if j < y.len() {
            let (from, to) = (first + j, first + y.len());
            let mut sums = s.zero();
            for row in x.chunks_exact(width) {
                sums = s.add(sums, s.load_tail(&row[from..to]));
            }
            s.store_tail(sums, &mut y[j..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::testing::every_isa;

    /// Numbers between −1 and 1 that are multiples of 1/64, so that sums of a few are exact.
    fn coarse(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 37 + seed * 11) % 129) as f32 / 64.0 - 1.0).collect()
    }

    #[test]
    fn sums_of_every_length_are_exact_where_the_numbers_allow_it() {
        for isa in every_isa() {
            for len in (0..=67).chain([511, 512, 513, 5000]) {
                let (a, b) = (coarse(len, 0), coarse(len, 5));
                let plain: f64 = a.iter().map(|x| f64::from(*x)).sum();
                assert_eq!(f64::from(sum(isa, &a)), plain, "{isa:?} {len}");
                let double: Vec<f64> = a.iter().map(|x| f64::from(*x)).collect();
                assert_eq!(sum(isa, &double), plain, "{isa:?} {len}");
                let products: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert_eq!(f64::from(dot(isa, &a, &b)), products, "{isa:?} {len}");
            }
        }
    }

    #[test]
    fn rows_of_every_width_are_added_and_any_columns_of_them() {
        for isa in every_isa() {
            for width in 1..=67 {
                for rows in [0, 1, 2, 5] {
                    let x = coarse(rows * width, width);
                    let plain: Vec<f32> = (0..width).map(|j| (0..rows).map(|r| x[r * width + j]).sum()).collect();
                    for (first, end) in [(0, width), (width / 3, width), (width / 2, width / 2), (0, width / 2)] {
                        let mut y = vec![f32::NAN; end - first];
                        sum_rows(isa, &x, width, first, &mut y);
                        assert_eq!(y, plain[first..end], "{isa:?} {rows} rows of {width}, columns {first}..{end}");
                    }
                }
            }
        }
    }

    /// The plain sum of these million numbers is off by 1 %; the rounding error here stays at a few units.
    #[test]
    fn the_rounding_error_of_a_million_elements_is_a_few_units() {
        let tenths = vec![0.1_f32; 1_000_000];
        let mixed: Vec<f32> = (0..1_000_000_u64).map(|i| (i * 2_654_435_761 % 1_000_003) as f32 / 1e6).collect();
        for isa in every_isa() {
            for x in [&tenths, &mixed] {
                let exact: f64 = x.iter().map(|x| f64::from(*x)).sum();
                let squares: f64 = x.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
                let unit = f64::from(f32::EPSILON);
                let error = (f64::from(sum(isa, x)) - exact).abs() / exact;
                assert!(error <= 4.0 * unit, "{isa:?}: sum off by {:.2} units", error / unit);
                let error = (f64::from(dot(isa, x, x)) - squares).abs() / squares;
                assert!(error <= 4.0 * unit, "{isa:?}: dot off by {:.2} units", error / unit);
            }
        }
    }

    #[test]
    fn what_is_not_finite_comes_out() {
        for isa in every_isa() {
            for len in [1, 17, 67, 3000] {
                for at in [0, len / 2, len - 1] {
                    let mut x = vec![1.0_f32; len];
                    x[at] = f32::NAN;
                    assert!(sum(isa, &x).is_nan() && dot(isa, &x, &x).is_nan());
                    x[at] = f32::NEG_INFINITY;
                    assert_eq!(sum(isa, &x), f32::NEG_INFINITY);
                    assert_eq!(dot(isa, &x, &x), f32::INFINITY);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "sum_rows: 4 columns from 2 in rows of 5")]
    fn columns_beyond_a_row_are_refused() {
        sum_rows(Isa::PORTABLE, &[0.0_f32; 10], 5, 2, &mut [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "dot: slices of lengths 1 and 2")]
    fn products_of_unequal_lengths_are_refused() {
        dot(Isa::PORTABLE, &[0.0_f32], &[0.0, 0.0]);
    }
}
