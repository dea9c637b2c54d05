//! Operations whose time goes into memory traffic, forward and backward together, on one stage of a small image network.

use evograd::ops::FusedActivation;
use evograd::ops::MaxPool2d;
use evograd::{BatchNorm, Fusion, Gradients, Result, RunningStats, Tape, Tensor, Var};

/// Images, channels, height and width.
pub const SHAPE: [usize; 4] = [128, 16, 32, 32];

/// An operation of two activations; the tape is for weights.
pub type Operation = fn(&Tape, &Var, &Var) -> Result<Var>;

/// The operations that a network's time goes into, with the number of activations that each moves at least.
pub const OPERATIONS: [(&str, f64, Operation); 5] = [
    ("batch_norm", 5.0, batch_norm),
    ("relu", 5.0, |_, a, _| a.relu()),
    ("max_pool2d-2x2", 2.5, |_, a, _| max_pool(a, 2, 0)),
    ("max_pool2d-3x3s2", 2.5, |_, a, _| max_pool(a, 3, 1)),
    ("sort_root_fusion", 8.0, |_, a, b| a.sort_root_fusion(b, Fusion::DEFAULT_EPSILON, FusedActivation::None)),
];

fn batch_norm(tape: &Tape, x: &Var, _: &Var) -> Result<Var> {
    let weight = |value| -> Result<Var> { Ok(tape.leaf(Tensor::full([SHAPE[1]], value)?)) };
    x.batch_norm(&weight(1.0)?, &weight(0.0)?, &mut RunningStats::new(SHAPE[1])?, BatchNorm::default())
}

fn max_pool(x: &Var, kernel: usize, padding: usize) -> Result<Var> {
    x.max_pool2d(MaxPool2d { stride: [2; 2], padding: [padding; 2], ..MaxPool2d::new([kernel; 2]) })
}

/// An operation with values to work on.
pub struct BothWays<F> {
    operation: F,
    inputs: [Tensor; 2],
    dy: Tensor,
}

impl<F: Fn(&Tape, &Var, &Var) -> Result<Var>> BothWays<F> {
    pub fn new(operation: F) -> Result<BothWays<F>> {
        let inputs = [values(SHAPE)?, values(SHAPE)?];
        let [a, b] = inputs.each_ref().map(|input| Var::constant(input.clone()));
        let y = operation(&Tape::new(), &a, &b)?;
        Ok(BothWays { operation, dy: Tensor::full(y.value().shape(), 0.5)?, inputs })
    }

    /// Forward and backward.
    pub fn run(&self) -> Result<Gradients> {
        let tape = Tape::new();
        let [a, b] = self.inputs.each_ref().map(|input| tape.leaf(input.clone()));
        let y = (self.operation)(&tape, &a, &b)?;
        tape.backward_from(&[(&y, self.dy.clone())])
    }
}

/// Values from −1 to 1.
pub fn values<const N: usize>(sizes: [usize; N]) -> Result<Tensor> {
    Tensor::from_fn(sizes, |i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
}
