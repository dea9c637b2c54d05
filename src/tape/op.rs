//! What an operation is, and how it gets onto the tape. Knows no operation by name.

use super::finite;
use super::places::Places;
use super::slots::{Node, Record, Slot, Tape};
use super::timing::{Cost, Handed, Watch};
use super::var::Var;
use crate::error::{Error, Result};
use crate::mode::{self, Modes};
use crate::par;
use crate::profile::timed;
use crate::shape::Shape;
use crate::tensor::{Tensor, memory_refused, refusable};
use evograd_kernels::{Element, Isa};
use std::fmt::Debug;
use std::rc::Rc;

/// An operation on `N` tensors that knows its gradient.
///
/// Anybody may implement it, inside this crate or outside; [`apply`] runs it.
///
/// ```
/// use evograd::{Element, Op, Result, Shape, Tape, Tensor, apply};
///
/// /// y = x²
/// #[derive(Debug)]
/// struct Square;
///
/// impl Op<f64, 1> for Square {
///     const NAME: &'static str = "square";
///     type Saved = Tensor<f64>;
///     fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
///         Ok(*x)
///     }
///     fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, Tensor<f64>) {
///         let y = x.as_slice().iter().map(|x| x * x).collect();
///         (Tensor::from_vec(x.shape(), y).expect("as many as before"), x.clone())
///     }
///     fn backward(&self, x: Tensor<f64>, mut dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
///         dy.as_mut_slice().iter_mut().zip(x.as_slice()).for_each(|(dy, x)| *dy *= 2.0 * x);
///         [Some(dy)]
///     }
/// }
///
/// let tape = Tape::new();
/// let x = tape.leaf(Tensor::scalar(3.0));
/// let y = apply(Square, [&x])?;
/// assert_eq!(tape.backward(&y)?.get(&x).unwrap().item()?, 6.0);
/// # Ok::<(), evograd::Error>(())
/// ```
pub trait Op<E: Element, const N: usize>: Debug + 'static {
    /// The operation's name, as error messages say it.
    const NAME: &'static str;
    /// What backward needs; nothing else is kept.
    type Saved: 'static;

    /// The shape of the output.
    ///
    /// # Errors
    /// When the shapes do not fit the operation or each other.
    fn output_shape(&self, inputs: [&Shape; N]) -> Result<Shape>;

    /// Whether the values can be worked on, where shapes alone do not tell.
    ///
    /// # Errors
    /// When they cannot.
    fn check(&self, inputs: [&Tensor<E>; N]) -> Result<()> {
        let _ = inputs;
        Ok(())
    }

    /// The multiply-adds of the forward pass, where the operation is a product of its first two inputs; 0 where it is
    /// none. The gradient of either factor is a product of as many. Only a profile asks.
    fn macs(&self, inputs: [&Shape; N], output: &Shape) -> u64 {
        let _ = (inputs, output);
        0
    }

    /// The output, and what to keep. Called after `output_shape` and `check` have agreed.
    fn forward(&self, inputs: [&Tensor<E>; N]) -> (Tensor<E>, Self::Saved);

    /// From `dy`, the gradient of the output, the gradient of each input that is wanted.
    fn backward(&self, saved: Self::Saved, dy: Tensor<E>, wanted: [bool; N]) -> [Option<Tensor<E>>; N];
}

/// An operation on any number of tensors: [`Op`] over slices.
pub trait ListOp<E: Element>: Debug + 'static {
    /// As [`Op::NAME`].
    const NAME: &'static str;
    /// As [`Op::Saved`].
    type Saved: 'static;

    /// As [`Op::output_shape`].
    ///
    /// # Errors
    /// When the shapes do not fit the operation or each other.
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape>;

    /// As [`Op::check`].
    ///
    /// # Errors
    /// When the values cannot be worked on.
    fn check(&self, inputs: &[&Tensor<E>]) -> Result<()> {
        let _ = inputs;
        Ok(())
    }

    /// As [`Op::macs`].
    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        let _ = (inputs, output);
        0
    }

    /// As [`Op::forward`].
    fn forward(&self, inputs: &[&Tensor<E>]) -> (Tensor<E>, Self::Saved);

    /// As [`Op::backward`]; as many gradients as inputs.
    fn backward(&self, saved: Self::Saved, dy: Tensor<E>, wanted: &[bool]) -> Vec<Option<Tensor<E>>>;
}

/// An operation of fixed arity, seen as one over slices.
#[derive(Debug)]
struct Fixed<O, const N: usize>(O);

/// A slice that came from an array of `N` is one again.
fn array<T: Copy, const N: usize>(slice: &[T]) -> [T; N] {
    slice.try_into().expect("apply passes exactly N inputs")
}

impl<E: Element, O: Op<E, N>, const N: usize> ListOp<E> for Fixed<O, N> {
    const NAME: &'static str = O::NAME;
    type Saved = O::Saved;

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        self.0.output_shape(array(inputs))
    }
    fn check(&self, inputs: &[&Tensor<E>]) -> Result<()> {
        self.0.check(array(inputs))
    }
    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        self.0.macs(array(inputs), output)
    }
    fn forward(&self, inputs: &[&Tensor<E>]) -> (Tensor<E>, O::Saved) {
        self.0.forward(array(inputs))
    }
    fn backward(&self, saved: O::Saved, dy: Tensor<E>, wanted: &[bool]) -> Vec<Option<Tensor<E>>> {
        self.0.backward(saved, dy, array(wanted)).into()
    }
}

/// Runs an operation, and records it where an input is tracked.
///
/// # Errors
/// When the operation refuses its inputs, or they are on different tapes; inside [`checked`](crate::checked), when
/// a value is not finite.
pub fn apply<E: Element, O: Op<E, N>, const N: usize>(op: O, inputs: [&Var<E>; N]) -> Result<Var<E>> {
    apply_list(Fixed(op), &inputs)
}

/// As [`apply`], for an operation on any number of inputs.
///
/// # Errors
/// As [`apply`].
pub fn apply_list<E: Element, O: ListOp<E>>(op: O, inputs: &[&Var<E>]) -> Result<Var<E>> {
    let values: Vec<&Tensor<E>> = inputs.iter().map(|input| input.value()).collect();
    let call = Call::prepare(O::NAME, inputs, &values, &|shapes| op.output_shape(shapes), &|| op.check(&values))?;
    let watch = Watch::new(&values, call.is_recorded());
    let (done, span) = timed(|| refusable(|| op.forward(&values)));
    let (y, saved) = done.map_err(|bytes| call.refused(bytes))?;
    let kept = watch.kept(&y);
    let cost = span.map(|span| watch.forward(O::NAME, span, (&y, kept), &|shapes| op.macs(shapes, y.shape())));
    let node = |places| Box::new(Recorded::<E, O> { op, saved, places, cost: cost.unwrap_or_default() }) as Box<_>;
    call.finish(y, &values, kept.all, node)
}

/// One run of an operation: what does not depend on which one it is, and need not be compiled for each.
struct Call<'a, E: Element> {
    name: &'static str,
    output: Shape,
    tape: Option<&'a Tape<E>>,
    places: Rc<Places>,
}

impl<'a, E: Element> Call<'a, E> {
    /// Checks everything that can be checked before the operation runs.
    fn prepare(
        name: &'static str,
        inputs: &[&'a Var<E>],
        values: &[&Tensor<E>],
        output_shape: &dyn Fn(&[&Shape]) -> Result<Shape>,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Self> {
        Isa::chosen()?;
        par::ready()?;
        let shapes: Vec<&Shape> = values.iter().map(|value| value.shape()).collect();
        let output = output_shape(&shapes).map_err(|error| match error {
            Error::Shape(_) => error.at(name),
            other => other,
        })?;
        check()?;
        finite::check_inputs(name, values)?;
        let tape = common_tape(name, inputs)?;
        let id = |input: &&Var<E>| input.place().map(|(_, id)| id);
        let inputs = inputs.iter().map(id).zip(shapes.into_iter().copied()).collect();
        Ok(Call { name, output, tape, places: Rc::new(Places { inputs, part: mode::part() }) })
    }

    /// Whether the operation gets onto a tape.
    fn is_recorded(&self) -> bool {
        self.tape.is_some() && Modes::current().recording
    }

    /// That the system refused memory to the operation.
    fn refused(&self, bytes: usize) -> Error {
        refused(self.name, bytes, &self.places, Some(&self.output))
    }

    /// Checks the output, and records the operation where an input is tracked.
    fn finish(
        self,
        y: Tensor<E>,
        values: &[&Tensor<E>],
        kept: u64,
        node: impl FnOnce(Rc<Places>) -> Box<dyn Node<E>>,
    ) -> Result<Var<E>> {
        if *y.shape() != self.output {
            let shapes = [("output", y.shape()), ("promised", &self.output)];
            let remedy = "make forward and output_shape agree";
            return Err(Error::op(self.name, "the output has another shape than promised", &shapes, remedy));
        }
        finite::check_output(self.name, &y, values)?;
        Ok(match self.tape {
            Some(tape) if self.is_recorded() => {
                let record = Record { name: self.name, places: self.places.clone(), kept };
                Var::pushed(y, tape, Slot::Recorded(node(self.places), record))
            }
            _ => Var::constant(y),
        })
    }
}

/// That the system refused memory to an operation, forward, where its output is known, or backward.
fn refused(op: &'static str, bytes: usize, places: &Places, output: Option<&Shape>) -> Error {
    let names: Vec<String> = (0..places.inputs.len()).map(|i| format!("input {i}")).collect();
    let inputs = names.iter().map(String::as_str).zip(places.inputs.iter().map(|(_, shape)| shape));
    let shapes: Vec<(&str, &Shape)> = inputs.chain(output.map(|output| ("output", output))).collect();
    memory_refused(op, bytes, &shapes)
}

/// The one tape that the tracked inputs are on.
fn common_tape<'a, E: Element>(op: &'static str, inputs: &[&'a Var<E>]) -> Result<Option<&'a Tape<E>>> {
    let mut tapes = inputs.iter().filter_map(|input| input.place()).map(|(tape, _)| tape);
    let first = tapes.next();
    if tapes.any(|other| first.is_some_and(|first| !first.is(other))) {
        return Err(Error::Tape {
            op,
            problem: "the inputs were recorded on two tapes".into(),
            remedy: "use one tape, or detach one input".into(),
        });
    }
    Ok(first)
}

struct Recorded<E: Element, O: ListOp<E>> {
    op: O,
    saved: O::Saved,
    places: Rc<Places>,
    cost: Cost,
}

impl<E: Element, O: ListOp<E>> Node<E> for Recorded<E, O> {
    fn backward(self: Box<Self>, dy: Tensor<E>) -> Result<Vec<(usize, Tensor<E>)>> {
        let Recorded { op, saved, places, cost } = *self;
        let (wanted, handed) = (places.wanted(), Handed::new(&dy));
        let (done, span) = timed(|| refusable(|| op.backward(saved, dy, &wanted)));
        let gradients = done.map_err(|bytes| places.named(refused(O::NAME, bytes, &places, None)))?;
        if let Some(span) = span {
            handed.backward(O::NAME, span, &places, cost, &gradients);
        }
        places.deliver(O::NAME, gradients)
    }
}
