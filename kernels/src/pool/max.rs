//! The maximum under a window, and where it stands.

use super::{Plane, deinterleave};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

kernel! {
    trait MaxPoolKernels;

    /// The greatest element under each window, and its position in the plane. The first of equals in row-major order
    /// is chosen; where there is a NaN, the first NaN.
    ///
    /// # Panics
    /// When a slice has not the length that `plane` says, or `plane` is not sound: its output too large, its padding
    /// more than half its kernel, something 0.
    pub fn max_forward(plane: &Plane, x: &[E], y: &mut [E], index: &mut [u32], scratch: &mut [E]) |s| {
        plane.check(x.len(), y.len());
        assert_eq!(index.len(), y.len(), "indices and outputs");
        assert!(u32::try_from(x.len()).is_ok(), "positions in a plane of {} elements", x.len());
        assert_eq!(scratch.len(), plane.scratch(), "elements of scratch");
        if !plane.usual() || has_nan(x) {
            return plain(plane, x, y, index);
        }
        let len = plane.input[0] * plane.padded();
        let (rows, rest) = scratch.split_at_mut(len);
        let (parts, rest) = rest.split_at_mut(len);
        let chosen = &mut rest[..plane.outputs()];
        pad(plane, x, rows);
        let parts = deinterleave(plane.stride[1], rows, parts);
        match plane.kernel[1] {
            2 => maxima::<S, 2>(s, plane, parts, y, chosen),
            3 => maxima::<S, 3>(s, plane, parts, y, chosen),
            _ => maxima::<S, 0>(s, plane, parts, y, chosen),
        }
        for (index, chosen) in index.iter_mut().zip(chosen) {
            // An integer added to 2⁵² stands in the low bits; unlike a cast, that needs no care for what is none.
            *index = (chosen.to_f64() + TWO_TO_52).to_bits() as u32;
        }
    }
}

/// From here on, an `f64` counts in ones.
const TWO_TO_52: f64 = (1_u64 << 52) as f64;

/// Whether there is a NaN; looks at all of `x`, which vectorises, rather than stopping at the first.
#[inline(always)]
fn has_nan<E: Number>(x: &[E]) -> bool {
    let mut found = false;
    for x in x {
        found |= x.is_nan();
    }
    found
}

/// The rows of the plane with −∞ on either side.
#[inline(always)]
fn pad<E: Number>(plane: &Plane, x: &[E], rows: &mut [E]) {
    let used = plane.padding[1]..plane.padding[1] + plane.used_columns();
    for (x, row) in x.chunks_exact(plane.input[1]).zip(rows.chunks_exact_mut(plane.padded())) {
        row[..used.start].fill(E::NEG_INFINITY);
        row[used.clone()].copy_from_slice(&x[..used.len()]);
        row[used.end..].fill(E::NEG_INFINITY);
    }
}

/// The maxima and their positions as floats, from the parts. `KERNEL` is the width of the window, where that is to be
/// known to the compiler, or 0.
#[inline(always)]
fn maxima<S: Simd, const KERNEL: usize>(
    s: S,
    plane: &Plane,
    parts: &[S::Elem],
    y: &mut [S::Elem],
    chosen: &mut [S::Elem],
) {
    let number = |x: f64| s.splat(S::Elem::from_f64(x));
    let ([_, width], [_, outputs], part) = (plane.input, plane.output, plane.part());
    let plane = &Plane { kernel: [plane.kernel[0], if KERNEL > 0 { KERNEL } else { plane.kernel[1] }], ..*plane };
    let taps = plane.taps(plane.input[0] * part);
    let (numbers, stride, left) = (lane_numbers(s), number(plane.stride[1] as f64), number(-(plane.padding[1] as f64)));
    for (oy, (y, chosen)) in y.chunks_exact_mut(outputs).zip(chosen.chunks_exact_mut(outputs)).enumerate() {
        let rows = plane.under(0, oy);
        for ox in (0..outputs).step_by(S::LANES) {
            // The column of the plane under the window's left edge; negative in the padding.
            let edge = s.mul_add(s.add(numbers, number(ox as f64)), stride, left);
            let mut best = s.splat(S::Elem::NEG_INFINITY);
            let mut at = s.add(s.max(s.zero(), edge), number((rows.start * width) as f64));
            for r in rows.clone() {
                let mut position = s.add(edge, number((r * width) as f64));
                for tap in taps {
                    let x = s.load(&parts[tap + r * part + ox..]);
                    at = s.select_gt(x, best, position, at);
                    best = s.max(x, best);
                    position = s.add(position, number(1.0));
                }
            }
            if ox + S::LANES <= outputs {
                s.store(best, &mut y[ox..]);
                s.store(at, &mut chosen[ox..]);
            } else {
                s.store_tail(best, &mut y[ox..]);
                s.store_tail(at, &mut chosen[ox..]);
            }
        }
    }
}

/// 0, 1, 2, …
#[inline(always)]
fn lane_numbers<S: Simd>(s: S) -> S::Vector {
    let mut lanes = [S::Elem::ZERO; MAX_LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = S::Elem::from_f64(i as f64);
    }
    s.load(&lanes)
}

/// The plain algorithm, for any geometry and any values.
fn plain<E: Number>(plane: &Plane, x: &[E], y: &mut [E], index: &mut [u32]) {
    let [_, width] = plane.input;
    let mut outputs = y.iter_mut().zip(index);
    for oy in 0..plane.output[0] {
        for (ox, (y, index)) in (0..plane.output[1]).zip(&mut outputs) {
            let (rows, columns) = (plane.under(0, oy), plane.under(1, ox));
            let mut chosen = rows.start * width + columns.start;
            for r in rows {
                for at in r * width + columns.start..r * width + columns.end {
                    if (x[at] > x[chosen] || x[at].is_nan()) && !x[chosen].is_nan() {
                        chosen = at;
                    }
                }
            }
            (*y, *index) = (x[chosen], chosen as u32);
        }
    }
}

/// The gradient of [`max_forward`]: each `dy` is added to the element that was chosen.
///
/// # Panics
/// When `index` and `dy` are not equally long, or an index is none of `dx`.
pub fn max_backward<E: Number>(index: &[u32], dy: &[E], dx: &mut [E]) {
    assert_eq!(index.len(), dy.len(), "indices and gradients of outputs");
    dx.fill(E::ZERO);
    for (index, dy) in index.iter().zip(dy) {
        dx[*index as usize] += *dy;
    }
}
