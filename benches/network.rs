//! Whole networks: a training step of an individual of a search, and the answers of ResNet-20. GFLOP/s count the
//! multiplications and additions of the convolutions and linear layers, three times those of forward in training.

#[path = "load/genetic.rs"]
mod genetic;
mod rate;
#[path = "load/training.rs"]
mod training;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evograd::Fusion;
use evograd::models::Network;
use genetic::all_ones;
use rate::Rate;
use std::hint::black_box;
use training::{Training, images, resnet20};

fn individual(criterion: &mut Criterion<Rate>) {
    const BATCH: usize = 128;
    let spec = all_ones().unwrap();
    let mut group = criterion.benchmark_group("training step of 128 images");
    group.throughput(Throughput::Elements(6 * spec.plan().unwrap().macs() * BATCH as u64)).sample_size(10);
    let mut training = Training::new(&spec, BATCH).unwrap();
    group.bench_function("individual with all edges", |bencher| bencher.iter(|| training.step().unwrap()));
    group.finish();
}

fn inference(criterion: &mut Criterion<Rate>) {
    let network = Network::new(&resnet20(Fusion::Sum).unwrap(), 0).unwrap();
    let frozen = network.frozen().unwrap();
    let mut group = criterion.benchmark_group("answers of resnet20");
    for batch in [128, 1] {
        let images = images(batch).unwrap();
        group.throughput(Throughput::Elements(2 * network.plan().macs() * batch as u64));
        group.bench_function(format!("{batch} images"), |bencher| {
            bencher.iter(|| black_box(network.evaluate(&images).unwrap()));
        });
        group.bench_function(format!("{batch} images, frozen"), |bencher| {
            bencher.iter(|| black_box(frozen.evaluate(&images).unwrap()));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = rate::criterion(); targets = individual, inference);
criterion_main!(benches);
