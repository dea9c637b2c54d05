//! A convolution whose filters are packed once, for many inputs: how a network that is not trained any more answers.

use super::passes::{Passes, Products};
use super::{Conv2d, ROW};
use crate::error::{Error, Result};
use crate::ops::FusedActivation;
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::{Element, Isa, relu};

/// [`conv2d`](crate::Var::conv2d) of images of one size with one kernel and bias, and the ReLU behind it where there is one.
///
/// The bits are those of the operations one after the other. No tape sees it, so it has no gradients.
///
/// ```
/// use evograd::Tensor;
/// use evograd::ops::{Conv2d, FusedActivation, PreparedConv2d};
/// let (blur, bias) = (Tensor::full([1, 1, 2, 2], 0.25_f32)?, Tensor::full([1], -4.0)?);
/// let conv = PreparedConv2d::new(&blur, Some(&bias), Conv2d::default(), [1, 3, 3], FusedActivation::Relu)?;
/// let y = conv.run(&Tensor::from_fn([1, 1, 3, 3], |i| i as f32)?)?;
/// assert_eq!(y.as_slice(), [0.0, 0.0, 1.0, 2.0]);
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct PreparedConv2d<E: Element = f32> {
    image: [usize; 3],
    kernel: Shape,
    passes: Passes,
    products: Products<E>,
    relu: bool,
    /// The instruction set that the filters are packed for.
    isa: Isa,
}

impl<E: Element> PreparedConv2d<E> {
    /// Packs a kernel `[K, C/groups, R, S]` for images `[C, H, W]`, with a bias `[K]`, if there is one, and a ReLU where `activation` says so.
    ///
    /// # Errors
    /// As [`conv2d`](crate::Var::conv2d), or when the instruction set that was asked for is not there.
    pub fn new(
        kernel: &Tensor<E>,
        bias: Option<&Tensor<E>>,
        options: Conv2d,
        image: [usize; 3],
        activation: FusedActivation,
    ) -> Result<Self> {
        let isa = Isa::chosen()?;
        let [c, h, w] = image;
        let one = Shape::new(&[1, c, h, w])?;
        let shapes: Vec<&Shape> = [&one, kernel.shape()].into_iter().chain(bias.map(Tensor::shape)).collect();
        options.output_shape(&shapes)?;
        let passes = Passes::new(options.sizes(&shapes)?);
        let products = passes.products(kernel, bias);
        Ok(PreparedConv2d { image, kernel: *kernel.shape(), passes, products, relu: activation.is_relu(), isa })
    }

    /// Convolves images `[N, C, H, W]`, any number of them.
    ///
    /// # Errors
    /// When the images are of another size.
    pub fn run(&self, x: &Tensor<E>) -> Result<Tensor<E>> {
        let images = match x.shape().axes() {
            Some([images, c, h, w]) if [c, h, w] == self.image => images,
            _ => {
                let problem = format!("the kernel was packed for images {:?}", self.image);
                let shapes = [("input", x.shape()), ("kernel", &self.kernel)];
                return Err(Error::op(ROW.name, problem, &shapes, "give it [N, C, H, W] with these sizes"));
            }
        };
        let (isa, rectify) = (self.isa, self.relu);
        let then = |y: &mut [E]| {
            if rectify {
                relu::relu_over(isa, y);
            }
        };
        let shape = self.passes.output_shape(images);
        Ok(Tensor::build(shape, |y| self.products.run(isa, images, x.as_slice(), y, then)))
    }
}

impl<E: Element> std::fmt::Debug for PreparedConv2d<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PreparedConv2d { image, kernel, relu, .. } = self;
        f.debug_struct("PreparedConv2d").field("image", image).field("kernel", kernel).field("relu", relu).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Var;
    use crate::{ThreadPool, no_grad};

    fn values<const N: usize>(shape: [usize; N], seed: usize) -> Tensor<f32> {
        Tensor::from_fn(shape, |i| ((i + seed) * 7919 % 1009) as f32 / 504.5 - 1.0).unwrap()
    }

    /// Every way of computing a convolution, with groups, strides and flat kernels.
    #[test]
    fn the_bits_are_those_of_the_operations_whatever_the_images_and_threads() {
        for (c, k, [r, s], stride, padding, groups) in [
            (3, 5, [3, 3], 1, 1, 1),
            (16, 32, [3, 3], 1, 1, 1),
            (16, 16, [3, 3], 2, 1, 1),
            (16, 48, [1, 1], 1, 0, 1),
            (6, 4, [5, 2], 2, 2, 2),
            (6, 6, [3, 3], 1, 1, 6),
        ] {
            let options = Conv2d { stride: [stride; 2], padding: [padding; 2], groups, ..Conv2d::default() };
            let (kernel, bias) = (values([k, c / groups, r, s], 1), values([k], 2));
            let packed = |relu| {
                PreparedConv2d::new(&kernel, Some(&bias), options, [c, 11, 12], FusedActivation::relu_if(relu)).unwrap()
            };
            for (images, relu, threads) in [(1, true, 2), (3, false, 1), (37, true, 2)] {
                let x = values([images, c, 11, 12], 3);
                let [input, w, b] = [&x, &kernel, &bias].map(|tensor| Var::constant(tensor.clone()));
                let expected = no_grad(|| {
                    let y = input.conv2d(&w, Some(&b), options)?;
                    if relu { y.relu() } else { Ok(y) }
                });
                let found = ThreadPool::new(threads).unwrap().install(|| packed(relu).run(&x).unwrap());
                assert!(&found == expected.unwrap().value(), "{c}→{k}, {r}×{s}, {images} images");
            }
        }
    }

    #[test]
    fn images_of_another_size_are_refused() {
        let conv =
            PreparedConv2d::new(&values([2, 3, 3, 3], 0), None, Conv2d::default(), [3, 8, 8], FusedActivation::None)
                .unwrap();
        assert_eq!(
            conv.run(&values([1, 3, 8, 9], 0)).unwrap_err().to_string(),
            "conv2d: the kernel was packed for images [3, 8, 8] (input [1, 3, 8, 9], kernel [2, 3, 3, 3]); \
             give it [N, C, H, W] with these sizes"
        );
        assert!(
            PreparedConv2d::new(&values([2, 4, 3, 3], 0), None, Conv2d::default(), [3, 8, 8], FusedActivation::None)
                .is_err()
        );
    }
}
