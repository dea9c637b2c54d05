//! The gradient of a convolution's weights: products of the output's gradient with gathered pixels, summed over pixels.
//!
//! The plain algorithm:
//!
//! ```text
//! for each filter k, plane c, tap t:
//!     dw[k][c][t] += Σ over images n and output pixels p of dy[n][k][p] · x[n][c][p·step + t·delta + first]
//! ```
//!
//! Four algorithms of [`conv`](crate::conv) have a file for this sum too, with the same lanes: `winograd/two_d_weights.rs`,
//! `winograd/one_d_weights.rs`, `nhwc/weights.rs` and `planar/weights.rs`. Few planes go to the last of them; so do kernels of
//! one pixel, but where channels fill vectors, to the one before.
//!
//! Images that Winograd's algorithm would not do justice to are summed directly, as [`conv`](crate::conv) says. A
//! gradient that is not finite is summed directly once more, since only there what lies outside an image takes part in
//! no product.
//!
//! The order of every sum is fixed by the sizes and the images alone.

use crate::conv::geometry::Batch;
use crate::conv::nhwc::weights::NhwcWeights;
use crate::conv::plan::{Algorithm, Plan};
use crate::conv::planar::weights::PlanarWeights;
use crate::conv::winograd::one_d_weights::Winograd1dWeights;
use crate::conv::winograd::two_d_weights::Winograd2dWeights;
use crate::conv::{Convolve, direct, evenness};
use crate::isa::Isa;

/// The gradient of the weights over all images, `dw[filter][depth]`: see the module's text.
///
/// # Panics
/// When a slice is shorter than the sizes say.
#[allow(clippy::too_many_arguments, reason = "a kernel takes slices and sizes, not objects")]
pub fn conv_weights<E: Convolve + ConvWeightsKernels<E>>(
    isa: Isa,
    plan: &Plan,
    x: &[E],
    source: Batch,
    dy: &[E],
    output: Batch,
    dw: &mut [E],
    scratch: &mut [E],
) {
    let (gather, filters) = (&plan.gather, plan.filters);
    source.check(gather.source_len(), x.len(), "the input of a convolution");
    output.check(filters * gather.pixels(), dy.len(), "the output's gradient of a convolution");
    assert_eq!(source.images, output.images, "images of a convolution");
    assert_eq!(dw.len(), filters * gather.depth(), "weights of a convolution");
    let scratch = &mut scratch[..plan.weights_scratch_len(source.images)];
    dw.fill(E::ZERO);
    if plan.algorithm.is_winograd() {
        add_alike(isa, plan, (x, source), (dy, output), dw, scratch);
    } else {
        add_products(isa, plan, x, source, dy, output, dw, scratch);
    }
    if !evenness::largest(isa, dw).is_finite() {
        dw.fill(E::ZERO);
        direct::add_weights(isa, gather, filters, x, source, dy, output, dw);
    }
}

/// Adds the gradient, by Winograd's algorithm for images that are even on both sides of the product.
fn add_alike<E: Convolve + ConvWeightsKernels<E>>(
    isa: Isa,
    plan: &Plan,
    (x, source): (&[E], Batch),
    (dy, output): (&[E], Batch),
    dw: &mut [E],
    scratch: &mut [E],
) {
    let (gather, filters) = (&plan.gather, plan.filters);
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
            add_products(isa, plan, x, source, dy, output, dw, scratch);
        } else {
            direct::add_weights(isa, gather, filters, x, source, dy, output, dw);
        }
        done += images;
    }
}

kernel! {
    trait ConvWeightsKernels;

    /// Adds the gradient by the plan's algorithm, whatever the values.
    #[doc(hidden)]
    pub fn add_products(
        plan: &Plan, x: &[E], source: Batch, dy: &[E], output: Batch, dw: &mut [E], scratch: &mut [E],
    ) |s| {
        let (gather, filters) = (&plan.gather, plan.filters);
        match plan.weights_algorithm() {
            Algorithm::Winograd2d(tiles) => {
                Winograd2dWeights { tiles: &tiles, x, source, dy, output }.run(s, dw, scratch);
            }
            Algorithm::Winograd1d(tiles) => {
                Winograd1dWeights { tiles: &tiles, filters, x, source, dy, output }.run(s, dw, scratch);
            }
            Algorithm::Nhwc => NhwcWeights { gather, filters, x, source, dy, output }.run(s, dw, scratch),
            _ => PlanarWeights { gather, filters, x, source, dy, output }.run(s, dw, scratch),
        }
    }
}
