//! The same elements under another shape.
//!
//! **Formula** `y[i] = x[i]` for every position `i` in row-major order.
//!
//! **Shapes** `x` any; `y` any with as many elements.
//!
//! **Gradient** each element of `y` is one of `x`, at the same position, so `dx` is `dy` under the shape of `x`.
//!
//! **Kept for backward** the shape of `x`, no values; `y` shares the memory of `x`.
//!
//! **Source** a change of names; nothing is computed.

use super::support::catalogue::{IMAGES, Large, Row, case};
use crate::error::{Error, Result};
use crate::shape::{IntoShape, Shape};
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "reshape",
    formula: "y = x under another shape",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let (x, axis, flatten) = (draw.values(shape), draw.size(0, shape.rank() - 1), draw.flag());
        let mut other = shape.sizes().to_vec();
        other.rotate_left(axis);
        let other = Shape::new(&other).expect("as many elements as before");
        let parameters = if flatten { format!("flattened from {axis}") } else { format!("to {other}") };
        case!([x], parameters, |v| if flatten { v[0].flatten(axis) } else { v[0].reshape(other) })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].flatten(1) },
};

#[derive(Debug)]
struct Reshape {
    y: Shape,
}

impl<E: Element> Op<E, 1> for Reshape {
    const NAME: &'static str = ROW.name;
    type Saved = Shape;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        if x.elements() != self.y.elements() {
            let problem = format!("{} elements cannot become {}", x.elements(), self.y.elements());
            let shapes = [("x", x), ("y", &self.y)];
            return Err(Error::op(ROW.name, problem, &shapes, "name sizes with the same product"));
        }
        Ok(self.y)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Shape) {
        (x.reshape(self.y).expect("output_shape has agreed"), *x.shape())
    }

    fn backward(&self, x: Shape, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(dy.reshape(x).expect("as many elements as forward had"))]
    }
}

impl<E: Element> Var<E> {
    /// The same elements under another shape; shares the memory.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.reshape([3, 2])?.value().at(&[1, 1]), Some(4.0));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the number of elements differs.
    pub fn reshape(&self, shape: impl IntoShape) -> Result<Var<E>> {
        let y = shape.into_shape().map_err(|error| Error::from(error).at(ROW.name))?;
        apply(Reshape { y }, [self])
    }

    /// All axes from `axis` on as a single one: `[N, C, H, W]` becomes `[N, C·H·W]` from axis 1.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::<f32>::zeros([8, 3, 4, 4])?);
    /// assert_eq!(x.flatten(1)?.value().shape().sizes(), [8, 48]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn flatten(&self, axis: usize) -> Result<Var<E>> {
        let x = self.value().shape();
        let Some(rest) = x.sizes().get(axis..).filter(|rest| !rest.is_empty()) else {
            let (problem, remedy) = (format!("axis {axis} does not exist"), format!("name an axis below {}", x.rank()));
            return Err(Error::op("flatten", problem, &[("x", x)], remedy));
        };
        self.reshape([&x.sizes()[..axis], &[rest.iter().product()]].concat().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn memory_is_shared_and_the_gradient_gets_the_old_shape() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([2, 3], |i| i as f32).unwrap());
        let y = x.reshape([6]).unwrap();
        assert_eq!(y.value().as_slice().as_ptr(), x.value().as_slice().as_ptr());
        let gradients = tape.backward_from(&[(&y, Tensor::from_fn([6], |i| i as f32).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap(), x.value());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        assert_eq!(
            x.reshape([4]).unwrap_err().to_string(),
            "reshape: 6 elements cannot become 4 (x [2, 3], y [4]); name sizes with the same product"
        );
        assert_eq!(
            x.flatten(2).unwrap_err().to_string(),
            "flatten: axis 2 does not exist (x [2, 3]); name an axis below 2"
        );
        assert!(x.reshape([0, 6]).unwrap_err().to_string().starts_with("reshape: shape [0, 6]: axis 0 has size 0"));
    }
}
