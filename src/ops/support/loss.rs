//! Losses that compare two tensors element by element, and what becomes of the losses of all elements. Knows no operation.

use super::elementwise::{binary, ternary};
use crate::error::{Error, Result};
use crate::par::{CHUNK, chunk, map};
use crate::shape::Shape;
use crate::tape::Op;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::fmt::Debug;

/// What becomes of the losses of all elements or samples.
///
/// ```
/// use evograd::{Tensor, Var, ops::Reduction};
/// let [x, t] = [[1.0_f32, 3.0], [0.0, 0.0]].map(|x| Var::constant(Tensor::from_slice([2], &x).unwrap()));
/// assert_eq!(x.l1_loss(&t, Reduction::Mean)?.item()?, 2.0);
/// assert_eq!(x.l1_loss(&t, Reduction::Sum)?.item()?, 4.0);
/// assert_eq!(x.l1_loss(&t, Reduction::None)?.value().as_slice(), [1.0, 3.0]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean, of shape `[]`.
    #[default]
    Mean,
    /// Their sum, of shape `[]`.
    Sum,
    /// They stay as they are.
    None,
}

impl Reduction {
    /// Every reduction, to draw from.
    pub(in crate::ops) const ALL: [Reduction; 3] = [Reduction::Mean, Reduction::Sum, Reduction::None];
}

/// The loss of a number and its target.
pub(in crate::ops) trait PairLoss: Debug + Sync + 'static {
    /// The operation's name.
    const NAME: &'static str;

    /// Refuses parameters that cannot be worked with in the element type.
    fn check<E: Element>(&self, _x: &Shape) -> Result<()> {
        Ok(())
    }

    /// Refuses inputs and targets that cannot be worked with.
    fn check_values<E: Element>(&self, _pair: [&Tensor<E>; 2]) -> Result<()> {
        Ok(())
    }

    /// The loss of `x` where `t` is right.
    fn value(&self, x: f64, t: f64) -> f64;

    /// Its derivatives with respect to `x` and to `t`.
    fn slopes(&self, x: f64, t: f64) -> [f64; 2];
}

/// The operation that gives each pair its loss, and reduces them. All in `f64`, where squares of numbers of `f32` and their sums
/// fit.
#[derive(Debug)]
pub(in crate::ops) struct Reduced<L> {
    pub loss: L,
    pub reduction: Reduction,
}

impl<E: Element, L: PairLoss> Op<E, 2> for Reduced<L> {
    const NAME: &'static str = L::NAME;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [x, t]: [&Shape; 2]) -> Result<Shape> {
        if x != t {
            let shapes = [("input", x), ("target", t)];
            return Err(Error::op(L::NAME, "the shapes differ", &shapes, "give one target for each element"));
        }
        self.loss.check::<E>(x)?;
        Ok(if self.reduction == Reduction::None { *x } else { Shape::SCALAR })
    }

    fn check(&self, pair: [&Tensor<E>; 2]) -> Result<()> {
        self.loss.check_values(pair)
    }

    fn forward(&self, [x, t]: [&Tensor<E>; 2]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let value = |x: E, t: E| self.loss.value(x.to_f64(), t.to_f64());
        let y = if self.reduction == Reduction::None {
            binary(x, t, |_, x, t, y| {
                y.iter_mut().zip(x).zip(t).for_each(|((y, x), t)| *y = E::from_f64(value(*x, *t)))
            })
        } else {
            let (x, t) = (x.as_slice(), t.as_slice());
            let sums = map(x.len().div_ceil(CHUNK), |i| {
                let pairs = x[chunk(i, x.len())].iter().zip(&t[chunk(i, x.len())]);
                pairs.map(|(x, t)| value(*x, *t)).sum::<f64>()
            });
            Tensor::scalar(E::from_f64(sums.iter().sum::<f64>() / self.divisor(x.len())))
        };
        (y, [x.clone(), t.clone()])
    }

    fn backward(&self, [x, t]: [Tensor<E>; 2], dy: Tensor<E>, wanted: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        [0, 1].map(|input| wanted[input].then(|| self.gradient(input, [&x, &t], &dy)))
    }
}

impl<L: PairLoss> Reduced<L> {
    /// What the sum of the losses is divided by.
    fn divisor(&self, elements: usize) -> f64 {
        if self.reduction == Reduction::Mean { elements as f64 } else { 1.0 }
    }

    fn gradient<E: Element>(&self, input: usize, [x, t]: [&Tensor<E>; 2], dy: &Tensor<E>) -> Tensor<E> {
        let slope = |x: E, t: E| self.loss.slopes(x.to_f64(), t.to_f64())[input];
        if self.reduction == Reduction::None {
            return ternary([x, t, dy], |_, [x, t, dy], dx| {
                for (((dx, x), t), dy) in dx.iter_mut().zip(x).zip(t).zip(dy) {
                    *dx = E::from_f64(slope(*x, *t) * dy.to_f64());
                }
            });
        }
        let factor = dy.as_slice()[0].to_f64() / self.divisor(x.as_slice().len());
        binary(x, t, |_, x, t, dx| {
            dx.iter_mut().zip(x).zip(t).for_each(|((dx, x), t)| *dx = E::from_f64(slope(*x, *t) * factor));
        })
    }
}

/// The loss and both gradients of pairs `(x, t)`, each loss on its own, for tests.
#[cfg(test)]
pub(in crate::ops) fn losses(
    pairs: &[(f64, f64)],
    run: impl Fn(&crate::Var<f64>, &crate::Var<f64>) -> Result<crate::Var<f64>>,
) -> Vec<[f64; 3]> {
    let tape = crate::Tape::new();
    let leaf = |values: Vec<f64>| tape.leaf(Tensor::from_vec([pairs.len()], values).unwrap());
    let x = leaf(pairs.iter().map(|pair| pair.0).collect());
    let t = leaf(pairs.iter().map(|pair| pair.1).collect());
    let y = run(&x, &t).unwrap();
    let gradients = tape.backward_from(&[(&y, Tensor::full([pairs.len()], 1.0).unwrap())]).unwrap();
    let column =
        |i: usize| [y.value(), gradients.get(&x).unwrap(), gradients.get(&t).unwrap()].map(|c| c.as_slice()[i]);
    (0..pairs.len()).map(column).collect()
}
