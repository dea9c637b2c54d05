//! SORT, the second-order response transform of two branches (ICCV 2017), in one pass over memory.
//!
//! With the rectifier `R(z) = max(z, 0)`, a chain of plain operations would be
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
//! Only the factors are rectified, never the sum: two negatives give no product. The slope of `R` at zero is zero.
//! With the trailing ReLU, `dy` counts only where the sum was positive, which is recomputed as well.

use crate::simd::Simd;

/// `a + b + R(a)·R(b)`
#[inline(always)]
fn sort<S: Simd>(s: S, a: S::Vector, b: S::Vector) -> S::Vector {
    s.mul_add(s.max(s.zero(), a), s.max(s.zero(), b), s.add(a, b))
}

/// `√(R(a)·R(b) + ε)`
#[inline(always)]
fn root<S: Simd>(s: S, a: S::Vector, b: S::Vector, epsilon: S::Vector) -> S::Vector {
    s.sqrt(s.mul_add(s.max(s.zero(), a), s.max(s.zero(), b), epsilon))
}

/// `da = dy·(1 + R(b)·[a>0])`, and `db` likewise
#[inline(always)]
fn sort_slopes<S: Simd>(s: S, a: S::Vector, b: S::Vector, dy: S::Vector) -> [S::Vector; 2] {
    let slope = |own, other| s.select_gt(own, s.zero(), s.max(s.zero(), other), s.zero());
    [s.mul_add(dy, slope(a, b), dy), s.mul_add(dy, slope(b, a), dy)]
}

/// `da = dy·(1 + ½·R(b)·[a>0] / root)`, and `db` likewise
#[inline(always)]
fn root_slopes<S: Simd>(s: S, a: S::Vector, b: S::Vector, root: S::Vector, dy: S::Vector) -> [S::Vector; 2] {
    let half = s.div(s.mul(dy, s.splat(<S::Elem as crate::Element>::from_f64(0.5))), root);
    let slope = |own, other| s.select_gt(own, s.zero(), s.max(s.zero(), other), s.zero());
    [s.mul_add(half, slope(a, b), dy), s.mul_add(half, slope(b, a), dy)]
}

lanewise! {
    /// `y = a + b + R(a)·R(b)`
    pub fn sort_forward(a, b;) -> (y) |s| { [sort(s, a, b)] }

    /// `y = R(a + b + R(a)·R(b))`
    pub fn sort_relu_forward(a, b;) -> (y) |s| { [s.max(s.zero(), sort(s, a, b))] }

    /// The gradients of [`sort_forward`].
    pub fn sort_backward(a, b, dy;) -> (da, db) |s| { sort_slopes(s, a, b, dy) }

    /// The gradients of [`sort_relu_forward`].
    pub fn sort_relu_backward(a, b, dy;) -> (da, db) |s| {
        sort_slopes(s, a, b, s.select_gt(sort(s, a, b), s.zero(), dy, s.zero()))
    }

    /// `y = a + b + √(R(a)·R(b) + ε)`
    pub fn sort_root_forward(a, b; epsilon) -> (y) |s| { [s.add(s.add(a, b), root(s, a, b, epsilon))] }

    /// `y = R(a + b + √(R(a)·R(b) + ε))`
    pub fn sort_root_relu_forward(a, b; epsilon) -> (y) |s| {
        [s.max(s.zero(), s.add(s.add(a, b), root(s, a, b, epsilon)))]
    }

    /// The gradients of [`sort_root_forward`].
    pub fn sort_root_backward(a, b, dy; epsilon) -> (da, db) |s| {
        root_slopes(s, a, b, root(s, a, b, epsilon), dy)
    }

    /// The gradients of [`sort_root_relu_forward`].
    pub fn sort_root_relu_backward(a, b, dy; epsilon) -> (da, db) |s| {
        let root = root(s, a, b, epsilon);
        let y = s.add(s.add(a, b), root);
        root_slopes(s, a, b, root, s.select_gt(y, s.zero(), dy, s.zero()))
    }
}
