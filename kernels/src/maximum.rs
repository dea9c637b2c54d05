//! The greater of two, alone and fused with their sum.
//!
//! Where both are equal, the first counts as the greater: it gets the gradient. Where either is NaN, so is the output.

use crate::number::Number;
use crate::simd::Simd;

/// `max(a, b)`, NaN where either is.
///
/// The lanes' own maximum returns its second argument where either is NaN, so a NaN in `b` alone would be lost. Zero
/// times `b`, clamped so that infinities do not make a NaN of their own, is zero unless `b` is NaN, and is added.
#[inline(always)]
fn maximum<S: Simd>(s: S, a: S::Vector, b: S::Vector) -> S::Vector {
    let clamped = s.max(s.splat(-S::Elem::ONE), s.min(s.splat(S::Elem::ONE), b));
    s.mul_add(s.zero(), clamped, s.max(b, a))
}

lanewise! {
    trait MaximumKernels;

    /// `y = max(a, b)`
    pub fn maximum_forward(a, b;) -> (y) |s| { [maximum(s, a, b)] }

    /// `da = dy` and `db = 0`, or the other way round where `b > a`.
    pub fn maximum_backward(a, b, dy;) -> (da, db) |s| {
        [s.select_gt(b, a, s.zero(), dy), s.select_gt(b, a, dy, s.zero())]
    }

    /// `y = a + b + max(a, b)`; the sum alone makes NaN of NaN.
    pub fn sum_max_forward(a, b;) -> (y) |s| { [s.add(s.add(a, b), s.max(b, a))] }

    /// `da = 2·dy` and `db = dy`, or the other way round where `b > a`.
    pub fn sum_max_backward(a, b, dy;) -> (da, db) |s| {
        let twice = s.add(dy, dy);
        [s.select_gt(b, a, dy, twice), s.select_gt(b, a, twice, dy)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, check_binary, every_isa, every_length, values};

    fn plain_maximum(a: f32, b: f32) -> f32 {
        match () {
            () if a.is_nan() || b.is_nan() => f32::NAN,
            () if b > a => b,
            () => a,
        }
    }

    #[test]
    fn outputs_equal_those_of_plain_code() {
        check_binary("maximum_forward", 0, maximum_forward, plain_maximum);
        check_binary("sum_max_forward", 0, sum_max_forward, |a, b| a + b + plain_maximum(a, b));
    }

    #[test]
    fn gradients_equal_those_of_plain_code() {
        for isa in every_isa() {
            for length in every_length() {
                let (mut a, b, dy) = (values(length, 1), values(length, 2), values(length, 3));
                a.iter_mut().zip(&b).step_by(5).for_each(|(a, b)| *a = *b);
                let (mut da, mut db) = (vec![7.0; length], vec![7.0; length]);
                let second: Vec<bool> = a.iter().zip(&b).map(|(a, b)| b > a).collect();
                let pick = |yes: f32, no: f32, to_b: bool| -> Vec<f32> {
                    let slope = |(dy, second): (&f32, &bool)| if *second == to_b { dy * yes } else { dy * no };
                    dy.iter().zip(&second).map(slope).collect()
                };
                sum_max_backward(isa, &a, &b, &dy, &mut da, &mut db);
                assert_close("da of sum_max", &da, &pick(2.0, 1.0, false), 0);
                assert_close("db of sum_max", &db, &pick(2.0, 1.0, true), 0);
                maximum_backward(isa, &a, &b, &dy, &mut da, &mut db);
                for i in 0..length {
                    let expected = if second[i] { [0.0, dy[i]] } else { [dy[i], 0.0] };
                    assert_close("gradients of maximum", &[da[i], db[i]], &expected, 0);
                }
            }
        }
    }
}
