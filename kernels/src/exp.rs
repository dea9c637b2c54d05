//! eˣ in every lane of `f32`.
//!
//! 1. Split `x = n·ln 2 + r` with integral `n`, so that `|r| ≤ ½ ln 2` and `eˣ = 2ⁿ·eʳ`. `ln 2` is subtracted in two
//!    parts, of which the first is exact in few bits: `n·ln 2` would lose the digits that `r` is made of.
//! 2. `eʳ` is the Taylor sum to degree 7, whose remainder on that interval is below one tenth of an ulp.
//! 3. `2ⁿ` is multiplied in two halves, since `n` may leave the range of exponents on either side: results become
//!    infinite or subnormal where they should, never garbage.
//!
//! `f64` takes the standard library's function instead: one lane has nothing to gain.

use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// A scalar whose lanes have eˣ.
pub trait ExpLanes: Number {
    /// eˣ in every lane.
    #[doc(hidden)]
    fn exp_lanes<S: Simd<Elem = Self>>(s: S, x: S::Vector) -> S::Vector;
}

impl ExpLanes for f32 {
    #[inline(always)]
    fn exp_lanes<S: Simd<Elem = f32>>(s: S, x: S::Vector) -> S::Vector {
        exp_f32(s, x)
    }
}

impl ExpLanes for f64 {
    #[inline(always)]
    fn exp_lanes<S: Simd<Elem = f64>>(s: S, x: S::Vector) -> S::Vector {
        let mut lanes = [0.0; MAX_LANES];
        s.store(x, &mut lanes);
        for lane in &mut lanes[..S::LANES] {
            *lane = lane.exp();
        }
        s.load(&lanes)
    }
}

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

#[cfg(test)]
mod tests {
    use crate::arith::exp;
    use crate::testing::{assert_close, check_unary, every_isa, ulp_distance};

    fn exact(x: f32) -> f32 {
        f64::from(x).exp() as f32
    }

    #[test]
    fn every_length_and_special_value_is_within_2_ulp() {
        check_unary("exp", 2, exp, exact);
    }

    /// Every 4099th number of all that an `f32` can be: overflow, underflow, the subnormal range, NaN.
    #[test]
    fn the_whole_range_is_within_2_ulp() {
        let x: Vec<f32> = (0..=u32::MAX).step_by(4099).map(f32::from_bits).collect();
        let expected: Vec<f32> = x.iter().map(|x| exact(*x)).collect();
        for isa in every_isa() {
            let mut y = vec![0.0; x.len()];
            exp(isa, &x, &mut y);
            assert_close(&format!("exp, {isa:?}"), &y, &expected, 2);
        }
    }

    /// The last finite result, the first infinite one, the last normal, subnormal and non-zero ones.
    #[test]
    fn the_ends_of_the_range_are_where_they_should_be() {
        let ends = [88.722_83_f32, 88.722_84, -87.336_54, -87.336_55, -103.972_07, -103.972_09, -1e30, 1e30];
        for isa in every_isa() {
            let mut y = [0.0; 8];
            exp(isa, &ends, &mut y);
            for (x, y) in ends.iter().zip(y) {
                let expected = exact(*x);
                assert_eq!((y == 0.0, y.is_infinite()), (expected == 0.0, expected.is_infinite()), "{isa:?}: exp({x})");
                assert!(ulp_distance(y, expected) <= 2, "{isa:?}: exp({x}) is {y:e} instead of {expected:e}");
            }
        }
    }

    #[test]
    fn double_precision_is_the_standard_library() {
        let x = [-750.0, -745.0, -1.0, 0.0, 1.0, 709.0, 710.0, f64::INFINITY, f64::NEG_INFINITY];
        let mut y = [7.0; 9];
        exp(crate::Isa::PORTABLE, &x, &mut y);
        assert_eq!(y, x.map(f64::exp));
    }
}
