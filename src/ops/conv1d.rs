//! One-dimensional convolution.
//!
//! **Formula** `y[n][k][o] = b[k] + Σ over c, i of w[k][c][i] · x[n][c][o·s + i·d − p]`, with `x` zero outside, stride `s`, dilation
//! `d` and padding `p`. With `G` groups, filter `k` sees only the `C/G` channels of its own group.
//!
//! **Shapes** `x [N, C, L]`, `w [K, C/G, S]`, `b [K]`, `y [N, K, OL]` with `OL = ⌊(L + 2p − d(S − 1) − 1) / s⌋ + 1`.
//!
//! **Gradient** as of `conv2d`, of which this is one with images and kernels of a single row. Reshaping costs nothing, so this is as
//! fast.
//!
//! **Kept for backward** what `conv2d` keeps, `x` and `w`.
//!
//! **Source** LeCun and Bengio, *Convolutional networks for images, speech, and time series*, 1995; PyTorch's `conv1d`.

use super::conv2d::Conv2d;
use super::support::catalogue::{Large, Row, case};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "conv1d",
    formula: "y[n,k,o] = b[k] + Σ w[k,c,i]·x[n,c,o·s+i·d−p]",
    nondifferentiable: "",
    f32_bound: 16.0,
    draw: |draw| {
        let groups = draw.pick(&[1, 1, 2]);
        let (n, c, k) = (draw.size(1, 3), groups * draw.size(1, 3), groups * draw.size(1, 4));
        let options = Conv1d { stride: draw.size(1, 3), padding: draw.size(0, 2), dilation: draw.size(1, 2), groups };
        let kernel = draw.size(1, 4);
        let least = (options.dilation * (kernel - 1) + 1).saturating_sub(2 * options.padding).max(1);
        let l = least + draw.size(0, 8);
        // Coarse numbers, whose sums are exact also where they cancel.
        let mut inputs = vec![draw.coarse([n, c, l]), draw.coarse([k, c / groups, kernel])];
        if draw.flag() {
            inputs.push(draw.coarse([k]));
        }
        case!(inputs, format!("{options:?}"), |v| v[0].conv1d(&v[1], v.get(2), options))
    },
    large: Large {
        shapes: &[&[13, 6, 1295], &[8, 6, 3], &[8]],
        run: |v| v[0].conv1d(&v[1], Some(&v[2]), Conv1d { padding: 1, ..Conv1d::default() }),
    },
};

/// How a kernel moves over a line.
///
/// ```
/// use evograd::ops::Conv1d;
/// let halving = Conv1d { stride: 2, padding: 1, ..Conv1d::default() };
/// assert_eq!((halving.dilation, halving.groups), (1, 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Inputs from one output to the next; 1 by default.
    pub stride: usize,
    /// Zeros on either side; 0 by default.
    pub padding: usize,
    /// Inputs from one element of the kernel to the next; 1 by default.
    pub dilation: usize,
    /// Parts that the channels fall into, each with filters of its own; 1 by default.
    pub groups: usize,
}

impl Default for Conv1d {
    fn default() -> Self {
        Conv1d { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

/// A tensor of three axes with an axis of size 1 before the last.
fn as_image<E: Element>(x: &Var<E>, shapes: &[(&str, &Shape)]) -> Result<Var<E>> {
    let Some([a, b, c]) = x.value().shape().axes() else {
        let problem = "the input and the kernel need three axes each";
        let remedy = "give lines of shape [N, C, L] and a kernel [K, C/groups, S]";
        return Err(Error::op(ROW.name, problem, shapes, remedy));
    };
    x.reshape([a, b, 1, c]).map_err(|error| error.at(ROW.name))
}

impl<E: Element> Var<E> {
    /// Convolves lines `[N, C, L]` with a kernel `[K, C/groups, S]` and adds a bias `[K]`, if there is one.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Conv1d};
    /// let x = Var::constant(Tensor::from_vec([1, 1, 4], vec![1.0_f32, 2.0, 4.0, 8.0])?);
    /// let difference = Var::constant(Tensor::from_vec([1, 1, 2], vec![-1.0, 1.0])?);
    /// assert_eq!(x.conv1d(&difference, None, Conv1d::default())?.value().as_slice(), [1.0, 2.0, 4.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit each other, a stride, dilation or the groups are 0, or the kernel does not fit the padded input. What
    /// `conv2d` refuses is an error of its name, with images of one row.
    pub fn conv1d(&self, kernel: &Var<E>, bias: Option<&Var<E>>, options: Conv1d) -> Result<Var<E>> {
        let shapes = [("input", self.value().shape()), ("kernel", kernel.value().shape())];
        let (x, w) = (as_image(self, &shapes)?, as_image(kernel, &shapes)?);
        let Conv1d { stride, padding, dilation, groups } = options;
        let [stride, padding, dilation] = [[1, stride], [0, padding], [1, dilation]];
        let options = Conv2d { stride, padding, dilation, groups, ..Conv2d::default() };
        let y = x.conv2d(&w, bias, options).map_err(|error| error.at(ROW.name))?;
        let [n, k, _, l] = y.value().shape().axes().expect("conv2d gives images");
        y.reshape([n, k, l]).map_err(|error| error.at(ROW.name))
    }
}

#[cfg(test)]
mod tests {
    use super::Conv1d;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn values_and_gradients_are_those_worked_out_by_hand() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([1, 1, 5], vec![1.0_f64, 2.0, 3.0, 4.0, 5.0]).unwrap());
        let w = tape.leaf(Tensor::from_vec([1, 1, 2], vec![10.0, 1.0]).unwrap());
        let options = Conv1d { stride: 2, padding: 1, dilation: 2, groups: 1 };
        let bias = Var::constant(Tensor::full([1], 0.5).unwrap());
        // Places −1, 1, 3 and, two further, 1, 3, 5.
        let y = x.conv1d(&w, Some(&bias), options).unwrap();
        assert_eq!(y.value().as_slice(), [2.5, 24.5, 40.5]);
        let gradients = tape.backward_from(&[(&y, Tensor::from_vec([1, 1, 3], vec![1.0, 2.0, 3.0]).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0, 21.0, 0.0, 32.0, 0.0]);
        assert_eq!(gradients.get(&w).unwrap().as_slice(), [16.0, 10.0]);
    }

    #[test]
    fn what_has_not_three_axes_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        assert_eq!(
            x.conv1d(&x, None, Conv1d::default()).unwrap_err().to_string(),
            "conv1d: the input and the kernel need three axes each (input [2, 3], kernel [2, 3]); \
             give lines of shape [N, C, L] and a kernel [K, C/groups, S]"
        );
    }
}
