//! The least element along one axis, and its place.
//!
//! **Formula** `y[…] = min over i of x[…, i, …]`; NaN where any is.
//!
//! **Shapes** `x` any with at least one axis; `y` has the other axes of `x`, and where the axis is kept, size 1 for it.
//!
//! **Gradient** `y` follows its least element, so `dx` is `dy` there and 0 elsewhere. Where several are equal there is no
//! derivative; the first along the axis gets all, and of several NaN the first. PyTorch's `min` along an axis gives it to one of
//! them too; `amin` shares it.
//!
//! **Kept for backward** the places of the chosen elements, four bytes for each output.
//!
//! **Source** the definition.

use super::max::{Extreme, places};
use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::reduction::ReducedAxes;
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "min",
    formula: "y = least of x along one axis",
    nondifferentiable: "two values closer than 1/16",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.size(0, shape.rank() - 1);
        let keep = draw.flag();
        case!([draw.distinct(shape)], format!("axis {axis} keep {keep}"), |v| {
            v[0].min(axis, ReducedAxes::kept_if(keep))
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].min(2, ReducedAxes::Dropped) },
};

impl<E: Element> Var<E> {
    /// The least element along `axis`, which is dropped, or kept with size 1. Of equal ones the first gets the gradient.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::ReducedAxes};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.min(1, ReducedAxes::Dropped)?.value().as_slice(), [1.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn min(&self, axis: usize, reduced: ReducedAxes) -> Result<Var<E>> {
        apply(Extreme::<true> { axis, keep: reduced == ReducedAxes::Kept }, [self])
    }

    /// The place along `axis` of the least element there, the first of equal ones, for each place of the other axes in row-major
    /// order: of logits `[N, C]` along axis 1, the least likely class of each sample.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.argmin(1)?, [1, 0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn argmin(&self, axis: usize) -> Result<Vec<usize>> {
        places::<E, true>("argmin", self.value(), axis)
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::ReducedAxes;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn the_first_of_equals_and_the_first_nan_get_the_gradient() {
        let tape = Tape::new();
        let x = [-2.0_f32, -9.0, -7.0, f32::NAN, -7.0, f32::NAN];
        let x = tape.leaf(Tensor::from_slice([3, 2], &x).unwrap());
        let y = x.min(0, ReducedAxes::Kept).unwrap();
        assert_eq!(y.value().shape().sizes(), [1, 2]);
        assert!(y.value().as_slice()[0] == -7.0 && y.value().as_slice()[1].is_nan());
        assert_eq!(x.argmin(0).unwrap(), [1, 1]);
        let gradients = tape.backward_from(&[(&y, Tensor::from_vec([1, 2], vec![3.0, 5.0]).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 0.0, 3.0, 5.0, 0.0, 0.0]);
    }

    /// By the definition, along every axis of a tensor of several chunks.
    #[test]
    fn every_lane_has_its_own() {
        let x = Tensor::from_fn([30, 40, 50], |i| (i * 7919 % 100_003) as f64).unwrap();
        for axis in 0..3 {
            let y = Var::constant(x.clone()).min(axis, ReducedAxes::Kept).unwrap();
            let places = Var::constant(x.clone()).argmin(axis).unwrap();
            for (flat, (y, place)) in y.value().as_slice().iter().zip(places).enumerate() {
                let mut index = Tensor::<f64>::zeros(y_shape(axis)).unwrap().index_of(flat);
                let lane: Vec<f64> = (0..[30, 40, 50][axis])
                    .map(|i| {
                        index[axis] = i;
                        x.at(&index).unwrap()
                    })
                    .collect();
                assert_eq!((*y, lane[place]), (lane.iter().copied().fold(lane[0], f64::min), *y));
            }
        }
    }

    fn y_shape(axis: usize) -> [usize; 3] {
        let mut shape = [30, 40, 50];
        shape[axis] = 1;
        shape
    }

    #[test]
    fn an_axis_that_does_not_exist_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = x.min(2, ReducedAxes::Dropped).unwrap_err().to_string();
        assert_eq!(text, "min: axis 2 does not exist (x [2, 3]); name an axis below 2");
        assert!(x.argmin(2).unwrap_err().to_string().starts_with("argmin: axis 2 does not exist"));
    }
}
