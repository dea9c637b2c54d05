//! A variable: a value, and its place on a tape where gradients are wanted.

use super::recompute::{Recompute, SavedValue};
use super::slots::{Slot, Tape};
use crate::error::Result;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::fmt;
use std::rc::Rc;

/// A tensor in a computation. Operations are its methods; see [`ops`](crate::ops) for all of them.
///
/// A **tracked** variable is a leaf of a [`Tape`] or was computed from one. Operations on constants alone record
/// nothing, so evaluating is the same code without a tape.
///
/// Operators stand for `add`, `sub`, `mul`, `div` and `neg`, and give what these give: a result. A result is an operand too, as is a
/// number, so that a formula mostly needs one `?`.
///
/// ```
/// use evograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let [x, w, b] = [3.0, 2.0, 1.0].map(|value: f64| tape.leaf(Tensor::scalar(value)));
/// let y = (&x * &w + &b)?;
/// let loss = (0.5 * (&y * &y)?)?;
/// assert_eq!((loss.item()?, tape.backward(&loss)?.get(&w).unwrap().item()?), (24.5, 21.0));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone)]
pub struct Var<E: Element = f32> {
    value: Tensor<E>,
    place: Option<(Tape<E>, usize)>,
    recompute: Option<Rc<dyn Recompute<E>>>,
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
        Var { value, place: None, recompute: None }
    }

    /// A variable with a place of its own on the tape.
    pub(super) fn pushed(value: Tensor<E>, tape: &Tape<E>, slot: Slot<E>) -> Self {
        let id = tape.push(slot, *value.shape());
        Var { value, place: Some((tape.clone(), id)), recompute: None }
    }

    /// The same variable, which can be computed again. Of a constant nothing is kept, so nothing is computed again.
    pub(crate) fn recomputable(self, recompute: impl Recompute<E> + 'static) -> Self {
        let recompute = self.is_tracked().then(|| Rc::new(recompute) as Rc<dyn Recompute<E>>);
        Var { recompute, ..self }
    }

    /// What an operation keeps that needs this value in backward.
    pub(crate) fn saved_value(&self) -> SavedValue<E> {
        match &self.recompute {
            Some(recompute) => SavedValue::Recomputed(recompute.clone()),
            None => SavedValue::Stored(self.value.clone()),
        }
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
