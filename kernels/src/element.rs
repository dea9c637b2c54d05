//! The two element types of tensors: `f32` runs SIMD lanes, `f64` runs the very same bodies one lane wide.
//!
//! Knows every kernel; no kernel knows this file.

use crate::dispatch::Dispatch;

/// A number that tensors hold: `f32` or `f64`.
///
/// The supertraits carry the kernels, so that each is compiled once, in this crate.
pub trait Element:
    Dispatch
    + crate::exp::ExpLanes
    + crate::gemm::GemmKernel
    + crate::activation::ActivationKernels<Self>
    + crate::arith::ArithKernels<Self>
    + crate::conv::ConvKernels<Self>
    + crate::conv::direct::ConvDirectKernels<Self>
    + crate::conv::weights::ConvWeightsKernels<Self>
    + crate::conv::evenness::EvennessKernels<Self>
    + crate::join::JoinKernels<Self>
    + crate::join::JoinBackwardKernels<Self>
    + crate::lrn::LrnKernels<Self>
    + crate::maximum::MaximumKernels<Self>
    + crate::norm::NormKernels<Self>
    + crate::pool::AvgPoolKernels<Self>
    + crate::pool::MaxPoolKernels<Self>
    + crate::reduce::ReduceKernels<Self>
    + crate::relu::ReluKernels<Self>
    + crate::softmax::SoftmaxKernels<Self>
    + crate::softmax::SoftmaxStepKernels<Self>
    + crate::sort::SortKernels<Self>
    + crate::stats::StatsKernels<Self>
    + crate::update::UpdateKernels<Self>
{
}

impl Element for f32 {}
impl Element for f64 {}
