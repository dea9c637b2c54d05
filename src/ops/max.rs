//! The greatest element along one axis, and its place.
//!
//! **Formula** `y[…] = max over i of x[…, i, …]`; NaN where any is.
//!
//! **Shapes** `x` any with at least one axis; `y` has the other axes of `x`, and where the axis is kept, size 1 for it.
//!
//! **Gradient** `y` follows its greatest element, so `dx` is `dy` there and 0 elsewhere. Where several are equal there is no
//! derivative; the first along the axis gets all, and of several NaN the first. PyTorch's `max` along an axis gives it to one of
//! them too; `amax` shares it.
//!
//! **Kept for backward** the places of the chosen elements, four bytes for each output.
//!
//! **Source** the definition.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::extreme::replaces;
use super::support::lanes::Lanes;
use super::support::reduction::ReducedAxes;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each, for_each_pair};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "max",
    formula: "y = greatest of x along one axis",
    nondifferentiable: "two values closer than 1/16",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.size(0, shape.rank() - 1);
        let keep = draw.flag();
        case!([draw.distinct(shape)], format!("axis {axis} keep {keep}"), |v| {
            v[0].max(axis, ReducedAxes::kept_if(keep))
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].max(2, ReducedAxes::Dropped) },
};

/// The operation, of the greatest or of the least.
#[derive(Debug)]
pub(super) struct Extreme<const LEAST: bool> {
    pub axis: usize,
    pub keep: bool,
}

/// The shape of `x`, and the places of the chosen elements in their lanes.
pub(super) struct Chosen {
    x: Shape,
    places: Buffer<u32>,
}

impl<E: Element, const LEAST: bool> Op<E, 1> for Extreme<LEAST> {
    const NAME: &'static str = if LEAST { "min" } else { ROW.name };
    type Saved = Chosen;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        let lanes = Lanes::new(<Self as Op<E, 1>>::NAME, x, self.axis)?;
        if u32::try_from(lanes.size).is_err() {
            let problem = "the axis has more elements than 32 bits count";
            return Err(Error::op(<Self as Op<E, 1>>::NAME, problem, &[("x", x)], "cut it into shorter ones"));
        }
        Ok(lanes.reduced(x, self.keep))
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Chosen) {
        let lanes = Lanes::new(<Self as Op<E, 1>>::NAME, x.shape(), self.axis).expect("output_shape has agreed");
        let shape = lanes.reduced(x.shape(), self.keep);
        let (chunk, values) = ((CHUNK / lanes.size).max(1), x.as_slice());
        let mut places = Buffer::stale(shape.elements());
        let y = Tensor::build(shape, |y| {
            for_each_pair((y, chunk), (&mut places, chunk), |i, y, places| {
                for (j, (y, place)) in y.iter_mut().zip(places).enumerate() {
                    let lane = i * chunk + j;
                    let best = extreme::<E, LEAST>(&lanes, lane, values);
                    (*y, *place) = (values[lanes.place(lane, best)], best as u32);
                }
            });
        });
        (y, Chosen { x: *x.shape(), places })
    }

    fn backward(&self, Chosen { x, places }: Chosen, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let lanes = Lanes::new(<Self as Op<E, 1>>::NAME, &x, self.axis).expect("output_shape has agreed");
        let (blocks, dy) = ((CHUNK / lanes.block()).max(1), dy.as_slice());
        [Some(Tensor::build(x, |dx| {
            for_each(dx, blocks * lanes.block(), |i, dx| {
                dx.fill(E::ZERO);
                let first = i * blocks * lanes.inner;
                for lane in 0..dx.len() / lanes.size {
                    dx[lanes.place(lane, places[first + lane] as usize)] = dy[first + lane];
                }
            });
        }))]
    }
}

/// The place in its lane of the first element that no other replaces.
fn extreme<E: Element, const LEAST: bool>(lanes: &Lanes, lane: usize, x: &[E]) -> usize {
    let at = |place| x[lanes.place(lane, place)];
    (1..lanes.size).fold(0, |best, place| if replaces::<E, LEAST>(at(place), at(best)) { place } else { best })
}

/// The places of the greatest, or of the least, elements along an axis.
pub(super) fn places<E: Element, const LEAST: bool>(
    op: &'static str,
    x: &Tensor<E>,
    axis: usize,
) -> Result<Vec<usize>> {
    let lanes = Lanes::new(op, x.shape(), axis)?;
    let mut places = vec![0; x.shape().elements() / lanes.size];
    for_each(&mut places, (CHUNK / lanes.size).max(1), |i, places| {
        let first = i * (CHUNK / lanes.size).max(1);
        for (j, place) in places.iter_mut().enumerate() {
            *place = extreme::<E, LEAST>(&lanes, first + j, x.as_slice());
        }
    });
    Ok(places)
}

impl<E: Element> Var<E> {
    /// The greatest element along `axis`, which is dropped, or kept with size 1. Of equal ones the first gets the gradient.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::ReducedAxes};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.max(1, ReducedAxes::Dropped)?.value().as_slice(), [3.0, 5.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn max(&self, axis: usize, reduced: ReducedAxes) -> Result<Var<E>> {
        apply(Extreme::<false> { axis, keep: reduced == ReducedAxes::Kept }, [self])
    }

    /// The place along `axis` of the greatest element there, the first of equal ones, for each place of the other axes in row-major
    /// order: of logits `[N, C]` along axis 1, the likeliest class of each sample.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.argmax(1)?, [0, 1]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis.
    pub fn argmax(&self, axis: usize) -> Result<Vec<usize>> {
        places::<E, false>("argmax", self.value(), axis)
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::ReducedAxes;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn the_first_of_equals_and_the_first_nan_get_the_gradient() {
        let tape = Tape::new();
        let x = [2.0_f32, 9.0, 7.0, f32::NAN, 7.0, f32::NAN];
        let x = tape.leaf(Tensor::from_slice([3, 2], &x).unwrap());
        let y = x.max(0, ReducedAxes::Kept).unwrap();
        assert_eq!(y.value().shape().sizes(), [1, 2]);
        assert!(y.value().as_slice()[0] == 7.0 && y.value().as_slice()[1].is_nan());
        assert_eq!(x.argmax(0).unwrap(), [1, 1]);
        let gradients = tape.backward_from(&[(&y, Tensor::from_vec([1, 2], vec![3.0, 5.0]).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 0.0, 3.0, 5.0, 0.0, 0.0]);
    }

    /// By the definition, along every axis of a tensor of several chunks.
    #[test]
    fn every_lane_has_its_own() {
        let x = Tensor::from_fn([30, 40, 50], |i| (i * 7919 % 100_003) as f64).unwrap();
        for axis in 0..3 {
            let y = Var::constant(x.clone()).max(axis, ReducedAxes::Kept).unwrap();
            let places = Var::constant(x.clone()).argmax(axis).unwrap();
            for (flat, (y, place)) in y.value().as_slice().iter().zip(places).enumerate() {
                let mut index = Tensor::<f64>::zeros(y_shape(axis)).unwrap().index_of(flat);
                let lane: Vec<f64> = (0..[30, 40, 50][axis])
                    .map(|i| {
                        index[axis] = i;
                        x.at(&index).unwrap()
                    })
                    .collect();
                assert_eq!((*y, lane[place]), (lane.iter().copied().fold(lane[0], f64::max), *y));
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
        let text = x.max(2, ReducedAxes::Dropped).unwrap_err().to_string();
        assert_eq!(text, "max: axis 2 does not exist (x [2, 3]); name an axis below 2");
        assert!(x.argmax(2).unwrap_err().to_string().starts_with("argmax: axis 2 does not exist"));
    }
}
