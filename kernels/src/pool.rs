//! Pooling: the maximum or the mean under a window that moves over a plane, one channel of one image.
//!
//! The plain algorithm goes over the outputs; for each it goes over the rows and columns of its window that lie inside
//! the plane, and keeps the greatest element, or adds up. Backward, the maximum's gradient goes to the element chosen,
//! and the mean's is distributed over the window. That is what a plane gets whose geometry is unusual. Others:
//!
//! 1. **Lanes run over the outputs of a row.** Under neighbouring outputs, the elements at one place of the window
//!    stand a stride apart, so a vector of them is no plain load. Therefore rows are first *de-interleaved*: with
//!    a stride of 2, the even columns to one part, the odd ones to another. Then every place of the window is a plain
//!    load from one of the parts, whatever the kernel and the stride, and that costs once what each place would.
//! 2. **Padding is written, not asked about.** Before they are de-interleaved, rows get the padding on either side, −∞ for the
//!    maximum and 0 for the mean, and as much behind it that the last vector of a row is a whole one. Rows that are
//!    padding are skipped.
//! 3. **All rows are de-interleaved at once.** A padded row is a multiple of the stride long, so that row after row is one long
//!    row to the loop, which then has hardly a tail.
//! 4. **The maximum's index runs along as a float**, in lanes beside the values; the position in a plane of fewer than
//!    2²⁴ elements is exact there. Places are visited in row-major order and only a greater value replaces the one
//!    held, so the first of equals stays. Padding replaces nothing, as nothing is less than −∞.
//! 5. **NaN is looked for before.** The comparison in lanes would pass over it. A plane with a NaN goes the plain way,
//!    where the first NaN of a window wins.
//! 6. **The mean adds the rows of a window first**, along the columns of the plane, and de-interleaves only the sums. Its
//!    backward is the same backwards: each part gets sums of shares, the parts are interleaved into rows, and each row is added
//!    to every row of its window.
//! 7. **The maximum's backward is plain**: one addition per output, at a place known only at run time.
//! 8. **Windows with gaps go the plain way**: dilation is rare in pooling.

mod avg;
mod dilated;
mod max;
#[cfg(test)]
mod tests;

pub use avg::{AvgPoolKernels, avg_backward, avg_forward, mean};
pub use dilated::{max_dilated, taps_inside};
pub use max::{MaxPoolKernels, max_backward, max_forward};

use crate::number::Number;
use crate::simd::MAX_LANES;
use std::ops::Range;

/// The geometry of pooling on one plane; every pair is of height and width.
///
/// Windows stand `stride` apart, the first one `padding` before the plane. The last one must start inside the plane
/// or before it, but may reach beyond the padding behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Rows and columns of the plane.
    pub input: [usize; 2],
    /// Places of the window.
    pub output: [usize; 2],
    /// The window's size.
    pub kernel: [usize; 2],
    /// From one place to the next.
    pub stride: [usize; 2],
    /// Rows of padding above, and columns on the left; at most half the kernel.
    pub padding: [usize; 2],
    /// Rows of padding below, and columns on the right; at most half the kernel.
    pub padding_end: [usize; 2],
}

/// What the sum under a window is divided by to give a mean.
///
/// ```
/// use evograd_kernels::pool::Divisor;
/// assert_ne!(Divisor::Padded, Divisor::Fixed(4));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divisor {
    /// The number of its elements, those of the padding among them, but not what lies beyond the padding.
    #[default]
    Padded,
    /// The number of its elements that are no padding.
    Inside,
    /// This number, at least 1, whatever the window holds.
    Fixed(usize),
}

/// Wider strides make too many parts to be worth it.
const MAX_STRIDE: usize = 4;

/// Wider kernels, in widths of the plane, are nearly all padding.
const MAX_WIDTHS: usize = 4;

/// Positions of fewer elements than this are exact in `f32`.
const MAX_ELEMENTS: usize = 1 << 24;

impl Plane {
    /// Elements of the plane.
    pub fn inputs(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Elements of the output.
    pub fn outputs(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Elements of scratch that the kernels ask for.
    ///
    /// # Panics
    /// When the geometry is not sound, as in [`max_forward`].
    pub fn scratch(&self) -> usize {
        self.check_geometry();
        if !self.usual() {
            return 0;
        }
        let rows = self.input[0].max(self.output[0]) * self.padded();
        2 * rows + self.outputs().max(2 * self.part())
    }

    /// Whether the geometry is one for which lanes are worth it, and padded rows are not much longer than the plane's.
    fn usual(&self) -> bool {
        self.stride[1] <= MAX_STRIDE
            && self.kernel[1] <= MAX_WIDTHS.saturating_mul(self.input[1])
            && self.inputs() < MAX_ELEMENTS
    }

    /// The outputs of a row, in whole vectors of any instruction set.
    fn lanes(&self) -> usize {
        self.output[1].next_multiple_of(MAX_LANES)
    }

    /// The columns of a row of a part.
    fn part(&self) -> usize {
        self.lanes() + self.shifts()
    }

    /// How far a window reaches beyond its first element in a part.
    fn shifts(&self) -> usize {
        (self.kernel[1] - 1) / self.stride[1]
    }

    /// The columns of a padded row.
    fn padded(&self) -> usize {
        self.part() * self.stride[1]
    }

    /// The columns of the plane that padded rows have: those behind are under no window.
    fn used_columns(&self) -> usize {
        self.input[1].min(self.padded() - self.padding[1])
    }

    /// The rows (axis 0) or columns (axis 1) of the plane under the window at `place`.
    fn under(&self, axis: usize, place: usize) -> Range<usize> {
        let start = place * self.stride[axis];
        let end = start.saturating_add(self.kernel[axis]).saturating_sub(self.padding[axis]);
        start.saturating_sub(self.padding[axis])..end.min(self.input[axis])
    }

    /// The places of a window's columns in parts of so many elements, from left to right, for the first output.
    #[inline(always)]
    fn taps(&self, part: usize) -> Taps {
        Taps { part, stride: self.stride[1], left: self.kernel[1], phase: 0, next: 0 }
    }

    /// Panics unless the geometry is sound and the slices fit it.
    fn check(&self, x: usize, y: usize) {
        self.check_geometry();
        assert_eq!((x, y), (self.inputs(), self.outputs()), "elements of the slices and of {self:?}");
    }

    /// Panics unless the geometry is sound.
    fn check_geometry(&self) {
        for axis in 0..2 {
            let [size, places] = [self.input[axis], self.output[axis]];
            let [kernel, stride, padding] = [self.kernel[axis], self.stride[axis], self.padding[axis]];
            let padded = padding.max(self.padding_end[axis]) <= kernel / 2;
            let sound = size > 0 && places > 0 && kernel > 0 && stride > 0 && padded;
            let last = (places.wrapping_sub(1)).checked_mul(stride);
            let starts_inside = last.is_some_and(|start| start.saturating_sub(padding) < size);
            assert!(sound && starts_inside, "a window outside its plane: {self:?}");
        }
    }
}

/// The iterator behind [`Plane::taps`].
#[derive(Clone, Copy)]
struct Taps {
    part: usize,
    stride: usize,
    left: usize,
    phase: usize,
    next: usize,
}

impl Iterator for Taps {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let tap = self.next;
        self.phase += 1;
        self.next += self.part;
        if self.phase == self.stride {
            self.phase = 0;
            self.next -= self.part * self.stride - 1;
        }
        Some(tap)
    }
}

/// De-interleaves rows into parts: element `i·stride + p` goes to place `i` of part `p`. Returns where the parts are, which is
/// where the rows were if there is but one part.
#[inline(always)]
fn deinterleave<'a, E: Number>(stride: usize, rows: &'a mut [E], parts: &'a mut [E]) -> &'a mut [E] {
    match stride {
        1 => return rows,
        2 => {
            let (even, odd) = parts.split_at_mut(rows.len() / 2);
            for ((pair, even), odd) in rows.as_chunks::<2>().0.iter().zip(even).zip(odd) {
                (*even, *odd) = (pair[0], pair[1]);
            }
        }
        _ => {
            for (p, part) in parts.chunks_exact_mut(rows.len() / stride).enumerate() {
                for (i, value) in part.iter_mut().enumerate() {
                    *value = rows[i * stride + p];
                }
            }
        }
    }
    parts
}

/// Puts the elements back where they were: the inverse of [`deinterleave`].
#[inline(always)]
fn interleave<'a, E: Number>(stride: usize, parts: &'a mut [E], rows: &'a mut [E]) -> &'a mut [E] {
    match stride {
        1 => return parts,
        2 => {
            let (even, odd) = parts.split_at(rows.len() / 2);
            for ((pair, even), odd) in rows.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
                *pair = [*even, *odd];
            }
        }
        _ => {
            for (p, part) in parts.chunks_exact(rows.len() / stride).enumerate() {
                for (i, value) in part.iter().enumerate() {
                    rows[i * stride + p] = *value;
                }
            }
        }
    }
    rows
}
