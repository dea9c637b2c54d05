//! Whatever is passed to a public method, nothing panics: strides of 0, axes that do not exist, sizes that overflow,
//! epsilons that are not numbers, tensors of any shape with infinities and NaN in them.

use evograd::ops::FusedActivation;
use evograd::ops::ReducedAxes;
use evograd::ops::{
    AttentionMask, AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, CrossEntropy, Divisor, Gelu, LocalResponseNorm,
    MaxPool2d, Reduction, Softplus, Transpose,
};
use evograd::{
    BatchNorm, DropoutKey, Fusion, Purpose, Result, RunningStats, SgdStep, Stream, Tape, Tensor, Var, sgd_step,
};
use std::panic::catch_unwind;
use std::path::Path;

/// Draws of arguments for each method.
const SEEDS: u64 = 600;

/// Draws what users pass by mistake: sizes, numbers and tensors of any kind, most of them small and fitting.
struct Odd {
    stream: Stream,
    /// The shape that tensors mostly have, so that several fit each other now and then.
    usual: Vec<usize>,
    tape: Tape<f32>,
}

impl Odd {
    fn seeded(seed: u64) -> Odd {
        let stream = Stream::new(seed, Purpose::Gradcheck, 0, 0);
        let mut odd = Odd { stream, usual: Vec::new(), tape: Tape::new() };
        odd.usual = odd.sizes();
        odd
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.stream.below(choices.len())]
    }

    fn flag(&mut self) -> bool {
        self.pick(&[false, true])
    }

    /// An option such as a stride, an axis or a number of groups.
    fn count(&mut self) -> usize {
        let odd = [0, 7, 64, 1 << 40, 1 << 62, usize::MAX / 2, usize::MAX - 1, usize::MAX];
        if self.stream.below(8) == 0 { self.pick(&odd) } else { self.pick(&[1, 1, 1, 2, 2, 3, 0]) }
    }

    fn pair(&mut self) -> [usize; 2] {
        [self.count(), self.count()]
    }

    /// Up to `most` options.
    fn counts(&mut self, most: usize) -> Vec<usize> {
        (0..self.stream.below(most + 1)).map(|_| self.count()).collect()
    }

    fn margins(&mut self) -> Vec<(usize, usize)> {
        let count = if self.flag() { self.usual.len() } else { self.stream.below(9) };
        (0..count).map(|_| (self.count(), self.count())).collect()
    }

    /// An option such as an epsilon, a slope or a probability.
    fn number(&mut self) -> f64 {
        let odd = [0.0, -0.0, -1.0, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 5e-324];
        if self.stream.below(3) == 0 { self.pick(&odd) } else { self.pick(&[0.5, 1.0, 0.1, 1e-5]) }
    }

    fn fusion(&mut self) -> Fusion {
        let root = Fusion::SortRoot { epsilon: self.number() };
        self.pick(&[Fusion::Sum, Fusion::Product, Fusion::Max, Fusion::SumMax, Fusion::Sort, root])
    }

    /// Sizes of a tensor that fits into memory: mostly an image's.
    fn sizes(&mut self) -> Vec<usize> {
        let rank = if self.flag() { 4 } else { self.stream.below(9) };
        (0..rank).map(|_| self.pick(&[1, 2, 2, 3, 4, 6])).collect()
    }

    fn tensor(&mut self, sizes: &[usize]) -> Tensor<f32> {
        let odd = [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e-45];
        let often = self.pick(&[3, 1000, 1000]);
        let value = |_| if self.stream.below(often) == 0 { self.pick(&odd) } else { self.stream.normal() as f32 };
        Tensor::from_fn(sizes, value).expect("small sizes above zero")
    }

    /// A variable of mostly the usual shape.
    fn var(&mut self) -> Var<f32> {
        let sizes = if self.stream.below(4) == 0 { self.sizes() } else { self.usual.clone() };
        self.var_of(&sizes)
    }

    /// A variable of mostly these sizes, made small and above 0; tracked or not.
    fn var_of(&mut self, sizes: &[usize]) -> Var<f32> {
        let mut sizes: Vec<usize> = sizes.iter().map(|size| (*size).clamp(1, 16)).collect();
        match self.stream.below(8) {
            0 => sizes = self.sizes(),
            1 => sizes.iter_mut().for_each(|size| *size = self.pick(&[*size, 1, 5])),
            _ => {}
        }
        let tensor = self.tensor(&sizes);
        if self.stream.below(4) == 0 { Var::constant(tensor) } else { self.tape.leaf(tensor) }
    }

    /// A variable of two axes, such as logits.
    fn matrix(&mut self) -> Var<f32> {
        let sizes = [self.pick(&[1, 2, 5]), self.pick(&[1, 3, 6])];
        self.var_of(&sizes)
    }

    /// A variable, and two more with a value for each of its channels.
    fn channels(&mut self) -> (Var<f32>, Var<f32>, Var<f32>, RunningStats<f32>) {
        let x = if self.flag() { self.matrix() } else { self.var() };
        let c = x.value().shape().sizes().get(1).copied().unwrap_or(2);
        let [mean, variance] = [self.var_of(&[c]), self.var_of(&[c])].map(|var| var.value().clone());
        (x, self.var_of(&[c]), self.var_of(&[c]), RunningStats { mean, variance })
    }
}

fn conv2d(odd: &mut Odd) -> Result<Var<f32>> {
    let x = odd.var();
    let [stride, padding, dilation] = [0; 3].map(|_| odd.pair());
    let options = Conv2d { stride, padding, padding_end: end(odd), dilation, groups: odd.count() };
    let kernel = match x.value().shape().axes() {
        Some([_, c, h, w]) => odd.var_of(&[options.groups, c / options.groups.max(1), h.min(3), w.min(2)]),
        None => odd.var(),
    };
    let filters = kernel.value().shape().sizes().first().copied().unwrap_or(1);
    let bias = odd.flag().then(|| odd.var_of(&[filters]));
    x.conv2d(&kernel, bias.as_ref(), options)
}

fn linear(odd: &mut Odd) -> Result<Var<f32>> {
    let x = odd.matrix();
    let features = x.value().shape().sizes().last().copied().unwrap_or(1);
    let (w, bias) = (odd.var_of(&[3, features]), odd.var_of(&[3]));
    x.linear(&w, odd.flag().then_some(&bias))
}

fn batch_norm(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, gamma, beta, mut running) = odd.channels();
    x.batch_norm(&gamma, &beta, &mut running, BatchNorm { epsilon: odd.number(), momentum: odd.number() })
}

fn batch_norm_fuse(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, gamma, beta, mut running) = odd.channels();
    let shortcut = odd.var_of(x.value().shape().sizes());
    let options = BatchNorm { epsilon: odd.number(), momentum: odd.number() };
    let fusion = if odd.flag() { Fusion::Sum } else { odd.fusion() };
    x.batch_norm_fuse(&gamma, &beta, &shortcut, &mut running, options, fusion)
}

fn batch_norm_relu(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, gamma, beta, mut running) = odd.channels();
    x.batch_norm_relu(&gamma, &beta, &mut running, BatchNorm { epsilon: odd.number(), momentum: odd.number() })
}

fn batch_norm_eval(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, gamma, beta, running) = odd.channels();
    x.batch_norm_eval(&gamma, &beta, &running, odd.number())
}

fn cross_entropy(odd: &mut Odd) -> Result<Var<f32>> {
    let logits = odd.matrix();
    let mut targets = odd.counts(5);
    if odd.stream.below(4) != 0 {
        let [n, c] = logits.value().shape().axes().unwrap_or([1, 1]);
        targets = (0..n).map(|i| i % c).collect();
    }
    logits.cross_entropy(&targets, odd.number())
}

fn reduction(odd: &mut Odd) -> Reduction {
    odd.pick(&[Reduction::Mean, Reduction::Sum, Reduction::None])
}

fn cross_entropy_with(odd: &mut Odd) -> Result<Var<f32>> {
    let logits = odd.matrix();
    let [n, c] = logits.value().shape().axes().unwrap_or([1, 1]);
    let targets = if odd.stream.below(4) == 0 { odd.counts(5) } else { (0..n).map(|i| i % c).collect() };
    let weights: Vec<f64> = (0..c).map(|_| if odd.stream.below(6) == 0 { odd.number() } else { 2.0 }).collect();
    let options = CrossEntropy {
        weights: odd.flag().then_some(&weights),
        ignore: odd.flag().then(|| odd.count()),
        smoothing: odd.number(),
        reduction: reduction(odd),
    };
    logits.cross_entropy_with(&targets, options)
}

fn concat(odd: &mut Odd) -> Result<Var<f32>> {
    let inputs: Vec<Var<f32>> = (0..odd.stream.below(4)).map(|_| odd.var()).collect();
    Var::concat(&inputs.iter().collect::<Vec<_>>(), odd.count())
}

fn gather(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, axis) = (odd.var(), odd.count());
    let sizes = x.value().shape().sizes();
    let others = sizes.iter().product::<usize>() / sizes.get(axis).unwrap_or(&1);
    let index = if odd.flag() { vec![0; others * odd.pick(&[1, 2])] } else { odd.counts(9) };
    x.gather(axis, &index)
}

fn embedding(odd: &mut Odd) -> Result<Var<f32>> {
    let x = odd.var();
    let index = if odd.flag() { vec![0, 0] } else { odd.counts(5) };
    x.embedding(&index)
}

fn stack(odd: &mut Odd) -> Result<Var<f32>> {
    let inputs: Vec<Var<f32>> = (0..odd.stream.below(4)).map(|_| odd.var()).collect();
    Var::stack(&inputs.iter().collect::<Vec<_>>(), odd.count())
}

fn split(odd: &mut Odd) -> Result<Var<f32>> {
    let mut parts = odd.var().split(odd.count(), odd.count())?;
    Ok(parts.pop().expect("no axis is empty"))
}

/// A variable, and a parameter with its last axes.
fn rows(odd: &mut Odd) -> (Var<f32>, Vec<usize>) {
    let x = odd.var();
    let sizes = x.value().shape().sizes().to_vec();
    let first = odd.stream.below(sizes.len() + 1);
    (x, sizes[first..].to_vec())
}

fn layer_norm(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, sizes) = rows(odd);
    let (gamma, beta) = (odd.var_of(&sizes), odd.var_of(&sizes));
    x.layer_norm(&gamma, &beta, odd.number())
}

fn rms_norm(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, sizes) = rows(odd);
    x.rms_norm(&odd.var_of(&sizes), odd.number())
}

fn group_norm(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, gamma, beta, _) = odd.channels();
    x.group_norm(odd.count(), &gamma, &beta, odd.number())
}

fn instance_norm(odd: &mut Odd) -> Result<Var<f32>> {
    let (x, gamma, beta, _) = odd.channels();
    x.instance_norm(&gamma, &beta, odd.number())
}

fn conv1d(odd: &mut Odd) -> Result<Var<f32>> {
    let sizes = [2, 3, 6].map(|most| odd.pick(&[1, 2, most]));
    let x = odd.var_of(&sizes);
    let options =
        Conv1d { stride: odd.count(), padding: odd.count(), dilation: odd.count(), groups: odd.pick(&[1, 1, 1, 0, 2]) };
    let kernel = odd.var_of(&[2, sizes[1], 2]);
    let bias = odd.flag().then(|| odd.var_of(&[2]));
    x.conv1d(&kernel, bias.as_ref(), options)
}

fn conv_transpose2d(odd: &mut Odd) -> Result<Var<f32>> {
    let x = odd.var();
    let options = ConvTranspose2d {
        stride: if odd.flag() { [2, 1] } else { odd.pair() },
        padding: if odd.flag() { [0, 0] } else { odd.pair() },
        dilation: if odd.flag() { [1, 1] } else { odd.pair() },
        output_padding: if odd.flag() { [0, 0] } else { odd.pair() },
        groups: odd.pick(&[1, 1, 1, 0, 2]),
    };
    let channels = x.value().shape().sizes().get(1).copied().unwrap_or(1);
    let kernel = odd.var_of(&[channels, 2, 3, 2]);
    let bias = odd.flag().then(|| odd.var_of(&[2]));
    x.conv_transpose2d(&kernel, bias.as_ref(), options)
}

fn attention(odd: &mut Odd) -> Result<Var<f32>> {
    let (queries, keys, values) = (odd.var(), odd.var(), odd.var());
    let mask = odd.var();
    let masks = [
        AttentionMask::None,
        AttentionMask::Causal,
        AttentionMask::Visible(mask.value()),
        AttentionMask::Added(mask.value()),
    ];
    queries.scaled_dot_product_attention(&keys, &values, odd.pick(&masks))
}

/// The size of images; now and then so great that it overflows.
fn size(odd: &mut Odd) -> [usize; 2] {
    if odd.stream.below(4) == 0 { odd.pick(&[[0, 1], [1 << 40, 1 << 40], [usize::MAX, 1]]) } else { [3, 2] }
}

fn transpose(odd: &mut Odd) -> Result<Var<f32>> {
    let x = odd.var();
    let mut axes = odd.counts(9);
    if odd.stream.below(4) != 0 {
        axes = (0..x.value().shape().rank()).rev().collect();
    }
    x.transpose(&axes)
}

fn dropout(odd: &mut Odd) -> Result<Var<f32>> {
    let word = |odd: &mut Odd| odd.pick(&[0, 1, u32::MAX]);
    let key = DropoutKey { seed: odd.pick(&[0, u64::MAX]), step: word(odd), layer: word(odd) };
    odd.var().dropout(odd.number(), key)
}

/// Window, stride and padding of pooling; now and then a window that is huge and fits thanks to its padding.
fn window(odd: &mut Odd) -> [[usize; 2]; 3] {
    let (kernel, stride, padding) = (odd.pair(), odd.pair(), odd.pair());
    if odd.flag() { [kernel, stride, padding] } else { [kernel, stride, kernel.map(|size| size / 2)] }
}

/// Padding below and on the right, mostly that of the other sides.
fn end(odd: &mut Odd) -> Option<[usize; 2]> {
    (odd.stream.below(3) == 0).then(|| odd.pair())
}

fn max_pool2d(odd: &mut Odd) -> Result<Var<f32>> {
    let [kernel, stride, padding] = window(odd);
    let (padding_end, dilation) = (end(odd), if odd.flag() { [1, 1] } else { odd.pair() });
    odd.var().max_pool2d(MaxPool2d { kernel, stride, padding, padding_end, dilation, ceil: odd.flag() })
}

fn avg_pool2d(odd: &mut Odd) -> Result<Var<f32>> {
    let ([kernel, stride, padding], padding_end, ceil) = (window(odd), end(odd), odd.flag());
    let fixed = odd.count();
    let divisor = odd.pick(&[Divisor::Padded, Divisor::Inside, Divisor::Fixed(fixed)]);
    odd.var().avg_pool2d(AvgPool2d { kernel, stride, padding, padding_end, ceil, divisor })
}

fn local_response_norm(odd: &mut Odd) -> Result<Var<f32>> {
    let (size, alpha, beta, k) = (odd.count(), odd.number(), odd.number(), odd.number());
    odd.var().local_response_norm(LocalResponseNorm { size, alpha, beta, k })
}

/// What finds places along an axis; there is nothing to differentiate.
fn places(odd: &mut Odd, find: fn(&Var<f32>, usize) -> Result<Vec<usize>>) -> Result<Var<f32>> {
    let x = odd.var();
    find(&x, odd.count())?;
    Ok(x)
}

/// A method of `Var` on odd arguments.
type Attempt = fn(&mut Odd) -> Result<Var<f32>>;

/// Every operation's method by its name.
const ATTEMPTS: &[(&str, Attempt)] = &[
    ("abs", |odd| odd.var().abs()),
    ("adaptive_avg_pool2d", |odd| odd.var().adaptive_avg_pool2d(size(odd))),
    ("add", |odd| odd.var().add(&odd.var())),
    ("amax", |odd| odd.var().amax(&odd.counts(4), odd.pick(&[ReducedAxes::Dropped, ReducedAxes::Kept]))),
    ("amax_all", |odd| odd.var().amax_all()),
    ("amin", |odd| odd.var().amin(&odd.counts(4), odd.pick(&[ReducedAxes::Dropped, ReducedAxes::Kept]))),
    ("amin_all", |odd| odd.var().amin_all()),
    ("argmax", |odd| places(odd, Var::argmax)),
    ("argmin", |odd| places(odd, Var::argmin)),
    ("avg_pool2d", avg_pool2d),
    ("batch_norm", batch_norm),
    ("batch_norm_eval", batch_norm_eval),
    ("batch_norm_fuse", batch_norm_fuse),
    ("batch_norm_relu", batch_norm_relu),
    ("binary_cross_entropy_with_logits", |odd| odd.var().binary_cross_entropy_with_logits(&odd.var(), reduction(odd))),
    ("clamp", |odd| odd.var().clamp(odd.number(), odd.number())),
    ("concat", concat),
    ("conv1d", conv1d),
    ("conv2d", conv2d),
    ("conv_transpose2d", conv_transpose2d),
    ("cos", |odd| odd.var().cos()),
    ("cross_entropy", cross_entropy),
    ("cross_entropy_with", cross_entropy_with),
    ("cumsum", |odd| odd.var().cumsum(odd.count())),
    ("div", |odd| odd.var().div(&odd.var())),
    ("dropout", dropout),
    ("einsum", |odd| {
        let equation =
            odd.pick(&["abcd,abcd->ad", "abcd,abcd->dbac", "ab,bc->ca", "aa,b->", "a,b", "é,->", ",->", "a-,>->a"]);
        odd.var().einsum(equation, &odd.var())
    }),
    ("elu", |odd| odd.var().elu(odd.number())),
    ("embedding", embedding),
    ("exp", |odd| odd.var().exp()),
    ("expm1", |odd| odd.var().expm1()),
    ("flatten", |odd| odd.var().flatten(odd.count())),
    ("fuse", |odd| odd.var().fuse(&odd.var(), odd.fusion(), odd.pick(&[FusedActivation::None, FusedActivation::Relu]))),
    ("gather", gather),
    ("gelu", |odd| odd.var().gelu(odd.pick(&[Gelu::Exact, Gelu::Tanh]))),
    ("global_avg_pool", |odd| odd.var().global_avg_pool()),
    ("group_norm", group_norm),
    ("huber_loss", |odd| odd.var().huber_loss(&odd.var(), odd.number(), reduction(odd))),
    ("instance_norm", instance_norm),
    ("l1_loss", |odd| odd.var().l1_loss(&odd.var(), reduction(odd))),
    ("layer_norm", layer_norm),
    ("leaky_relu", |odd| odd.var().leaky_relu(odd.number())),
    ("linear", linear),
    ("local_response_norm", local_response_norm),
    ("log", |odd| odd.var().log()),
    ("log1p", |odd| odd.var().log1p()),
    ("log_softmax", |odd| odd.var().log_softmax()),
    ("matmul", |odd| odd.var().matmul(&odd.var())),
    ("matmul_with", |odd| odd.matrix().matmul_with(&odd.matrix(), Transpose { a: odd.flag(), b: odd.flag() })),
    ("max", |odd| odd.var().max(odd.count(), odd.pick(&[ReducedAxes::Dropped, ReducedAxes::Kept]))),
    ("max_pool2d", max_pool2d),
    ("maximum", |odd| odd.var().maximum(&odd.var())),
    ("mean", |odd| odd.var().mean(&odd.counts(4), odd.pick(&[ReducedAxes::Dropped, ReducedAxes::Kept]))),
    ("mean_all", |odd| odd.var().mean_all()),
    ("min", |odd| odd.var().min(odd.count(), odd.pick(&[ReducedAxes::Dropped, ReducedAxes::Kept]))),
    ("mse_loss", |odd| odd.var().mse_loss(&odd.var(), reduction(odd))),
    ("mul", |odd| odd.var().mul(&odd.var())),
    ("neg", |odd| odd.var().neg()),
    ("pad", |odd| odd.var().pad(&odd.margins())),
    ("pad_with", |odd| odd.var().pad_with(&odd.margins(), odd.number())),
    ("pow", |odd| odd.var().pow(odd.number())),
    ("relu", |odd| odd.var().relu()),
    ("reshape", |odd| {
        let all = odd.var().value().shape().elements();
        let sizes = if odd.flag() { vec![1, all] } else { odd.counts(10) };
        odd.var().reshape(sizes.as_slice())
    }),
    ("rms_norm", rms_norm),
    ("scale", |odd| odd.var().scale(odd.number())),
    ("scaled_dot_product_attention", attention),
    ("sigmoid", |odd| odd.var().sigmoid()),
    ("silu", |odd| odd.var().silu()),
    ("sin", |odd| odd.var().sin()),
    ("slice", |odd| odd.var().slice(odd.count(), odd.count()..odd.count())),
    ("smooth_l1_loss", |odd| odd.var().smooth_l1_loss(&odd.var(), odd.number(), reduction(odd))),
    ("soft_cross_entropy", |odd| odd.matrix().soft_cross_entropy(&odd.matrix())),
    ("softmax", |odd| odd.var().softmax()),
    ("softplus", |odd| odd.var().softplus(Softplus { beta: odd.number(), threshold: odd.number() })),
    ("sort_fusion", |odd| odd.var().sort_fusion(&odd.var(), odd.pick(&[FusedActivation::None, FusedActivation::Relu]))),
    ("sort_root_fusion", |odd| {
        odd.var().sort_root_fusion(&odd.var(), odd.number(), odd.pick(&[FusedActivation::None, FusedActivation::Relu]))
    }),
    ("split", split),
    ("sqrt", |odd| odd.var().sqrt()),
    ("stack", stack),
    ("sub", |odd| odd.var().sub(&odd.var())),
    ("sum", |odd| odd.var().sum(&odd.counts(4), odd.pick(&[ReducedAxes::Dropped, ReducedAxes::Kept]))),
    ("sum_all", |odd| odd.var().sum_all()),
    ("sum_max", |odd| odd.var().sum_max(&odd.var())),
    ("tanh", |odd| odd.var().tanh()),
    ("transpose", transpose),
    ("upsample_bilinear2d", |odd| odd.var().upsample_bilinear2d(size(odd))),
    ("upsample_nearest2d", |odd| odd.var().upsample_nearest2d(size(odd))),
    ("where_", |odd| odd.var().where_(odd.var().value(), &odd.var())),
];

/// Forward, then backward where that was possible.
fn attempt(seed: u64, method: Attempt) -> Result<()> {
    let mut odd = Odd::seeded(seed);
    let y = method(&mut odd)?;
    if y.is_tracked() {
        let dy = Tensor::from_fn(y.value().shape(), |i| i as f32 - 1.5)?;
        odd.tape.backward_from(&[(&y, dy)])?;
    }
    Ok(())
}

#[test]
fn nothing_panics() {
    for (name, method) in ATTEMPTS {
        let mut worked = 0;
        for seed in 0..SEEDS {
            let outcome = catch_unwind(|| attempt(seed, *method));
            match outcome.unwrap_or_else(|_| panic!("{name} panics on the odd arguments of seed {seed}")) {
                Ok(()) => worked += 1,
                Err(error) => reported_well(name, &error.to_string()),
            }
        }
        assert!(worked >= 20, "{name}: only {worked} draws of odd arguments fit, so backward was hardly tried");
    }
}

/// An error begins with an operation, shows the shapes where there are any, and says after a semicolon what would be
/// right.
fn reported_well(name: &str, text: &str) {
    let begins = text.split_once(": ").is_some_and(|(op, _)| ATTEMPTS.iter().any(|(name, _)| op == *name));
    let (problem, remedy) = text.split_once("; ").unwrap_or((text, ""));
    assert!(
        begins && !remedy.is_empty() && (problem.contains('[') || problem.contains("no inputs")),
        "{name}: an error says: {text}"
    );
}

/// What is made and changed without an operation.
#[test]
fn tensors_statistics_and_steps_do_not_panic_either() {
    for seed in 0..SEEDS {
        let outcome = catch_unwind(|| {
            let mut odd = Odd::seeded(seed);
            let (sizes, few) = (odd.counts(10), odd.counts(3));
            let _ = (Tensor::<f32>::zeros(sizes.as_slice()), Tensor::from_slice(few.as_slice(), &[1.0_f32, 2.0]));
            let _ = Tensor::<f32>::arange(odd.number(), odd.number(), odd.number());
            let _ = (Tensor::<f32>::linspace(odd.number(), odd.number(), odd.count()), Tensor::<f32>::eye(odd.count()));
            let _ = Tensor::<f32>::one_hot(&few, odd.count());
            let _ = Tensor::<f32>::randn(few.as_slice(), &mut odd.stream.clone());
            let _ = (Tensor::full(few.as_slice(), f64::NAN), RunningStats::<f32>::new(odd.count()));
            let (mut w, mut v, g) = (odd.var().value().clone(), odd.var().value().clone(), odd.var().value().clone());
            let _ = (w.reshape(sizes.as_slice()), w.at(&sizes), w.item());
            let [rate, momentum, weight_decay] = [odd.number(), odd.number(), odd.number()];
            let _ = sgd_step(&mut w, &mut v, &g, SgdStep { rate, momentum, weight_decay, nesterov: odd.flag() });
            let x = odd.var();
            let _ = (odd.tape.backward(&x), odd.tape.backward_from(&[(&x, g)]));
        });
        assert!(outcome.is_ok(), "a panic on the odd arguments of seed {seed}");
    }
}

/// The methods of [`Var`] in the files of a folder and of the folders in it.
fn methods_in(folder: &Path) -> Vec<String> {
    let mut methods = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            methods.extend(methods_in(&path));
            continue;
        }
        let source = std::fs::read_to_string(path).unwrap();
        let Some((_, methods_of)) = source.split_once("impl<E: Element> Var<E> {") else { continue };
        let names = methods_of.lines().filter_map(|line| line.strip_prefix("    pub fn ")?.split_once('('));
        methods.extend(names.map(|(name, _)| name.to_string()));
    }
    methods
}

/// A method that is added is tried on odd arguments too.
#[test]
fn every_method_is_tried() {
    let mut methods = methods_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops"));
    methods.sort();
    let mut tried: Vec<&str> = ATTEMPTS.iter().map(|(name, _)| *name).collect();
    tried.sort_unstable();
    assert_eq!(methods, tried, "methods in src/ops and attempts");
}
