//! The sum over chosen axes.
//!
//! **Formula** `y[kept] = Σ x[kept, reduced]` over all indices of the reduced axes.
//!
//! **Shapes** `x` any; `y` has the axes of `x` that are not summed over, and where they are kept, size 1 for the others.
//!
//! **Gradient** every element of `x` goes into exactly one of `y`, with slope 1, so `dx[kept, reduced] = dy[kept]`: the
//! gradient is repeated along the summed axes.
//!
//! **Kept for backward** the shape and the axes, no values.
//!
//! **Source** the sum rule. The order of the additions, which decides the rounding error, is given in the kernel.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::reduction::{Axes, Plan, ReducedAxes, draw_axes};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "sum",
    formula: "y = sum of x over chosen axes",
    nondifferentiable: "",
    f32_bound: 6.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        let (axes, count) = draw_axes(draw, shape.rank());
        let keep = draw.flag();
        let chosen = format!("axes {:?} keep {keep}", &axes[..count]);
        // Positive numbers, which leave digits to round, do not cancel.
        let x = if draw.flag() { draw.coarse(shape) } else { draw.positive(shape) };
        case!([x], chosen, |v| match count {
            0 => v[0].sum_all(),
            _ => v[0].sum(&axes[..count], ReducedAxes::kept_if(keep)),
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].sum_all() },
};

#[derive(Debug)]
struct Sum {
    axes: Axes,
    keep: bool,
}

impl<E: Element> Op<E, 1> for Sum {
    const NAME: &'static str = ROW.name;
    type Saved = Plan;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(Plan::new(ROW.name, x, &self.axes, self.keep)?.shape())
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Plan) {
        let plan = Plan::new(ROW.name, x.shape(), &self.axes, self.keep).expect("output_shape has agreed");
        (plan.sum(x), plan)
    }

    fn backward(&self, plan: Plan, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(plan.spread(&dy))]
    }
}

impl<E: Element> Var<E> {
    /// The sum over `axes`, in any order; they are dropped, or kept with size 1, so that the result
    /// broadcasts against `self`.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::ReducedAxes};
    /// let x = Var::constant(Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.sum(&[0], ReducedAxes::Dropped)?.value().as_slice(), [5.0, 7.0, 9.0]);
    /// assert_eq!(x.sum(&[1], ReducedAxes::Kept)?.value().shape().sizes(), [2, 1]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When no axis is named, one is named twice, or one does not exist.
    pub fn sum(&self, axes: &[usize], reduced: ReducedAxes) -> Result<Var<E>> {
        apply(Sum { axes: Axes::Named(axes.to_vec()), keep: reduced == ReducedAxes::Kept }, [self])
    }

    /// The sum of all elements, of shape `[]`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![1.0_f32, 2.0, 3.0, 4.0])?);
    /// assert_eq!(x.sum_all()?.item()?, 10.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn sum_all(&self) -> Result<Var<E>> {
        apply(Sum { axes: Axes::All, keep: false }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::ReducedAxes;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn the_gradient_is_repeated_along_the_summed_axes() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([2, 2, 2], |i| i as f32).unwrap());
        let y = x.sum(&[2, 0], ReducedAxes::Dropped).unwrap();
        assert_eq!(y.value().as_slice(), [10.0, 18.0]);
        let dy = Tensor::from_vec([2], vec![3.0, 5.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [3.0, 3.0, 5.0, 5.0, 3.0, 3.0, 5.0, 5.0]);
    }

    #[test]
    fn a_single_number_is_its_own_sum_and_nan_stays() {
        let x = Var::constant(Tensor::scalar(2.5_f32));
        assert_eq!(x.sum_all().unwrap().item().unwrap(), 2.5);
        let x = Var::constant(Tensor::from_vec([2, 2], vec![1.0, f32::NAN, 2.0, 3.0]).unwrap());
        let y = x.sum(&[1], ReducedAxes::Dropped).unwrap();
        assert!(y.value().as_slice()[0].is_nan() && y.value().as_slice()[1] == 5.0);
    }

    #[test]
    fn wrong_axes_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axes: &[usize]| x.sum(axes, ReducedAxes::Kept).unwrap_err().to_string();
        assert_eq!(text(&[]), "sum: no axes are named (x [2, 3]); name at least one, or use sum_all");
        assert_eq!(text(&[0, 2]), "sum: axis 2 does not exist (x [2, 3]); name axes below 2");
        assert_eq!(text(&[1, 0, 1]), "sum: axis 1 is named twice (x [2, 3]); name each axis once");
    }
}
