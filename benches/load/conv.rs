//! The three passes of a convolution, at the shapes of small image networks.

use evograd::ops::Conv2d;
use evograd::{Gradients, Result, Tape, Tensor, Var};

/// Channels, filters, height and width, kernel, padding.
pub const SHAPES: [[usize; 5]; 10] = [
    [3, 16, 32, 3, 1],
    [16, 16, 32, 3, 1],
    [32, 32, 16, 3, 1],
    [64, 64, 8, 3, 1],
    [64, 64, 32, 3, 1],
    [128, 128, 16, 3, 1],
    [256, 256, 8, 3, 1],
    [64, 256, 8, 1, 0],
    [32, 32, 32, 5, 2],
    [8, 8, 32, 3, 1],
];

/// Depthwise convolutions, with a filter for each channel: channels, height and width, kernel, stride, padding.
#[allow(dead_code, reason = "the comparison with other libraries has no row for them")]
pub const DEPTHWISE: [[usize; 5]; 4] = [[64, 32, 3, 1, 1], [128, 16, 3, 2, 1], [256, 8, 3, 1, 1], [64, 32, 5, 1, 2]];

/// Images in a batch.
const N: usize = 128;

/// A pass over the convolution.
#[derive(Clone, Copy, PartialEq)]
pub enum Pass {
    Forward,
    GradientOfInput,
    GradientOfWeights,
}

impl Pass {
    pub const ALL: [(&str, Pass); 3] = [
        ("forward", Pass::Forward),
        ("gradient-of-input", Pass::GradientOfInput),
        ("gradient-of-weights", Pass::GradientOfWeights),
    ];
}

/// A convolution with values to work on.
pub struct Convolution {
    x: Var,
    w: Var,
    dy: Tensor,
    options: Conv2d,
}

impl Convolution {
    /// Of one of the [`SHAPES`].
    pub fn new([c, k, size, kernel, padding]: [usize; 5]) -> Result<Convolution> {
        Convolution::with([c, k, size, kernel], Conv2d { padding: [padding; 2], ..Conv2d::default() })
    }

    /// Of one of the [`DEPTHWISE`].
    #[allow(dead_code, reason = "the comparison with other libraries has no row for them")]
    pub fn depthwise([c, size, kernel, stride, padding]: [usize; 5]) -> Result<Convolution> {
        let options = Conv2d { padding: [padding; 2], stride: [stride; 2], groups: c, ..Conv2d::default() };
        Convolution::with([c, c, size, kernel], options)
    }

    /// Channels, filters, height and width, kernel; and how it moves.
    fn with([c, k, size, kernel]: [usize; 4], options: Conv2d) -> Result<Convolution> {
        let values = |sizes: [usize; 4]| Tensor::from_fn(sizes, |i| ((i * 7919) % 1000) as f32 / 1000.0 - 0.5);
        let (x, w) = (values([N, c, size, size])?, values([k, c / options.groups, kernel, kernel])?);
        let out = (size + 2 * options.padding[0] - kernel) / options.stride[0] + 1;
        Ok(Convolution { x: Var::constant(x), w: Var::constant(w), dy: values([N, k, out, out])?, options })
    }

    /// The output.
    pub fn forward(&self) -> Result<Var> {
        self.x.conv2d(&self.w, None, self.options)
    }

    /// The output, recorded so that one gradient can be had.
    pub fn recorded(&self, pass: Pass) -> Result<(Tape, Var)> {
        let tape = Tape::new();
        let leaf = |var: &Var, wanted| if wanted { tape.leaf(var.value().clone()) } else { var.clone() };
        let x = leaf(&self.x, pass == Pass::GradientOfInput);
        let y = x.conv2d(&leaf(&self.w, pass == Pass::GradientOfWeights), None, self.options)?;
        Ok((tape, y))
    }

    /// The gradient of what [`Convolution::recorded`] gave.
    pub fn backward(&self, (tape, y): (Tape, Var)) -> Result<Gradients> {
        tape.backward_from(&[(&y, self.dy.clone())])
    }
}

/// The multiplications and additions of each pass.
pub fn operations([c, k, size, kernel, padding]: [usize; 5]) -> u64 {
    let out = size + 2 * padding - kernel + 1;
    (2 * N * k * out * out * c * kernel * kernel) as u64
}

/// As [`operations`], of a depthwise convolution.
#[allow(dead_code, reason = "the comparison with other libraries has no row for them")]
pub fn depthwise_operations([c, size, kernel, stride, padding]: [usize; 5]) -> u64 {
    let out = (size + 2 * padding - kernel) / stride + 1;
    (2 * N * c * out * out * kernel * kernel) as u64
}
