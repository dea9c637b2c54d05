//! The greatest element over chosen axes, with the gradient shared.
//!
//! **Formula** `y[kept] = max x[kept, reduced]` over all indices of the reduced axes; NaN where any is.
//!
//! **Shapes** `x` any; `y` has the axes of `x` that are not reduced, and where they are kept, size 1 for the others.
//!
//! **Gradient** `y` follows its greatest element, so `dx` is `dy` there and 0 elsewhere. Where several are equal there is no
//! derivative; each of the `k` that are gets `dy/k`, as PyTorch's `amax` shares it, so that the result does not depend on their
//! order. Several NaN share it too.
//!
//! **Kept for backward** `x` and `y`, not copied.
//!
//! **Source** the definition. `max` gives the gradient to one of several.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::{binary, ternary};
use super::support::extreme::{replaces, same};
use super::support::reduction::{Axes, Plan, ReducedAxes, draw_axes};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "amax",
    formula: "y = greatest of x over chosen axes",
    nondifferentiable: "two values closer than 1/16",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        let (axes, count) = draw_axes(draw, shape.rank());
        let keep = draw.flag();
        case!([draw.distinct(shape)], format!("axes {:?} keep {keep}", &axes[..count]), |v| match count {
            0 => v[0].amax_all(),
            _ => v[0].amax(&axes[..count], ReducedAxes::kept_if(keep)),
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].amax(&[0, 2], ReducedAxes::Dropped) },
};

/// The operation, of the greatest or of the least.
#[derive(Debug)]
pub(super) struct Extremes<const LEAST: bool> {
    pub axes: Axes,
    pub keep: bool,
}

/// What it keeps.
pub(super) struct Kept<E: Element> {
    plan: Plan,
    x: Tensor<E>,
    y: Tensor<E>,
}

impl<E: Element, const LEAST: bool> Op<E, 1> for Extremes<LEAST> {
    const NAME: &'static str = if LEAST { "amin" } else { ROW.name };
    type Saved = Kept<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(Plan::new(<Self as Op<E, 1>>::NAME, x, &self.axes, self.keep)?.shape())
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Kept<E>) {
        let plan = Plan::new(<Self as Op<E, 1>>::NAME, x.shape(), &self.axes, self.keep);
        let plan = plan.expect("output_shape has agreed");
        let y = plan.choose(x, replaces::<E, LEAST>);
        (y.clone(), Kept { plan, x: x.clone(), y })
    }

    fn backward(&self, Kept { plan, x, y }: Kept<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let y = plan.spread(&y);
        let chosen = binary(&x, &y, |_, x, y, chosen| {
            for ((chosen, x), y) in chosen.iter_mut().zip(x).zip(y) {
                *chosen = if same(*x, *y) { E::ONE } else { E::ZERO };
            }
        });
        let counts = plan.sum(&chosen);
        let shares = binary(&dy, &counts, |_, dy, counts, shares| {
            shares.iter_mut().zip(dy).zip(counts).for_each(|((share, dy), count)| *share = *dy / *count);
        });
        let dx = ternary([&x, &y, &plan.spread(&shares)], |_, [x, y, share], dx| {
            for (((dx, x), y), share) in dx.iter_mut().zip(x).zip(y).zip(share) {
                *dx = if same(*x, *y) { *share } else { E::ZERO };
            }
        });
        [Some(dx)]
    }
}

impl<E: Element> Var<E> {
    /// The greatest element over `axes`, in any order; they are dropped, or kept with size 1. Equal ones share the gradient.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::ReducedAxes};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.amax(&[1], ReducedAxes::Dropped)?.value().as_slice(), [3.0, 5.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When no axis is named, one is named twice, or one does not exist.
    pub fn amax(&self, axes: &[usize], reduced: ReducedAxes) -> Result<Var<E>> {
        apply(Extremes::<false> { axes: Axes::Named(axes.to_vec()), keep: reduced == ReducedAxes::Kept }, [self])
    }

    /// The greatest of all elements, of shape `[]`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.amax_all()?.item()?, 5.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn amax_all(&self) -> Result<Var<E>> {
        apply(Extremes::<false> { axes: Axes::All, keep: false }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::ReducedAxes;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn equal_ones_share_the_gradient_and_nan_wins() {
        let tape = Tape::new();
        let x = [2.0_f32, 7.0, 7.0, 1.0, f32::NAN, 9.0];
        let x = tape.leaf(Tensor::from_slice([2, 3], &x).unwrap());
        let y = x.amax(&[1], ReducedAxes::Dropped).unwrap();
        assert!(y.value().as_slice()[0] == 7.0 && y.value().as_slice()[1].is_nan());
        let gradients = tape.backward_from(&[(&y, Tensor::from_vec([2], vec![3.0, 5.0]).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 1.5, 1.5, 0.0, 5.0, 0.0]);
    }

    /// Axes apart from each other, and lines longer than a chunk of work.
    #[test]
    fn every_lane_has_its_own() {
        let x = Tensor::from_fn([3, 20_011, 2], |i| (i * 7919 % 10_007) as f64).unwrap();
        let y = Var::constant(x.clone()).amax(&[1, 0], ReducedAxes::Kept).unwrap();
        assert_eq!(y.value().shape().sizes(), [1, 1, 2]);
        for (column, y) in y.value().as_slice().iter().enumerate() {
            let lane = x.as_slice().iter().skip(column).step_by(2).copied();
            assert_eq!(*y, lane.fold(f64::NEG_INFINITY, f64::max));
        }
        assert_eq!(Var::constant(x).amax_all().unwrap().item().unwrap(), 10_006.0);
    }

    #[test]
    fn axes_that_do_not_exist_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axes: &[usize]| x.amax(axes, ReducedAxes::Dropped).unwrap_err().to_string();
        assert_eq!(text(&[2]), "amax: axis 2 does not exist (x [2, 3]); name axes below 2");
        assert_eq!(text(&[]), "amax: no axes are named (x [2, 3]); name at least one, or use amax_all");
    }
}
