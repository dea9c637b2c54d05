//! Convolution.

use super::Init;
use super::layer::{Layer, Parameter, Pass, Role, only};
use crate::error::{Error, Result};
use crate::ops::Conv2d;
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// A convolution: `[N, C, H, W]` → `[N, filters, OH, OW]`, with weights `[filters, C/groups, R, S]`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Conv, Layer};
/// let conv = Conv::same(16, 3).stride(2).biased();
/// assert_eq!(conv.output_shape(&[&Shape::new(&[8, 3, 32, 32])?])?.sizes(), [8, 16, 16, 16]);
/// assert_eq!(Conv::same(16, 3).padding(0).options.padding, [0, 0]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Output channels.
    pub filters: usize,
    /// Rows and columns of a filter.
    pub kernel: [usize; 2],
    /// Stride, padding, dilation and groups.
    pub options: Conv2d,
    /// Whether each filter has a bias; of no use before a batch normalisation.
    pub bias: bool,
}

impl Conv {
    /// Square filters with as much padding as keeps the image's size, no bias and stride 1. Of an even size, they have one more row and
    /// column of padding below and on the right.
    ///
    /// ```
    /// use evograd::nn::Conv;
    /// assert_eq!(Conv::same(16, 3).options.padding, [1, 1]);
    /// ```
    pub fn same(filters: usize, kernel: usize) -> Conv {
        let options = Conv2d::default().same([kernel; 2]);
        Conv { filters, kernel: [kernel; 2], options, bias: false }
    }

    /// The same with another stride along both axes.
    pub fn stride(mut self, stride: usize) -> Conv {
        self.options.stride = [stride; 2];
        self
    }

    /// The same with other padding on all sides.
    pub fn padding(mut self, padding: usize) -> Conv {
        self.options.padding = [padding; 2];
        self.options.padding_end = None;
        self
    }

    /// The same with a bias for each filter.
    pub fn biased(mut self) -> Conv {
        self.bias = true;
        self
    }

    /// The shape of the weights for these channels.
    fn kernel_shape(&self, channels: usize) -> Result<Shape> {
        let own = channels / self.options.groups.max(1);
        Ok(Shape::new(&[self.filters, own, self.kernel[0], self.kernel[1]])?)
    }
}

impl Layer for Conv {
    fn kind(&self) -> String {
        let [rows, columns] = self.kernel;
        let stride =
            if self.options.stride == [1, 1] { String::new() } else { format!(" /{}", self.options.stride[0]) };
        format!("conv {rows}×{columns}{stride}")
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let x = *only("conv2d", inputs)?;
        let Some([_, channels, ..]) = x.axes::<4>() else {
            let remedy = "give images of shape [N, C, H, W]";
            return Err(Error::op("conv2d", format!("the input has {} axes", x.rank()), &[("input", x)], remedy));
        };
        self.options.output_shape(&[x, &self.kernel_shape(channels)?])
    }

    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        let shape = self.kernel_shape(inputs[0].sizes()[1]).expect("output_shape has agreed");
        let fan_in = shape.elements() / self.filters;
        let weight = Parameter { name: "weight", shape, init: Init::He { fan_in }, role: Role::Weight };
        let bias = self.bias.then(|| bias(self.filters));
        [weight].into_iter().chain(bias).collect()
    }

    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        let own = inputs[0].sizes()[1] / self.options.groups;
        [own, self.kernel[0], self.kernel[1]]
            .iter()
            .fold(output.elements() as u64, |macs, size| macs.saturating_mul(*size as u64))
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        only("conv2d", inputs)?.conv2d(&pass.weights[0], pass.weights.get(1), self.options)
    }
}

/// A bias for each of some outputs, which begins at zero.
pub(super) fn bias(outputs: usize) -> Parameter {
    let shape = Shape::new(&[outputs]).expect("output_shape has agreed to so many outputs");
    Parameter { name: "bias", shape, init: Init::Constant(0.0), role: Role::Bias }
}
