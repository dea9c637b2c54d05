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

pub(crate) mod channels_last;
pub(crate) mod direct;
pub(crate) mod evenness;
pub mod geometry;
pub(crate) mod microkernel;
pub(crate) mod nhwc;
mod plan;
pub(crate) mod planar;
pub(crate) mod planes;
pub mod weights;
pub(crate) mod winograd;

use crate::isa::Isa;
use crate::number::Number;
use direct::ConvDirectKernels;
use evenness::EvennessKernels;
pub use geometry::{Axis, Batch, Gather, Grid, Phase, Weights, Window};
use microkernel::pixels::{LARGE_BLOCK, SMALL_BLOCK};
use microkernel::{channels, pixels};
use nhwc::few_channels::FewChannelsForward;
use nhwc::forward::NhwcForward;
use plan::Algorithm;
pub use plan::Plan;
use planar::forward::PlanarForward;
use planar::pointwise::PointwiseForward;
use winograd::one_d::Winograd1dForward;
use winograd::two_d::Winograd2dForward;

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
    greatest[0] = match plan.algorithm.is_winograd() {
        true => evenness::greatest_weight(isa, &plan.gather, weights),
        false => evenness::largest(isa, weights.w),
    };
}

/// The products of `filters` packed filters with the pixels of every image: see the module's text.
///
/// `x` holds the source planes as `source` says, `y` receives one plane per filter, of which `grid` names the
/// pixels, as `target` says. `bias` has one value per filter, or none at all. `weights` are those that were packed: images whose
/// values Winograd's algorithm would not do justice to are summed directly, see `evenness.rs`.
///
/// # Panics
/// When a slice is shorter than the sizes say.
#[allow(clippy::too_many_arguments, reason = "a kernel takes slices and sizes, not objects")]
pub fn conv<E: Convolve>(
    isa: Isa,
    plan: &Plan,
    packed: &[E],
    weights: &Weights<'_, E>,
    bias: &[E],
    x: &[E],
    source: Batch,
    y: &mut [E],
    target: Batch,
    grid: Grid,
    scratch: &mut [E],
) {
    let Plan { gather, filters, .. } = plan;
    source.check(gather.source_len(), x.len(), "the source of a convolution");
    target.check(filters * grid.size[0] * grid.size[1], y.len(), "the output of a convolution");
    assert_eq!(source.images, target.images, "images of a convolution");
    assert!(bias.is_empty() || bias.len() == *filters, "{} biases for {filters} filters", bias.len());
    grid.check(gather);
    let (packed, greatest) = packed[..plan.packed_len()].split_at(plan.filters_len());
    if !greatest[0].is_finite() {
        return direct::products(isa, gather, *filters, weights, bias, x, source, y, target, grid);
    }
    if !plan.algorithm.is_winograd() {
        return products(isa, plan, packed, bias, x, source, y, target, grid, scratch);
    }
    let mut done = 0;
    while done < source.images {
        let (images, even) = evenness::alike(source.images - done, |image| {
            let x = &x[source.of(done + image, gather.source_len())];
            evenness::is_even(isa, x, gather.source_pixels(), greatest[0], scratch)
        });
        let (x, y) = (&x[done * source.stride..], &mut y[done * target.stride..]);
        let (source, target) = (Batch { images, ..source }, Batch { images, ..target });
        if even {
            products(isa, plan, packed, bias, x, source, y, target, grid, scratch);
        } else {
            direct::products(isa, gather, *filters, weights, bias, x, source, y, target, grid);
        }
        done += images;
    }
}

kernel! {
    trait ConvKernels;

    /// Packs filters in the order in which their algorithm reads them.
    #[doc(hidden)]
    pub fn pack(plan: &Plan, weights: &Weights<'_, E>, packed: &mut [E]) |s| {
        let Plan { ref gather, filters, algorithm } = *plan;
        let lanes_over_pixels = (filters, if S::REGISTERS == 32 { LARGE_BLOCK } else { SMALL_BLOCK });
        match algorithm {
            Algorithm::Winograd2d(tiles) => winograd::two_d::pack_filters(s, &tiles, weights, packed),
            Algorithm::Winograd1d(tiles) => winograd::one_d::pack_filters(&tiles, lanes_over_pixels, weights, packed),
            Algorithm::FewChannels => {
                pixels::pack_filters(gather, (filters, channels::block_of(S::LANES, filters)), weights, packed);
            }
            Algorithm::Nhwc => {
                let block = channels::block_of(S::LANES, filters);
                nhwc::forward::pack_filters(gather, (filters, block), weights, packed);
            }
            Algorithm::Pointwise | Algorithm::Planar => pixels::pack_filters(gather, lanes_over_pixels, weights, packed),
        }
    }

    /// The products by the plan's algorithm, whatever the values.
    #[doc(hidden)]
    pub fn products(
        plan: &Plan, packed: &[E], bias: &[E],
        x: &[E], source: Batch, y: &mut [E], target: Batch, grid: Grid, scratch: &mut [E],
    ) |s| {
        let Plan { ref gather, filters, algorithm } = *plan;
        match algorithm {
            Algorithm::Winograd2d(tiles) => {
                Winograd2dForward { tiles: &tiles, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::Winograd1d(tiles) => {
                Winograd1dForward { tiles: &tiles, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::FewChannels => {
                FewChannelsForward { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::Pointwise => {
                PointwiseForward(PlanarForward { gather, filters, packed, bias, grid }).run(s, x, source, y, target);
            }
            Algorithm::Nhwc => {
                NhwcForward { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::Planar => PlanarForward { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch),
        }
    }
}
