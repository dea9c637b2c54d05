//! The end of a slice, where a vector is only partly filled and the padding matters.

use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// The first lanes of `x`, which may be shorter than a vector; `padding` in the lanes behind it.
#[inline(always)]
pub(crate) fn load_padded<S: Simd>(s: S, x: &[S::Elem], padding: S::Elem) -> S::Vector {
    if x.len() >= S::LANES {
        return s.load(x);
    }
    let mut padded = [padding; MAX_LANES];
    padded[..x.len()].copy_from_slice(x);
    s.load(&padded)
}

/// Writes the first lanes over `y`, which may be shorter than a vector.
#[inline(always)]
pub(crate) fn store_some<S: Simd>(s: S, v: S::Vector, y: &mut [S::Elem]) {
    if y.len() >= S::LANES { s.store(v, y) } else { s.store_tail(v, y) }
}

/// The greatest lane; where one is NaN, NaN or any other lane.
#[inline(always)]
pub(crate) fn greatest<S: Simd>(s: S, v: S::Vector) -> S::Elem {
    let mut lanes = [S::Elem::NEG_INFINITY; MAX_LANES];
    s.store(v, &mut lanes);
    let mut most = lanes[0];
    for lane in &lanes[1..S::LANES] {
        most = if most > *lane { most } else { *lane };
    }
    most
}
