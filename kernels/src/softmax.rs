//! Softmax and its logarithm along rows, with the lanes along the row.
//!
//! A row is added up in blocks of 128 elements, and the sums of the blocks in pairs, pairs of pairs, and so on: the rounding
//! error of a sum over 200,000 classes is that of a few dozen additions.
//!
//! Each row is shifted by its maximum first, so that no exponential overflows and the greatest is 1. The end of a row
//! is padded with −∞, which is never the maximum and whose exponential adds 0. A NaN or +∞ in a row makes the row NaN,
//! and so does a row of −∞ alone.

use crate::exp::ExpLanes;
use crate::number::Number;
use crate::reduce::{PairwiseSum, total};
use crate::simd::Simd;
use crate::tail::{greatest, load_padded, store_some};

fn assert_rows(kernel: &str, width: usize, lens: &[usize]) {
    assert!(width > 0, "{kernel}: rows without elements");
    assert!(
        lens.iter().all(|len| *len == lens[0] && len.is_multiple_of(width)),
        "{kernel}: slices of lengths {lens:?} in rows of {width}"
    );
}

/// The greatest element of a row.
#[inline(always)]
fn maximum<S: Simd>(s: S, x: &[S::Elem]) -> S::Elem {
    let mut most = s.splat(S::Elem::NEG_INFINITY);
    for i in (0..x.len()).step_by(S::LANES) {
        most = s.max(most, load_padded(s, &x[i..], S::Elem::NEG_INFINITY));
    }
    greatest(s, most)
}

/// `e^(x − most)` for the lanes at the front of `x`, 0 behind its end.
#[inline(always)]
fn exponentials<S: Simd<Elem: ExpLanes>>(s: S, x: &[S::Elem], most: S::Vector) -> S::Vector {
    S::Elem::exp_lanes(s, s.sub(load_padded(s, x, S::Elem::NEG_INFINITY), most))
}

/// Elements added one vector after the other.
const BLOCK: usize = 128;

/// Adds up what `block`, a function of a range of the row, makes of each block.
macro_rules! by_blocks {
    ($width:expr, |$block:ident| $sum:expr) => {{
        let width = $width;
        if width <= BLOCK {
            let $block = 0..width;
            $sum
        } else {
            let mut pairwise = PairwiseSum::new();
            for start in (0..width).step_by(BLOCK) {
                let $block = start..width.min(start + BLOCK);
                pairwise.push($sum);
            }
            pairwise.total()
        }
    }};
}

/// `Σ e^(x − most)`
#[inline(always)]
fn sum_of_exponentials<S: Simd<Elem: ExpLanes>>(s: S, x: &[S::Elem], most: S::Vector) -> S::Elem {
    by_blocks!(x.len(), |block| {
        let mut sum = s.zero();
        let x = &x[block];
        for i in (0..x.len()).step_by(S::LANES) {
            sum = s.add(sum, exponentials(s, &x[i..], most));
        }
        s.sum(sum)
    })
}

/// `1 − e^l[i]` and `Σt − t[i]` of one row, as sums over the other elements: where `e^l[i]` is near 1 or `t[i]` is nearly
/// all of the sum, the differences would have lost their digits.
#[inline(always)]
fn others<S: Simd<Elem: ExpLanes>>(s: S, l: &[S::Elem], t: &[S::Elem], i: usize) -> [S::Elem; 2] {
    let sum = |l: &[S::Elem]| sum_of_exponentials(s, l, s.zero());
    [sum(&l[..i]) + sum(&l[i + 1..]), total(s, &t[..i]) + total(s, &t[i + 1..])]
}

/// A power of 2 so small that no sum of a row times it overflows.
const SMALL: f64 = 1.0 / (1_u64 << 40) as f64;

/// `Σ x`, and what it is yet to be multiplied by where it would overflow.
#[inline(always)]
fn guarded_total<S: Simd>(s: S, x: &[S::Elem]) -> [S::Elem; 2] {
    let sum = total(s, x);
    if sum.is_finite() {
        return [sum, S::Elem::ONE];
    }
    let small = x.iter().fold(0.0, |sum, x| sum + x.to_f64() * SMALL);
    [S::Elem::from_f64(small), S::Elem::from_f64(1.0 / SMALL)]
}

kernel! {
    trait SoftmaxKernels;

    /// `y = eˣ / Σeˣ` in each row of `width` elements.
    ///
    /// # Panics
    /// When the slices are not equally long, or not whole rows.
    pub fn softmax_forward(width: usize, x: &[E], y: &mut [E]) |s| {
        assert_rows("softmax_forward", width, &[x.len(), y.len()]);
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            let most = s.splat(maximum(s, x));
            let sum = by_blocks!(width, |block| {
                let mut sum = s.zero();
                let (x, y) = (&x[block.clone()], &mut y[block]);
                for i in (0..x.len()).step_by(S::LANES) {
                    let e = exponentials(s, &x[i..], most);
                    sum = s.add(sum, e);
                    store_some(s, e, &mut y[i..]);
                }
                s.sum(sum)
            });
            let sum = s.splat(sum);
            for i in (0..width).step_by(S::LANES) {
                let e = load_padded(s, &y[i..], E::ZERO);
                store_some(s, s.div(e, sum), &mut y[i..]);
            }
        }
    }

    /// `dx = y·(dy − Σdy·y)` in each row.
    ///
    /// # Panics
    /// As [`softmax_forward`].
    pub fn softmax_backward(width: usize, y: &[E], dy: &[E], dx: &mut [E]) |s| {
        assert_rows("softmax_backward", width, &[y.len(), dy.len(), dx.len()]);
        let rows = y.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((y, dy), dx) in rows {
            let dot = by_blocks!(width, |block| {
                let mut dot = s.zero();
                let (y, dy) = (&y[block.clone()], &dy[block]);
                for i in (0..y.len()).step_by(S::LANES) {
                    dot = s.mul_add(load_padded(s, &y[i..], E::ZERO), load_padded(s, &dy[i..], E::ZERO), dot);
                }
                s.sum(dot)
            });
            let dot = s.splat(dot);
            for i in (0..width).step_by(S::LANES) {
                let (y, dy) = (load_padded(s, &y[i..], E::ZERO), load_padded(s, &dy[i..], E::ZERO));
                store_some(s, s.mul(y, s.sub(dy, dot)), &mut dx[i..]);
            }
        }
    }

    /// `y = x − ln Σeˣ` in each row of `width` elements.
    ///
    /// # Panics
    /// As [`softmax_forward`].
    pub fn log_softmax_forward(width: usize, x: &[E], y: &mut [E]) |s| {
        assert_rows("log_softmax_forward", width, &[x.len(), y.len()]);
        for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
            let most = s.splat(maximum(s, x));
            let log = s.splat(sum_of_exponentials(s, x, most).ln());
            for i in (0..width).step_by(S::LANES) {
                let shifted = s.sub(load_padded(s, &x[i..], E::ZERO), most);
                store_some(s, s.sub(shifted, log), &mut y[i..]);
            }
        }
    }

    /// `dx = dy − e^y·Σdy` in each row.
    ///
    /// # Panics
    /// As [`softmax_forward`].
    pub fn log_softmax_backward(width: usize, y: &[E], dy: &[E], dx: &mut [E]) |s| {
        assert_rows("log_softmax_backward", width, &[y.len(), dy.len(), dx.len()]);
        let rows = y.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width));
        for ((y, dy), dx) in rows {
            let [sum, back] = guarded_total(s, dy).map(|x| s.splat(x));
            for i in (0..width).step_by(S::LANES) {
                let (y, dy) = (load_padded(s, &y[i..], E::ZERO), load_padded(s, &dy[i..], E::ZERO));
                let share = s.mul(s.mul(E::exp_lanes(s, y), sum), back);
                store_some(s, s.sub(dy, share), &mut dx[i..]);
            }
        }
    }

    /// `dx = factor·(e^l·Σt − t)` in each row: the gradient of `−factor·Σt·l` through the log-softmax `l`.
    ///
    /// # Panics
    /// As [`softmax_forward`].
    pub fn cross_entropy_backward(width: usize, l: &[E], t: &[E], factor: E, dx: &mut [E]) |s| {
        assert_rows("cross_entropy_backward", width, &[l.len(), t.len(), dx.len()]);
        let factor_lanes = s.splat(factor);
        for ((l, t), dx) in l.chunks_exact(width).zip(t.chunks_exact(width)).zip(dx.chunks_exact_mut(width)) {
            let sum = s.splat(total(s, t));
            for i in (0..width).step_by(S::LANES) {
                let (l, t) = (load_padded(s, &l[i..], E::ZERO), load_padded(s, &t[i..], E::ZERO));
                let difference = s.sub(s.mul(E::exp_lanes(s, l), sum), t);
                store_some(s, s.mul(factor_lanes, difference), &mut dx[i..]);
            }
            // At the one class of more than half the probability, `p·Σt − t` is `p·(Σt − t) − t·(1 − p)`.
            if let Some(i) = l.iter().position(|l| *l > E::from_f64(-std::f64::consts::LN_2)) {
                let [rest, others] = others(s, l, t, i);
                dx[i] = factor * (l[i].exp() * others - t[i] * rest);
            }
        }
    }
}

lanewise! {
    trait SoftmaxStepKernels;

    /// `dx = factor·(e^l − t)` with the same target `t` everywhere.
    pub fn uniform_cross_entropy_backward(l; t, factor) -> (dx) |s| { [s.mul(factor, s.sub(E::exp_lanes(s, l), t))] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::testing::every_isa;

    fn values(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i + seed) * 7919 % 97) as f32 / 12.0 - 4.0).collect()
    }

    fn naive_log_softmax(x: &[f32]) -> Vec<f64> {
        let most = x.iter().fold(f64::NEG_INFINITY, |most, x| most.max(f64::from(*x)));
        let sum: f64 = x.iter().map(|x| (f64::from(*x) - most).exp()).sum();
        x.iter().map(|x| f64::from(*x) - most - sum.ln()).collect()
    }

    fn assert_close(found: &[f32], expected: impl Iterator<Item = f64>, what: &str) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 2e-5, "{what}: {found} instead of {expected}");
        }
    }

    #[test]
    fn every_kernel_agrees_with_the_formula_for_every_width() {
        for isa in every_isa() {
            for width in 1..=67 {
                let (x, dy) = (values(2 * width, 1), values(2 * width, 5));
                let [mut p, mut l, mut dp, mut dl, mut dt] = [(); 5].map(|()| vec![0.0; 2 * width]);
                softmax_forward(isa, width, &x, &mut p);
                log_softmax_forward(isa, width, &x, &mut l);
                softmax_backward(isa, width, &p, &dy, &mut dp);
                log_softmax_backward(isa, width, &l, &dy, &mut dl);
                cross_entropy_backward(isa, width, &l, &dy, 0.5, &mut dt);
                for row in [0..width, width..2 * width] {
                    let log = naive_log_softmax(&x[row.clone()]);
                    let dy: Vec<f64> = dy[row.clone()].iter().map(|dy| f64::from(*dy)).collect();
                    let dot: f64 = log.iter().zip(&dy).map(|(l, dy)| l.exp() * dy).sum();
                    let sum: f64 = dy.iter().sum();
                    let pairs = || log.iter().zip(&dy);
                    let what = |name| format!("{name} {isa:?} {width}");
                    assert_close(&p[row.clone()], log.iter().map(|l| l.exp()), &what("softmax"));
                    assert_close(&l[row.clone()], log.iter().copied(), &what("log_softmax"));
                    assert_close(&dp[row.clone()], pairs().map(|(l, dy)| l.exp() * (dy - dot)), &what("softmax back"));
                    assert_close(&dl[row.clone()], pairs().map(|(l, dy)| dy - l.exp() * sum), &what("log back"));
                    assert_close(&dt[row], pairs().map(|(l, dy)| 0.5 * (l.exp() * sum - dy)), &what("entropy back"));
                }
            }
        }
    }

    #[test]
    fn large_values_do_not_overflow_and_minus_infinity_has_probability_zero() {
        for isa in every_isa() {
            let mut y = [0.0; 3];
            softmax_forward(isa, 3, &[3e38_f32, 3e38, f32::NEG_INFINITY], &mut y);
            assert_eq!(y, [0.5, 0.5, 0.0]);
            log_softmax_forward(isa, 3, &[-3e38_f32, -3e38, f32::NEG_INFINITY], &mut y);
            assert_eq!(y[2], f32::NEG_INFINITY);
            assert!((y[0] + std::f32::consts::LN_2).abs() < 1e-6);
        }
    }

    #[test]
    fn nan_infinity_and_a_row_of_minus_infinity_make_the_row_nan() {
        for isa in every_isa() {
            for width in [1, 3, 16, 33] {
                for at in 0..width {
                    for bad in [f32::NAN, f32::INFINITY] {
                        let mut x = values(width, 0);
                        x[at] = bad;
                        assert_nan(isa, width, &x);
                    }
                }
                assert_nan(isa, width, &vec![f32::NEG_INFINITY; width]);
            }
        }
    }

    fn assert_nan(isa: Isa, width: usize, x: &[f32]) {
        let (mut p, mut l) = (vec![0.0; width], vec![0.0; width]);
        softmax_forward(isa, width, x, &mut p);
        log_softmax_forward(isa, width, x, &mut l);
        assert!(p.iter().chain(&l).all(|y| y.is_nan()), "{isa:?} {x:?}: {p:?} {l:?}");
    }
}
