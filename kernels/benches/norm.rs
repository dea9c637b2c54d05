//! What a normalisation reads and writes a second, on a batch `[128, 16, 32, 32]` of `f32`, plane by plane.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evograd_kernels::stats::{Moments, gradient_sums};
use evograd_kernels::{Isa, norm, softmax};
use std::hint::black_box;

const PLANE: usize = 32 * 32;
const ELEMENTS: usize = 128 * 16 * PLANE;

fn values(seed: usize) -> Vec<f32> {
    (0..ELEMENTS).map(|i| ((i + seed) * 7919 % 1009) as f32 / 500.0 - 1.0).collect()
}

fn bench(c: &mut Criterion) {
    let isa = Isa::chosen().expect("EVOGRAD_ISA names an instruction set of this CPU");
    let (x, dy, mut out) = (values(1), values(2), vec![0.0; ELEMENTS]);
    let mut group = c.benchmark_group(format!("norm/{}", isa.name()));
    let bytes = (ELEMENTS * size_of::<f32>()) as u64;
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("moments", |b| {
        b.iter(|| x.chunks(PLANE).map(|x| Moments::of(isa, x)).fold(Moments::default(), Moments::merge))
    });
    group.throughput(Throughput::Bytes(2 * bytes));
    group.bench_function("normalise", |b| {
        b.iter(|| {
            for (x, y) in x.chunks(PLANE).zip(out.chunks_mut(PLANE)) {
                norm::normalise(isa, x, black_box(0.1), 0.9, 0.2, y);
            }
        })
    });
    group.bench_function("gradient_sums", |b| {
        b.iter(|| {
            for (x, dy) in x.chunks(PLANE).zip(dy.chunks(PLANE)) {
                black_box(gradient_sums(isa, x, dy, 0.1));
            }
        })
    });
    group.bench_function("softmax_forward, rows of 1024", |b| {
        b.iter(|| softmax::softmax_forward(isa, PLANE, &x, &mut out))
    });
    group.throughput(Throughput::Bytes(3 * bytes));
    group.bench_function("normalise_backward", |b| {
        b.iter(|| {
            for ((x, dy), dx) in x.chunks(PLANE).zip(dy.chunks(PLANE)).zip(out.chunks_mut(PLANE)) {
                norm::normalise_backward(isa, x, dy, black_box(0.1), 0.9, 0.01, 0.2, dx);
            }
        })
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
