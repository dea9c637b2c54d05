//! Smooth activations.

use crate::Element;
use crate::simd::Simd;

/// `1 / (1 + e⁻ˣ)`.
///
/// With `z = e^−|x|`, which is at most 1, it is `1 / (1 + z)` above zero and `z / (1 + z)` below: nothing overflows,
/// and the tail towards −∞ keeps its digits down to the subnormal numbers.
#[inline(always)]
fn sigmoid<S: Simd>(s: S, x: S::Vector) -> S::Vector {
    let one = s.splat(S::Elem::ONE);
    let z = S::Elem::exp_lanes(s, s.min(x, s.sub(s.zero(), x)));
    s.div(s.select_gt(x, s.zero(), one, z), s.add(one, z))
}

lanewise! {
    /// `y = 1 / (1 + e⁻ˣ)`; NaN stays NaN.
    pub fn sigmoid_forward(x;) -> (y) |s| { [sigmoid(s, x)] }

    /// `dx = dy·y·(1 − y)`
    pub fn sigmoid_backward(y, dy;) -> (dx) |s| { [s.mul(dy, s.mul(y, s.sub(s.splat(E::ONE), y)))] }

    /// `dx = dy·(1 − y)·(1 + y)`: in factors, as `1 − y²` would lose digits where `y` is near 1.
    pub fn tanh_backward(y, dy;) -> (dx) |s| {
        let one = s.splat(E::ONE);
        [s.mul(dy, s.mul(s.sub(one, y), s.add(one, y)))]
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

    #[test]
    fn slopes_from_outputs_are_exact() {
        check_binary("sigmoid_backward", 0, sigmoid_backward, |y, dy| dy * (y * (1.0 - y)));
        check_binary("tanh_backward", 0, tanh_backward, |y, dy| dy * ((1.0 - y) * (1.0 + y)));
    }
}
