//! Convolution by squares: the products of [`conv`](crate::conv), for layers that [`squares`](crate::squares) serves with a
//! quarter of the multiplications.
//!
//! For each group of rows of tiles:
//!
//! 1. the source becomes strips, and those become `values[point][tile][plane]`;
//! 2. for each point, `products[point][tile][filter]` is the product of the values with the filters at that point, eight tiles by
//!    two vectors of filters in registers (four tiles where there are only sixteen registers);
//! 3. products become tiles of output pixels, `pixels[row][column][filter]`, which are transposed into rows of the output's planes.
//!
//! Filters are packed as `[point][vectors of filters][plane][filter]`: one block of them stays in L1 for all tiles.

use crate::Element;
use crate::conv::{Batch, Grid, store_run};
use crate::simd::{MAX_LANES, Simd};
use crate::squares::{ALL_POINTS, Group, MOST_TILES, Run, SIDE, Squares, TAPS};
use crate::winograd::{POINTS, output_row, weight_factors};

/// Vectors of filters in a register block, where there are so many.
const VECTORS: usize = 2;

/// Tiles in a register block, with 32 and with 16 registers.
const MANY_TILES: usize = MOST_TILES;
const FEW_TILES: usize = 4;

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
        let tiles = squares.tiles_together(images);
        let rows = squares.rows_together().min(squares.rows.tiles);
        let strip = squares.source().strip_len(rows);
        let columns = strip + squares.source().columns_len();
        let values = columns + ALL_POINTS * part(tiles, squares.planes);
        let products = values + ALL_POINTS * part(tiles, squares.filters);
        let pixels = products + rows * SIDE * squares.columns.tiles * SIDE * squares.filters;
        Scratch { strip, columns, values, products, pixels }
    }
}

/// From a point to the next: a little more than what is there, lest all points compete for the same places of the cache.
pub(crate) fn part(tiles: usize, channels: usize) -> usize {
    tiles * channels + MAX_LANES
}

/// Elements of scratch, for so many images.
pub(crate) fn scratch_len(squares: &Squares, images: usize) -> usize {
    Scratch::of(squares, images).pixels
}

/// Turns filters into their values at the points; `weights` holds `[tap][plane][filter]`.
#[inline(always)]
pub(crate) fn pack_filters<S: Simd>(s: S, squares: &Squares, weights: &[S::Elem], packed: &mut [S::Elem]) {
    let Squares { planes, filters, .. } = *squares;
    let factors = weight_factors::<S::Elem>(TAPS);
    let block = block_of(S::LANES, filters);
    for place in (0..planes * filters).step_by(S::LANES) {
        let (plane, filter) = (place / filters, place % filters);
        let mut along_height = [[s.zero(); TAPS]; POINTS];
        for i in 0..TAPS {
            for j in 0..TAPS {
                let tap = squares.rows.tap(i) * TAPS + squares.columns.tap(j);
                let weight = s.load(&weights[tap * planes * filters + place..]);
                for point in 0..POINTS {
                    along_height[point][j] = s.mul_add(s.splat(factors[i][point]), weight, along_height[point][j]);
                }
            }
        }
        let place = (filter / block * planes + plane) * block + filter % block;
        for (i, weights) in along_height.iter().enumerate() {
            for j in 0..POINTS {
                let mut value = s.zero();
                for tap in 0..TAPS {
                    value = s.mul_add(s.splat(factors[tap][j]), weights[tap], value);
                }
                s.store(value, &mut packed[(i * POINTS + j) * planes * filters + place..]);
            }
        }
    }
}

/// Filters of a register block.
pub(crate) fn block_of(lanes: usize, filters: usize) -> usize {
    if filters.is_multiple_of(VECTORS * lanes) { VECTORS * lanes } else { lanes }
}

/// A convolution that is being computed.
pub(crate) struct SquareProduct<'a, E> {
    pub squares: &'a Squares,
    pub packed: &'a [E],
    pub bias: &'a [E],
    pub grid: Grid,
}

impl<E: Element> SquareProduct<'_, E> {
    /// All images.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, x: &[E], source: Batch, y: &mut [E], target: Batch, scratch: &mut [E]) {
        let Squares { planes, filters, rows, .. } = *self.squares;
        let ends = Scratch::of(self.squares, source.images);
        let (scratch, pixels) = scratch[..ends.pixels].split_at_mut(ends.products);
        let (scratch, products) = scratch.split_at_mut(ends.values);
        let (scratch, values) = scratch.split_at_mut(ends.columns);
        let (strip, columns) = scratch.split_at_mut(ends.strip);
        let field = self.squares.source();
        let tiles = self.squares.tiles_together(source.images);
        strip.fill(E::ZERO);
        for group in self.squares.groups(source.images) {
            for run in group.runs() {
                field.fill_strip(s, &x[source.of(run.image, field.image_len()).start..], run, strip);
                field.spread::<S, true>(s, strip, run, columns, values, part(tiles, planes));
            }
            self.multiply(s, group, values, products, tiles);
            for run in group.runs() {
                self.collect(s, products, run, pixels, part(tiles, filters));
                let rows = (rows.output - run.row * SIDE).min(run.rows * SIDE);
                let y = &mut y[target.of(run.image, 0).start..];
                self.write(s, pixels, (run.row * SIDE, rows), y);
            }
        }
    }

    /// The products of a group at all points.
    #[inline(always)]
    fn multiply<S: Simd<Elem = E>>(&self, s: S, group: Group, values: &[E], products: &mut [E], tiles: usize) {
        let Squares { planes, filters, columns, .. } = *self.squares;
        let used = group.rows * columns.tiles;
        let block = block_of(S::LANES, filters);
        for point in 0..ALL_POINTS {
            let values = &values[point * part(tiles, planes)..];
            let products = &mut products[point * part(tiles, filters)..];
            for (b, packed) in
                self.packed[point * planes * filters..][..planes * filters].chunks_exact(planes * block).enumerate()
            {
                let products = &mut products[b * block..];
                match (S::REGISTERS == 32, block == S::LANES) {
                    (true, false) => self.blocks::<S, VECTORS, MANY_TILES>(s, packed, values, products, used),
                    (true, true) => self.blocks::<S, 1, MANY_TILES>(s, packed, values, products, used),
                    (false, false) => self.blocks::<S, VECTORS, FEW_TILES>(s, packed, values, products, used),
                    (false, true) => self.blocks::<S, 1, FEW_TILES>(s, packed, values, products, used),
                }
            }
        }
    }

    /// One block of filters for all tiles, `T` of them at a time; the last ones may lie behind those in use.
    #[inline(always)]
    fn blocks<S: Simd<Elem = E>, const V: usize, const T: usize>(
        &self,
        s: S,
        packed: &[E],
        values: &[E],
        products: &mut [E],
        used: usize,
    ) {
        let Squares { planes, filters, .. } = *self.squares;
        for tile in (0..used).step_by(T) {
            let sums = multiply::<S, V, T>(s, &values[tile * planes..][..T * planes], planes, packed);
            for t in 0..T {
                for v in 0..V {
                    s.store(sums[t][v], &mut products[(tile + t) * filters + v * S::LANES..]);
                }
            }
        }
    }

    /// Turns the products of a run into `pixels[row][column][filter]`, and adds the bias.
    #[inline(always)]
    fn collect<S: Simd<Elem = E>>(&self, s: S, products: &[E], run: Run, pixels: &mut [E], part: usize) {
        let Squares { filters, columns, .. } = *self.squares;
        let width = columns.tiles * SIDE;
        for (row, column) in (0..run.rows).flat_map(|row| (0..columns.tiles).map(move |column| (row, column))) {
            let tile = (run.at + row) * columns.tiles + column;
            for filter in (0..filters).step_by(S::LANES) {
                let bias = if self.bias.is_empty() { s.zero() } else { s.load(&self.bias[filter..]) };
                let tile = tile_of(s, &products[tile * filters + filter..], part);
                for (r, pixel) in tile.iter().enumerate() {
                    let first = (row * SIDE + r) * width + column * SIDE;
                    for c in 0..SIDE {
                        s.store(s.add(pixel[c], bias), &mut pixels[(first + c) * filters + filter..]);
                    }
                }
            }
        }
    }

    /// Writes `rows` rows of pixels, the first of which is row `first` of the output, to the planes of the filters.
    #[inline(always)]
    fn write<S: Simd<Elem = E>>(&self, s: S, pixels: &[E], (first, rows): (usize, usize), y: &mut [E]) {
        let Squares { filters, columns, .. } = *self.squares;
        let Grid { size: [_, width], first: [top, left], step: [down, right] } = self.grid;
        let padded = columns.tiles * SIDE;
        // Where rows follow each other without a gap, here and there, all are one long row.
        let dense = padded == width && columns.output == width && down == 1 && right == 1;
        let (runs, len) = if dense { (1, rows * width) } else { (rows, columns.output) };
        for run in 0..runs {
            let place = (top + (first + run) * down) * width + left;
            for filter in (0..filters).step_by(S::LANES) {
                self.write_row(s, &pixels[run * padded * filters + filter..], (len, filter, place), y);
            }
        }
    }

    /// Writes `len` pixels of a vector of filters from `place` on.
    #[inline(always)]
    fn write_row<S: Simd<Elem = E>>(
        &self,
        s: S,
        pixels: &[E],
        (len, filter, place): (usize, usize, usize),
        y: &mut [E],
    ) {
        let Grid { size: [height, width], step: [_, right], .. } = self.grid;
        let (plane, filters) = (height * width, self.squares.filters);
        for at in (0..len).step_by(S::LANES) {
            let (pixels, y) = (&pixels[at * filters..], &mut y[filter * plane + place + at * right..]);
            let mut lanes = [s.zero(); MAX_LANES];
            if at + S::LANES <= len && right == 1 {
                for l in 0..S::LANES {
                    lanes[l] = s.load(&pixels[l * filters..]);
                }
                s.transpose(&mut lanes);
                for l in 0..S::LANES {
                    s.store(lanes[l], &mut y[l * plane..]);
                }
                continue;
            }
            let count = S::LANES.min(len - at);
            for l in 0..count {
                lanes[l] = s.load(&pixels[l * filters..]);
            }
            s.transpose(&mut lanes);
            for l in 0..S::LANES {
                let mut values = [E::ZERO; MAX_LANES];
                s.store(lanes[l], &mut values);
                store_run(&values[..count], right, &mut y[l * plane..]);
            }
        }
    }
}

/// The register block: `T` tiles by `V` vectors of filters, over all planes.
#[inline(always)]
fn multiply<S: Simd, const V: usize, const T: usize>(
    s: S,
    values: &[S::Elem],
    planes: usize,
    filters: &[S::Elem],
) -> [[S::Vector; V]; T] {
    let mut sums = [[s.zero(); V]; T];
    for plane in (0..planes).step_by(MAX_LANES) {
        // Arrays of a length that is known here need one bounds check each, not one for every plane.
        let nothing = [S::Elem::ZERO; MAX_LANES];
        let mut tiles = [&nothing; T];
        for t in 0..T {
            tiles[t] = values[t * planes + plane..].first_chunk().expect("planes are whole vectors");
        }
        let filters = &filters[plane * V * S::LANES..][..MAX_LANES * V * S::LANES];
        for p in 0..MAX_LANES {
            let mut w = [s.zero(); V];
            for v in 0..V {
                w[v] = s.load(&filters[(p * V + v) * S::LANES..]);
            }
            for t in 0..T {
                let value = s.splat(tiles[t][p]);
                for v in 0..V {
                    sums[t][v] = s.mul_add(value, w[v], sums[t][v]);
                }
            }
        }
    }
    sums
}

/// The pixels of a tile from its products, which stand `part` elements from a point to the next.
#[inline(always)]
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
