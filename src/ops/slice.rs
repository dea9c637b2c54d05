//! A part of an axis.
//!
//! **Formula** `y[…, i, …] = x[…, start + i, …]`
//!
//! **Shapes** `x` any; `y` has the length of the range along that axis, and else the sizes of `x`.
//!
//! **Gradient** an element inside the range is one of `y`, an element outside is none, so `dx` is `dy` inside the range
//! and 0 outside.
//!
//! **Kept for backward** the shape and the place, no values; `y` is a copy.
//!
//! **Source** a choice of elements; nothing is computed.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::region::Region;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::ops::Range;

pub(super) const ROW: Row = Row {
    name: "slice",
    formula: "y = x from start to end along one axis",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.size(0, shape.rank() - 1);
        let start = draw.size(0, shape.sizes()[axis] - 1);
        let end = draw.size(start + 1, shape.sizes()[axis]);
        case!([draw.values(shape)], format!("axis {axis} range {start}..{end}"), |v| v[0].slice(axis, start..end))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].slice(0, 1..12) },
};

#[derive(Debug)]
struct Slice {
    axis: usize,
    range: Range<usize>,
}

impl Slice {
    fn region(&self, x: &Shape) -> Region {
        Region::along(*x, self.axis, self.range.start, self.range.len())
    }
}

impl<E: Element> Op<E, 1> for Slice {
    const NAME: &'static str = ROW.name;
    type Saved = Shape;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        let refuse = |problem: String, remedy: String| Err(Error::op(ROW.name, problem, &[("x", x)], remedy));
        let Slice { axis, range } = self;
        let Some(size) = x.sizes().get(*axis) else {
            return refuse(format!("axis {axis} does not exist"), format!("name an axis below {}", x.rank()));
        };
        if range.is_empty() {
            return refuse(format!("the range {range:?} is empty"), "take at least one element".into());
        }
        if range.end > *size {
            return refuse(format!("the range {range:?} leaves axis {axis}"), format!("end it at {size} or before"));
        }
        Ok(self.region(x).small())
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Shape) {
        (self.region(x.shape()).crop(x), *x.shape())
    }

    fn backward(&self, x: Shape, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(self.region(&x).embed(&dy, E::ZERO))]
    }
}

impl<E: Element> Var<E> {
    /// The places `range` of one axis.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.slice(1, 1..3)?.value().as_slice(), [2.0, 3.0, 5.0, 6.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis, or the range is empty or leaves it.
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Result<Var<E>> {
        apply(Slice { axis, range }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};
    use std::ops::Range;

    #[test]
    fn the_gradient_outside_the_range_is_zero() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([3, 2], |i| i as f32).unwrap());
        let y = x.slice(0, 1..2).unwrap();
        assert_eq!(y.value().as_slice(), [2.0, 3.0]);
        let dy = Tensor::from_vec([1, 2], vec![7.0, 8.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 0.0, 7.0, 8.0, 0.0, 0.0]);
    }

    #[test]
    fn what_does_not_lie_in_the_axis_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axis, range: Range<usize>| x.slice(axis, range).unwrap_err().to_string();
        assert_eq!(text(2, 0..1), "slice: axis 2 does not exist (x [2, 3]); name an axis below 2");
        assert_eq!(text(1, 1..1), "slice: the range 1..1 is empty (x [2, 3]); take at least one element");
        assert_eq!(text(1, 2..4), "slice: the range 2..4 leaves axis 1 (x [2, 3]); end it at 3 or before");
        assert_eq!(
            text(0, 1..usize::MAX),
            "slice: the range 1..18446744073709551615 leaves axis 0 (x [2, 3]); end it at 2 or before"
        );
    }
}
