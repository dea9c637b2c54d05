//! Functions of `f64` that the standard library lacks. Knows no operation.

/// `1 / (1 + e⁻ˣ)`; its digits last down to the subnormal numbers.
pub(in crate::ops) fn sigmoid(x: f64) -> f64 {
    let z = (-x.abs()).exp();
    (if x > 0.0 { 1.0 } else { z }) / (1.0 + z)
}

/// `x·factor`, where an infinite `x` meets a factor that has gone to 0 faster than it grew: 0, the limit.
pub(in crate::ops) fn times(x: f64, factor: f64) -> f64 {
    if factor == 0.0 { 0.0 } else { x * factor }
}

/// The coefficients of `ln(erfc(z)/t) + z²` in Chebyshev polynomials of `2t − 1`, with `t = 2/(2 + z)`; the first one twice.
const CHEBYSHEV: [f64; 30] = [
    -1.302_653_719_781_709_4,
    0.641_969_792_356_490_2,
    0.019_476_473_204_185_836,
    -0.009_561_514_786_808_632,
    -0.000_946_595_344_482_036_9,
    0.000_366_839_497_852_761_45,
    4.252_332_480_690_777e-5,
    -2.027_857_811_253_424_2e-5,
    -1.624_290_004_647_025_6e-6,
    1.303_655_835_580_523_2e-6,
    1.562_644_172_206_614_2e-8,
    -8.523_809_591_492_654e-8,
    6.529_054_439_098_851_5e-9,
    5.059_343_495_551_469e-9,
    -9.913_641_564_930_33e-10,
    -2.273_651_222_931_836e-10,
    9.646_791_102_015_527e-11,
    2.394_038_083_039_114_6e-12,
    -6.886_027_526_497_553e-12,
    8.944_879_273_090_725e-13,
    3.130_921_399_342_958e-13,
    -1.127_082_236_136_725_2e-13,
    3.810_905_255_189_232e-16,
    7.106_097_613_609_237e-15,
    -1.523_028_201_457_104_3e-15,
    -9.457_494_571_291_233e-17,
    1.210_237_189_224_279e-16,
    -2.816_663_087_747_177e-17,
    5.003_005_559_445_902e-20,
    2.328_104_257_952_925_3e-18,
];

/// The complementary error function `2/√π·∫ₓ^∞ exp(−t²) dt`, to a few units in the last place near 0 and `z²` of them far out.
///
/// With `t = 2/(2 + z)`, which maps all `z ≥ 0` to `0 < t ≤ 1`, the logarithm of `erfc(z)·exp(z²)/t` is smooth, and thirty Chebyshev
/// polynomials give it to the last digit (Schonfelder, *Chebyshev expansions for the error and related functions*, 1978). Below 0,
/// `erfc(−z) = 2 − erfc(z)`.
pub(in crate::ops) fn erfc(x: f64) -> f64 {
    let z = x.abs();
    let t = 2.0 / (2.0 + z);
    let u = 2.0 * t - 1.0;
    // Clenshaw's recurrence.
    let (mut sum, mut before) = (0.0, 0.0);
    for coefficient in CHEBYSHEV[1..].iter().rev() {
        (sum, before) = (2.0 * u * sum - before + coefficient, sum);
    }
    let tail = t * (0.5 * CHEBYSHEV[0] + u * sum - before - z * z).exp();
    if x < 0.0 { 2.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right values by mpmath with 50 digits.
    #[test]
    fn the_error_function_keeps_its_digits_in_the_tail() {
        let table = [
            (0.0, 1.0),
            (0.1, 0.887_537_083_981_715),
            (-0.5, 1.520_499_877_813_046_5),
            (1.0, 0.157_299_207_050_285_13),
            (-2.5, 1.999_593_047_982_555),
            (3.0, 2.209_049_699_858_544e-5),
            (6.0, 2.151_973_671_249_891_3e-17),
            (12.0, 1.356_261_169_205_904_2e-64),
            (26.0, 5.663_192_408_856_143e-296),
        ];
        for (x, expected) in table {
            let found = erfc(x);
            assert!((found / expected - 1.0).abs() < 3e-16 * (4.0 + x * x), "erfc({x}) is {found:e}, not {expected:e}");
        }
        assert_eq!([f64::INFINITY, f64::NEG_INFINITY, 1e200, -1e200].map(erfc), [0.0, 2.0, 0.0, 2.0]);
        assert!(erfc(f64::NAN).is_nan());
    }

    #[test]
    fn the_sigmoid_is_right_far_out() {
        assert_eq!([0.0, 800.0, -800.0, f64::NEG_INFINITY].map(sigmoid), [0.5, 1.0, 0.0, 0.0]);
        assert!((sigmoid(-700.0) / (-700.0_f64).exp() - 1.0).abs() < 1e-15 && sigmoid(f64::NAN).is_nan());
    }
}
