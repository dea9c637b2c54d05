//! The three passes of a convolution, at the shapes of small image networks.

mod rate;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use evograd::ops::Conv2d;
use evograd::{Tape, Tensor, Var};
use rate::Rate;
use std::hint::black_box;

/// Channels, filters, height and width, kernel, padding.
const SHAPES: [(usize, usize, usize, usize, usize); 10] = [
    (3, 16, 32, 3, 1),
    (16, 16, 32, 3, 1),
    (32, 32, 16, 3, 1),
    (64, 64, 8, 3, 1),
    (64, 64, 32, 3, 1),
    (128, 128, 16, 3, 1),
    (256, 256, 8, 3, 1),
    (64, 256, 8, 1, 0),
    (32, 32, 32, 5, 2),
    (8, 8, 32, 3, 1),
];

/// Images in a batch.
const N: usize = 128;

fn values(sizes: [usize; 4]) -> Tensor {
    Tensor::from_fn(sizes, |i| ((i * 7919) % 1000) as f32 / 1000.0 - 0.5).unwrap()
}

fn passes(criterion: &mut Criterion<Rate>) {
    for (c, k, size, kernel, padding) in SHAPES {
        let options = Conv2d { padding: [padding; 2], ..Conv2d::default() };
        let out = size + 2 * padding - kernel + 1;
        let (x, w) = (values([N, c, size, size]), values([k, c, kernel, kernel]));
        let dy = values([N, k, out, out]);
        let mut group = criterion.benchmark_group(format!("conv {c}->{k}@{size} {kernel}x{kernel}"));
        group.throughput(Throughput::Elements((2 * N * k * out * out * c * kernel * kernel) as u64));
        group.sample_size(10).measurement_time(std::time::Duration::from_secs(1));
        group.warm_up_time(std::time::Duration::from_millis(500));
        let (constant_x, constant_w) = (Var::constant(x.clone()), Var::constant(w.clone()));
        group.bench_function("forward", |b| {
            b.iter(|| black_box(constant_x.conv2d(&constant_w, None, options).unwrap()));
        });
        for (name, x_wanted) in [("gradient of input", true), ("gradient of weights", false)] {
            let setup = || {
                let tape = Tape::new();
                let x = if x_wanted { tape.leaf(x.clone()) } else { constant_x.clone() };
                let w = if x_wanted { constant_w.clone() } else { tape.leaf(w.clone()) };
                (tape, x.conv2d(&w, None, options).unwrap())
            };
            group.bench_function(name, |b| {
                b.iter_batched(
                    setup,
                    |(tape, y)| black_box(tape.backward_from(&[(&y, dy.clone())]).unwrap()),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(name = benches; config = rate::criterion(); targets = passes);
criterion_main!(benches);
