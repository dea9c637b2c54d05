//! Recomputation (rematerialisation): values that backward needs and that may be computed again instead of being kept. Knows no
//! operation.

use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::fmt;
use std::rc::Rc;

/// How a value is computed again, to the same bits, from what is kept for backward anyway.
pub(crate) trait Recompute<E: Element>: fmt::Debug {
    fn value(&self) -> Tensor<E>;
}

/// A value that backward needs: itself, or how to compute it again, where that spares its memory until then.
#[derive(Clone, Debug)]
pub(crate) enum SavedValue<E: Element> {
    Stored(Tensor<E>),
    Recomputed(Rc<dyn Recompute<E>>),
}

impl<E: Element> SavedValue<E> {
    /// The value.
    pub fn value(&self) -> Tensor<E> {
        match self {
            SavedValue::Stored(value) => value.clone(),
            SavedValue::Recomputed(recompute) => recompute.value(),
        }
    }
}
