//! Element-wise arithmetic.

lanewise! {
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
}
