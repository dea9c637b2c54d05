//! eˣ in every lane of `f32`.
//!
//! 1. Split `x = n·ln 2 + r` with integral `n`, so that `|r| ≤ ½ ln 2` and `eˣ = 2ⁿ·eʳ`. `ln 2` is subtracted in two
//!    parts, of which the first is exact in few bits: `n·ln 2` would lose the digits that `r` is made of.
//! 2. `eʳ` is the Taylor sum to degree 7, whose remainder on that interval is below one tenth of an ulp.
//! 3. `2ⁿ` is multiplied in two halves, since `n` may leave the range of exponents on either side: results become
//!    infinite or subnormal where they should, never garbage.
//!
//! `f64` takes the standard library's function instead: one lane has nothing to gain.

use crate::simd::Simd;

/// Beyond these, the result is infinity and zero.
const HIGHEST: f32 = 89.0;
const LOWEST: f32 = -105.0;

/// `1/k!` for `k` = 7 down to 0.
const TAYLOR: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];

/// eˣ in every lane; NaN stays NaN.
#[inline(always)]
pub fn exp_f32<S: Simd<Elem = f32>>(s: S, x: S::Vector) -> S::Vector {
    let x = s.min(s.splat(HIGHEST), s.max(s.splat(LOWEST), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.mul_add(n, s.splat(-0.693_359_4), x);
    let r = s.mul_add(n, s.splat(2.121_944_4e-4), r);
    let mut sum = s.splat(TAYLOR[0]);
    for coefficient in &TAYLOR[1..] {
        sum = s.mul_add(sum, r, s.splat(*coefficient));
    }
    let half = s.round(s.mul(n, s.splat(0.5)));
    s.mul(s.mul(sum, s.exp2_int(half)), s.exp2_int(s.sub(n, half)))
}
