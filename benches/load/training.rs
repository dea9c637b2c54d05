//! A training step as every bench takes it: forward, loss, backward, SGD with momentum.

use evograd::models::{Network, Options, Spec, spec};
use evograd::{Fusion, Optimizer, Purpose, Result, Rule, Stream, Tape, Tensor};
use std::time::{Duration, Instant};

/// A network with its optimiser and one batch.
pub struct Training {
    network: Network,
    optimizer: Optimizer,
    images: Tensor,
    classes: Vec<usize>,
    steps: u32,
}

impl Training {
    /// Of the network of `spec`, with a batch of so many images.
    pub fn new(spec: &Spec, batch: usize) -> Result<Training> {
        let network = Network::new(spec, 0)?;
        let rule = Rule::Sgd { momentum: 0.9, nesterov: false };
        let optimizer = Optimizer::new(rule, network.weights(), vec![1e-4; network.weights().len()])?;
        let classes = (0..batch).map(|image| image % 10).collect();
        Ok(Training { network, optimizer, images: images(batch)?, classes, steps: 0 })
    }

    /// A step; the time it took.
    pub fn step(&mut self) -> Result<Duration> {
        let start = Instant::now();
        let tape = Tape::new();
        let (logits, leaves) = self.network.train(&tape, &self.images, 0, self.steps)?;
        let loss = logits.cross_entropy(&self.classes, 0.0)?;
        let mut gradients = tape.backward(&loss)?;
        let gradients: Vec<Tensor> =
            leaves.iter().map(|leaf| gradients.take(leaf).expect("every weight is used")).collect();
        drop((leaves, logits, loss, tape));
        self.optimizer.step(self.network.weights_mut(), &gradients, 1e-3)?;
        self.steps += 1;
        Ok(start.elapsed())
    }
}

/// ResNet-20 with 1×1 convolutions as shortcuts.
pub fn resnet20(fusion: Fusion) -> Result<Spec> {
    spec("resnet20", &Options { fusion, ..Options::default() })
}

/// Images `[N, 3, 32, 32]` of noise.
pub fn images(batch: usize) -> Result<Tensor> {
    let mut stream = Stream::new(0, Purpose::Init, 0, 0);
    Tensor::from_fn([batch, 3, 32, 32], |_| stream.normal() as f32)
}
