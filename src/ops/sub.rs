//! Subtraction.
//!
//! **Formula** `y = a − b`
//!
//! **Shapes** `a` and `b` broadcast as in NumPy; `y` has their common shape.
//!
//! **Gradient** `∂y/∂a = 1` and `∂y/∂b = −1`, so `da = dy` and `db = −dy`, each summed over the axes along which the
//! input was repeated.
//!
//! **Kept for backward** the two shapes, no values.
//!
//! **Source** the sum rule.

use super::support::broadcast::{common_shape, stretch};
use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, unary};
use super::support::reduction::sum_back;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "sub",
    formula: "y = a − b",
    nondifferentiable: "",
    f32_bound: 1.0,
    draw: |draw| {
        let (a, b) = draw.broadcasting();
        case!([draw.values(a), draw.values(b)], "", |v| v[0].sub(&v[1]))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].sub(&v[1]) },
};

#[derive(Debug)]
struct Sub;

impl<E: Element> Op<E, 2> for Sub {
    const NAME: &'static str = ROW.name;
    type Saved = [Shape; 2];

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        common_shape(ROW.name, a, b)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, [Shape; 2]) {
        let shapes = [*a.shape(), *b.shape()];
        let y = shapes[0].broadcast(&shapes[1]).expect("output_shape has agreed");
        (binary(&stretch(a, &y), &stretch(b, &y), arith::sub), shapes)
    }

    fn backward(&self, [a, b]: [Shape; 2], dy: Tensor<E>, wanted: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let da = wanted[0].then(|| sum_back(dy.clone(), &a));
        let negated = |dy: Tensor<E>| unary(&dy, |isa, dy, db| arith::scale(isa, dy, -E::ONE, db));
        [da, wanted[1].then(|| negated(sum_back(dy, &b)))]
    }
}

impl<E: Element> Var<E> {
    /// `self − b`, element by element; shapes broadcast.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([2, 1], vec![10.0_f32, 20.0])?);
    /// let b = Var::constant(Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// assert_eq!(a.sub(&b)?.value().as_slice(), [9.0, 8.0, 19.0, 18.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn sub(&self, b: &Var<E>) -> Result<Var<E>> {
        apply(Sub, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn the_gradient_of_a_repeated_input_is_summed_and_negated() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_vec([2, 1], vec![1.0_f64, 2.0]).unwrap());
        let b = tape.leaf(Tensor::from_vec([3], vec![5.0, 6.0, 7.0]).unwrap());
        let y = a.sub(&b).unwrap();
        assert_eq!(y.value().as_slice(), [-4.0, -5.0, -6.0, -3.0, -4.0, -5.0]);
        let gradients = tape.backward_from(&[(&y, Tensor::from_fn([2, 3], |i| i as f64).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [3.0, 12.0]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [-3.0, -5.0, -7.0]);
    }

    #[test]
    fn a_number_minus_itself_has_no_gradient() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::scalar(3.0_f32));
        let y = x.sub(&x).unwrap();
        assert_eq!(tape.backward(&y).unwrap().get(&x).unwrap().item().unwrap(), 0.0);
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            a.sub(&b).unwrap_err().to_string(),
            "sub: the shapes do not broadcast (a [2, 3], b [3, 2]); \
             make each pair of sizes, counted from the last axis, equal, or one of them 1"
        );
    }
}
