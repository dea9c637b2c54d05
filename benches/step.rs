//! A training step of ResNet-20 with 128 pictures: forward, loss, backward, SGD with momentum.

use evograd::models::{Network, Options, spec};
use evograd::{Fusion, SgdStep, Tape, Tensor, sgd_step};
use std::time::Instant;

fn main() {
    for threads in [1, 2] {
        evograd::Pool::new(threads).unwrap().install(|| {
            for fusion in [Fusion::Sum, Fusion::SortRoot { epsilon: 1e-4 }] {
                let options = Options { fusion, ..Options::default() };
                let mut network = Network::<f32>::new(&spec("resnet20", &options).unwrap(), 0).unwrap();
                let mut velocity: Vec<_> =
                    network.weights().iter().map(|w| Tensor::zeros(w.shape()).unwrap()).collect();
                let x = Tensor::from_fn([128, 3, 32, 32], |i| ((i * 7919 % 1000) as f32) / 500.0 - 1.0).unwrap();
                let classes: Vec<usize> = (0..128).map(|i| i % 10).collect();
                let step = SgdStep { rate: 0.01, momentum: 0.9, weight_decay: 1e-4, nesterov: true };
                let mut times = vec![];
                for i in 0..12 {
                    let start = Instant::now();
                    let tape = Tape::new();
                    let (logits, leaves) = network.train(&tape, &x, 0, i).unwrap();
                    let loss = logits.cross_entropy(&classes, 0.0).unwrap();
                    let mut g = tape.backward(&loss).unwrap();
                    let g: Vec<_> = leaves.iter().map(|l| g.take(l).unwrap()).collect();
                    drop((leaves, tape, logits, loss));
                    for ((w, v), g) in network.weights_mut().iter_mut().zip(&mut velocity).zip(&g) {
                        sgd_step(w, v, g, step).unwrap();
                    }
                    times.push(start.elapsed().as_secs_f64());
                }
                times.sort_by(f64::total_cmp);
                println!("{threads} threads {fusion}: {:.1} ms, {:.0} images/s", times[6] * 1e3, 128.0 / times[6]);
            }
        });
    }
}
