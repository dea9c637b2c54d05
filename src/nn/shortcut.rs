//! The shortcut without weights.

use super::layer::{Layer, Pass, only};
use crate::error::{Error, Result};
use crate::ops::AvgPool2d;
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// Every `stride`-th pixel, with channels of zeros behind: `[N, C, H, W]` → `[N, channels, ⌈H/stride⌉, ⌈W/stride⌉]`.
///
/// Source: the parameter-free shortcut, "option A", of He, Zhang, Ren and Sun, *Deep residual learning for image
/// recognition*, CVPR 2016.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, Subsample};
/// let layer = Subsample { stride: 2, channels: 32 };
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16, 8, 8])?])?.sizes(), [8, 32, 4, 4]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsample {
    /// Pixels from one that stays to the next.
    pub stride: usize,
    /// Channels of the output; at least those of the input.
    pub channels: usize,
}

impl Subsample {
    /// Every `stride`-th pixel is the mean over a window of one pixel.
    fn pick(&self) -> AvgPool2d {
        AvgPool2d { stride: [self.stride; 2], ..AvgPool2d::new([1, 1]) }
    }
}

impl Layer for Subsample {
    fn kind(&self) -> String {
        format!("subsample /{}", self.stride)
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let x = *only("subsample", inputs)?;
        let [n, c, h, w] = self.pick().output_shape(x)?.axes().expect("a pooled image has four axes");
        if c > self.channels {
            let problem = format!("the input has {c} channels, the output {}", self.channels);
            return Err(Error::op("subsample", problem, &[("input", x)], "ask for at least as many channels"));
        }
        Ok(Shape::new(&[n, self.channels, h, w])?)
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        let x = only("subsample", inputs)?.avg_pool2d(self.pick())?;
        let more = self.channels - x.value().shape().sizes()[1];
        if more == 0 { Ok(x) } else { x.pad(&[(0, 0), (0, more), (0, 0), (0, 0)]) }
    }
}
