//! Forward and backward of pooling, on two threads over a batch of 128 images of 16 channels of 32 × 32.
//!
//! Throughput is told in bytes of the input: 1 GB/s is 4 ns per element.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evograd_kernels::pool::{Plane, avg_backward, avg_forward, max_backward, max_forward};
use evograd_kernels::{Isa, lrn};

const PLANES: usize = 128 * 16;
const SIZE: usize = 32;

/// A whole batch: the input, the output, the indices, and the gradient of the input.
struct Batch {
    plane: Plane,
    x: Vec<f32>,
    y: Vec<f32>,
    index: Vec<u32>,
    dx: Vec<f32>,
}

fn batch(kernel: usize, stride: usize, padding: usize) -> Batch {
    let places = (SIZE + 2 * padding - kernel) / stride + 1;
    let plane = Plane {
        input: [SIZE; 2],
        output: [places; 2],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
    };
    let x = (0..PLANES * plane.inputs()).map(|i| (i as u32).wrapping_mul(2_654_435_761) as f32).collect();
    let outputs = PLANES * plane.outputs();
    Batch { plane, x, y: vec![0.0; outputs], index: vec![0; outputs], dx: vec![0.0; PLANES * plane.inputs()] }
}

impl Batch {
    /// Calls `work` with the slices of every plane, one half of them on each of two threads.
    fn run(&mut self, work: impl Fn(&Plane, &[f32], &mut [f32], &mut [u32], &mut [f32], &mut [f32]) + Sync) {
        let Batch { plane, x, y, index, dx } = self;
        let (inputs, outputs) = (plane.inputs(), plane.outputs());
        let half = PLANES / 2;
        let x = x.chunks(half * inputs).zip(dx.chunks_mut(half * inputs));
        let y = y.chunks_mut(half * outputs).zip(index.chunks_mut(half * outputs));
        std::thread::scope(|scope| {
            for ((x, dx), (y, index)) in x.zip(y) {
                scope.spawn(|| {
                    let mut scratch = vec![0.0; plane.scratch()];
                    let x = x.chunks(inputs).zip(dx.chunks_mut(inputs));
                    let y = y.chunks_mut(outputs).zip(index.chunks_mut(outputs));
                    x.zip(y).for_each(|((x, dx), (y, index))| work(plane, x, y, index, dx, &mut scratch));
                });
            }
        });
    }
}

fn pooling(criterion: &mut Criterion) {
    let isa = Isa::chosen().expect("EVOGRAD_ISA names an instruction set of this CPU");
    let mut group = criterion.benchmark_group("pool 128x16x32x32");
    for (name, kernel, stride, padding) in
        [("2x2 s2", 2, 2, 0), ("3x3 s2 p1", 3, 2, 1), ("3x3 s1 p1", 3, 1, 1), ("5x5 s3 p2", 5, 3, 2)]
    {
        let mut batch = batch(kernel, stride, padding);
        group.throughput(Throughput::Bytes(size_of_val(&batch.x[..]) as u64));
        group.bench_function(format!("max {name} forward"), |bencher| {
            bencher.iter(|| batch.run(|plane, x, y, index, _, scratch| max_forward(isa, plane, x, y, index, scratch)));
        });
        group.bench_function(format!("max {name} backward"), |bencher| {
            bencher.iter(|| batch.run(|_, _, dy, index, dx, _| max_backward(index, dy, dx)));
        });
        group.bench_function(format!("avg {name} forward"), |bencher| {
            bencher.iter(|| batch.run(|plane, x, y, _, _, scratch| avg_forward(isa, plane, true, x, y, scratch)));
        });
        group.bench_function(format!("avg {name} backward"), |bencher| {
            bencher.iter(|| batch.run(|plane, _, dy, _, dx, scratch| avg_backward(isa, plane, true, dy, dx, scratch)));
        });
    }
}

/// On one image of 64 channels, one thread.
fn normalisation(criterion: &mut Criterion) {
    let isa = Isa::chosen().expect("EVOGRAD_ISA names an instruction set of this CPU");
    let len = 64 * SIZE * SIZE;
    let x: Vec<f32> = (0..len).map(|i| (i % 97) as f32 / 97.0).collect();
    let [mut y, mut dx, mut scratch] = [vec![0.0; len], vec![0.0; len], vec![0.0; len]];
    let mut group = criterion.benchmark_group("local response norm 64x32x32");
    group.throughput(Throughput::Bytes(size_of_val(&x[..]) as u64));
    for beta in [0.75, 0.6] {
        let settings = lrn::Settings { size: 5, alpha: 1e-4, beta, k: 1.0 };
        group.bench_function(format!("beta {beta} forward"), |bencher| {
            bencher.iter(|| lrn::lrn_forward(isa, &settings, 64, &x, &mut y));
        });
        group.bench_function(format!("beta {beta} backward"), |bencher| {
            bencher.iter(|| lrn::lrn_backward(isa, &settings, 64, &x, &y, &mut dx, &mut scratch));
        });
    }
}

criterion_group!(benches, pooling, normalisation);
criterion_main!(benches);
