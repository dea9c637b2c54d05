//! The end of a residual block: a normalisation whose statistics are known, its join with the shortcut, and a ReLU.
//!
//! A sequence of plain operations, with `R(z) = max(z, 0)`, would be
//!
//! ```text
//! f = (x − mean)·scale + shift        reads x, writes f
//! y = a + f                           the sum, or y = a + f + √(R(a)·R(f) + ε) as SORT has it
//! y = R(y)                            reads and writes y once more
//! ```
//!
//! and backwards two passes for the join, one for the two sums over each channel that a normalisation's gradient needs, and
//! one for `dx`. What this file does instead:
//!
//! 1. `f` stays in registers. Backward computes it again from `x` by the same operations, so it has the same bits.
//! 2. What `x` gets from the join, `df`, is summed up while it is made, in the accumulators and the order of
//!    [`stats`](mod@crate::stats), so the sums have the same bits too.
//! 3. `df` is written over `dy`, of which nothing is needed any more. `dx` is one more pass over it, once the sums are
//!    known: [`normalise_backward`](crate::norm::normalise_backward).
//! 4. Of a sum, both branches get the same gradient, which is written once; and `y > 0` decides about it, which whatever
//!    consumed `y` keeps anyway. So neither `f` nor the shortcut is needed there.

use crate::norm::Normalisation;
use crate::number::Number;
use crate::relu::rectified;
use crate::simd::Simd;
use crate::sort::{root, root_slopes};
use crate::stats::{Gradient, load, sums};
use crate::tail::store_some;

lanewise! {
    trait JoinKernels;

    /// `y = R(a + f)` with `f = (x − mean)·scale + shift`
    pub fn join_sum(x, a;; line: Normalisation { mean, scale, shift }) -> (y) |s| {
        [s.max(s.zero(), s.add(a, s.mul_add(s.sub(x, mean), scale, shift)))]
    }

    /// `y = R(a + f + √(R(a)·R(f) + ε))` with `f = (x − mean)·scale + shift`
    pub fn join_sort_root(x, a; epsilon; line: Normalisation { mean, scale, shift }) -> (y) |s| {
        let f = s.mul_add(s.sub(x, mean), scale, shift);
        [s.max(s.zero(), s.add(s.add(a, f), root(s, a, f, epsilon).0))]
    }
}

/// The gradient of both branches of a sum, from `y` and over `dy`.
struct SumGradient<'a, E> {
    y: &'a [E],
    dy: &'a mut [E],
}

impl<S: Simd> Gradient<S> for SumGradient<'_, S::Elem> {
    #[inline(always)]
    fn at<const TAIL: bool>(&mut self, s: S, i: usize, _: S::Vector) -> S::Vector {
        // Not a closure mapped over both: that is compiled without the vector's instructions, ten times as slow.
        let y = load::<S, TAIL>(s, &self.y[i..], S::Elem::ZERO);
        let dy = load::<S, TAIL>(s, &self.dy[i..], S::Elem::ZERO);
        let g = rectified(s, y, dy);
        store::<S, TAIL>(s, g, &mut self.dy[i..]);
        g
    }
}

/// The gradient of what the normalisation gave to SORT, over `dy`; beside it that of the shortcut `a`.
struct SortRootGradient<'a, S: Simd> {
    a: &'a [S::Elem],
    dy: &'a mut [S::Elem],
    da: &'a mut [S::Elem],
    scale: S::Vector,
    shift: S::Vector,
    epsilon: S::Vector,
}

impl<S: Simd> Gradient<S> for SortRootGradient<'_, S> {
    #[inline(always)]
    fn at<const TAIL: bool>(&mut self, s: S, i: usize, deviation: S::Vector) -> S::Vector {
        // Behind the end anything above 0 serves: a gradient of 0 stays 0 there, even where f is infinite.
        let a = load::<S, TAIL>(s, &self.a[i..], S::Elem::ONE);
        let dy = load::<S, TAIL>(s, &self.dy[i..], S::Elem::ZERO);
        let f = s.mul_add(deviation, self.scale, self.shift);
        let root = root(s, a, f, self.epsilon);
        let y = s.add(s.add(a, f), root.0);
        let [da, df] = root_slopes(s, a, f, root, rectified(s, y, dy));
        store::<S, TAIL>(s, da, &mut self.da[i..]);
        store::<S, TAIL>(s, df, &mut self.dy[i..]);
        df
    }
}

/// Writes the first lanes over `y`, which may end within them where `TAIL`.
#[inline(always)]
fn store<S: Simd, const TAIL: bool>(s: S, v: S::Vector, y: &mut [S::Elem]) {
    if TAIL { store_some(s, v, y) } else { s.store(v, y) }
}

kernel! {
    trait JoinBackwardKernels;

    /// What [`join_sum`], which gave `y`, hands on of `dy`, written over it; returned are its sum, and its sum times
    /// `x − mean`.
    ///
    /// # Panics
    /// When the slices are not equally long.
    pub fn join_sum_backward(x: &[E], y: &[E], mean: E, dy: &mut [E]) -> [E; 2] |s| {
        assert!([y.len(), dy.len()] == [x.len(); 2], "join_sum_backward: slices of different lengths");
        sums(s, x, mean, SumGradient { y, dy })
    }

    /// The gradients of [`join_sort_root`] with the same `line`: `da` of the shortcut, and that of `f`,
    /// written over `dy`; returned are the sum of that, and its sum times `x − mean`.
    ///
    /// # Panics
    /// When the slices are not equally long.
    pub fn join_sort_root_backward(
        x: &[E], a: &[E], line: Normalisation<E>, epsilon: E, dy: &mut [E], da: &mut [E],
    ) -> [E; 2] |s| {
        assert!([a.len(), dy.len(), da.len()] == [x.len(); 3], "join_sort_root_backward: slices of different lengths");
        let Normalisation { mean, scale, shift } = line;
        let [scale, shift, epsilon] = [s.splat(scale), s.splat(shift), s.splat(epsilon)];
        sums(s, x, mean, SortRootGradient { a, dy, da, scale, shift, epsilon })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::testing::every_isa;
    use crate::{norm, relu, sort, stats};

    const LINE: Normalisation<f32> = Normalisation { mean: 0.25, scale: 1.5, shift: -0.125 };
    const EPSILON: f32 = 1e-4;

    /// Values from −2 to 2 without pattern.
    fn values(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i + seed) * 7919 % 1009) as f32 / 252.25 - 2.0).collect()
    }

    /// The operations one after the other: `[y, df, da]`, and the sums of `df`.
    fn in_steps(isa: Isa, rooted: bool, [x, a, dy]: [&[f32]; 3]) -> ([Vec<f32>; 3], [f32; 2]) {
        let [mut f, mut y, mut df, mut da] = [(); 4].map(|()| vec![7.0; x.len()]);
        norm::normalise(isa, x, LINE, &mut f);
        if rooted {
            sort::sort_root_relu_forward(isa, a, &f, EPSILON, &mut y);
            sort::sort_root_relu_backward(isa, a, &f, dy, EPSILON, &mut da, &mut df);
        } else {
            let sum: Vec<f32> = a.iter().zip(&f).map(|(a, f)| a + f).collect();
            relu::relu_forward(isa, &sum, &mut y);
            relu::relu_backward(isa, &y, dy, &mut df);
            da.copy_from_slice(&df);
        }
        let sums = stats::gradient_sums(isa, x, &df, LINE.mean);
        ([y, df, da], sums)
    }

    fn at_once(isa: Isa, rooted: bool, [x, a, dy]: [&[f32]; 3]) -> ([Vec<f32>; 3], [f32; 2]) {
        let [mut y, mut da] = [(); 2].map(|()| vec![7.0; x.len()]);
        let mut df = dy.to_vec();
        if rooted {
            join_sort_root(isa, x, a, EPSILON, LINE, &mut y);
            let sums = join_sort_root_backward(isa, x, a, LINE, EPSILON, &mut df, &mut da);
            ([y, df, da], sums)
        } else {
            join_sum(isa, x, a, LINE, &mut y);
            let sums = join_sum_backward(isa, x, &y, LINE.mean, &mut df);
            ([y, df.clone(), df], sums)
        }
    }

    #[test]
    fn the_bits_are_those_of_the_steps_for_every_length() {
        for isa in every_isa() {
            for (len, rooted) in (0..=200).flat_map(|len| [(len, false), (len, true)]) {
                let (x, a, dy) = (values(len, 1), values(len, 400), values(len, 777));
                let inputs = [&x[..], &a, &dy];
                assert_eq!(at_once(isa, rooted, inputs), in_steps(isa, rooted, inputs), "{isa:?} {len} {rooted}");
            }
        }
    }

    #[test]
    fn an_infinite_shift_spoils_no_sum_behind_the_end() {
        for isa in every_isa() {
            let (x, a) = (vec![0.5_f32; 5], vec![1.0; 5]);
            let (mut dy, mut da) = (vec![1.0; 5], vec![0.0; 5]);
            let line = Normalisation { mean: 0.25, scale: 1.0, shift: f32::INFINITY };
            let sums = join_sort_root_backward(isa, &x, &a, line, EPSILON, &mut dy, &mut da);
            assert!(da.iter().all(|da| da.is_nan()) && dy == [1.0; 5], "{da:?} {dy:?}");
            assert_eq!(sums, [5.0, 1.25]);
        }
    }

    #[test]
    fn the_formulas_hold_in_plain_code() {
        let (x, a, dy) = ([2.0_f64, 0.0, -4.0], [3.0, -1.0, 1.0], [1.0, 1.0, 1.0]);
        let line = Normalisation { mean: 1.0, scale: 2.0, shift: 0.0 };
        for isa in every_isa() {
            let (mut y, mut df, mut da) = ([0.0; 3], dy, [0.0; 3]);
            join_sort_root(isa, &x, &a, 0.25, line, &mut y);
            // f is 2, −2 and −10; of the first, √(3·2 + ¼) = 2.5 is the root.
            assert_eq!(y, [7.5, 0.0, 0.0]);
            let sums = join_sort_root_backward(isa, &x, &a, line, 0.25, &mut df, &mut da);
            assert_eq!((df, da), ([1.0 + 3.0 / 5.0, 0.0, 0.0], [1.0 + 2.0 / 5.0, 0.0, 0.0]));
            assert_eq!(sums, [df[0], df[0]]);
            join_sum(isa, &x, &a, line, &mut y);
            assert_eq!(y, [5.0, 0.0, 0.0]);
        }
    }
}
