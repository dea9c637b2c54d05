//! A variable: a value, and its place on a tape where gradients are wanted.

use super::Tape;
use crate::error::Result;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::fmt;

/// A tensor in a computation. Operations are its methods; see [`ops`](crate::ops) for all of them.
///
/// A **tracked** variable is a leaf of a [`Tape`] or was computed from one. Operations on constants alone record
/// nothing, so evaluating is the same code without a tape.
#[derive(Clone)]
pub struct Var<E: Element = f32> {
    value: Tensor<E>,
    place: Option<(Tape<E>, usize)>,
}

impl<E: Element> Var<E> {
    /// A variable that no gradient is wanted for.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::scalar(-2.0_f32));
    /// assert_eq!(x.relu()?.item()?, 0.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn constant(value: Tensor<E>) -> Self {
        Var { value, place: None }
    }

    pub(super) fn tracked(value: Tensor<E>, tape: Tape<E>, id: usize) -> Self {
        Var { value, place: Some((tape, id)) }
    }

    /// The numbers.
    pub fn value(&self) -> &Tensor<E> {
        &self.value
    }

    /// The number, where there is only one.
    ///
    /// # Errors
    /// When there are several.
    pub fn item(&self) -> Result<E> {
        self.value.item()
    }

    /// The same value, of which no gradient is wanted.
    pub fn detach(&self) -> Self {
        Var::constant(self.value.clone())
    }

    /// Whether gradients can flow to or through this variable.
    pub fn is_tracked(&self) -> bool {
        self.place.is_some()
    }

    pub(super) fn place(&self) -> Option<(&Tape<E>, usize)> {
        self.place.as_ref().map(|(tape, id)| (tape, *id))
    }
}

impl<E: Element> fmt::Debug for Var<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tracked = if self.is_tracked() { "tracked " } else { "" };
        write!(f, "{tracked}{:?}", self.value)
    }
}
