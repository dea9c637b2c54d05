//! Rectified linear units.

use crate::number::Number;
use crate::simd::Simd;

/// What a ReLU lets through of `dy`, where `y` is its output or its input: all of it where `y > 0`, and where `y` is NaN,
/// so that whoever looks at the gradients sees that something is wrong.
#[inline(always)]
pub(crate) fn rectified<S: Simd>(s: S, y: S::Vector, dy: S::Vector) -> S::Vector {
    s.select_gt(s.splat(S::Elem::LEAST), y, s.zero(), dy)
}

lanewise! {
    trait ReluKernels;

    /// `y = R(x)`: `x` where it is positive, else 0; NaN stays NaN.
    pub fn relu_forward(x;) -> (y) |s| { [s.max(s.zero(), x)] }

    /// As [`relu_forward`], over `y`.
    pub fn relu_over(;) => (y) |s| { [s.max(s.zero(), y)] }

    /// `dx = dy` where `y > 0` or NaN, else 0: the slope at zero is zero.
    pub fn relu_backward(y, dy;) -> (dx) |s| { [rectified(s, y, dy)] }

    /// `y = x` where `x > 0`, else `slope · x`.
    pub fn leaky_relu_forward(x; slope) -> (y) |s| { [s.select_gt(x, s.zero(), x, s.mul(slope, x))] }

    /// `dx = dy` where `x > 0`, else `slope · dy`.
    pub fn leaky_relu_backward(x, dy; slope) -> (dx) |s| { [s.select_gt(x, s.zero(), dy, s.mul(slope, dy))] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_binary, check_unary};

    #[test]
    fn rectifiers_equal_plain_code() {
        check_unary("relu_forward", 0, relu_forward, |x| if x > 0.0 || x.is_nan() { x } else { 0.0 });
        check_unary(
            "relu_over",
            0,
            |isa, x, y| {
                y.copy_from_slice(x);
                relu_over(isa, y)
            },
            |x| if x > 0.0 || x.is_nan() { x } else { 0.0 },
        );
        check_binary("relu_backward", 0, relu_backward, |y, dy| if y <= 0.0 { 0.0 } else { dy });
    }

    #[test]
    fn leaky_rectifiers_equal_plain_code() {
        for slope in [0.01, -0.5] {
            let forward = |x| if x > 0.0 { x } else { slope * x };
            check_unary("leaky_relu_forward", 0, |isa, x, y| leaky_relu_forward(isa, x, slope, y), forward);
            let backward = |x, dy| if x > 0.0 { dy } else { slope * dy };
            check_binary(
                "leaky_relu_backward",
                0,
                |isa, x, dy, dx| leaky_relu_backward(isa, x, dy, slope, dx),
                backward,
            );
        }
    }
}
