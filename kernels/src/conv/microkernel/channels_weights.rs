//! Planes by filters, with lanes over filters, summed over pixels or tiles.

use super::channels::{VECTORS, block_of};
use crate::simd::{MAX_LANES, Simd};

/// Planes in a micro-kernel, with 32 and with 16 registers.
const MANY_PLANES: usize = 8;
const FEW_PLANES: usize = 4;

/// Where pixels, or tiles, of two factors stand that are multiplied and summed.
pub(crate) struct OuterProducts {
    /// Channels of a pixel, in the source and in the gradient.
    pub planes: usize,
    pub filters: usize,
    pub rows: usize,
    pub columns: usize,
    /// Rows whose products are added one after the other, before their sum is added to those of others.
    pub together: usize,
    /// From a row to the next, in the source and in the gradient.
    pub row: [usize; 2],
    /// From a pixel to the next.
    pub pixel: [usize; 2],
}

impl OuterProducts {
    /// Adds the products of all pixels to `sums[plane][filter]`.
    #[inline(always)]
    pub fn add_products<S: Simd>(&self, s: S, source: &[S::Elem], gradient: &[S::Elem], sums: &mut [S::Elem]) {
        match (S::REGISTERS == 32, block_of(S::LANES, self.filters) == S::LANES) {
            (true, false) => self.blocks::<S, VECTORS, MANY_PLANES>(s, source, gradient, sums),
            (true, true) => self.blocks::<S, 1, MANY_PLANES>(s, source, gradient, sums),
            (false, false) => self.blocks::<S, VECTORS, FEW_PLANES>(s, source, gradient, sums),
            (false, true) => self.blocks::<S, 1, FEW_PLANES>(s, source, gradient, sums),
        }
    }

    /// [`add_products`](OuterProducts::add_products), `P` planes by `V` vectors of filters at a time.
    #[inline(always)]
    fn blocks<S: Simd, const V: usize, const P: usize>(
        &self,
        s: S,
        source: &[S::Elem],
        gradient: &[S::Elem],
        sums: &mut [S::Elem],
    ) {
        let OuterProducts { planes, filters, .. } = *self;
        for filter in (0..filters).step_by(V * S::LANES) {
            for plane in (0..planes).step_by(P) {
                let sums = &mut sums[plane * filters + filter..];
                for first in (0..self.rows).step_by(self.together) {
                    let mut block = [[s.zero(); V]; P];
                    for row in first..self.rows.min(first + self.together) {
                        let source = &source[row * self.row[0] + plane..];
                        let gradient = &gradient[row * self.row[1] + filter..];
                        block = self.multiply::<S, V, P>(s, source, gradient, block);
                    }
                    for p in 0..P {
                        for v in 0..V {
                            let sums = &mut sums[p * filters + v * S::LANES..];
                            s.store(s.add(s.load(sums), block[p][v]), sums);
                        }
                    }
                }
            }
        }
    }

    /// The micro-kernel: `P` planes by `V` vectors of filters, summed over the pixels of a row.
    #[inline(always)]
    fn multiply<S: Simd, const V: usize, const P: usize>(
        &self,
        s: S,
        source: &[S::Elem],
        gradient: &[S::Elem],
        mut sums: [[S::Vector; V]; P],
    ) -> [[S::Vector; V]; P] {
        let [step, gradient_step] = self.pixel;
        let (mut x, mut dy) = (0, 0);
        for _ in 0..self.columns {
            let (values, gradient) = (&source[x..][..P], &gradient[dy..][..V * S::LANES]);
            let mut g = [s.zero(); V];
            for v in 0..V {
                g[v] = s.load(&gradient[v * S::LANES..]);
            }
            for p in 0..P {
                let value = s.splat(values[p]);
                for v in 0..V {
                    sums[p][v] = s.mul_add(value, g[v], sums[p][v]);
                }
            }
            (x, dy) = (x + step, dy + gradient_step);
        }
        sums
    }
}

/// Adds `sums[tap][plane][filter]` to `dw[filter][plane][tap]`, a vector of filters by a vector of taps at a time.
#[inline(always)]
pub(crate) fn add_transposed<S: Simd>(
    s: S,
    sums: &[S::Elem],
    planes: usize,
    taps: usize,
    filters: usize,
    dw: &mut [S::Elem],
) {
    let depth = planes * taps;
    for filter in (0..filters).step_by(S::LANES) {
        for first in (0..depth).step_by(S::LANES) {
            let mut rows = [s.zero(); MAX_LANES];
            for (l, row) in rows.iter_mut().enumerate().take(S::LANES) {
                let (plane, tap) = ((first + l) / taps, (first + l) % taps);
                *row = s.load(&sums[(tap * planes + plane) * filters + filter..]);
            }
            s.transpose(&mut rows);
            for l in 0..S::LANES {
                let dw = &mut dw[(filter + l) * depth + first..];
                s.store(s.add(s.load(dw), rows[l]), dw);
            }
        }
    }
}
