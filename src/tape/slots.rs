//! The tape itself: a list with a place for every leaf and operation. Knows no variable and no operation by name.

use super::places::Places;
use crate::error::{Error, Result};
use crate::shape::Shape;
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
    entries: Rc<RefCell<Vec<Entry<E>>>>,
}

/// One place of the tape; its position is the identity of a variable.
pub(super) struct Entry<E: Element> {
    pub slot: Slot<E>,
    /// The shape of the value.
    pub shape: Shape,
    /// Whether the gradient of a value that is no leaf stays.
    pub watched: bool,
}

/// What stands at a place.
pub(super) enum Slot<E: Element> {
    Leaf,
    Recorded(Box<dyn Node<E>>, Record),
    Consumed(Record),
}

/// What is known of an operation, also when it has been differentiated.
#[derive(Clone)]
pub(super) struct Record {
    pub name: &'static str,
    pub places: Rc<Places>,
    /// Bytes of tensors that are kept for backward.
    pub kept: u64,
}

/// What the tape sees of a recorded operation.
pub(super) trait Node<E: Element> {
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
        Tape { entries: Rc::default() }
    }

    /// The number of leaves and operations recorded so far.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place that a value of this shape gets.
    pub(super) fn push(&self, slot: Slot<E>, shape: Shape) -> usize {
        let mut entries = self.entries.borrow_mut();
        entries.push(Entry { slot, shape, watched: false });
        entries.len() - 1
    }

    /// Sees to it that the gradient at `id` stays.
    pub(super) fn keep_gradient(&self, id: usize) {
        self.entries.borrow_mut()[id].watched = true;
    }

    /// Whether the gradient at `id` stays.
    pub(super) fn keeps_gradient(&self, id: usize) -> bool {
        self.entries.borrow()[id].watched
    }

    /// Takes the node at `id` off the tape, where a gradient has reached it.
    pub(super) fn take(&self, id: usize, reached: bool) -> Result<Option<Box<dyn Node<E>>>> {
        let slot = &mut self.entries.borrow_mut()[id].slot;
        let record = match slot {
            Slot::Recorded(_, record) if reached => record.clone(),
            Slot::Consumed(record) if reached => return Err(consumed(record.name)),
            _ => return Ok(None),
        };
        match std::mem::replace(slot, Slot::Consumed(record)) {
            Slot::Recorded(node, _) => Ok(Some(node)),
            _ => Ok(None),
        }
    }

    /// What `see` makes of all entries.
    pub(super) fn seen<R>(&self, see: impl FnOnce(&[Entry<E>]) -> R) -> R {
        see(&self.entries.borrow())
    }

    pub(super) fn is(&self, other: &Tape<E>) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }
}

fn consumed(name: &str) -> Error {
    Error::Tape {
        op: "backward",
        problem: format!("an earlier backward pass went through this {name} and released what it kept"),
        remedy: "add the losses before going backward, or give all of them to one backward_from".into(),
    }
}
