//! The three passes of a convolution, at the shapes of small image networks.

mod rate;
#[path = "load/conv.rs"]
mod work;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rate::Rate;
use std::hint::black_box;
use work::{Convolution, Pass, SHAPES, operations};

fn passes(criterion: &mut Criterion<Rate>) {
    for shape in SHAPES {
        let convolution = Convolution::new(shape).unwrap();
        let [c, k, size, kernel, _] = shape;
        let mut group = criterion.benchmark_group(format!("conv {c}->{k}@{size} {kernel}x{kernel}"));
        group.throughput(Throughput::Elements(operations(shape)));
        group.sample_size(10).measurement_time(std::time::Duration::from_secs(1));
        group.warm_up_time(std::time::Duration::from_millis(500));
        for (name, pass) in Pass::ALL {
            group.bench_function(name, |b| match pass {
                Pass::Forward => b.iter(|| black_box(convolution.forward().unwrap())),
                gradient => b.iter_batched(
                    || convolution.recorded(gradient).unwrap(),
                    |recorded| black_box(convolution.backward(recorded).unwrap()),
                    BatchSize::PerIteration,
                ),
            });
        }
        group.finish();
    }
}

criterion_group!(name = benches; config = rate::criterion(); targets = passes);
criterion_main!(benches);
