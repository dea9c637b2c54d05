//! Multiplication.
//!
//! **Formula** `y = a · b`
//!
//! **Shapes** `a` and `b` broadcast as in NumPy; `y` has their common shape.
//!
//! **Gradient** `y` is linear in each factor with the other as slope: `∂y/∂a = b` and `∂y/∂b = a`. So `da = dy·b` and
//! `db = dy·a`, each summed over the axes along which the input was repeated. In `x · x` both reach `x` and add up to
//! `2x·dy`.
//!
//! **Kept for backward** `b` where the gradient of `a` is wanted, `a` where that of `b` is; neither is copied.
//!
//! **Source** the product rule.

use super::support::broadcast::{common_shape, stretch};
use super::support::catalogue::{Draw, IMAGES, Large, Row, case};
use super::support::elementwise::binary;
use super::support::reduction::sum_back;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "mul",
    formula: "y = a · b",
    nondifferentiable: "",
    f32_bound: 1.0,
    draw: |draw| {
        let (a, b) = draw.broadcasting();
        let inputs = if a == b { [draw.values(a), draw.values(b)] } else { [a, b].map(|shape| on_grid(draw, shape)) };
        case!(inputs, "", |v| v[0].mul(&v[1]))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].mul(&v[1]) },
};

/// Sixteenths from 1/16 to 2 with either sign.
///
/// A repeated input gets the sum of many products, which may all but cancel, and then any rounding is large against it.
/// Products of values on a grid are exact in `f32`, and so are their sums.
pub(super) fn on_grid(draw: &mut Draw, shape: Shape) -> Tensor<f64> {
    let signs = draw.nonzero(shape);
    Tensor::build(shape, |out| {
        for (x, sign) in out.iter_mut().zip(signs.as_slice()) {
            *x = (draw.number(1.0, 32.0).round() / 16.0).copysign(*sign);
        }
    })
}

#[derive(Debug)]
struct Mul {
    /// Whether the gradient of each factor will be wanted.
    tracked: [bool; 2],
}

/// What backward needs: for each factor its shape, and its values where they are a slope that is wanted.
struct Saved<E: Element> {
    shapes: [Shape; 2],
    a: Option<Tensor<E>>,
    b: Option<Tensor<E>>,
}

impl<E: Element> Op<E, 2> for Mul {
    const NAME: &'static str = ROW.name;
    type Saved = Saved<E>;

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        common_shape(ROW.name, a, b)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, Saved<E>) {
        let shapes = [*a.shape(), *b.shape()];
        let y = shapes[0].broadcast(&shapes[1]).expect("output_shape has agreed");
        let y = binary(&stretch(a, &y), &stretch(b, &y), arith::mul);
        let [a_wanted, b_wanted] = self.tracked;
        (y, Saved { shapes, a: b_wanted.then(|| a.clone()), b: a_wanted.then(|| b.clone()) })
    }

    fn backward(&self, saved: Saved<E>, dy: Tensor<E>, _: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let Saved { shapes, a, b } = saved;
        let toward =
            |shape: &Shape, slope: Tensor<E>| sum_back(binary(&dy, &stretch(&slope, dy.shape()), arith::mul), shape);
        [b.map(|b| toward(&shapes[0], b)), a.map(|a| toward(&shapes[1], a))]
    }
}

impl<E: Element> Var<E> {
    /// `self · b`, element by element; shapes broadcast.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([2, 1], vec![10.0_f32, 20.0])?);
    /// let b = Var::constant(Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// assert_eq!(a.mul(&b)?.value().as_slice(), [10.0, 20.0, 20.0, 40.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn mul(&self, b: &Var<E>) -> Result<Var<E>> {
        apply(Mul { tracked: [self.is_tracked(), b.is_tracked()] }, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    #[test]
    fn the_gradient_is_the_other_factor() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_vec([2, 1], vec![2.0_f64, 3.0]).unwrap());
        let b = tape.leaf(Tensor::from_vec([3], vec![5.0, 6.0, 7.0]).unwrap());
        let y = a.mul(&b).unwrap();
        assert_eq!(y.value().as_slice(), [10.0, 12.0, 14.0, 15.0, 18.0, 21.0]);
        let gradients = tape.backward_from(&[(&y, Tensor::full([2, 3], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [18.0, 18.0]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [5.0; 3]);
    }

    #[test]
    fn a_square_gets_its_gradient_from_both_sides() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::scalar(-3.0_f32));
        let y = x.mul(&x).unwrap();
        assert_eq!(tape.backward(&y).unwrap().get(&x).unwrap().item().unwrap(), -6.0);
    }

    #[test]
    fn only_slopes_that_are_wanted_are_kept() {
        let x = Tensor::scalar(2.0_f32);
        for tracked in [[true, false], [false, true], [true, true]] {
            let (_, saved) = Mul { tracked }.forward([&x, &x]);
            assert_eq!([saved.b.is_some(), saved.a.is_some()], tracked);
        }
        let tape = Tape::new();
        let a = tape.leaf(Tensor::scalar(2.0_f32));
        let y = a.mul(&Var::constant(Tensor::scalar(7.0))).unwrap();
        assert_eq!(tape.backward(&y).unwrap().get(&a).unwrap().item().unwrap(), 7.0);
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            a.mul(&b).unwrap_err().to_string(),
            "mul: the shapes do not broadcast (a [2, 3], b [3, 2]); \
             make each pair of sizes, counted from the last axis, equal, or one of them 1"
        );
    }
}
