//! What users can get wrong: every refusal is an error that names the operation, the shapes and the remedy, and a NaN
//! never turns into a number.

use evograd::ops::{AvgPool2d, CATALOGUE, Conv2d, Draw, LocalResponseNorm, MaxPool2d, Row, Run, Transpose};
use evograd::ops::{FusedActivation, ReducedAxes};
use evograd::{BatchNorm, DropoutKey, Fusion, Isa, Result, RunningStats, Tensor, Var, checked};

fn zeros(shape: &[usize]) -> Var<f32> {
    Var::constant(Tensor::zeros(shape).unwrap())
}

/// Each refusal, and its whole text.
fn refusals() -> Vec<(Result<Var<f32>>, &'static str)> {
    let (a, b, square) = (zeros(&[2, 3]), zeros(&[3, 2]), zeros(&[3, 3]));
    let (column, row, number) = (zeros(&[1 << 20, 1]), zeros(&[1 << 20]), zeros(&[]));
    let (image, kernel) = (zeros(&[1, 2, 4, 4]), zeros(&[2, 2, 3, 3]));
    let conv = Conv2d::default();
    let (pool, average) = (MaxPool2d::new([2, 2]), AvgPool2d::new([2, 2]));
    let [one, three] = [1, 3].map(|channels| zeros(&[channels]));
    let norm = BatchNorm::default();
    let running = || RunningStats::new(3).unwrap();
    let nan = Var::constant(Tensor::full([2, 3], f32::NAN).unwrap());
    let key = DropoutKey { seed: 0, step: 0, layer: 0 };
    vec![
        (
            a.add(&b),
            "add: the shapes do not broadcast (a [2, 3], b [3, 2]); make each pair of sizes, counted from the \
             last axis, equal, or one of them 1",
        ),
        (
            column.mul(&row),
            "mul: the system refuses 4398046511104 bytes of memory (input 0 [1048576, 1], input 1 [1048576], output \
             [1048576, 1048576]); use smaller shapes or batches, or give it more memory",
        ),
        (a.leaky_relu(f64::NAN), "leaky_relu: the slope is NaN (x [2, 3]); use a number that is finite in f32"),
        (a.scale(f64::INFINITY), "scale: the factor is inf (x [2, 3]); use a number that is finite in f32"),
        (a.pow(f64::NAN), "pow: the exponent is NaN (x [2, 3]); use a number that is finite in f32"),
        (
            a.sort_fusion(&b, FusedActivation::Relu),
            "sort_fusion: the branches have different shapes (a [2, 3], b [3, 2]); give both branches the same shape",
        ),
        (
            a.sort_root_fusion(&a, f64::NAN, FusedActivation::Relu),
            "sort_root_fusion: epsilon is NaN (a [2, 3], b [2, 3]); use a number above 0, such as 1e-4",
        ),
        (
            a.sort_root_fusion(&a, 1e-46, FusedActivation::Relu),
            "sort_root_fusion: epsilon is 0.0000000000000000000000000000000000000000000001 (a [2, 3], b [2, 3]); \
             use a number above 0, such as 1e-4",
        ),
        (
            a.fuse(&b, Fusion::Max, FusedActivation::Relu),
            "fuse: the branches have different shapes (a [2, 3], b [3, 2]); give both branches the same shape",
        ),
        (
            image.conv2d(&a, None, conv),
            "conv2d: the kernel has 2 axes, not four (input [1, 2, 4, 4], kernel [2, 3]); give a kernel [K, \
             C/groups, R, S]",
        ),
        (
            a.conv2d(&kernel, None, conv),
            "conv2d: the input has 2 axes, not four (input [2, 3], kernel [2, 2, 3, 3]); give images of shape \
             [N, C, H, W]",
        ),
        (
            image.conv2d(&zeros(&[2, 2, 5, 5]), None, conv),
            "conv2d: the kernel is larger than the padded input with kernel [5, 5], stride [1, 1], padding [0, \
             0], dilation [1, 1] (input [1, 2, 4, 4]); use larger images, a smaller kernel or dilation, or more \
             padding",
        ),
        (
            image.conv2d(&kernel, None, Conv2d { stride: [0, 1], ..conv }),
            "conv2d: the stride is [0, 1] (input [1, 2, 4, 4]); use a stride of at least 1 along both axes",
        ),
        (
            image.conv2d(&kernel, None, Conv2d { groups: 0, ..conv }),
            "conv2d: 0 groups do not divide 2 channels and 2 filters (input [1, 2, 4, 4], kernel [2, 2, 3, 3]); \
             use a number of groups that divides both",
        ),
        (
            image.conv2d(&kernel, None, Conv2d { groups: 2, ..conv }),
            "conv2d: input has 1 channels in a group, the kernel expects 2 (input [1, 2, 4, 4], kernel [2, 2, \
             3, 3]); make the second size of the kernel the input's channels divided by the groups",
        ),
        (
            image.conv2d(&kernel, None, Conv2d { padding: [1 << 40; 2], ..conv }),
            "conv2d: memory has no room for images with padding [1099511627776, 1099511627776] (input [1, 2, 4, \
             4], kernel [2, 2, 3, 3]); use smaller images or less padding",
        ),
        (
            image.conv2d(&kernel, None, Conv2d { padding: [usize::MAX; 2], ..conv }),
            "conv2d: the padded input overflows with kernel [3, 3], stride [1, 1], padding \
             [18446744073709551615, 18446744073709551615], dilation [1, 1] (input [1, 2, 4, 4]); use a smaller \
             padding",
        ),
        (
            image.conv2d(&kernel, Some(&three), conv),
            "conv2d: the bias is not of 2 values (input [1, 2, 4, 4], kernel [2, 2, 3, 3], bias [3]); give one \
             bias for each filter",
        ),
        (
            a.max_pool2d(pool),
            "max_pool2d: the input has 2 axes, not four (input [2, 3]); give images of shape [N, C, H, W]",
        ),
        (
            image.max_pool2d(MaxPool2d { stride: [2, 0], ..pool }),
            "max_pool2d: the stride is [2, 0] (input [1, 2, 4, 4]); use a stride of at least 1 along both axes",
        ),
        (
            image.max_pool2d(MaxPool2d { kernel: [5, 5], ..pool }),
            "max_pool2d: the kernel is larger than the padded input with kernel [5, 5], stride [2, 2], padding \
             [0, 0], dilation [1, 1] (input [1, 2, 4, 4]); use larger images, a smaller kernel or dilation, or \
             more padding",
        ),
        (
            image.max_pool2d(MaxPool2d { padding: [1, 2], ..pool }),
            "max_pool2d: the padding [1, 2] is more than half the kernel [2, 2] (input [1, 2, 4, 4]); use a \
             padding of at most [1, 1]",
        ),
        (
            image.avg_pool2d(AvgPool2d { kernel: [0, 2], ..average }),
            "avg_pool2d: the kernel is [0, 2] (input [1, 2, 4, 4]); use a kernel of at least 1 along both axes",
        ),
        (
            image.avg_pool2d(AvgPool2d { padding: [usize::MAX, 0], ..average }),
            "avg_pool2d: the padding [18446744073709551615, 0] is more than half the kernel [2, 2] (input [1, \
             2, 4, 4]); use a padding of at most [1, 1]",
        ),
        (
            a.global_avg_pool(),
            "global_avg_pool: the input has 2 axes, not four (input [2, 3]); give images of shape [N, C, H, W]",
        ),
        (
            image.local_response_norm(LocalResponseNorm { k: 0.0, ..LocalResponseNorm::new(5) }),
            "local_response_norm: k is 0 (input [1, 2, 4, 4]); use a number above 0, such as 1",
        ),
        (
            three.local_response_norm(LocalResponseNorm::new(5)),
            "local_response_norm: the input has 1 axes, not four (input [3]); give images of shape [N, C, H, W]",
        ),
        (
            a.linear(&b, None),
            "linear: the input has 3 features, the weights expect 2 (x [2, 3], w [3, 2]); make these sizes \
             equal",
        ),
        (
            a.linear(&a, Some(&three)),
            "linear: the bias does not have one number for each of 2 outputs (x [2, 3], w [2, 3], b [3]); use b \
             [out]",
        ),
        (
            image.linear(&a, None),
            "linear: the last axis of the input is not the features of the weights (x [1, 2, 4, 4], w [2, 3]); use x […, in] and \
             w [out, in]; flatten(1) makes an image flat",
        ),
        (
            a.matmul(&a),
            "matmul: the inner sizes 3 and 2 differ (a [2, 3], b [2, 3]); give a as many columns as b has rows, \
             or read one of them as its transpose",
        ),
        (
            a.matmul_with(&b, Transpose { a: true, b: false }),
            "matmul: the inner sizes 2 of a transposed and 3 differ (a [2, 3], b [3, 2]); give a as many \
             columns as b has rows, or read one of them as its transpose",
        ),
        (
            three.matmul(&a),
            "matmul: both factors need at least two axes (a [3], b [2, 3]); reshape a vector to one row or \
             column",
        ),
        (
            zeros(&[4, 2, 3]).matmul(&zeros(&[5, 3, 2])),
            "matmul: the leading sizes [4] and [5] differ (a [4, 2, 3], b [5, 3, 2]); make each pair of them, counted \
             from the last, equal, or one of them 1",
        ),
        (
            column.matmul(&row.reshape([1, 1 << 20]).unwrap()),
            "matmul: the system refuses 4398046511104 bytes of memory (input 0 [1048576, 1], input 1 [1, 1048576], \
             output [1048576, 1048576]); use smaller shapes or batches, or give it more memory",
        ),
        (
            a.batch_norm(&one, &three, &mut running(), norm),
            "batch_norm: x has 3 channels, but gamma has the shape [1] (x [2, 3], gamma [1], beta [3], running \
             mean [3], running variance [3]); give gamma the shape [3]",
        ),
        (
            row.batch_norm(&three, &three, &mut running(), norm),
            "batch_norm: x has 1 axes (x [1048576], gamma [3], beta [3], running mean [3], running variance \
             [3]); give it the shape [N, C] or [N, C, H, W]",
        ),
        (
            zeros(&[1, 3]).batch_norm(&three, &three, &mut running(), norm),
            "batch_norm: one value for each channel has no variance (x [1, 3], gamma [3], beta [3], running \
             mean [3], running variance [3]); use a larger batch or batch_norm_eval",
        ),
        (
            a.batch_norm(&three, &three, &mut running(), BatchNorm { epsilon: -1.0, ..norm }),
            "batch_norm: epsilon is -1 (x [2, 3], gamma [3], beta [3], running mean [3], running variance [3]); \
             use a number above 0, such as 1e-5",
        ),
        (
            a.batch_norm(&three, &three, &mut running(), BatchNorm { momentum: 2.0, ..norm }),
            "batch_norm: momentum is 2 (x [2, 3], gamma [3], beta [3], running mean [3], running variance [3]); \
             use a number from 0 to 1, such as 0.1",
        ),
        (
            a.batch_norm_eval(&three, &three, &running(), 0.0),
            "batch_norm_eval: epsilon is 0 (x [2, 3], gamma [3], beta [3], running mean [3], running variance \
             [3]); use a number above 0, such as 1e-5",
        ),
        (
            a.cross_entropy(&[0], 0.0),
            "cross_entropy: 1 targets were given for 2 samples (logits [2, 3]); give the number of one class \
             for each sample",
        ),
        (
            a.cross_entropy(&[0, 3], 0.0),
            "cross_entropy: the class of sample 1 is 3, but there are 3 classes (logits [2, 3]); number the \
             classes from 0 to 2",
        ),
        (
            a.cross_entropy(&[0, 1], 1.5),
            "cross_entropy: smoothing is 1.5 (logits [2, 3]); use a number from 0 to 1, such as 0.1",
        ),
        (
            image.cross_entropy(&[0], 0.0),
            "cross_entropy: the logits have 4 axes (logits [1, 2, 4, 4]); give them the shape [N, C]",
        ),
        (
            nan.cross_entropy(&[0, 1], 0.0),
            "cross_entropy: the logit of sample 0 for class 0 is NaN (logits [2, 3]); run the same step inside \
             evograd::checked(...), which names the first operation at fault",
        ),
        (
            a.soft_cross_entropy(&b),
            "soft_cross_entropy: the shapes differ (logits [2, 3], targets [3, 2]); give one target for each \
             logit",
        ),
        (
            a.soft_cross_entropy(&nan),
            "soft_cross_entropy: the target of sample 0 for class 0 is NaN (logits [2, 3], targets [2, 3]); run \
             the same step inside evograd::checked(...), which names the first operation at fault",
        ),
        (number.softmax(), "softmax: x is a single number without axes (x []); give it at least one axis"),
        (number.log_softmax(), "log_softmax: x is a single number without axes (x []); give it at least one axis"),
        (a.dropout(1.0, key), "dropout: p is 1 (x [2, 3]); use a number from 0 to below 1, such as 0.5"),
        (Var::concat(&[], 0), "concat: there are no inputs; give at least one"),
        (
            Var::concat(&[&a, &square], 1),
            "concat: input 1 differs from input 0 in more than axis 1 (input 0 [2, 3], input 1 [3, 3]); make \
             all other sizes equal",
        ),
        (
            Var::concat(&[&a, &a], 2),
            "concat: axis 2 does not exist (input 0 [2, 3], input 1 [2, 3]); name an axis below 2",
        ),
        (a.sum(&[], ReducedAxes::Dropped), "sum: no axes are named (x [2, 3]); name at least one, or use sum_all"),
        (a.sum(&[1, 1], ReducedAxes::Dropped), "sum: axis 1 is named twice (x [2, 3]); name each axis once"),
        (a.mean(&[2], ReducedAxes::Kept), "mean: axis 2 does not exist (x [2, 3]); name axes below 2"),
        (
            a.pad(&[(1, 1)]),
            "pad: 1 pairs of margins are given for 2 axes (x [2, 3]); give (before, after) for each axis",
        ),
        (
            a.pad(&[(1, 1), (usize::MAX, 0)]),
            "pad: margins of [(1, 1), (18446744073709551615, 0)] make it too large (x [2, 3]); use smaller \
             margins",
        ),
        (a.reshape([4]), "reshape: 6 elements cannot become 4 (x [2, 3], y [4]); name sizes with the same product"),
        (a.reshape([6, 0]), "reshape: shape [6, 0]: axis 1 has size 0; every axis needs at least one element"),
        (a.flatten(2), "flatten: axis 2 does not exist (x [2, 3]); name an axis below 2"),
        (a.slice(2, 0..1), "slice: axis 2 does not exist (x [2, 3]); name an axis below 2"),
        (a.slice(1, 2..4), "slice: the range 2..4 leaves axis 1 (x [2, 3]); end it at 3 or before"),
        (a.slice(1, 2..2), "slice: the range 2..2 is empty (x [2, 3]); take at least one element"),
        (a.transpose(&[0, 0]), "transpose: [0, 0] is no order of its 2 axes (x [2, 3]); name every axis once"),
    ]
}

#[test]
fn every_refusal_says_what_where_and_what_to_do() {
    for (result, text) in refusals() {
        match result {
            Err(error) => assert_eq!(error.to_string(), text),
            Ok(y) => panic!("{} was computed instead of: {text}", y.value().shape()),
        }
    }
}

/// Draws a few cases of every row.
fn for_every_row(property: impl Fn(&Row, &str, &Run<f32>, &[Tensor<f32>])) {
    for row in CATALOGUE {
        for seed in 0..12 {
            let case = (row.draw)(&mut Draw::seeded(seed));
            let inputs: Vec<Tensor<f32>> = case.inputs.iter().map(Tensor::cast).collect();
            property(row, &case.description, &case.single, &inputs);
        }
    }
}

/// The inputs with one element of one of them replaced.
fn replaced(inputs: &[Tensor<f32>], which: usize, element: usize, value: f32) -> Vec<Var<f32>> {
    let mut inputs = inputs.to_vec();
    inputs[which].as_mut_slice()[element] = value;
    inputs.into_iter().map(Var::constant).collect()
}

#[test]
fn a_checked_computation_names_the_operation_that_meets_a_nan() {
    for_every_row(|row, description, run, inputs| {
        for (which, input) in inputs.iter().enumerate() {
            let last = input.shape().elements() - 1;
            let text = match checked(|| run(&replaced(inputs, which, last, f32::NAN))) {
                Ok(_) => panic!("{}: {description}: a NaN in input {which} passes", row.name),
                Err(error) => error.to_string(),
            };
            let begins = text.starts_with(&format!("{}: ", row.name));
            assert!(begins && text.contains("NaN"), "{}: {description}: {text}", row.name);
        }
    });
}

/// Whatever of the output changes when an element grows depends on it. So where that element is NaN it is NaN as well,
/// unless the operation refuses.
#[test]
fn no_number_comes_from_a_nan() {
    for_every_row(|row, description, run, inputs| {
        for isa in Isa::available() {
            isa.scope(|| nan_spreads(row.name, description, run, inputs));
        }
    });
}

fn nan_spreads(name: &str, description: &str, run: &Run<f32>, inputs: &[Tensor<f32>]) {
    let value = |inputs: &[Var<f32>]| run(inputs).unwrap_or_else(|error| panic!("{name}: {description}: {error}"));
    let constants: Vec<Var<f32>> = inputs.iter().cloned().map(Var::constant).collect();
    let y = value(&constants);
    for (which, input) in inputs.iter().enumerate() {
        for element in 0..input.shape().elements() {
            let greater = value(&replaced(inputs, which, element, input.as_slice()[element] + 64.0));
            let nan = match run(&replaced(inputs, which, element, f32::NAN)) {
                Ok(nan) => nan,
                Err(error) => {
                    assert!(error.to_string().contains("NaN"), "{name}: {description}: {error}");
                    continue;
                }
            };
            let outputs = y.value().as_slice().iter().zip(greater.value().as_slice()).zip(nan.value().as_slice());
            for (place, ((before, after), nan)) in outputs.enumerate() {
                assert!(
                    before == after || nan.is_nan(),
                    "{name}: {description}: output {place} is {nan} where element {element} of input {which} is NaN"
                );
            }
        }
    }
}
