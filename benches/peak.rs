//! What the machine can do: fused multiply-adds on registers alone, and a copy through memory. The other benches are to be
//! read as fractions of these.

mod rate;
#[path = "load/multiply_adds.rs"]
mod work;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evograd::Isa;
use rate::Rate;
use work::multiply_adds;

fn arithmetic(criterion: &mut Criterion<Rate>) {
    let mut group = criterion.benchmark_group("peak");
    for isa in Isa::available() {
        for threads in [1, 2] {
            group.throughput(Throughput::Elements(multiply_adds(isa, threads)));
            group.bench_function(format!("{isa:?}, {threads} threads"), |bencher| {
                bencher.iter(|| multiply_adds(isa, threads));
            });
        }
    }
    group.finish();
}

/// Reads one array and writes another, each far larger than the caches.
fn memory(criterion: &mut Criterion<Rate>) {
    const ELEMENTS: usize = 1 << 26;
    let from = vec![1.0_f32; ELEMENTS];
    let mut to = vec![0.0_f32; ELEMENTS];
    let mut group = criterion.benchmark_group("copy");
    group.sample_size(10).throughput(Throughput::Bytes(8 * ELEMENTS as u64));
    for threads in [1, 2] {
        group.bench_function(format!("{threads} threads"), |bencher| {
            bencher.iter(|| {
                std::thread::scope(|scope| {
                    let chunks = to.chunks_mut(ELEMENTS / threads).zip(from.chunks(ELEMENTS / threads));
                    chunks.for_each(|(to, from)| drop(scope.spawn(|| to.copy_from_slice(from))));
                });
            });
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = rate::criterion(); targets = arithmetic, memory);
criterion_main!(benches);
