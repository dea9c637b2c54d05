//! The maximum under a window with gaps, the plain way.
//!
//! A window whose elements stand `d` apart is one of its whole span in which only every `d`th row and column counts. So the geometry is
//! that of a [`Plane`] whose kernel is the span.

use super::Plane;
use crate::number::Number;
use std::iter::StepBy;
use std::ops::Range;

/// The rows (axis 0) or columns (axis 1) of the plane that the window at `place` sees, where its elements stand `dilation` apart and
/// `plane.kernel` is its span.
///
/// ```
/// use evograd_kernels::pool::{Plane, taps_inside};
/// let ([input, output], kernel) = ([[1, 4]; 2], [1, 5]);
/// let plane = Plane { input, output, kernel, stride: [1, 1], padding: [0, 2], padding_end: [0, 2] };
/// assert_eq!(taps_inside(&plane, 1, 2, 0).collect::<Vec<_>>(), [0, 2]); // of -2, 0 and 2
/// ```
///
/// # Panics
/// When `dilation` is 0.
pub fn taps_inside(plane: &Plane, axis: usize, dilation: usize, place: usize) -> StepBy<Range<usize>> {
    let (start, padding) = (place * plane.stride[axis], plane.padding[axis]);
    let inside = plane.under(axis, place);
    // The first element of the window that is not before the plane.
    let skipped = padding.saturating_sub(start).div_ceil(dilation).saturating_mul(dilation);
    (start.saturating_add(skipped).saturating_sub(padding).min(inside.end)..inside.end).step_by(dilation)
}

/// As [`max_forward`](super::max_forward()), for a window whose elements stand `dilation` apart and of which `plane.kernel` is the span.
///
/// # Panics
/// As [`max_forward`](super::max_forward()), and when a window sees no element of the plane or a dilation is 0.
pub fn max_dilated<E: Number>(plane: &Plane, dilation: [usize; 2], x: &[E], y: &mut [E], index: &mut [u32]) {
    plane.check(x.len(), y.len());
    assert_eq!(index.len(), y.len(), "indices and outputs");
    assert!(u32::try_from(x.len()).is_ok(), "positions in a plane of {} elements", x.len());
    let mut outputs = y.iter_mut().zip(index);
    for oy in 0..plane.output[0] {
        for (ox, (y, index)) in (0..plane.output[1]).zip(&mut outputs) {
            let columns = taps_inside(plane, 1, dilation[1], ox);
            let rows = taps_inside(plane, 0, dilation[0], oy).map(|row| row * plane.input[1]);
            let window = rows.flat_map(|row| columns.clone().map(move |column| row + column));
            let greater = |best: usize, at: usize| (x[at] > x[best] || x[at].is_nan()) && !x[best].is_nan();
            let chosen = window.reduce(|best, at| if greater(best, at) { at } else { best });
            let chosen = chosen.expect("every window sees an element");
            (*y, *index) = (x[chosen], chosen as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every element of every window, in signed arithmetic.
    fn definition(plane: &Plane, kernel: [usize; 2], dilation: [usize; 2], x: &[f32]) -> Vec<Option<usize>> {
        let [height, width] = plane.input;
        let taps = |axis: usize, place: usize| {
            let start = (place * plane.stride[axis]) as isize - plane.padding[axis] as isize;
            let all = (0..kernel[axis]).map(move |tap| start + (tap * dilation[axis]) as isize);
            all.filter(|at| *at >= 0).map(|at| at as usize).collect::<Vec<_>>()
        };
        let places = (0..plane.output[0]).flat_map(|oy| (0..plane.output[1]).map(move |ox| (oy, ox)));
        places
            .map(|(oy, ox)| {
                let (rows, columns) = (taps(0, oy), taps(1, ox));
                let rows = rows.into_iter().filter(|row| *row < height);
                let columns: Vec<usize> = columns.into_iter().filter(|column| *column < width).collect();
                let all: Vec<usize> = rows.flat_map(|row| columns.iter().map(move |at| row * width + at)).collect();
                let first_nan = all.iter().copied().find(|at| x[*at].is_nan());
                first_nan.or_else(|| all.iter().copied().reduce(|best, at| if x[at] > x[best] { at } else { best }))
            })
            .collect()
    }

    #[test]
    fn windows_with_gaps_agree_with_the_definition() {
        let mut compared = 0;
        for seed in 0..4000_usize {
            let pick = |from: usize, most: usize| seed / from % most;
            let (kernel, dilation) = ([1 + pick(1, 3), 1 + pick(3, 4)], [1 + pick(12, 3), 1 + pick(36, 3)]);
            let spans = [0, 1].map(|axis| dilation[axis] * (kernel[axis] - 1) + 1);
            let (stride, padding) = ([1 + pick(5, 3), 1 + pick(7, 4)], kernel.map(|size| pick(11, size / 2 + 1)));
            let padding_end = kernel.map(|size| pick(13, size / 2 + 1));
            let input = spans.map(|span| span + pick(17, 4));
            let places =
                |axis: usize| (input[axis] + padding[axis] + padding_end[axis] - spans[axis]) / stride[axis] + 1;
            let plane = Plane { input, output: [0, 1].map(places), kernel: spans, stride, padding, padding_end };
            let number = |i: usize| if (i + seed).is_multiple_of(23) { f32::NAN } else { ((i * 7 + seed) % 5) as f32 };
            let x: Vec<f32> = (0..plane.inputs()).map(number).collect();
            let expected = definition(&plane, kernel, dilation, &x);
            let (mut y, mut index) = (vec![9.0; plane.outputs()], vec![9; plane.outputs()]);
            max_dilated(&plane, dilation, &x, &mut y, &mut index);
            for ((y, index), expected) in y.iter().zip(index).zip(expected) {
                let expected = expected.expect("images as large as the window leave none empty");
                assert_eq!(index as usize, expected, "{plane:?} {dilation:?}");
                assert!(*y == x[expected] || y.is_nan() && x[expected].is_nan());
                compared += 1;
            }
        }
        assert!(compared > 10_000);
    }
}
