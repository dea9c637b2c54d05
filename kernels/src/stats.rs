//! Mean and variance of a set that arrives in parts, and the two sums that a normalisation's gradient needs.
//!
//! The textbook's `E[x²] − E[x]²` loses every digit when the mean is large against the deviation, and one sum over a
//! whole batch loses some to the length of the sum. What this file does instead:
//!
//! 1. A part short enough for the first cache level is read twice: once for a provisional mean, once for the
//!    deviations from it. The second reading costs no memory traffic.
//! 2. The deviations' own sum, which would be 0 if the provisional mean were exact, corrects both results.
//! 3. Where squares of `f32` overflow, or are so small that they lose digits, the part is read once more, in `f64`.
//! 4. Parts are merged in `f64` by Chan's formula, in whatever order the caller fixes. There is one merge for thousands
//!    of elements, so `f64` costs nothing, and the order alone decides the bits.
//!
//! Source: Chan, Golub, LeVeque, *Algorithms for computing the sample variance*, The American Statistician 37, 1983.

use crate::isa::Isa;
use crate::norm::Normalisation;
use crate::number::Number;
use crate::relu::rectified;
use crate::simd::Simd;
use crate::tail::load_padded;

/// Elements read twice in a row: 16 KiB of `f32`, half of a small first cache level.
const PART: usize = 4096;

/// Independent accumulators, so that an addition need not wait for the one before.
const ACCUMULATORS: usize = 4;

/// Below this mean square, squares of `f32` may have lost digits that count: each is off by 2⁻¹⁵⁰ at most.
const LOST: f64 = 1.0 / (1_u128 << 124) as f64;

/// Count, mean and sum of squared deviations from the mean.
///
/// ```
/// use evograd_kernels::{Isa, stats::Moments};
/// let all = Moments::of(Isa::PORTABLE, &[1.0_f32, 2.0, 3.0, 6.0]);
/// assert_eq!((all.count, all.mean, all.m2), (4, 3.0, 14.0));
/// let [left, right] = [[1.0_f32, 2.0], [3.0, 6.0]].map(|part| Moments::of(Isa::PORTABLE, &part));
/// assert_eq!(left.merge(right), all);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many values.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// The sum of their squared deviations from the mean.
    pub m2: f64,
}

impl Moments {
    /// The moments of all values in `x`.
    pub fn of<E: Number + StatsKernels<E>>(isa: Isa, x: &[E]) -> Moments {
        let parts = x.chunks(PART).map(|part| {
            let [mean, first, second] = deviations(isa, part).map(E::to_f64);
            let count = part.len() as f64;
            // Squares of 4096 deviations that leave the range of the type, or lose digits at its lower end, show in
            // their sum. An overflow of the sum of the values makes it NaN.
            let trusted = !E::WIDENS || (LOST * count..=f64::MAX).contains(&second);
            if trusted {
                Moments { count: part.len(), mean: mean + first / count, m2: second - first * first / count }
            } else {
                Moments::wide(part)
            }
        });
        parts.fold(Moments::default(), Moments::merge)
    }

    /// The moments of values whose squares do not fit their type, in `f64`.
    fn wide<E: Number>(x: &[E]) -> Moments {
        let (count, first) = (x.len(), x[0].to_f64());
        if x.iter().all(|value| *value == x[0]) {
            return Moments { count, mean: first, m2: 0.0 };
        }
        let mean = x.iter().map(|x| x.to_f64()).sum::<f64>() / count as f64;
        Moments { count, mean, m2: x.iter().map(|x| (x.to_f64() - mean).powi(2)).sum() }
    }

    /// The moments of two sets together.
    pub fn merge(self, other: Moments) -> Moments {
        if self.count == 0 {
            return other;
        }
        if other.count == 0 {
            return self;
        }
        let (own, others) = (self.count as f64, other.count as f64);
        let (count, gap) = (own + others, other.mean - self.mean);
        Moments {
            count: self.count + other.count,
            mean: self.mean + gap * (others / count),
            m2: self.m2 + other.m2 + gap * gap * (own * others / count),
        }
    }
}

/// All accumulators in one, and its lanes in one number.
#[inline(always)]
fn total<S: Simd>(s: S, accumulators: [S::Vector; ACCUMULATORS]) -> S::Elem {
    s.sum(s.add(s.add(accumulators[0], accumulators[1]), s.add(accumulators[2], accumulators[3])))
}

/// `Σx`
#[inline(always)]
fn sum<S: Simd>(s: S, x: &[S::Elem]) -> S::Elem {
    let mut sums = [s.zero(); ACCUMULATORS];
    let whole = x.len() - x.len() % (ACCUMULATORS * S::LANES);
    for block in (0..whole).step_by(ACCUMULATORS * S::LANES) {
        for accumulator in 0..ACCUMULATORS {
            sums[accumulator] = s.add(sums[accumulator], s.load(&x[block + accumulator * S::LANES..]));
        }
    }
    for i in (whole..x.len()).step_by(S::LANES) {
        sums[0] = s.add(sums[0], load_padded(s, &x[i..], S::Elem::ZERO));
    }
    total(s, sums)
}

/// Where the gradient of what a normalisation gave comes from, a vector at a time.
pub(crate) trait Gradient<S: Simd> {
    /// The gradients from `i` on, for these deviations from the mean. Where `TAIL`, the slices may end within the vector,
    /// and the gradient behind their end is 0.
    fn at<const TAIL: bool>(&mut self, s: S, i: usize, deviation: S::Vector) -> S::Vector;
}

/// The first lanes of `x`, with `padding` behind its end where `TAIL`.
#[inline(always)]
pub(crate) fn load<S: Simd, const TAIL: bool>(s: S, x: &[S::Elem], padding: S::Elem) -> S::Vector {
    if TAIL { load_padded(s, x, padding) } else { s.load(x) }
}

/// `dy` itself.
struct Given<'a, E>(&'a [E]);

impl<S: Simd> Gradient<S> for Given<'_, S::Elem> {
    #[inline(always)]
    fn at<const TAIL: bool>(&mut self, s: S, i: usize, _: S::Vector) -> S::Vector {
        load::<S, TAIL>(s, &self.0[i..], S::Elem::ZERO)
    }
}

/// What a ReLU behind a normalisation lets through of `dy`: all of it where `deviation·scale + shift` is above 0 or
/// NaN.
struct Rectified<'a, S: Simd> {
    dy: &'a [S::Elem],
    scale: S::Vector,
    shift: S::Vector,
}

impl<S: Simd> Gradient<S> for Rectified<'_, S> {
    #[inline(always)]
    fn at<const TAIL: bool>(&mut self, s: S, i: usize, deviation: S::Vector) -> S::Vector {
        let dy = load::<S, TAIL>(s, &self.dy[i..], S::Elem::ZERO);
        rectified(s, s.mul_add(deviation, self.scale, self.shift), dy)
    }
}

/// `Σg` and `Σg·(x − mean)`, where `g` is as `gradient` has it.
#[inline(always)]
pub(crate) fn sums<S: Simd>(s: S, x: &[S::Elem], mean: S::Elem, mut gradient: impl Gradient<S>) -> [S::Elem; 2] {
    let mean_lanes = s.splat(mean);
    let (mut plain, mut weighted) = ([s.zero(); ACCUMULATORS], [s.zero(); ACCUMULATORS]);
    let whole = x.len() - x.len() % (ACCUMULATORS * S::LANES);
    for block in (0..whole).step_by(ACCUMULATORS * S::LANES) {
        for accumulator in 0..ACCUMULATORS {
            let at = block + accumulator * S::LANES;
            let deviation = s.sub(s.load(&x[at..]), mean_lanes);
            let g = gradient.at::<false>(s, at, deviation);
            plain[accumulator] = s.add(plain[accumulator], g);
            weighted[accumulator] = s.mul_add(g, deviation, weighted[accumulator]);
        }
    }
    for i in (whole..x.len()).step_by(S::LANES) {
        let deviation = s.sub(load_padded(s, &x[i..], mean), mean_lanes);
        let g = gradient.at::<true>(s, i, deviation);
        plain[0] = s.add(plain[0], g);
        weighted[0] = s.mul_add(g, deviation, weighted[0]);
    }
    [total(s, plain), total(s, weighted)]
}

kernel! {
    trait StatsKernels;

    /// A provisional mean `m`, good to a few units in the last place, with `Σ(x − m)` and `Σ(x − m)²`.
    pub fn deviations(x: &[E]) -> [E; 3] |s| {
        let mean = sum(s, x) / E::from_f64(x.len() as f64);
        let mean_lanes = s.splat(mean);
        let (mut first, mut second) = ([s.zero(); ACCUMULATORS], [s.zero(); ACCUMULATORS]);
        let whole = x.len() - x.len() % (ACCUMULATORS * S::LANES);
        for block in (0..whole).step_by(ACCUMULATORS * S::LANES) {
            for accumulator in 0..ACCUMULATORS {
                let deviation = s.sub(s.load(&x[block + accumulator * S::LANES..]), mean_lanes);
                first[accumulator] = s.add(first[accumulator], deviation);
                second[accumulator] = s.mul_add(deviation, deviation, second[accumulator]);
            }
        }
        for i in (whole..x.len()).step_by(S::LANES) {
            let deviation = s.sub(load_padded(s, &x[i..], mean), mean_lanes);
            first[0] = s.add(first[0], deviation);
            second[0] = s.mul_add(deviation, deviation, second[0]);
        }
        [mean, total(s, first), total(s, second)]
    }

    /// `Σdy` and `Σdy·(x − mean)`.
    ///
    /// # Panics
    /// When the slices are not equally long.
    pub fn gradient_sums(x: &[E], dy: &[E], mean: E) -> [E; 2] |s| {
        assert_eq!(x.len(), dy.len(), "gradient_sums: a gradient for each value");
        sums(s, x, mean, Given(dy))
    }

    /// As [`gradient_sums`], about the mean of `line`, of the `dy` where `(x − mean)·scale + shift` is above 0 alone: where a
    /// ReLU behind the normalisation let it through.
    ///
    /// # Panics
    /// When the slices are not equally long.
    pub fn gradient_sums_relu(x: &[E], dy: &[E], line: Normalisation<E>) -> [E; 2] |s| {
        assert_eq!(x.len(), dy.len(), "gradient_sums_relu: a gradient for each value");
        sums(s, x, line.mean, Rectified { dy, scale: s.splat(line.scale), shift: s.splat(line.shift) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::every_isa;

    /// Values without pattern around `centre`, spread over one unit.
    fn values(len: usize, centre: f32) -> Vec<f32> {
        (0..len).map(|i| centre + (i * 7919 % 1009) as f32 / 1009.0).collect()
    }

    fn naive(x: &[f32]) -> (f64, f64) {
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / x.len() as f64;
        (mean, x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum())
    }

    #[test]
    fn moments_hold_for_every_length_and_for_a_mean_far_above_the_deviation() {
        for isa in every_isa() {
            for len in (1..=131).chain([PART - 1, PART + 1, 3 * PART + 5]) {
                for centre in [0.0, 1e4, -1e5] {
                    let x = values(len, centre);
                    let (found, (mean, m2)) = (Moments::of(isa, &x), naive(&x));
                    assert_eq!(found.count, len);
                    assert!((found.mean - mean).abs() < 1e-6, "{isa:?} {len} {centre}: {found:?} instead of {mean}");
                    assert!((found.m2 - m2).abs() <= 2e-6 * m2 + 1e-9, "{isa:?} {len} {centre}: {found:?}, not {m2}");
                }
            }
        }
    }

    #[test]
    fn merging_parts_gives_the_moments_of_the_whole() {
        let x: Vec<f64> = values(1000, 100.0).into_iter().map(f64::from).collect();
        let whole = Moments::of(Isa::PORTABLE, &x);
        let parts = x.chunks(77).map(|part| Moments::of(Isa::PORTABLE, part));
        let merged = parts.fold(Moments::default(), Moments::merge);
        assert_eq!(merged.count, whole.count);
        assert!((merged.mean - whole.mean).abs() < 1e-12 && (merged.m2 - whole.m2).abs() < 1e-9);
        assert_eq!(whole.merge(Moments::default()), whole);
    }

    #[test]
    fn gradient_sums_agree_with_plain_sums_for_every_length() {
        for isa in every_isa() {
            for len in 0..=200 {
                let (x, dy) = (values(len, 3.0), values(len + 1, -0.4)[1..].to_vec());
                let terms = || x.iter().zip(&dy).map(|(x, dy)| (f64::from(*x), f64::from(*dy)));
                let plain = [terms().map(|(_, dy)| dy).sum::<f64>(), terms().map(|(x, dy)| dy * (x - 3.25)).sum()];
                let through = || terms().filter(|(x, _)| (x - 3.25) * 2.0 + 0.125 > 0.0);
                let rectified = [through().map(|(_, dy)| dy).sum(), through().map(|(x, dy)| dy * (x - 3.25)).sum()];
                let line = Normalisation { mean: 3.25, scale: 2.0, shift: 0.125 };
                let found = [gradient_sums(isa, &x, &dy, 3.25), gradient_sums_relu(isa, &x, &dy, line)];
                for (found, expected) in found.into_iter().flatten().zip(plain.into_iter().chain(rectified)) {
                    assert!((f64::from(found) - expected).abs() < 2e-5, "{isa:?} {len}: {found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn nan_reaches_every_result() {
        for isa in every_isa() {
            for at in [0, 63, 66] {
                let mut x = values(67, 0.0);
                x[at] = f32::NAN;
                let found = Moments::of(isa, &x);
                assert!(found.mean.is_nan() && found.m2.is_nan(), "{isa:?} {at}: {found:?}");
                assert!(gradient_sums(isa, &x, &values(67, 1.0), 0.0)[1].is_nan());
                assert!(gradient_sums(isa, &values(67, 1.0), &x, 0.0).iter().all(|sum| sum.is_nan()));
            }
        }
    }
}
