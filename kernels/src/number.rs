//! What a lane holds, a scalar of type `f32` or `f64`: its constants and its functions.
//!
//! Knows the standard library; knows neither lanes nor kernels.

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A floating-point scalar: `f32` or `f64`.
pub trait Number:
    bytemuck::Pod
    + Send
    + Sync
    + PartialOrd
    + Default
    + Debug
    + Display
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + sealed::Sealed
{
    /// `f32` or `f64`.
    const NAME: &'static str;
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The gap between 1 and the next greater value.
    const EPSILON: Self;
    /// −∞
    const NEG_INFINITY: Self;
    /// The smallest number above 0, which is subnormal.
    const LEAST: Self;
    /// The smallest number above 0 that has all its digits.
    const MIN_POSITIVE: Self;
    /// The greatest finite number.
    const MAX: Self;
    /// Whether `f64` reaches further than this type, so that a computation can be repeated there.
    const WIDENS: bool;

    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same value as `f64`; exact.
    fn to_f64(self) -> f64;
    /// √x
    fn sqrt(self) -> Self;
    /// eˣ
    fn exp(self) -> Self;
    /// eˣ − 1, with all its digits also where `x` is small.
    fn exp_m1(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// ln(1 + x), with all its digits also where `x` is small.
    fn ln_1p(self) -> Self;
    /// The sine of an angle in radians.
    fn sin(self) -> Self;
    /// The cosine of an angle in radians.
    fn cos(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// xᵖ
    fn powf(self, p: Self) -> Self;
    /// |x|
    fn abs(self) -> Self;
    /// The greater of two; the other one where one is NaN.
    fn max(self, other: Self) -> Self;
    /// The smaller of two; the other one where one is NaN.
    fn min(self, other: Self) -> Self;
    /// The greatest integer that is not greater.
    fn floor(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Not a number.
    fn is_nan(self) -> bool;
    /// The nearest integer, ties to even.
    fn round_ties_even(self) -> Self;
    /// `2^self` for an integral value within the type's normal exponents.
    #[doc(hidden)]
    fn exp2_int(self) -> Self;

    /// `−dy·a/b²`, the gradient of the divisor in `a/b`, right wherever it fits the type: no product or quotient on the
    /// way leaves its range before.
    #[doc(hidden)]
    fn quotient_slope(dy: Self, a: Self, b: Self) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `x` as a number of magnitude 1 to 2 and an exponent of 2; as it is with exponent 0 where it is 0, infinite or NaN.
fn parts(x: f64) -> [f64; 2] {
    if x == 0.0 || !x.is_finite() {
        return [x, 0.0];
    }
    // A subnormal number has no exponent of its own.
    let (x, shift) = if x.abs() < f64::MIN_POSITIVE { (x * 2_f64.powi(64), 64) } else { (x, 0) };
    let exponent = (x.to_bits() >> 52 & 0x7ff) as i32 - 1023;
    let one = f64::from_bits(x.to_bits() & !(0x7ff << 52) | 1023 << 52);
    [one, f64::from(exponent - shift)]
}

/// The methods that both types take over from the standard library.
macro_rules! from_std {
    ($type:ident) => {
        const NAME: &'static str = stringify!($type);
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const EPSILON: Self = $type::EPSILON;
        const NEG_INFINITY: Self = $type::NEG_INFINITY;
        const LEAST: Self = $type::from_bits(1);
        const MIN_POSITIVE: Self = $type::MIN_POSITIVE;
        const MAX: Self = $type::MAX;
        const WIDENS: bool = $type::MAX_EXP < f64::MAX_EXP;

        #[inline(always)]
        fn from_f64(x: f64) -> Self {
            x as $type
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self as f64
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            $type::sqrt(self)
        }
        #[inline(always)]
        fn exp(self) -> Self {
            $type::exp(self)
        }
        #[inline(always)]
        fn exp_m1(self) -> Self {
            $type::exp_m1(self)
        }
        #[inline(always)]
        fn ln(self) -> Self {
            $type::ln(self)
        }
        #[inline(always)]
        fn ln_1p(self) -> Self {
            $type::ln_1p(self)
        }
        #[inline(always)]
        fn sin(self) -> Self {
            $type::sin(self)
        }
        #[inline(always)]
        fn cos(self) -> Self {
            $type::cos(self)
        }
        #[inline(always)]
        fn tanh(self) -> Self {
            $type::tanh(self)
        }
        #[inline(always)]
        fn powf(self, p: Self) -> Self {
            $type::powf(self, p)
        }
        #[inline(always)]
        fn abs(self) -> Self {
            $type::abs(self)
        }
        #[inline(always)]
        fn max(self, other: Self) -> Self {
            $type::max(self, other)
        }
        #[inline(always)]
        fn min(self, other: Self) -> Self {
            $type::min(self, other)
        }
        #[inline(always)]
        fn floor(self) -> Self {
            $type::floor(self)
        }
        #[inline(always)]
        fn is_finite(self) -> bool {
            $type::is_finite(self)
        }
        #[inline(always)]
        fn is_nan(self) -> bool {
            $type::is_nan(self)
        }
        #[inline(always)]
        fn round_ties_even(self) -> Self {
            $type::round_ties_even(self)
        }
    };
}

impl Number for f32 {
    from_std!(f32);

    #[inline(always)]
    fn exp2_int(self) -> Self {
        f32::from_bits(((self as i32).wrapping_add(127) as u32) << 23)
    }
    #[inline(always)]
    fn quotient_slope(dy: f32, a: f32, b: f32) -> f32 {
        // No exponent of f32, taken four times, leaves f64.
        let [dy, a, b] = [dy, a, b].map(f64::from);
        (-(dy * a / b / b)) as f32
    }
}

impl Number for f64 {
    from_std!(f64);

    #[inline(always)]
    fn exp2_int(self) -> Self {
        f64::from_bits(((self as i64).wrapping_add(1023) as u64) << 52)
    }
    fn quotient_slope(dy: f64, a: f64, b: f64) -> f64 {
        let ([dy, i], [a, j], [b, k]) = (parts(dy), parts(a), parts(b));
        let exponent = i + j - 2.0 * k;
        // In two halves, since one power of 2 may be out of range where the product is not.
        let half = (exponent / 2.0).trunc();
        -(dy * a / b / b) * half.exp2() * (exponent - half).exp2()
    }
}
