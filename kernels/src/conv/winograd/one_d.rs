//! Winograd `F(4, 3)` and `F(2, 5)`, along the height: the products of
//! [`planar::forward`](crate::conv::planar::forward), for kernels that
//! [`winograd::transforms`](crate::conv::winograd::transforms) serves with half the multiplications.
//!
//! As there, lanes run over neighbouring places of the output, two vectors make a panel, and eight filters by two vectors
//! accumulate in registers. Here a place is a tile: a column of a few pixels. So
//!
//! 1. the rows of an image are turned into values at six points once, before the first panel. Where every vector of tiles lies
//!    within a row, micro-kernels read the values where they stand; else a panel of six parts is packed from
//!    them, `panel[point][plane and tap along the width][tiles]`;
//! 2. filters are packed as `[block][point][plane and tap][filter in block]`, their weights turned into values once a call;
//! 3. a micro-kernel is computed six times, once for each point, and its six results are turned into rows of pixels.
//!
//! Where an image has fewer tiles than a panel has lanes, a panel spans several images.

use crate::conv::algorithm::{ForwardAlgorithm, Product};
use crate::conv::geometry::{Batch, Gather, Grid, Images, ImagesMut, Weights};
use crate::conv::microkernel::pixels::{self, LARGE_BLOCK, PixelAccess, SMALL_BLOCK, VECTORS, multiply};
use crate::conv::planes::{copy_run, store_run};
use crate::conv::winograd::transforms::{POINTS, Tiles1d, filter_transform, output_transform};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Images whose values are held at a time: enough for a panel.
fn images_at_a_time(tiles: &Tiles1d) -> usize {
    (VECTORS * MAX_LANES / tiles.gather.pixels()).max(1)
}

/// Elements of scratch: the values at the points and a panel, each with room for one vector that a copy reads or writes past
/// its end.
fn scratch_len(tiles: &Tiles1d) -> usize {
    images_at_a_time(tiles) * POINTS * tiles.point_len() + panel_len(tiles) + 2 * MAX_LANES
}

fn panel_len(tiles: &Tiles1d) -> usize {
    POINTS * tiles.gather.depth() * VECTORS * MAX_LANES
}

/// Packs blocks of `block` filters, from the weights of the gather without tiles.
fn pack_filters<E: Number>(tiles: &Tiles1d, filters: usize, block: usize, weights: &Weights<'_, E>, packed: &mut [E]) {
    let (planes, across) = (tiles.gather.planes, tiles.gather.columns.taps);
    let depth = planes * across;
    let factors = filter_transform::<E>(tiles.taps);
    packed.fill(E::ZERO);
    for filter in 0..filters {
        let packed = &mut packed[filter / block * POINTS * depth * block + filter % block..];
        for (plane, j) in (0..planes).flat_map(|plane| (0..across).map(move |j| (plane, j))) {
            let mut values = [E::ZERO; POINTS];
            for (i, factors) in factors.iter().enumerate().take(tiles.taps) {
                let weight = weights.at(filter, plane, tiles.order.tap(i), j);
                for point in 0..POINTS {
                    values[point] += factors[point] * weight;
                }
            }
            for (point, value) in values.into_iter().enumerate() {
                packed[(point * depth + plane * across + j) * block] = value;
            }
        }
    }
}

impl ForwardAlgorithm for Tiles1d {
    const WINOGRAD: bool = true;

    fn packed_len(&self, _: &Gather, filters: usize) -> usize {
        filters.next_multiple_of(LARGE_BLOCK) * POINTS * self.gather.depth()
    }

    fn scratch_len(&self, _: &Gather, _: usize) -> usize {
        scratch_len(self)
    }

    #[inline(always)]
    fn pack<S: Simd>(&self, _: S, _: &Gather, filters: usize, weights: &Weights<'_, S::Elem>, packed: &mut [S::Elem]) {
        pack_filters(self, filters, pixels::block_of(S::REGISTERS), weights, packed);
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
        let own = Winograd1dProduct { tiles: self, product };
        if S::REGISTERS == 32 {
            own.images::<S, LARGE_BLOCK>(s, x, y, scratch);
        } else {
            own.images::<S, SMALL_BLOCK>(s, x, y, scratch);
        }
    }
}

/// The product with its tiles.
struct Winograd1dProduct<'a, E> {
    tiles: &'a Tiles1d,
    product: &'a Product<'a, E>,
}

/// Neighbouring tiles of one row of tiles.
#[derive(Clone, Copy, Default)]
struct Run {
    /// Where the first one's first source row starts in the padded planes, and its first pixel in the output planes.
    source: usize,
    target: usize,
    /// Output rows that exist.
    rows: usize,
    /// Which tiles of the panel they are.
    first: usize,
    len: usize,
}

/// The tiles of a panel.
struct Runs<const V: usize> {
    runs: [Run; VECTORS * MAX_LANES],
    number: usize,
    /// One run for each vector, where no vector has tiles of two rows.
    vectors: Option<[Run; V]>,
}

impl<E: Number> Winograd1dProduct<'_, E> {
    /// All images, `K` filters at a time.
    #[inline(always)]
    fn images<S: Simd<Elem = E>, const K: usize>(
        &self,
        s: S,
        x: Images<'_, E>,
        mut y: ImagesMut<'_, E>,
        scratch: &mut [E],
    ) {
        let (together, len) = (images_at_a_time(self.tiles), POINTS * self.tiles.point_len());
        let (values, panel) = scratch[..scratch_len(self.tiles)].split_at_mut(together * len + MAX_LANES);
        for first in (0..x.batch.images).step_by(together) {
            let images = together.min(x.batch.images - first);
            for image in 0..images {
                self.tiles.transform_input(s, x.from(first + image), &mut values[image * len..]);
            }
            let y = &mut y.part(first, images);
            let tiles = images * self.tiles.gather.pixels();
            let mut tile = 0;
            while tile + S::LANES < tiles {
                self.panel::<S, VECTORS, K>(s, values, tile, tiles, panel, y);
                tile += VECTORS * S::LANES;
            }
            if tile < tiles {
                self.panel::<S, 1, K>(s, values, tile, tiles, panel, y);
            }
        }
    }

    /// The tiles of one panel, the `first` of `all` and those behind it, for all filters.
    #[inline(always)]
    fn panel<S: Simd<Elem = E>, const V: usize, const K: usize>(
        &self,
        s: S,
        values: &[E],
        first: usize,
        all: usize,
        panel: &mut [E],
        y: &mut ImagesMut<'_, E>,
    ) {
        let (gather, layout) = (&self.tiles.gather, self.tiles.gather.layout());
        let runs = self.runs::<S, V>(first, all, y.batch);
        let (x, part, access): (&[E], usize, PixelAccess<V>) = if let Some(vectors) = &runs.vectors {
            let mut starts = [0; V];
            for v in 0..V {
                starts[v] = layout.tap(0, 0, 0) + vectors[v].source;
            }
            let access = PixelAccess { starts, plane: layout.plane(), tap: layout.right(), taps: gather.columns.taps };
            (values, self.tiles.point_len(), access)
        } else {
            self.pack(s, values, &runs, V * S::LANES, panel);
            (panel, gather.depth() * V * S::LANES, PixelAccess::panel(S::LANES))
        };
        let depth = gather.depth();
        for block in (0..self.product.filters).step_by(K) {
            let mut products = [[[s.zero(); V]; K]; POINTS];
            for point in 0..POINTS {
                let filters = &self.product.packed[(block * POINTS + point * K) * depth..][..depth * K];
                products[point] = multiply::<S, V, K>(s, &x[point * part..], &access, filters, [E::ZERO; K]);
            }
            for k in 0..K.min(self.product.filters - block) {
                self.store::<S, V, K>(s, &products, k, block + k, &runs, y.data);
            }
        }
    }

    /// Where the tiles from `first` on stand, of all that there are.
    #[inline(always)]
    fn runs<S: Simd<Elem = E>, const V: usize>(&self, first: usize, all: usize, target: Batch) -> Runs<V> {
        let (gather, layout, width) = (&self.tiles.gather, self.tiles.gather.layout(), V * S::LANES);
        let Grid { size, first: [top, left], step: [down, right] } = self.product.grid;
        let columns = gather.columns.output;
        let mut found =
            Runs { runs: [Run::default(); VECTORS * MAX_LANES], number: 0, vectors: Some([Run::default(); V]) };
        let mut done = 0;
        while done < width.min(all - first) {
            let (image, tile) = ((first + done) / gather.pixels(), (first + done) % gather.pixels());
            let (row, column) = (tile / columns, tile % columns);
            let len = (columns - column).min(all - first - done).min(S::LANES - done % S::LANES);
            let height = row * self.tiles.rows;
            let run = Run {
                source: image * POINTS * self.tiles.point_len() + layout.pixel(row, column),
                target: target.of(image, 0).start + (top + height * down) * size[1] + left + column * right,
                rows: self.tiles.rows.min(self.tiles.height - height),
                first: done,
                len,
            };
            found.runs[found.number] = run;
            match &mut found.vectors {
                Some(vectors) if len == S::LANES => vectors[done / S::LANES] = run,
                vectors => *vectors = None,
            }
            (found.number, done) = (found.number + 1, done + len);
        }
        if done < width || right != 1 {
            found.vectors = None;
        }
        found
    }

    /// Copies the values under the tiles of a panel together: `panel[point][plane and tap][tiles]`.
    #[inline(always)]
    fn pack<S: Simd<Elem = E>, const V: usize>(
        &self,
        s: S,
        values: &[E],
        runs: &Runs<V>,
        width: usize,
        panel: &mut [E],
    ) {
        let (gather, layout) = (&self.tiles.gather, self.tiles.gather.layout());
        let runs = &runs.runs[..runs.number];
        let mut at = 0;
        for point in 0..POINTS {
            let values = &values[point * self.tiles.point_len()..];
            for plane in 0..gather.planes {
                for j in 0..gather.columns.taps {
                    let (from, to) = (&values[layout.tap(plane, 0, j)..], &mut panel[at..][..width + S::LANES]);
                    for run in runs {
                        copy_run(s, &from[run.source..], run.len, &mut to[run.first..]);
                    }
                    at += width;
                }
            }
        }
    }

    /// Turns the products of one filter at the points into rows of pixels, and writes those that exist.
    #[inline(always)]
    fn store<S: Simd<Elem = E>, const V: usize, const K: usize>(
        &self,
        s: S,
        products: &[[[S::Vector; V]; K]; POINTS],
        k: usize,
        filter: usize,
        runs: &Runs<V>,
        y: &mut [E],
    ) {
        let Grid { size: [height, width], step: [down, right], .. } = self.product.grid;
        let bias = s.splat(self.product.bias.get(filter).copied().unwrap_or(E::ZERO));
        let y = &mut y[filter * height * width..];
        let mut at_points = [[s.zero(); POINTS]; V];
        for v in 0..V {
            for point in 0..POINTS {
                at_points[v][point] = products[point][k][v];
            }
        }
        for r in 0..self.tiles.rows {
            let mut row = [s.zero(); V];
            for v in 0..V {
                row[v] = s.add(output_transform(s, &at_points[v], r, self.tiles.rows), bias);
            }
            if let Some(vectors) = &runs.vectors {
                for v in 0..V {
                    if r < vectors[v].rows {
                        s.store(row[v], &mut y[vectors[v].target + r * down * width..]);
                    }
                }
                continue;
            }
            let mut values = [E::ZERO; VECTORS * MAX_LANES];
            for v in 0..V {
                s.store(row[v], &mut values[v * S::LANES..]);
            }
            for run in runs.runs[..runs.number].iter().filter(|run| r < run.rows) {
                let place = run.target + r * down * width;
                store_run(&values[run.first..][..run.len], right, &mut y[place..]);
            }
        }
    }
}
