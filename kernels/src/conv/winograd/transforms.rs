//! The transforms of Winograd's `F(4, 3)` and `F(2, 5)`: fewer multiplications for a kernel of a few taps along one axis.
//!
//! The plain algorithm, for one column of pixels and `taps` taps below each other:
//!
//! ```text
//! for each output row r:  y[r] = Σ over taps i of w[i] · x[r + i]
//! ```
//!
//! `rows` rows of it are the upper coefficients of a product of polynomials, and a polynomial of degree 5 is known by its
//! values at six points. So the six source rows that `rows = 7 − taps` output rows see are turned into values at six points
//! ([`input_transform`]), and so are the weights ([`filter_transform`]); six multiplications do what `rows · taps` did, and the
//! results are turned back ([`output_transform`]):
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
//! the output's gradient is spread over the points ([`gradient_transform`]), multiplied with the source's values, and what has
//! been summed becomes weights, by the factors that turned weights into values.
//!
//! As matrices, for `F(4, 3)`, `y = Aᵀ·[(G·w) ⊙ (Bᵀ·x)]` with the points `±a = ±5/8` and `±b = ±3/2`:
//!
//! ```text
//!      ⎡ a²b²   0   −(a²+b²)     0     1  0 ⎤        ⎡ 1   0   0 ⎤ / a²b²
//!      ⎢  0   −ab²     −b²       a     1  0 ⎥        ⎢ 1   a   a² ⎥ / 2a²(a²−b²)      ⎡ 1  1   1   1   1   0 ⎤
//! Bᵀ = ⎢  0    ab²     −b²      −a     1  0 ⎥    G = ⎢ 1  −a   a² ⎥ / 2a²(a²−b²)  Aᵀ = ⎢ 0  a  −a   b  −b   0 ⎥
//!      ⎢  0   −ba²     −a²       b     1  0 ⎥        ⎢ 1   b   b² ⎥ / 2b²(b²−a²)      ⎢ 0  a²  a²  b²  b²  0 ⎥
//!      ⎢  0    ba²     −a²      −b     1  0 ⎥        ⎢ 1  −b   b² ⎥ / 2b²(b²−a²)      ⎣ 0  a³ −a³  b³ −b³  1 ⎦
//!      ⎣  0   a²b²      0    −(a²+b²)  0  1 ⎦        ⎣ 0   0   1 ⎦
//! ```
//!
//! `F(2, 5)` has the same `Bᵀ`; the rows of its `G` go on to the fourth power, and its `Aᵀ` has two rows:
//!
//! ```text
//!     ⎡ 1   0   0    0   0  ⎤ / a²b²
//!     ⎢ 1   a   a²   a³  a⁴ ⎥ / 2a²(a²−b²)
//! G = ⎢ 1  −a   a²  −a³  a⁴ ⎥ / 2a²(a²−b²)      Aᵀ = ⎡ 1  1   1  1   1  0 ⎤
//!     ⎢ 1   b   b²   b³  b⁴ ⎥ / 2b²(b²−a²)           ⎣ 0  a  −a  b  −b  1 ⎦
//!     ⎢ 1  −b   b²  −b³  b⁴ ⎥ / 2b²(b²−a²)
//!     ⎣ 0   0   0    0   1  ⎦
//! ```
//!
//! **Error.** Each product at a point rounds as it is large, and the points' results are larger than the output that
//! they cancel to. For independent values of one size, the variance of the error of a sum grows by the mean over the
//! output rows of `Σ over points of |Aᵀ's column|² · |G's row|² · |Bᵀ's row|²`, over the taps: 4.8 for `F(4, 3)` at
//! these points (5.4 for `F(2, 5)`), 6.9 for 0, 1, −1, ½, −2, ∞ and 10.8 for the usual 0, ±1, ±2, ∞. No other six
//! points have less than 4.74; these are dyadic fractions, so `Bᵀ` and `Aᵀ` are exact, and lie symmetrically, which
//! halves the work of `Bᵀ`. Along both axes the factor is squared.
//!
//! **Sums.** Adding `n` products one after the other rounds with a variance of `n/2` units of one rounding, so wide
//! layers would lose digits. Products are therefore summed in blocks, and the blocks' sums are added: `n/2` becomes
//! half the block and half the number of blocks. `rounding_does_not_grow_with_the_channels` in `tests/conv.rs` states
//! what comes of it.
//!
//! **Source.** Winograd, *Arithmetic Complexity of Computations*, 1980; Lavin and Gray, *Fast Algorithms for Convolutional
//! Neural Networks*, CVPR 2016.

use crate::conv::geometry::{Axis, Gather};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use crate::tail::load_padded;

/// Points at which the polynomials are known; also the source rows of a tile.
pub(crate) const POINTS: usize = 6;

/// The most taps that this file serves.
const MOST_TAPS: usize = 5;

/// The points are 0, ±`NEAR`, ±`FAR` and ∞, in this order.
const NEAR: f64 = 5.0 / 8.0;
const FAR: f64 = 3.0 / 2.0;
const NEAR_2: f64 = NEAR * NEAR;
const FAR_2: f64 = FAR * FAR;

/// By what the weights' value at each point is divided: the product of the point's distances from all others.
const DIVISOR: [f64; POINTS] = [
    NEAR_2 * FAR_2,
    2.0 * NEAR_2 * (NEAR_2 - FAR_2),
    2.0 * NEAR_2 * (NEAR_2 - FAR_2),
    2.0 * FAR_2 * (FAR_2 - NEAR_2),
    2.0 * FAR_2 * (FAR_2 - NEAR_2),
    1.0,
];

/// In which order neighbouring taps are met, when the source is read forwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    taps: usize,
    last_first: bool,
}

impl Order {
    /// The order along an axis, and the source place that the first output place sees first; none, where output places or taps
    /// are not neighbours.
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
pub(crate) struct Tiles1d {
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

impl Tiles1d {
    /// The tiles of a convolution, where they take fewer multiplications than direct summation.
    pub fn of(gather: &Gather) -> Option<Tiles1d> {
        let Axis { source, output, taps, .. } = gather.rows;
        let (order, first) = Order::of(&gather.rows)?;
        if !matches!(taps, 3 | 5) || gather.columns.step != 1 || gather.columns.taps == 0 {
            return None;
        }
        let rows = POINTS + 1 - taps;
        let tiles = output.div_ceil(rows);
        let axis = Axis { source: tiles, output: tiles, taps: 1, step: 1, first: 0, delta: 1 };
        let gather = Gather { rows: axis, ..*gather };
        let found = Tiles1d { gather, rows, height: output, taps, order, source, first };
        (tiles * POINTS < output * taps).then_some(found)
    }

    /// Elements of one image's values at one point, with room for what a store writes past the last row.
    pub fn point_len(&self) -> usize {
        self.gather.padded_len() + MAX_LANES
    }

    /// Turns the planes of an image, with which `x` begins, into their values at the points, with zeros on both sides of
    /// every row: `values[point][plane][tile][column]`.
    #[inline(always)]
    pub fn transform_input<S: Simd>(&self, s: S, x: &[S::Elem], values: &mut [S::Elem]) {
        let (width, tiles, part) = (self.gather.columns.source, self.gather.rows.output, self.point_len());
        let (before, padded_width) = self.gather.columns.padding();
        for plane in 0..self.gather.planes {
            for tile in 0..tiles {
                let row = (plane * tiles + tile) * padded_width;
                for column in (0..width).step_by(S::LANES) {
                    let at_points = input_transform(s, self.source_rows(s, x, plane, tile, column));
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
fn filter_transform_entry(point: usize, i: usize, taps: usize) -> f64 {
    let power = match point {
        0 => f64::from(u8::from(i == 0)),
        1 => power(NEAR, i),
        2 => power(-NEAR, i),
        3 => power(FAR, i),
        4 => power(-FAR, i),
        _ => f64::from(u8::from(i == taps - 1)),
    };
    power / DIVISOR[point]
}

/// The filter transform `G`, by taps and points.
pub(crate) fn filter_transform<E: Number>(taps: usize) -> [[E; POINTS]; MOST_TAPS] {
    let factor = |point, i| if i < taps { E::from_f64(filter_transform_entry(point, i, taps)) } else { E::ZERO };
    std::array::from_fn(|i| std::array::from_fn(|point| factor(point, i)))
}

/// A constant in every lane.
// Not a closure, and no `map`: those are compiled without the vector's instructions.
#[inline(always)]
fn number<S: Simd>(s: S, x: f64) -> S::Vector {
    s.splat(S::Elem::from_f64(x))
}

/// The input transform `Bᵀ`: the values at the six points of six source rows.
#[inline(always)]
pub(crate) fn input_transform<S: Simd>(s: S, x: [S::Vector; POINTS]) -> [S::Vector; POINTS] {
    let (product, minus_sum) = (number(s, NEAR_2 * FAR_2), number(s, -NEAR_2 - FAR_2));
    // At ±p, with q for the other pair: the even powers x⁴ − q²x², and p times the odd ones, x³ − q²x.
    let (minus_near_2, minus_far_2) = (number(s, -NEAR_2), number(s, -FAR_2));
    let near = at_pair(s, NEAR, s.mul_add(minus_far_2, x[2], x[4]), s.mul_add(minus_far_2, x[1], x[3]));
    let far = at_pair(s, FAR, s.mul_add(minus_near_2, x[2], x[4]), s.mul_add(minus_near_2, x[1], x[3]));
    let zero = s.mul_add(product, x[0], s.mul_add(minus_sum, x[2], x[4]));
    let infinity = s.mul_add(product, x[1], s.mul_add(minus_sum, x[3], x[5]));
    [zero, near[0], near[1], far[0], far[1], infinity]
}

/// The values of a polynomial at a point and its negative: its even part and the point times the rest of its odd part, added and
/// subtracted.
#[inline(always)]
fn at_pair<S: Simd>(s: S, point: f64, even: S::Vector, odd: S::Vector) -> [S::Vector; 2] {
    [s.mul_add(number(s, point), odd, even), s.mul_add(number(s, -point), odd, even)]
}

/// Row `r` of the output transform `Aᵀ`: an output row of a tile of `rows`, from the products that were summed at the six points.
#[inline(always)]
pub(crate) fn output_transform<S: Simd>(s: S, m: &[S::Vector; POINTS], r: usize, rows: usize) -> S::Vector {
    let (near_power, far_power) = (number(s, power(NEAR, r)), number(s, power(FAR, r)));
    let (near, far) = if r.is_multiple_of(2) {
        (s.add(m[1], m[2]), s.add(m[3], m[4]))
    } else {
        (s.sub(m[1], m[2]), s.sub(m[3], m[4]))
    };
    if r == 0 {
        s.add(m[0], s.add(near, far))
    } else if r == rows - 1 {
        s.mul_add(far_power, far, s.mul_add(near_power, near, m[5]))
    } else {
        s.mul_add(far_power, far, s.mul(near_power, near))
    }
}

/// The values at the six points that a tile's rows of the output's gradient are spread over: [`output_transform`] in reverse.
#[inline(always)]
pub(crate) fn gradient_transform<S: Simd>(s: S, dy: &[S::Vector; POINTS - 1], rows: usize) -> [S::Vector; POINTS] {
    let [mut near, mut far] = [[dy[0], dy[1]]; 2];
    if rows > 2 {
        let (near_2, far_2) = (number(s, NEAR_2), number(s, FAR_2));
        near = [s.mul_add(near_2, dy[2], dy[0]), s.mul_add(near_2, dy[3], dy[1])];
        far = [s.mul_add(far_2, dy[2], dy[0]), s.mul_add(far_2, dy[3], dy[1])];
    }
    let [plus_near, minus_near] = at_pair(s, NEAR, near[0], near[1]);
    let [plus_far, minus_far] = at_pair(s, FAR, far[0], far[1]);
    [dy[0], plus_near, minus_near, plus_far, minus_far, dy[rows - 1]]
}

/// A small power, exact for the points.
#[inline(always)]
fn power(point: f64, exponent: usize) -> f64 {
    [1.0, point, point * point, point * point * point, point * point * point * point][exponent]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Portable;

    /// A fraction of whole numbers, in lowest terms with a denominator above 0.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Fraction(i64, i64);

    impl Fraction {
        fn new(numerator: i64, denominator: i64) -> Fraction {
            let (mut a, mut b) = (numerator.abs(), denominator.abs());
            while b != 0 {
                (a, b) = (b, a % b);
            }
            let divisor = a * denominator.signum();
            Fraction(numerator / divisor, denominator / divisor)
        }
        fn plus(self, other: Fraction) -> Fraction {
            Fraction::new(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
        }
        fn times(self, other: Fraction) -> Fraction {
            Fraction::new(self.0 * other.0, self.1 * other.1)
        }
        fn power(self, exponent: usize) -> Fraction {
            (0..exponent).fold(Fraction(1, 1), |power, _| power.times(self))
        }
        fn value(self) -> f64 {
            self.0 as f64 / self.1 as f64
        }
    }

    const ZERO: Fraction = Fraction(0, 1);
    const ONE: Fraction = Fraction(1, 1);

    /// The five finite points, in the order of this file.
    const FINITE: [Fraction; POINTS - 1] = [ZERO, Fraction(5, 8), Fraction(-5, 8), Fraction(3, 2), Fraction(-3, 2)];

    /// `Aᵀ`: the powers of the points.
    fn output_matrix(rows: usize) -> Vec<Vec<Fraction>> {
        let infinity = |r| if r == rows - 1 { ONE } else { ZERO };
        (0..rows).map(|r| FINITE.iter().map(|point| point.power(r)).chain([infinity(r)]).collect()).collect()
    }

    /// `G`: the powers of each point, over the product of its distances from all others.
    fn filter_matrix(taps: usize) -> Vec<Vec<Fraction>> {
        let row = |point: Fraction| {
            let others = FINITE.into_iter().filter(|other| *other != point);
            let divisor = others.fold(ONE, |product, other| product.times(point.plus(Fraction(-other.0, other.1))));
            let share = Fraction::new(divisor.1, divisor.0);
            (0..taps).map(|i| point.power(i).times(share)).collect()
        };
        let infinity = (0..taps).map(|i| if i == taps - 1 { ONE } else { ZERO }).collect();
        FINITE.into_iter().map(row).chain([infinity]).collect()
    }

    /// `Bᵀ`: the coefficients of the polynomial that is zero at all finite points but the row's.
    fn input_matrix() -> Vec<Vec<Fraction>> {
        let row = |own: Option<Fraction>| {
            let mut coefficients = vec![ONE];
            for root in FINITE.into_iter().filter(|root| Some(*root) != own) {
                // Times x, less the root times itself.
                let negative = Fraction(-root.0, root.1);
                let lower = [coefficients.clone(), vec![ZERO]].concat();
                coefficients.insert(0, ZERO);
                coefficients = coefficients.iter().zip(lower).map(|(x, c)| x.plus(negative.times(c))).collect();
            }
            coefficients.resize(POINTS, ZERO);
            coefficients
        };
        FINITE.into_iter().map(Some).chain([None]).map(row).collect()
    }

    /// `Σ over points of Aᵀ[r][p]·G[p][i]·Bᵀ[p][x]` is 1 where row `r` meets tap `i` at source row `x = r + i`, and else 0.
    #[test]
    fn the_matrices_compute_a_convolution_exactly() {
        for taps in [3, 5] {
            let rows = POINTS + 1 - taps;
            let (a, g, b) = (output_matrix(rows), filter_matrix(taps), input_matrix());
            for (r, i, x) in (0..rows * taps * POINTS).map(|n| (n / POINTS / taps, n / POINTS % taps, n % POINTS)) {
                let products = (0..POINTS).map(|p| a[r][p].times(g[p][i]).times(b[p][x]));
                let expected = if x == r + i { ONE } else { ZERO };
                assert_eq!(
                    products.fold(ZERO, Fraction::plus),
                    expected,
                    "{taps} taps, row {r}, tap {i}, source row {x}"
                );
            }
        }
    }

    /// One column of a transform of `f64`, one lane wide: what it makes of a unit vector.
    fn unit<const N: usize>(place: usize) -> [[f64; 1]; N] {
        std::array::from_fn(|i| [f64::from(u8::from(i == place))])
    }

    #[test]
    fn the_transforms_are_the_matrices() {
        let s = Portable::<f64, 1>::TOKEN;
        for (x, p) in (0..POINTS * POINTS).map(|n| (n / POINTS, n % POINTS)) {
            assert_eq!(input_transform(s, unit(x))[p], [input_matrix()[p][x].value()], "Bᵀ, row {p}, column {x}");
        }
        for taps in [3, 5] {
            let rows = POINTS + 1 - taps;
            let (a, g, factors) = (output_matrix(rows), filter_matrix(taps), filter_transform::<f64>(taps));
            for p in 0..POINTS {
                for (r, a) in a.iter().enumerate() {
                    assert_eq!(output_transform(s, &unit(p), r, rows), [a[p].value()], "Aᵀ, row {r}, column {p}");
                    assert_eq!(gradient_transform(s, &unit(r), rows)[p], [a[p].value()], "A, row {p}, column {r}");
                }
                for i in 0..taps {
                    let (found, exact) = (factors[i][p], g[p][i].value());
                    assert!(
                        (found - exact).abs() <= 2.0 * f64::EPSILON * exact.abs(),
                        "G, row {p}, column {i}: {found}"
                    );
                }
            }
        }
    }
}
