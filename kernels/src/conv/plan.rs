//! Which algorithm computes a convolution, and how large its buffers are: chosen once, by the sizes alone.

use super::algorithm::{ForwardAlgorithm, WeightsAlgorithm};
use super::evenness;
use super::geometry::Gather;
use super::microkernel::channels::fills;
use super::nhwc::few_channels::{self, FewChannels};
use super::nhwc::forward::Nhwc;
use super::planar::depthwise::{self, Depthwise};
use super::planar::forward::Planar;
use super::planar::pointwise::{self, Pointwise};
use super::winograd::transforms::Tiles1d;
use super::winograd::two_d_tiles::Tiles2d;

/// What computes a convolution: see the table at the head of [`conv`](crate::conv).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forward {
    Depthwise(Depthwise),
    FewChannels(FewChannels),
    Pointwise(Pointwise),
    Winograd2d(Tiles2d),
    Winograd1d(Tiles1d),
    Nhwc(Nhwc),
    Planar(Planar),
}

/// What computes the weights' gradient: pointwise convolutions and those of few channels have no algorithm of their own for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backward {
    Depthwise(Depthwise),
    Winograd2d(Tiles2d),
    Winograd1d(Tiles1d),
    Nhwc(Nhwc),
    Planar(Planar),
}

/// An expression of the algorithm that a [`Forward`] holds: the one place that tells them apart.
macro_rules! with_forward {
    ($forward:expr, |$algorithm:ident| $then:expr) => {
        match &$forward {
            $crate::conv::plan::Forward::Depthwise($algorithm) => $then,
            $crate::conv::plan::Forward::FewChannels($algorithm) => $then,
            $crate::conv::plan::Forward::Pointwise($algorithm) => $then,
            $crate::conv::plan::Forward::Winograd2d($algorithm) => $then,
            $crate::conv::plan::Forward::Winograd1d($algorithm) => $then,
            $crate::conv::plan::Forward::Nhwc($algorithm) => $then,
            $crate::conv::plan::Forward::Planar($algorithm) => $then,
        }
    };
}
pub(crate) use with_forward;

/// An expression of the algorithm that a [`Backward`] holds.
macro_rules! with_backward {
    ($backward:expr, |$algorithm:ident| $then:expr) => {
        match &$backward {
            $crate::conv::plan::Backward::Depthwise($algorithm) => $then,
            $crate::conv::plan::Backward::Winograd2d($algorithm) => $then,
            $crate::conv::plan::Backward::Winograd1d($algorithm) => $then,
            $crate::conv::plan::Backward::Nhwc($algorithm) => $then,
            $crate::conv::plan::Backward::Planar($algorithm) => $then,
        }
    };
}
pub(crate) use with_backward;

impl Forward {
    /// The first that serves a gather with so many filters, and what computes the weights' gradient beside it.
    fn of(gather: &Gather, filters: usize) -> (Forward, Backward) {
        let filled = fills(gather.planes) && fills(filters) && gather.depth() > 0;
        if depthwise::serves(gather, filters) {
            (Forward::Depthwise(Depthwise), Backward::Depthwise(Depthwise))
        } else if few_channels::serves(gather, filters) {
            (Forward::FewChannels(FewChannels), Backward::Planar(Planar))
        } else if pointwise::serves(gather) {
            let filled = fills(gather.planes) && fills(filters);
            let backward = if filled { Backward::Nhwc(Nhwc) } else { Backward::Planar(Planar) };
            (Forward::Pointwise(Pointwise), backward)
        } else if let Some(tiles) = Tiles2d::of(gather, filters) {
            (Forward::Winograd2d(tiles), Backward::Winograd2d(tiles))
        } else if let Some(tiles) = Tiles1d::of(gather) {
            (Forward::Winograd1d(tiles), Backward::Winograd1d(tiles))
        } else if filled {
            (Forward::Nhwc(Nhwc), Backward::Nhwc(Nhwc))
        } else {
            (Forward::Planar(Planar), Backward::Planar(Planar))
        }
    }
}

/// A convolution for any number of images: its sizes, and the algorithms that they choose.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub(crate) gather: Gather,
    pub(crate) filters: usize,
    pub(crate) forward: Forward,
    pub(crate) backward: Backward,
}

impl Plan {
    /// The plan for so many filters.
    pub fn new(gather: Gather, filters: usize) -> Plan {
        let (forward, backward) = Forward::of(&gather, filters);
        Plan { gather, filters, forward, backward }
    }

    /// What is gathered from the source.
    pub fn gather(&self) -> &Gather {
        &self.gather
    }

    /// Number of filters.
    pub fn filters(&self) -> usize {
        self.filters
    }

    /// Whether outputs of a tile share products at points.
    pub(crate) fn is_winograd(&self) -> bool {
        fn winograd<A: ForwardAlgorithm>(_: &A) -> bool {
            A::WINOGRAD
        }
        with_forward!(self.forward, |algorithm| winograd(algorithm))
    }

    /// Elements of packed filters: room for whole blocks on any instruction set, and for one number behind them, the greatest
    /// magnitude of a weight (see `evenness.rs`).
    pub fn packed_len(&self) -> usize {
        self.filters_len() + 1
    }

    /// Elements of the packed filters alone.
    pub(crate) fn filters_len(&self) -> usize {
        with_forward!(self.forward, |algorithm| algorithm.packed_len(&self.gather, self.filters))
    }

    /// Elements of scratch that [`conv`](crate::conv::conv) needs for so many images.
    pub fn scratch_len(&self, images: usize) -> usize {
        let own =
            with_forward!(self.forward, |algorithm| ForwardAlgorithm::scratch_len(algorithm, &self.gather, images));
        let pixels = self.gather.source_pixels();
        if self.is_winograd() { own.max(evenness::scratch_len(pixels)) } else { own }
    }

    /// Images whose share in the weights' gradient is summed together, so that small ones fill a block; with fewer,
    /// there are more sums of fewer products.
    pub fn weights_images_together(&self) -> usize {
        with_backward!(self.backward, |algorithm| algorithm.images_together(&self.gather))
    }

    /// Elements of scratch that the weights' gradient needs.
    pub fn weights_scratch_len(&self, images: usize) -> usize {
        let Plan { ref gather, filters, .. } = *self;
        let own = with_backward!(self.backward, |algorithm| {
            WeightsAlgorithm::scratch_len(algorithm, gather, filters, images)
        });
        let pixels = gather.source_pixels().max(gather.pixels());
        if self.is_winograd() { own.max(evenness::scratch_len(pixels)) } else { own }
    }
}
