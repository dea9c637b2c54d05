//! Average pooling of images.
//!
//! **Formula** `y[n, c, i, j] = Σ x[n, c, i·s + u − p, j·s + v − p] / D` over the places `u, v` of the kernel that lie
//! inside the image. The divisor `D` is the number of those inside the padded image, or of those inside the image, or a number that
//! is given: [`Divisor`]. What a window holds beyond the padding, in ceiling mode, never counts.
//!
//! **Shapes** `x [N, C, H, W]`, `y [N, C, OH, OW]` with `OH = ⌊(H + p + q − k) / s⌋ + 1`, where `q` is the padding below, `p` unless it
//! is given. With `ceil` it is rounded up, but a last window that would start in the padding on the right or behind it is dropped.
//! `p, q ≤ k/2`, so that each window holds an element.
//!
//! **Gradient** `∂y/∂x = 1/D` for each element of the window, so `dx` is the sum of `dy/D` over all windows that hold
//! the element.
//!
//! **Kept for backward** the geometry, no values.
//!
//! **Source** PyTorch's definition of `AvgPool2d`; the divisor is its `count_include_pad` and `divisor_override`.

use super::max_pool2d::MaxPool2d;
use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::isa;
use super::support::pooling::Planes;
use super::support::window::Moves;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::par::for_each;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
pub use evograd_kernels::pool::Divisor;
use evograd_kernels::pool::{self, Plane};
use evograd_kernels::{Element, Isa, arith, reduce};

pub(super) const ROW: Row = Row {
    name: "avg_pool2d",
    formula: "y = mean of x under a window",
    nondifferentiable: "",
    f32_bound: 3.0,
    draw: |draw| {
        let (shape, MaxPool2d { kernel, stride, padding, padding_end, ceil, .. }) = MaxPool2d::draw(draw);
        let divisor = draw.pick(&[Divisor::Padded, Divisor::Inside, Divisor::Fixed(3)]);
        let options = AvgPool2d { kernel, stride, padding, padding_end, ceil, divisor };
        // Of one sign: where a sum cancels, its rounding is no measure of the kernel.
        case!([draw.positive(shape)], format!("{options:?}"), |v| v[0].avg_pool2d(options))
    },
    large: Large {
        shapes: &[IMAGES],
        run: |v| {
            v[0].avg_pool2d(AvgPool2d {
                stride: [2; 2],
                padding: [1; 2],
                ceil: true,
                divisor: Divisor::Inside,
                ..AvgPool2d::new([3; 2])
            })
        },
    },
};

/// How the window of [`Var::avg_pool2d`] moves; every pair is of height and width.
///
/// ```
/// use evograd::ops::AvgPool2d;
/// use evograd::ops::Divisor;
/// let own = AvgPool2d { padding: [1, 1], divisor: Divisor::Inside, ..AvgPool2d::new([3, 3]) };
/// assert_eq!((own.stride, AvgPool2d::new([2, 2]).divisor), ([3, 3], Divisor::Padded));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2d {
    /// The window's size in elements, at least 1.
    pub kernel: [usize; 2],
    /// Elements from one window to the next, at least 1.
    pub stride: [usize; 2],
    /// Elements of padding above and on the left, and unless `padding_end` says otherwise below and on the right; at most half the
    /// kernel.
    pub padding: [usize; 2],
    /// Elements of padding below and on the right, where it is not `padding`.
    pub padding_end: Option<[usize; 2]>,
    /// Whether a last window may reach beyond the padding, so that no element is left out.
    pub ceil: bool,
    /// What the sum under a window is divided by; by default its elements with those of the padding, which count as zeros.
    pub divisor: Divisor,
}

impl AvgPool2d {
    /// Windows of this size, one beside the other, without padding, of which each must fit.
    pub fn new(kernel: [usize; 2]) -> AvgPool2d {
        AvgPool2d { kernel, stride: kernel, padding: [0, 0], padding_end: None, ceil: false, divisor: Divisor::Padded }
    }

    /// The output's shape.
    ///
    /// # Errors
    /// When the window does not fit.
    pub(crate) fn output_shape(&self, x: &Shape) -> Result<Shape> {
        Op::<f32, 1>::output_shape(&Averages(*self), [x])
    }
}

#[derive(Debug)]
struct Averages(AvgPool2d);

impl Averages {
    fn planes(&self, x: &Shape) -> Result<Planes> {
        let AvgPool2d { kernel, stride, padding, padding_end, ceil, divisor } = self.0;
        if divisor == Divisor::Fixed(0) {
            return Err(Error::op(ROW.name, "the divisor is 0", &[("input", x)], "use a divisor of at least 1"));
        }
        let padding_end = padding_end.unwrap_or(padding);
        Planes::new(ROW.name, x, &Moves { kernel, stride, padding, padding_end, dilation: [1, 1], ceil })
    }
}

impl<E: Element> Op<E, 1> for Averages {
    const NAME: &'static str = ROW.name;
    type Saved = Planes;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        self.planes(x)?.output()
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Planes) {
        let planes = self.planes(x.shape()).expect("output_shape has agreed");
        let shape = planes.output().expect("output_shape has agreed");
        let (isa, x, plane) = (isa(), x.as_slice(), &planes.plane);
        let y = Tensor::build(shape, |y| {
            for_each(y, planes.chunk_outputs(), |i, y| {
                let mut scratch = Buffer::stale(plane.scratch());
                for (x, y) in planes.inputs(i, x).zip(y.chunks_exact_mut(plane.outputs())) {
                    self.means(isa, plane, x, y, &mut scratch);
                }
            });
        });
        (y, planes)
    }

    fn backward(&self, planes: Planes, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let (isa, dy, plane) = (isa(), dy.as_slice(), &planes.plane);
        [Some(Tensor::build(planes.input, |dx| {
            for_each(dx, planes.chunk_inputs(), |i, dx| {
                let mut scratch = Buffer::stale(plane.scratch());
                for (dy, dx) in planes.outputs(i, dy).zip(dx.chunks_exact_mut(plane.inputs())) {
                    pool::avg_backward(isa, plane, self.0.divisor, dy, dx, &mut scratch);
                }
            });
        }))]
    }
}

impl Averages {
    /// The means of one plane. A sum may overflow where the mean does not: then the plane is gone over once more, with a
    /// power of 2 taken out. The other means stay as they were: of tiny elements a power of 2 would take the last bits.
    fn means<E: Element>(&self, isa: Isa, plane: &Plane, x: &[E], y: &mut [E], scratch: &mut [E]) {
        pool::avg_forward(isa, plane, self.0.divisor, x, y, scratch);
        if reduce::fits(isa, y, E::ONE) {
            return;
        }
        // No window holds more elements than the plane.
        let most = self.0.kernel[0].saturating_mul(self.0.kernel[1]).min(plane.inputs());
        let unit = most.next_power_of_two() as f64;
        let mut small = Buffer::stale(x.len());
        arith::scale(isa, x, E::from_f64(1.0 / unit), &mut small);
        let mut small_means = Buffer::stale(y.len());
        pool::avg_forward(isa, plane, self.0.divisor, &small, &mut small_means, scratch);
        let overflown = y.iter_mut().zip(&*small_means).filter(|(y, _)| !y.is_finite());
        overflown.for_each(|(y, small)| *y = *small * E::from_f64(unit));
    }
}

impl<E: Element> Var<E> {
    /// The mean of the elements under each place of a window: `[N, C, H, W]` → `[N, C, OH, OW]`.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::AvgPool2d};
    /// let x = Var::constant(Tensor::from_fn([1, 1, 4, 4], |i| i as f32)?);
    /// let halves = AvgPool2d::new([2, 2]);
    /// assert_eq!(x.avg_pool2d(halves)?.value().as_slice(), [2.5, 4.5, 10.5, 12.5]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input has not four axes, the kernel, stride or divisor is 0, the padding is more than half the kernel, the kernel does
    /// not fit the padded input, or sizes overflow.
    pub fn avg_pool2d(&self, options: AvgPool2d) -> Result<Var<E>> {
        apply(Averages(options), [self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    const HALVES: AvgPool2d = AvgPool2d {
        kernel: [2, 2],
        stride: [2, 2],
        padding: [0, 0],
        padding_end: None,
        ceil: false,
        divisor: Divisor::Padded,
    };

    fn forward_and_gradient(x: Tensor<f64>, options: AvgPool2d) -> (Tensor<f64>, Tensor<f64>) {
        let tape = Tape::new();
        let x = tape.leaf(x);
        let y = x.avg_pool2d(options).unwrap();
        let gradients = tape.backward_from(&[(&y, Tensor::full(y.value().shape(), 12.0).unwrap())]).unwrap();
        (y.value().clone(), gradients.get(&x).unwrap().clone())
    }

    /// One row of five under a window of 3 with stride 2 and padding 1 holds −1..=1, 1..=3, 3..=5 of 0..=4. Of four
    /// elements in ceiling mode the last window, 3..=5, holds one element, one of padding, and one beyond.
    #[test]
    fn the_divisor_is_pytorchs() {
        let row = |width: usize| Tensor::from_fn([1, 1, 1, width], |i| 6.0 * (i + 1) as f64).unwrap();
        let padded = AvgPool2d { kernel: [1, 3], stride: [1, 2], padding: [0, 1], ..HALVES };
        let (y, dx) = forward_and_gradient(row(5), padded);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[6.0, 18.0, 18.0][..], &[4.0, 8.0, 4.0, 8.0, 4.0][..]));
        let own = AvgPool2d { divisor: Divisor::Inside, ..padded };
        let (y, dx) = forward_and_gradient(row(5), own);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[9.0, 18.0, 27.0][..], &[6.0, 10.0, 4.0, 10.0, 6.0][..]));
        let (y, dx) = forward_and_gradient(row(4), AvgPool2d { ceil: true, ..padded });
        assert_eq!((y.as_slice(), dx.as_slice()), (&[6.0, 18.0, 12.0][..], &[4.0, 8.0, 4.0, 10.0][..]));
        let (y, dx) = forward_and_gradient(row(4), AvgPool2d { ceil: true, ..own });
        assert_eq!((y.as_slice(), dx.as_slice()), (&[9.0, 18.0, 24.0][..], &[6.0, 10.0, 4.0, 16.0][..]));
    }

    /// As PyTorch's `divisor_override`: sums of 6 + 12, 12 + 18 + 24, 24 + 30, over 4; and with padding on the right alone.
    #[test]
    fn the_divisor_may_be_given() {
        let row = || Tensor::from_fn([1, 1, 1, 5], |i| 6.0 * (i + 1) as f64).unwrap();
        let four = AvgPool2d { kernel: [1, 3], stride: [1, 2], padding: [0, 1], divisor: Divisor::Fixed(4), ..HALVES };
        let (y, dx) = forward_and_gradient(row(), four);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[4.5, 13.5, 13.5][..], &[3.0, 6.0, 3.0, 6.0, 3.0][..]));
        let right = AvgPool2d { padding: [0, 0], padding_end: Some([0, 1]), divisor: Divisor::Padded, ..four };
        let (y, dx) = forward_and_gradient(row(), AvgPool2d { stride: [1, 3], ..right });
        assert_eq!((y.as_slice(), dx.as_slice()), (&[12.0, 18.0][..], &[4.0; 5][..]));
        let x = Var::constant(row());
        assert_eq!(
            x.avg_pool2d(AvgPool2d { divisor: Divisor::Fixed(0), ..HALVES }).unwrap_err().to_string(),
            "avg_pool2d: the divisor is 0 (input [1, 1, 1, 5]); use a divisor of at least 1"
        );
    }

    /// Nearly all of these windows is padding, and no integer holds how many places they have.
    #[test]
    fn the_longest_windows_divide_by_their_length() {
        let most = isize::MAX as usize;
        let (kernel, padding) = ([2, most - 2], [0, (most - 3) / 2]);
        let longest = AvgPool2d { kernel, stride: [1, 1], padding, ..HALVES };
        let full = |value| Tensor::full([1, 1, 2, 3], value).unwrap();
        let (y, dx) = forward_and_gradient(full(2.0_f64.powi(63)), longest);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[3.0; 3][..], &[36.0 / 2.0_f64.powi(64); 6][..]));
        let (y, _) = forward_and_gradient(full(f64::MAX), AvgPool2d { divisor: Divisor::Inside, ..longest });
        assert_eq!(y.as_slice(), [f64::MAX; 3]);
    }

    #[test]
    fn both_axes_divide_in_ceiling_mode() {
        let x = || Tensor::from_fn([1, 1, 3, 3], |i| (i + 1) as f64).unwrap();
        let (y, dx) = forward_and_gradient(x(), AvgPool2d { ceil: true, ..HALVES });
        assert_eq!(y.as_slice(), [3.0, 4.5, 7.5, 9.0]);
        assert_eq!(dx.as_slice(), [3.0, 3.0, 6.0, 3.0, 3.0, 6.0, 6.0, 6.0, 12.0]);
        let (y, _) = forward_and_gradient(x(), HALVES);
        assert_eq!(y.as_slice(), [3.0]);
    }

    #[test]
    fn a_nan_reaches_the_windows_that_hold_it() {
        let x = Tensor::from_vec([1, 1, 1, 4], vec![f64::NAN, 1.0, 2.0, 4.0]).unwrap();
        let (y, _) = forward_and_gradient(x, AvgPool2d { kernel: [1, 2], stride: [1, 2], ..HALVES });
        assert!(y.as_slice()[0].is_nan());
        assert_eq!(y.as_slice()[1], 3.0);
    }

    #[test]
    fn wrong_geometry_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([1, 2, 3, 4]).unwrap());
        let text = |options| x.avg_pool2d(options).unwrap_err().to_string();
        assert_eq!(
            text(AvgPool2d { padding: [2, 0], kernel: [3, 3], ..HALVES }),
            "avg_pool2d: the padding [2, 0] is more than half the kernel [3, 3] (input [1, 2, 3, 4]); \
             use a padding of at most [1, 1]"
        );
        assert_eq!(
            text(AvgPool2d { kernel: [4, 4], ..HALVES }),
            "avg_pool2d: the kernel is larger than the padded input with kernel [4, 4], stride [2, 2], \
             padding [0, 0], dilation [1, 1] (input [1, 2, 3, 4]); \
             use larger images, a smaller kernel or dilation, or more padding"
        );
        assert!(text(AvgPool2d { kernel: [1, 0], ..HALVES }).contains("the kernel is [1, 0]"));
        assert!(text(AvgPool2d { stride: [1, 0], ..HALVES }).contains("the stride is [1, 0]"));
    }

    #[test]
    fn the_greatest_windows_work() {
        let x = || Tensor::full([1, 1, 3, 3], 1.0).unwrap();
        let all = AvgPool2d {
            kernel: [1 << 60; 2],
            stride: [1 << 61; 2],
            padding: [1 << 59; 2],
            ceil: true,
            divisor: Divisor::Inside,
            ..HALVES
        };
        let (y, dx) = forward_and_gradient(x(), all);
        assert_eq!((y.as_slice(), dx.as_slice()), (&[1.0][..], &[12.0 / 9.0; 9][..]));
        let (y, _) = forward_and_gradient(x(), AvgPool2d { divisor: Divisor::Padded, ..all });
        assert_eq!(y.as_slice(), [9.0 / 2.0_f64.powi(120)]);
    }
}
