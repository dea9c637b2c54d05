//! Operations whose time goes into memory traffic, forward and backward together, on one stage of a small image
//! network. The rate counts the least traffic that a pass over memory for each direction needs; `time / 2 097 152` is the
//! time an element takes.

mod rate;
#[path = "load/memory.rs"]
mod work;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use evograd::ops::FusedActivation;
use evograd::ops::ReducedAxes;
use evograd::ops::{AvgPool2d, LocalResponseNorm};
use evograd::{BatchNorm, DropoutKey, Fusion, Isa, Result, RunningStats, SgdStep, Tape, Tensor, Var, sgd_step};
use evograd_kernels::update;
use rate::Rate;
use std::hint::black_box;
use work::{BothWays, OPERATIONS, SHAPE, values};

/// Bytes of one activation.
const BYTES: u64 = (SHAPE[0] * SHAPE[1] * SHAPE[2] * SHAPE[3] * 4) as u64;

/// Times an operation of two activations forward and backward; it moves `passes` activations.
fn bench(criterion: &mut Criterion<Rate>, name: &str, passes: f64, operation: impl Fn(&Var, &Var) -> Result<Var>) {
    both_ways(criterion, name, passes, |_, a, b| operation(a, b));
}

/// [`bench`] of an operation with weights.
fn both_ways(
    criterion: &mut Criterion<Rate>,
    name: &str,
    passes: f64,
    operation: impl Fn(&Tape, &Var, &Var) -> Result<Var>,
) {
    let work = BothWays::new(operation).unwrap();
    let mut group = criterion.benchmark_group("forward + backward");
    group.throughput(Throughput::Bytes((BYTES as f64 * passes) as u64));
    group.sample_size(30).measurement_time(std::time::Duration::from_secs(2));
    group.bench_function(name, |bencher| bencher.iter(|| black_box(work.run().unwrap())));
    group.finish();
}

/// What is also measured beside PyTorch.
fn operations(criterion: &mut Criterion<Rate>) {
    OPERATIONS.into_iter().for_each(|(name, passes, operation)| both_ways(criterion, name, passes, operation));
}

fn fusions(criterion: &mut Criterion<Rate>) {
    bench(criterion, "residual sum, then relu", 8.0, |a, b| a.add(b)?.relu());
    bench(criterion, "sort_root_fusion with relu", 8.0, |a, b| a.sort_root_fusion(b, 1e-4, FusedActivation::Relu));
    bench(criterion, "sort_fusion with relu", 8.0, |a, b| a.sort_fusion(b, FusedActivation::Relu));
    bench(criterion, "sum_max", 8.0, |a, b| a.sum_max(b));
    bench(criterion, "mul", 8.0, |a, b| a.mul(b));
}

fn activations(criterion: &mut Criterion<Rate>) {
    bench(criterion, "sigmoid", 5.0, |a, _| a.sigmoid());
    bench(criterion, "tanh", 5.0, |a, _| a.tanh());
    bench(criterion, "dropout", 4.0, |a, _| a.dropout(0.5, DropoutKey { seed: 1, step: 2, layer: 3 }));
    bench(criterion, "softmax of rows of 32", 5.0, |a, _| a.softmax());
    bench(criterion, "exp", 5.0, |a, _| a.exp());
    bench(criterion, "maximum", 8.0, |a, b| a.maximum(b));
    bench(criterion, "transpose NCHW to NHWC", 4.0, |a, _| a.transpose(&[0, 2, 3, 1]));
    bench(criterion, "concat of channels", 8.0, |a, b| Var::concat(&[a, b], 1));
    bench(criterion, "sum over images and pixels", 2.0, |a, _| a.sum(&[0, 2, 3], ReducedAxes::Dropped));
}

/// A normalisation with its ReLU, and the end of a residual block: in one pass, and in several.
fn normalisations(criterion: &mut Criterion<Rate>) {
    let weights = |tape: &Tape| -> Result<[Var; 2]> {
        Ok([tape.leaf(Tensor::full([SHAPE[1]], 1.0)?), tape.leaf(Tensor::full([SHAPE[1]], 0.0)?)])
    };
    let running = || RunningStats::new(SHAPE[1]);
    both_ways(criterion, "batch_norm, then relu", 10.0, |tape, a, _| {
        let [gamma, beta] = weights(tape)?;
        a.batch_norm(&gamma, &beta, &mut running()?, BatchNorm::default())?.relu()
    });
    both_ways(criterion, "batch_norm_relu", 5.0, |tape, a, _| {
        let [gamma, beta] = weights(tape)?;
        a.batch_norm_relu(&gamma, &beta, &mut running()?, BatchNorm::default())
    });
    for (name, fusion) in
        [("sum", Fusion::Sum), ("sort_root_fusion", Fusion::SortRoot { epsilon: Fusion::DEFAULT_EPSILON })]
    {
        both_ways(criterion, &format!("batch_norm, then {name}, then relu"), 13.0, |tape, a, b| {
            let [gamma, beta] = weights(tape)?;
            b.fuse(&a.batch_norm(&gamma, &beta, &mut running()?, BatchNorm::default())?, fusion, FusedActivation::Relu)
        });
        both_ways(criterion, &format!("batch_norm_fuse by {name}"), 8.0, |tape, a, b| {
            let [gamma, beta] = weights(tape)?;
            a.batch_norm_fuse(&gamma, &beta, b, &mut running()?, BatchNorm::default(), fusion)
        });
    }
    bench(criterion, "local_response_norm", 5.0, |a, _| a.local_response_norm(LocalResponseNorm::new(5)));
}

fn pools(criterion: &mut Criterion<Rate>) {
    let avg = AvgPool2d::new([2; 2]);
    bench(criterion, "avg_pool2d 2x2", 2.5, |a, _| a.avg_pool2d(avg));
    bench(criterion, "global_avg_pool", 2.0, |a, _| a.global_avg_pool());
}

/// The losses, on as many rows of ten classes as fill an activation.
fn classifiers(criterion: &mut Criterion<Rate>) {
    let rows = SHAPE.iter().product::<usize>() / 10;
    let classes: Vec<usize> = (0..rows).map(|row| row % 10).collect();
    let logits = |a: &Var| a.reshape([SHAPE.iter().product::<usize>()])?.slice(0, 0..rows * 10)?.reshape([rows, 10]);
    bench(criterion, "cross_entropy of 10 classes", 6.0, move |a, _| logits(a)?.cross_entropy(&classes, 0.1));
    bench(criterion, "log_softmax of 10 classes", 7.0, move |a, _| logits(a)?.log_softmax());
}

/// The weights of a small network are not worth a thread; these are of a large one.
fn updates(criterion: &mut Criterion<Rate>) {
    let step = SgdStep { momentum: 0.9, weight_decay: 1e-4, ..SgdStep::new(0.1) };
    let gradient = values(SHAPE).unwrap();
    let mut group = criterion.benchmark_group("update");
    group.throughput(Throughput::Bytes(5 * BYTES));
    group.bench_function("sgd with momentum", |bencher| {
        bencher.iter_batched_ref(
            || (values(SHAPE).unwrap(), values(SHAPE).unwrap()),
            |(weights, velocity)| sgd_step(weights, velocity, &gradient, step).unwrap(),
            BatchSize::NumIterations(20),
        );
    });
    let isa = Isa::chosen().unwrap();
    let [mut w, mut m, mut v] = [0.1, 0.0, 0.0].map(|x| vec![x; gradient.shape().elements()]);
    let scalars = update::AdamScalars {
        rate: 1e-3,
        gain1: 0.1,
        gain2: 1e-3,
        correction1: 1.0,
        correction2: 1.0,
        epsilon: 1e-8,
        decay: 0.0,
    };
    group.throughput(Throughput::Bytes(7 * BYTES));
    group.bench_function("adam, one thread", |bencher| {
        bencher.iter(|| {
            update::adam(isa, gradient.as_slice(), scalars, &mut w, &mut m, &mut v);
        });
    });
    group.finish();
}

criterion_group!(name = benches; config = rate::criterion(); targets = operations, fusions, activations, normalisations, pools, classifiers, updates);
criterion_main!(benches);
