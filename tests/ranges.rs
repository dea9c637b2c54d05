//! Results near the ends of `f32`'s range: no intermediate result may leave it where the result itself does not, and what
//! does not fit comes out as infinity, NaN, 0 or an error, never as a number that could be taken for one.
//!
//! What each operation squares, multiplies or adds up before it reduces, and what is done about it:
//!
//! | operation | what could leave the range | what is done |
//! | --- | --- | --- |
//! | `batch_norm`, `…_relu`, `…_join`, `…_eval` | squares of deviations; `Σdy·(x − μ)`; the factors `γ·s³` of the gradient | each plane in `f64` where these are not ordinary |
//! | running statistics | the variance itself | an error that names it; none moves |
//! | `local_response_norm` | `Σx²`, and its power | each image in `f64` where these are not ordinary |
//! | `sort_root_fusion`, `…_join` | `R(a)·R(b)` under the root; `½·dy/r` | a vector in `f64` where the product is not ordinary; the slope before `dy` |
//! | `div` | `dy·a`, `a/b`, `b²` in `−dy·a/b²` | in `f64`; for `f64` with exponents apart |
//! | `pow` | `xᵖ⁻¹` before it meets `dy` | in `f64` |
//! | `exp` | `eˣ` before it meets `dy` | in two halves where it is not ordinary |
//! | `sigmoid`, `tanh` | `y·(1 − y)`, `1 − y²` where `y` rounds to 1 | from `x`, `dy` multiplied by one factor after the other |
//! | `sqrt` | `½·dy` loses a digit of a subnormal number | `dy / 2y` |
//! | `softmax`, `log_softmax`, cross entropies | `eˣ`; `Σdy` | shifted by the maximum; with a power of 2 taken out where it overflows |
//! | cross entropies | `p − 1` where `p` is near 1 | the sum of the other probabilities |
//! | `sum`, and every gradient of a repeated input | partial sums | once more with a power of 2 taken out |
//! | `mean`, `avg_pool2d`, `global_avg_pool` | sums of which the mean fits | the same |
//! | element-wise functions (`abs` … `softplus`), losses of pairs, `cross_entropy_with`, `cumsum` | squares, sums, `eˣ` before it meets `dy` | in `f64`, from `x` |
//! | `layer_norm`, `group_norm`, `instance_norm`, `rms_norm` | squares of deviations; `γ·dy`; `Σγ·dy·x̂` | in `f64` |
//! | `upsample_bilinear2d`, `adaptive_avg_pool2d` | partial sums | in `f64` |
//! | Adam | the mean of squares, `f32` by definition | an error before any weight is changed |
//! | norm of all gradients | squares | summed in `f64` |
//! | `matmul`, `einsum`, `linear`, `conv1d`, `conv2d`, `conv_transpose2d` | a single product, or a partial sum | nothing: infinity or NaN |
//! | `scaled_dot_product_attention` | a score, the product of a query and a key | nothing: NaN |
//! | `add`, `mul`, `sort_fusion`, the sum of a variable's gradients, overlapping windows, `gather`, `embedding` | a single sum or product | nothing: infinity or NaN |
//!
//! In tensors of `f64` there is no wider type to go to: squares overflow from 10¹⁵⁴ on.

use evograd::ops::FusedActivation;
use evograd::ops::ReducedAxes;
use evograd::ops::{AvgPool2d, CATALOGUE, Draw, LocalResponseNorm, Row, Run};
use evograd::{BatchNorm, DropoutKey, Element, Fusion, Isa, Result, RunningStats, Tape, Tensor, Var};

/// The powers of 2 that inputs, and the gradient of the output, are multiplied by.
const EXPONENTS: [i32; 6] = [-120, -100, -60, 60, 100, 120];

/// The output and every gradient.
fn run<E: Element>(run: &Run<E>, inputs: &[Tensor<f64>], dy: f64) -> Result<Vec<Tensor<E>>> {
    let tape = Tape::new();
    let leaves: Vec<Var<E>> = inputs.iter().map(|input| tape.leaf(input.cast())).collect();
    let y = run(&leaves)?;
    let gradient = |i: usize| E::from_f64(((i * 37 % 101) as f64 - 50.5) / 64.0 * dy);
    let gradients = tape.backward_from(&[(&y, Tensor::from_fn(y.value().shape(), gradient)?)])?;
    let mut all = vec![y.value().clone()];
    all.extend(leaves.iter().map(|leaf| gradients.get(leaf).expect("every input has a gradient").clone()));
    Ok(all)
}

/// The factors of the inputs, and last of the gradient: one of them alone, or all.
fn factors(count: usize) -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    for factor in EXPONENTS.map(|exponent| 2.0_f64.powi(exponent)) {
        all.push(vec![factor; count]);
        for one in 0..count {
            all.push((0..count).map(|i| if i == one { factor } else { 1.0 }).collect());
        }
    }
    all
}

/// Whether an operation has inner products that may be beyond `f32` where its results are not: those of attention are means.
#[derive(Clone, Copy, PartialEq)]
enum Scores {
    Within,
    Beyond,
}

/// Of queries, keys, values and the gradient, two are multiplied before any mean is taken.
fn scores(row: &Row, inputs: &[Tensor<f64>], dy: f64) -> Scores {
    let greatest = |x: &Tensor<f64>| x.as_slice().iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let mut sizes: Vec<f64> = inputs.iter().map(greatest).chain([dy]).collect();
    sizes.sort_by(f64::total_cmp);
    let beyond = sizes.iter().rev().take(2).product::<f64>() > f64::from(f32::MAX) / 16.0;
    if beyond && row.name == "scaled_dot_product_attention" { Scores::Beyond } else { Scores::Within }
}

/// What is wrong with the values in `f32`, where `exact` are those in `f64`.
fn wrong(row: &Row, exact: &Tensor<f64>, single: &Tensor<f32>, scores: Scores) -> Option<String> {
    let most = exact.as_slice().iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    // Products and partial sums of these may overflow by themselves, and then say so.
    let sums = matches!(row.name, "matmul" | "einsum" | "linear" | "conv1d" | "conv2d" | "conv_transpose2d");
    let (greatest, least) = (f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE));
    // Within the bound of the row, and within half of the least number.
    let allowed =
        row.f32_bound.max(1.0) * f64::from(f32::EPSILON) * most.min(greatest) + 1e-45 * row.f32_bound.max(2.0);
    for (x, y) in exact.as_slice().iter().zip(single.as_slice()) {
        let right = if scores == Scores::Beyond && !y.is_finite() {
            true
        } else if x.is_nan() || x.abs() > greatest * (1.0 - 1e-6) {
            !y.is_finite() || y.abs() > f32::MAX * (1.0 - 1e-5)
        } else if most < least {
            y.abs() < 2.0 * f32::MIN_POSITIVE
        } else {
            (x - f64::from(*y)).abs() <= allowed || (sums && most > greatest / 1e6 && !y.is_finite())
        };
        if !right {
            return Some(format!("{y:e} instead of {x:e}, greatest {most:e}"));
        }
    }
    None
}

#[test]
fn results_that_fit_are_right_and_others_are_no_numbers() {
    for row in CATALOGUE {
        for seed in 0..4 {
            let case = (row.draw)(&mut Draw::seeded(seed));
            for factors in factors(case.inputs.len() + 1) {
                let (dy, scales) = factors.split_last().expect("one for the gradient");
                let scaled =
                    |(x, factor): (&Tensor<f64>, &f64)| Tensor::from_fn(x.shape(), |i| x.as_slice()[i] * factor);
                let inputs: Vec<Tensor<f64>> =
                    case.inputs.iter().zip(scales).map(|pair| scaled(pair).unwrap()).collect();
                let Ok(exact) = run(&case.double, &inputs, *dy) else { continue };
                for isa in Isa::available() {
                    let single = match isa.scope(|| run(&case.single, &inputs, *dy)) {
                        Ok(single) => single,
                        Err(error) if error.to_string().contains("which f32 cannot hold") => continue,
                        Err(error) => panic!("{} {} by {factors:?}: {error}", row.name, case.description),
                    };
                    for (which, (exact, single)) in exact.iter().zip(&single).enumerate() {
                        if let Some(wrong) = wrong(row, exact, single, scores(row, &inputs, *dy)) {
                            let name = row.name;
                            panic!("{name} {}, {isa:?}: by {factors:?}: tensor {which}: {wrong}", case.description);
                        }
                    }
                }
            }
        }
    }
}

/// Every setting of an operation that is used as an element, with what it must not round to.
#[test]
fn settings_that_round_to_what_is_refused_are_refused() {
    let x = Var::constant(Tensor::<f32>::full([2, 3, 1, 1], 1.0).unwrap());
    let three = Var::constant(Tensor::<f32>::full([3], 1.0).unwrap());
    let logits = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
    let norm = |epsilon, momentum| {
        let options = BatchNorm { epsilon, momentum };
        let fused = |fusion| {
            let running = &mut RunningStats::new(3).unwrap();
            x.batch_norm_fuse(&three, &three, &x, running, options, fusion)
        };
        let running = &mut RunningStats::new(3).unwrap();
        let all = [
            x.batch_norm(&three, &three, running, options),
            x.batch_norm_relu(&three, &three, running, options),
            fused(Fusion::Sum),
        ];
        all.into_iter().map(|result| result.map(drop)).collect::<Vec<_>>()
    };
    let key = DropoutKey { seed: 0, step: 0, layer: 0 };
    let usual = LocalResponseNorm::new(3);
    let root = |epsilon| {
        let running = &mut RunningStats::new(3).unwrap();
        let fusion = Fusion::SortRoot { epsilon };
        [
            x.sort_root_fusion(&x, epsilon, FusedActivation::None),
            x.fuse(&x, fusion, FusedActivation::Relu),
            x.batch_norm_fuse(&three, &three, &x, running, BatchNorm::default(), fusion),
        ]
    };
    let (tiny, huge, nearly) = (1e-46, 1e39, 1.0 - 1e-9);
    let mut refused: Vec<Result<()>> = Vec::new();
    for epsilon in [0.0, tiny, huge, -1e-5, f64::NAN] {
        refused.extend(norm(epsilon, 0.1));
        refused.extend(root(epsilon).map(|result| result.map(drop)));
        refused.push(x.batch_norm_eval(&three, &three, &RunningStats::new(3).unwrap(), epsilon).map(drop));
        refused.push(x.local_response_norm(LocalResponseNorm { k: epsilon, ..usual }).map(drop));
    }
    for momentum in [-tiny, 1.0 + 1e-12, f64::NAN] {
        refused.extend(norm(1e-5, momentum));
    }
    refused.push(x.local_response_norm(LocalResponseNorm { alpha: huge, ..usual }).map(drop));
    refused.push(x.local_response_norm(LocalResponseNorm { alpha: -tiny, ..usual }).map(drop));
    refused.push(x.local_response_norm(LocalResponseNorm { beta: -huge, ..usual }).map(drop));
    refused.extend([x.leaky_relu(huge), x.scale(-huge), x.pow(huge)].map(|result| result.map(drop)));
    refused.extend([1.0, nearly, -tiny, f64::NAN].map(|p| x.dropout(p, key).map(drop)));
    refused.extend([-tiny, 1.0 + 1e-12, f64::NAN].map(|smoothing| logits.cross_entropy(&[0, 1], smoothing).map(drop)));
    for (i, result) in refused.iter().enumerate() {
        assert!(result.is_err(), "setting {i} was taken");
    }
    let taken = [
        x.dropout(0.999_999, key),
        x.sort_root_fusion(&x, 1e-44, FusedActivation::None),
        logits.cross_entropy(&[0, 1], 1.0),
    ];
    assert!(taken.iter().all(Result::is_ok));
}

/// A sum or mean that overflows on its way does not move its neighbours, not even where these are subnormal.
#[test]
fn an_overflow_leaves_the_neighbours_as_they_are() {
    let halves = AvgPool2d::new([1, 4]);
    let repeated = |x: &Var<f32>| {
        let tape = Tape::new();
        let small = tape.leaf(Tensor::full([1, 2, 2, 1], 1.0_f32)?);
        let y = small.mul(x)?;
        let gradients = tape.backward_from(&[(&y, Tensor::full(y.value().shape(), 1.0)?)])?;
        Ok(Var::constant(gradients.get(&small).expect("it is a leaf").clone()))
    };
    type Operation<'a> = &'a dyn Fn(&Var<f32>) -> Result<Var<f32>>;
    let operations: [(&str, Operation); 5] = [
        ("sum", &|x| x.sum(&[3], ReducedAxes::Dropped)),
        ("mean", &|x| x.mean(&[3], ReducedAxes::Dropped)),
        ("avg_pool2d", &|x| x.avg_pool2d(halves)),
        ("global_avg_pool", &|x| x.global_avg_pool()),
        ("the gradient of a repeated factor", &repeated),
    ];
    // One row of tiny elements in each of four planes, and in the last of them elements whose partial sums overflow.
    let tiny = |i: usize| f32::from_bits(3 + 5 * i as u32);
    let huge = |i: usize| if i < 12 { tiny(i) } else { [3e38, 3e38, -3e38, -2e38][i - 12] };
    for (name, operation) in operations {
        let value = |element: &dyn Fn(usize) -> f32| {
            let x = Var::constant(Tensor::from_fn([1, 2, 2, 4], element).unwrap());
            let x = if name == "global_avg_pool" { x.reshape([1, 4, 1, 4]).unwrap() } else { x };
            operation(&x).unwrap().value().as_slice().to_vec()
        };
        let (expected, found) = (value(&tiny), value(&huge));
        assert_eq!((expected.len(), &found[..3]), (4, &expected[..3]), "{name}");
        let exact = if name.contains("avg") || name == "mean" { 2.5e37 } else { 1e38 };
        assert!((found[3] / exact - 1.0).abs() < 1e-5, "{name}: {} instead of {exact}", found[3]);
    }
}
