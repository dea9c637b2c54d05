//! Fewer multiplications for a kernel of a few taps: Winograd's filtering along the height of an image.
//!
//! The plain algorithm, for one column of pixels and `taps` taps below each other:
//!
//! ```text
//! for each output row r:  y[r] = Σ over taps i of w[i] · x[r + i]
//! ```
//!
//! `rows` rows of it are the upper coefficients of a product of polynomials, and a polynomial of degree 5 is known by its
//! values at six points. So the six source rows that `rows = 7 − taps` output rows see are turned into values at six points
//! ([`source_points`]), and so are the weights ([`weight_factors`]); six multiplications do what `rows · taps` did, and the
//! results are turned back ([`output_row`]):
//!
//! | taps | output rows of a tile | products, direct | products, here |
//! | --- | --- | --- | --- |
//! | 3 | 4 | 12 | 6 |
//! | 5 | 2 | 10 | 6 |
//!
//! All three steps are linear, so what is summed over channels and over the taps of a row is summed at the points, and
//! turned back once. Along the width, taps are summed as ever: lanes run over columns, and nothing moves between lanes.
//!
//! **Gradients.** The input's gradient is a convolution too. The weights' gradient is the same three steps in reverse order:
//! the output's gradient is spread over the points ([`gradient_points`]), multiplied with the source's values, and what has
//! been summed becomes weights, by the factors that turned weights into values.
//!
//! **Error.** The points are 0, 1, −1, ½, −2 and ∞, which round less than the more usual 0, ±1, ±2 and ∞. The error, seen from
//! the sum of the absolute values of all products, has, forward, 1.7 times the root mean square of that of direct summation in order:
//! `the_rounding_error_of_tiles_is_as_stated` in `tests/conv.rs` measures it. A source value that is not finite reaches all
//! rows of its tile.
//!
//! **Source.** Winograd, *Arithmetic Complexity of Computations*, 1980; Lavin and Gray, *Fast Algorithms for Convolutional
//! Neural Networks*, CVPR 2016.

use crate::Element;
use crate::im2col::{Axis, Gather};
use crate::simd::{MAX_LANES, Simd};
use crate::tail::load_padded;

/// Points at which the polynomials are known; also the source rows of a tile.
pub(crate) const POINTS: usize = 6;

/// The most taps that this file serves.
const MOST_TAPS: usize = 5;

/// The powers of the points ½ and −2 for output row `r`, as [`output_row`] needs them.
const HALF: [f64; 5] = [1.0, 0.5, 0.25, 0.125, 0.0625];
const MINUS_TWO: [f64; 5] = [1.0, -2.0, 4.0, -8.0, 16.0];

/// By what the weights' value at each point is divided, because the source's are whole multiples.
const DIVISOR: [f64; POINTS] = [1.0, 6.0, -6.0, 15.0 / 16.0, 30.0, 1.0];

/// In which order taps that lie side by side are met, when the source is read forwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    taps: usize,
    last_first: bool,
}

impl Order {
    /// The order along an axis, and the source place that the first output place sees first; none, where output places or taps
    /// do not lie side by side.
    pub fn of(axis: &Axis) -> Option<(Order, isize)> {
        let Axis { taps, step, first, delta, .. } = *axis;
        let last_first = delta < 0;
        let first = if last_first { first - (taps as isize - 1) } else { first };
        (step == 1 && delta.abs() == 1).then_some((Order { taps, last_first }, first))
    }

    /// The tap that is met as the `i`-th.
    #[inline(always)]
    pub fn tap(&self, i: usize) -> usize {
        if self.last_first { self.taps - 1 - i } else { i }
    }
}

/// A convolution whose output is cut into tiles of a few rows and one column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles {
    /// Gathers tiles from the values at one point: planes of as many rows as there are tiles, and one tap along the height.
    pub gather: Gather,
    /// Output rows of a tile.
    pub rows: usize,
    /// Output rows of an image; the last tile may reach beyond.
    pub height: usize,
    /// Taps along the height, and how a tile's rows meet them.
    pub taps: usize,
    pub order: Order,
    /// Rows of the source, and which one the first tile sees first.
    source: usize,
    first: isize,
}

impl Tiles {
    /// The tiles of a convolution, where they take fewer multiplications than direct summation.
    pub fn of(gather: &Gather) -> Option<Tiles> {
        let Axis { source, output, taps, .. } = gather.rows;
        let (order, first) = Order::of(&gather.rows)?;
        if !matches!(taps, 3 | 5) || gather.columns.step != 1 || gather.columns.taps == 0 {
            return None;
        }
        let rows = POINTS + 1 - taps;
        let tiles = output.div_ceil(rows);
        let axis = Axis { source: tiles, output: tiles, taps: 1, step: 1, first: 0, delta: 1 };
        let gather = Gather { rows: axis, ..*gather };
        let found = Tiles { gather, rows, height: output, taps, order, source, first };
        (tiles * POINTS < output * taps).then_some(found)
    }

    /// Elements of one image's planes.
    pub fn source_len(&self) -> usize {
        self.gather.planes * self.source * self.gather.columns.source
    }

    /// Elements of one image's values at one point, with room for what a store writes past the last row.
    pub fn point_len(&self) -> usize {
        self.gather.padded_len() + MAX_LANES
    }

    /// Turns the planes of an image, with which `x` begins, into their values at the points, with zeros on both sides of
    /// every row: `values[point][plane][tile][column]`.
    #[inline(always)]
    pub fn spread<S: Simd>(&self, s: S, x: &[S::Elem], values: &mut [S::Elem]) {
        let (width, tiles, part) = (self.gather.columns.source, self.gather.rows.output, self.point_len());
        let (before, padded_width) = self.gather.columns.padding();
        for plane in 0..self.gather.planes {
            for tile in 0..tiles {
                let row = (plane * tiles + tile) * padded_width;
                for column in (0..width).step_by(S::LANES) {
                    let at_points = source_points(s, self.source_rows(s, x, plane, tile, column));
                    for point in 0..POINTS {
                        s.store(at_points[point], &mut values[point * part + row + before + column..]);
                    }
                }
                for point in 0..POINTS {
                    let row = &mut values[point * part + row..][..padded_width];
                    row[..before].fill(S::Elem::ZERO);
                    row[before + width..].fill(S::Elem::ZERO);
                }
            }
        }
    }

    /// The six rows that a tile sees, a vector of columns of each; zero outside the image.
    #[inline(always)]
    fn source_rows<S: Simd>(
        &self,
        s: S,
        x: &[S::Elem],
        plane: usize,
        tile: usize,
        column: usize,
    ) -> [S::Vector; POINTS] {
        let first = (tile * self.rows) as isize + self.first;
        let mut rows = [s.zero(); POINTS];
        for (i, vector) in rows.iter_mut().enumerate() {
            let row = first + i as isize;
            if (0..self.source as isize).contains(&row) {
                let start = (plane * self.source + row as usize) * self.gather.columns.source + column;
                *vector = load_padded(s, &x[start..], S::Elem::ZERO);
            }
        }
        rows
    }
}

/// What tap `i` adds to the weights' value at a point.
fn weight_factor(point: usize, i: usize, taps: usize) -> f64 {
    let power = match point {
        0 => f64::from(u8::from(i == 0)),
        1 => 1.0,
        2 => [1.0, -1.0][i % 2],
        3 => HALF[i],
        4 => MINUS_TWO[i],
        _ => f64::from(u8::from(i == taps - 1)),
    };
    power / DIVISOR[point]
}

/// [`weight_factor`] of each tap and point.
pub(crate) fn weight_factors<E: Element>(taps: usize) -> [[E; POINTS]; MOST_TAPS] {
    let factor = |point, i| if i < taps { E::from_f64(weight_factor(point, i, taps)) } else { E::ZERO };
    std::array::from_fn(|i| std::array::from_fn(|point| factor(point, i)))
}

/// The values at the six points of six source rows.
#[inline(always)]
pub(crate) fn source_points<S: Simd>(s: S, x: [S::Vector; POINTS]) -> [S::Vector; POINTS] {
    let number = |x: f64| s.splat(S::Elem::from_f64(x));
    let (u, v) = (s.sub(x[1], x[3]), s.sub(x[2], x[4]));
    let (two, minus_two, side) = (number(2.0), number(-2.0), number(-1.5));
    [
        s.mul_add(side, u, s.mul_add(minus_two, x[2], s.add(x[0], x[4]))),
        s.mul_add(minus_two, s.sub(x[1], x[4]), s.mul_add(number(5.0), x[3], x[2])),
        s.mul_add(number(-5.0), x[2], s.mul_add(two, s.add(x[1], x[4]), x[3])),
        s.mul_add(two, u, v),
        s.mul_add(minus_two, v, u),
        s.mul_add(side, v, s.mul_add(minus_two, x[3], s.add(x[1], x[5]))),
    ]
}

/// Output row `r` of a tile of `rows`, from the products that were summed at the six points.
#[inline(always)]
pub(crate) fn output_row<S: Simd>(s: S, m: &[S::Vector; POINTS], r: usize, rows: usize) -> S::Vector {
    let number = |x: f64| s.splat(S::Elem::from_f64(x));
    let mut y = if r.is_multiple_of(2) { s.add(m[1], m[2]) } else { s.sub(m[1], m[2]) };
    y = s.mul_add(number(HALF[r]), m[3], y);
    y = s.mul_add(number(MINUS_TWO[r]), m[4], y);
    if r == 0 {
        y = s.add(y, m[0]);
    }
    if r == rows - 1 {
        y = s.add(y, m[5]);
    }
    y
}

/// The values at the six points that a tile's rows of the output's gradient are spread over: [`output_row`] in reverse.
#[inline(always)]
pub(crate) fn gradient_points<S: Simd>(s: S, dy: &[S::Vector; POINTS - 1], rows: usize) -> [S::Vector; POINTS] {
    let number = |x: f64| s.splat(S::Elem::from_f64(x));
    let [mut even, mut odd, mut half, mut minus_two] = [s.zero(); 4];
    for r in 0..rows {
        if r.is_multiple_of(2) {
            even = s.add(even, dy[r]);
        } else {
            odd = s.add(odd, dy[r]);
        }
        half = s.mul_add(number(HALF[r]), dy[r], half);
        minus_two = s.mul_add(number(MINUS_TWO[r]), dy[r], minus_two);
    }
    [dy[0], s.add(even, odd), s.sub(even, odd), half, minus_two, dy[rows - 1]]
}
