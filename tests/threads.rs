//! The number of threads changes no bit: every operation on inputs so large that its work is cut into several pieces.
//!
//! The drawn cases of the catalogue are small, and small work is done in one piece.

use evograd::ops::{AvgPool2d, CATALOGUE, Conv2d, LocalResponseNorm, Pool2d};
use evograd::{BatchNorm, DropoutKey, Fusion, Pool, Result, RunningStats, Tape, Tensor, Var};

/// An operation's name, the shapes of its inputs, and how it is run.
type Large = (&'static str, &'static [&'static [usize]], fn(&[Var]) -> Result<Var>);

/// Images, of more elements than fit into several pieces, with an odd number of images and rows.
const X: &[usize] = &[13, 6, 37, 35];
const C: &[usize] = &[6];

const LARGE: &[Large] = &[
    ("add", &[X, X], |v| v[0].add(&v[1])),
    ("avg_pool2d", &[X], |v| {
        v[0].avg_pool2d(AvgPool2d { kernel: [3; 2], stride: [2; 2], padding: [1; 2], ceil: true, count_padding: false })
    }),
    ("batch_norm", &[X, C, C], |v| v[0].batch_norm(&v[1], &v[2], &mut RunningStats::new(6)?, BatchNorm::default())),
    ("batch_norm_eval", &[X, C, C], |v| v[0].batch_norm_eval(&v[1], &v[2], &RunningStats::new(6)?, 1e-5)),
    ("batch_norm_join", &[X, C, C, X], |v| {
        let fusion = Fusion::SortRoot { epsilon: 1e-4 };
        v[0].batch_norm_join(&v[1], &v[2], &v[3], &mut RunningStats::new(6)?, BatchNorm::default(), fusion)
    }),
    ("batch_norm_relu", &[X, C, C], |v| {
        v[0].batch_norm_relu(&v[1], &v[2], &mut RunningStats::new(6)?, BatchNorm::default())
    }),
    ("concat", &[X, X], |v| Var::concat(&[&v[0], &v[1]], 1)),
    ("conv2d", &[X, &[8, 3, 3, 3], &[8]], |v| {
        let options = Conv2d { stride: [2, 1], padding: [1, 1], groups: 2, ..Conv2d::default() };
        v[0].conv2d(&v[1], Some(&v[2]), options)
    }),
    ("cross_entropy", &[&[4099, 11]], |v| v[0].cross_entropy(&(0..4099).map(|i| i % 11).collect::<Vec<_>>(), 0.1)),
    ("div", &[X, X], |v| v[0].div(&v[1])),
    ("dropout", &[X], |v| v[0].dropout(0.3, DropoutKey { seed: 1, step: 2, layer: 3 })),
    ("exp", &[X], |v| v[0].exp()),
    ("global_avg_pool", &[&[130, 160, 9, 9]], |v| v[0].global_avg_pool()),
    ("leaky_relu", &[X], |v| v[0].leaky_relu(0.1)),
    ("linear", &[&[259, 130], &[70, 130], &[70]], |v| v[0].linear(&v[1], Some(&v[2]))),
    ("local_response_norm", &[X], |v| v[0].local_response_norm(LocalResponseNorm::over(5))),
    ("log", &[X], |v| v[0].log()),
    ("log_softmax", &[&[4099, 11]], |v| v[0].log_softmax()),
    ("matmul", &[&[3, 259, 130], &[3, 130, 70]], |v| v[0].matmul(&v[1])),
    ("max_pool2d", &[X], |v| v[0].max_pool2d(Pool2d { kernel: [3; 2], stride: [2; 2], padding: [1; 2], ceil: false })),
    ("maximum", &[X, X], |v| v[0].maximum(&v[1])),
    ("mean", &[X], |v| v[0].mean(&[0, 2, 3], false)),
    ("mul", &[X, X], |v| v[0].mul(&v[1])),
    ("neg", &[X], |v| v[0].neg()),
    ("pad", &[X], |v| v[0].pad(&[(0, 0), (1, 0), (2, 2), (0, 3)])),
    ("power", &[X], |v| v[0].power(1.5)),
    ("relu", &[X], |v| v[0].relu()),
    ("reshape", &[X], |v| v[0].flatten_from(1)),
    ("scale", &[X], |v| v[0].scale(0.7)),
    ("sigmoid", &[X], |v| v[0].sigmoid()),
    ("slice", &[X], |v| v[0].slice(0, 1..12)),
    ("soft_cross_entropy", &[&[4099, 11], &[4099, 11]], |v| v[0].soft_cross_entropy(&v[1])),
    ("softmax", &[&[4099, 11]], |v| v[0].softmax()),
    ("sort", &[X, X], |v| v[0].sort(&v[1], true)),
    ("sort_root", &[X, X], |v| v[0].sort_root(&v[1], 1e-4, true)),
    ("sqrt", &[X], |v| v[0].sqrt()),
    ("sub", &[X, X], |v| v[0].sub(&v[1])),
    ("sum", &[X], |v| v[0].sum_all()),
    ("sum_max", &[X, X], |v| v[0].sum_max(&v[1])),
    ("tanh", &[X], |v| v[0].tanh()),
    ("transpose", &[X], |v| v[0].transpose(&[3, 0, 2, 1])),
];

/// The bits of the output and of the gradient of every input.
fn bits(run: fn(&[Var]) -> Result<Var>, shapes: &[&[usize]]) -> Result<Vec<Vec<u32>>> {
    let tape = Tape::new();
    let value = |i: usize| ((i * 7919 % 10_007) as f32 + 1.0) / 10_007.0;
    let leaves =
        shapes.iter().map(|shape| Ok(tape.leaf(Tensor::from_fn(*shape, value)?))).collect::<Result<Vec<Var>>>()?;
    let y = run(&leaves)?;
    let dy = Tensor::from_fn(y.value().shape(), |i| ((i * 104_729 % 9973) as f32 - 4986.0) / 9973.0)?;
    let gradients = tape.backward_from(&[(&y, dy)])?;
    let mut tensors = vec![y.value().clone()];
    tensors.extend(leaves.iter().map(|leaf| gradients.get(leaf).expect("every input has a gradient").clone()));
    Ok(tensors.iter().map(|tensor| tensor.as_slice().iter().map(|x| x.to_bits()).collect()).collect())
}

fn agree(large: &[Large]) {
    let pools = [1, 2, 3].map(|threads| Pool::new(threads).unwrap());
    for (name, shapes, run) in large {
        let [one, two, three] = pools.each_ref().map(|pool| pool.install(|| bits(*run, shapes)).unwrap());
        assert!(one == two && one == three, "{name} depends on the number of threads");
    }
}

#[test]
fn large_work_gives_the_same_bits_on_any_number_of_threads() {
    agree(LARGE);
}

/// Inputs repeated along the first, the last and all axes, and along axes on either side of their own.
const BROADCAST: &[Large] = &[
    ("add a number", &[X, &[]], |v| v[0].add(&v[1])),
    ("subtract from a line", &[&[200_001], &[1]], |v| v[1].sub(&v[0])),
    ("multiply channels", &[X, &[6, 1, 1]], |v| v[0].mul(&v[1])),
    ("divide columns by rows", &[&[13, 1, 37, 1], &[6, 1, 35]], |v| v[0].div(&v[1])),
    ("maximum with one image", &[&[6, 37, 35], X], |v| v[0].maximum(&v[1])),
];

#[test]
fn large_broadcasts_give_the_same_bits_on_any_number_of_threads() {
    agree(BROADCAST);
}

/// By tiles: kernels of three and of five rows that step over none. By squares and with lanes over channels: channels in sixteens.
const CONVOLUTIONS: &[Large] = &[
    ("conv2d of 3×3", &[X, &[8, 6, 3, 3], &[8]], |v| {
        v[0].conv2d(&v[1], Some(&v[2]), Conv2d { padding: [1, 1], ..Conv2d::default() })
    }),
    ("conv2d of 5×5", &[X, &[9, 6, 5, 5]], |v| v[0].conv2d(&v[1], None, Conv2d::default())),
    ("conv2d by squares", &[&[37, 16, 21, 19], &[32, 16, 3, 3]], |v| v[0].conv2d(&v[1], None, Conv2d::default())),
    ("conv2d with lanes over channels", &[&[37, 16, 21, 19], &[32, 16, 3, 3]], |v| {
        v[0].conv2d(&v[1], None, Conv2d { stride: [2, 2], ..Conv2d::default() })
    }),
];

#[test]
fn convolutions_of_every_kind_give_the_same_bits_on_any_number_of_threads() {
    agree(CONVOLUTIONS);
}

#[test]
fn every_operation_is_in_the_list() {
    let listed: Vec<&str> = LARGE.iter().map(|(name, ..)| *name).collect();
    let catalogue: Vec<&str> = CATALOGUE.iter().map(|row| row.name).collect();
    assert_eq!(listed, catalogue);
}
