//! Convolution forward, and its input's gradient: products of filters with gathered pixels.
//!
//! The plain algorithm, for one image:
//!
//! ```text
//! for each filter k, output pixel p:
//!     y[k][p] = bias[k] + Σ over planes c and taps t of w[k][c][t] · x[c][p·step + t·delta + first]
//! ```
//!
//! with `x` zero outside, and pixels, taps, `step`, `delta` and `first` of both axes: see
//! [`Axis`]. The gradient of the input has the same form, with `dy` for `x`, filters and
//! planes exchanged and the taps in the order that [`Window::backward`] gives;
//! for a stride above 1 the input's pixels fall into phases that see different taps, and each phase is one such
//! product.
//!
//! A [`Plan`] chooses by the sizes alone, the first of these algorithms that serves them:
//!
//! | algorithm, in | when | why | products | rounding |
//! | --- | --- | --- | --- | --- |
//! | `planar/depthwise` | one plane and ≤ 4 filters, or vice versa | a pixel has too few products for more than one sum | all | 1 |
//! | `nhwc/few_channels` | ≤ 7 channels, filters in sixteens | a value serves a vector of filters | all | 1, in one block |
//! | `planar/pointwise` | 1×1 kernels, stride 1 | planes are read where they stand | all | 1 |
//! | `winograd/two_d`: `F(4×4, 3×3)` | 3×3 taps, all channels in sixteens | fewest products | 1/4 | 23, blocks of 32 |
//! | `winograd/one_d`: `F(4, 3)`, `F(2, 5)` | 3 or 5 rows of taps | any number of channels | 1/2, 3/5 | 4.8, 5.4 |
//! | `nhwc/forward` | all channels in sixteens | nothing is packed: taps are runs of channels | all | 1 |
//! | `planar/forward` | everything else | no lane is wasted on few channels | all | 1 |
//!
//! "In sixteens" means multiples of the widest vector. Products are counted per output of direct summation. Rounding is the
//! variance of an output's error in units of direct summation's, as `winograd/transforms.rs` derives it, with products
//! summed in blocks of 128 where nothing else is said. Both of Winograd's algorithms want taps that are neighbours, as they are
//! with stride 1 and in the phases of a greater stride, and decline outputs so small that most of their tiles would lie outside.
//!
//! Where an image or a filter holds values that Winograd's algorithm would not do justice to, `direct.rs` sums each output
//! alone: `evenness.rs` says which. So an infinity or NaN reaches the outputs that see it, and no other.
//!
//! Every algorithm with lanes over channels copies the images from NCHW to NHWC and its output back, in each pass anew:
//! tensors keep NCHW between operations.
//!
//! The order of every sum is fixed by the sizes and the image, so a pixel's value does not depend on the batch.

pub(crate) mod algorithm;
pub(crate) mod channels_last;
pub(crate) mod direct;
pub(crate) mod evenness;
pub mod geometry;
pub(crate) mod microkernel;
pub(crate) mod nhwc;
pub(crate) mod plan;
pub(crate) mod planar;
pub(crate) mod planes;
pub mod weights;
pub(crate) mod winograd;

use crate::isa::Isa;
use crate::number::Number;
pub use algorithm::Filters;
use algorithm::{ForwardAlgorithm, Product};
use direct::ConvDirectKernels;
use evenness::EvennessKernels;
pub use geometry::{Axis, Batch, Gather, Grid, Images, ImagesMut, Phase, Weights, Window};
pub use plan::Plan;
use plan::with_forward;

/// A scalar for which every algorithm is compiled.
pub trait Convolve: Number + ConvKernels<Self> + ConvDirectKernels<Self> + EvennessKernels<Self> {}

impl<E: Number + ConvKernels<E> + ConvDirectKernels<E> + EvennessKernels<E>> Convolve for E {}

/// Packs filters for [`conv`] with the same plan.
///
/// # Panics
/// When `packed` is shorter than [`Plan::packed_len`], or weights are missing.
pub fn pack_filters<E: Convolve>(isa: Isa, plan: &Plan, weights: &Weights<'_, E>, packed: &mut [E]) {
    let (packed, greatest) = packed[..plan.packed_len()].split_at_mut(plan.filters_len());
    pack(isa, plan, weights, packed);
    // Only Winograd's algorithm asks whether filters are even; that all are finite, every algorithm does.
    greatest[0] = match plan.is_winograd() {
        true => evenness::greatest_weight(isa, &plan.gather, weights),
        false => evenness::largest(isa, weights.w),
    };
}

/// The products of a plan's filters with the pixels of every image: see the module's text.
///
/// `x` holds the source planes, `y` receives one plane per filter, of which `grid` names the pixels.
///
/// # Panics
/// When a slice is shorter than the sizes say.
pub fn conv<E: Convolve>(
    isa: Isa,
    plan: &Plan,
    filters: &Filters<'_, E>,
    x: Images<'_, E>,
    mut y: ImagesMut<'_, E>,
    grid: Grid,
    scratch: &mut [E],
) {
    let (gather, Filters { weights, bias, .. }) = (&plan.gather, *filters);
    x.batch.check(gather.source_len(), x.data.len(), "the source of a convolution");
    y.batch.check(plan.filters * grid.size[0] * grid.size[1], y.data.len(), "the output of a convolution");
    assert_eq!(x.batch.images, y.batch.images, "images of a convolution");
    assert!(bias.is_empty() || bias.len() == plan.filters, "{} biases for {} filters", bias.len(), plan.filters);
    grid.check(gather);
    let (packed, greatest) = filters.packed[..plan.packed_len()].split_at(plan.filters_len());
    let product = Product { gather, filters: plan.filters, packed, bias, grid };
    if !greatest[0].is_finite() {
        return direct::products(isa, &product, weights, x, y);
    }
    if !plan.is_winograd() {
        return products(isa, plan, &product, x, y, scratch);
    }
    let mut done = 0;
    while done < x.batch.images {
        let (images, even) = evenness::alike(x.batch.images - done, |image| {
            let x = x.planes(done + image, gather.source_len());
            evenness::is_even(isa, x, gather.source_pixels(), greatest[0], scratch)
        });
        let (x, y) = (x.part(done, images), y.part(done, images));
        if even {
            products(isa, plan, &product, x, y, scratch);
        } else {
            direct::products(isa, &product, weights, x, y);
        }
        done += images;
    }
}

kernel! {
    trait ConvKernels;

    /// Packs filters in the order in which their algorithm reads them.
    #[doc(hidden)]
    pub fn pack(plan: &Plan, weights: &Weights<'_, E>, packed: &mut [E]) |s| {
        with_forward!(plan.forward, |algorithm| algorithm.pack(s, &plan.gather, plan.filters, weights, packed));
    }

    /// The products by the plan's algorithm, whatever the values.
    #[doc(hidden)]
    pub fn products(
        plan: &Plan, product: &Product<'_, E>, x: Images<'_, E>, y: ImagesMut<'_, E>, scratch: &mut [E],
    ) |s| {
        with_forward!(plan.forward, |algorithm| ForwardAlgorithm::run(algorithm, s, product, x, y, scratch));
    }
}
