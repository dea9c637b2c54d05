//! Operations that compute each element on its own, in `f64`. Knows no operation.
//!
//! One element at a time, by the standard library's functions: what is computed in `f64` on the way to a number of `f32` keeps all
//! its digits and leaves no range before the result does. So such an operation is a value, a gradient and nothing else.

use super::elementwise::{binary, unary};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::Op;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::fmt::Debug;

/// A function of one number.
pub(in crate::ops) trait Pointwise: Debug + Sync + 'static {
    /// The operation's name.
    const NAME: &'static str;

    /// Refuses parameters that cannot be worked with in the element type.
    fn check<E: Element>(&self, _x: &Shape) -> Result<()> {
        Ok(())
    }

    /// `y`
    fn value(&self, x: f64) -> f64;

    /// `dx`
    fn gradient(&self, x: f64, dy: f64) -> f64;
}

/// The operation that applies a function to every element.
#[derive(Debug)]
pub(in crate::ops) struct Each<F>(pub F);

impl<E: Element, F: Pointwise> Op<E, 1> for Each<F> {
    const NAME: &'static str = F::NAME;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        self.0.check::<E>(x)?;
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let y = unary(x, |_, x, y| y.iter_mut().zip(x).for_each(|(y, x)| *y = E::from_f64(self.0.value(x.to_f64()))));
        (y, x.clone())
    }

    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let dx = binary(&x, &dy, |_, x, dy, dx| {
            for ((dx, dy), x) in dx.iter_mut().zip(dy).zip(x) {
                *dx = E::from_f64(self.0.gradient(x.to_f64(), dy.to_f64()));
            }
        });
        [Some(dx)]
    }
}

/// The values and the slopes of an operation at some numbers, for tests.
#[cfg(test)]
pub(in crate::ops) fn values_and_slopes(
    x: &[f64],
    run: impl Fn(&crate::Var<f64>) -> Result<crate::Var<f64>>,
) -> Vec<(f64, f64)> {
    let tape = crate::Tape::new();
    let x = tape.leaf(Tensor::from_slice([x.len()], x).unwrap());
    let y = run(&x).unwrap();
    let gradients = tape.backward_from(&[(&y, Tensor::full(y.value().shape(), 1.0).unwrap())]).unwrap();
    let slopes = gradients.get(&x).unwrap().as_slice().to_vec();
    y.value().as_slice().iter().copied().zip(slopes).collect()
}

/// Compares values and slopes with a table of `(x, y, slope)`, to a share of each number.
#[cfg(test)]
pub(in crate::ops) fn agree(
    table: &[(f64, f64, f64)],
    tolerance: f64,
    run: impl Fn(&crate::Var<f64>) -> Result<crate::Var<f64>>,
) {
    let x: Vec<f64> = table.iter().map(|(x, ..)| *x).collect();
    for ((x, y, slope), (found, found_slope)) in table.iter().zip(values_and_slopes(&x, run)) {
        for (expected, found) in [(*y, found), (*slope, found_slope)] {
            let close = found == expected || (found - expected).abs() <= tolerance * expected.abs();
            assert!(close || found.is_nan() && expected.is_nan(), "at {x}: {found:e} instead of {expected:e}");
        }
    }
}
