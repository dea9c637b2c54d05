//! The mean over chosen axes.
//!
//! **Formula** `y[kept] = Σ x[kept, reduced] / n` over all indices of the reduced axes, of which there are `n`.
//!
//! **Shapes** `x` any; `y` has the axes of `x` that are not averaged over, and where they are kept, size 1 for the
//! others.
//!
//! **Gradient** every element of `x` goes into exactly one of `y`, with slope `1/n`, so
//! `dx[kept, reduced] = dy[kept] / n`.
//!
//! **Kept for backward** the shape and the axes, no values.
//!
//! **Source** the sum rule.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::elementwise::unary;
use super::support::reduction::{Axes, Plan, ReducedAxes, draw_axes};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "mean",
    formula: "y = mean of x over chosen axes",
    nondifferentiable: "",
    f32_bound: 7.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        let (axes, count) = draw_axes(draw, shape.rank());
        let keep = draw.flag();
        let chosen = format!("axes {:?} keep {keep}", &axes[..count]);
        // Positive numbers, which leave digits to round, do not cancel.
        let x = if draw.flag() { draw.coarse(shape) } else { draw.positive(shape) };
        case!([x], chosen, |v| match count {
            0 => v[0].mean_all(),
            _ => v[0].mean(&axes[..count], ReducedAxes::kept_if(keep)),
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].mean(&[0, 2, 3], ReducedAxes::Dropped) },
};

#[derive(Debug)]
struct Mean {
    axes: Axes,
    keep: bool,
}

impl<E: Element> Op<E, 1> for Mean {
    const NAME: &'static str = ROW.name;
    type Saved = Plan;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(Plan::new(ROW.name, x, &self.axes, self.keep)?.shape())
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Plan) {
        let plan = Plan::new(ROW.name, x.shape(), &self.axes, self.keep).expect("output_shape has agreed");
        (plan.mean(x), plan)
    }

    fn backward(&self, plan: Plan, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let share = E::from_f64(1.0 / plan.count() as f64);
        [Some(plan.spread(&unary(&dy, |isa, dy, dx| arith::scale(isa, dy, share, dx))))]
    }
}

impl<E: Element> Var<E> {
    /// The mean over `axes`, in any order; they are dropped, or kept with size 1, so that the result
    /// broadcasts against `self`.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::ReducedAxes};
    /// let x = Var::constant(Tensor::from_vec([2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.mean(&[0], ReducedAxes::Dropped)?.value().as_slice(), [2.5, 3.5, 4.5]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When no axis is named, one is named twice, or one does not exist.
    pub fn mean(&self, axes: &[usize], reduced: ReducedAxes) -> Result<Var<E>> {
        apply(Mean { axes: Axes::Named(axes.to_vec()), keep: reduced == ReducedAxes::Kept }, [self])
    }

    /// The mean of all elements, of shape `[]`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 2], vec![1.0_f32, 2.0, 3.0, 4.0])?);
    /// assert_eq!(x.mean_all()?.item()?, 2.5);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// None of its own.
    pub fn mean_all(&self) -> Result<Var<E>> {
        apply(Mean { axes: Axes::All, keep: false }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::ReducedAxes;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn the_gradient_is_shared_out_along_the_averaged_axes() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([2, 2], |i| i as f32).unwrap());
        let y = x.mean(&[0], ReducedAxes::Kept).unwrap();
        assert_eq!(y.value(), &Tensor::from_vec([1, 2], vec![1.0, 2.0]).unwrap());
        let dy = Tensor::from_vec([1, 2], vec![3.0, 5.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [1.5, 2.5, 1.5, 2.5]);
    }

    #[test]
    fn wrong_axes_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axes: &[usize]| x.mean(axes, ReducedAxes::Dropped).unwrap_err().to_string();
        assert_eq!(text(&[]), "mean: no axes are named (x [2, 3]); name at least one, or use mean_all");
        assert_eq!(text(&[5]), "mean: axis 5 does not exist (x [2, 3]); name axes below 2");
        assert_eq!(text(&[0, 0]), "mean: axis 0 is named twice (x [2, 3]); name each axis once");
    }
}
