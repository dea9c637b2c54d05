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
//! [`Axis`](crate::conv::geometry::Axis). The gradient of the input has the same form, with `dy` for `x`, filters and planes exchanged and
//! the taps in the order that [`Window::backward`](crate::conv::geometry::Window::backward) gives; for a stride above 1 the
//! input's pixels fall into phases that see different taps, and each phase is one such product.
//!
//! An [`Algorithm`] is chosen by the sizes alone, the first of these that serves them:
//!
//! | algorithm | when | why | multiplications | variance of rounding |
//! | --- | --- | --- | --- | --- |
//! | `nhwc/few_channels.rs` | at most 7 planes, filters in sixteens | a value of the source serves a whole vector of filters | all | as summed |
//! | `planar/pointwise.rs` | 1×1 kernels, stride 1 | planes are read where they stand | all | in blocks of 128 |
//! | `winograd/two_d.rs`: `F(4×4, 3×3)` | 3×3 taps, channels in sixteens | fewest multiplications | 1/4 | 23 times, in blocks of 32 |
//! | `winograd/one_d.rs`: `F(4, 3)`, `F(2, 5)` | 3 or 5 rows of taps | fewer multiplications, for any number of channels | 1/2, 3/5 | 4.8 and 5.4 times, in blocks of 128 |
//! | `nhwc/forward.rs` | channels in sixteens | all taps of a pixel are runs of channels: nothing is packed | all | in blocks of 128 |
//! | `planar/forward.rs` | everything else | no lane is wasted on few channels | all | in blocks of 128 |
//!
//! "In sixteens" are multiples of the widest vector. Both of Winograd's want taps that are neighbours, as they are with stride 1 and in the
//! phases of a greater stride, and decline outputs so small that most of their tiles would lie outside. The variance is that of direct
//! summation times what `winograd/transforms.rs` derives; sums of blocks are added, so that it grows with the length of a block and with
//! the number of blocks.
//!
//! Where an image or a filter holds values that Winograd's algorithm would not do justice to, `direct.rs` sums each output alone:
//! `evenness.rs` says which. So an infinity or NaN reaches the outputs that see it, and no other.
//!
//! Every algorithm with lanes over channels copies the images from NCHW to NHWC and its output back, in each pass anew: tensors keep
//! NCHW between operations.
//!
//! The order of every sum is fixed by the sizes and the image, so a pixel's value does not depend on the batch.

pub(crate) mod channels_last;
pub(crate) mod direct;
pub(crate) mod evenness;
pub mod geometry;
pub(crate) mod microkernel;
pub(crate) mod nhwc;
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
use planar::forward::PlanarForward;
use planar::pointwise::PointwiseForward;
use winograd::one_d::Winograd1dForward;
use winograd::transforms::Tiles1d;
use winograd::two_d::Winograd2dForward;
use winograd::two_d_tiles::Tiles2d;

/// What computes a convolution: see the table at the head of the module.
pub(crate) enum Algorithm {
    FewChannels,
    Pointwise,
    Winograd2d(Tiles2d),
    Winograd1d(Tiles1d),
    Nhwc,
    Planar,
}

impl Algorithm {
    /// Whether outputs of a tile share products at points.
    pub fn is_winograd(&self) -> bool {
        matches!(self, Algorithm::Winograd2d(_) | Algorithm::Winograd1d(_))
    }

    /// The way of a gather with so many filters.
    pub fn of(gather: &Gather, filters: usize) -> Algorithm {
        let fills = channels::fills(gather.planes) && channels::fills(filters) && gather.depth() > 0;
        if nhwc::few_channels::serves(gather, filters) {
            Algorithm::FewChannels
        } else if planar::pointwise::serves(gather) {
            Algorithm::Pointwise
        } else if let Some(tiles) = Tiles2d::of(gather, filters) {
            Algorithm::Winograd2d(tiles)
        } else if let Some(tiles) = Tiles1d::of(gather) {
            Algorithm::Winograd1d(tiles)
        } else if fills {
            Algorithm::Nhwc
        } else {
            Algorithm::Planar
        }
    }
}

/// Elements of `filters` filters, packed for `gather`: room for whole blocks on any instruction set, and for one number behind
/// them, the greatest magnitude of a weight (see `evenness.rs`).
pub fn packed_len(gather: &Gather, filters: usize) -> usize {
    filters_len(gather, filters) + 1
}

/// Elements of the packed filters alone.
fn filters_len(gather: &Gather, filters: usize) -> usize {
    match Algorithm::of(gather, filters) {
        Algorithm::Winograd2d(tiles) => winograd::two_d::packed_len(&tiles),
        Algorithm::Winograd1d(tiles) => winograd::one_d::packed_len(&tiles, filters),
        Algorithm::FewChannels | Algorithm::Nhwc => filters * gather.depth(),
        Algorithm::Pointwise | Algorithm::Planar => pixels::packed_len(gather, filters),
    }
}

/// Elements of scratch that [`conv`] needs for so many images.
pub fn scratch_len(gather: &Gather, filters: usize, images: usize) -> usize {
    match Algorithm::of(gather, filters) {
        Algorithm::Winograd2d(tiles) => {
            winograd::two_d::scratch_len(&tiles, images).max(evenness::scratch_len(gather.source_pixels()))
        }
        Algorithm::Winograd1d(tiles) => {
            winograd::one_d::scratch_len(&tiles).max(evenness::scratch_len(gather.source_pixels()))
        }
        Algorithm::FewChannels => nhwc::few_channels::scratch_len(gather),
        Algorithm::Pointwise => 0,
        Algorithm::Nhwc => nhwc::forward::scratch_len(gather),
        Algorithm::Planar => planar::forward::scratch_len(gather),
    }
}

/// A scalar for which every algorithm is compiled.
pub trait Convolve: Number + ConvKernels<Self> + ConvDirectKernels<Self> + EvennessKernels<Self> {}

impl<E: Number + ConvKernels<E> + ConvDirectKernels<E> + EvennessKernels<E>> Convolve for E {}

/// Packs filters for [`conv`] with the same `gather`.
///
/// # Panics
/// When `packed` is shorter than [`packed_len`], or weights are missing.
pub fn pack_filters<E: Convolve>(
    isa: Isa,
    gather: &Gather,
    filters: usize,
    weights: &Weights<'_, E>,
    packed: &mut [E],
) {
    let (packed, greatest) = packed[..packed_len(gather, filters)].split_at_mut(filters_len(gather, filters));
    pack(isa, gather, filters, weights, packed);
    // Only Winograd's algorithm asks whether filters are even; that all are finite, every algorithm does.
    greatest[0] = match Algorithm::of(gather, filters).is_winograd() {
        true => evenness::greatest_weight(isa, gather, weights),
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
    gather: &Gather,
    filters: usize,
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
    source.check(gather.source_len(), x.len(), "the source of a convolution");
    target.check(filters * grid.size[0] * grid.size[1], y.len(), "the output of a convolution");
    assert_eq!(source.images, target.images, "images of a convolution");
    assert!(bias.is_empty() || bias.len() == filters, "{} biases for {filters} filters", bias.len());
    grid.check(gather);
    let (packed, greatest) = packed[..packed_len(gather, filters)].split_at(filters_len(gather, filters));
    if !greatest[0].is_finite() {
        return direct::products(isa, gather, filters, weights, bias, x, source, y, target, grid);
    }
    if !Algorithm::of(gather, filters).is_winograd() {
        return products(isa, gather, filters, packed, bias, x, source, y, target, grid, scratch);
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
            products(isa, gather, filters, packed, bias, x, source, y, target, grid, scratch);
        } else {
            direct::products(isa, gather, filters, weights, bias, x, source, y, target, grid);
        }
        done += images;
    }
}

kernel! {
    trait ConvKernels;

    /// Packs filters in the order in which their algorithm reads them.
    #[doc(hidden)]
    pub fn pack(gather: &Gather, filters: usize, weights: &Weights<'_, E>, packed: &mut [E]) |s| {
        let lanes_over_pixels = (filters, if S::REGISTERS == 32 { LARGE_BLOCK } else { SMALL_BLOCK });
        match Algorithm::of(gather, filters) {
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

    /// The products by the algorithm that the sizes choose, whatever the values.
    #[doc(hidden)]
    pub fn products(
        gather: &Gather, filters: usize, packed: &[E], bias: &[E],
        x: &[E], source: Batch, y: &mut [E], target: Batch, grid: Grid, scratch: &mut [E],
    ) |s| {
        match Algorithm::of(gather, filters) {
            Algorithm::Winograd2d(tiles) => {
                Winograd2dForward { tiles: &tiles, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::Winograd1d(tiles) => {
                Winograd1dForward { tiles: &tiles, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::FewChannels => {
                FewChannelsForward { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::Pointwise => PointwiseForward(PlanarForward { gather, filters, packed, bias, grid }).run(s, x, source, y, target),
            Algorithm::Nhwc => {
                NhwcForward { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Algorithm::Planar => PlanarForward { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch),
        }
    }
}
