//! The gradient of a convolution's weights: products of the output's gradient with gathered pixels, summed over pixels.
//!
//! The plain algorithm:
//!
//! ```text
//! for each filter k, plane c, tap t:
//!     dw[k][c][t] += Σ over images n and output pixels p of dy[n][k][p] · x[n][c][p·step + t·delta + first]
//! ```
//!
//! Four ways of [`conv`](crate::conv) have a file for this sum too, with the same lanes: `winograd/two_d_weights.rs`,
//! `winograd/one_d_weights.rs`, `nhwc/weights.rs` and `planar/weights.rs`. Few planes go to the last of them; so do kernels of
//! one pixel, but where channels fill vectors, to the one before.
//!
//! Images that Winograd's algorithm would not do justice to are summed directly, as [`conv`](crate::conv) says. A gradient that is not
//! finite is summed directly once more, since only there what lies outside an image takes part in no product.
//!
//! The order of every sum is fixed by the sizes and the images alone.

use crate::conv::geometry::{Batch, Gather};
use crate::conv::microkernel::channels::fills;
use crate::conv::microkernel::pixels_weights::images_of_a_group;
use crate::conv::nhwc::weights::NhwcWeights;
use crate::conv::planar::weights::PlanarWeights;
use crate::conv::winograd::one_d_weights::Winograd1dWeights;
use crate::conv::winograd::two_d_weights::Winograd2dWeights;
use crate::conv::{Algorithm, Convolve, direct, evenness, nhwc, planar, winograd};
use crate::isa::Isa;

/// The way of this sum for a gather with so many filters.
fn way(gather: &Gather, filters: usize) -> Algorithm {
    match Algorithm::of(gather, filters) {
        Algorithm::Pointwise if fills(gather.planes) && fills(filters) => Algorithm::Nhwc,
        way => way,
    }
}

/// Images that are worked on together, so that small ones fill a block; with fewer, there are more sums of fewer products.
pub fn images_together(gather: &Gather, filters: usize) -> usize {
    match way(gather, filters) {
        Algorithm::Winograd2d(tiles) => tiles.images_together(),
        Algorithm::Winograd1d(tiles) => images_of_a_group(tiles.gather.pixels()),
        Algorithm::Nhwc => 1,
        Algorithm::FewChannels | Algorithm::Pointwise | Algorithm::Planar => images_of_a_group(gather.pixels()),
    }
}

/// Elements of scratch that [`conv_weights`] needs.
pub fn scratch_len(gather: &Gather, filters: usize, images: usize) -> usize {
    let pixels = evenness::scratch_len(gather.source_pixels().max(gather.pixels()));
    match way(gather, filters) {
        Algorithm::Winograd2d(tiles) => winograd::two_d_weights::scratch_len(&tiles, images).max(pixels),
        Algorithm::Winograd1d(tiles) => winograd::one_d_weights::scratch_len(&tiles, filters, images).max(pixels),
        Algorithm::Nhwc => nhwc::weights::scratch_len(gather, filters),
        Algorithm::FewChannels | Algorithm::Pointwise | Algorithm::Planar => {
            planar::weights::scratch_len(gather, filters, images)
        }
    }
}

/// The gradient of the weights over all images, `dw[filter][depth]`: see the module's text.
///
/// # Panics
/// When a slice is shorter than the sizes say.
#[allow(clippy::too_many_arguments, reason = "a kernel takes slices and sizes, not objects")]
pub fn conv_weights<E: Convolve + ConvWeightsKernels<E>>(
    isa: Isa,
    gather: &Gather,
    filters: usize,
    x: &[E],
    source: Batch,
    dy: &[E],
    output: Batch,
    dw: &mut [E],
    scratch: &mut [E],
) {
    source.check(gather.source_len(), x.len(), "the input of a convolution");
    output.check(filters * gather.pixels(), dy.len(), "the output's gradient of a convolution");
    assert_eq!(source.images, output.images, "images of a convolution");
    assert_eq!(dw.len(), filters * gather.depth(), "weights of a convolution");
    let scratch = &mut scratch[..scratch_len(gather, filters, source.images)];
    dw.fill(E::ZERO);
    if way(gather, filters).is_winograd() {
        add_alike(isa, gather, filters, (x, source), (dy, output), dw, scratch);
    } else {
        add_products(isa, gather, filters, x, source, dy, output, dw, scratch);
    }
    if !evenness::largest(isa, dw).is_finite() {
        dw.fill(E::ZERO);
        direct::add_weights(isa, gather, filters, x, source, dy, output, dw);
    }
}

/// Adds the gradient, by Winograd's algorithm for images that are even on both sides of the product.
fn add_alike<E: Convolve + ConvWeightsKernels<E>>(
    isa: Isa,
    gather: &Gather,
    filters: usize,
    (x, source): (&[E], Batch),
    (dy, output): (&[E], Batch),
    dw: &mut [E],
    scratch: &mut [E],
) {
    let mut done = 0;
    while done < source.images {
        let (images, even) = evenness::alike(source.images - done, |image| {
            let x = &x[source.of(done + image, gather.source_len())];
            let dy = &dy[output.of(done + image, filters * gather.pixels())];
            evenness::is_even(isa, x, gather.source_pixels(), E::ONE, scratch)
                && evenness::is_even(isa, dy, gather.pixels(), E::ONE, scratch)
        });
        let (x, dy) = (&x[done * source.stride..], &dy[done * output.stride..]);
        let (source, output) = (Batch { images, ..source }, Batch { images, ..output });
        if even {
            add_products(isa, gather, filters, x, source, dy, output, dw, scratch);
        } else {
            direct::add_weights(isa, gather, filters, x, source, dy, output, dw);
        }
        done += images;
    }
}

kernel! {
    trait ConvWeightsKernels;

    /// Adds the gradient by the algorithm that the sizes choose, whatever the values.
    #[doc(hidden)]
    pub fn add_products(
        gather: &Gather, filters: usize, x: &[E], source: Batch, dy: &[E], output: Batch, dw: &mut [E], scratch: &mut [E],
    ) |s| {
        match way(gather, filters) {
            Algorithm::Winograd2d(tiles) => Winograd2dWeights { tiles: &tiles, x, source, dy, output }.run(s, dw, scratch),
            Algorithm::Winograd1d(tiles) => Winograd1dWeights { tiles: &tiles, filters, x, source, dy, output }.run(s, dw, scratch),
            Algorithm::Nhwc => NhwcWeights { gather, filters, x, source, dy, output }.run(s, dw, scratch),
            Algorithm::FewChannels | Algorithm::Pointwise | Algorithm::Planar => PlanarWeights { gather, filters, x, source, dy, output }.run(s, dw, scratch),
        }
    }
}
