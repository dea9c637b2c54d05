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

use crate::conv::algorithm::{WeightsAlgorithm, WeightsProduct};
use crate::conv::channels_last::ChannelsLast;
use crate::conv::geometry::Gather;
use crate::conv::microkernel::SUMMED;
use crate::conv::microkernel::channels_weights::{OuterProducts, add_transposed};
use crate::conv::nhwc::forward::{Nhwc, Source};
use crate::number::Number;
use crate::simd::Simd;

/// Pixels that are summed before the sums are added to `dw`.
const MOST_SUMMED: usize = 4096;

impl WeightsAlgorithm for Nhwc {
    fn images_together(&self, _: &Gather) -> usize {
        1
    }

    /// The channels-last copies of an image and of its `dy`, and the sums.
    fn scratch_len(&self, gather: &Gather, filters: usize, _: usize) -> usize {
        Source::of(gather).len() + gather.pixels() * filters + gather.depth() * filters
    }

    #[inline(always)]
    fn run<S: Simd>(&self, s: S, product: &WeightsProduct<'_, S::Elem>, dw: &mut [S::Elem], scratch: &mut [S::Elem]) {
        let WeightsProduct { gather, filters, x, dy: output } = *product;
        let (source, planes) = (Source::of(gather), gather.planes);
        let (rows, columns) = (gather.rows.output, gather.columns.output);
        let gradient = ChannelsLast::dense(filters, [rows, columns]);
        let (nhwc, rest) =
            scratch[..WeightsAlgorithm::scratch_len(self, gather, filters, x.batch.images)].split_at_mut(source.len());
        let (dy, sums) = rest.split_at_mut(gradient.image_len());
        nhwc.fill(S::Elem::ZERO);
        sums.fill(S::Elem::ZERO);
        let mut summed = 0;
        for image in 0..x.batch.images {
            source.fill(s, x.from(image), nhwc);
            gradient.fill(s, output.from(image), 0..rows, dy);
            for (tap, sums) in sums.chunks_exact_mut(planes * filters).enumerate() {
                let products = OuterProducts {
                    planes,
                    filters,
                    rows,
                    columns,
                    together: (SUMMED / columns).max(1),
                    row: [source.pixel(1, 0), columns * filters],
                    pixel: [source.pixel(0, 1), filters],
                };
                products.add_products(s, &nhwc[source.tap(tap)..], dy, sums);
            }
            summed += rows * columns;
            if summed >= MOST_SUMMED {
                add_transposed(s, sums, planes, source.taps(), filters, dw);
                sums.fill(S::Elem::ZERO);
                summed = 0;
            }
        }
        if summed > 0 {
            add_transposed(s, sums, planes, source.taps(), filters, dw);
        }
    }
}
