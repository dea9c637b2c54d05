//! A quarter of the multiplications for 3×3 kernels: Winograd's filtering along both axes, for layers with enough channels.
//!
//! [`winograd::transforms`](crate::conv::winograd::transforms) turns six source rows into values at six points, multiplies there, and turns what was summed
//! into four output rows. The same along the width makes a tile a square: 6×6 source pixels, 36 points, 4×4 output pixels, and
//! 36 multiplications where direct summation takes 144. The plain algorithm, for one tile, one plane and one filter, with `A`
//! for the step that ends in output rows, `B` for the source's and `G` for the weights':
//!
//! ```text
//! y = A · ((G · w · Gᵀ) ⊙ (B · x · Bᵀ)) · Aᵀ          ⊙ element by element, and summed over the planes
//! ```
//!
//! **Lanes run over channels.** Along the width, neighbouring pixels are combined, which lanes over pixels could not do. So an image
//! becomes a [`Strip`] first, and from there on nothing moves between lanes: the values of a tile at a point are whole vectors of
//! channels, and the sum over the channels is a product of two matrices for each point, `[tiles × planes] · [planes × filters]`,
//! whose factors need no packing.
//!
//! **Rows of tiles at a time**, of one image or of several small ones, so that all that is held of them stays in L2. Eight tiles
//! each stand together, `[eight tiles][point][tile][channel]`: the points of a tile then lie within a few pages.
//!
//! **Error.** Each axis multiplies its variance, as [`winograd::transforms`](crate::conv::winograd::transforms) says, so what is summed at a point is summed in short
//! blocks: [`SUMMED`] products at a time.
//!
//! This file knows where tiles lie and how strips become values at the points; [`winograd::two_d`](crate::conv::winograd::two_d) and
//! [`winograd::two_d_weights`](crate::conv::winograd::two_d_weights) multiply.

use crate::conv::channels_last::Strip;
use crate::conv::geometry::{Axis, Gather};
use crate::conv::microkernel::channels::fills;
use crate::conv::winograd::transforms::{Order, POINTS, gradient_points, source_points};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Pixels of a tile along each axis.
pub(crate) const SIDE: usize = 4;

/// Source pixels that a tile sees along each axis.
pub(crate) const SEEN: usize = POINTS;

/// Taps of a kernel along each axis.
pub(crate) const TAPS: usize = POINTS + 1 - SIDE;

/// Points of a tile.
pub(crate) const ALL_POINTS: usize = POINTS * POINTS;

/// Tiles that stand together.
pub(crate) const TOGETHER: usize = 8;

/// Products at a point that are added one after the other, before their sum is added to those of others: a variance of 16 units of
/// rounding, and of half as many as there are blocks. Half as many would cost the speed of one sum for every 16 products.
pub(crate) const SUMMED: usize = 32;

/// Elements that the values of a group of tiles may take, at all points and on both sides of the product: 512 KiB of `f32`, half of
/// a large L2.
const GROUP: usize = 1 << 17;

/// Tiles that a group has at least: filters, and sums of products, are read anew for each group, which wide layers feel.
const LEAST_TILES: usize = 64;

/// A convolution whose output is cut into squares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Squares {
    pub planes: usize,
    pub filters: usize,
    pub rows: Side,
    pub columns: Side,
}

/// One axis of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    /// Pixels of the source and of the output.
    pub source: usize,
    pub output: usize,
    pub tiles: usize,
    /// The first source pixel that the first tile sees, and how a tile's pixels meet the taps.
    first: isize,
    pub order: Order,
}

impl Side {
    fn of(axis: &Axis) -> Option<Side> {
        let (order, first) = Order::of(axis)?;
        let Axis { source, output, taps, .. } = *axis;
        (taps == TAPS).then_some(Side { source, output, tiles: output.div_ceil(SIDE), first, order })
    }
}

impl Squares {
    /// The squares of a convolution with so many filters, where its channels fill vectors and where squares take less than half
    /// of the multiplications.
    pub fn of(gather: &Gather, filters: usize) -> Option<Squares> {
        let planes = gather.planes;
        let (rows, columns) = (Side::of(&gather.rows)?, Side::of(&gather.columns)?);
        let found = Squares { planes, filters, rows, columns };
        let fewer = 2 * ALL_POINTS * rows.tiles * columns.tiles <= TAPS * TAPS * gather.pixels();
        (fills(planes) && fills(filters) && fewer).then_some(found)
    }

    /// Rows of tiles that are worked on together.
    pub fn rows_together(&self) -> usize {
        let row = ALL_POINTS * (self.planes + self.filters) * self.columns.tiles;
        (GROUP / row).max(LEAST_TILES.div_ceil(self.columns.tiles))
    }

    /// Elements of the values at all points that a group of so many images has, for so many channels.
    pub fn values_len(&self, images: usize, channels: usize) -> usize {
        let rows = self.rows_together().min(images * self.rows.tiles);
        (rows * self.columns.tiles).div_ceil(TOGETHER) * eight(channels)
    }

    /// Images of which a group has tiles.
    pub fn images_together(&self) -> usize {
        self.rows_together().div_ceil(self.rows.tiles)
    }

    /// The groups of rows of tiles of so many images.
    pub fn groups(&self, images: usize) -> impl Iterator<Item = Group> {
        let (rows, together, of_an_image) = (images * self.rows.tiles, self.rows_together(), self.rows.tiles);
        (0..rows).step_by(together).map(move |first| Group { first, rows: together.min(rows - first), of_an_image })
    }

    /// The source's side of the product.
    pub fn source(&self) -> Field {
        Field::of(self.planes, self.rows, self.columns, SEEN)
    }

    /// The output's gradient.
    pub fn gradient(&self) -> Field {
        let own = |side: Side| Side { source: side.output, first: 0, ..side };
        Field::of(self.filters, own(self.rows), own(self.columns), SIDE)
    }
}

/// From a point of eight tiles to the next: a little more than what is there, lest all points compete for the same places of the
/// cache.
pub(crate) fn part(channels: usize) -> usize {
    TOGETHER * channels + MAX_LANES
}

/// From eight tiles to the next.
pub(crate) fn eight(channels: usize) -> usize {
    ALL_POINTS * part(channels)
}

/// Where a tile's first channel stands, at the first point.
#[inline(always)]
pub(crate) fn place(tile: usize, channels: usize) -> usize {
    tile / TOGETHER * eight(channels) + tile % TOGETHER * channels
}

/// Some rows of tiles, counted through all images.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    first: usize,
    pub rows: usize,
    of_an_image: usize,
}

/// Rows of tiles of one image: `rows` from `row` on, of which the first is the `at`-th of the group.
#[derive(Clone, Copy)]
pub(crate) struct TileRows {
    pub image: usize,
    pub row: usize,
    pub rows: usize,
    pub at: usize,
}

impl Group {
    /// The runs of the group, image by image.
    pub fn runs(self) -> impl Iterator<Item = TileRows> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (image, row) = ((self.first + at) / self.of_an_image, (self.first + at) % self.of_an_image);
            let rows = (self.of_an_image - row).min(self.rows - at);
            let run = TileRows { image, row, rows, at };
            at += rows;
            (rows > 0).then_some(run)
        })
    }
}

/// Planes that are turned into values at the points, by windows of `seen` pixels that lie a tile's side apart.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    strip: Strip,
    rows: Side,
    /// Tiles of a row of tiles, and the first pixel of a strip's row that the first one sees.
    tiles: usize,
    first: usize,
    seen: usize,
}

impl Field {
    fn of(channels: usize, rows: Side, columns: Side, seen: usize) -> Field {
        let (before, first) = ((-columns.first).max(0) as usize, columns.first.max(0) as usize);
        let width = (before + columns.source).max(first + (columns.tiles - 1) * SIDE + seen);
        let strip = Strip { channels, size: [rows.source, columns.source], before, width };
        Field { strip, rows, tiles: columns.tiles, first, seen }
    }

    /// Pixels that a row of tiles sees along the width.
    fn seen_width(&self) -> usize {
        (self.tiles - 1) * SIDE + self.seen
    }

    /// Elements of the strip of so many rows of tiles.
    pub fn strip_len(&self, rows: usize) -> usize {
        ((rows - 1) * SIDE + self.seen) * self.strip.row()
    }

    /// Elements of the columns of one row of tiles.
    pub fn columns_len(&self) -> usize {
        POINTS * self.seen_width() * MAX_LANES
    }

    /// Turns the planes of an image, with which `x` begins, into a strip, for the rows of tiles of a run. What lies outside the
    /// image is zero: on both sides because the caller has cleared the strip and nothing is written there.
    #[inline(always)]
    pub fn fill_strip<S: Simd>(&self, s: S, x: &[S::Elem], run: TileRows, strip: &mut [S::Elem]) {
        let first = (run.row * SIDE) as isize + self.rows.first;
        let last = first + ((run.rows - 1) * SIDE + self.seen) as isize;
        // The rows that exist; none, where a tile lies in the padding alone.
        let from = first.max(0).min(last);
        let to = last.min(self.rows.source as isize).max(from);
        let [above, below] = [from - first, to - first].map(|rows| rows as usize * self.strip.row());
        strip[..above].fill(S::Elem::ZERO);
        strip[below..(last - first) as usize * self.strip.row()].fill(S::Elem::ZERO);
        if from < to {
            self.strip.fill(s, x, (from as usize, to as usize), &mut strip[above..]);
        }
    }

    /// Turns a strip into values at the points, from the run's first tile on.
    #[inline(always)]
    pub fn spread<S: Simd, const SOURCE: bool>(
        &self,
        s: S,
        strip: &[S::Elem],
        run: TileRows,
        columns: &mut [S::Elem],
        values: &mut [S::Elem],
    ) {
        for row in 0..run.rows {
            let strip = &strip[row * SIDE * self.strip.row() + self.first * self.strip.channels..];
            for channel in (0..self.strip.channels).step_by(S::LANES) {
                self.along_height::<S, SOURCE>(s, &strip[channel..], columns);
                for tile in 0..self.tiles {
                    let place = place((run.at + row) * self.tiles + tile, self.strip.channels);
                    let columns = &columns[tile * SIDE * S::LANES..];
                    self.along_width::<S, SOURCE>(s, columns, &mut values[place + channel..]);
                }
            }
        }
    }

    /// Values at the points of the height, of one row of tiles and one vector of channels: `columns[point][column]`.
    #[inline(always)]
    fn along_height<S: Simd, const SOURCE: bool>(&self, s: S, strip: &[S::Elem], columns: &mut [S::Elem]) {
        let (width, row) = (self.seen_width(), self.strip.row());
        for column in 0..width {
            let strip = &strip[column * self.strip.channels..];
            let mut seen = [s.zero(); POINTS];
            for i in 0..if SOURCE { SEEN } else { SIDE } {
                seen[i] = s.load(&strip[i * row..]);
            }
            let points = at_points::<S, SOURCE>(s, seen);
            for i in 0..POINTS {
                s.store(points[i], &mut columns[(i * width + column) * S::LANES..]);
            }
        }
    }

    /// A tile's values at all points, from those at the points of the height.
    #[inline(always)]
    fn along_width<S: Simd, const SOURCE: bool>(&self, s: S, columns: &[S::Elem], values: &mut [S::Elem]) {
        let (width, part) = (self.seen_width(), part(self.strip.channels));
        for i in 0..POINTS {
            let columns = &columns[i * width * S::LANES..];
            let mut seen = [s.zero(); POINTS];
            for j in 0..if SOURCE { SEEN } else { SIDE } {
                seen[j] = s.load(&columns[j * S::LANES..]);
            }
            let points = at_points::<S, SOURCE>(s, seen);
            for j in 0..POINTS {
                s.store(points[j], &mut values[(i * POINTS + j) * part..]);
            }
        }
    }
}

/// The values at six points of what a tile sees along one axis: of source pixels, or of pixels of the output's gradient.
#[inline(always)]
fn at_points<S: Simd, const SOURCE: bool>(s: S, seen: [S::Vector; POINTS]) -> [S::Vector; POINTS] {
    if SOURCE {
        source_points(s, seen)
    } else {
        gradient_points(s, &[seen[0], seen[1], seen[2], seen[3], seen[4]], SIDE)
    }
}
