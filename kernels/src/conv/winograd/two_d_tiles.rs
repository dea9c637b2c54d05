//! Tiles of Winograd's `F(4×4, 3×3)`: a quarter of the multiplications for 3×3 kernels, in layers with enough channels.
//!
//! [`winograd::transforms`](crate::conv::winograd::transforms) turns six source rows into values at six points,
//! multiplies there, and turns what was summed into four output rows. The same along the width makes a tile a square:
//! 6×6 source pixels, 36 points, 4×4 output pixels, and 36 multiplications where direct summation takes 144. The plain
//! algorithm, for one tile, one plane and one filter, with the matrices that
//! [`transforms`](crate::conv::winograd::transforms) prints:
//!
//! ```text
//! y = Aᵀ · ((G · w · Gᵀ) ⊙ (Bᵀ · x · B)) · A          ⊙ element by element, and summed over the planes
//! ```
//!
//! **Lanes run over channels.** Along the width, neighbouring pixels are combined, which lanes over pixels could not
//! do. So an image becomes a [`ChannelsLast`] first, and from there on nothing moves between lanes: the values of a
//! tile at a point are whole vectors of channels, and the sum over the channels is a product of two matrices for each
//! point, `[tiles × planes] · [planes × filters]`, whose factors need no packing.
//!
//! **Rows of tiles at a time**, of one image or of several small ones, so that all that is held of them stays in L2. Eight tiles
//! each stand together, `[eight tiles][point][tile][channel]`: the points of a tile then lie within a few pages.
//!
//! **Error.** Each axis multiplies its variance, as [`winograd::transforms`](crate::conv::winograd::transforms) says,
//! so what is summed at a point is summed in short blocks: [`SUMMED`] products at a time.
//!
//! This file knows where tiles lie and how channels-last copies become values at the points;
//! [`winograd::two_d`](crate::conv::winograd::two_d) and
//! [`winograd::two_d_weights`](crate::conv::winograd::two_d_weights) multiply.

use crate::conv::channels_last::ChannelsLast;
use crate::conv::geometry::{Axis, Gather};
use crate::conv::microkernel::channels::fills;
use crate::conv::winograd::transforms::{Order, POINTS, gradient_transform, input_transform};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Pixels of a tile along each axis.
pub(crate) const TILE: usize = 4;

/// Source pixels that a tile sees along each axis.
pub(crate) const SEEN: usize = POINTS;

/// Taps of a kernel along each axis.
pub(crate) const TAPS: usize = POINTS + 1 - TILE;

/// Points of a tile.
pub(crate) const POINTS_2D: usize = POINTS * POINTS;

/// Tiles that stand together.
pub(crate) const TILES_OF_A_BLOCK: usize = 8;

/// Products at a point that are added one after the other, before their sum is added to those of others: a variance of
/// 16 units of rounding, and of half as many as there are blocks. Half as many would cost the speed of one sum for
/// every 16 products.
pub(crate) const SUMMED: usize = 32;

/// Elements that the values of a group of tiles may take, at all points and on both sides of the product: 512 KiB of
/// `f32`, half of a large L2.
const GROUP: usize = 1 << 17;

/// Tiles that a group has at least: filters, and sums of products, are read anew for each group, which wide layers feel.
const LEAST_TILES: usize = 64;

/// A convolution whose output is cut into tiles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles2d {
    pub planes: usize,
    pub filters: usize,
    pub rows: TileAxis,
    pub columns: TileAxis,
}

/// One axis of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileAxis {
    /// Pixels of the source and of the output.
    pub source: usize,
    pub output: usize,
    pub tiles: usize,
    /// The first source pixel that the first tile sees, and how a tile's pixels meet the taps.
    first: isize,
    pub order: Order,
}

impl TileAxis {
    fn of(axis: &Axis) -> Option<TileAxis> {
        let (order, first) = Order::of(axis)?;
        let Axis { source, output, taps, .. } = *axis;
        (taps == TAPS).then_some(TileAxis { source, output, tiles: output.div_ceil(TILE), first, order })
    }
}

impl Tiles2d {
    /// The tiles of a convolution with so many filters, where its channels fill vectors and where tiles take less than half
    /// of the multiplications.
    pub fn of(gather: &Gather, filters: usize) -> Option<Tiles2d> {
        let planes = gather.planes;
        let (rows, columns) = (TileAxis::of(&gather.rows)?, TileAxis::of(&gather.columns)?);
        let found = Tiles2d { planes, filters, rows, columns };
        let fewer = 2 * POINTS_2D * rows.tiles * columns.tiles <= TAPS * TAPS * gather.pixels();
        (fills(planes) && fills(filters) && fewer).then_some(found)
    }

    /// Rows of tiles that are worked on together.
    pub fn rows_together(&self) -> usize {
        let row = POINTS_2D * (self.planes + self.filters) * self.columns.tiles;
        (GROUP / row).max(LEAST_TILES.div_ceil(self.columns.tiles))
    }

    /// Elements of the values at all points that a group of so many images has, for so many channels.
    pub fn values_len(&self, images: usize, channels: usize) -> usize {
        let rows = self.rows_together().min(images * self.rows.tiles);
        (rows * self.columns.tiles).div_ceil(TILES_OF_A_BLOCK) * block_stride(channels)
    }

    /// The groups of rows of tiles of so many images.
    pub fn groups(&self, images: usize) -> impl Iterator<Item = Group> {
        let (rows, together, of_an_image) = (images * self.rows.tiles, self.rows_together(), self.rows.tiles);
        (0..rows).step_by(together).map(move |first| Group { first, rows: together.min(rows - first), of_an_image })
    }

    /// The source's side of the product.
    pub fn source(&self) -> TileWindows {
        TileWindows::of(self.planes, self.rows, self.columns, SEEN)
    }

    /// The output's gradient.
    pub fn gradient(&self) -> TileWindows {
        let own = |axis: TileAxis| TileAxis { source: axis.output, first: 0, ..axis };
        TileWindows::of(self.filters, own(self.rows), own(self.columns), TILE)
    }
}

/// From a point of eight tiles to the next: a little more than what is there, lest all points compete for the same places of the
/// cache.
pub(crate) fn point_stride(channels: usize) -> usize {
    TILES_OF_A_BLOCK * channels + MAX_LANES
}

/// From eight tiles to the next.
pub(crate) fn block_stride(channels: usize) -> usize {
    POINTS_2D * point_stride(channels)
}

/// Where a tile's first channel stands, at the first point.
#[inline(always)]
pub(crate) fn tile_offset(tile: usize, channels: usize) -> usize {
    tile / TILES_OF_A_BLOCK * block_stride(channels) + tile % TILES_OF_A_BLOCK * channels
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
pub(crate) struct TileWindows {
    nhwc: ChannelsLast,
    rows: TileAxis,
    /// Tiles of a row of tiles, and the first pixel of a row of the channels-last copy that the first one sees.
    tiles: usize,
    first: usize,
    seen: usize,
}

impl TileWindows {
    fn of(channels: usize, rows: TileAxis, columns: TileAxis, seen: usize) -> TileWindows {
        let (before, first) = ((-columns.first).max(0) as usize, columns.first.max(0) as usize);
        let width = (before + columns.source).max(first + (columns.tiles - 1) * TILE + seen);
        let nhwc = ChannelsLast { channels, size: [rows.source, columns.source], before, width };
        TileWindows { nhwc, rows, tiles: columns.tiles, first, seen }
    }

    /// Pixels that a row of tiles sees along the width.
    fn seen_width(&self) -> usize {
        (self.tiles - 1) * TILE + self.seen
    }

    /// Elements of the channels-last copy of so many rows of tiles.
    pub fn nhwc_len(&self, rows: usize) -> usize {
        ((rows - 1) * TILE + self.seen) * self.nhwc.row()
    }

    /// Elements of the columns of one row of tiles.
    pub fn columns_len(&self) -> usize {
        POINTS * self.seen_width() * MAX_LANES
    }

    /// Turns the planes of an image, with which `x` begins, into a channels-last copy, for the rows of tiles of a run.
    /// What lies outside the image is zero: on both sides because the caller has cleared the channels-last copy and
    /// nothing is written there.
    #[inline(always)]
    pub fn fill_nhwc<S: Simd>(&self, s: S, x: &[S::Elem], run: TileRows, nhwc: &mut [S::Elem]) {
        let first = (run.row * TILE) as isize + self.rows.first;
        let last = first + ((run.rows - 1) * TILE + self.seen) as isize;
        // The rows that exist; none, where a tile lies in the padding alone.
        let from = first.max(0).min(last);
        let to = last.min(self.rows.source as isize).max(from);
        let [above, below] = [from - first, to - first].map(|rows| rows as usize * self.nhwc.row());
        nhwc[..above].fill(S::Elem::ZERO);
        nhwc[below..(last - first) as usize * self.nhwc.row()].fill(S::Elem::ZERO);
        if from < to {
            self.nhwc.fill(s, x, from as usize..to as usize, &mut nhwc[above..]);
        }
    }

    /// Turns a channels-last copy into values at the points, from the run's first tile on.
    #[inline(always)]
    pub fn transform<S: Simd, const SOURCE: bool>(
        &self,
        s: S,
        nhwc: &[S::Elem],
        run: TileRows,
        columns: &mut [S::Elem],
        values: &mut [S::Elem],
    ) {
        for row in 0..run.rows {
            let nhwc = &nhwc[row * TILE * self.nhwc.row() + self.first * self.nhwc.channels..];
            for channel in (0..self.nhwc.channels).step_by(S::LANES) {
                self.along_height::<S, SOURCE>(s, &nhwc[channel..], columns);
                for tile in 0..self.tiles {
                    let place = tile_offset((run.at + row) * self.tiles + tile, self.nhwc.channels);
                    let columns = &columns[tile * TILE * S::LANES..];
                    self.along_width::<S, SOURCE>(s, columns, &mut values[place + channel..]);
                }
            }
        }
    }

    /// Values at the points of the height, of one row of tiles and one vector of channels: `columns[point][column]`.
    #[inline(always)]
    fn along_height<S: Simd, const SOURCE: bool>(&self, s: S, nhwc: &[S::Elem], columns: &mut [S::Elem]) {
        let (width, row) = (self.seen_width(), self.nhwc.row());
        for column in 0..width {
            let nhwc = &nhwc[column * self.nhwc.channels..];
            let mut seen = [s.zero(); POINTS];
            for i in 0..if SOURCE { SEEN } else { TILE } {
                seen[i] = s.load(&nhwc[i * row..]);
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
        let (width, part) = (self.seen_width(), point_stride(self.nhwc.channels));
        for i in 0..POINTS {
            let columns = &columns[i * width * S::LANES..];
            let mut seen = [s.zero(); POINTS];
            for j in 0..if SOURCE { SEEN } else { TILE } {
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
        input_transform(s, seen)
    } else {
        gradient_transform(s, &[seen[0], seen[1], seen[2], seen[3], seen[4]], TILE)
    }
}
