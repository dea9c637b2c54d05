//! Convolution by squares: the products of [`conv`](crate::conv), for layers that [`winograd::two_d_tiles`](crate::conv::winograd::two_d_tiles) serves with a
//! quarter of the multiplications.
//!
//! For each group of rows of tiles:
//!
//! 1. the source becomes strips, and those become values at the points;
//! 2. for each point, the products of the values with the filters at that point are summed over the planes, by the register
//!    block of [`nhwc::forward`](crate::conv::nhwc::forward), a few planes at a time, whose sums are then added;
//! 3. products become tiles of output pixels, `pixels[row][column][filter]`, which are transposed into rows of the output's planes.
//!
//! Filters are packed as `[point][vectors of filters][plane][filter]`: one block of them stays in L1 for all tiles.

use crate::conv::channels_last::Planes;
use crate::conv::geometry::{Batch, Grid, Weights};
use crate::conv::microkernel::add_to;
use crate::conv::microkernel::channels::{FEW_PIXELS, MANY_PIXELS, VECTORS, block_of, multiply};
use crate::conv::winograd::transforms::{POINTS, output_row, weight_factors};
use crate::conv::winograd::two_d_tiles::{
    ALL_POINTS, Group, SIDE, SUMMED, Squares, TAPS, TOGETHER, TileRows, eight, part, place,
};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Sums of blocks that are added one after the other, before they are added to those of other such blocks.
const BLOCKS_SUMMED: usize = 8;

/// Elements of packed filters.
pub(crate) fn packed_len(squares: &Squares) -> usize {
    ALL_POINTS * squares.planes * squares.filters
}

/// Where each kind of scratch ends.
struct Scratch {
    strip: usize,
    columns: usize,
    values: usize,
    products: usize,
    pixels: usize,
}

impl Scratch {
    fn of(squares: &Squares, images: usize) -> Scratch {
        let rows = squares.rows_together().min(squares.rows.tiles);
        let strip = squares.source().strip_len(rows);
        let columns = strip + squares.source().columns_len();
        let values = columns + squares.values_len(images, squares.planes);
        let products = values + squares.values_len(images, squares.filters);
        let pixels = products + rows * SIDE * squares.columns.tiles * SIDE * squares.filters;
        Scratch { strip, columns, values, products, pixels }
    }
}

/// Elements of scratch, for so many images.
pub(crate) fn scratch_len(squares: &Squares, images: usize) -> usize {
    Scratch::of(squares, images).pixels
}

/// Turns filters into their values at the points, a vector of filters of one plane at a time.
#[inline(always)]
pub(crate) fn pack_filters<S: Simd>(s: S, squares: &Squares, weights: &Weights<'_, S::Elem>, packed: &mut [S::Elem]) {
    let Squares { planes, filters, .. } = *squares;
    let (factors, block) = (weight_factors::<S::Elem>(TAPS), block_of(S::LANES, filters));
    for filter in (0..filters).step_by(S::LANES) {
        for plane in 0..planes {
            let kernel = kernel_of(s, squares, weights, (filter, plane));
            let place = (filter / block * planes + plane) * block + filter % block;
            for i in 0..POINTS {
                let mut along_height = [s.zero(); TAPS];
                for j in 0..TAPS {
                    for tap in 0..TAPS {
                        along_height[j] = s.mul_add(s.splat(factors[tap][i]), kernel[tap][j], along_height[j]);
                    }
                }
                for j in 0..POINTS {
                    let mut value = s.zero();
                    for tap in 0..TAPS {
                        value = s.mul_add(s.splat(factors[tap][j]), along_height[tap], value);
                    }
                    s.store(value, &mut packed[(i * POINTS + j) * planes * filters + place..]);
                }
            }
        }
    }
}

/// The kernels of one plane and a vector of filters, in the order in which a tile's pixels meet the taps.
#[inline(always)]
fn kernel_of<S: Simd>(
    s: S,
    squares: &Squares,
    weights: &Weights<'_, S::Elem>,
    (filter, plane): (usize, usize),
) -> [[S::Vector; TAPS]; TAPS] {
    let mut taps = [[S::Elem::ZERO; MAX_LANES]; TAPS * TAPS];
    for (tap, lanes) in taps.iter_mut().enumerate() {
        for (l, lane) in lanes[..S::LANES].iter_mut().enumerate() {
            *lane = weights.at(filter + l, [plane, tap / TAPS, tap % TAPS]);
        }
    }
    let mut kernel = [[s.zero(); TAPS]; TAPS];
    for i in 0..TAPS {
        for j in 0..TAPS {
            kernel[i][j] = s.load(&taps[squares.rows.order.tap(i) * TAPS + squares.columns.order.tap(j)]);
        }
    }
    kernel
}

/// A convolution that is being computed.
pub(crate) struct SquareProduct<'a, E> {
    pub squares: &'a Squares,
    pub packed: &'a [E],
    pub bias: &'a [E],
    pub grid: Grid,
}

impl<E: Number> SquareProduct<'_, E> {
    /// All images.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, x: &[E], source: Batch, y: &mut [E], target: Batch, scratch: &mut [E]) {
        let Squares { filters, rows, columns, .. } = *self.squares;
        let ends = Scratch::of(self.squares, source.images);
        let (scratch, pixels) = scratch[..ends.pixels].split_at_mut(ends.products);
        let (scratch, products) = scratch.split_at_mut(ends.values);
        let (scratch, values) = scratch.split_at_mut(ends.columns);
        let (strip, along_height) = scratch.split_at_mut(ends.strip);
        let field = self.squares.source();
        let output = Planes { filters, width: columns.tiles * SIDE, columns: columns.output, grid: self.grid };
        strip.fill(E::ZERO);
        for group in self.squares.groups(source.images) {
            for run in group.runs() {
                field.fill_strip(s, &x[source.of(run.image, 0).start..], run, strip);
                field.spread::<S, true>(s, strip, run, along_height, values);
            }
            self.multiply(s, group, values, products);
            for run in group.runs() {
                self.collect(s, products, run, pixels);
                let first = run.row * SIDE;
                let rows = (rows.output - first).min(run.rows * SIDE);
                output.write(s, pixels, (first, rows), &mut y[target.of(run.image, 0).start..]);
            }
        }
    }

    /// The products of a group at all points.
    #[inline(always)]
    fn multiply<S: Simd<Elem = E>>(&self, s: S, group: Group, values: &[E], products: &mut [E]) {
        let Squares { planes, filters, columns, .. } = *self.squares;
        let (eights, block) = ((group.rows * columns.tiles).div_ceil(TOGETHER), block_of(S::LANES, filters));
        for point in 0..ALL_POINTS {
            let values = &values[point * part(planes)..];
            let packed = &self.packed[point * planes * filters..][..planes * filters];
            for (b, packed) in packed.chunks_exact(planes * block).enumerate() {
                let products = &mut products[point * part(filters) + b * block..];
                match (S::REGISTERS == 32, block == S::LANES) {
                    (true, false) => self.block::<S, VECTORS, MANY_PIXELS>(s, packed, values, products, eights),
                    (true, true) => self.block::<S, 1, MANY_PIXELS>(s, packed, values, products, eights),
                    (false, false) => self.block::<S, VECTORS, FEW_PIXELS>(s, packed, values, products, eights),
                    (false, true) => self.block::<S, 1, FEW_PIXELS>(s, packed, values, products, eights),
                }
            }
        }
    }

    /// One block of filters for all tiles, `T` of them at a time; the last ones may lie behind those in use.
    #[inline(always)]
    fn block<S: Simd<Elem = E>, const V: usize, const T: usize>(
        &self,
        s: S,
        packed: &[E],
        values: &[E],
        products: &mut [E],
        eights: usize,
    ) {
        let Squares { planes, filters, .. } = *self.squares;
        let mut places = [0; T];
        for (t, place) in places.iter_mut().enumerate() {
            *place = t * planes;
        }
        for (e, first) in (0..eights).flat_map(|e| (0..TOGETHER).step_by(T).map(move |first| (e, first))) {
            let values = &values[e * eight(planes) + first * planes..];
            let products = &mut products[e * eight(filters) + first * filters..];
            let [mut sums, mut total] = [[[s.zero(); V]; T]; 2];
            for (b, packed) in packed.chunks(SUMMED * V * S::LANES).enumerate() {
                let (values, planes) = (&values[b * SUMMED..], SUMMED.min(planes - b * SUMMED));
                let block = multiply::<S, V, T>(s, values, &places, planes, packed, [[s.zero(); V]; T]);
                if b % BLOCKS_SUMMED > 0 {
                    add_to(s, &mut sums, block);
                    continue;
                }
                if b > 0 {
                    add_to(s, &mut total, sums);
                }
                sums = block;
            }
            if planes > BLOCKS_SUMMED * SUMMED {
                add_to(s, &mut sums, total);
            }
            for t in 0..T {
                for v in 0..V {
                    s.store(sums[t][v], &mut products[t * filters + v * S::LANES..]);
                }
            }
        }
    }

    /// Turns the products of a run into `pixels[row][column][filter]`, and adds the bias.
    #[inline(always)]
    fn collect<S: Simd<Elem = E>>(&self, s: S, products: &[E], run: TileRows, pixels: &mut [E]) {
        let Squares { filters, columns, .. } = *self.squares;
        let width = columns.tiles * SIDE;
        for tile in 0..run.rows * columns.tiles {
            let (row, column) = (tile / columns.tiles * SIDE, tile % columns.tiles * SIDE);
            let products = &products[place(run.at * columns.tiles + tile, filters)..];
            for filter in (0..filters).step_by(S::LANES) {
                let bias = if self.bias.is_empty() { s.zero() } else { s.load(&self.bias[filter..]) };
                let tile = tile_of(s, &products[filter..], part(filters));
                for r in 0..SIDE {
                    let pixels = &mut pixels[((row + r) * width + column) * filters + filter..];
                    for c in 0..SIDE {
                        s.store(s.add(tile[r][c], bias), &mut pixels[c * filters..]);
                    }
                }
            }
        }
    }
}

/// The pixels of a tile from its products, which stand `part` elements from a point to the next.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "constant bounds unroll, and the values stay in registers")]
fn tile_of<S: Simd>(s: S, products: &[S::Elem], part: usize) -> [[S::Vector; SIDE]; SIDE] {
    let mut rows = [[s.zero(); POINTS]; SIDE];
    for j in 0..POINTS {
        let mut points = [s.zero(); POINTS];
        for i in 0..POINTS {
            points[i] = s.load(&products[(i * POINTS + j) * part..]);
        }
        for r in 0..SIDE {
            rows[r][j] = output_row(s, &points, r, SIDE);
        }
    }
    let mut tile = [[s.zero(); SIDE]; SIDE];
    for r in 0..SIDE {
        for c in 0..SIDE {
            tile[r][c] = output_row(s, &rows[r], c, SIDE);
        }
    }
    tile
}
