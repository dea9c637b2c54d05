//! What the machine can do: fused multiply-adds on registers alone, and a copy through memory. The other benches are to be
//! read as fractions of these.

mod rate;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evograd_kernels::simd::{Kernel, Simd};
use evograd_kernels::{Element, Isa};
use rate::Rate;
use std::hint::black_box;

/// Independent sums, enough to hide the latency of an addition.
const CHAINS: usize = 12;

/// Rounds of one multiply-add in every chain.
const ROUNDS: usize = 1_000_000;

/// `CHAINS × ROUNDS` multiply-adds of whole vectors; the sum of all lanes, so that none is left out.
struct MultiplyAdds;

impl Kernel<f32> for MultiplyAdds {
    type Output = (f32, usize);

    #[inline(always)]
    fn run<S: Simd<Elem = f32>>(self, s: S) -> (f32, usize) {
        let (a, b) = (s.splat(black_box(0.999)), s.splat(black_box(0.001)));
        let mut sums = [s.splat(1.0); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, a, b);
            }
        }
        (sums.into_iter().map(|sum| s.sum(sum)).sum(), S::LANES)
    }
}

/// Runs `work` on so many threads at once.
fn on_threads(threads: usize, work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(&work);
        }
    });
}

fn arithmetic(criterion: &mut Criterion<Rate>) {
    let mut group = criterion.benchmark_group("peak");
    for isa in Isa::available() {
        let (_, lanes) = f32::dispatch(isa, MultiplyAdds);
        for threads in [1, 2] {
            group.throughput(Throughput::Elements((2 * threads * lanes * CHAINS * ROUNDS) as u64));
            group.bench_function(format!("{isa:?}, {threads} threads"), |bencher| {
                bencher.iter(|| on_threads(threads, || _ = black_box(f32::dispatch(isa, MultiplyAdds))));
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
                    let pieces = to.chunks_mut(ELEMENTS / threads).zip(from.chunks(ELEMENTS / threads));
                    pieces.for_each(|(to, from)| drop(scope.spawn(|| to.copy_from_slice(from))));
                });
            });
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = rate::criterion(); targets = arithmetic, memory);
criterion_main!(benches);
