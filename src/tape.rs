//! The tape: what was computed, in order, so that gradients can be had backwards. Knows no operation.
//!
//! Every operation on tracked variables appends one node, so the order of the tape is already topological: backward
//! is a loop from the end, without sorting and without recursion. A node's gradient adds up from all its uses, is
//! handed to the node's operation together with what that kept, and both are gone afterwards.

mod finite;
mod op;
mod places;
mod recompute;
mod show;
mod slots;
mod timing;
mod var;

pub use op::{ListOp, Op, apply, apply_list};
pub(crate) use recompute::{Recompute, SavedValue};
pub use slots::Tape;
pub use var::Var;

use crate::error::{Error, Result};
use crate::par;
use crate::tensor::{Tensor, guarded};
use evograd_kernels::{Element, Isa};
use places::expect_shape;
use slots::Slot;

/// The gradients of a tape's leaves, and of the values that it watches.
///
/// ```
/// use evograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let (x, unused) = (tape.leaf(Tensor::scalar(3.0_f64)), tape.leaf(Tensor::scalar(1.0)));
/// let mut gradients = tape.backward(&x.scale(2.0)?)?;
/// assert!(gradients.get(&unused).is_none());
/// assert_eq!(gradients.take(&x), Some(Tensor::scalar(2.0)));
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct Gradients<E: Element = f32> {
    tape: Tape<E>,
    by_id: Vec<Option<Tensor<E>>>,
}

impl<E: Element> Tape<E> {
    /// A variable that gradients are wanted for.
    pub fn leaf(&self, value: Tensor<E>) -> Var<E> {
        Var::pushed(value, self, Slot::Leaf)
    }

    /// Sees to it that backward keeps the gradient of a value computed on the way, as it does that of a leaf. Without this it is gone
    /// once it has been handed on, and costs nothing.
    ///
    /// ```
    /// use evograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::scalar(3.0_f32));
    /// let y = x.mul(&x)?;
    /// tape.watch(&y)?;
    /// let gradients = tape.backward(&y.scale(5.0)?)?;
    /// assert_eq!((gradients.get(&y).unwrap().item()?, gradients.get(&x).unwrap().item()?), (5.0, 30.0));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the value is not on this tape.
    pub fn watch(&self, value: &Var<E>) -> Result<()> {
        self.keep_gradient(self.id_of("watch", "value", value)?);
        Ok(())
    }

    /// The gradients of `loss`, a single number, with respect to every leaf it depends on.
    ///
    /// What the operations kept is released on the way, so an operation can be differentiated once, even where an error
    /// ends the pass midway. For several losses over the same operations, add them first or use [`Tape::backward_from`].
    ///
    /// # Errors
    /// When `loss` has several elements, is not on this tape, or shares operations with an earlier backward pass, or when
    /// the system has not the memory.
    pub fn backward(&self, loss: &Var<E>) -> Result<Gradients<E>> {
        let shape = loss.value().shape();
        if shape.elements() != 1 {
            let remedy = "sum or average it first, or give its gradient to backward_from";
            return Err(Error::op("backward", "the loss has several elements", &[("loss", shape)], remedy));
        }
        self.backward_from(&[(loss, Tensor::full(shape, E::ONE)?)])
    }

    /// The gradients of several outputs, each starting from a gradient given for it.
    ///
    /// ```
    /// use evograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from_vec([2], vec![1.0_f32, 2.0])?);
    /// let (y, z) = (x.scale(3.0)?, x.mul(&x)?);
    /// let ones = Tensor::full([2], 1.0)?;
    /// let gradients = tape.backward_from(&[(&y, ones.clone()), (&z, ones)])?;
    /// assert_eq!(gradients.get(&x).unwrap().as_slice(), [5.0, 7.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a gradient has another shape than its output, an output is not on this tape, or an operation was already
    /// used by an earlier backward pass.
    pub fn backward_from(&self, outputs: &[(&Var<E>, Tensor<E>)]) -> Result<Gradients<E>> {
        let isa = Isa::chosen()?;
        let mut by_id: Vec<Option<Tensor<E>>> = Vec::new();
        by_id.resize_with(self.len(), || None);
        for (output, gradient) in outputs {
            let id = self.id_of("backward", "output", output)?;
            expect_shape("backward", gradient.shape(), output.value().shape())?;
            add(isa, &mut by_id[id], gradient.clone())?;
        }
        for id in (0..by_id.len()).rev() {
            let Some(node) = self.take(id, by_id[id].is_some())? else { continue };
            let Some(dy) = by_id[id].take() else { continue };
            if self.keeps_gradient(id) {
                by_id[id] = Some(dy.clone());
            }
            for (input, dx) in node.backward(dy)? {
                add(isa, &mut by_id[input], dx)?;
            }
        }
        Ok(Gradients { tape: self.clone(), by_id })
    }

    fn id_of(&self, op: &'static str, what: &str, var: &Var<E>) -> Result<usize> {
        match var.place() {
            Some((tape, id)) if self.is(tape) => Ok(id),
            place => Err(Error::Tape {
                op,
                problem: match place {
                    Some(_) => format!("the {what} was recorded on another tape"),
                    None => format!("the {what} depends on no leaf, or was computed inside no_grad"),
                },
                remedy: "compute it from leaves of this tape".into(),
            }),
        }
    }
}

impl<E: Element> Gradients<E> {
    /// The gradient of a leaf, or of a value that [`Tape::watch`] was asked to keep it of; `None` where no output depends on it, or
    /// where it is neither.
    pub fn get(&self, leaf: &Var<E>) -> Option<&Tensor<E>> {
        self.by_id.get(self.tape.id_of("gradients", "value", leaf).ok()?)?.as_ref()
    }

    /// As [`Gradients::get`], taking the gradient out.
    pub fn take(&mut self, leaf: &Var<E>) -> Option<Tensor<E>> {
        let id = self.tape.id_of("gradients", "value", leaf).ok()?;
        self.by_id.get_mut(id)?.take()
    }
}

/// Adds a gradient to those that have reached the same variable before.
fn add<E: Element>(isa: Isa, sum: &mut Option<Tensor<E>>, dx: Tensor<E>) -> Result<()> {
    let Some(sum) = sum else {
        *sum = Some(dx);
        return Ok(());
    };
    // Where others share the sum so far, it is copied first.
    guarded("backward", &[("gradient", dx.shape())], || {
        timing::sum(*dx.shape(), dx.bytes(), || par::accumulate(isa, dx.as_slice(), sum.as_mut_slice()));
    })
}
