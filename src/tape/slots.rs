//! The tape itself: a list with a place for every leaf and operation. Knows no variable and no operation by name.

use crate::error::{Error, Result};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::cell::RefCell;
use std::rc::Rc;

/// Records what is computed from its leaves.
///
/// ```
/// use evograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.leaf(Tensor::scalar(3.0_f32));
/// let y = x.mul(&x)?;
/// let gradients = tape.backward(&y)?;
/// assert_eq!(gradients.get(&x).unwrap().item()?, 6.0);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone)]
pub struct Tape<E: Element = f32> {
    slots: Rc<RefCell<Vec<Slot<E>>>>,
}

/// One place of the tape; its position is the identity of a variable.
pub(super) enum Slot<E: Element> {
    Leaf,
    Recorded(Box<dyn Node<E>>),
    Consumed(&'static str),
}

/// What the tape sees of a recorded operation.
pub(super) trait Node<E: Element> {
    fn name(&self) -> &'static str;
    /// The gradient of every tracked input, with its place on the tape.
    fn backward(self: Box<Self>, dy: Tensor<E>) -> Result<Vec<(usize, Tensor<E>)>>;
}

impl<E: Element> Default for Tape<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Element> Tape<E> {
    /// An empty tape.
    pub fn new() -> Self {
        Tape { slots: Rc::default() }
    }

    /// The number of leaves and operations recorded so far.
    pub fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place that what is recorded gets.
    pub(super) fn push(&self, slot: Slot<E>) -> usize {
        let mut slots = self.slots.borrow_mut();
        slots.push(slot);
        slots.len() - 1
    }

    /// Takes the node at `id` off the tape, where a gradient has reached it.
    pub(super) fn take(&self, id: usize, reached: bool) -> Result<Option<Box<dyn Node<E>>>> {
        let slot = &mut self.slots.borrow_mut()[id];
        let name = match slot {
            Slot::Recorded(node) if reached => node.name(),
            Slot::Consumed(name) if reached => return Err(consumed(name)),
            _ => return Ok(None),
        };
        match std::mem::replace(slot, Slot::Consumed(name)) {
            Slot::Recorded(node) => Ok(Some(node)),
            _ => Ok(None),
        }
    }

    pub(super) fn is(&self, other: &Tape<E>) -> bool {
        Rc::ptr_eq(&self.slots, &other.slots)
    }
}

fn consumed(name: &str) -> Error {
    Error::Tape {
        op: "backward",
        problem: format!("an earlier backward pass went through this {name} and released what it kept"),
        remedy: "add the losses before going backward, or give all of them to one backward_from".into(),
    }
}
