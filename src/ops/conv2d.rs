//! Two-dimensional convolution (strictly: cross-correlation, as all networks use it).
//!
//! **Formula** `y[n][k][oh][ow] = b[k] + Σ over c, i, j of w[k][c][i][j] · x[n][c][oh·s + i·d − p][ow·s + j·d − p]`, with
//! `x` zero outside, stride `s`, dilation `d` and padding `p` for height and width each. With `G` groups, filter `k` sees
//! only the `C/G` channels of its own group.
//!
//! **Shapes** `x [N, C, H, W]`, `w [K, C/G, R, S]`, `b [K]`, `y [N, K, OH, OW]` with `OH = ⌊(H + p + q − d(R − 1) − 1) / s⌋ + 1`, where
//! `q` is the padding below, `p` unless it is given: it decides about nothing but how many outputs there are.
//!
//! **Gradient** `y` is linear in each of `x`, `w` and `b`, so each gradient is the sum of `dy` times the other factor
//! over all the products that the element takes part in:
//! `dx[n][c][h][w] = Σ w[k][c][i][j] · dy[n][k][oh][ow]` over the filters `k` of the group of `c` and all taps `i, j`, where
//! `oh = (h + p − i·d)/s` and `ow = (w + p − j·d)/s` are whole and within `dy`;
//! `dw[k][c][i][j] = Σ over n, oh, ow of dy[n][k][oh][ow] · x[n][c][oh·s + i·d − p][ow·s + j·d − p]`;
//! `db[k] = Σ over n, oh, ow of dy[n][k][oh][ow]`.
//!
//! For `s = 1` the first is a convolution of `dy` with `w` turned by 180°, filters and channels exchanged, padded by
//! `d(R − 1) − p`. For `s > 1` the taps that make `oh` whole depend on `h mod s` alone, the *phase*: one convolution of stride 1
//! with those taps for each phase ([`Window::backward`]). `dw` is a correlation of `x` with `dy` in which stride and dilation
//! exchange places.
//!
//! **Kept for backward** `x` and `w`; no im2col matrix.
//!
//! **Rounding** With stride 1, kernels of three or five rows use one-dimensional Winograd convolution, with a half or six tenths
//! of the multiplications; 3×3 kernels whose numbers of channels are multiples of 16 use the two-dimensional form, with a
//! quarter. Depthwise convolutions are summed directly. The gradient of the input does so too, also at larger strides where a phase has three or five taps. In `f32` the root
//! mean square of the error, over that of the exact values, stays below 8.4·10⁻⁷ for up to 1,024 channels, four times that of
//! PyTorch, in all three passes. Where a few pixels stand out, an image is summed directly, several times as slow: where of its
//! pixels that are not zero (in any channel) no more than one in eight is within 64 times of the largest; or where weights at a
//! kernel's edge are as much smaller than the others, or a value is not finite. So a few large values raise the error of outputs
//! outside their receptive field to at most a hundred times the error of direct summation, and an infinity or NaN reaches the
//! elements that see it and no others. Where more than one pixel in eight is large, the error of an output is a few roundings of
//! the largest pixel nearby, within seven rows and columns, whether it sees that one or not. Padding takes part in no product.
//!
//! **Source** LeCun et al., *Gradient-based learning applied to document recognition*, 1998; layouts as in PyTorch.

mod passes;
mod prepared;
mod sizes;

use super::support::catalogue::{Draw, IMAGES, Large, Row, case};
use super::support::window::Moves;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{ListOp, Var, apply_list};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use evograd_kernels::conv::Window;
pub(super) use passes::Passes;
pub(super) use sizes::Sizes;

pub use prepared::PreparedConv2d;

pub(super) const ROW: Row = Row {
    name: "conv2d",
    formula: "y[n,k,oh,ow] = b[k] + Σ w[k,c,i,j]·x[n,c,oh·s+i·d−p,ow·s+j·d−p]",
    nondifferentiable: "",
    f32_bound: 16.0,
    draw: |draw| {
        let (groups, n) = (draw.pick(&[1, 1, 2, 3]), draw.size(1, 3));
        // Every third with groups is depthwise: one channel, and a filter of its own or two.
        let (c, k) = match groups > 1 && draw.size(1, 3) == 1 {
            true => (groups, groups * draw.size(1, 2)),
            false => (groups * draw.size(1, 3), groups * draw.size(1, 5)),
        };
        let [(h, r, rows), (w, s, columns)] = [draw_axis(draw), draw_axis(draw)];
        let [stride, padding, dilation] = [[rows.0, columns.0], [rows.1, columns.1], [rows.2, columns.2]];
        // No less than on the other side, so that the kernel still fits, and no more than it spans: of a window of zeros alone nothing is
        // left but roundings.
        let spans = [dilation[0] * (r - 1), dilation[1] * (s - 1)];
        let end = |more: usize| [0, 1].map(|axis| (padding[axis] + more).min(spans[axis]).max(padding[axis]));
        let padding_end = draw.pick(&[None, None, Some(0), Some(2)]).map(end);
        let options = Conv2d { stride, padding, padding_end, dilation, groups };
        let mut inputs = vec![draw.values([n, c, h, w]), draw.values([k, c / groups, r, s])];
        if draw.flag() {
            inputs.push(draw.values([k]));
        }
        case!(inputs, format!("{options:?}"), |v| v[0].conv2d(&v[1], v.get(2), options))
    },
    large: Large {
        shapes: &[IMAGES, &[8, 3, 3, 3], &[8]],
        run: |v| {
            let options = Conv2d { stride: [2, 1], padding: [1, 1], groups: 2, ..Conv2d::default() };
            v[0].conv2d(&v[1], Some(&v[2]), options)
        },
    },
};

/// Input size, kernel size, and stride, padding and dilation of one axis, such that the kernel fits.
fn draw_axis(draw: &mut Draw) -> (usize, usize, (usize, usize, usize)) {
    let (kernel, stride, padding, dilation) = (draw.size(1, 4), draw.size(1, 3), draw.size(0, 2), draw.size(1, 2));
    let least = (dilation * (kernel - 1) + 1).saturating_sub(2 * padding).max(1);
    (least + draw.size(0, 6), kernel, (stride, padding, dilation))
}

/// How a kernel moves over an image; every pair is of height and width.
///
/// ```
/// use evograd::ops::Conv2d;
/// let halving = Conv2d { stride: [2, 2], padding: [1, 1], ..Conv2d::default() };
/// assert_eq!((halving.dilation, halving.groups), ([1, 1], 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Input pixels from one output pixel to the next; 1 by default.
    pub stride: [usize; 2],
    /// Zeros above and on the left of the image, and unless `padding_end` says otherwise below and on the right; 0 by default.
    pub padding: [usize; 2],
    /// Zeros below and on the right of the image, where they are not as many as `padding`.
    pub padding_end: Option<[usize; 2]>,
    /// Input pixels from one element of the kernel to the next; 1 by default.
    pub dilation: [usize; 2],
    /// Parts that the channels fall into, each with filters of its own; 1 by default.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Conv2d { stride: [1, 1], padding: [0, 0], padding_end: None, dilation: [1, 1], groups: 1 }
    }
}

impl Conv2d {
    /// The same with as much padding as keeps an image's size with stride 1, PyTorch's `padding='same'`: `d(R − 1)` zeros along an axis,
    /// of which the odd one is below or on the right. The dilation is that which is set by then.
    ///
    /// ```
    /// use evograd::ops::Conv2d;
    /// let same = Conv2d::default().same([3, 4]);
    /// assert_eq!((same.padding, same.padding_end), ([1, 1], Some([1, 2])));
    /// ```
    pub fn same(mut self, kernel: [usize; 2]) -> Conv2d {
        let all = [0, 1].map(|axis| kernel[axis].saturating_sub(1).saturating_mul(self.dilation[axis]));
        self.padding = all.map(|all| all / 2);
        self.padding_end = Some(all.map(|all| all - all / 2)).filter(|end| *end != self.padding);
        self
    }

    /// The output's shape for an input, a kernel and, perhaps, a bias.
    ///
    /// # Errors
    /// When they do not fit.
    pub(crate) fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        ListOp::<f32>::output_shape(&Convolution { options: *self }, inputs)
    }

    /// The sizes of the convolution of an input with a kernel and, perhaps, a bias.
    pub(super) fn sizes(&self, inputs: &[&Shape]) -> Result<Sizes> {
        let (x, w, bias) = (inputs[0], inputs[1], inputs.get(2).copied());
        let refuse = |problem: String, remedy: &str| {
            let mut shapes = vec![("input", x), ("kernel", w)];
            shapes.extend(bias.map(|bias| ("bias", bias)));
            Err(Error::op(ROW.name, problem, &shapes, remedy))
        };
        let Some([k, own, r, s]) = w.axes() else {
            return refuse(format!("the kernel has {} axes, not four", w.rank()), "give a kernel [K, C/groups, R, S]");
        };
        let Some([n, c, h, wide]) = x.axes() else {
            return refuse(format!("the input has {} axes, not four", x.rank()), "give images of shape [N, C, H, W]");
        };
        let groups = self.groups;
        if groups == 0 || c % groups != 0 || k % groups != 0 {
            let problem = format!("{groups} groups do not divide {c} channels and {k} filters");
            return refuse(problem, "use a number of groups that divides both");
        }
        if c / groups != own {
            let problem = format!("input has {} channels in a group, the kernel expects {own}", c / groups);
            return refuse(problem, "make the second size of the kernel the input's channels divided by the groups");
        }
        if bias.is_some_and(|bias| bias.sizes() != [k]) {
            return refuse(format!("the bias is not of {k} values"), "give one bias for each filter");
        }
        let Conv2d { stride, padding, padding_end, dilation, .. } = *self;
        let padding_end = padding_end.unwrap_or(padding);
        let moves = Moves { kernel: [r, s], stride, padding, padding_end, dilation, ceil: false };
        let output = moves.output_size(ROW.name, x)?;
        let window = |axis: usize, input, kernel| Window {
            input,
            output: output[axis],
            kernel,
            // Where there is one output or one tap, no step is taken: 1 will do, and no number is greater than the
            // padded input.
            stride: if output[axis] == 1 { 1 } else { self.stride[axis] },
            padding: self.padding[axis],
            dilation: if kernel == 1 { 1 } else { self.dilation[axis] },
        };
        let (rows, columns) = (window(0, h, r), window(1, wide, s));
        Ok(Sizes { images: n, channels: c, filters: k, groups, rows, columns, padding_end })
    }
}

/// The operation: input, kernel and, perhaps, a bias.
#[derive(Debug)]
struct Convolution {
    options: Conv2d,
}

impl Convolution {
    fn passes(&self, inputs: &[&Shape]) -> Passes {
        Passes::new(self.options.sizes(inputs).expect("output_shape has agreed to these shapes"))
    }
}

impl<E: Element> ListOp<E> for Convolution {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let sizes = self.options.sizes(inputs)?;
        if !sizes.padded().is_some_and(|padded| Tensor::<E>::fits(&padded)) {
            let problem = format!("memory has no room for images with padding {:?}", self.options.padding);
            let shapes = [("input", inputs[0]), ("kernel", inputs[1])];
            return Err(Error::op(ROW.name, problem, &shapes, "use smaller images or less padding"));
        }
        let Sizes { images, filters, rows, columns, .. } = sizes;
        Ok(Shape::new(&[images, filters, rows.output, columns.output])?)
    }

    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        let kernel = inputs[1].sizes();
        kernel[1..].iter().fold(output.elements() as u64, |macs, size| macs.saturating_mul(*size as u64))
    }

    fn forward(&self, inputs: &[&Tensor<E>]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let shapes: Vec<&Shape> = inputs.iter().map(|input| input.shape()).collect();
        let y = self.passes(&shapes).forward(inputs[0], inputs[1], inputs.get(2).copied());
        (y, [inputs[0].clone(), inputs[1].clone()])
    }

    fn backward(&self, [x, w]: [Tensor<E>; 2], dy: Tensor<E>, wanted: &[bool]) -> Vec<Option<Tensor<E>>> {
        let passes = self.passes(&[x.shape(), w.shape()]);
        let mut gradients =
            vec![wanted[0].then(|| passes.input(*x.shape(), &w, &dy)), wanted[1].then(|| passes.weights(&x, &w, &dy))];
        gradients.extend(wanted.get(2).map(|wanted| wanted.then(|| passes.bias(&dy))));
        gradients
    }
}

impl<E: Element> Var<E> {
    /// Convolves images `[N, C, H, W]` with a kernel `[K, C/groups, R, S]` and adds a bias `[K]`, if there is one.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Conv2d};
    /// let x = Var::constant(Tensor::from_fn([1, 1, 3, 3], |i| i as f32)?);
    /// let blur = Var::constant(Tensor::full([1, 1, 2, 2], 0.25)?);
    /// assert_eq!(x.conv2d(&blur, None, Conv2d::default())?.value().as_slice(), [2.0, 3.0, 5.0, 6.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit each other, a stride, dilation or the groups are 0, or the kernel does not fit the
    /// padded input.
    pub fn conv2d(&self, kernel: &Var<E>, bias: Option<&Var<E>>, options: Conv2d) -> Result<Var<E>> {
        let mut inputs = vec![self, kernel];
        inputs.extend(bias);
        apply_list(Convolution { options }, &inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    fn zeros<const N: usize>(shape: [usize; N]) -> Var<f32> {
        Var::constant(Tensor::zeros(shape).unwrap())
    }

    fn text(x: Var<f32>, w: Var<f32>, bias: Option<&Var<f32>>, options: Conv2d) -> String {
        x.conv2d(&w, bias, options).unwrap_err().to_string()
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let plain = Conv2d::default();
        assert_eq!(
            text(zeros([8, 3, 32, 32]), zeros([32, 16, 3, 3]), None, plain),
            "conv2d: input has 3 channels in a group, the kernel expects 16 (input [8, 3, 32, 32], kernel [32, 16, 3, 3]); \
             make the second size of the kernel the input's channels divided by the groups"
        );
        assert_eq!(
            text(zeros([3, 32, 32]), zeros([32, 16, 3, 3]), None, plain),
            "conv2d: the input has 3 axes, not four (input [3, 32, 32], kernel [32, 16, 3, 3]); \
             give images of shape [N, C, H, W]"
        );
        assert_eq!(
            text(zeros([1, 4, 5, 5]), zeros([6, 1, 3, 3]), None, Conv2d { groups: 4, ..plain }),
            "conv2d: 4 groups do not divide 4 channels and 6 filters (input [1, 4, 5, 5], kernel [6, 1, 3, 3]); \
             use a number of groups that divides both"
        );
        assert_eq!(
            text(zeros([1, 1, 5, 5]), zeros([2, 1, 3, 3]), Some(&zeros([3])), plain),
            "conv2d: the bias is not of 2 values (input [1, 1, 5, 5], kernel [2, 1, 3, 3], bias [3]); \
             give one bias for each filter"
        );
        assert!(text(zeros([1, 1, 2, 2]), zeros([1, 1, 3, 3]), None, plain).contains("larger than the padded input"));
    }

    /// Against margins of zeros, values and gradients, by Winograd's algorithms and direct summation.
    #[test]
    fn padding_on_one_side_is_as_good_as_zeros() {
        for (channels, [r, s]) in [(2, [2, 4]), (3, [3, 3]), (16, [3, 3])] {
            let tape = Tape::new();
            let x = tape.leaf(Tensor::from_fn([2, channels, 7, 6], |i| (i as f64 * 0.7).sin()).unwrap());
            let w = tape.leaf(Tensor::from_fn([16, channels, r, s], |i| (i as f64).cos()).unwrap());
            let options = Conv2d { padding: [0, 2], padding_end: Some([1, 0]), ..Conv2d::default() };
            let y = x.conv2d(&w, None, options).unwrap();
            let padded = x.pad(&[(0, 0), (0, 0), (0, 1), (2, 0)]).unwrap();
            let expected = padded.conv2d(&w, None, Conv2d::default()).unwrap();
            assert_eq!(y.value().shape(), expected.value().shape());
            let dy = Tensor::from_fn(y.value().shape(), |i| (i as f64 * 1.3).sin()).unwrap();
            let minus = Tensor::from_fn(dy.shape(), |i| -dy.as_slice()[i]).unwrap();
            let gradients = tape.backward_from(&[(&y, dy), (&expected, minus)]).unwrap();
            assert!(y.value().as_slice().iter().zip(expected.value().as_slice()).all(|(a, b)| (a - b).abs() < 1e-11));
            // What both have in common cancels.
            for leaf in [&x, &w] {
                assert!(gradients.get(leaf).unwrap().as_slice().iter().all(|sum| sum.abs() < 1e-11), "{r}×{s}");
            }
        }
    }

    #[test]
    fn same_keeps_the_size_of_images() {
        for (kernel, dilation) in [([3, 3], [1, 1]), ([2, 4], [1, 1]), ([4, 3], [3, 2]), ([1, 2], [1, 5])] {
            let options = Conv2d { dilation, ..Conv2d::default() }.same(kernel);
            let w = zeros([1, 1, kernel[0], kernel[1]]);
            let y = zeros([1, 1, 5, 6]).conv2d(&w, None, options).unwrap();
            assert_eq!(y.value().shape().sizes(), [1, 1, 5, 6], "{kernel:?}");
        }
        // The odd zero is on the right: each pixel meets itself first.
        let x = Var::constant(Tensor::from_vec([1, 1, 1, 3], vec![1.0, 2.0, 3.0]).unwrap());
        let w = Var::constant(Tensor::from_vec([1, 1, 1, 2], vec![1.0, 10.0]).unwrap());
        let y = x.conv2d(&w, None, Conv2d::default().same([1, 2])).unwrap();
        assert_eq!(y.value().as_slice(), [21.0, 32.0, 3.0]);
    }

    /// Whatever algorithm computes it, here direct summation and both of Winograd's.
    #[test]
    fn not_a_number_reaches_the_pixels_that_see_it_and_no_others() {
        let padded = Conv2d { padding: [1, 1], ..Conv2d::default() };
        for (kernel, width, expected) in
            [([1, 1, 2, 2], 7, [0, 1, 7, 8]), ([1, 1, 3, 3], 6, [0, 1, 6, 7]), ([16, 16, 3, 3], 6, [0, 1, 6, 7])]
        {
            let mut x = Tensor::<f32>::zeros([1, kernel[1], 6, 6]).unwrap();
            x.as_mut_slice()[0] = f32::NAN;
            let y = Var::constant(x).conv2d(&zeros(kernel), None, padded).unwrap();
            assert_eq!(y.value().shape().sizes()[3], width);
            let plane = &y.value().as_slice()[..width * width];
            let found: Vec<usize> = plane.iter().enumerate().filter(|(_, y)| y.is_nan()).map(|(i, _)| i).collect();
            assert_eq!(found, expected);
        }
    }
}
