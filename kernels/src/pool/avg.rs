//! The mean under a window, and the mean of a whole slice.

use super::{Divisor, Plane, deinterleave, interleave};
use crate::number::Number;
use crate::reduce::total;
use crate::simd::Simd;
use std::ops::Range;

impl Plane {
    /// What a sum under the window at `place` is divided by, along one axis.
    fn divisor(&self, axis: usize, place: usize, divisor: Divisor) -> usize {
        match divisor {
            Divisor::Padded => {
                let start = place * self.stride[axis];
                self.kernel[axis].min(self.input[axis] + self.padding[axis] + self.padding_end[axis] - start)
            }
            Divisor::Inside => self.under(axis, place).len(),
            // Of both axes together.
            Divisor::Fixed(divisor) => {
                if axis == 0 {
                    divisor
                } else {
                    1
                }
            }
        }
    }

    /// The divisors along a row of outputs; 1 in the lanes behind them.
    fn divisors<E: Number>(&self, divisor: Divisor, out: &mut [E]) {
        for (ox, out) in out.iter_mut().enumerate() {
            let own = if ox < self.output[1] { self.divisor(1, ox, divisor) } else { 1 };
            *out = E::from_f64(own as f64);
        }
    }

    /// Checks the slices and cuts the scratch: padded rows, one for each row of outputs; the parts they are de-interleaved
    /// to; the divisors of a row of outputs; and a row for the shares of a row of outputs, with zeros on either side.
    fn prepare<'a, E: Number>(&self, x: usize, y: usize, divisor: Divisor, scratch: &'a mut [E]) -> [&'a mut [E]; 4] {
        self.check(x, y);
        assert_eq!(scratch.len(), self.scratch(), "elements of scratch");
        if !self.usual() {
            return Default::default();
        }
        let len = self.output[0] * self.padded();
        let (rows, rest) = scratch.split_at_mut(len);
        let (parts, rest) = rest.split_at_mut(len);
        let (divisors, rest) = rest.split_at_mut(self.lanes());
        let shares = &mut rest[..self.part() + self.shifts()];
        self.divisors(divisor, divisors);
        shares.fill(E::ZERO);
        [rows, parts, divisors, shares]
    }
}

kernel! {
    trait AvgPoolKernels;

    /// The sum of the elements under each window, in which padding counts as zeros, over what `divisor` says.
    ///
    /// # Panics
    /// When a slice has not the length that `plane` says, or `plane` is not sound, as in
    /// [`max_forward`](super::max_forward()).
    pub fn avg_forward(plane: &Plane, divisor: Divisor, x: &[E], y: &mut [E], scratch: &mut [E]) |s| {
        let [rows, parts, divisors, _] = plane.prepare(x.len(), y.len(), divisor, scratch);
        if !plane.usual() {
            return plain_forward(plane, divisor, x, y);
        }
        for (oy, sums) in rows.chunks_exact_mut(plane.padded()).enumerate() {
            sum_rows(s, plane, plane.under(0, oy), x, sums);
        }
        let parts = deinterleave(plane.stride[1], rows, parts);
        let ([_, outputs], part) = (plane.output, plane.part());
        let taps = plane.taps(plane.output[0] * part);
        for (oy, y) in y.chunks_exact_mut(outputs).enumerate() {
            let rows = s.splat(E::from_f64(plane.divisor(0, oy, divisor) as f64));
            for ox in (0..outputs).step_by(S::LANES) {
                let mut sum = s.zero();
                for tap in taps {
                    sum = s.add(sum, s.load(&parts[tap + oy * part + ox..]));
                }
                let mean = s.div(sum, s.mul(rows, s.load(&divisors[ox..])));
                if ox + S::LANES <= outputs { s.store(mean, &mut y[ox..]) } else { s.store_tail(mean, &mut y[ox..]) }
            }
        }
    }

    /// The gradient of [`avg_forward`]: each `dy` is spread evenly over its window.
    ///
    /// # Panics
    /// As [`avg_forward`].
    pub fn avg_backward(plane: &Plane, divisor: Divisor, dy: &[E], dx: &mut [E], scratch: &mut [E]) |s| {
        let [rows, parts, divisors, shares] = plane.prepare(dx.len(), dy.len(), divisor, scratch);
        dx.fill(E::ZERO);
        if !plane.usual() {
            return plain_backward(plane, divisor, dy, dx);
        }
        let [_, outputs] = plane.output;
        for (oy, dy) in dy.chunks_exact(outputs).enumerate() {
            let rows = s.splat(E::from_f64(plane.divisor(0, oy, divisor) as f64));
            for ox in (0..outputs).step_by(S::LANES) {
                let dy = if ox + S::LANES <= outputs { s.load(&dy[ox..]) } else { s.load_tail(&dy[ox..]) };
                let share = s.div(dy, s.mul(rows, s.load(&divisors[ox..])));
                s.store(share, &mut shares[plane.shifts() + ox..]);
            }
            shares_to_parts(s, plane, oy, shares, parts);
        }
        let rows = interleave(plane.stride[1], parts, rows);
        for (oy, row) in rows.chunks_exact(plane.padded()).enumerate() {
            add_to_rows(s, plane, plane.under(0, oy), row, dx);
        }
    }

    /// The mean of all of `x`, from a sum with the small rounding error of [`reduce::sum`](crate::reduce::sum()).
    ///
    /// # Panics
    /// When `x` is empty.
    pub fn mean(x: &[E]) -> E |s| {
        assert!(!x.is_empty(), "the mean of nothing");
        let (sum, count) = (total(s, x), x.len() as f64);
        if sum.is_finite() {
            return sum / E::from_f64(count);
        }
        // A sum may overflow where the mean does not: each element gives its share.
        E::from_f64(x.iter().map(|x| x.to_f64() / count).sum())
    }
}

/// The sum of some rows of `x`, with zeros on either side.
#[inline(always)]
fn sum_rows<S: Simd>(s: S, plane: &Plane, rows: Range<usize>, x: &[S::Elem], sum: &mut [S::Elem]) {
    let (columns, width) = (plane.used_columns(), plane.input[1]);
    let (before, sum) = sum.split_at_mut(plane.padding[1]);
    let (sum, behind) = sum.split_at_mut(columns);
    before.fill(S::Elem::ZERO);
    behind.fill(S::Elem::ZERO);
    let whole = columns - columns % S::LANES;
    for i in (0..whole).step_by(S::LANES) {
        let mut total = s.load(&x[rows.start * width + i..]);
        for r in rows.start + 1..rows.end {
            total = s.add(total, s.load(&x[r * width + i..]));
        }
        s.store(total, &mut sum[i..]);
    }
    if whole < columns {
        let mut total = s.zero();
        for r in rows {
            total = s.add(total, s.load_tail(&x[r * width + whole..r * width + columns]));
        }
        s.store_tail(total, &mut sum[whole..]);
    }
}

/// Row `oy` of every part: the sum of the shares of all windows that hold an element.
#[inline(always)]
fn shares_to_parts<S: Simd>(s: S, plane: &Plane, oy: usize, shares: &[S::Elem], parts: &mut [S::Elem]) {
    let ([_, kernel], [_, stride], part, shifts) = (plane.kernel, plane.stride, plane.part(), plane.shifts());
    for p in 0..stride {
        let own = &mut parts[(p * plane.output[0] + oy) * part..][..part];
        // Columns p, p + stride, … of the window.
        let columns = (kernel + stride - 1 - p) / stride;
        for block in (0..part).step_by(S::LANES) {
            // The last vector may overlap the one before: it writes the same values there.
            let i = block.min(part - S::LANES);
            let mut sum = s.zero();
            for shift in 0..columns {
                sum = s.add(sum, s.load(&shares[shifts + i - shift..]));
            }
            s.store(sum, &mut own[i..]);
        }
    }
}

/// The part of `row` that is no padding, added to some rows of `dx`.
#[inline(always)]
fn add_to_rows<S: Simd>(s: S, plane: &Plane, rows: Range<usize>, row: &[S::Elem], dx: &mut [S::Elem]) {
    let (columns, width) = (plane.used_columns(), plane.input[1]);
    let row = &row[plane.padding[1]..][..columns];
    let whole = columns - columns % S::LANES;
    for r in rows {
        let dx = &mut dx[r * width..][..columns];
        for i in (0..whole).step_by(S::LANES) {
            let old = s.load(&dx[i..]);
            s.store(s.add(old, s.load(&row[i..])), &mut dx[i..]);
        }
        for i in whole..columns {
            dx[i] += row[i];
        }
    }
}

/// The plain algorithm, for any geometry.
fn plain_forward<E: Number>(plane: &Plane, divisor: Divisor, x: &[E], y: &mut [E]) {
    for (oy, y) in y.chunks_exact_mut(plane.output[1]).enumerate() {
        let rows = plane.divisor(0, oy, divisor) as f64;
        for (ox, y) in y.iter_mut().enumerate() {
            let columns = plane.under(1, ox);
            let mut sum = E::ZERO;
            for r in plane.under(0, oy) {
                for x in &x[r * plane.input[1]..][columns.clone()] {
                    sum += *x;
                }
            }
            *y = sum / E::from_f64(rows * plane.divisor(1, ox, divisor) as f64);
        }
    }
}

/// The gradient of [`plain_forward`], added to `dx`.
fn plain_backward<E: Number>(plane: &Plane, divisor: Divisor, dy: &[E], dx: &mut [E]) {
    for (oy, dy) in dy.chunks_exact(plane.output[1]).enumerate() {
        let rows = plane.divisor(0, oy, divisor) as f64;
        for (ox, dy) in dy.iter().enumerate() {
            let columns = plane.under(1, ox);
            let share = *dy / E::from_f64(rows * plane.divisor(1, ox, divisor) as f64);
            for r in plane.under(0, oy) {
                for dx in &mut dx[r * plane.input[1]..][columns.clone()] {
                    *dx += share;
                }
            }
        }
    }
}
