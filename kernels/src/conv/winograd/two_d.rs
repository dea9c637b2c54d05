//! Winograd `F(4×4, 3×3)`: the products of [`conv`](crate::conv), with a quarter of the multiplications, as
//! [`two_d_tiles`](super::two_d_tiles) explains.
//!
//! For each group of rows of tiles:
//!
//! 1. input transform: the source becomes a channels-last copy, and that becomes values at the points;
//! 2. for each point, the products of the values with the filters at that point are summed over the planes, by the
//!    micro-kernel of [`channels`](crate::conv::microkernel::channels), a few planes at a time, whose sums are then
//!    added;
//! 3. output transform: products become tiles of output pixels, `pixels[row][column][filter]`, which are transposed
//!    into rows of the output's planes.
//!
//! Filters are packed as `[point][vectors of filters][plane][filter]`: one block of them stays in L1 for all tiles.

use crate::conv::algorithm::{ForwardAlgorithm, Product};
use crate::conv::channels_last::PlanarStore;
use crate::conv::geometry::{Gather, Images, ImagesMut, Weights};
use crate::conv::microkernel::add_to;
use crate::conv::microkernel::channels::{FEW_PIXELS, MANY_PIXELS, VECTORS, block_of, multiply};
use crate::conv::winograd::transforms::{POINTS, filter_transform, output_transform};
use crate::conv::winograd::two_d_tiles::{
    Group, POINTS_2D, SUMMED, TAPS, TILE, TILES_OF_A_BLOCK, TileRows, Tiles2d, block_stride, point_stride, tile_offset,
};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Sums of blocks that are added one after the other, before they are added to those of other such blocks.
const BLOCKS_SUMMED: usize = 8;

/// Where each kind of scratch ends.
struct Scratch {
    nhwc: usize,
    columns: usize,
    values: usize,
    products: usize,
    pixels: usize,
}

impl Scratch {
    fn of(tiles: &Tiles2d, images: usize) -> Scratch {
        let rows = tiles.rows_together().min(tiles.rows.tiles);
        let nhwc = tiles.source().nhwc_len(rows);
        let columns = nhwc + tiles.source().columns_len();
        let values = columns + tiles.values_len(images, tiles.planes);
        let products = values + tiles.values_len(images, tiles.filters);
        let pixels = products + rows * TILE * tiles.columns.tiles * TILE * tiles.filters;
        Scratch { nhwc, columns, values, products, pixels }
    }
}

/// The filter transform: turns filters into their values at the points, a vector of filters of one plane at a time.
#[inline(always)]
fn pack_filters<S: Simd>(s: S, tiles: &Tiles2d, weights: &Weights<'_, S::Elem>, packed: &mut [S::Elem]) {
    let Tiles2d { planes, filters, .. } = *tiles;
    let (factors, block) = (filter_transform::<S::Elem>(TAPS), block_of(S::LANES, filters));
    for filter in (0..filters).step_by(S::LANES) {
        for plane in 0..planes {
            let kernel = kernel_of(s, tiles, weights, filter, plane);
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
    tiles: &Tiles2d,
    weights: &Weights<'_, S::Elem>,
    filter: usize,
    plane: usize,
) -> [[S::Vector; TAPS]; TAPS] {
    let mut taps = [[S::Elem::ZERO; MAX_LANES]; TAPS * TAPS];
    for (tap, lanes) in taps.iter_mut().enumerate() {
        for (l, lane) in lanes[..S::LANES].iter_mut().enumerate() {
            *lane = weights.at(filter + l, plane, tap / TAPS, tap % TAPS);
        }
    }
    let mut kernel = [[s.zero(); TAPS]; TAPS];
    for i in 0..TAPS {
        for j in 0..TAPS {
            kernel[i][j] = s.load(&taps[tiles.rows.order.tap(i) * TAPS + tiles.columns.order.tap(j)]);
        }
    }
    kernel
}

impl ForwardAlgorithm for Tiles2d {
    const WINOGRAD: bool = true;

    fn packed_len(&self, _: &Gather, _: usize) -> usize {
        POINTS_2D * self.planes * self.filters
    }

    fn scratch_len(&self, _: &Gather, images: usize) -> usize {
        Scratch::of(self, images).pixels
    }

    #[inline(always)]
    fn pack<S: Simd>(&self, s: S, _: &Gather, _: usize, weights: &Weights<'_, S::Elem>, packed: &mut [S::Elem]) {
        pack_filters(s, self, weights, packed);
    }

    #[inline(always)]
    fn run<S: Simd>(
        &self,
        s: S,
        product: &Product<'_, S::Elem>,
        x: Images<'_, S::Elem>,
        y: ImagesMut<'_, S::Elem>,
        scratch: &mut [S::Elem],
    ) {
        Winograd2dProduct { tiles: self, product }.run(s, x, y, scratch);
    }
}

/// The product with its tiles.
struct Winograd2dProduct<'a, E> {
    tiles: &'a Tiles2d,
    product: &'a Product<'a, E>,
}

impl<E: Number> Winograd2dProduct<'_, E> {
    #[inline(always)]
    fn run<S: Simd<Elem = E>>(&self, s: S, x: Images<'_, E>, mut y: ImagesMut<'_, E>, scratch: &mut [E]) {
        let Tiles2d { filters, rows, columns, .. } = *self.tiles;
        let ends = Scratch::of(self.tiles, x.batch.images);
        let (scratch, pixels) = scratch[..ends.pixels].split_at_mut(ends.products);
        let (scratch, products) = scratch.split_at_mut(ends.values);
        let (scratch, values) = scratch.split_at_mut(ends.columns);
        let (nhwc, along_height) = scratch.split_at_mut(ends.nhwc);
        let windows = self.tiles.source();
        let output =
            PlanarStore { filters, width: columns.tiles * TILE, columns: columns.output, grid: self.product.grid };
        nhwc.fill(E::ZERO);
        for group in self.tiles.groups(x.batch.images) {
            for run in group.runs() {
                windows.fill_nhwc(s, x.from(run.image), run, nhwc);
                windows.transform::<S, true>(s, nhwc, run, along_height, values);
            }
            self.multiply(s, group, values, products);
            for run in group.runs() {
                self.transform_output(s, products, run, pixels);
                let first = run.row * TILE;
                let rows = (rows.output - first).min(run.rows * TILE);
                output.write(s, pixels, first..first + rows, y.from(run.image));
            }
        }
    }

    /// The products of a group at all points.
    #[inline(always)]
    fn multiply<S: Simd<Elem = E>>(&self, s: S, group: Group, values: &[E], products: &mut [E]) {
        let Tiles2d { planes, filters, columns, .. } = *self.tiles;
        let (blocks, block) = ((group.rows * columns.tiles).div_ceil(TILES_OF_A_BLOCK), block_of(S::LANES, filters));
        for point in 0..POINTS_2D {
            let values = &values[point * point_stride(planes)..];
            let packed = &self.product.packed[point * planes * filters..][..planes * filters];
            for (b, packed) in packed.chunks_exact(planes * block).enumerate() {
                let products = &mut products[point * point_stride(filters) + b * block..];
                match (S::REGISTERS == 32, block == S::LANES) {
                    (true, false) => self.block::<S, VECTORS, MANY_PIXELS>(s, packed, values, products, blocks),
                    (true, true) => self.block::<S, 1, MANY_PIXELS>(s, packed, values, products, blocks),
                    (false, false) => self.block::<S, VECTORS, FEW_PIXELS>(s, packed, values, products, blocks),
                    (false, true) => self.block::<S, 1, FEW_PIXELS>(s, packed, values, products, blocks),
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
        blocks: usize,
    ) {
        let Tiles2d { planes, filters, .. } = *self.tiles;
        let mut places = [0; T];
        for (t, place) in places.iter_mut().enumerate() {
            *place = t * planes;
        }
        for (b, first) in (0..blocks).flat_map(|b| (0..TILES_OF_A_BLOCK).step_by(T).map(move |first| (b, first))) {
            let values = &values[b * block_stride(planes) + first * planes..];
            let products = &mut products[b * block_stride(filters) + first * filters..];
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

    /// The output transform: turns the products of a run into `pixels[row][column][filter]`, and adds the bias.
    #[inline(always)]
    fn transform_output<S: Simd<Elem = E>>(&self, s: S, products: &[E], run: TileRows, pixels: &mut [E]) {
        let Tiles2d { filters, columns, .. } = *self.tiles;
        let width = columns.tiles * TILE;
        for tile in 0..run.rows * columns.tiles {
            let (row, column) = (tile / columns.tiles * TILE, tile % columns.tiles * TILE);
            let products = &products[tile_offset(run.at * columns.tiles + tile, filters)..];
            for filter in (0..filters).step_by(S::LANES) {
                let bias = if self.product.bias.is_empty() { s.zero() } else { s.load(&self.product.bias[filter..]) };
                let tile = output_tile(s, &products[filter..], point_stride(filters));
                for r in 0..TILE {
                    let pixels = &mut pixels[((row + r) * width + column) * filters + filter..];
                    for c in 0..TILE {
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
fn output_tile<S: Simd>(s: S, products: &[S::Elem], part: usize) -> [[S::Vector; TILE]; TILE] {
    let mut rows = [[s.zero(); POINTS]; TILE];
    for j in 0..POINTS {
        let mut points = [s.zero(); POINTS];
        for i in 0..POINTS {
            points[i] = s.load(&products[(i * POINTS + j) * part..]);
        }
        for r in 0..TILE {
            rows[r][j] = output_transform(s, &points, r, TILE);
        }
    }
    let mut tile = [[s.zero(); TILE]; TILE];
    for r in 0..TILE {
        for c in 0..TILE {
            tile[r][c] = output_transform(s, &rows[r], c, TILE);
        }
    }
    tile
}
