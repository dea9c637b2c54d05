//! Algorithms with lanes over channels, on copies that stand pixel by pixel (NHWC, channels last).

pub(crate) mod few_channels;
pub(crate) mod forward;
pub(crate) mod weights;
