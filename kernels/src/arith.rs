//! Element-wise arithmetic.

use crate::exp::ExpLanes;

lanewise! {
    trait ArithKernels;

    /// `y = a + b`
    pub fn add(a, b;) -> (y) |s| { [s.add(a, b)] }

    /// `y = a − b`
    pub fn sub(a, b;) -> (y) |s| { [s.sub(a, b)] }

    /// `y = a · b`
    pub fn mul(a, b;) -> (y) |s| { [s.mul(a, b)] }

    /// `y = a / b`
    pub fn div(a, b;) -> (y) |s| { [s.div(a, b)] }

    /// `y = factor · x`
    pub fn scale(x; factor) -> (y) |s| { [s.mul(x, factor)] }

    /// `y += x`
    pub fn accumulate(x;) => (y) |s| { [s.add(y, x)] }

    /// `y += factor · x`
    pub fn accumulate_scaled(x; factor) => (y) |s| { [s.mul_add(x, factor, y)] }

    /// `y = eˣ`
    pub fn exp(x;) -> (y) |s| { [E::exp_lanes(s, x)] }

    /// `y = √x`
    pub fn sqrt(x;) -> (y) |s| { [s.sqrt(x)] }

    /// `dx = dy / 2y`, the gradient of [`sqrt`] from its output: no root is so great that it could not be doubled.
    pub fn sqrt_backward(y, dy;) -> (dx) |s| { [s.div(dy, s.add(y, y))] }

    /// `dx = dy·eˣ`, the gradient of [`exp`] from its input and output.
    ///
    /// Where `y` is infinite, 0 or has lost digits, `dx` may have none of that: there it is `(dy·e^(x/2))·e^(x/2)`, of
    /// which the first product leaves the range only where the second does.
    pub fn exp_backward(x, y, dy;) -> (dx) |s| {
        let root = E::exp_lanes(s, s.mul(x, s.splat(E::from_f64(0.5))));
        let in_halves = s.mul(s.mul(dy, root), root);
        let plain = s.select_gt(y, s.splat(E::MAX), in_halves, s.mul(dy, y));
        [s.select_gt(s.splat(E::MIN_POSITIVE), y, in_halves, plain)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, check_binary, check_unary, every_isa, every_length, values};

    #[test]
    fn arithmetic_is_exact() {
        check_binary("add", 0, add, |a, b| a + b);
        check_binary("sub", 0, sub, |a, b| a - b);
        check_binary("mul", 0, mul, |a, b| a * b);
        check_binary("div", 0, div, |a, b| a / b);
        check_binary("sqrt_backward", 0, sqrt_backward, |y, dy| dy / (y + y));
        check_unary("sqrt", 0, sqrt, f32::sqrt);
        for factor in [-1.0, 0.1, f32::INFINITY] {
            check_unary("scale", 0, |isa, x, y| scale(isa, x, factor, y), |x| factor * x);
        }
    }

    #[test]
    fn a_scaled_negation_turns_the_sign_of_zero_and_infinity() {
        for isa in every_isa() {
            let mut y = [0.0_f32; 3];
            scale(isa, &[0.0, -0.0, f32::INFINITY], -1.0, &mut y);
            assert_eq!(y.map(f32::to_bits), [-0.0_f32, 0.0, f32::NEG_INFINITY].map(f32::to_bits), "{isa:?}");
        }
    }

    /// `accumulate_scaled` is rounded once where the CPU fuses, twice where it does not: both are right.
    #[test]
    fn sums_in_place_start_from_the_old_values() {
        for isa in every_isa() {
            for length in every_length() {
                let (x, old) = (values(length, 1), values(length, 2));
                let mut y = old.clone();
                accumulate(isa, &x, &mut y);
                let expected: Vec<f32> = x.iter().zip(&old).map(|(x, y)| y + x).collect();
                assert_close("accumulate", &y, &expected, 0);
                let mut y = old.clone();
                accumulate_scaled(isa, &x, 0.1, &mut y);
                for ((x, old), y) in x.iter().zip(&old).zip(y) {
                    let ways = [0.1 * x + old, 0.1_f32.mul_add(*x, *old)];
                    assert!(ways.contains(&y) || ways[0].is_nan() && y.is_nan(), "{isa:?}: {y} instead of {ways:?}");
                }
            }
        }
    }
}
