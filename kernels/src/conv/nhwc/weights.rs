//! The gradient of a convolution's weights with lanes over channels, for layers whose channels fill vectors, with any stride.
//!
//! The plain algorithm, on pixels instead of planes:
//!
//! ```text
//! for each tap t, plane c and filter k:
//!     sums[t][c][k] += Σ over images and output pixels p of strip[p·step + t·delta + first][c] · dy[p][k]
//! ```
//!
//! Images become strips, as in [`nhwc::forward`](crate::conv::nhwc::forward), and so does `dy`. Eight planes by two vectors of filters (four planes
//! where there are only sixteen registers) are summed in registers over some 128 pixels, lest rounding grow with the pixels. What has been
//! summed over some images is transposed and added to `dw[filter][plane][tap]`.

use crate::conv::Batch;
use crate::conv::channels_last::Strip;
use crate::conv::geometry::Gather;
use crate::conv::nhwc::forward::{SUMMED, Source, VECTORS, block_of};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Planes in a register block, with 32 and with 16 registers.
const MANY_PLANES: usize = 8;
const FEW_PLANES: usize = 4;

/// Pixels that are summed before the sums are added to `dw`.
const MOST_SUMMED: usize = 4096;

/// Elements of scratch: the strips of an image and of its `dy`, and the sums.
pub(crate) fn scratch_len(gather: &Gather, filters: usize) -> usize {
    Source::of(gather).len() + gather.pixels() * filters + gather.depth() * filters
}

/// A gradient that is being computed.
pub(crate) struct ChannelWeights<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub x: &'a [E],
    pub source: Batch,
    pub dy: &'a [E],
    pub output: Batch,
}

impl<E: Number> ChannelWeights<'_, E> {
    /// Adds the gradient over all images to `dw[filter][depth]`.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, dw: &mut [E], scratch: &mut [E]) {
        let (source, planes, filters) = (Source::of(self.gather), self.gather.planes, self.filters);
        let (rows, columns) = (self.gather.rows.output, self.gather.columns.output);
        let gradient = Strip::dense(filters, [rows, columns]);
        let (strip, rest) = scratch[..scratch_len(self.gather, filters)].split_at_mut(source.len());
        let (dy, sums) = rest.split_at_mut(gradient.image_len());
        strip.fill(E::ZERO);
        sums.fill(E::ZERO);
        let mut summed = 0;
        for image in 0..self.source.images {
            source.fill(s, &self.x[self.source.of(image, 0).start..], strip);
            gradient.fill(s, &self.dy[self.output.of(image, 0).start..], (0, rows), dy);
            for (tap, sums) in sums.chunks_exact_mut(planes * filters).enumerate() {
                let pairs = Pairs {
                    rows,
                    columns,
                    together: (SUMMED / columns).max(1),
                    row: [source.pixel(1, 0), columns * filters],
                    pixel: [source.pixel(0, 1), filters],
                };
                pairs.add_products(s, (&strip[source.tap(tap)..], planes), (dy, filters), sums);
            }
            summed += rows * columns;
            if summed >= MOST_SUMMED {
                add_transposed(s, sums, (planes, source.taps(), filters), dw);
                sums.fill(E::ZERO);
                summed = 0;
            }
        }
        if summed > 0 {
            add_transposed(s, sums, (planes, source.taps(), filters), dw);
        }
    }
}

/// Where pixels, or tiles, of two factors stand that are multiplied and summed.
pub(crate) struct Pairs {
    pub rows: usize,
    pub columns: usize,
    /// Rows whose products are added one after the other, before their sum is added to those of others.
    pub together: usize,
    /// From a row to the next, in the source and in the gradient.
    pub row: [usize; 2],
    /// From a pixel to the next.
    pub pixel: [usize; 2],
}

impl Pairs {
    /// Adds the products of all pixels to `sums[plane][filter]`.
    #[inline(always)]
    pub fn add_products<S: Simd>(
        &self,
        s: S,
        source: (&[S::Elem], usize),
        gradient: (&[S::Elem], usize),
        sums: &mut [S::Elem],
    ) {
        match (S::REGISTERS == 32, block_of(S::LANES, gradient.1) == S::LANES) {
            (true, false) => self.blocks::<S, VECTORS, MANY_PLANES>(s, source, gradient, sums),
            (true, true) => self.blocks::<S, 1, MANY_PLANES>(s, source, gradient, sums),
            (false, false) => self.blocks::<S, VECTORS, FEW_PLANES>(s, source, gradient, sums),
            (false, true) => self.blocks::<S, 1, FEW_PLANES>(s, source, gradient, sums),
        }
    }

    /// [`add_products`](Pairs::add_products), `P` planes by `V` vectors of filters at a time.
    #[inline(always)]
    fn blocks<S: Simd, const V: usize, const P: usize>(
        &self,
        s: S,
        (source, planes): (&[S::Elem], usize),
        (gradient, filters): (&[S::Elem], usize),
        sums: &mut [S::Elem],
    ) {
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

    /// The register block: `P` planes by `V` vectors of filters, summed over the pixels of a row.
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
    (planes, taps, filters): (usize, usize, usize),
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
