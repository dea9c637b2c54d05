//! The least element over chosen axes, with the gradient shared.
//!
//! **Formula** `y[kept] = min x[kept, reduced]` over all indices of the reduced axes; NaN where any is.
//!
//! **Shapes** `x` any; `y` has the axes of `x` that are not reduced, and where they are kept, size 1 for the others.
//!
//! **Gradient** `y` follows its least element, so `dx` is `dy` there and 0 elsewhere. Where several are equal there is no
//! derivative; each of the `k` that are gets `dy/k`, as PyTorch's `amin` shares it, so that the result does not depend on their
//! order. Several NaN share it too.
//!
//! **Kept for backward** `x` and `y`, not copied.
//!
//! **Source** the definition. `min` gives the gradient to one of several.

use super::amax::Extremes;
use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::reduction::{Axes, ReducedAxes, draw_axes};
use crate::error::Result;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "amin",
    formula: "y = least of x over chosen axes",
    nondifferentiable: "two values closer than 1/16",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        let (axes, count) = draw_axes(draw, shape.rank());
        let keep = draw.flag();
        case!([draw.distinct(shape)], format!("axes {:?} keep {keep}", &axes[..count]), |v| match count {
            0 => v[0].amin_all(),
            _ => v[0].amin(&axes[..count], ReducedAxes::kept_if(keep)),
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].amin(&[0, 2], ReducedAxes::Dropped) },
};

impl<E: Element> Var<E> {
    /// The least element over `axes`, in any order; they are dropped, or kept with size 1. Equal ones share the gradient.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::ReducedAxes};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.amin(&[1], ReducedAxes::Dropped)?.value().as_slice(), [1.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When no axis is named, one is named twice, or one does not exist.
    pub fn amin(&self, axes: &[usize], reduced: ReducedAxes) -> Result<Var<E>> {
        apply(Extremes::<true> { axes: Axes::Named(axes.to_vec()), keep: reduced == ReducedAxes::Kept }, [self])
    }

    /// The least of all elements, of shape `[]`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![3.0_f32, 1.0, 2.0, 5.0])?);
    /// assert_eq!(x.amin_all()?.item()?, 1.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn amin_all(&self) -> Result<Var<E>> {
        apply(Extremes::<true> { axes: Axes::All, keep: false }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::ReducedAxes;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn equal_ones_share_the_gradient_and_nan_wins() {
        let tape = Tape::new();
        let x = [2.0_f32, -7.0, -7.0, 1.0, f32::NAN, -9.0];
        let x = tape.leaf(Tensor::from_slice([2, 3], &x).unwrap());
        let y = x.amin(&[1], ReducedAxes::Dropped).unwrap();
        assert!(y.value().as_slice()[0] == -7.0 && y.value().as_slice()[1].is_nan());
        let gradients = tape.backward_from(&[(&y, Tensor::from_vec([2], vec![3.0, 5.0]).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 1.5, 1.5, 0.0, 5.0, 0.0]);
    }

    /// Axes apart from each other, and lines longer than a chunk of work.
    #[test]
    fn every_lane_has_its_own() {
        let x = Tensor::from_fn([3, 20_011, 2], |i| -((i * 7919 % 10_007) as f64)).unwrap();
        let y = Var::constant(x.clone()).amin(&[1, 0], ReducedAxes::Kept).unwrap();
        assert_eq!(y.value().shape().sizes(), [1, 1, 2]);
        for (column, y) in y.value().as_slice().iter().enumerate() {
            let lane = x.as_slice().iter().skip(column).step_by(2).copied();
            assert_eq!(*y, lane.fold(f64::INFINITY, f64::min));
        }
        assert_eq!(Var::constant(x).amin_all().unwrap().item().unwrap(), -10_006.0);
    }

    #[test]
    fn axes_that_do_not_exist_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axes: &[usize]| x.amin(axes, ReducedAxes::Dropped).unwrap_err().to_string();
        assert_eq!(text(&[2]), "amin: axis 2 does not exist (x [2, 3]); name axes below 2");
        assert_eq!(text(&[]), "amin: no axes are named (x [2, 3]); name at least one, or use amin_all");
    }
}
