//! AVX-512 (F and VL): sixteen lanes of `f32`, thirty-two registers.

use super::{Kernel, MAX_LANES, Simd};
use bytemuck::must_cast;
use std::arch::x86_64::*;

/// The proof that this CPU has AVX-512F and VL (without VL, the compiler may use only half of the registers), and what
/// the compiler takes for granted with them: AVX2, FMA and F16C.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    /// The token, where the CPU has all these features. A virtual machine may well show the first two alone.
    pub fn detect() -> Option<Self> {
        let own = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        let implied =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        (own && implied).then_some(Avx512(()))
    }

    /// The trampoline: compiles `kernel` for AVX-512 and runs it.
    pub fn run<K: Kernel<f32>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512vl")]
        fn compiled<K: Kernel<f32>>(token: Avx512, kernel: K) -> K::Output {
            kernel.run(token)
        }
        // SAFETY: `compiled` needs AVX-512F and VL; enabling AVX-512F enables AVX2, FMA and F16C too, so the compiler may
        // use those as well. `self` exists only where `detect` found all five on this CPU.
        unsafe { compiled(self, kernel) }
    }
}

/// One expression of intrinsics that work on registers, as a value.
macro_rules! on_registers {
    ($lane:expr) => {{
        // SAFETY: the intrinsics below work on registers alone; what they ask for is a CPU with AVX-512F, and
        // a token exists only where `detect` found it.
        unsafe { $lane }
    }};
}

/// Defines lane operations as one expression of intrinsics each.
macro_rules! lanes {
    ($($name:ident($($arg:ident),+) -> $result:ty = $lane:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: __m512),+) -> $result {
            on_registers!($lane)
        }
    )*};
}

impl Simd for Avx512 {
    type Elem = f32;
    type Vector = __m512;
    const LANES: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        on_registers!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> __m512 {
        must_cast(*x.first_chunk::<16>().expect("a load needs a whole vector"))
    }
    #[inline(always)]
    fn store(self, v: __m512, y: &mut [f32]) {
        *y.first_chunk_mut::<16>().expect("a store needs a whole vector") = must_cast(v);
    }
    lanes! {
        add(a, b) -> __m512 = _mm512_add_ps(a, b);
        sub(a, b) -> __m512 = _mm512_sub_ps(a, b);
        mul(a, b) -> __m512 = _mm512_mul_ps(a, b);
        div(a, b) -> __m512 = _mm512_div_ps(a, b);
        mul_add(a, b, c) -> __m512 = _mm512_fmadd_ps(a, b, c);
        sqrt(a) -> __m512 = _mm512_sqrt_ps(a);
        max(a, b) -> __m512 = _mm512_max_ps(a, b);
        min(a, b) -> __m512 = _mm512_min_ps(a, b);
        select_gt(a, b, yes, no) -> __m512 =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes);
        // Without its sign, the bits of a greater magnitude are a greater integer, and those of a NaN the greatest.
        max_magnitude(a, b) -> __m512 = _mm512_castsi512_ps(_mm512_max_epu32(
            _mm512_castps_si512(a), _mm512_and_si512(_mm512_castps_si512(b), _mm512_set1_epi32(i32::MAX))));
        round(a) -> __m512 = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        exp2_int(a) -> __m512 = _mm512_castsi512_ps(_mm512_slli_epi32::<23>(
            _mm512_add_epi32(_mm512_cvtps_epi32(a), _mm512_set1_epi32(127))));
        any_gt(a, b) -> bool = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) != 0;
        sum(a) -> f32 = _mm512_reduce_add_ps(a);
    }
    /// Pairs of rows, then pairs of pairs, within each quarter; then quarters, in two steps.
    #[inline(always)]
    fn transpose(self, rows: &mut [__m512; MAX_LANES]) {
        let (mut pairs, mut fours) = (*rows, *rows);
        for i in 0..8 {
            let (a, b) = (rows[2 * i], rows[2 * i + 1]);
            pairs[2 * i] = on_registers!(_mm512_unpacklo_ps(a, b));
            pairs[2 * i + 1] = on_registers!(_mm512_unpackhi_ps(a, b));
        }
        for i in 0..4 {
            for j in 0..2 {
                let (a, b) = (must_cast(pairs[4 * i + j]), must_cast(pairs[4 * i + j + 2]));
                fours[4 * i + 2 * j] = must_cast(on_registers!(_mm512_unpacklo_pd(a, b)));
                fours[4 * i + 2 * j + 1] = must_cast(on_registers!(_mm512_unpackhi_pd(a, b)));
            }
        }
        for j in 0..4 {
            let (a, b, c, d) = (fours[j], fours[4 + j], fours[8 + j], fours[12 + j]);
            let even_upper = on_registers!(_mm512_shuffle_f32x4::<0x88>(a, b));
            let even_lower = on_registers!(_mm512_shuffle_f32x4::<0x88>(c, d));
            let odd_upper = on_registers!(_mm512_shuffle_f32x4::<0xdd>(a, b));
            let odd_lower = on_registers!(_mm512_shuffle_f32x4::<0xdd>(c, d));
            rows[j] = on_registers!(_mm512_shuffle_f32x4::<0x88>(even_upper, even_lower));
            rows[4 + j] = on_registers!(_mm512_shuffle_f32x4::<0x88>(odd_upper, odd_lower));
            rows[8 + j] = on_registers!(_mm512_shuffle_f32x4::<0xdd>(even_upper, even_lower));
            rows[12 + j] = on_registers!(_mm512_shuffle_f32x4::<0xdd>(odd_upper, odd_lower));
        }
    }
}
