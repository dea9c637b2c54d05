//! The gradient of a convolution's weights with lanes over channels, for layers whose channels fill vectors, with any stride.
//!
//! The plain algorithm, on pixels instead of planes:
//!
//! ```text
//! for each tap t, plane c and filter k:
//!     sums[t][c][k] += Σ over images and output pixels p of nhwc[p·step + t·delta + first][c] · dy[p][k]
//! ```
//!
//! Images become channels-last copies, as in [`nhwc::forward`](crate::conv::nhwc::forward), and so does `dy`. Eight
//! planes by two vectors of filters (four planes where there are only sixteen registers) are summed in registers over
//! some 128 pixels, lest rounding grow with the pixels. What has been summed over some images is transposed and added
//! to `dw[filter][plane][tap]`.

use crate::conv::channels_last::ChannelsLast;
use crate::conv::geometry::{Batch, Gather};
use crate::conv::microkernel::SUMMED;
use crate::conv::microkernel::channels_weights::{OuterProducts, add_transposed};
use crate::conv::nhwc::forward::Source;
use crate::number::Number;
use crate::simd::Simd;

/// Pixels that are summed before the sums are added to `dw`.
const MOST_SUMMED: usize = 4096;

/// Elements of scratch: the channels-last copies of an image and of its `dy`, and the sums.
pub(crate) fn scratch_len(gather: &Gather, filters: usize) -> usize {
    Source::of(gather).len() + gather.pixels() * filters + gather.depth() * filters
}

/// A gradient that is being computed.
pub(crate) struct NhwcWeights<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub x: &'a [E],
    pub source: Batch,
    pub dy: &'a [E],
    pub output: Batch,
}

impl<E: Number> NhwcWeights<'_, E> {
    /// Adds the gradient over all images to `dw[filter][depth]`.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, dw: &mut [E], scratch: &mut [E]) {
        let (source, planes, filters) = (Source::of(self.gather), self.gather.planes, self.filters);
        let (rows, columns) = (self.gather.rows.output, self.gather.columns.output);
        let gradient = ChannelsLast::dense(filters, [rows, columns]);
        let (nhwc, rest) = scratch[..scratch_len(self.gather, filters)].split_at_mut(source.len());
        let (dy, sums) = rest.split_at_mut(gradient.image_len());
        nhwc.fill(E::ZERO);
        sums.fill(E::ZERO);
        let mut summed = 0;
        for image in 0..self.source.images {
            source.fill(s, &self.x[self.source.of(image, 0).start..], nhwc);
            gradient.fill(s, &self.dy[self.output.of(image, 0).start..], (0, rows), dy);
            for (tap, sums) in sums.chunks_exact_mut(planes * filters).enumerate() {
                let products = OuterProducts {
                    rows,
                    columns,
                    together: (SUMMED / columns).max(1),
                    row: [source.pixel(1, 0), columns * filters],
                    pixel: [source.pixel(0, 1), filters],
                };
                products.add_products(s, (&nhwc[source.tap(tap)..], planes), (dy, filters), sums);
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
