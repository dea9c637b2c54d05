//! ResNet-20 as the other sides have it: 3×3 convolutions with batch norm, 1×1 convolutions as shortcuts.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

#[derive(Module, Debug)]
struct ConvBn {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ConvBn {
    fn new(channels: usize, filters: usize, kernel: usize, stride: usize, device: &Device) -> ConvBn {
        let border = kernel / 2;
        let conv = Conv2dConfig::new([channels, filters], [kernel, kernel])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(border, border, border, border))
            .with_bias(false)
            .with_initializer(Initializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: true });
        ConvBn { conv: conv.init(device), norm: BatchNormConfig::new(filters).init(device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

#[derive(Module, Debug)]
struct Block {
    first: ConvBn,
    second: ConvBn,
    shortcut: Option<ConvBn>,
}

impl Block {
    fn new([channels, filters, stride]: [usize; 3], device: &Device) -> Block {
        Block {
            first: ConvBn::new(channels, filters, 3, stride, device),
            second: ConvBn::new(filters, filters, 3, 1, device),
            shortcut: (channels != filters).then(|| ConvBn::new(channels, filters, 1, stride, device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let f = self.second.forward(relu(self.first.forward(x.clone())));
        relu(f + self.shortcut.iter().fold(x, |x, shortcut| shortcut.forward(x)))
    }
}

/// The network, for images of ten classes.
#[derive(Module, Debug)]
pub struct ResNet20 {
    stem: ConvBn,
    blocks: Vec<Block>,
    head: Linear,
}

impl ResNet20 {
    pub fn new(device: &Device) -> ResNet20 {
        let [a, b, c] = [[16, 16, 1], [32, 32, 1], [64, 64, 1]];
        let places = [a, a, a, [16, 32, 2], b, b, [32, 64, 2], c, c];
        ResNet20 {
            stem: ConvBn::new(3, 16, 3, 1, device),
            blocks: places.map(|place| Block::new(place, device)).into(),
            head: LinearConfig::new(64, 10).init(device),
        }
    }

    /// Logits `[N, 10]` of images `[N, 3, 32, 32]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.blocks.iter().fold(relu(self.stem.forward(images)), |x, block| block.forward(x));
        self.head.forward(x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2))
    }

    /// How many numbers are trained: Burn's own count takes in the running statistics of batch norm.
    pub fn weights(&self) -> usize {
        let mut count = Weights(0);
        self.visit(&mut count);
        count.0
    }
}

struct Weights(usize);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0 += if param.is_require_grad() { param.shape().num_elements() } else { 0 };
    }
}
