//! Global average pooling: each channel of an image to one number.
//!
//! **Formula** `y[n, c] = (Σ x[n, c, i, j]) / (H·W)`
//!
//! **Shapes** `x [N, C, H, W]`, `y [N, C]`.
//!
//! **Gradient** `∂y/∂x = 1/(H·W)` for every element of the channel, so `dx[n, c, i, j] = dy[n, c] / (H·W)`.
//!
//! **Kept for backward** the shape of `x`, no values.
//!
//! **Source** Lin, Chen and Yan, *Network in network*, ICLR 2014, section 3.2.

use super::support::catalogue::{Large, Row, case};
use super::support::isa;
use super::support::window::image_sizes;
use crate::error::Result;
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, pool};

pub(super) const ROW: Row = Row {
    name: "global_avg_pool",
    formula: "y = mean of x over height and width",
    nondifferentiable: "",
    f32_bound: 3.0,
    draw: |draw| {
        let shape = draw.shape(4, 4);
        // Of one sign: where a sum cancels, its rounding is no measure of the kernel.
        case!([draw.positive(shape)], "", |v| v[0].global_avg_pool())
    },
    large: Large { shapes: &[&[130, 160, 9, 9]], run: |v| v[0].global_avg_pool() },
};

#[derive(Debug)]
struct GlobalAvgPool;

/// Elements of a channel, and channels in a chunk of work.
fn cut(x: &Shape) -> (usize, usize) {
    let [.., h, w] = image_sizes(ROW.name, x).expect("output_shape has agreed");
    (h * w, (CHUNK / (h * w)).max(1))
}

impl<E: Element> Op<E, 1> for GlobalAvgPool {
    const NAME: &'static str = ROW.name;
    type Saved = Shape;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        let [n, c, ..] = image_sizes(ROW.name, x)?;
        Ok(Shape::new(&[n, c])?)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Shape) {
        let [n, c, ..] = image_sizes(ROW.name, x.shape()).expect("output_shape has agreed");
        let y = Shape::new(&[n, c]).expect("output_shape has agreed");
        let (isa, shape, x) = (isa(), *x.shape(), x.as_slice());
        let (pixels, channels) = cut(&shape);
        let y = Tensor::build(y, |y| {
            for_each(y, channels, |i, y| {
                for (y, x) in y.iter_mut().zip(x[i * channels * pixels..].chunks_exact(pixels)) {
                    *y = pool::mean(isa, x);
                }
            });
        });
        (y, shape)
    }

    fn backward(&self, x: Shape, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let (pixels, channels) = cut(&x);
        let (dy, count) = (dy.as_slice(), E::from_f64(pixels as f64));
        [Some(Tensor::build(x, |dx| {
            for_each(dx, channels * pixels, |i, dx| {
                for (dx, dy) in dx.chunks_exact_mut(pixels).zip(&dy[i * channels..]) {
                    dx.fill(*dy / count);
                }
            });
        }))]
    }
}

impl<E: Element> Var<E> {
    /// The mean of each channel of each image: `[N, C, H, W]` → `[N, C]`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_fn([1, 2, 2, 2], |i| i as f32)?);
    /// assert_eq!(x.global_avg_pool()?.value().as_slice(), [1.5, 5.5]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input has not four axes.
    pub fn global_avg_pool(&self) -> Result<Var<E>> {
        apply(GlobalAvgPool, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn every_element_gets_its_share() {
        let tape = Tape::new();
        let x =
            tape.leaf(Tensor::from_vec([1, 2, 1, 4], vec![1.0_f32, 2.0, 3.0, f32::NAN, 0.0, 0.0, 0.0, 8.0]).unwrap());
        let y = x.global_avg_pool().unwrap();
        assert!(y.value().as_slice()[0].is_nan());
        assert_eq!(y.value().as_slice()[1], 2.0);
        let gradients = tape.backward_from(&[(&y, Tensor::from_vec([1, 2], vec![1.0, 2.0]).unwrap())]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.5]);
    }

    /// Large enough for several chunks and for every part of the sum: blocks of four vectors, single ones, a tail.
    #[test]
    fn large_channels_have_their_mean() {
        for (n, size) in [(3, 150), (700, 13), (1, 1)] {
            let x = Tensor::from_fn([n, 2, size, size], |i| (i % (size * size)) as f64).unwrap();
            let y = Var::constant(x).global_avg_pool().unwrap();
            let expected = ((size * size - 1) as f64) / 2.0;
            assert!(y.value().as_slice().iter().all(|y| *y == expected), "{n} {size}");
        }
    }

    #[test]
    fn other_than_images_are_refused() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3, 4]).unwrap());
        assert_eq!(
            x.global_avg_pool().unwrap_err().to_string(),
            "global_avg_pool: the input has 3 axes, not four (input [2, 3, 4]); give images of shape [N, C, H, W]"
        );
    }
}
