//! The greater of two.
//!
//! **Formula** `y = max(a, b)`; NaN where either is.
//!
//! **Shapes** `a` and `b` broadcast as in NumPy; `y` has their common shape.
//!
//! **Gradient** `y` follows whichever input is the greater and does not depend on the other: `da = dy·[a ≥ b]` and
//! `db = dy·[b > a]`, each summed over the axes along which the input was repeated. At `a = b` there is no
//! derivative; all of `dy` goes to `a`, by choice, so that no gradient is lost or doubled. Where either is NaN, it
//! goes to `a` too.
//!
//! **Kept for backward** `a` and `b`, not copied.
//!
//! **Source** Goodfellow and others, *Maxout networks*, ICML 2013, for two linear parts.

use super::support::broadcast::{common_shape, stretch};
use super::support::catalogue::{Draw, IMAGES, Large, Row, case};
use super::support::elementwise::{binary, binary_backward};
use super::support::reduction::sum_back;
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, maximum};

pub(super) const ROW: Row = Row {
    name: "maximum",
    formula: "y = max(a, b)",
    nondifferentiable: "|a − b| < 1/16",
    f32_bound: 0.0,
    draw: |draw| {
        let shapes = draw.broadcasting().into();
        case!(apart(draw, shapes), "", |v| v[0].maximum(&v[1]))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].maximum(&v[1]) },
};

/// Two inputs of which no element of one is closer than 1/16 to any of the other.
pub(super) fn apart(draw: &mut Draw, [a, b]: [Shape; 2]) -> [Tensor<f64>; 2] {
    let both = draw.distinct([a.elements() + b.elements()]);
    let (first, second) = both.as_slice().split_at(a.elements());
    [(a, first), (b, second)].map(|(shape, values)| Tensor::build(shape, |x| x.copy_from_slice(values)))
}

#[derive(Debug)]
struct Maximum;

impl<E: Element> Op<E, 2> for Maximum {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        common_shape(ROW.name, a, b)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let shape = a.shape().broadcast(b.shape()).expect("output_shape has agreed");
        let y = binary(&stretch(a, &shape), &stretch(b, &shape), maximum::maximum_forward);
        (y, [a.clone(), b.clone()])
    }

    fn backward(&self, [a, b]: [Tensor<E>; 2], dy: Tensor<E>, wanted: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let shape = dy.shape();
        let [da, db] = binary_backward(&stretch(&a, shape), &stretch(&b, shape), &dy, maximum::maximum_backward);
        let toward =
            |dx: Option<Tensor<E>>, x: &Tensor<E>, wanted| dx.filter(|_| wanted).map(|dx| sum_back(dx, x.shape()));
        [toward(da, &a, wanted[0]), toward(db, &b, wanted[1])]
    }
}

impl<E: Element> Var<E> {
    /// `max(self, b)`, element by element; shapes broadcast. At a tie the gradient goes to `self`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([2, 1], vec![1.0_f32, 3.0])?);
    /// let b = Var::constant(Tensor::from_vec([2], vec![2.0, 4.0])?);
    /// assert_eq!(a.maximum(&b)?.value().as_slice(), [2.0, 4.0, 3.0, 4.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn maximum(&self, b: &Var<E>) -> Result<Var<E>> {
        apply(Maximum, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn the_gradient_goes_to_the_greater_and_at_a_tie_to_the_first() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_vec([3], vec![1.0_f32, 2.0, 3.0]).unwrap());
        let b = tape.leaf(Tensor::scalar(2.0));
        let y = a.maximum(&b).unwrap();
        assert_eq!(y.value().as_slice(), [2.0, 2.0, 3.0]);
        let gradients = tape.backward_from(&[(&y, Tensor::full([3], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [0.0, 1.0, 1.0]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [1.0]);
    }

    #[test]
    fn nan_in_either_input_is_nan_in_the_output() {
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 1.0];
        for x in special {
            let [nan, x] = [f32::NAN, x].map(|x| Var::constant(Tensor::full([19], x).unwrap()));
            for y in [nan.maximum(&x).unwrap(), x.maximum(&nan).unwrap()] {
                assert!(y.value().as_slice().iter().all(|y| y.is_nan()), "{x:?}");
            }
        }
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            a.maximum(&b).unwrap_err().to_string(),
            "maximum: the shapes do not broadcast (a [2, 3], b [3, 2]); \
             make each pair of sizes, counted from the last axis, equal, or one of them 1"
        );
    }
}
