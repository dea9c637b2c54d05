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
//! Six files compute it, each for the layers that it is fastest for; `Way::of` chooses, by the sizes alone, the first of them:
//!
//! | file | for | because |
//! | --- | --- | --- |
//! | `nhwc/few_channels.rs` | few planes, filters in sixteens | lanes over filters: a value of the source serves all |
//! | `planar/pointwise.rs` | kernels of one pixel without steps | lanes over pixels, which are read where they stand |
//! | `winograd/two_d.rs` | 3×3 taps side by side, channels in sixteens | a quarter of the multiplications |
//! | `winograd/one_d.rs` | three or five rows of taps side by side | a half or six tenths of the multiplications |
//! | `nhwc/forward.rs` | everything else with channels in sixteens | lanes over channels: nothing is packed |
//! | `planar/forward.rs` | everything else | lanes over pixels: none is wasted on few channels |
//!
//! Taps lie side by side with stride 1, and in phases of a greater stride. Squares and tiles decline outputs so small that they
//! would mostly lie outside.
//!
//! Where an image or a filter holds values that Winograd's algorithm would not do justice to, `direct.rs` sums each output alone:
//! `evenness.rs` says which. So an infinity or NaN reaches the outputs that see it, and no other.
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
use nhwc::few_channels::FilterProduct;
use nhwc::forward::ChannelProduct;
use planar::forward::PixelProduct;
use planar::pointwise::FlatProduct;
use winograd::one_d::TileProduct;
use winograd::transforms::Tiles;
use winograd::two_d::SquareProduct;
use winograd::two_d_tiles::Squares;

/// Which file computes a convolution.
pub(crate) enum Way {
    Filters,
    Flat,
    Squares(Squares),
    Tiles(Tiles),
    Channels,
    Pixels,
}

impl Way {
    /// Whether outputs of a tile share products at points.
    pub fn is_winograd(&self) -> bool {
        matches!(self, Way::Squares(_) | Way::Tiles(_))
    }

    /// The way of a gather with so many filters.
    pub fn of(gather: &Gather, filters: usize) -> Way {
        let fills = channels::fills(gather.planes) && channels::fills(filters) && gather.depth() > 0;
        if nhwc::few_channels::serves(gather, filters) {
            Way::Filters
        } else if planar::pointwise::serves(gather) {
            Way::Flat
        } else if let Some(squares) = Squares::of(gather, filters) {
            Way::Squares(squares)
        } else if let Some(tiles) = Tiles::of(gather) {
            Way::Tiles(tiles)
        } else if fills {
            Way::Channels
        } else {
            Way::Pixels
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
    match Way::of(gather, filters) {
        Way::Squares(squares) => winograd::two_d::packed_len(&squares),
        Way::Tiles(tiles) => winograd::one_d::packed_len(&tiles, filters),
        Way::Filters | Way::Channels => filters * gather.depth(),
        Way::Flat | Way::Pixels => pixels::packed_len(gather, filters),
    }
}

/// Elements of scratch that [`conv`] needs for so many images.
pub fn scratch_len(gather: &Gather, filters: usize, images: usize) -> usize {
    match Way::of(gather, filters) {
        Way::Squares(squares) => {
            winograd::two_d::scratch_len(&squares, images).max(evenness::scratch_len(gather.source_pixels()))
        }
        Way::Tiles(tiles) => winograd::one_d::scratch_len(&tiles).max(evenness::scratch_len(gather.source_pixels())),
        Way::Filters => nhwc::few_channels::scratch_len(gather),
        Way::Flat => 0,
        Way::Channels => nhwc::forward::scratch_len(gather),
        Way::Pixels => planar::forward::scratch_len(gather),
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
    greatest[0] = match Way::of(gather, filters).is_winograd() {
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
    if !Way::of(gather, filters).is_winograd() {
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
        match Way::of(gather, filters) {
            Way::Squares(squares) => winograd::two_d::pack_filters(s, &squares, weights, packed),
            Way::Tiles(tiles) => winograd::one_d::pack_filters(&tiles, lanes_over_pixels, weights, packed),
            Way::Filters => {
                pixels::pack_filters(gather, (filters, channels::block_of(S::LANES, filters)), weights, packed);
            }
            Way::Channels => {
                let block = channels::block_of(S::LANES, filters);
                nhwc::forward::pack_filters(gather, (filters, block), weights, packed);
            }
            Way::Flat | Way::Pixels => pixels::pack_filters(gather, lanes_over_pixels, weights, packed),
        }
    }

    /// The products by the algorithm that the sizes choose, whatever the values.
    #[doc(hidden)]
    pub fn products(
        gather: &Gather, filters: usize, packed: &[E], bias: &[E],
        x: &[E], source: Batch, y: &mut [E], target: Batch, grid: Grid, scratch: &mut [E],
    ) |s| {
        match Way::of(gather, filters) {
            Way::Squares(squares) => {
                SquareProduct { squares: &squares, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Way::Tiles(tiles) => {
                TileProduct { tiles: &tiles, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Way::Filters => {
                FilterProduct { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Way::Flat => FlatProduct(PixelProduct { gather, filters, packed, bias, grid }).run(s, x, source, y, target),
            Way::Channels => {
                ChannelProduct { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch);
            }
            Way::Pixels => PixelProduct { gather, filters, packed, bias, grid }.run(s, x, source, y, target, scratch),
        }
    }
}
