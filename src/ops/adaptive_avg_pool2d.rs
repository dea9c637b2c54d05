//! Average pooling to a given size.
//!
//! **Formula** output `i` of `OH` is the mean of rows `⌊i·H/OH⌋ .. ⌈(i + 1)·H/OH⌉`, and likewise columns, so windows are as equal as
//! whole pixels allow, and overlap where `OH` does not divide `H`.
//!
//! **Shapes** `x [N, C, H, W]`, `y [N, C, OH, OW]` for any `OH` and `OW`, also greater ones.
//!
//! **Gradient** an output has the slope `1/m` in each of the `m` elements of its window, so `dx` is the sum of `dy/m` over the windows
//! that hold the element.
//!
//! **Kept for backward** the shape of `x`, no values. Windows are added up in `f64`.
//!
//! **Source** He and others, *Spatial pyramid pooling in deep convolutional networks*, ECCV 2014; PyTorch's `adaptive_avg_pool2d`.

use super::support::catalogue::{Large, Row, case};
use super::support::resample::resized;
use crate::error::Result;
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::ops::Range;

pub(super) const ROW: Row = Row {
    name: "adaptive_avg_pool2d",
    formula: "y = mean of x under windows that make a given size",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(4, 4);
        let size = [draw.size(1, 6), draw.size(1, 6)];
        case!([draw.positive(shape)], format!("to {size:?}"), |v| v[0].adaptive_avg_pool2d(size))
    },
    large: Large { shapes: &[&[13, 6, 37, 35]], run: |v| v[0].adaptive_avg_pool2d([5, 6]) },
};

#[derive(Debug)]
struct AdaptiveAvgPool2d {
    size: [usize; 2],
}

/// The window of output `o` of `outputs` along an axis of `inputs`.
fn window(o: usize, inputs: usize, outputs: usize) -> Range<usize> {
    let [o, n, outputs] = [o, inputs, outputs].map(|size| size as u128);
    (o * n / outputs) as usize..((o + 1) * n).div_ceil(outputs) as usize
}

impl AdaptiveAvgPool2d {
    /// Calls `visit` with the number of each output of a plane, the first places of the rows of its window, and its columns.
    fn windows(&self, [h, w]: [usize; 2], mut visit: impl FnMut(usize, Range<usize>, Range<usize>)) {
        let [oh, ow] = self.size;
        for output in 0..oh * ow {
            visit(output, window(output / ow, h, oh), window(output % ow, w, ow));
        }
    }
}

impl<E: Element> Op<E, 1> for AdaptiveAvgPool2d {
    const NAME: &'static str = ROW.name;
    type Saved = Shape;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        resized(ROW.name, x, self.size)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Shape) {
        let shape = resized(ROW.name, x.shape(), self.size).expect("output_shape has agreed");
        let [_, _, h, w] = x.shape().axes().expect("output_shape has agreed");
        let (outputs, values) = (self.size[0] * self.size[1], x.as_slice());
        let planes = (CHUNK / (h * w)).max(1);
        let y = Tensor::build(shape, |y| {
            for_each(y, planes * outputs, |i, y| {
                for (p, y) in y.chunks_exact_mut(outputs).enumerate() {
                    let x = &values[(i * planes + p) * h * w..][..h * w];
                    self.windows([h, w], |output, rows, columns| {
                        let count = rows.len() * columns.len();
                        let row = |row: usize| x[row * w..][columns.clone()].iter().map(|x| x.to_f64()).sum::<f64>();
                        y[output] = E::from_f64(rows.map(row).sum::<f64>() / count as f64);
                    });
                }
            });
        });
        (y, *x.shape())
    }

    fn backward(&self, x: Shape, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let [_, _, h, w] = x.axes().expect("output_shape has agreed");
        let (outputs, values) = (self.size[0] * self.size[1], dy.as_slice());
        let planes = (CHUNK / (h * w)).max(1);
        [Some(Tensor::build(x, |dx| {
            for_each(dx, planes * h * w, |i, dx| {
                let mut sums = vec![0.0; h * w];
                for (p, dx) in dx.chunks_exact_mut(h * w).enumerate() {
                    sums.fill(0.0);
                    let dy = &values[(i * planes + p) * outputs..][..outputs];
                    self.windows([h, w], |output, rows, columns| {
                        let share = dy[output].to_f64() / (rows.len() * columns.len()) as f64;
                        for row in rows {
                            sums[row * w..][columns.clone()].iter_mut().for_each(|sum| *sum += share);
                        }
                    });
                    dx.iter_mut().zip(&sums).for_each(|(dx, sum)| *dx = E::from_f64(*sum));
                }
            });
        }))]
    }
}

impl<E: Element> Var<E> {
    /// Images `[N, C, H, W]` averaged to height and width `size`, whatever theirs is.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 1, 1, 3], vec![1.0_f32, 3.0, 7.0])?);
    /// assert_eq!(x.adaptive_avg_pool2d([1, 2])?.value().as_slice(), [2.0, 5.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has not four axes, a size is 0, or the output has too many elements.
    pub fn adaptive_avg_pool2d(&self, size: [usize; 2]) -> Result<Var<E>> {
        apply(AdaptiveAvgPool2d { size }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn windows_that_overlap_add_their_gradients() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([1, 1, 3, 3], |i| i as f64).unwrap());
        let y = x.adaptive_avg_pool2d([2, 1]).unwrap();
        // Rows 0 and 1, and rows 1 and 2, of all three columns.
        assert_eq!(y.value().as_slice(), [2.5, 5.5]);
        let gradients = tape.backward_from(&[(&y, Tensor::from_vec([1, 1, 2, 1], vec![6.0, 12.0]).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn to_one_pixel_it_is_the_global_mean_and_to_a_greater_size_it_repeats() {
        let x = Var::constant(Tensor::from_fn([2, 3, 4, 5], |i| (i * 7 % 11) as f64).unwrap());
        let [one, global] = [x.adaptive_avg_pool2d([1, 1]).unwrap(), x.global_avg_pool().unwrap()];
        assert!(one.value().as_slice().iter().zip(global.value().as_slice()).all(|(a, b)| (a - b).abs() < 1e-14));
        let line = Var::constant(Tensor::from_vec([1, 1, 1, 2], vec![1.0_f32, 5.0]).unwrap());
        assert_eq!(line.adaptive_avg_pool2d([1, 3]).unwrap().value().as_slice(), [1.0, 3.0, 5.0]);
    }

    #[test]
    fn a_size_of_0_is_named() {
        let x = Var::constant(Tensor::<f32>::zeros([1, 1, 2, 2]).unwrap());
        assert_eq!(
            x.adaptive_avg_pool2d([1, 0]).unwrap_err().to_string(),
            "adaptive_avg_pool2d: the output's size is [1, 0] (input [1, 1, 2, 2]); use a height and width of at least 1"
        );
    }
}
