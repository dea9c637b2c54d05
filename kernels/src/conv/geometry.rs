//! Which source pixels an output pixel of a convolution sees, and where images, outputs and weights stand in memory.
//!
//! A convolution and its two gradients all ask the same question: for an output place and a kernel tap, which place of
//! the source? Along one axis the answer is linear, `o·step + first + t·delta` ([`Axis`]), and zero where that lies
//! outside. The matrix of all answers, im2col, is `kernel area` times as large as the image; it is never built, and is here a
//! [`Gather`], from which each algorithm reads in its own order.
//!
//! [`Images`], [`Grid`] and [`Weights`] say where the operands of a product stand. Knows no algorithm.

use crate::number::Number;
use std::ops::Range;

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
    pub(crate) fn before(&self) -> usize {
        (-self.offsets().0).max(0) as usize
    }

    /// Size of the source with zeros on both sides.
    pub(crate) fn padded(&self) -> usize {
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

    /// Where in the padded source the first output place meets `tap`.
    pub(crate) fn place(&self, tap: usize) -> usize {
        (self.before() as isize + self.first + tap as isize * self.delta) as usize
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
}

/// Where some planes of each image stand in the slice of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// Number of images.
    pub images: usize,
    /// Elements from one image to the next.
    pub stride: usize,
    /// Where the planes start in an image.
    pub start: usize,
}

impl Batch {
    /// The `len` elements of an image's planes.
    #[inline(always)]
    pub(crate) fn of(&self, image: usize, len: usize) -> Range<usize> {
        let start = image * self.stride + self.start;
        start..start + len
    }

    pub(crate) fn check(&self, len: usize, total: usize, what: &str) {
        assert!(self.images > 0 && self.start + len <= self.stride, "{what}: {len} elements do not fit {self:?}");
        assert!(self.images * self.stride <= total, "{what}: {total} elements are too few for {self:?}");
    }
}

/// Some planes of each image of a batch, to be read.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a, E> {
    /// The whole batch.
    pub data: &'a [E],
    /// Where in it the planes stand.
    pub batch: Batch,
}

impl<'a, E> Images<'a, E> {
    /// The `len` elements of an image's planes.
    #[inline(always)]
    pub(crate) fn planes(&self, image: usize, len: usize) -> &'a [E] {
        &self.data[self.batch.of(image, len)]
    }

    /// What stands from an image's planes on.
    #[inline(always)]
    pub(crate) fn from(&self, image: usize) -> &'a [E] {
        &self.data[self.batch.of(image, 0).start..]
    }

    /// So many images from `first` on.
    pub(crate) fn part(&self, first: usize, images: usize) -> Images<'a, E> {
        Images { data: &self.data[first * self.batch.stride..], batch: Batch { images, ..self.batch } }
    }
}

/// Some planes of each image of a batch, to be written.
#[derive(Debug)]
pub struct ImagesMut<'a, E> {
    /// The whole batch.
    pub data: &'a mut [E],
    /// Where in it the planes stand.
    pub batch: Batch,
}

impl<E> ImagesMut<'_, E> {
    /// The `len` elements of an image's planes.
    #[inline(always)]
    pub(crate) fn planes(&mut self, image: usize, len: usize) -> &mut [E] {
        &mut self.data[self.batch.of(image, len)]
    }

    /// What stands from an image's planes on.
    #[inline(always)]
    pub(crate) fn from(&mut self, image: usize) -> &mut [E] {
        &mut self.data[self.batch.of(image, 0).start..]
    }

    /// So many images from `first` on.
    pub(crate) fn part(&mut self, first: usize, images: usize) -> ImagesMut<'_, E> {
        ImagesMut { data: &mut self.data[first * self.batch.stride..], batch: Batch { images, ..self.batch } }
    }
}

/// Which pixels of the output planes a product writes: every `step`-th from `first` on, along each axis.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Size of an output plane, height and width.
    pub size: [usize; 2],
    /// First row and column.
    pub first: [usize; 2],
    /// From a row, or column, to the next.
    pub step: [usize; 2],
}

impl Grid {
    /// All pixels.
    pub fn whole(size: [usize; 2]) -> Self {
        Grid { size, first: [0, 0], step: [1, 1] }
    }

    pub(crate) fn check(&self, gather: &Gather) {
        for (axis, output) in [gather.rows.output, gather.columns.output].into_iter().enumerate() {
            assert!(output > 0, "a product without pixels");
            let last = self.first[axis] + (output - 1) * self.step[axis];
            assert!(last < self.size[axis], "the pixels of {gather:?} do not fit {self:?}");
        }
    }
}

/// Where the weights of a product stand: for tap `(i, j)` of a plane and filter, row `first[0] + i·step[0]` and column
/// `first[1] + j·step[1]` of the kernel that starts `filter` and `plane` elements further for each filter and plane.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, E> {
    /// The weights.
    pub w: &'a [E],
    /// From a filter's kernels to the next filter's.
    pub filter: usize,
    /// From a plane's kernel to the next plane's.
    pub plane: usize,
    /// Columns of a kernel.
    pub columns: usize,
    /// Row and column of the first tap.
    pub first: [usize; 2],
    /// From a tap to the next, along each axis.
    pub step: [usize; 2],
}

impl<E: Number> Weights<'_, E> {
    /// The weight of a tap.
    #[inline(always)]
    pub(crate) fn at(&self, filter: usize, plane: usize, i: usize, j: usize) -> E {
        self.w[filter * self.filter + plane * self.plane + self.place(i, j)]
    }

    /// Where a tap stands in its kernel.
    #[inline(always)]
    pub(crate) fn place(&self, i: usize, j: usize) -> usize {
        (self.first[0] + i * self.step[0]) * self.columns + self.first[1] + j * self.step[1]
    }
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
