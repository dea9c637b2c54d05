//! Rectified linear units.

lanewise! {
    /// `y = R(x)`: `x` where it is positive, else 0; NaN stays NaN.
    pub fn relu_forward(x;) -> (y) |s| { [s.max(s.zero(), x)] }

    /// `dx = dy` where `y > 0`, else 0: the slope at zero is zero.
    pub fn relu_backward(y, dy;) -> (dx) |s| { [s.select_gt(y, s.zero(), dy, s.zero())] }

    /// `y = x` where `x > 0`, else `slope · x`.
    pub fn leaky_relu_forward(x; slope) -> (y) |s| { [s.select_gt(x, s.zero(), x, s.mul(slope, x))] }

    /// `dx = dy` where `x > 0`, else `slope · dy`.
    pub fn leaky_relu_backward(x, dy; slope) -> (dx) |s| { [s.select_gt(x, s.zero(), dy, s.mul(slope, dy))] }
}
