//! Smooth activations.

use crate::exp::ExpLanes;
use crate::number::Number;
use crate::simd::Simd;

/// `1 / (1 + e⁻ˣ)`.
///
/// With `z = e^−|x|`, which is at most 1, it is `1 / (1 + z)` above zero and `z / (1 + z)` below: nothing overflows,
/// and the tail towards −∞ keeps its digits down to the subnormal numbers.
#[inline(always)]
fn sigmoid<S: Simd<Elem: ExpLanes>>(s: S, x: S::Vector) -> S::Vector {
    let one = s.splat(S::Elem::ONE);
    let z = S::Elem::exp_lanes(s, s.min(x, s.sub(s.zero(), x)));
    s.div(s.select_gt(x, s.zero(), one, z), s.add(one, z))
}

/// `1 / (2·cosh x)`, which is `z / (1 + z²)` with `z = e^−|x|`.
///
/// The slopes of both activations are squares of it. From the outputs `y` they would be `y·(1 − y)` and `1 − y²`, and 0
/// wherever `y` rounds to 1. The square is never formed: multiplied by one factor after the other, `dy` leaves the range
/// only where the gradient does.
#[inline(always)]
fn half_secant<S: Simd<Elem: ExpLanes>>(s: S, x: S::Vector) -> S::Vector {
    let z = S::Elem::exp_lanes(s, s.min(x, s.sub(s.zero(), x)));
    s.div(z, s.mul_add(z, z, s.splat(S::Elem::ONE)))
}

lanewise! {
    trait ActivationKernels;

    /// `y = 1 / (1 + e⁻ˣ)`; NaN stays NaN.
    pub fn sigmoid_forward(x;) -> (y) |s| { [sigmoid(s, x)] }

    /// `dx = dy / (4·cosh²(x/2))`, the gradient of [`sigmoid_forward`] from its input.
    pub fn sigmoid_backward(x, dy;) -> (dx) |s| {
        let half = half_secant(s, s.mul(x, s.splat(E::from_f64(0.5))));
        [s.mul(s.mul(dy, half), half)]
    }

    /// `dx = dy / cosh² x`, the gradient of the hyperbolic tangent from its input.
    pub fn tanh_backward(x, dy;) -> (dx) |s| {
        let half = half_secant(s, x);
        let secant = s.add(half, half);
        [s.mul(s.mul(dy, secant), secant)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_binary, check_unary};

    fn exact_sigmoid(x: f32) -> f32 {
        (1.0 / (1.0 + (-f64::from(x)).exp())) as f32
    }

    /// Two for the exponential, and half a unit each for the sum and the quotient.
    #[test]
    fn the_sigmoid_is_within_4_ulp_down_to_the_subnormal_numbers() {
        check_unary("sigmoid_forward", 4, sigmoid_forward, exact_sigmoid);
        let x: Vec<f32> = (0..24_000).map(|i| i as f32 / 100.0 - 120.0).collect();
        for isa in crate::testing::every_isa() {
            let mut y = vec![0.0; x.len()];
            sigmoid_forward(isa, &x, &mut y);
            let exact: Vec<f32> = x.iter().map(|x| exact_sigmoid(*x)).collect();
            crate::testing::assert_close("sigmoid_forward", &y, &exact, 4);
        }
    }

    /// `1 / cosh² x` in `f64`, where neither `e^x` nor its square overflows for any `x` of a result above 0.
    fn slope(x: f64) -> f64 {
        let z = (-x.abs()).exp();
        (2.0 * z / (1.0 + z * z)).powi(2)
    }

    #[test]
    fn slopes_keep_their_digits_where_the_outputs_round_to_one() {
        let exact = |dy: f32, slope: f64| (f64::from(dy) * slope) as f32;
        check_binary("sigmoid_backward", 8, sigmoid_backward, |x, dy| exact(dy, slope(f64::from(x) / 2.0) / 4.0));
        check_binary("tanh_backward", 8, tanh_backward, |x, dy| exact(dy, slope(f64::from(x))));
    }
}
