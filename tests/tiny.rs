//! The whole engine in under a second: run this one while you work.

use evograd::ops::{CATALOGUE, Conv2d, Draw};
use evograd::{BatchNorm, Isa, RunningStats, SgdStep, Tape, Tensor, ThreadPool, Var, gradcheck, sgd_step};

#[test]
fn one_case_of_every_operation_passes_the_gradient_check() {
    for row in CATALOGUE {
        let case = (row.draw)(&mut Draw::seeded(7));
        let report = gradcheck(&case.double, &case.inputs).unwrap();
        assert!(report.passed(), "{} {}: {report}", row.name, case.description);
    }
}

/// Two classes of 8×8 images: bright on the left or on the right.
fn images() -> (Tensor, Vec<usize>) {
    let x = Tensor::from_fn([16, 1, 8, 8], |i| {
        let (image, column) = (i / 64, i % 8);
        let bright = (column < 4) == (image % 2 == 0);
        (if bright { 1.0 } else { 0.0 }) + (i * 7919 % 101) as f32 / 200.0
    });
    (x.unwrap(), (0..16).map(|image| image % 2).collect())
}

/// Trains a small convolutional network and returns the loss of every step, as bits.
fn train() -> Vec<u32> {
    let (x, classes) = images();
    let (x, padded) = (Var::constant(x), Conv2d { padding: [1, 1], ..Conv2d::default() });
    let weight =
        |sizes: &[usize], scale: f32| Tensor::from_fn(sizes, |i| ((i * 31 % 17) as f32 / 8.0 - 1.0) * scale).unwrap();
    let mut weights = [weight(&[4, 1, 3, 3], 0.3), weight(&[4], 0.0), weight(&[4], 0.0), weight(&[2, 256], 0.05)];
    weights[1].as_mut_slice().fill(1.0);
    let mut velocities = weights.clone().map(|weight| Tensor::zeros(weight.shape()).unwrap());
    let mut running = RunningStats::new(4).unwrap();
    let step = SgdStep { rate: 0.05, momentum: 0.9, weight_decay: 0.0, nesterov: false };
    let mut losses = Vec::new();
    for _ in 0..20 {
        let tape = Tape::new();
        let [kernel, gamma, beta, linear] = weights.clone().map(|weight| tape.leaf(weight));
        let hidden = x.conv2d(&kernel, None, padded).unwrap();
        let hidden = hidden.batch_norm(&gamma, &beta, &mut running, BatchNorm::default()).unwrap();
        let logits = hidden.relu().unwrap().flatten(1).unwrap().linear(&linear, None).unwrap();
        let loss = logits.cross_entropy(&classes, 0.0).unwrap();
        let gradients = tape.backward(&loss).unwrap();
        for ((leaf, weight), velocity) in [kernel, gamma, beta, linear].iter().zip(&mut weights).zip(&mut velocities) {
            sgd_step(weight, velocity, gradients.get(leaf).unwrap(), step).unwrap();
        }
        losses.push(loss.item().unwrap().to_bits());
    }
    losses
}

#[test]
fn a_small_network_learns_and_threads_change_no_bit() {
    for isa in Isa::available() {
        let run = |threads| isa.scope(|| ThreadPool::new(threads).unwrap().install(train));
        let losses = run(1);
        assert_eq!(losses, run(3), "{isa:?}");
        let (first, last) = (f32::from_bits(losses[0]), f32::from_bits(losses[19]));
        assert!(first > 0.5 && last < 0.05, "{isa:?}: the loss went from {first} to {last}");
    }
}
