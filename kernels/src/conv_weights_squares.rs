//! The gradient of a convolution's weights by squares: a quarter of the multiplications, as [`squares`](crate::squares) explains.
//!
//! The three steps of the forward pass in reverse order: `dy` is spread over the points as the source is, for each point the
//! product of both, `[planes × tiles] · [tiles × filters]`, is added to `sums[point][plane][filter]`, and at the end the sums become
//! weights, by the factors that turned weights into values.

use crate::Element;
use crate::conv::Batch;
use crate::conv_squares::{block_of, part};
use crate::simd::{MAX_LANES, Simd};
use crate::squares::{ALL_POINTS, Squares, TAPS};
use crate::winograd::{POINTS, weight_factors};

/// Vectors of filters in a register block, where there are so many.
const VECTORS: usize = 2;

/// Planes in a register block, with 32 and with 16 registers.
const MANY_PLANES: usize = 8;
const FEW_PLANES: usize = 4;

/// Where each kind of scratch ends.
struct Scratch {
    source: usize,
    gradient: usize,
    columns: usize,
    values: usize,
    gradients: usize,
    sums: usize,
}

impl Scratch {
    fn of(squares: &Squares, images: usize) -> Scratch {
        let (planes, filters, tiles) = (squares.planes, squares.filters, squares.tiles_together(images));
        let rows = squares.rows_together().min(squares.rows.tiles);
        let source = squares.source().strip_len(rows);
        let gradient = source + squares.gradient().strip_len(rows);
        let columns = gradient + squares.source().columns_len();
        let values = columns + ALL_POINTS * part(tiles, planes);
        let gradients = values + ALL_POINTS * part(tiles, filters);
        let sums = gradients + ALL_POINTS * planes * filters;
        Scratch { source, gradient, columns, values, gradients, sums }
    }
}

/// Elements of scratch, for so many images.
pub(crate) fn scratch_len(squares: &Squares, images: usize) -> usize {
    Scratch::of(squares, images).sums
}

/// A gradient that is being computed.
pub(crate) struct SquareWeights<'a, E> {
    pub squares: &'a Squares,
    pub x: &'a [E],
    pub source: Batch,
    pub dy: &'a [E],
    pub output: Batch,
}

impl<E: Element> SquareWeights<'_, E> {
    /// Adds the gradient over all images to `dw[filter][depth]`.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, dw: &mut [E], scratch: &mut [E]) {
        let Squares { planes, filters, columns, .. } = *self.squares;
        let ends = Scratch::of(self.squares, self.source.images);
        let (scratch, sums) = scratch[..ends.sums].split_at_mut(ends.gradients);
        let (scratch, gradients) = scratch.split_at_mut(ends.values);
        let (scratch, values) = scratch.split_at_mut(ends.columns);
        let (scratch, along_height) = scratch.split_at_mut(ends.gradient);
        let (source_strip, gradient_strip) = scratch.split_at_mut(ends.source);
        let (source, gradient) = (self.squares.source(), self.squares.gradient());
        let tiles = self.squares.tiles_together(self.source.images);
        source_strip.fill(E::ZERO);
        gradient_strip.fill(E::ZERO);
        sums.fill(E::ZERO);
        for group in self.squares.groups(self.source.images) {
            for run in group.runs() {
                let x = &self.x[self.source.of(run.image, source.image_len()).start..];
                source.fill_strip(s, x, run, source_strip);
                source.spread::<S, true>(s, source_strip, run, along_height, values, part(tiles, planes));
                let dy = &self.dy[self.output.of(run.image, gradient.image_len()).start..];
                gradient.fill_strip(s, dy, run, gradient_strip);
                gradient.spread::<S, false>(s, gradient_strip, run, along_height, gradients, part(tiles, filters));
            }
            self.add_products(s, (tiles, group.rows * columns.tiles), values, gradients, sums);
        }
        self.add_weights(s, sums, dw);
    }

    /// Adds the products of a group's tiles at all points.
    #[inline(always)]
    fn add_products<S: Simd<Elem = E>>(
        &self,
        s: S,
        (tiles, used): (usize, usize),
        values: &[E],
        gradients: &[E],
        sums: &mut [E],
    ) {
        let Squares { planes, filters, .. } = *self.squares;
        for point in 0..ALL_POINTS {
            let values = &values[point * part(tiles, planes)..][..used * planes];
            let gradients = &gradients[point * part(tiles, filters)..][..used * filters];
            let sums = &mut sums[point * planes * filters..][..planes * filters];
            match (S::REGISTERS == 32, block_of(S::LANES, filters) == S::LANES) {
                (true, false) => self.blocks::<S, VECTORS, MANY_PLANES>(s, values, gradients, sums),
                (true, true) => self.blocks::<S, 1, MANY_PLANES>(s, values, gradients, sums),
                (false, false) => self.blocks::<S, VECTORS, FEW_PLANES>(s, values, gradients, sums),
                (false, true) => self.blocks::<S, 1, FEW_PLANES>(s, values, gradients, sums),
            }
        }
    }

    /// [`add_products`](SquareWeights::add_products) at one point, `P` planes by `V` vectors of filters at a time.
    #[inline(always)]
    fn blocks<S: Simd<Elem = E>, const V: usize, const P: usize>(
        &self,
        s: S,
        values: &[E],
        gradients: &[E],
        sums: &mut [E],
    ) {
        let Squares { planes, filters, .. } = *self.squares;
        for filter in (0..filters).step_by(V * S::LANES) {
            for plane in (0..planes).step_by(P) {
                let sums = &mut sums[plane * filters + filter..];
                let mut block = [[s.zero(); V]; P];
                for p in 0..P {
                    for v in 0..V {
                        block[p][v] = s.load(&sums[p * filters + v * S::LANES..]);
                    }
                }
                let tiles = (&values[plane..], planes, &gradients[filter..], filters);
                let block = multiply::<S, V, P>(s, tiles, block);
                for p in 0..P {
                    for v in 0..V {
                        s.store(block[p][v], &mut sums[p * filters + v * S::LANES..]);
                    }
                }
            }
        }
    }

    /// Turns the sums at the points into weights, sixteen rows of the virtual matrix at a time.
    #[inline(always)]
    fn add_weights<S: Simd<Elem = E>>(&self, s: S, sums: &[E], dw: &mut [E]) {
        let Squares { planes, filters, .. } = *self.squares;
        let depth = planes * TAPS * TAPS;
        for filter in (0..filters).step_by(S::LANES) {
            let mut rows = [s.zero(); MAX_LANES];
            let mut waiting = 0;
            for plane in 0..planes {
                let weights = self.weights_of(s, &sums[plane * filters + filter..]);
                for (tap, weight) in weights.into_iter().enumerate() {
                    rows[waiting] = weight;
                    waiting += 1;
                    if waiting == S::LANES {
                        let d = plane * TAPS * TAPS + tap + 1 - S::LANES;
                        s.transpose(&mut rows);
                        for l in 0..S::LANES {
                            let dw = &mut dw[(filter + l) * depth + d..];
                            s.store(s.add(s.load(dw), rows[l]), dw);
                        }
                        waiting = 0;
                    }
                }
            }
        }
    }

    /// The weights of one plane and a vector of filters, from their sums at the points.
    #[inline(always)]
    fn weights_of<S: Simd<Elem = E>>(&self, s: S, sums: &[E]) -> [S::Vector; TAPS * TAPS] {
        let Squares { planes, filters, rows, columns } = *self.squares;
        let factors = weight_factors::<E>(TAPS);
        let mut weights = [s.zero(); TAPS * TAPS];
        for j in 0..POINTS {
            for i in 0..TAPS {
                let mut sum = s.zero();
                for point in 0..POINTS {
                    let at_point = s.load(&sums[(point * POINTS + j) * planes * filters..]);
                    sum = s.mul_add(s.splat(factors[i][point]), at_point, sum);
                }
                for tap in 0..TAPS {
                    let weight = &mut weights[rows.tap(i) * TAPS + columns.tap(tap)];
                    *weight = s.mul_add(s.splat(factors[tap][j]), sum, *weight);
                }
            }
        }
        weights
    }
}

/// The register block: `P` planes by `V` vectors of filters, summed over tiles. Both factors come with the distance from a tile
/// to the next.
#[inline(always)]
fn multiply<S: Simd, const V: usize, const P: usize>(
    s: S,
    (values, planes, gradients, filters): (&[S::Elem], usize, &[S::Elem], usize),
    mut sums: [[S::Vector; V]; P],
) -> [[S::Vector; V]; P] {
    let tiles = gradients.len().div_ceil(filters);
    for tile in 0..tiles {
        let (values, gradients) = (&values[tile * planes..][..P], &gradients[tile * filters..][..V * S::LANES]);
        let mut g = [s.zero(); V];
        for v in 0..V {
            g[v] = s.load(&gradients[v * S::LANES..]);
        }
        for p in 0..P {
            let value = s.splat(values[p]);
            for v in 0..V {
                sums[p][v] = s.mul_add(value, g[v], sums[p][v]);
            }
        }
    }
    sums
}
