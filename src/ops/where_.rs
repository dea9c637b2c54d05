//! A choice between two tensors, element by element.
//!
//! **Formula** `y = a` where the condition is not 0, and `y = b` where it is. NaN counts as not 0.
//!
//! **Shapes** the condition, `a` and `b` broadcast as in NumPy; `y` has their common shape.
//!
//! **Gradient** `y` is one of the two, so `da = dy` where the condition is not 0 and else 0, `db` the other way round, each summed
//! over the axes along which the input was repeated. What was not chosen gets exactly 0, also where `dy` is infinite. The condition
//! has no gradient.
//!
//! **Kept for backward** the condition, not copied.
//!
//! **Source** PyTorch's `torch.where`.

use super::support::broadcast::{common_shape, stretch};
use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, ternary};
use super::support::reduction::sum_back;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "where_",
    formula: "y = a where a condition holds, b elsewhere",
    nondifferentiable: "",
    f32_bound: 3.0,
    draw: |draw| {
        let (a, b) = draw.broadcasting();
        let condition = a.broadcast(&b).expect("drawn to broadcast");
        let (period, offset) = (draw.size(2, 5), draw.size(0, 4));
        // Coarse numbers, whose sums over repeated axes are exact.
        let inputs = [draw.coarse(a), draw.coarse(b)];
        case!(inputs, format!("every {period} from {offset}"), |v| {
            v[0].where_(&every(condition, period, offset)?, &v[1])
        })
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].where_(&every(*v[0].value().shape(), 3, 1)?, &v[1]) },
};

/// A condition that holds at every `period`th place.
fn every<E: Element>(shape: Shape, period: usize, offset: usize) -> Result<Tensor<E>> {
    Tensor::from_fn(shape, |i| if (i + offset).is_multiple_of(period) { E::ONE } else { E::ZERO })
}

#[derive(Debug)]
struct Where<E: Element> {
    condition: Tensor<E>,
}

impl<E: Element> Op<E, 2> for Where<E> {
    const NAME: &'static str = ROW.name;
    type Saved = [Shape; 2];

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        let both = common_shape(ROW.name, a, b)?;
        let condition = self.condition.shape();
        both.broadcast(condition).ok_or_else(|| {
            let shapes = [("condition", condition), ("a", a), ("b", b)];
            let remedy = "make each pair of sizes, counted from the last axis, equal, or one of them 1";
            Error::op(ROW.name, "the condition does not broadcast with the inputs", &shapes, remedy)
        })
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, [Shape; 2]) {
        let shape = Op::<E, 2>::output_shape(self, [a.shape(), b.shape()]).expect("output_shape has agreed");
        let inputs = [&*stretch(&self.condition, &shape), &*stretch(a, &shape), &*stretch(b, &shape)];
        let y = ternary(inputs, |_, [condition, a, b], y| {
            for (((y, condition), a), b) in y.iter_mut().zip(condition).zip(a).zip(b) {
                *y = if *condition != E::ZERO { *a } else { *b };
            }
        });
        (y, [*a.shape(), *b.shape()])
    }

    fn backward(&self, [a, b]: [Shape; 2], dy: Tensor<E>, wanted: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let condition = stretch(&self.condition, dy.shape());
        let part = |chosen: bool, shape: &Shape| {
            let part = binary(&condition, &dy, |_, condition, dy, dx| {
                for ((dx, condition), dy) in dx.iter_mut().zip(condition).zip(dy) {
                    *dx = if (*condition != E::ZERO) == chosen { *dy } else { E::ZERO };
                }
            });
            sum_back(part, shape)
        };
        [wanted[0].then(|| part(true, &a)), wanted[1].then(|| part(false, &b))]
    }
}

impl<E: Element> Var<E> {
    /// `self` where `condition` is not 0, and `other` elsewhere; shapes broadcast.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![1.0_f32, 2.0, 3.0])?);
    /// let mask = Tensor::from_vec([3], vec![1.0, 0.0, 1.0])?;
    /// let y = x.where_(&mask, &Var::constant(Tensor::scalar(-1.0)))?;
    /// assert_eq!(y.value().as_slice(), [1.0, -1.0, 3.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn where_(&self, condition: &Tensor<E>, other: &Var<E>) -> Result<Var<E>> {
        apply(Where { condition: condition.clone() }, [self, other])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn what_is_not_chosen_has_no_part_in_values_or_gradients() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_vec([2, 1], vec![1.0_f32, f32::NAN]).unwrap());
        let b = tape.leaf(Tensor::scalar(5.0));
        let mask = Tensor::from_vec([2, 2], vec![1.0, -0.0, 0.0, f32::NAN]).unwrap();
        let y = a.where_(&mask, &b).unwrap();
        assert_eq!(y.value().as_slice()[..3], [1.0, 5.0, 5.0]);
        assert!(y.value().as_slice()[3].is_nan());
        let dy = Tensor::from_vec([2, 2], vec![1.0, 2.0, 4.0, f32::INFINITY]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [1.0, f32::INFINITY]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [6.0]);
    }

    #[test]
    fn a_condition_that_does_not_broadcast_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        assert_eq!(
            x.where_(&Tensor::zeros([2]).unwrap(), &x).unwrap_err().to_string(),
            "where_: the condition does not broadcast with the inputs (condition [2], a [2, 3], b [2, 3]); \
             make each pair of sizes, counted from the last axis, equal, or one of them 1"
        );
        let other = Var::constant(Tensor::zeros([4]).unwrap());
        assert!(
            x.where_(&Tensor::zeros([3]).unwrap(), &other).unwrap_err().to_string().starts_with("where_: the shapes")
        );
    }
}
