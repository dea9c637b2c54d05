//! Element-wise operations: cut into chunks, one pass over memory each. Knows no operation.

use super::isa;
use crate::par::{CHUNK, chunk, for_each, for_each_pair};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa};

/// Calls `kernel(isa, x, y)` for every chunk of `x` and the output.
pub(in crate::ops) fn unary<E: Element>(x: &Tensor<E>, kernel: impl Fn(Isa, &[E], &mut [E]) + Sync) -> Tensor<E> {
    let isa = isa();
    map_chunks(x, |x, y| kernel(isa, x, y))
}

/// A tensor of the shape of `x`, for element-wise work of an [`Op`](crate::Op) of one's own: `work(x, y)` is called for every chunk
/// of `x` and of what is made, on all threads, and has to write all of `y`, which holds leftovers of other tensors. The bits are the
/// same on any number of threads where a number depends on its own place alone.
///
/// ```
/// use evograd::ops::{map_chunks, zip_chunks};
/// use evograd::{Element, Op, Result, Shape, Tape, Tensor, apply};
///
/// /// `y = sin x`, whose gradient is `dx = dy·cos x`.
/// #[derive(Debug)]
/// struct Sine;
///
/// impl<E: Element> Op<E, 1> for Sine {
///     const NAME: &'static str = "sine";
///     type Saved = Tensor<E>;
///     fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
///         Ok(*x)
///     }
///     fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
///         let y = map_chunks(x, |x, y| x.iter().zip(y).for_each(|(x, y)| *y = x.sin()));
///         (y, x.clone())
///     }
///     fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
///         let dx = |x: &[E], dy: &[E], dx: &mut [E]| {
///             x.iter().zip(dy).zip(dx).for_each(|((x, dy), dx)| *dx = *dy * x.cos());
///         };
///         [Some(zip_chunks(&x, &dy, dx))]
///     }
/// }
///
/// let x = Tensor::from_vec([3], vec![0.0, 1.0, -2.0])?;
/// assert!(evograd::gradcheck(|v| apply(Sine, [&v[0]]), &[x])?.passed());
/// let tape = Tape::new();
/// assert_eq!(apply(Sine, [&tape.leaf(Tensor::scalar(0.0_f32))])?.item()?, 0.0);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Panics
/// When the system refuses the memory, outside of an operation and of [`within_memory`](crate::within_memory).
pub fn map_chunks<E: Element>(x: &Tensor<E>, work: impl Fn(&[E], &mut [E]) + Sync) -> Tensor<E> {
    let x_values = x.as_slice();
    Tensor::build(*x.shape(), |y| for_each(y, CHUNK, |i, y| work(&x_values[chunk(i, x_values.len())], y)))
}

/// As [`map_chunks`], of two tensors of one shape: calls `work(a, b, y)`.
///
/// ```
/// use evograd::Tensor;
/// use evograd::ops::zip_chunks;
/// let (a, b) = (Tensor::full([4], 3.0_f32)?, Tensor::full([4], 2.0)?);
/// let remainder = |a: &[f32], b: &[f32], y: &mut [f32]| {
///     a.iter().zip(b).zip(y).for_each(|((a, b), y)| *y = a % b);
/// };
/// assert_eq!(zip_chunks(&a, &b, remainder).as_slice(), [1.0; 4]);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Panics
/// As [`map_chunks`]; and when the shapes differ, which the operation's `output_shape` refuses.
pub fn zip_chunks<E: Element>(a: &Tensor<E>, b: &Tensor<E>, work: impl Fn(&[E], &[E], &mut [E]) + Sync) -> Tensor<E> {
    let (shape, a, b) = (same_shape(a, b), a.as_slice(), b.as_slice());
    Tensor::build(shape, |y| {
        for_each(y, CHUNK, |i, y| {
            let chunk = chunk(i, a.len());
            work(&a[chunk.clone()], &b[chunk], y);
        })
    })
}

/// Calls `kernel(isa, a, b, y)` for every chunk of two inputs of one shape and the output.
pub(in crate::ops) fn binary<E: Element>(
    a: &Tensor<E>,
    b: &Tensor<E>,
    kernel: impl Fn(Isa, &[E], &[E], &mut [E]) + Sync,
) -> Tensor<E> {
    let isa = isa();
    zip_chunks(a, b, |a, b, y| kernel(isa, a, b, y))
}

/// Calls `kernel(isa, inputs, y)` for every chunk of three inputs of one shape and the output.
pub(in crate::ops) fn ternary<E: Element>(
    inputs: [&Tensor<E>; 3],
    kernel: impl Fn(Isa, [&[E]; 3], &mut [E]) + Sync,
) -> Tensor<E> {
    let [a, b, c] = inputs;
    same_shape(a, b);
    let (isa, shape, inputs) = (isa(), same_shape(a, c), inputs.map(Tensor::as_slice));
    Tensor::build(shape, |y| {
        for_each(y, CHUNK, |i, y| kernel(isa, inputs.map(|x| &x[chunk(i, x.len())]), y));
    })
}

/// Calls `kernel(isa, a, b, dy, da, db)` for every chunk of three inputs of one shape and two outputs.
pub(in crate::ops) fn binary_backward<E: Element>(
    a: &Tensor<E>,
    b: &Tensor<E>,
    dy: &Tensor<E>,
    kernel: impl Fn(Isa, &[E], &[E], &[E], &mut [E], &mut [E]) + Sync,
) -> [Option<Tensor<E>>; 2] {
    let (isa, shape) = (isa(), same_shape(a, b));
    let (a, b, dy) = (a.as_slice(), b.as_slice(), dy.as_slice());
    let mut db = Tensor::build(shape, |_| ());
    let da = Tensor::build(shape, |da| {
        for_each_pair((da, CHUNK), (db.as_mut_slice(), CHUNK), |i, da, db| {
            let chunk = chunk(i, a.len());
            kernel(isa, &a[chunk.clone()], &b[chunk.clone()], &dy[chunk], da, db);
        })
    });
    [Some(da), Some(db)]
}

fn same_shape<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> Shape {
    assert_eq!(a.shape(), b.shape(), "an element-wise pass over tensors of one shape");
    *a.shape()
}
