//! AVX2 with FMA: eight lanes of `f32`, sixteen registers.

use super::{Kernel, MAX_LANES, Simd};
use bytemuck::must_cast;
use std::arch::x86_64::*;

/// The proof that this CPU has AVX2 and FMA.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    /// The token, where the CPU has both features.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }

    /// The trampoline: compiles `kernel` for AVX2 and runs it.
    pub fn run<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn compiled<K: Kernel<f32>>(token: Avx2, kernel: K) -> K::Output {
            kernel.run(token)
        }
        // SAFETY: `compiled` needs AVX2 and FMA, and a token exists only where `detect` found both on this CPU.
        unsafe { compiled(self, kernel) }
    }
}

/// One expression of intrinsics that work on registers, as a value.
macro_rules! on_registers {
    ($lane:expr) => {{
        // SAFETY: the intrinsics below work on registers alone; what they ask for is a CPU with AVX2 and FMA,
        // and a token exists only where `detect` found both.
        unsafe { $lane }
    }};
}

/// Defines lane operations as one expression of intrinsics each.
macro_rules! lanes {
    ($($name:ident($($arg:ident),+) = $lane:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: __m256),+) -> __m256 {
            on_registers!($lane)
        }
    )*};
}

impl Simd for Avx2 {
    type Elem = f32;
    type Vector = __m256;
    const LANES: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        on_registers!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> __m256 {
        must_cast(*x.first_chunk::<8>().expect("a load needs a whole vector"))
    }
    #[inline(always)]
    fn store(self, v: __m256, y: &mut [f32]) {
        *y.first_chunk_mut::<8>().expect("a store needs a whole vector") = must_cast(v);
    }
    lanes! {
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        div(a, b) = _mm256_div_ps(a, b);
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        sqrt(a) = _mm256_sqrt_ps(a);
        max(a, b) = _mm256_max_ps(a, b);
        min(a, b) = _mm256_min_ps(a, b);
        select_gt(a, b, yes, no) = _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b));
        // Without its sign, the bits of a greater magnitude are a greater integer, and those of a NaN the greatest.
        max_magnitude(a, b) = _mm256_castsi256_ps(_mm256_max_epu32(
            _mm256_castps_si256(a), _mm256_and_si256(_mm256_castps_si256(b), _mm256_set1_epi32(i32::MAX))));
        round(a) = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        exp2_int(a) = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(
            _mm256_add_epi32(_mm256_cvtps_epi32(a), _mm256_set1_epi32(127))));
    }
    #[inline(always)]
    fn any_gt(self, a: __m256, b: __m256) -> bool {
        on_registers!(_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a, b))) != 0
    }
    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        let [a, b, c, d, e, f, g, h]: [f32; 8] = must_cast(a);
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }
    /// Pairs of rows, then pairs of pairs, within each half; then the halves.
    #[inline(always)]
    fn transpose(self, rows: &mut [__m256; MAX_LANES]) {
        let (mut pairs, mut fours) = (*rows, *rows);
        for i in 0..4 {
            let (a, b) = (rows[2 * i], rows[2 * i + 1]);
            pairs[2 * i] = on_registers!(_mm256_unpacklo_ps(a, b));
            pairs[2 * i + 1] = on_registers!(_mm256_unpackhi_ps(a, b));
        }
        for i in 0..2 {
            for j in 0..2 {
                let (a, b) = (must_cast(pairs[4 * i + j]), must_cast(pairs[4 * i + j + 2]));
                fours[4 * i + 2 * j] = must_cast(on_registers!(_mm256_unpacklo_pd(a, b)));
                fours[4 * i + 2 * j + 1] = must_cast(on_registers!(_mm256_unpackhi_pd(a, b)));
            }
        }
        for j in 0..4 {
            let (a, b) = (fours[j], fours[4 + j]);
            rows[j] = on_registers!(_mm256_permute2f128_ps::<0x20>(a, b));
            rows[4 + j] = on_registers!(_mm256_permute2f128_ps::<0x31>(a, b));
        }
    }
}
