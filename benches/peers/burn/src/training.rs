//! A training step as every side takes it: forward, cross-entropy, backward, SGD with momentum.

use crate::resnet20::ResNet20;
use anyhow::{Result, ensure};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};
use std::time::{Duration, Instant};

/// The weights that every side trains.
const WEIGHTS: usize = 272_474;

/// ResNet-20 with its optimiser and one batch of noise.
pub struct Training {
    device: Device,
    /// The optimiser takes the network, so that nobody else holds its weights, and gives it back.
    network: Option<ResNet20>,
    optimizer: ModuleOptimizer,
    loss: CrossEntropyLoss,
    images: Tensor<4>,
    classes: Tensor<1, Int>,
}

impl Training {
    /// With a batch of so many images.
    pub fn new(images: usize) -> Result<Training> {
        let device = Device::flex().autodiff();
        let network = ResNet20::new(&device);
        ensure!(network.weights() == WEIGHTS, "the network has {} weights, not {WEIGHTS}", network.weights());
        let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0).with_nesterov(false);
        let rule = SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(Some(WeightDecayConfig::new(1e-4)));
        let classes: Vec<i32> = (0..images as i32).map(|image| image % 10).collect();
        Ok(Training {
            network: Some(network),
            optimizer: rule.init(),
            loss: CrossEntropyLossConfig::new().init(&device),
            images: Tensor::random([images, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device),
            classes: Tensor::from_ints(classes.as_slice(), &device),
            device,
        })
    }

    /// A step; the time it took.
    pub fn step(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.train(1e-3);
        self.device.sync()?;
        Ok(start.elapsed())
    }

    /// The loss before a step at this rate.
    fn train(&mut self, rate: f64) -> Tensor<1> {
        let network = self.network.take().expect("every step puts it back");
        let loss = self.loss.forward(network.forward(self.images.clone()), self.classes.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        self.network = Some(self.optimizer.step(rate, network, gradients));
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::Training;

    #[test]
    fn a_batch_is_learnt() {
        let mut training = Training::new(10).unwrap();
        let losses: Vec<f32> = (0..30).map(|_| training.train(0.02).into_scalar()).collect();
        assert!(losses[0] > 1.5 && losses[29] < 0.5 * losses[0], "{losses:?}");
    }
}
