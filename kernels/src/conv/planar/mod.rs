//! Algorithms with lanes over pixels, which stand as the tensor has them: plane by plane (NCHW).

pub(crate) mod depthwise;
pub(crate) mod depthwise_weights;
pub(crate) mod forward;
pub(crate) mod pointwise;
pub(crate) mod weights;
