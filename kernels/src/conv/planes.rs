//! Images plane by plane (NCHW): copied between zeros, packed a few pixels at a time, and stored.
//!
//! The source is first copied once into planes with zeros around them, so that the packing loops never ask whether a
//! place lies inside. A panel holds the columns of the im2col matrix for a few pixels, small enough for the cache, and
//! is overwritten by the next. Rows are copied in whole vectors: what a copy writes past its end is overwritten by the
//! next one, since a panel is written from front to back; behind the last there is slack.
//!
//! Knows the geometry; knows no algorithm.

use crate::conv::geometry::{Axis, Gather};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use std::ops::Range;

/// A padded row, in which places that lie `step` apart stand together, so that neighbouring output pixels do.
#[derive(Clone, Copy)]
struct Row {
    step: usize,
    /// Places of each phase.
    phase: usize,
}

impl Row {
    /// That of an axis along the width.
    fn of(axis: &Axis) -> Row {
        Row { step: axis.step, phase: axis.padded().div_ceil(axis.step) }
    }

    fn len(&self) -> usize {
        self.step * self.phase
    }

    /// Where a place of the padded source stands.
    #[inline(always)]
    fn column(&self, place: usize) -> usize {
        match self.step {
            1 => place,
            2 => place % 2 * self.phase + place / 2,
            step => place % step * self.phase + place / step,
        }
    }
}

impl Gather {
    /// Elements of scratch that the padded planes of one image take.
    pub(crate) fn padded_len(&self) -> usize {
        self.planes * self.rows.padded() * Row::of(&self.columns).len()
    }

    /// Copies the planes of one image between zeros. `padded` was filled with zeros once; borders stay so.
    #[inline(always)]
    pub(crate) fn pad<S: Simd>(&self, s: S, x: &[S::Elem], padded: &mut [S::Elem]) {
        let (height, width, row) = (self.rows.source, self.columns.source, Row::of(&self.columns));
        let (above, before, down) = (self.rows.before(), self.columns.before(), self.rows.padded());
        for phase in 0..row.step.min(width) {
            let first = row.column(before + phase);
            for plane in 0..self.planes {
                for line in 0..height {
                    let x = &x[(plane * height + line) * width..][..width];
                    let padded = &mut padded[(plane * down + above + line) * row.len()..][..row.len()];
                    copy_every(s, &x[phase..], row.step, &mut padded[first..]);
                }
            }
        }
    }

    /// Where taps and pixels stand in the padded planes.
    #[inline(always)]
    pub(crate) fn layout(&self) -> Layout {
        let (row, width) = (Row::of(&self.columns), Row::of(&self.columns).len());
        Layout {
            plane: self.rows.padded() * width,
            first: self.rows.place(0) * width,
            tap_down: self.rows.delta * width as isize,
            row,
            first_column: self.columns.place(0),
            right: self.columns.delta,
            pixel_down: self.rows.step * width,
            columns: self.columns.output,
        }
    }

    /// Packs `V` vectors of pixels from `first` on: `panel[depth][pixels]`. Lanes behind the last pixel are left as they
    /// come.
    #[inline(always)]
    pub(crate) fn pack_pixels<S: Simd, const V: usize>(
        &self,
        s: S,
        padded: &[S::Elem],
        first: usize,
        panel: &mut [S::Elem],
    ) {
        let (layout, width) = (self.layout(), V * S::LANES);
        let (runs, count) = layout.runs(first, width.min(self.pixels() - first));
        let one_row = runs[0].len == width;
        let mut at = 0;
        for plane in 0..self.planes {
            for i in 0..self.rows.taps {
                for j in 0..self.columns.taps {
                    let source = &padded[layout.tap(plane, i, j)..];
                    if one_row {
                        copy_vectors::<S, V>(s, &source[runs[0].source..], &mut panel[at..]);
                    } else {
                        for run in &runs[..count] {
                            copy_run(s, &source[run.source..], run.len, &mut panel[at + run.target..]);
                        }
                    }
                    at += width;
                }
            }
        }
    }

    /// Packs some pixels as a tap sees them, which meets the first pixel at `tap`.
    /// What stands behind them in `packed` is left as it comes.
    #[inline(always)]
    pub(crate) fn pack_tap<S: Simd>(
        &self,
        s: S,
        layout: &Layout,
        padded: &[S::Elem],
        tap: usize,
        pixels: Range<usize>,
        packed: &mut [S::Elem],
    ) {
        let (first, count) = (pixels.start, pixels.len());
        let mut column = first % layout.columns;
        let mut source = tap + first / layout.columns * layout.pixel_down;
        let mut target = 0;
        while target < count {
            let len = (layout.columns - column).min(count - target);
            copy_run(s, &padded[source + column..], len, &mut packed[target..]);
            (target, column, source) = (target + len, 0, source + layout.pixel_down);
        }
    }
}

/// Distances in the padded planes of a gather, in elements. From an output pixel to the one to its right it is always 1.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// From a plane to the next.
    plane: usize,
    /// Where the row starts in which the first pixel meets the first tap of the first plane.
    first: usize,
    /// From a tap to the one below.
    tap_down: isize,
    /// A row, the place of the padded source where its first pixel meets the first tap, and from that tap to its right.
    row: Row,
    first_column: usize,
    right: isize,
    /// From a pixel to the one below.
    pixel_down: usize,
    /// Pixels in an output row.
    columns: usize,
}

impl Layout {
    /// From where a pixel meets its first tap to where the one at `(row, column)` does.
    #[inline(always)]
    pub fn pixel(&self, row: usize, column: usize) -> usize {
        row * self.pixel_down + column
    }

    /// From a tap to the one to its right, where output pixels are neighbours of the source.
    #[inline(always)]
    pub fn right(&self) -> isize {
        self.right
    }

    /// From a plane to the next.
    #[inline(always)]
    pub fn plane(&self) -> usize {
        self.plane
    }

    /// Where the first pixel meets tap `(i, j)` of `plane`.
    #[inline(always)]
    pub fn tap(&self, plane: usize, i: usize, j: usize) -> usize {
        let row = (plane * self.plane + self.first).wrapping_add_signed(i as isize * self.tap_down);
        row + self.row.column(self.first_column.wrapping_add_signed(j as isize * self.right))
    }

    /// `count` pixels from `first` on as runs within output rows; as many as two vectors have lanes, at most.
    #[inline(always)]
    fn runs(&self, first: usize, count: usize) -> ([Run; 2 * MAX_LANES], usize) {
        let mut runs = [Run::default(); 2 * MAX_LANES];
        let (mut number, mut target) = (0, 0);
        while target < count {
            let (row, column) = ((first + target) / self.columns, (first + target) % self.columns);
            let len = (self.columns - column).min(count - target);
            runs[number] = Run { source: self.pixel(row, column), target, len };
            (number, target) = (number + 1, target + len);
        }
        (runs, number)
    }
}

/// Neighbouring pixels of one output row.
#[derive(Clone, Copy, Default)]
struct Run {
    source: usize,
    target: usize,
    len: usize,
}

/// Copies `V` vectors.
#[inline(always)]
fn copy_vectors<S: Simd, const V: usize>(s: S, from: &[S::Elem], to: &mut [S::Elem]) {
    let (from, to) = (&from[..V * S::LANES], &mut to[..V * S::LANES]);
    for v in 0..V {
        s.store(s.load(&from[v * S::LANES..]), &mut to[v * S::LANES..]);
    }
}

/// Copies every `step`-th element, beginning with the first, and touches nothing behind the last.
#[inline(always)]
fn copy_every<S: Simd>(s: S, from: &[S::Elem], step: usize, to: &mut [S::Elem]) {
    let to = &mut to[..from.len().div_ceil(step)];
    match step {
        1 => copy_exact(s, from, to),
        // A step that the compiler knows is one that it takes with vectors.
        2 => {
            let (pairs, rest) = from.as_chunks::<2>();
            for i in 0..pairs.len() {
                to[i] = pairs[i][0];
            }
            to[pairs.len()..].copy_from_slice(rest);
        }
        _ => {
            for i in 0..to.len() {
                to[i] = from[i * step];
            }
        }
    }
}

/// Copies `len` elements; may write up to a vector more.
#[inline(always)]
pub(crate) fn copy_run<S: Simd>(s: S, from: &[S::Elem], len: usize, to: &mut [S::Elem]) {
    if len <= S::LANES {
        s.store(s.load(from), to);
    } else {
        for i in (0..len).step_by(S::LANES) {
            s.store(s.load(&from[i..]), &mut to[i..]);
        }
    }
}

/// Copies all of `from` and touches nothing behind it.
#[inline(always)]
fn copy_exact<S: Simd>(s: S, from: &[S::Elem], to: &mut [S::Elem]) {
    let whole = from.len() - from.len() % S::LANES;
    for i in (0..whole).step_by(S::LANES) {
        s.store(s.load(&from[i..]), &mut to[i..]);
    }
    to[whole..from.len()].copy_from_slice(&from[whole..]);
}

/// Writes neighbouring pixels, at most two vectors, to places `right` apart: neighbours eight at a time, which takes no call.
#[inline(always)]
pub(crate) fn store_run<E: Number>(from: &[E], right: usize, to: &mut [E]) {
    if right != 1 {
        return to.iter_mut().step_by(right).zip(from).for_each(|(to, from)| *to = *from);
    }
    let (eights, rest) = from.as_chunks::<8>();
    for (from, to) in eights.iter().zip(to.as_chunks_mut::<8>().0) {
        *to = *from;
    }
    to[from.len() - rest.len()..from.len()].copy_from_slice(rest);
}
