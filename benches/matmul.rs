//! Matrix products by the library, at the sizes of classifiers and, to show why convolution has kernels of its own, at
//! those of one image's convolution.

mod rate;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evograd::{Tensor, Var};
use rate::Rate;
use std::hint::black_box;

/// Rows, columns, inner size.
const SIZES: [(usize, usize, usize); 7] = [
    (512, 512, 512),
    (128, 10, 64),
    (128, 1024, 4096),
    (16, 1024, 144),
    (32, 256, 288),
    (64, 64, 576),
    (16, 131_072, 144),
];

fn products(criterion: &mut Criterion<Rate>) {
    let mut group = criterion.benchmark_group("matmul");
    for (m, n, k) in SIZES {
        let values = |sizes| Var::constant(Tensor::from_fn(sizes, |i| (i % 13) as f32 - 6.0).unwrap());
        let (a, b) = (values([m, k]), values([k, n]));
        group.throughput(Throughput::Elements((2 * m * n * k) as u64));
        group.bench_function(format!("{m}x{n}x{k}"), |bencher| bencher.iter(|| black_box(a.matmul(&b).unwrap())));
    }
    group.finish();
}

criterion_group!(name = benches; config = rate::criterion(); targets = products);
criterion_main!(benches);
