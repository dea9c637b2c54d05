//! From NCHW to NHWC (channels last), and back: how lanes come to run over channels.
//!
//! A channels-last copy holds some rows of an image pixel by pixel, `nhwc[row][column][channel]`, with room for zeros
//! on both sides. A vector then holds neighbouring channels of one pixel, and a step to any other pixel is a step in
//! memory, whatever stride or dilation a convolution has. The plain algorithm, for both directions:
//! `nhwc[row][column][channel] = x[channel][row][column]`. Here as many pixels of as many planes as a vector has lanes
//! are read at a time, and transposed in registers.
//!
//! Channels are a multiple of [`MAX_LANES`].

use crate::conv::geometry::{Axis, Grid};
use crate::conv::planes::store_run;
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use crate::tail::load_padded;
use std::ops::Range;

/// How rows of an image stand in a channels-last copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChannelsLast {
    pub channels: usize,
    /// Height and width of the planes.
    pub size: [usize; 2],
    /// Pixels of a row that are there for zeros before the planes' own, and all of its pixels.
    pub before: usize,
    pub width: usize,
}

impl ChannelsLast {
    /// A channels-last copy of planes without room for zeros.
    pub fn dense(channels: usize, size: [usize; 2]) -> ChannelsLast {
        ChannelsLast { channels, size, before: 0, width: size[1] }
    }

    /// A channels-last copy with the zeros of an axis along the width.
    pub fn padded(channels: usize, height: usize, columns: &Axis) -> ChannelsLast {
        let (before, width) = columns.padding();
        ChannelsLast { channels, size: [height, columns.source], before, width }
    }

    /// Elements of a row.
    pub fn row(&self) -> usize {
        self.width * self.channels
    }

    /// Elements of an image's planes.
    pub fn image_len(&self) -> usize {
        self.channels * self.size[0] * self.size[1]
    }

    /// Turns some rows of the planes with which `x` begins into a channels-last copy that begins with the first
    /// of them. Room for zeros is not touched.
    #[inline(always)]
    pub fn fill<S: Simd>(&self, s: S, x: &[S::Elem], rows: Range<usize>, nhwc: &mut [S::Elem]) {
        let [height, width] = self.size;
        let Range { start: from, end: to } = rows;
        for channel in (0..self.channels).step_by(S::LANES) {
            for pixel in (from * width..to * width).step_by(S::LANES) {
                let x = &x[channel * height * width + pixel..];
                let (row, column) = (pixel / width - from, pixel % width);
                let count = S::LANES.min(to * width - pixel);
                if count == S::LANES && column + count <= width {
                    self.fill_run(s, x, row, column, &mut nhwc[channel..]);
                } else {
                    self.fill_some(s, x, row, column, count, &mut nhwc[channel..]);
                }
            }
        }
    }

    /// A vector of pixels of one row.
    #[inline(always)]
    fn fill_run<S: Simd>(&self, s: S, x: &[S::Elem], row: usize, column: usize, nhwc: &mut [S::Elem]) {
        let (plane, place) = (self.size[0] * self.size[1], (row * self.width + self.before + column) * self.channels);
        let mut pixels = [s.zero(); MAX_LANES];
        for l in 0..S::LANES {
            pixels[l] = s.load(&x[l * plane..]);
        }
        s.transpose(&mut pixels);
        for l in 0..S::LANES {
            s.store(pixels[l], &mut nhwc[place + l * self.channels..]);
        }
    }

    /// At most a vector of pixels, where rows or the planes may end within it.
    #[inline(always)]
    fn fill_some<S: Simd>(&self, s: S, x: &[S::Elem], row: usize, column: usize, count: usize, nhwc: &mut [S::Elem]) {
        let plane = self.size[0] * self.size[1];
        let mut pixels = [s.zero(); MAX_LANES];
        for l in 0..S::LANES {
            let x = &x[l * plane..];
            pixels[l] = if count == S::LANES { s.load(x) } else { load_padded(s, x, S::Elem::ZERO) };
        }
        s.transpose(&mut pixels);
        self.place_pixels::<S>(s, &pixels[..count], row, column, nhwc);
    }

    /// Puts neighbouring pixels into a channels-last copy, from a row and column of the planes on.
    #[inline(always)]
    fn place_pixels<S: Simd>(&self, s: S, pixels: &[S::Vector], row: usize, mut column: usize, nhwc: &mut [S::Elem]) {
        let mut place = (row * self.width + self.before + column) * self.channels;
        let next_row = (self.width - self.size[1]) * self.channels;
        for pixel in pixels {
            s.store(*pixel, &mut nhwc[place..]);
            (column, place) = (column + 1, place + self.channels);
            if column == self.size[1] {
                (column, place) = (0, place + next_row);
            }
        }
    }
}

/// The store from NHWC to NCHW: how pixels of an output, `pixels[row][column][filter]`, become planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanarStore {
    pub filters: usize,
    /// Pixels of a row, and how many of them exist in the output.
    pub width: usize,
    pub columns: usize,
    pub grid: Grid,
}

impl PlanarStore {
    /// Writes pixels, which are some rows of the output, to the planes with which `y` begins.
    #[inline(always)]
    pub fn write<S: Simd>(&self, s: S, pixels: &[S::Elem], rows: Range<usize>, y: &mut [S::Elem]) {
        let Grid { size: [_, width], first: [top, left], step: [down, right] } = self.grid;
        // Where rows follow each other without a gap, here and there, all are one long row.
        let dense = self.width == width && self.columns == width && down == 1 && right == 1;
        let (runs, len) = if dense { (1, rows.len() * width) } else { (rows.len(), self.columns) };
        for run in 0..runs {
            let place = (top + (rows.start + run) * down) * width + left;
            for filter in (0..self.filters).step_by(S::LANES) {
                self.write_row(s, &pixels[run * self.width * self.filters + filter..], len, filter, place, y);
            }
        }
    }

    /// Writes `len` pixels of a vector of filters from `place` on.
    #[inline(always)]
    fn write_row<S: Simd>(&self, s: S, pixels: &[S::Elem], len: usize, filter: usize, place: usize, y: &mut [S::Elem]) {
        let Grid { size: [height, width], step: [_, right], .. } = self.grid;
        for at in (0..len).step_by(S::LANES) {
            let (pixels, y) = (&pixels[at * self.filters..], &mut y[filter * height * width + place + at * right..]);
            if at + S::LANES <= len && right == 1 {
                self.write_run(s, pixels, y);
            } else {
                self.write_some(s, pixels, S::LANES.min(len - at), y);
            }
        }
    }

    /// A vector of pixels that are neighbours in the planes.
    #[inline(always)]
    fn write_run<S: Simd>(&self, s: S, pixels: &[S::Elem], y: &mut [S::Elem]) {
        let plane = self.grid.size[0] * self.grid.size[1];
        let mut lanes = [s.zero(); MAX_LANES];
        for l in 0..S::LANES {
            lanes[l] = s.load(&pixels[l * self.filters..]);
        }
        s.transpose(&mut lanes);
        for l in 0..S::LANES {
            s.store(lanes[l], &mut y[l * plane..]);
        }
    }

    /// At most a vector of pixels, which may stand apart in the planes.
    #[inline(always)]
    fn write_some<S: Simd>(&self, s: S, pixels: &[S::Elem], count: usize, y: &mut [S::Elem]) {
        let Grid { size: [height, width], step: [_, right], .. } = self.grid;
        let mut lanes = [s.zero(); MAX_LANES];
        for (l, lane) in lanes.iter_mut().enumerate().take(count) {
            *lane = s.load(&pixels[l * self.filters..]);
        }
        s.transpose(&mut lanes);
        for (l, lane) in lanes.iter().enumerate().take(S::LANES) {
            let mut values = [S::Elem::ZERO; MAX_LANES];
            s.store(*lane, &mut values);
            store_run(&values[..count], right, &mut y[l * height * width..]);
        }
    }
}
