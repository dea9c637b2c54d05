//! The three passes of a convolution, at the shapes of small image networks.

mod rate;
#[path = "load/conv.rs"]
mod work;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rate::Rate;
use std::hint::black_box;
use work::{Convolution, DEPTHWISE, Pass, SHAPES, depthwise_operations, operations};

fn passes(criterion: &mut Criterion<Rate>) {
    for shape in SHAPES {
        let [c, k, size, kernel, _] = shape;
        let name = format!("conv {c}->{k}@{size} {kernel}x{kernel}");
        measure(criterion, &name, &Convolution::new(shape).unwrap(), operations(shape));
    }
}

fn depthwise(criterion: &mut Criterion<Rate>) {
    for shape in DEPTHWISE {
        let [c, size, kernel, stride, _] = shape;
        let name = format!("depthwise {c}@{size} {kernel}x{kernel} stride {stride}");
        measure(criterion, &name, &Convolution::depthwise(shape).unwrap(), depthwise_operations(shape));
    }
}

/// All passes of one convolution.
fn measure(criterion: &mut Criterion<Rate>, name: &str, convolution: &Convolution, operations: u64) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(operations));
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

criterion_group!(name = benches; config = rate::criterion(); targets = passes, depthwise);
criterion_main!(benches);
