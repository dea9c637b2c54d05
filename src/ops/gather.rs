//! Elements chosen by an index along one axis.
//!
//! **Formula** `y[…, j, …] = x[…, index[…, j, …], …]`: each place of `y` takes an element of its own lane of `x`.
//!
//! **Shapes** `x` any with at least one axis; `y` has some number of places along the axis, and else the sizes of `x`; there is one
//! index for each element of `y`, in row-major order.
//!
//! **Gradient** each element of `y` is one of `x`, so `dx` is the sum of `dy` over the places that took the element, and 0 where none
//! did. Several are added in the order of their places, whatever the number of threads.
//!
//! **Kept for backward** the shape of `x`; the operation holds the index.
//!
//! **Source** PyTorch's `gather`, whose index may also be smaller along other axes: slice `x` first for that.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::lanes::Lanes;
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "gather",
    formula: "y[.., j, ..] = x[.., index[.., j, ..], ..]",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.size(0, shape.rank() - 1);
        let (size, step) = (shape.sizes()[axis], draw.size(0, 3));
        let places = draw.size(1, 4);
        let count = shape.elements() / size * places;
        // The last place of each lane is taken, so that the last element has a gradient.
        case!([draw.coarse(shape)], format!("axis {axis} places {places} step {step}"), |v| {
            v[0].gather(axis, &(0..count).map(|i| size - 1 - i * step % size).collect::<Vec<_>>())
        })
    },
    large: Large {
        shapes: &[IMAGES],
        run: |v| v[0].gather(2, &(0..13 * 6 * 50 * 35).map(|i| i * 7 % 37).collect::<Vec<_>>()),
    },
};

#[derive(Debug)]
struct Gather {
    axis: usize,
    index: Vec<usize>,
}

impl Gather {
    /// The lanes of `x`, and those of `y`.
    fn lanes(&self, x: &Shape) -> (Lanes, Lanes) {
        let lanes = Lanes::new(ROW.name, x, self.axis).expect("output_shape has agreed");
        let size = self.index.len() / (x.elements() / lanes.size);
        (lanes, lanes.of_size(size))
    }
}

impl<E: Element> Op<E, 1> for Gather {
    const NAME: &'static str = ROW.name;
    type Saved = Shape;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        let refuse = |problem: String, remedy: String| Err(Error::op(ROW.name, problem, &[("x", x)], remedy));
        let lanes = Lanes::new(ROW.name, x, self.axis)?;
        let (count, others) = (self.index.len(), x.elements() / lanes.size);
        if count == 0 || !count.is_multiple_of(others) {
            let problem = format!("{count} indices do not make whole places along axis {}", self.axis);
            return refuse(problem, format!("give a multiple of {others}, the product of the other sizes"));
        }
        if let Some(place) = self.index.iter().position(|index| *index >= lanes.size) {
            let problem = format!("index {place} is {}, but axis {} has {}", self.index[place], self.axis, lanes.size);
            return refuse(problem, format!("number the elements from 0 to {}", lanes.size - 1));
        }
        let mut sizes = x.sizes().to_vec();
        sizes[self.axis] = count / others;
        Ok(Shape::new(&sizes)?)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Shape) {
        let (lanes, chosen) = self.lanes(x.shape());
        let shape = Op::<E, 1>::output_shape(self, [x.shape()]).expect("output_shape has agreed");
        let values = x.as_slice();
        let y = Tensor::build(shape, |y| {
            for_each(y, CHUNK, |i, y| {
                for (j, y) in y.iter_mut().enumerate() {
                    let flat = i * CHUNK + j;
                    let (block, column) = (flat / chosen.block(), flat % lanes.inner);
                    *y = values[block * lanes.block() + self.index[flat] * lanes.inner + column];
                }
            });
        });
        (y, *x.shape())
    }

    fn backward(&self, x: Shape, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let ((lanes, chosen), dy) = (self.lanes(&x), dy.as_slice());
        let blocks = (CHUNK / lanes.block()).max(1);
        [Some(Tensor::build(x, |dx| {
            for_each(dx, blocks * lanes.block(), |i, dx| {
                // In f64, as an element that many places name has as many terms.
                let mut sums = vec![0.0; dx.len()];
                let first = i * blocks * chosen.block();
                for from in 0..dx.len() / lanes.block() * chosen.block() {
                    let place = from / chosen.block() * lanes.block() + self.index[first + from] * lanes.inner;
                    sums[place + from % lanes.inner] += dy[first + from].to_f64();
                }
                dx.iter_mut().zip(sums).for_each(|(dx, sum)| *dx = E::from_f64(sum));
            });
        }))]
    }
}

impl<E: Element> Var<E> {
    /// The elements along `axis` that `index` names, one for each place of the result in row-major order.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// // One of each row, such as the probability of each sample's class.
    /// assert_eq!(x.gather(1, &[2, 0])?.value().as_slice(), [3.0, 4.0]);
    /// assert_eq!(x.gather(1, &[2, 2, 0, 1])?.value().as_slice(), [3.0, 3.0, 4.0, 5.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis, an index is not below its size, or there are not as many for each place of the other axes.
    pub fn gather(&self, axis: usize, index: &[usize]) -> Result<Var<E>> {
        apply(Gather { axis, index: index.to_vec() }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn an_element_that_is_taken_twice_gets_both_gradients() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([3, 2], |i| i as f32).unwrap());
        let y = x.gather(0, &[2, 0, 2, 1]).unwrap();
        assert_eq!(y.value().as_slice(), [4.0, 1.0, 4.0, 3.0]);
        let dy = Tensor::from_vec([2, 2], vec![1.0, 2.0, 4.0, 8.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 2.0, 0.0, 8.0, 5.0, 0.0]);
    }

    #[test]
    fn many_gradients_of_an_element_add_up_exactly() {
        for (dy, sum) in [([3e38_f32, 3e38, -3e38], 3e38), ([1e8, 1.0, -1e8], 1.0)] {
            let tape = Tape::new();
            let x = tape.leaf(Tensor::zeros([2]).unwrap());
            let y = x.gather(0, &[1, 1, 1]).unwrap();
            let dy = Tensor::from_vec([3], dy.to_vec()).unwrap();
            assert_eq!(tape.backward_from(&[(&y, dy)]).unwrap().get(&x).unwrap().as_slice(), [0.0, sum]);
        }
    }

    #[test]
    fn indices_that_do_not_fit_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axis, index: &[usize]| x.gather(axis, index).unwrap_err().to_string();
        assert_eq!(
            text(1, &[0, 3]),
            "gather: index 1 is 3, but axis 1 has 3 (x [2, 3]); number the elements from 0 to 2"
        );
        assert_eq!(
            text(0, &[0, 1]),
            "gather: 2 indices do not make whole places along axis 0 (x [2, 3]); \
             give a multiple of 3, the product of the other sizes"
        );
        assert!(text(1, &[]).starts_with("gather: 0 indices"));
        assert!(text(2, &[0]).starts_with("gather: axis 2 does not exist"));
    }
}
