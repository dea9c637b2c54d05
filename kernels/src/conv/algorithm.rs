//! What an algorithm of a convolution gives and gets: two traits, one for each kind of product, and the operands of each.
//!
//! Knows the geometry; knows no algorithm. The [`Plan`](crate::conv::Plan) chooses one, and is alone in telling them apart.

use super::geometry::{Gather, Grid, Images, ImagesMut, Weights};
use crate::simd::Simd;

/// Filters as [`conv`](crate::conv::conv) wants them.
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a, E> {
    /// As [`pack_filters`](crate::conv::pack_filters) has packed them for the plan.
    pub packed: &'a [E],
    /// Those that were packed: images whose values Winograd's algorithm would not do justice to are summed directly.
    pub weights: &'a Weights<'a, E>,
    /// One value per filter, or none at all.
    pub bias: &'a [E],
}

/// The products of packed filters with gathered pixels: forward, or the input's gradient.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub packed: &'a [E],
    pub bias: &'a [E],
    pub grid: Grid,
}

/// The products of the output's gradient with gathered pixels: the weights' gradient.
#[derive(Clone, Copy, Debug)]
pub struct WeightsProduct<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub x: Images<'a, E>,
    pub dy: Images<'a, E>,
}

/// An algorithm for a [`Product`].
pub(crate) trait ForwardAlgorithm {
    /// Whether it is Winograd's, in which outputs of a tile share products: values have to be even for it.
    const WINOGRAD: bool = false;

    /// Elements of packed filters: room for whole blocks on any instruction set.
    fn packed_len(&self, gather: &Gather, filters: usize) -> usize;

    /// Elements of scratch for so many images.
    fn scratch_len(&self, gather: &Gather, images: usize) -> usize;

    /// Packs filters in the order in which the inner loop reads them.
    fn pack<S: Simd>(
        &self,
        s: S,
        gather: &Gather,
        filters: usize,
        weights: &Weights<'_, S::Elem>,
        packed: &mut [S::Elem],
    );

    /// The product for all images.
    fn run<S: Simd>(
        &self,
        s: S,
        product: &Product<'_, S::Elem>,
        x: Images<'_, S::Elem>,
        y: ImagesMut<'_, S::Elem>,
        scratch: &mut [S::Elem],
    );
}

/// An algorithm for a [`WeightsProduct`].
pub(crate) trait WeightsAlgorithm {
    /// Images whose products are summed together, so that small ones fill a block.
    fn images_together(&self, gather: &Gather) -> usize;

    /// Elements of scratch for so many images.
    fn scratch_len(&self, gather: &Gather, filters: usize, images: usize) -> usize;

    /// Adds the product over all images to `dw[filter][depth]`.
    fn run<S: Simd>(&self, s: S, product: &WeightsProduct<'_, S::Elem>, dw: &mut [S::Elem], scratch: &mut [S::Elem]);
}
