//! A tensor cut into parts along one axis.
//!
//! **Formula** the first part has the first `size` places of the axis, the second those behind them, …; the last one has what is left.
//!
//! **Shapes** `x` any with at least one axis; each part has `size` places along it, the last one perhaps less, and else the sizes of
//! `x`.
//!
//! **Gradient** each element of `x` is in one part, so `dx` has the gradient of that part there. The parts are slices, whose gradients
//! add up.
//!
//! **Kept for backward** what `slice` keeps, of which these are several: no values.
//!
//! **Source** PyTorch's `split`; a choice of elements, nothing is computed.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::lanes::Lanes;
use crate::error::{Error, Result};
use crate::tape::Var;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "split",
    formula: "parts of x of one size along one axis, here joined in reverse order",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.size(0, shape.rank() - 1);
        let size = draw.size(1, 5);
        case!([draw.values(shape)], format!("axis {axis} size {size}"), |v| {
            Var::concat(&v[0].split(axis, size)?.iter().rev().collect::<Vec<_>>(), axis)
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| Var::concat(&v[0].split(1, 4)?.iter().rev().collect::<Vec<_>>(), 1) },
};

impl<E: Element> Var<E> {
    /// The parts of `size` places along `axis`, in order; the last one has what is left.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_fn([5], |i| i as f32)?);
    /// let parts = x.split(0, 2)?;
    /// assert_eq!((parts.len(), parts[1].value().as_slice()), (3, &[2.0, 3.0][..]));
    /// assert_eq!(parts[2].value().as_slice(), [4.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such axis, or `size` is 0.
    pub fn split(&self, axis: usize, size: usize) -> Result<Vec<Var<E>>> {
        let x = self.value().shape();
        let lanes = Lanes::new(ROW.name, x, axis)?;
        if size == 0 {
            return Err(Error::op(ROW.name, "the parts have size 0", &[("x", x)], "use a size of at least 1"));
        }
        let part = |start| self.slice(axis, start..lanes.size.min(start.saturating_add(size)));
        let parts = (0..lanes.size).step_by(size).map(part).collect::<Result<Vec<_>>>();
        parts.map_err(|error| error.at(ROW.name))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn each_part_sends_its_gradient_to_its_places() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([2, 3], |i| i as f32).unwrap());
        let parts = x.split(1, 2).unwrap();
        assert_eq!([0, 1].map(|i| parts[i].value().as_slice().to_vec()), [vec![0.0, 1.0, 3.0, 4.0], vec![2.0, 5.0]]);
        let last = Tensor::from_vec([2, 1], vec![7.0, 8.0]).unwrap();
        let gradients = tape.backward_from(&[(&parts[1], last)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 0.0, 7.0, 0.0, 0.0, 8.0]);
    }

    #[test]
    fn what_cannot_be_split_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |axis, size| x.split(axis, size).unwrap_err().to_string();
        assert_eq!(text(1, 0), "split: the parts have size 0 (x [2, 3]); use a size of at least 1");
        assert_eq!(text(2, 1), "split: axis 2 does not exist (x [2, 3]); name an axis below 2");
        assert_eq!(x.split(1, usize::MAX).unwrap().len(), 1);
    }
}
