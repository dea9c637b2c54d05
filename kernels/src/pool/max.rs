//! The maximum under a window, and where it stands.

use super::{Plane, deal};
use crate::Element;
use crate::simd::{MAX_LANES, Simd};

kernel! {
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
        let (row, dealt) = scratch[..plane.dealt() * (1 + plane.window_rows())].split_at_mut(plane.dealt());
        row.fill(E::NEG_INFINITY);
        for oy in 0..plane.output[0] {
            let rows = plane.under(0, oy);
            let (columns, width) = (plane.used_columns(), plane.input[1]);
            for (r, dealt) in rows.clone().zip(dealt.chunks_exact_mut(plane.dealt())) {
                row[plane.padding[1]..][..columns].copy_from_slice(&x[r * width..][..columns]);
                deal(plane.stride[1], row, dealt);
            }
            let outputs = oy * plane.output[1]..(oy + 1) * plane.output[1];
            let dealt = &dealt[..rows.len() * plane.dealt()];
            row_of_maxima(s, plane, rows.start, dealt, &mut y[outputs.clone()], &mut index[outputs]);
        }
    }
}

/// Whether there is a NaN; looks at all of `x`, which vectorises, rather than stopping at the first.
#[inline(always)]
fn has_nan<E: Element>(x: &[E]) -> bool {
    let mut found = false;
    for x in x {
        found |= x.is_nan();
    }
    found
}

/// One row of outputs, from the dealt rows of its windows, of which the first is row `top` of the plane.
#[inline(always)]
fn row_of_maxima<S: Simd>(s: S, plane: &Plane, top: usize, dealt: &[S::Elem], y: &mut [S::Elem], index: &mut [u32]) {
    let number = |x: f64| s.splat(S::Elem::from_f64(x));
    let [_, width] = plane.input;
    let left = number(-(plane.padding[1] as f64));
    for ox in (0..y.len()).step_by(S::LANES) {
        // The column of the plane under the window's left edge; negative in the padding.
        let edge = s.mul_add(s.add(lane_numbers(s), number(ox as f64)), number(plane.stride[1] as f64), left);
        let mut best = s.splat(S::Elem::NEG_INFINITY);
        let mut chosen = s.add(s.max(s.zero(), edge), number((top * width) as f64));
        for (r, dealt) in dealt.chunks_exact(plane.dealt()).enumerate() {
            let mut position = s.add(edge, number(((top + r) * width) as f64));
            for tap in plane.taps() {
                let x = s.load(&dealt[tap + ox..]);
                chosen = s.select_gt(x, best, position, chosen);
                best = s.max(x, best);
                position = s.add(position, number(1.0));
            }
        }
        store_integers(s, chosen, &mut index[ox..]);
        if ox + S::LANES <= y.len() { s.store(best, &mut y[ox..]) } else { s.store_tail(best, &mut y[ox..]) }
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

/// The lanes, which are integers, over the first elements of `out`: all, or as many as there is room for.
#[inline(always)]
fn store_integers<S: Simd>(s: S, v: S::Vector, out: &mut [u32]) {
    let mut lanes = [S::Elem::ZERO; MAX_LANES];
    s.store(v, &mut lanes);
    let mut integers = [0; MAX_LANES];
    for i in 0..S::LANES {
        integers[i] = lanes[i].to_f64() as u32;
    }
    if out.len() >= S::LANES {
        out[..S::LANES].copy_from_slice(&integers[..S::LANES]);
    } else {
        out.copy_from_slice(&integers[..out.len()]);
    }
}

/// The plain algorithm, for any geometry and any values.
fn plain<E: Element>(plane: &Plane, x: &[E], y: &mut [E], index: &mut [u32]) {
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
pub fn max_backward<E: Element>(index: &[u32], dy: &[E], dx: &mut [E]) {
    assert_eq!(index.len(), dy.len(), "indices and gradients of outputs");
    dx.fill(E::ZERO);
    for (index, dy) in index.iter().zip(dy) {
        dx[*index as usize] += *dy;
    }
}
