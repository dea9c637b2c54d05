//! Transposed convolution: the gradient of a convolution's input as an operation of its own, which makes images larger.
//!
//! **Formula** every input pixel adds the kernel, times its value, to the output:
//! `y[n][k][oh][ow] = b[k] + Σ over c, i, j of w[c][k][i][j] · x[n][c][h][w]` over the `(i, h)` with `h·s + i·d − p = oh` and likewise
//! `j`, with stride `s`, dilation `d` and padding `p`. With `G` groups, channel `c` goes into the `K/G` filters of its own group alone.
//!
//! **Shapes** `x [N, C, H, W]`, `w [C, K/G, R, S]`, `b [K]`, `y [N, K, OH, OW]` with `OH = (H − 1)·s − 2p + d(R − 1) + e + 1`, where `e`
//! is the output padding, less than the stride: rows that a convolution of `y` to the size of `x` leaves out.
//!
//! **Gradient** Let `conv` be `conv2d` with the same kernel and options, from images like `y` to images like `x`. This operation is
//! `conv` transposed, so `dx = conv(dy)`; `dw` is that of `conv` with input `dy` and output gradient `x`, for the sum of products is
//! the same with both roles changed; `db[k] = Σ dy[n][k][oh][ow]`.
//!
//! **Kept for backward** `x` and `w`.
//!
//! **Source** Zeiler and others, *Deconvolutional networks*, CVPR 2010; layouts and options as in PyTorch's `conv_transpose2d`.

use super::conv2d::{Conv2d, Passes, Sizes};
use super::support::catalogue::{Large, Row, case};
use super::support::reduction::sum_back;
use crate::error::{Error, Result};
use crate::par::for_each;
use crate::shape::Shape;
use crate::tape::{ListOp, Var, apply_list};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use evograd_kernels::conv::Window;

pub(super) const ROW: Row = Row {
    name: "conv_transpose2d",
    formula: "y[n,k,h·s+i·d−p,w·s+j·d−p] = b[k] + Σ w[c,k,i,j]·x[n,c,h,w]",
    nondifferentiable: "",
    f32_bound: 16.0,
    draw: |draw| {
        let groups = draw.pick(&[1, 1, 2]);
        let (n, c, k) = (draw.size(1, 2), groups * draw.size(1, 3), groups * draw.size(1, 3));
        let mut axis = || {
            let (kernel, stride, dilation) = (draw.size(1, 4), draw.size(1, 3), draw.size(1, 2));
            let span = dilation * (kernel - 1) + 1;
            let padding = draw.size(0, (span - 1) / 2);
            // So many pixels that every tap meets one: the gradient of another is 0, which no digits of sums can show.
            (padding + draw.size(1, 4), kernel, [stride, padding, dilation, draw.size(0, stride - 1)])
        };
        let [(h, r, rows), (w, s, columns)] = [axis(), axis()];
        let pair = |option: usize| [rows[option], columns[option]];
        let options =
            ConvTranspose2d { stride: pair(0), padding: pair(1), dilation: pair(2), output_padding: pair(3), groups };
        let mut inputs = vec![draw.values([n, c, h, w]), draw.values([c, k / groups, r, s])];
        if draw.flag() {
            inputs.push(draw.values([k]));
        }
        case!(inputs, format!("{options:?}"), |v| v[0].conv_transpose2d(&v[1], v.get(2), options))
    },
    large: Large {
        shapes: &[&[13, 8, 19, 17], &[8, 3, 3, 3], &[6]],
        run: |v| {
            let options = ConvTranspose2d { stride: [2, 1], padding: [1, 1], groups: 2, ..ConvTranspose2d::default() };
            v[0].conv_transpose2d(&v[1], Some(&v[2]), options)
        },
    },
};

/// How a kernel moves over the output; every pair is of height and width.
///
/// ```
/// use evograd::ops::ConvTranspose2d;
/// let doubling = ConvTranspose2d { stride: [2, 2], padding: [1, 1], ..ConvTranspose2d::default() };
/// assert_eq!((doubling.output_padding, doubling.groups), ([0, 0], 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2d {
    /// Output pixels from one input pixel to the next; 1 by default.
    pub stride: [usize; 2],
    /// Pixels that are cut off either side of the output; 0 by default.
    pub padding: [usize; 2],
    /// Output pixels from one element of the kernel to the next; 1 by default.
    pub dilation: [usize; 2],
    /// Pixels that the output has more on the right and below, less than the stride; 0 by default.
    pub output_padding: [usize; 2],
    /// Parts that the channels fall into, each with filters of its own; 1 by default.
    pub groups: usize,
}

impl Default for ConvTranspose2d {
    fn default() -> Self {
        ConvTranspose2d { stride: [1; 2], padding: [0; 2], dilation: [1; 2], output_padding: [0; 2], groups: 1 }
    }
}

/// The operation: input, kernel and, perhaps, a bias.
#[derive(Debug)]
struct Transposed {
    options: ConvTranspose2d,
}

impl Transposed {
    /// The convolution that this one transposes.
    fn convolution(&self) -> Conv2d {
        let ConvTranspose2d { stride, padding, dilation, groups, .. } = self.options;
        Conv2d { stride, padding, dilation, groups, ..Conv2d::default() }
    }

    /// The sizes of that convolution, for outputs of this shape.
    fn sizes(&self, y: &Shape, w: &Shape) -> Sizes {
        self.convolution().sizes(&[y, w]).expect("output_shape has agreed to these shapes")
    }

    /// The size of the output along an axis; `None` where there is none.
    fn size(&self, axis: usize, input: usize, kernel: usize) -> Option<usize> {
        let ConvTranspose2d { stride, padding, dilation, output_padding, .. } = self.options;
        let [stride, dilation, more] = [stride, dilation, output_padding].map(|pair| pair[axis] as u128);
        let full = (input as u128 - 1) * stride + dilation * (kernel as u128 - 1) + 1 + more;
        usize::try_from(full.checked_sub(2 * padding[axis] as u128)?).ok().filter(|size| *size > 0)
    }

    fn expect_options(&self, shapes: &[(&str, &Shape)]) -> Result<()> {
        let ConvTranspose2d { stride, dilation, output_padding, .. } = self.options;
        for (name, sizes) in [("stride", stride), ("dilation", dilation)] {
            if sizes.contains(&0) {
                let remedy = format!("use a {name} of at least 1 along both axes");
                return Err(Error::op(ROW.name, format!("the {name} is {sizes:?}"), shapes, remedy));
            }
        }
        if (0..2).any(|axis| output_padding[axis] >= stride[axis]) {
            let problem = format!("the output padding is {output_padding:?}");
            return Err(Error::op(ROW.name, problem, shapes, "make it less than the stride along both axes"));
        }
        Ok(())
    }

    /// The shape of the output, where it is one.
    fn output(&self, inputs: &[&Shape]) -> Result<Shape> {
        let (x, w) = (inputs[0], inputs[1]);
        let mut shapes = vec![("input", x), ("kernel", w)];
        shapes.extend(inputs.get(2).map(|bias| ("bias", *bias)));
        let refuse = |problem: String, remedy: &str| Err(Error::op(ROW.name, problem, &shapes, remedy));
        let (Some([n, c, h, wide]), Some([channels, own, r, s])) = (x.axes(), w.axes()) else {
            let remedy = "give images of shape [N, C, H, W] and a kernel [C, K/groups, R, S]";
            return refuse("the input and the kernel need four axes each".into(), remedy);
        };
        let groups = self.options.groups;
        if c != channels || groups == 0 || c % groups != 0 {
            let problem = format!("the input has {c} channels, the kernel {channels}, in {groups} groups");
            return refuse(
                problem,
                "make the kernel's first size that of the input's channels, which the groups divide",
            );
        }
        let filters = own.saturating_mul(groups);
        if inputs.get(2).is_some_and(|bias| bias.sizes() != [filters]) {
            return refuse(format!("the bias is not of {filters} values"), "give one bias for each filter");
        }
        self.expect_options(&shapes)?;
        let (Some(oh), Some(ow)) = (self.size(0, h, r), self.size(1, wide, s)) else {
            return refuse(format!("there is no output of {:?}", self.options), "use less padding, or smaller numbers");
        };
        Shape::new(&[n, filters, oh, ow]).or_else(|_| {
            refuse(format!("the output [{n}, {filters}, {oh}, {ow}] has too many elements"), "use a smaller stride")
        })
    }
}

impl<E: Element> ListOp<E> for Transposed {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let y = self.output(inputs)?;
        let shapes = [("input", inputs[0]), ("kernel", inputs[1]), ("output", &y)];
        let convolved = self.convolution().sizes(&[&y, inputs[1]]);
        let room = convolved.is_ok_and(|sizes| sizes.padded().is_some_and(|padded| Tensor::<E>::fits(&padded)));
        if !room || !Tensor::<E>::fits(&y) {
            let problem = format!("memory has no room for images with padding {:?}", self.options.padding);
            return Err(Error::op(ROW.name, problem, &shapes, "use smaller images, a smaller stride or less padding"));
        }
        Ok(y)
    }

    fn macs(&self, inputs: &[&Shape], _: &Shape) -> u64 {
        let kernel = inputs[1].sizes();
        kernel[1..].iter().fold(inputs[0].elements() as u64, |macs, size| macs.saturating_mul(*size as u64))
    }

    fn forward(&self, inputs: &[&Tensor<E>]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let shapes: Vec<&Shape> = inputs.iter().map(|input| input.shape()).collect();
        let shape = self.output(&shapes).expect("output_shape has agreed");
        let (x, w) = (inputs[0], inputs[1]);
        let sizes = self.sizes(&shape, w.shape());
        let mut y = Passes::new(sizes).input(shape, w, x);
        clear_unreached(&mut y, [sizes.rows, sizes.columns]);
        if let Some(bias) = inputs.get(2) {
            add_bias(&mut y, bias.as_slice());
        }
        (y, [x.clone(), w.clone()])
    }

    fn backward(&self, [x, w]: [Tensor<E>; 2], dy: Tensor<E>, wanted: &[bool]) -> Vec<Option<Tensor<E>>> {
        let passes = Passes::new(self.sizes(dy.shape(), w.shape()));
        let dx = wanted[0].then(|| passes.forward(&dy, &w, None));
        let mut gradients = vec![dx, wanted[1].then(|| passes.weights(&dy, &w, &x))];
        gradients.extend(wanted.get(2).map(|wanted| wanted.then(|| bias_gradient(dy))));
        gradients
    }
}

/// Sets the rows and columns that no input pixel adds to to 0: where they lie in a tile of Winograd's algorithm, a rounding of their
/// neighbours is left there.
fn clear_unreached<E: Element>(y: &mut Tensor<E>, [rows, columns]: [Window; 2]) {
    let [rows, columns] = [rows, columns].map(unreached);
    if rows.is_empty() && columns.is_empty() {
        return;
    }
    let [_, _, height, width] = y.shape().axes().expect("the output is images");
    for_each(y.as_mut_slice(), height * width, |_, plane| {
        rows.iter().for_each(|row| plane[row * width..][..width].fill(E::ZERO));
        plane.chunks_exact_mut(width).for_each(|row| columns.iter().for_each(|column| row[*column] = E::ZERO));
    });
}

/// The places that no tap carries any input pixel to. The window is that of the convolution: its input is the output here.
fn unreached(window: Window) -> Vec<usize> {
    let mut reached = vec![false; window.input];
    for (pixel, tap) in (0..window.output).flat_map(|pixel| (0..window.kernel).map(move |tap| (pixel, tap))) {
        let place = (pixel * window.stride + tap * window.dilation).checked_sub(window.padding);
        if let Some(reached) = place.and_then(|place| reached.get_mut(place)) {
            *reached = true;
        }
    }
    (0..window.input).filter(|place| !reached[*place]).collect()
}

/// The sums over the images and pixels of each filter.
fn bias_gradient<E: Element>(dy: Tensor<E>) -> Tensor<E> {
    let filters = dy.shape().sizes()[1];
    let planes = Shape::new(&[filters, 1, 1]).expect("as many as the filters of a kernel");
    sum_back(dy, &planes).reshape([filters]).expect("the sizes differ by axes of size 1 alone")
}

/// Adds a filter's value to its plane of every image.
fn add_bias<E: Element>(y: &mut Tensor<E>, bias: &[E]) {
    let [_, filters, height, width] = y.shape().axes().expect("the output is images");
    for_each(y.as_mut_slice(), filters * height * width, |_, image| {
        let planes = image.chunks_exact_mut(height * width).zip(bias);
        planes.for_each(|(plane, bias)| plane.iter_mut().for_each(|y| *y += *bias));
    });
}

impl<E: Element> Var<E> {
    /// Adds a kernel `[C, K/groups, R, S]` to the output for each pixel of images `[N, C, H, W]`, times its value, and a bias `[K]`, if
    /// there is one: `conv2d` transposed, which makes images larger.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::ConvTranspose2d};
    /// let x = Var::constant(Tensor::from_vec([1, 1, 1, 2], vec![1.0_f32, 10.0])?);
    /// let kernel = Var::constant(Tensor::from_vec([1, 1, 1, 2], vec![1.0, 2.0])?);
    /// let doubled = ConvTranspose2d { stride: [1, 2], ..ConvTranspose2d::default() };
    /// assert_eq!(x.conv_transpose2d(&kernel, None, doubled)?.value().as_slice(), [1.0, 2.0, 10.0, 20.0]);
    /// assert_eq!(x.conv_transpose2d(&kernel, None, ConvTranspose2d::default())?.value().as_slice(), [1.0, 12.0, 20.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit each other, a stride, dilation or the groups are 0, the output padding is not less than the stride,
    /// or the padding leaves no output.
    pub fn conv_transpose2d(&self, kernel: &Var<E>, bias: Option<&Var<E>>, options: ConvTranspose2d) -> Result<Var<E>> {
        let mut inputs = vec![self, kernel];
        inputs.extend(bias);
        apply_list(Transposed { options }, &inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    /// By the definition: every product at the place that it goes to.
    #[test]
    fn every_product_arrives_where_the_definition_says() {
        let options =
            ConvTranspose2d { stride: [2, 3], padding: [1, 2], dilation: [2, 1], output_padding: [1, 2], groups: 2 };
        let number = |seed: usize| move |i: usize| ((i * 7 + seed) % 11) as f64 - 5.0;
        let x = Tensor::from_fn([2, 4, 3, 4], number(1)).unwrap();
        let w = Tensor::from_fn([4, 3, 2, 4], number(2)).unwrap();
        let bias = Tensor::from_fn([6], number(3)).unwrap();
        let [oh, ow] = [(2 * 2 + 2 + 2) - 2, (3 * 3 + 3 + 1 + 2) - 4];
        let mut expected = Tensor::from_fn([2, 6, oh, ow], |i| bias.as_slice()[i / (oh * ow) % 6]).unwrap();
        for flat in 0..x.as_slice().len() {
            let [n, c, h, wide] = x.index_of(flat).try_into().unwrap();
            for (k, i, j) in (0..3).flat_map(|k| (0..2).flat_map(move |i| (0..4).map(move |j| (k, i, j)))) {
                let (row, column) = ((h * 2 + i * 2).checked_sub(1), (wide * 3 + j).checked_sub(2));
                if let (Some(row), Some(column)) = (row.filter(|row| *row < oh), column.filter(|column| *column < ow)) {
                    let place = ((n * 6 + c / 2 * 3 + k) * oh + row) * ow + column;
                    expected.as_mut_slice()[place] += x.as_slice()[flat] * w.at(&[c, k, i, j]).unwrap();
                }
            }
        }
        let [x, w, bias] = [x, w, bias].map(Var::constant);
        let y = x.conv_transpose2d(&w, Some(&bias), options).unwrap();
        assert_eq!(y.value().shape(), expected.shape());
        assert!(y.value().as_slice().iter().zip(expected.as_slice()).all(|(y, right)| (y - right).abs() < 1e-12));
    }

    /// Kernels of three taps go by Winograd's algorithm, whose tiles end in places that see nothing.
    #[test]
    fn output_padding_that_sees_nothing_is_exactly_the_bias() {
        let x = Var::constant(Tensor::from_fn([1, 3, 4, 5], |i| (i as f32 * 0.7).sin()).unwrap());
        let w = Var::constant(Tensor::from_fn([3, 2, 3, 3], |i| (i as f32 * 1.3).cos()).unwrap());
        let bias = Var::constant(Tensor::from_vec([2], vec![0.3_f32, -0.1]).unwrap());
        let options =
            ConvTranspose2d { stride: [2, 2], dilation: [2, 2], output_padding: [1, 1], ..ConvTranspose2d::default() };
        let y = x.conv_transpose2d(&w, Some(&bias), options).unwrap();
        assert_eq!(y.value().shape().sizes(), [1, 2, 12, 14]);
        for (plane, bias) in y.value().as_slice().chunks(12 * 14).zip([0.3, -0.1]) {
            assert!(plane[11 * 14..].iter().all(|y| *y == bias));
            assert!(plane.chunks(14).all(|row| row[13] == bias));
        }
    }

    /// `⟨conv(a), b⟩ = ⟨a, transposed(b)⟩`.
    #[test]
    fn it_is_the_transpose_of_the_convolution() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_fn([1, 2, 7, 6], |i| (i * 5 % 13) as f64).unwrap());
        let w = Var::constant(Tensor::from_fn([3, 2, 3, 2], |i| (i * 3 % 7) as f64 - 3.0).unwrap());
        let y = a.conv2d(&w, None, Conv2d { stride: [2, 1], ..Conv2d::default() }).unwrap();
        let b = Tensor::from_fn(y.value().shape(), |i| (i * 7 % 9) as f64 - 4.0).unwrap();
        let options = ConvTranspose2d { stride: [2, 1], ..ConvTranspose2d::default() };
        let transposed = Var::constant(b.clone()).conv_transpose2d(&w, None, options).unwrap();
        let gradients = tape.backward_from(&[(&y, b)]).unwrap();
        assert_eq!(gradients.get(&a).unwrap(), transposed.value());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let zeros = |shape: &[usize]| Var::constant(Tensor::<f32>::zeros(shape).unwrap());
        let text = |w: &[usize], options| {
            zeros(&[1, 2, 3, 3]).conv_transpose2d(&zeros(w), None, options).unwrap_err().to_string()
        };
        let plain = ConvTranspose2d::default();
        assert_eq!(
            text(&[3, 1, 2, 2], plain),
            "conv_transpose2d: the input has 2 channels, the kernel 3, in 1 groups (input [1, 2, 3, 3], \
             kernel [3, 1, 2, 2]); make the kernel's first size that of the input's channels, which the groups divide"
        );
        assert!(text(&[2, 1, 2, 2], ConvTranspose2d { stride: [0, 1], ..plain }).contains("the stride is [0, 1]"));
        let more = text(&[2, 1, 2, 2], ConvTranspose2d { output_padding: [1, 0], ..plain });
        assert!(
            more.contains("the output padding is [1, 0]") && more.ends_with("less than the stride along both axes")
        );
        assert!(text(&[2, 1, 2, 2], ConvTranspose2d { padding: [2, 2], ..plain }).contains("there is no output"));
        assert!(text(&[2, 2], plain).contains("need four axes each"));
    }
}
