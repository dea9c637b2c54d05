//! What a profile records of an operation: its multiply-adds, and the least memory that it moves. Knows no operation.
//!
//! What an operation keeps for backward is known to nobody but itself. What it keeps of its inputs and its output shares
//! their memory, though, and that can be seen: afterwards the memory has more owners.

use super::places::Places;
use crate::mode;
use crate::profile::{Event, Pass, Span, is_on, timed};
use crate::shape::Shape;
use crate::tensor::{Tensor, held};
use evograd_kernels::Element;

/// What the backward pass of an operation is known to cost after its forward pass.
#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    /// Multiply-adds of the forward pass.
    macs: u64,
    /// Bytes of the inputs and of the output that are kept.
    kept: u64,
}

/// The inputs of an operation that is about to run; with their owners, where a profile is made or the tape records it.
pub(super) struct Watch<'a, E: Element> {
    inputs: &'a [&'a Tensor<E>],
    owners: Vec<usize>,
    /// Bytes that this thread held.
    held: i64,
}

/// Bytes that an operation keeps for backward.
#[derive(Clone, Copy, Default)]
pub(super) struct Kept {
    /// Of its inputs and its output, whose memory it shares.
    pub shared: u64,
    /// With those of tensors that it made.
    pub all: u64,
}

impl<'a, E: Element> Watch<'a, E> {
    pub fn new(inputs: &'a [&'a Tensor<E>], recorded: bool) -> Self {
        let watched = is_on() || recorded;
        let owners = if watched { inputs.iter().map(|input| input.owners()).collect() } else { Vec::new() };
        Watch { inputs, owners, held: held() }
    }

    /// What is kept by the operation that gave `y`; nothing where nobody has watched.
    pub fn kept(&self, y: &Tensor<E>) -> Kept {
        if self.owners.is_empty() || self.inputs.iter().any(|input| same_memory(input, y)) {
            return Kept::default();
        }
        let inputs = self.distinct().filter(|(place, input)| input.owners() > self.owners[*place]);
        let output = if y.owners() > 1 { y.bytes() } else { 0 };
        let shared = inputs.map(|(_, x)| x.bytes()).sum::<u64>() + output;
        let made = (held() - self.held).saturating_sub_unsigned(y.bytes());
        Kept { shared, all: shared + u64::try_from(made).unwrap_or(0) }
    }

    /// Notes the forward pass that gave `y`.
    pub fn forward(
        self,
        op: &'static str,
        span: Span,
        (y, kept): (&Tensor<E>, Kept),
        macs: &dyn Fn(&[&Shape]) -> u64,
    ) -> Cost {
        let shapes: Vec<&Shape> = self.inputs.iter().map(|input| input.shape()).collect();
        let handed_on = self.inputs.iter().any(|input| same_memory(input, y));
        let macs = macs(&shapes);
        let bytes = if handed_on { 0 } else { self.moved() + y.bytes() };
        let part = mode::part().map(|part| part.to_string());
        let inputs = shapes.into_iter().copied().collect();
        span.note(Event { part, inputs, macs, bytes, ..Event::new(op, Pass::Forward, *y.shape()) });
        Cost { macs, kept: kept.shared }
    }

    /// The inputs, but each memory once.
    fn distinct(&self) -> impl Iterator<Item = (usize, &Tensor<E>)> {
        let inputs = self.inputs.iter().copied().enumerate();
        inputs.filter(|(place, input)| !self.inputs[..*place].iter().any(|other| same_memory(other, input)))
    }

    fn moved(&self) -> u64 {
        self.distinct().map(|(_, input)| input.bytes()).sum()
    }
}

/// The gradient of an output, about to be handed to the operation's backward pass.
pub(super) struct Handed<E> {
    memory: *const E,
    shape: Shape,
    bytes: u64,
}

impl<E: Element> Handed<E> {
    pub fn new(dy: &Tensor<E>) -> Self {
        Handed { memory: dy.as_slice().as_ptr(), shape: *dy.shape(), bytes: dy.bytes() }
    }

    /// Notes the backward pass that gave these gradients. One that is `dy` itself was handed on, not computed.
    pub fn backward(self, op: &'static str, span: Span, places: &Places, cost: Cost, gradients: &[Option<Tensor<E>>]) {
        let computed = || gradients.iter().flatten().filter(|dx| dx.as_slice().as_ptr() != self.memory);
        let moved = self.bytes + cost.kept + computed().map(Tensor::bytes).sum::<u64>();
        let bytes = if computed().next().is_some() { moved } else { 0 };
        let factors = places.inputs.iter().take(2).filter(|(id, _)| id.is_some()).count() as u64;
        let macs = cost.macs.saturating_mul(factors);
        let part = places.part.as_ref().map(|part| part.to_string());
        let inputs = places.inputs.iter().map(|(_, shape)| *shape).collect();
        span.note(Event { part, inputs, macs, bytes, ..Event::new(op, Pass::Backward, self.shape) });
    }
}

/// Adds a gradient to another by `work`, each of this shape and so many bytes: both are read and one is written.
pub(super) fn sum(shape: Shape, bytes: u64, work: impl FnOnce()) {
    let ((), span) = timed(work);
    if let Some(span) = span {
        let inputs = vec![shape; 2];
        span.note(Event { inputs, bytes: 3 * bytes, ..Event::new("sum of gradients", Pass::Backward, shape) });
    }
}

fn same_memory<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> bool {
    a.as_slice().as_ptr() == b.as_slice().as_ptr()
}
