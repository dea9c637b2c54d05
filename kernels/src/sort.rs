//! SORT, the second-order response transform of two branches (ICCV 2017), in one pass over memory.
//!
//! With the rectifier `R(z) = max(z, 0)`, a sequence of plain operations would be
//!
//! ```text
//! product = R(a) · R(b)               2 passes for the rectifiers, 1 for the product
//! y = a + b + √(product + ε)          1 for the root, 2 for the sums
//! y = R(y)                            1, where the block goes on with a ReLU
//! ```
//!
//! and each pass would write and read a whole activation. Here a vector is loaded once, everything happens in
//! registers, and `y` is written once. Backward **recomputes** the product and the root from `a` and `b`, so that
//! nothing but the two inputs is kept: a few operations cost less than reading an activation back from memory.
//!
//! The product may overflow where its root does not: where it comes near the ends of the range, the root is computed
//! in `f64`. Asking costs one comparison for a vector.
//!
//! Only the factors are rectified, never the sum: two negatives give no product. The slope of `R` at zero is zero.
//! With the trailing ReLU, `dy` counts only where the sum was positive, which is recomputed as well.

use crate::number::Number;
use crate::relu::rectified as let_through;
use crate::simd::{MAX_LANES, Simd};

/// Products of which `f32` is trusted to hold every digit; outside, they are computed in `f64`.
const LEAST: f64 = 1.0 / GREATEST;
const GREATEST: f64 = (1_u128 << 100) as f64;

/// `a + b + R(a)·R(b)`
#[inline(always)]
fn sort<S: Simd>(s: S, a: S::Vector, b: S::Vector) -> S::Vector {
    s.mul_add(s.max(s.zero(), a), s.max(s.zero(), b), s.add(a, b))
}

/// `√(R(a)·R(b) + ε)`, and whether a product left the range in which `f32` is trusted.
///
/// The product is at least ε, so that with an ordinary ε only its greatness is to be asked for; with another, every
/// vector is taken for one out of range. So there is one comparison and one branch, here and in [`root_slopes`] together.
#[inline(always)]
pub(crate) fn root<S: Simd>(s: S, a: S::Vector, b: S::Vector, epsilon: S::Vector) -> (S::Vector, bool) {
    let [none, least, greatest] = [-1.0, LEAST, GREATEST].map(|limit| s.splat(S::Elem::from_f64(limit)));
    let limit = s.select_gt(least, epsilon, none, greatest);
    let product = s.mul_add(s.max(s.zero(), a), s.max(s.zero(), b), epsilon);
    let strange = s.any_gt(product, limit);
    (if strange { root_anywhere(s, a, b, epsilon) } else { s.sqrt(product) }, strange)
}

/// [`root`] where the product leaves the range of the type, though its root does not: one lane after the other.
#[cold]
#[inline(never)]
fn root_anywhere<S: Simd>(s: S, a: S::Vector, b: S::Vector, epsilon: S::Vector) -> S::Vector {
    let [mut a, b, epsilon] = [a, b, epsilon].map(|v| lanes(s, v));
    for ((a, b), epsilon) in a.iter_mut().zip(b).zip(epsilon) {
        let [x, y, epsilon] = [*a, b, epsilon].map(|x| x.to_f64());
        let (x, y) = (rectified(x), rectified(y));
        // f64 holds every product of two f32; its own are kept within its range by a power of 2 taken out of each.
        let unit = if !S::Elem::WIDENS && x * y > GREATEST { 2_f64.powi(512) } else { 1.0 };
        *a = S::Elem::from_f64(((x / unit) * (y / unit) + epsilon / unit / unit).sqrt() * unit);
    }
    s.load(&a)
}

/// `R(x)`, NaN where `x` is.
fn rectified(x: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { x }
}

fn lanes<S: Simd>(s: S, v: S::Vector) -> [S::Elem; MAX_LANES] {
    let mut lanes = [S::Elem::ZERO; MAX_LANES];
    s.store(v, &mut lanes);
    lanes
}

/// `da = dy·(1 + R(b)·[a>0])`, and `db` likewise
#[inline(always)]
fn sort_slopes<S: Simd>(s: S, a: S::Vector, b: S::Vector, dy: S::Vector) -> [S::Vector; 2] {
    let slope = |own, other| s.select_gt(own, s.zero(), s.max(s.zero(), other), s.zero());
    [s.mul_add(dy, slope(a, b), dy), s.mul_add(dy, slope(b, a), dy)]
}

/// `da = dy·(1 + R(b)·[a>0] / 2·root)`, and `db` likewise
///
/// The slope is made before `dy` comes in: a great `dy` over a small root might overflow. A root so great that its
/// reciprocal would have lost digits is divided by.
#[inline(always)]
pub(crate) fn root_slopes<S: Simd>(
    s: S,
    a: S::Vector,
    b: S::Vector,
    (root, strange): (S::Vector, bool),
    dy: S::Vector,
) -> [S::Vector; 2] {
    let one_half = s.splat(S::Elem::from_f64(0.5));
    let slope = |own, other| s.select_gt(own, s.zero(), s.max(s.zero(), other), s.zero());
    let (a, b) = (slope(b, a), slope(a, b));
    if strange {
        let share = |other| s.mul(s.div(other, root), one_half);
        return [s.mul_add(share(b), dy, dy), s.mul_add(share(a), dy, dy)];
    }
    let half = s.div(one_half, root);
    [s.mul_add(s.mul(half, b), dy, dy), s.mul_add(s.mul(half, a), dy, dy)]
}

lanewise! {
    trait SortKernels;

    /// `y = a + b + R(a)·R(b)`
    pub fn sort_forward(a, b;) -> (y) |s| { [sort(s, a, b)] }

    /// `y = R(a + b + R(a)·R(b))`
    pub fn sort_relu_forward(a, b;) -> (y) |s| { [s.max(s.zero(), sort(s, a, b))] }

    /// The gradients of [`sort_forward`].
    pub fn sort_backward(a, b, dy;) -> (da, db) |s| { sort_slopes(s, a, b, dy) }

    /// The gradients of [`sort_relu_forward`].
    pub fn sort_relu_backward(a, b, dy;) -> (da, db) |s| {
        sort_slopes(s, a, b, let_through(s, sort(s, a, b), dy))
    }

    /// `y = a + b + √(R(a)·R(b) + ε)`
    pub fn sort_root_forward(a, b; epsilon) -> (y) |s| { [s.add(s.add(a, b), root(s, a, b, epsilon).0)] }

    /// `y = R(a + b + √(R(a)·R(b) + ε))`
    pub fn sort_root_relu_forward(a, b; epsilon) -> (y) |s| {
        [s.max(s.zero(), s.add(s.add(a, b), root(s, a, b, epsilon).0))]
    }

    /// The gradients of [`sort_root_forward`].
    pub fn sort_root_backward(a, b, dy; epsilon) -> (da, db) |s| {
        root_slopes(s, a, b, root(s, a, b, epsilon), dy)
    }

    /// The gradients of [`sort_root_relu_forward`].
    pub fn sort_root_relu_backward(a, b, dy; epsilon) -> (da, db) |s| {
        let root = root(s, a, b, epsilon);
        let y = s.add(s.add(a, b), root.0);
        root_slopes(s, a, b, root, let_through(s, y, dy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::testing::{every_isa, every_length, values};

    const EPSILON: f32 = 1e-4;

    /// `[y, slope of a, slope of b]` in `f64`, and the magnitude of what `y` is added up from.
    fn plain(a: f32, b: f32, rooted: bool) -> ([f64; 3], f64) {
        let rectified = |x: f64| if x > 0.0 || x.is_nan() { x } else { 0.0 };
        let slope = |own: f64, other: f64| if own > 0.0 { rectified(other) } else { 0.0 };
        let (a, b) = (f64::from(a), f64::from(b));
        let product = rectified(a) * rectified(b);
        let root = (product + f64::from(EPSILON)).sqrt();
        let (term, half) = if rooted { (root, 0.5 / root) } else { (product, 1.0) };
        ([a + b + term, 1.0 + half * slope(a, b), 1.0 + half * slope(b, a)], a.abs() + b.abs() + term)
    }

    /// Products and sums are rounded once or twice, so results are held to a few units of the greatest term.
    fn assert_near(what: &str, found: f32, expected: f64, magnitude: f64) {
        let rounded = expected as f32;
        let near = match rounded.is_finite() {
            true => (f64::from(found) - expected).abs() <= 4.0 * f64::from(f32::EPSILON) * magnitude + 1e-44,
            false => found == rounded || found.is_nan() && rounded.is_nan(),
        };
        assert!(near, "{what}: {found:e} instead of {expected:e}");
    }

    type Forward = fn(Isa, &[f32], &[f32], &mut [f32]);
    type Backward = fn(Isa, &[f32], &[f32], &[f32], &mut [f32], &mut [f32]);

    fn check(rooted: bool, forward: [Forward; 2], backward: [Backward; 2], drawn: impl Fn(usize, u32) -> Vec<f32>) {
        for isa in every_isa() {
            for length in every_length() {
                let (a, b, dy) = (drawn(length, 1), drawn(length, 2), drawn(length, 3));
                for relu in [false, true] {
                    let [mut y, mut da, mut db] = [(); 3].map(|()| vec![7.0; length]);
                    forward[usize::from(relu)](isa, &a, &b, &mut y);
                    backward[usize::from(relu)](isa, &a, &b, &dy, &mut da, &mut db);
                    for i in 0..length {
                        let what = format!(
                            "{isa:?}, rooted {rooted}, relu {relu}, a {:e}, b {:e}, dy {:e}",
                            a[i], b[i], dy[i]
                        );
                        let ([sum, slope_a, slope_b], magnitude) = plain(a[i], b[i], rooted);
                        let rectified = if relu && sum <= 0.0 { 0.0 } else { sum };
                        assert_near(&what, y[i], rectified, magnitude);
                        let counted = if relu && sum <= 0.0 { 0.0 } else { f64::from(dy[i]) };
                        for (found, slope) in [(da[i], slope_a), (db[i], slope_b)] {
                            assert_near(&what, found, counted * slope, (counted * slope).abs());
                        }
                    }
                }
            }
        }
    }

    fn check_both(drawn: impl Fn(usize, u32) -> Vec<f32>) {
        let backward: [Backward; 2] = [sort_backward, sort_relu_backward];
        check(false, [sort_forward, sort_relu_forward], backward, &drawn);
        let forward: [Forward; 2] = [
            |isa, a, b, y| sort_root_forward(isa, a, b, EPSILON, y),
            |isa, a, b, y| sort_root_relu_forward(isa, a, b, EPSILON, y),
        ];
        let backward: [Backward; 2] = [
            |isa, a, b, dy, da, db| sort_root_backward(isa, a, b, dy, EPSILON, da, db),
            |isa, a, b, dy, da, db| sort_root_relu_backward(isa, a, b, dy, EPSILON, da, db),
        ];
        check(true, forward, backward, &drawn);
    }

    #[test]
    fn outputs_and_gradients_equal_those_of_plain_code() {
        check_both(|length, seed| values(length, seed).iter().map(|x| x.clamp(-8.0, 8.0)).collect());
    }

    /// Where products overflow there is no finite gradient to compare; outputs become infinite or NaN as they should.
    #[test]
    fn special_values_come_through() {
        for isa in every_isa() {
            for length in every_length() {
                let (a, b) = (values(length, 1), values(length, 2));
                let mut y = vec![7.0; length];
                sort_forward(isa, &a, &b, &mut y);
                for i in 0..length {
                    let ([expected, ..], magnitude) = plain(a[i], b[i], false);
                    assert_near(&format!("{isa:?}, a {:e}, b {:e}", a[i], b[i]), y[i], expected, magnitude);
                }
            }
        }
    }
}
