//! Sums up to each place of an axis.
//!
//! **Formula** `y[…, i, …] = Σ x[…, j, …]` over all `j ≤ i`.
//!
//! **Shapes** `x` any with at least one axis; `y` has its shape.
//!
//! **Gradient** `x` at `j` goes into `y` at every `i ≥ j`, with slope 1, so `dx[…, j, …] = Σ dy[…, i, …]` over all `i ≥ j`: the same
//! sums from the other end.
//!
//! **Kept for backward** the shape alone. Sums are added up in `f64`, in order, so those of `f32` lose no digits on the way.
//!
//! **Source** the definition; PyTorch's `cumsum`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::lanes::Lanes;
use crate::error::Result;
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "cumsum",
    formula: "y[.., i, ..] = sum of x[.., j, ..] over j ≤ i",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.size(0, shape.rank() - 1);
        case!([draw.positive(shape)], format!("axis {axis}"), |v| v[0].cumsum(axis))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].cumsum(1) },
};

#[derive(Debug)]
struct CumSum {
    axis: usize,
}

impl CumSum {
    /// The sums of each lane from its beginning, or from its end.
    fn sums<E: Element>(&self, x: &Tensor<E>, from_end: bool) -> Tensor<E> {
        let lanes = Lanes::new(ROW.name, x.shape(), self.axis).expect("output_shape has agreed");
        let (blocks, values) = ((CHUNK / lanes.block()).max(1), x.as_slice());
        Tensor::build(*x.shape(), |y| {
            for_each(y, blocks * lanes.block(), |i, y| {
                let x = &values[i * blocks * lanes.block()..][..y.len()];
                for lane in 0..y.len() / lanes.size {
                    let mut sum = 0.0;
                    for step in 0..lanes.size {
                        let place = lanes.place(lane, if from_end { lanes.size - 1 - step } else { step });
                        sum += x[place].to_f64();
                        y[place] = E::from_f64(sum);
                    }
                }
            });
        })
    }
}

impl<E: Element> Op<E, 1> for CumSum {
    const NAME: &'static str = ROW.name;
    type Saved = ();

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Lanes::new(ROW.name, x, self.axis).map(|_| *x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, ()) {
        (self.sums(x, false), ())
    }

    fn backward(&self, (): (), dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(self.sums(&dy, true))]
    }
}

impl<E: Element> Var<E> {
    /// The sum of all elements up to each one along `axis`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.cumsum(1)?.value().as_slice(), [1.0, 3.0, 6.0, 4.0, 9.0, 15.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn cumsum(&self, axis: usize) -> Result<Var<E>> {
        apply(CumSum { axis }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn gradients_are_summed_from_the_end() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([3, 2], |i| i as f32).unwrap());
        let y = x.cumsum(0).unwrap();
        assert_eq!(y.value().as_slice(), [0.0, 1.0, 2.0, 4.0, 6.0, 9.0]);
        let dy = Tensor::from_fn([3, 2], |i| (1 << i) as f32).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [21.0, 42.0, 20.0, 40.0, 16.0, 32.0]);
    }

    /// Of seventeen million ones in `f32`, added one after the other, the sum would stop at 2²⁴.
    #[test]
    fn long_sums_keep_their_digits() {
        const COUNT: usize = (1 << 24) + 10;
        let y = Var::constant(Tensor::full([COUNT], 1.0_f32).unwrap()).cumsum(0).unwrap();
        assert_eq!(y.value().as_slice()[COUNT - 1], COUNT as f32);
    }

    #[test]
    fn an_axis_that_does_not_exist_is_named() {
        let text = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap()).cumsum(2).unwrap_err().to_string();
        assert_eq!(text, "cumsum: axis 2 does not exist (x [2, 3]); name an axis below 2");
    }
}
