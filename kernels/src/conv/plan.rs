//! Which algorithm computes a convolution, and how large its buffers are: chosen once, by the sizes alone.

use super::geometry::Gather;
use super::microkernel::channels::fills;
use super::microkernel::pixels;
use super::microkernel::pixels_weights::images_of_a_group;
use super::winograd::transforms::Tiles1d;
use super::winograd::two_d_tiles::Tiles2d;
use super::{evenness, nhwc, planar, winograd};

/// What computes a convolution: see the table at the head of [`conv`](crate::conv).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Algorithm {
    FewChannels,
    Pointwise,
    Winograd2d(Tiles2d),
    Winograd1d(Tiles1d),
    Nhwc,
    Planar,
}

impl Algorithm {
    /// The first that serves a gather with so many filters.
    fn of(gather: &Gather, filters: usize) -> Algorithm {
        let filled = fills(gather.planes) && fills(filters) && gather.depth() > 0;
        if nhwc::few_channels::serves(gather, filters) {
            Algorithm::FewChannels
        } else if planar::pointwise::serves(gather) {
            Algorithm::Pointwise
        } else if let Some(tiles) = Tiles2d::of(gather, filters) {
            Algorithm::Winograd2d(tiles)
        } else if let Some(tiles) = Tiles1d::of(gather) {
            Algorithm::Winograd1d(tiles)
        } else if filled {
            Algorithm::Nhwc
        } else {
            Algorithm::Planar
        }
    }

    /// Whether outputs of a tile share products at points.
    pub fn is_winograd(&self) -> bool {
        matches!(self, Algorithm::Winograd2d(_) | Algorithm::Winograd1d(_))
    }
}

/// A convolution for any number of images: its sizes, and the algorithm that they choose.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub(crate) gather: Gather,
    pub(crate) filters: usize,
    pub(crate) algorithm: Algorithm,
}

impl Plan {
    /// The plan for so many filters.
    pub fn new(gather: Gather, filters: usize) -> Plan {
        Plan { gather, filters, algorithm: Algorithm::of(&gather, filters) }
    }

    /// What is gathered from the source.
    pub fn gather(&self) -> &Gather {
        &self.gather
    }

    /// Number of filters.
    pub fn filters(&self) -> usize {
        self.filters
    }

    /// Elements of packed filters: room for whole blocks on any instruction set, and for one number behind them, the greatest
    /// magnitude of a weight (see `evenness.rs`).
    pub fn packed_len(&self) -> usize {
        self.filters_len() + 1
    }

    /// Elements of the packed filters alone.
    pub(crate) fn filters_len(&self) -> usize {
        let Plan { ref gather, filters, algorithm } = *self;
        match algorithm {
            Algorithm::Winograd2d(tiles) => winograd::two_d::packed_len(&tiles),
            Algorithm::Winograd1d(tiles) => winograd::one_d::packed_len(&tiles, filters),
            Algorithm::FewChannels | Algorithm::Nhwc => filters * gather.depth(),
            Algorithm::Pointwise | Algorithm::Planar => pixels::packed_len(gather, filters),
        }
    }

    /// Elements of scratch that [`conv`](crate::conv::conv) needs for so many images.
    pub fn scratch_len(&self, images: usize) -> usize {
        let gather = &self.gather;
        let sizes = evenness::scratch_len(gather.source_pixels());
        match self.algorithm {
            Algorithm::Winograd2d(tiles) => winograd::two_d::scratch_len(&tiles, images).max(sizes),
            Algorithm::Winograd1d(tiles) => winograd::one_d::scratch_len(&tiles).max(sizes),
            Algorithm::FewChannels => nhwc::few_channels::scratch_len(gather),
            Algorithm::Pointwise => 0,
            Algorithm::Nhwc => nhwc::forward::scratch_len(gather),
            Algorithm::Planar => planar::forward::scratch_len(gather),
        }
    }

    /// The algorithm of the weights' gradient: pointwise convolutions and those of few channels have none of their own.
    pub(crate) fn weights_algorithm(&self) -> Algorithm {
        match self.algorithm {
            Algorithm::Pointwise if fills(self.gather.planes) && fills(self.filters) => Algorithm::Nhwc,
            Algorithm::Pointwise | Algorithm::FewChannels => Algorithm::Planar,
            own => own,
        }
    }

    /// Images whose share in the weights' gradient is summed together, so that small ones fill a block; with fewer,
    /// there are more sums of fewer products.
    pub fn weights_images_together(&self) -> usize {
        match self.weights_algorithm() {
            Algorithm::Winograd2d(tiles) => tiles.images_together(),
            Algorithm::Winograd1d(tiles) => images_of_a_group(tiles.gather.pixels()),
            Algorithm::Nhwc => 1,
            _ => images_of_a_group(self.gather.pixels()),
        }
    }

    /// Elements of scratch that the weights' gradient needs.
    pub fn weights_scratch_len(&self, images: usize) -> usize {
        let Plan { ref gather, filters, .. } = *self;
        let sizes = evenness::scratch_len(gather.source_pixels().max(gather.pixels()));
        match self.weights_algorithm() {
            Algorithm::Winograd2d(tiles) => winograd::two_d_weights::scratch_len(&tiles, images).max(sizes),
            Algorithm::Winograd1d(tiles) => winograd::one_d_weights::scratch_len(&tiles, filters, images).max(sizes),
            Algorithm::Nhwc => nhwc::weights::scratch_len(gather, filters),
            _ => planar::weights::scratch_len(gather, filters, images),
        }
    }
}
