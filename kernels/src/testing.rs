//! What the tests of the kernels share: every instruction set, every length, special values, distances in ULP.

use crate::{Isa, VARIABLE};

/// Every instruction set of this CPU, or the one that the environment forces.
pub(crate) fn every_isa() -> Vec<Isa> {
    match std::env::var_os(VARIABLE) {
        Some(_) => vec![Isa::chosen().expect("the environment names an instruction set of this CPU")],
        None => Isa::available(),
    }
}

/// Every length from nothing to four of the widest vectors and a tail.
pub(crate) fn every_length() -> std::ops::RangeInclusive<usize> {
    0..=67
}

/// Signed zeros, ones, infinities, NaN, subnormals, the limits of the normal numbers and of the exponential.
pub(crate) const SPECIAL: [f32; 22] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    1e-45,
    -1e-45,
    1e-40,
    -1e-40,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    3e38,
    -3e38,
    88.72284,
    -87.33654,
    -103.97208,
    1e-3,
    -1e4,
];

/// `length` values: ordinary ones from −8 to 8, every third a special one. Each `seed` places them differently.
pub(crate) fn values(length: usize, seed: u32) -> Vec<f32> {
    (0..length as u32)
        .map(|i| {
            let mixed = (i + seed.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0x9E37_79B9).rotate_left(13);
            let word = (mixed ^ mixed >> 15).wrapping_mul(0x2C1B_3C6D);
            match word % 3 {
                0 => SPECIAL[(word / 3) as usize % SPECIAL.len()],
                _ => (word >> 8) as f32 / (1 << 20) as f32 - 8.0,
            }
        })
        .collect()
}

/// How many representable numbers lie between two: 0 for the same number (both zeros are one) and for two NaN,
/// `u32::MAX` where only one is NaN.
pub(crate) fn ulp_distance(a: f32, b: f32) -> u32 {
    let place = |x: f32| if x.is_sign_negative() { -i64::from(x.abs().to_bits()) } else { i64::from(x.to_bits()) };
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0,
        (false, false) => (place(a) - place(b)).unsigned_abs() as u32,
        _ => u32::MAX,
    }
}

/// Fails with the place where two results are further apart than `bound` ULP.
pub(crate) fn assert_close(what: &str, found: &[f32], expected: &[f32], bound: u32) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let distance = ulp_distance(*found, *expected);
        assert!(distance <= bound, "{what} at {i}: {found:e} instead of {expected:e}, {distance} ULP apart");
    }
}

/// Holds a kernel of one input against its plain twin: every instruction set, every length, special values mixed in;
/// then the same values one place further left, which must give the same results.
pub(crate) fn check_unary(what: &str, bound: u32, kernel: impl Fn(Isa, &[f32], &mut [f32]), twin: impl Fn(f32) -> f32) {
    check_binary(what, bound, |isa, x, _, y| kernel(isa, x, y), |x, _| twin(x));
}

/// As [`check_unary`] with two inputs.
pub(crate) fn check_binary(
    what: &str,
    bound: u32,
    kernel: impl Fn(Isa, &[f32], &[f32], &mut [f32]),
    twin: impl Fn(f32, f32) -> f32,
) {
    for isa in every_isa() {
        for length in every_length() {
            for seed in 0..8 {
                let (a, b) = (values(length, 2 * seed), values(length, 2 * seed + 1));
                let expected: Vec<f32> = a.iter().zip(&b).map(|(a, b)| twin(*a, *b)).collect();
                let mut y = vec![7.0; length];
                kernel(isa, &a, &b, &mut y);
                assert_close(&format!("{what}, {isa:?}, length {length}"), &y, &expected, bound);
                let from = length.min(1);
                let mut shifted = vec![7.0; length - from];
                kernel(isa, &a[from..], &b[from..], &mut shifted);
                assert_close(&format!("{what}, {isa:?}, shifted"), &shifted, &y[from..], 0);
            }
        }
    }
}

#[test]
fn the_distance_counts_representable_numbers() {
    let above = |x: f32| f32::from_bits(x.to_bits() + 1);
    assert_eq!(ulp_distance(1.0, above(1.0)), 1);
    assert_eq!(ulp_distance(-1e-45, 1e-45), 2);
    assert_eq!(ulp_distance(0.0, -0.0), 0);
    assert_eq!(ulp_distance(f32::MAX, f32::INFINITY), 1);
    assert_eq!([ulp_distance(f32::NAN, f32::NAN), ulp_distance(f32::NAN, 1.0)], [0, u32::MAX]);
}

#[test]
fn every_special_value_comes_up() {
    let drawn: Vec<u32> = (0..20).flat_map(|seed| values(67, seed)).map(f32::to_bits).collect();
    for special in SPECIAL {
        assert!(drawn.contains(&special.to_bits()), "{special:e}");
    }
}
