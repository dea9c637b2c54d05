//! The number of threads changes no bit: every operation on the large inputs of its row in the catalogue, and more of those whose
//! work is cut into chunks in several ways.

use evograd::ops::{CATALOGUE, Conv2d, Large};
use evograd::{Result, Tape, Tensor, ThreadPool, Var};

/// Images, of more elements than fit into several chunks, with an odd number of images and rows.
const X: &[usize] = &[13, 6, 37, 35];

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

fn agree<'a>(cases: impl IntoIterator<Item = (&'a str, &'a Large)>) {
    let pools = [1, 2, 3].map(|threads| ThreadPool::new(threads).unwrap());
    for (name, Large { shapes, run }) in cases {
        let [one, two, three] = pools.each_ref().map(|pool| pool.install(|| bits(*run, shapes)).unwrap());
        assert!(one == two && one == three, "{name} depends on the number of threads");
    }
}

#[test]
fn large_work_gives_the_same_bits_on_any_number_of_threads() {
    agree(CATALOGUE.iter().map(|row| (row.name, &row.large)));
}

/// Inputs repeated along the first, the last and all axes, and along axes on either side of their own.
const BROADCAST: &[(&str, Large)] = &[
    ("add a number", Large { shapes: &[X, &[]], run: |v| v[0].add(&v[1]) }),
    ("subtract from a line", Large { shapes: &[&[200_001], &[1]], run: |v| v[1].sub(&v[0]) }),
    ("multiply channels", Large { shapes: &[X, &[6, 1, 1]], run: |v| v[0].mul(&v[1]) }),
    ("divide columns by rows", Large { shapes: &[&[13, 1, 37, 1], &[6, 1, 35]], run: |v| v[0].div(&v[1]) }),
    ("maximum with one image", Large { shapes: &[&[6, 37, 35], X], run: |v| v[0].maximum(&v[1]) }),
];

#[test]
fn large_broadcasts_give_the_same_bits_on_any_number_of_threads() {
    agree(BROADCAST.iter().map(|(name, large)| (*name, large)));
}

/// By Winograd along the height: kernels of three and of five rows that step over none. Along both axes, and on channels-last
/// copies: channels in sixteens.
const CONVOLUTIONS: &[(&str, Large)] = &[
    (
        "conv2d of 3×3",
        Large {
            shapes: &[X, &[8, 6, 3, 3], &[8]],
            run: |v| v[0].conv2d(&v[1], Some(&v[2]), Conv2d { padding: [1, 1], ..Conv2d::default() }),
        },
    ),
    ("conv2d of 5×5", Large { shapes: &[X, &[9, 6, 5, 5]], run: |v| v[0].conv2d(&v[1], None, Conv2d::default()) }),
    (
        "conv2d by Winograd F(4×4, 3×3)",
        Large { shapes: &[&[37, 16, 21, 19], &[32, 16, 3, 3]], run: |v| v[0].conv2d(&v[1], None, Conv2d::default()) },
    ),
    (
        "conv2d on channels-last copies",
        Large {
            shapes: &[&[37, 16, 21, 19], &[32, 16, 3, 3]],
            run: |v| v[0].conv2d(&v[1], None, Conv2d { stride: [2, 2], ..Conv2d::default() }),
        },
    ),
];

#[test]
fn convolutions_of_every_kind_give_the_same_bits_on_any_number_of_threads() {
    agree(CONVOLUTIONS.iter().map(|(name, large)| (*name, large)));
}
