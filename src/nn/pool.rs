//! Pooling.

use super::layer::{Layer, Pass, only};
use crate::error::{Error, Result};
use crate::ops::{AvgPool2d, MaxPool2d};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// The greatest element under each place of a window: `[N, C, H, W]` → `[N, C, OH, OW]`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, MaxPool};
/// let layer = MaxPool::square(2, 2);
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16, 8, 8])?])?.sizes(), [8, 16, 4, 4]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool(pub MaxPool2d);

impl MaxPool {
    /// A square window without padding that must fit.
    ///
    /// ```
    /// use evograd::nn::MaxPool;
    /// assert_eq!(MaxPool::square(3, 2).0.stride, [2, 2]);
    /// ```
    pub fn square(kernel: usize, stride: usize) -> MaxPool {
        MaxPool(MaxPool2d { stride: [stride; 2], ..MaxPool2d::new([kernel; 2]) })
    }
}

impl Layer for MaxPool {
    fn kind(&self) -> String {
        let MaxPool2d { kernel: [rows, columns], stride, .. } = self.0;
        format!("max pool {rows}×{columns} /{}", stride[0])
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        self.0.output_shape(only("max_pool2d", inputs)?)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        only("max_pool2d", inputs)?.max_pool2d(self.0)
    }
}

/// The mean of the elements under each place of a window: `[N, C, H, W]` → `[N, C, OH, OW]`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, AvgPool};
/// use evograd::ops::AvgPool2d;
/// let layer = AvgPool(AvgPool2d::new([2, 2]));
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16, 8, 8])?])?.sizes(), [8, 16, 4, 4]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool(pub AvgPool2d);

impl Layer for AvgPool {
    fn kind(&self) -> String {
        let AvgPool2d { kernel: [rows, columns], stride, .. } = self.0;
        format!("mean pool {rows}×{columns} /{}", stride[0])
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        self.0.output_shape(only("avg_pool2d", inputs)?)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        only("avg_pool2d", inputs)?.avg_pool2d(self.0)
    }
}

/// The mean of each channel: `[N, C, H, W]` → `[N, C]`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, GlobalAvgPool};
/// let layer = GlobalAvgPool;
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16, 8, 8])?])?.sizes(), [8, 16]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalAvgPool;

impl Layer for GlobalAvgPool {
    fn kind(&self) -> String {
        "global mean".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let x = *only("global_avg_pool", inputs)?;
        let Some([n, c, ..]) = x.axes::<4>() else {
            let remedy = "give images of shape [N, C, H, W]";
            let problem = format!("the input has {} axes", x.rank());
            return Err(Error::op("global_avg_pool", problem, &[("input", x)], remedy));
        };
        Ok(Shape::new(&[n, c])?)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        only("global_avg_pool", inputs)?.global_avg_pool()
    }
}
