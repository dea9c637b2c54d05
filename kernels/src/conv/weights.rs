//! The gradient of a convolution's weights: products of the output's gradient with gathered pixels, summed over pixels.
//!
//! The plain algorithm:
//!
//! ```text
//! for each filter k, plane c, tap t:
//!     dw[k][c][t] += Σ over images n and output pixels p of dy[n][k][p] · x[n][c][p·step + t·delta + first]
//! ```
//!
//! Five algorithms of [`conv`](crate::conv) have a file for this sum too, with the same lanes: `winograd/two_d_weights.rs`,
//! `winograd/one_d_weights.rs`, `nhwc/weights.rs`, `planar/depthwise_weights.rs` and `planar/weights.rs`. Few planes go to the last of them; so do kernels of
//! one pixel, but where channels fill vectors, to the one before.
//!
//! Images that Winograd's algorithm would not do justice to are summed directly, as [`conv`](crate::conv) says. A
//! gradient that is not finite is summed directly once more, since only there what lies outside an image takes part in
//! no product.
//!
//! The order of every sum is fixed by the sizes and the images alone.

use crate::conv::algorithm::{WeightsAlgorithm, WeightsProduct};
use crate::conv::geometry::Images;
use crate::conv::plan::{Plan, with_backward};
use crate::conv::{Convolve, direct, evenness};
use crate::isa::Isa;

/// The gradient of the weights over all images, `dw[filter][depth]`: see the module's text.
///
/// # Panics
/// When a slice is shorter than the sizes say.
pub fn conv_weights<E: Convolve + ConvWeightsKernels<E>>(
    isa: Isa,
    plan: &Plan,
    x: Images<'_, E>,
    dy: Images<'_, E>,
    dw: &mut [E],
    scratch: &mut [E],
) {
    let (gather, filters) = (&plan.gather, plan.filters);
    x.batch.check(gather.source_len(), x.data.len(), "the input of a convolution");
    dy.batch.check(filters * gather.pixels(), dy.data.len(), "the output's gradient of a convolution");
    assert_eq!(x.batch.images, dy.batch.images, "images of a convolution");
    assert_eq!(dw.len(), filters * gather.depth(), "weights of a convolution");
    let scratch = &mut scratch[..plan.weights_scratch_len(x.batch.images)];
    let product = WeightsProduct { gather, filters, x, dy };
    dw.fill(E::ZERO);
    if plan.is_winograd() {
        add_alike(isa, plan, &product, dw, scratch);
    } else {
        add_products(isa, plan, &product, dw, scratch);
    }
    if !evenness::largest(isa, dw).is_finite() {
        dw.fill(E::ZERO);
        direct::add_weights(isa, &product, dw);
    }
}

/// Adds the gradient, by Winograd's algorithm for images that are even on both sides of the product.
fn add_alike<E: Convolve + ConvWeightsKernels<E>>(
    isa: Isa,
    plan: &Plan,
    product: &WeightsProduct<'_, E>,
    dw: &mut [E],
    scratch: &mut [E],
) {
    let WeightsProduct { gather, filters, x, dy } = *product;
    let mut done = 0;
    while done < x.batch.images {
        let (images, even) = evenness::alike(x.batch.images - done, |image| {
            let x = x.planes(done + image, gather.source_len());
            let dy = dy.planes(done + image, filters * gather.pixels());
            evenness::is_even(isa, x, gather.source_pixels(), E::ONE, scratch)
                && evenness::is_even(isa, dy, gather.pixels(), E::ONE, scratch)
        });
        let part = WeightsProduct { x: x.part(done, images), dy: dy.part(done, images), ..*product };
        if even {
            add_products(isa, plan, &part, dw, scratch);
        } else {
            direct::add_weights(isa, &part, dw);
        }
        done += images;
    }
}

kernel! {
    trait ConvWeightsKernels;

    /// Adds the gradient by the plan's algorithm, whatever the values.
    #[doc(hidden)]
    pub fn add_products(plan: &Plan, product: &WeightsProduct<'_, E>, dw: &mut [E], scratch: &mut [E]) |s| {
        with_backward!(plan.backward, |algorithm| WeightsAlgorithm::run(algorithm, s, product, dw, scratch));
    }
}
