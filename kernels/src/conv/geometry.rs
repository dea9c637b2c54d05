//! Which source pixels an output pixel of a convolution sees, and the copy of a few of them into a panel.
//!
//! A convolution and its two gradients all ask the same question: for an output place and a kernel tap, which place of
//! the source? Along one axis the answer is linear, `o·step + first + t·delta` ([`Axis`]), and zero where that lies
//! outside. The full matrix of answers, im2col, is `kernel area` times as large as the image and is never built: a
//! panel holds the columns of a few pixels at a time, small enough for the cache, and is overwritten by the next.
//!
//! [`Window`], [`Axis`] and [`Gather`] serve every way to compute a convolution. What follows serves the ways with lanes over
//! pixels.
//!
//! The source is first copied once into planes with zeros around them, so that the packing loops never ask whether a
//! place lies inside. Rows are copied in whole vectors: what a copy writes past its end is overwritten by the next
//! one, since a panel is written from front to back; behind the last there is slack.

use crate::simd::{MAX_LANES, Simd};

/// One spatial axis of a convolution, sizes in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size of the input.
    pub input: usize,
    /// Size of the output.
    pub output: usize,
    /// Taps of the kernel.
    pub kernel: usize,
    /// Input pixels from one output pixel to the next.
    pub stride: usize,
    /// Zeros before the first input pixel.
    pub padding: usize,
    /// Input pixels from one tap to the next.
    pub dilation: usize,
}

/// One axis of a gather: output place `o` and tap `t` meet at source place `o·step + first + t·delta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Size of the source.
    pub source: usize,
    /// Size of the output.
    pub output: usize,
    /// Number of taps.
    pub taps: usize,
    /// Source places from one output place to the next.
    pub step: usize,
    /// Where the first output place meets the first tap; may lie outside.
    pub first: isize,
    /// Source places from one tap to the next.
    pub delta: isize,
}

/// The input places `phase`, `phase + stride`, … of a convolution, and the taps through which outputs reach them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Gathers those input places from the outputs.
    pub axis: Axis,
    /// The first tap of the kernel that takes part.
    pub first_tap: usize,
    /// From one tap that takes part to the next.
    pub tap_step: usize,
}

impl Window {
    /// The gather of the forward pass: each output place sees its taps of the input.
    pub fn forward(&self) -> Axis {
        Axis {
            source: self.input,
            output: self.output,
            taps: self.kernel,
            step: self.stride,
            first: -(self.padding as isize),
            delta: self.dilation as isize,
        }
    }

    /// The gather of the input's gradient, for the input places `phase`, `phase + stride`, ….
    ///
    /// Tap `r` carries output `o` to input `o·stride + r·dilation − padding`. So input place `i` is reached from
    /// `o = (i + padding − r·dilation) / stride` where that is whole. Which taps make it whole depends on `i` modulo the
    /// stride alone; for places of one phase they are an arithmetic sequence, and so are the outputs they come from.
    pub fn backward(&self, phase: usize) -> Phase {
        let (stride, dilation) = (self.stride as isize, self.dilation as isize);
        let reach = |tap: usize| (phase + self.padding) as isize - tap as isize * dilation;
        let tap_step = self.stride / greatest_common_divisor(self.stride, self.dilation);
        let first_tap = (0..tap_step.min(self.kernel)).find(|tap| reach(*tap) % stride == 0);
        let output = self.input.saturating_sub(phase).div_ceil(self.stride);
        let (first_tap, taps) = first_tap.map_or((0, 0), |tap| (tap, (self.kernel - tap).div_ceil(tap_step)));
        let axis = Axis {
            source: self.output,
            output,
            taps,
            step: 1,
            first: if taps == 0 { 0 } else { reach(first_tap) / stride },
            delta: -(tap_step as isize * dilation / stride),
        };
        Phase { axis, first_tap, tap_step }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Axis {
    /// The offsets of the first and the last tap, the smaller one first.
    fn offsets(&self) -> (isize, isize) {
        let last = self.first + (self.taps.max(1) as isize - 1) * self.delta;
        (self.first.min(last), self.first.max(last))
    }

    /// Zeros to put before the source, so that no place is below zero.
    fn before(&self) -> usize {
        (-self.offsets().0).max(0) as usize
    }

    /// Size of the source with zeros on both sides.
    fn padded(&self) -> usize {
        let last = (self.output as isize - 1) * self.step as isize + self.offsets().1;
        self.before() + self.source.max((last + 1).max(0) as usize)
    }

    /// The source place that an output place meets with a tap; none outside.
    #[inline(always)]
    pub(crate) fn sees(&self, output: usize, tap: usize) -> Option<usize> {
        let place = (output * self.step) as isize + self.first + tap as isize * self.delta;
        (0..self.source as isize).contains(&place).then_some(place as usize)
    }

    /// Zeros before the source, and its size with zeros on both sides.
    pub(crate) fn padding(&self) -> (usize, usize) {
        (self.before(), self.padded())
    }

    /// As columns: how a padded row is laid out.
    fn row(&self) -> Row {
        Row { step: self.step, phase: self.padded().div_ceil(self.step) }
    }

    /// Where in the padded source the first output place meets `tap`.
    pub(crate) fn place(&self, tap: usize) -> usize {
        (self.before() as isize + self.first + tap as isize * self.delta) as usize
    }
}

/// A padded row, in which places that lie `step` apart stand together, so that neighbouring output pixels do.
#[derive(Clone, Copy)]
struct Row {
    step: usize,
    /// Places of each phase.
    phase: usize,
}

impl Row {
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

/// A gather over several planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather {
    /// Planes of the source: channels.
    pub planes: usize,
    /// Along the height.
    pub rows: Axis,
    /// Along the width.
    pub columns: Axis,
}

impl Gather {
    /// Rows of the virtual im2col matrix: planes × taps.
    pub fn depth(&self) -> usize {
        self.planes * self.rows.taps * self.columns.taps
    }

    /// Output pixels of one image.
    pub fn pixels(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// Source elements of one image.
    pub fn source_len(&self) -> usize {
        self.planes * self.rows.source * self.columns.source
    }

    /// Pixels of the source.
    pub(crate) fn source_pixels(&self) -> usize {
        self.rows.source * self.columns.source
    }

    /// Elements of scratch that the padded planes of one image take.
    pub(crate) fn padded_len(&self) -> usize {
        self.planes * self.rows.padded() * self.columns.row().len()
    }

    /// Copies the planes of one image between zeros. `padded` was filled with zeros once; borders stay so.
    #[inline(always)]
    pub(crate) fn pad<S: Simd>(&self, s: S, x: &[S::Elem], padded: &mut [S::Elem]) {
        let (height, width, row) = (self.rows.source, self.columns.source, self.columns.row());
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
        let (row, width) = (self.columns.row(), self.columns.row().len());
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

    /// Packs `count` pixels from `first` on as tap `(i, j)` of `plane` sees them.
    /// What stands behind them in `packed` is left as it comes.
    #[inline(always)]
    pub(crate) fn pack_tap<S: Simd>(
        &self,
        s: S,
        layout: &Layout,
        padded: &[S::Elem],
        (plane, i, j): (usize, usize, usize),
        (first, count): (usize, usize),
        packed: &mut [S::Elem],
    ) {
        let mut column = first % layout.columns;
        let mut source = layout.tap(plane, i, j) + first / layout.columns * layout.pixel_down;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every input place, tap and output that the forward gather joins, the phases join too, and nothing else.
    #[test]
    fn phases_join_what_the_forward_gather_joins() {
        for (input, kernel, stride, padding, dilation) in [
            (7, 3, 1, 1, 1),
            (8, 3, 2, 1, 1),
            (9, 4, 3, 2, 2),
            (5, 1, 2, 0, 1),
            (11, 2, 2, 0, 2),
            (6, 5, 4, 3, 2),
            (10, 3, 2, 2, 3),
        ] {
            let output = (input + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
            let window = Window { input, output, kernel, stride, padding, dilation };
            let forward = window.forward();
            let inside = |place: isize, size: usize| (0..size as isize).contains(&place);
            let mut expected = Vec::new();
            for o in 0..output {
                for t in 0..kernel {
                    let place = (o * stride) as isize + forward.first + t as isize * forward.delta;
                    if inside(place, input) {
                        expected.push((place, t, o as isize));
                    }
                }
            }
            let mut found = Vec::new();
            for phase in 0..stride {
                let Phase { axis, first_tap, tap_step } = window.backward(phase);
                for i in 0..axis.output {
                    for t in 0..axis.taps {
                        let o = i as isize + axis.first + t as isize * axis.delta;
                        if inside(o, output) {
                            found.push(((phase + i * stride) as isize, first_tap + t * tap_step, o));
                        }
                    }
                }
            }
            expected.sort();
            found.sort();
            assert_eq!(expected, found, "{window:?}");
        }
    }
}
