//! Small arrays that the compiler vectorises on any CPU, Arm included; with one lane, plain scalar code.

use super::{MAX_LANES, Simd};
use crate::number::Number;
use std::marker::PhantomData;

/// `N` lanes of `E` without any CPU feature.
pub struct Portable<E, const N: usize>(PhantomData<E>);

impl<E, const N: usize> Portable<E, N> {
    /// The token; every CPU has it.
    pub const TOKEN: Self = Portable(PhantomData);
}

impl<E, const N: usize> Clone for Portable<E, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, const N: usize> Copy for Portable<E, N> {}

/// Defines lane operations from scalar ones: `name(a, b) = expression of one lane;`
macro_rules! lanes {
    ($($name:ident($($arg:ident),+) = $lane:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: [E; N]),+) -> [E; N] {
            let mut y = [E::ZERO; N];
            for i in 0..N {
                $(let $arg = $arg[i];)+
                y[i] = $lane;
            }
            y
        }
    )*};
}

impl<E: Number, const N: usize> Simd for Portable<E, N> {
    type Elem = E;
    type Vector = [E; N];
    const LANES: usize = N;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: E) -> [E; N] {
        [x; N]
    }
    #[inline(always)]
    fn load(self, x: &[E]) -> [E; N] {
        *x.first_chunk().expect("a load needs a whole vector")
    }
    #[inline(always)]
    fn store(self, v: [E; N], y: &mut [E]) {
        *y.first_chunk_mut().expect("a store needs a whole vector") = v;
    }
    lanes! {
        add(a, b) = a + b;
        sub(a, b) = a - b;
        mul(a, b) = a * b;
        div(a, b) = a / b;
        mul_add(a, b, c) = a * b + c;
        sqrt(a) = a.sqrt();
        max(a, b) = if a > b { a } else { b };
        min(a, b) = if a < b { a } else { b };
        select_gt(a, b, yes, no) = if a > b { yes } else { no };
        max_magnitude(a, b) = if a >= b.abs() || a.is_nan() { a } else { b.abs() };
        round(a) = a.round_ties_even();
        exp2_int(a) = a.exp2_int();
    }
    #[inline(always)]
    fn any_gt(self, a: [E; N], b: [E; N]) -> bool {
        let mut any = false;
        for i in 0..N {
            any |= a[i] > b[i];
        }
        any
    }
    #[inline(always)]
    fn sum(self, a: [E; N]) -> E {
        let mut sum = a[0];
        for x in &a[1..] {
            sum += *x;
        }
        sum
    }
    #[inline(always)]
    fn transpose(self, rows: &mut [[E; N]; MAX_LANES]) {
        let old = *rows;
        for i in 0..N {
            for j in 0..N {
                rows[i][j] = old[j][i];
            }
        }
    }
}
