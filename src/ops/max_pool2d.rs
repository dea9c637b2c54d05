//! Max pooling of images.
//!
//! **Formula** `y[n, c, i, j] = max x[n, c, i·s + u·d − p, j·s + v·d − p]` over the places `u, v` of the kernel that lie
//! inside the image: padding counts as −∞. NaN wins over every number.
//!
//! **Shapes** `x [N, C, H, W]`, `y [N, C, OH, OW]` with `OH = ⌊(H + p + q − d(k − 1) − 1) / s⌋ + 1`, where `q` is the padding below,
//! `p` unless it is given. With `ceil` it is rounded up, but a last window that would start in the padding on the right or behind it is
//! dropped. `p, q ≤ k/2`, so that each window holds an element; one that has all of the image in the gaps that dilation `d` leaves
//! is refused, where PyTorch gives −∞.
//!
//! **Gradient** `y` follows the greatest element of its window and no other, so `dy` is added to that one; an element
//! that is the greatest of several windows gets the sum. Where two are equally great there is no derivative; the first
//! in row-major order gets all. The same goes for the first NaN.
//!
//! **Kept for backward** the position of each chosen element in its plane, four bytes per output. (Its place in the
//! window would do with one byte for most kernels, but would have to be turned into the position again; with the usual
//! stride of 2 what is kept is a quarter of `x` in `f32`, and `x` itself is not.)
//!
//! **Source** PyTorch's definition of `MaxPool2d`.

use super::support::catalogue::{Draw, IMAGES, Large, Row, case};
use super::support::isa;
use super::support::pooling::Planes;
use super::support::window::Moves;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::par::{for_each, for_each_pair};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, pool};

pub(super) const ROW: Row = Row {
    name: "max_pool2d",
    formula: "y = max of x under a window",
    nondifferentiable: "two values closer than 1/16",
    f32_bound: 2.0,
    draw: |draw| {
        let ([n, c, h, w], options) = MaxPool2d::draw(draw);
        let dilation = draw.pick(&[[1, 1], [1, 1], [2, 1], [1, 3], [2, 2]]);
        // As much larger as the gaps make the window, so that none has all of the image in them.
        let [h, w] = [(h, 0), (w, 1)].map(|(size, axis)| size + options.kernel[axis] * (dilation[axis] - 1));
        let options = MaxPool2d { dilation, ..options };
        let mut x = draw.distinct([n, c, h, w]);
        greatest_last(&mut x);
        case!([x], format!("{options:?}"), |v| v[0].max_pool2d(options))
    },
    large: Large {
        shapes: &[IMAGES],
        run: |v| v[0].max_pool2d(MaxPool2d { stride: [2; 2], padding: [1; 2], ..MaxPool2d::new([3; 2]) }),
    },
};

/// How the window of [`Var::max_pool2d`] moves; every pair is of height and width.
///
/// ```
/// use evograd::ops::MaxPool2d;
/// let overlapping = MaxPool2d { stride: [2, 2], padding: [1, 1], ..MaxPool2d::new([3, 3]) };
/// assert_eq!((overlapping.kernel, MaxPool2d::new([2, 2]).stride), ([3, 3], [2, 2]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    /// The window's size in elements, at least 1.
    pub kernel: [usize; 2],
    /// Elements from one window to the next, at least 1.
    pub stride: [usize; 2],
    /// Elements of padding above and on the left, and unless `padding_end` says otherwise below and on the right; at most half the
    /// kernel.
    pub padding: [usize; 2],
    /// Elements of padding below and on the right, where it is not `padding`.
    pub padding_end: Option<[usize; 2]>,
    /// Elements of the image from one of the window to the next; 1 by default.
    pub dilation: [usize; 2],
    /// Whether a last window may reach beyond the padding, so that no element is left out.
    pub ceil: bool,
}

impl MaxPool2d {
    /// Windows of this size, one beside the other, without padding, of which each must fit.
    pub fn new(kernel: [usize; 2]) -> MaxPool2d {
        MaxPool2d { kernel, stride: kernel, padding: [0, 0], padding_end: None, dilation: [1, 1], ceil: false }
    }

    /// The output's shape.
    ///
    /// # Errors
    /// When the window does not fit.
    pub(crate) fn output_shape(&self, x: &Shape) -> Result<Shape> {
        Op::<f32, 1>::output_shape(&Maxima(*self), [x])
    }

    /// A window and images that it fits, some wide enough for several vectors.
    pub(super) fn draw(draw: &mut Draw) -> ([usize; 4], MaxPool2d) {
        let kernel = [draw.size(1, 4), draw.size(1, 4)];
        let stride = [draw.size(1, 3), draw.size(1, 5)];
        let padding = kernel.map(|size| draw.size(0, size / 2));
        let padding_end = draw.flag().then(|| kernel.map(|size| draw.size(0, size / 2)));
        let end = padding_end.unwrap_or(padding);
        let fitting = |axis: usize| (kernel[axis] - padding[axis] - end[axis]).max(1);
        let wider = draw.pick(&[0, 1, 2, 3, 4, 19]);
        // A single plane where it is wide: the checks that go through whole Jacobian matrices are to stay quick.
        let most = if wider > 4 { 1 } else { 2 };
        let [h, w] = [fitting(0) + draw.size(0, 2), fitting(1) + wider];
        let shape = [draw.size(1, most), draw.size(1, most), h, w];
        (shape, MaxPool2d { stride, padding, padding_end, ceil: draw.flag(), ..MaxPool2d::new(kernel) })
    }
}

/// Moves the greatest value to the end, so that checks of the last element's gradient find one.
fn greatest_last(x: &mut Tensor<f64>) {
    let x = x.as_mut_slice();
    for i in 1..x.len() {
        if x[i - 1] > x[i] {
            x.swap(i - 1, i);
        }
    }
}

#[derive(Debug)]
struct Maxima(MaxPool2d);

impl Maxima {
    fn planes(&self, x: &Shape) -> Result<Planes> {
        let MaxPool2d { kernel, stride, padding, padding_end, dilation, ceil } = self.0;
        let padding_end = padding_end.unwrap_or(padding);
        let planes = Planes::new(ROW.name, x, &Moves { kernel, stride, padding, padding_end, dilation, ceil })?;
        if u32::try_from(planes.plane.inputs()).is_err() {
            let problem = "a channel of an image has more elements than 32 bits count";
            return Err(Error::op(ROW.name, problem, &[("input", x)], "cut the images into smaller ones"));
        }
        Ok(planes)
    }
}

/// The geometry, and the positions of the chosen elements.
struct Chosen {
    planes: Planes,
    index: Buffer<u32>,
}

impl<E: Element> Op<E, 1> for Maxima {
    const NAME: &'static str = ROW.name;
    type Saved = Chosen;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        self.planes(x)?.output()
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Chosen) {
        let planes = self.planes(x.shape()).expect("output_shape has agreed");
        let shape = planes.output().expect("output_shape has agreed");
        let (isa, x, plane, chunk) = (isa(), x.as_slice(), &planes.plane, planes.chunk_outputs());
        let mut index = Buffer::stale(shape.elements());
        let y = Tensor::build(shape, |y| {
            for_each_pair((y, chunk), (&mut index, chunk), |i, y, index| {
                let mut scratch = Buffer::stale(plane.scratch());
                let outputs = y.chunks_exact_mut(plane.outputs()).zip(index.chunks_exact_mut(plane.outputs()));
                for (x, (y, index)) in planes.inputs(i, x).zip(outputs) {
                    match self.0.dilation {
                        [1, 1] => pool::max_forward(isa, plane, x, y, index, &mut scratch),
                        dilation => pool::max_dilated(plane, dilation, x, y, index),
                    }
                }
            });
        });
        (y, Chosen { planes, index })
    }

    fn backward(&self, Chosen { planes, index }: Chosen, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let dy = dy.as_slice();
        [Some(Tensor::build(planes.input, |dx| {
            for_each(dx, planes.chunk_inputs(), |i, dx| {
                let outputs = planes.outputs(i, &index).zip(planes.outputs(i, dy));
                for (dx, (index, dy)) in dx.chunks_exact_mut(planes.plane.inputs()).zip(outputs) {
                    pool::max_backward(index, dy, dx);
                }
            });
        }))]
    }
}

impl<E: Element> Var<E> {
    /// The greatest element under each place of a window: `[N, C, H, W]` → `[N, C, OH, OW]`.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::MaxPool2d};
    /// let x = Var::constant(Tensor::from_fn([1, 1, 4, 4], |i| i as f32)?);
    /// let y = x.max_pool2d(MaxPool2d::new([2, 2]))?;
    /// assert_eq!(y.value().as_slice(), [5.0, 7.0, 13.0, 15.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input has not four axes, the kernel, stride or dilation is 0, the padding is more than half the kernel, the window does
    /// not fit the padded input or sees none of it, or sizes overflow.
    pub fn max_pool2d(&self, options: MaxPool2d) -> Result<Var<E>> {
        apply(Maxima(options), [self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    const HALVES: MaxPool2d =
        MaxPool2d { kernel: [2, 2], stride: [2, 2], padding: [0, 0], padding_end: None, dilation: [1, 1], ceil: false };

    fn forward_and_gradient(x: Tensor<f32>, options: MaxPool2d) -> (Tensor<f32>, Tensor<f32>) {
        let tape = Tape::new();
        let x = tape.leaf(x);
        let y = x.max_pool2d(options).unwrap();
        let dy = Tensor::from_fn(y.value().shape(), |i| (i + 1) as f32).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        (y.value().clone(), gradients.get(&x).unwrap().clone())
    }

    #[test]
    fn the_first_of_equals_gets_the_gradient() {
        let x =
            Tensor::from_vec([1, 1, 2, 6], vec![1.0, 3.0, 0.0, -0.0, 5.0, 5.0, 3.0, 3.0, 0.0, 0.0, 5.0, 5.0]).unwrap();
        let (y, dx) = forward_and_gradient(x, HALVES);
        assert_eq!(y.as_slice(), [3.0, 0.0, 5.0]);
        assert_eq!(dx.as_slice(), [0.0, 1.0, 2.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_first_nan_wins_and_minus_infinity_is_a_value() {
        const LOW: f32 = f32::NEG_INFINITY;
        let x =
            Tensor::from_vec([2, 1, 2, 2], vec![9.0, f32::NAN, f32::NAN, f32::INFINITY, LOW, LOW, LOW, LOW]).unwrap();
        let (y, dx) = forward_and_gradient(x, HALVES);
        assert!(y.as_slice()[0].is_nan());
        assert_eq!(y.as_slice()[1], LOW);
        assert_eq!(dx.as_slice(), [0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]);
        let padded = MaxPool2d { padding: [1, 1], ..HALVES };
        let (y, dx) = forward_and_gradient(Tensor::full([1, 1, 2, 2], LOW).unwrap(), padded);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[LOW; 4][..], &[1.0, 2.0, 3.0, 4.0][..]));
    }

    /// 5 × 5 under 2 × 2: the last windows hold one row or column, or a single element.
    #[test]
    fn ceiling_mode_leaves_nothing_out() {
        let x = || Tensor::from_fn([1, 1, 5, 5], |i| -(i as f32)).unwrap();
        let (y, dx) = forward_and_gradient(x(), MaxPool2d { ceil: true, ..HALVES });
        assert_eq!(y.as_slice(), [-0.0, -2.0, -4.0, -10.0, -12.0, -14.0, -20.0, -22.0, -24.0]);
        assert_eq!(dx.as_slice()[20..], [7.0, 0.0, 8.0, 0.0, 9.0]);
        assert_eq!(forward_and_gradient(x(), HALVES).0.shape().sizes(), [1, 1, 2, 2]);
    }

    #[test]
    fn overlapping_windows_add_up() {
        let x = Tensor::from_vec([1, 1, 1, 4], vec![1.0, 9.0, 2.0, 3.0]).unwrap();
        let options = MaxPool2d { kernel: [1, 3], stride: [1, 1], padding: [0, 1], ..HALVES };
        let (y, dx) = forward_and_gradient(x, options);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[9.0, 9.0, 9.0, 3.0][..], &[0.0, 6.0, 0.0, 4.0][..]));
    }

    /// Values of PyTorch 2.6 for `sin(i·i)`, 5 × 6, kernel 3 × 2, stride 1 × 2, padding 1 × 1, dilation 2 × 3.
    #[test]
    fn gaps_are_pytorchs() {
        let x = Tensor::from_fn([1, 1, 5, 6], |i| ((i * i) as f32).sin()).unwrap();
        let options = MaxPool2d { kernel: [3, 2], stride: [1, 2], padding: [1, 1], dilation: [2, 3], ..HALVES };
        let (y, dx) = forward_and_gradient(x, options);
        assert_eq!(y.shape().sizes(), [1, 1, 3, 3]);
        let close = |found: &[f32], right: &[f32]| found.iter().zip(right).all(|(y, right)| (y - right).abs() < 1e-6);
        assert!(
            close(
                y.as_slice(),
                &[0.9200261, 0.2793866, 0.92347, 0.9395301, 0.841471, 0.4121185, 0.9200261, 0.2793866, 0.92347]
            ),
            "{y:?}"
        );
        assert_eq!(
            dx.as_slice(),
            [
                0.0, 5.0, 0.0, 6.0, 0.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 10.0,
                0.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            ]
        );
    }

    #[test]
    fn padding_may_be_on_one_side() {
        let x = || Tensor::from_vec([1, 1, 1, 3], vec![1.0, 2.0, 3.0]).unwrap();
        let options = MaxPool2d { kernel: [1, 2], stride: [1, 1], padding_end: Some([0, 1]), ..HALVES };
        let (y, dx) = forward_and_gradient(x(), options);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[2.0, 3.0, 3.0][..], &[0.0, 1.0, 5.0][..]));
        let before = MaxPool2d { padding: [0, 1], padding_end: Some([0, 0]), ..options };
        assert_eq!(forward_and_gradient(x(), before).0.as_slice(), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_window_that_sees_nothing_is_refused() {
        let x = Var::constant(Tensor::<f32>::zeros([1, 1, 1, 2]).unwrap());
        let options = MaxPool2d { padding: [0, 1], dilation: [1, 3], ..MaxPool2d::new([1, 2]) };
        assert_eq!(
            x.max_pool2d(options).unwrap_err().to_string(),
            "max_pool2d: a window of kernel [1, 2] with dilation [1, 3] sees no element (input [1, 1, 1, 2]); \
             use larger images, or less dilation or padding"
        );
    }

    #[test]
    fn wrong_geometry_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([1, 2, 3, 4]).unwrap());
        let text = |options| x.max_pool2d(options).unwrap_err().to_string();
        assert_eq!(
            text(MaxPool2d { padding: [1, 2], ..HALVES }),
            "max_pool2d: the padding [1, 2] is more than half the kernel [2, 2] (input [1, 2, 3, 4]); \
             use a padding of at most [1, 1]"
        );
        assert_eq!(
            text(MaxPool2d { stride: [0, 1], ..HALVES }),
            "max_pool2d: the stride is [0, 1] (input [1, 2, 3, 4]); use a stride of at least 1 along both axes"
        );
        assert!(text(MaxPool2d { kernel: [0, 2], padding: [9, 9], ..HALVES }).contains("the kernel is [0, 2]"));
        assert_eq!(
            text(MaxPool2d { kernel: [4, 4], ..HALVES }),
            "max_pool2d: the kernel is larger than the padded input with kernel [4, 4], stride [2, 2], \
             padding [0, 0], dilation [1, 1] (input [1, 2, 3, 4]); \
             use larger images, a smaller kernel or dilation, or more padding"
        );
        let flat = Var::constant(Tensor::<f32>::zeros([3, 4]).unwrap());
        assert_eq!(
            flat.max_pool2d(HALVES).unwrap_err().to_string(),
            "max_pool2d: the input has 2 axes, not four (input [3, 4]); give images of shape [N, C, H, W]"
        );
    }

    #[test]
    fn the_greatest_numbers_work_or_are_errors() {
        const MOST: usize = usize::MAX;
        let image = || Tensor::from_fn([1, 1, 3, 3], |i| i as f32).unwrap();
        let all = MaxPool2d { kernel: [1 << 60; 2], stride: [1 << 61; 2], padding: [1 << 59; 2], ceil: true, ..HALVES };
        let (y, dx) = forward_and_gradient(image(), all);
        assert_eq!((y.as_slice(), dx.as_slice()[8]), (&[8.0][..], 1.0));
        let x = Var::constant(image());
        let wide = MaxPool2d { kernel: [MOST; 2], stride: [MOST; 2], padding: [MOST / 2; 2], ceil: true, ..HALVES };
        assert!(x.max_pool2d(wide).unwrap_err().to_string().contains("overflows"));
        let everything = MaxPool2d { kernel: [MOST - 2; 2], stride: [MOST; 2], padding: [0; 2], ceil: true, ..HALVES };
        assert_eq!(x.max_pool2d(everything).unwrap().item().unwrap(), 8.0);
    }
}
