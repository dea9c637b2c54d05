//! Every model of the catalogue: what it costs, that its gradient is right from end to end, that it learns, and what it
//! says to images that it cannot take.

use evograd::models::{self, CATALOGUE, Network, Options, Plan, Shortcut, forward};
use evograd::models::{Spec, Value};
use evograd::nn::{BatchNormFuse, Conv, Fuse, GlobalAvgPool, Linear, Phase};
use evograd::ops::FusedActivation;
use evograd::{
    BatchNorm, DropoutKey, Element, Fusion, Op, Purpose, RunningStats, SgdStep, Shape, Stream, Tape, Tensor, Var,
    apply, sgd_step,
};

const SORT_ROOT: Fusion = Fusion::SortRoot { epsilon: Fusion::DEFAULT_EPSILON };

const CIFAR: [usize; 3] = [3, 32, 32];
const MNIST: [usize; 3] = [1, 28, 28];
const IMAGENET: [usize; 3] = [3, 224, 224];

/// Name, images, classes, weights, multiply-adds for one image.
type Count = (&'static str, [usize; 3], usize, u64, u64);

/// Multiply-adds are those of convolutions and linear layers. All were counted with PyTorch 2.15, on modules written for
/// it alone or, where it says so, on torchvision 0.29; weights also as published:
///
/// * residual networks: 0.27, 0.46, 0.85 and 1.7 million (He and others, table 6), here with projections, which add
///   2,752; wide ones: 2.7, 1.5, 36.5 and 8.9 million (Zagoruyko and Komodakis, tables 4 and 5, and their repository);
///   densely connected ones: 1.0 and 0.8 million (Huang and others, table 2);
/// * AlexNet 61,100,840, VGG 138,357,544, 143,667,240, 138,365,992 and 143,678,248, ResNets 11,689,512, 21,797,672 and
///   25,557,032: torchvision's own documentation.
const COUNTS: [Count; 29] = [
    ("linear", CIFAR, 10, 30_730, 30_720),
    ("lenet", CIFAR, 10, 145_578, 12_354_176),
    ("lenet", MNIST, 10, 582_026, 4_267_008),
    ("lenet-star", CIFAR, 10, 336_266, 52_953_728),
    ("lenet-star", MNIST, 10, 726_858, 23_340_032),
    ("bignet", CIFAR, 10, 7_580_746, 233_515_008),
    ("bignet-star", CIFAR, 10, 15_370_634, 1_065_756_672),
    ("resnet20", CIFAR, 10, 272_474, 40_813_184),
    ("resnet32", CIFAR, 10, 466_906, 69_124_736),
    ("resnet56", CIFAR, 10, 855_770, 125_747_840),
    ("resnet110", CIFAR, 10, 1_730_714, 253_149_824),
    ("wrn-16-4", CIFAR, 10, 2_748_890, 392_612_352),
    ("wrn-28-2", CIFAR, 10, 1_467_610, 214_353_152),
    ("wrn-28-10", CIFAR, 10, 36_479_194, 5_243_328_768),
    ("wrn-40-4", CIFAR, 10, 8_949_210, 1_298_582_016),
    ("densenet-40-12", CIFAR, 10, 1_019_722, 264_812_928),
    ("densenet-bc-100-12", CIFAR, 10, 769_162, 287_929_692),
    ("vgg16", CIFAR, 10, 14_719_818, 313_201_664),
    ("genet1", CIFAR, 10, 153_394, 11_166_976),
    // torchvision's own networks.
    ("alexnet", IMAGENET, 1000, 61_100_840, 714_188_480),
    ("vgg16", IMAGENET, 1000, 138_357_544, 15_470_264_320),
    ("vgg19", IMAGENET, 1000, 143_667_240, 19_632_062_464),
    ("vgg16-bn", IMAGENET, 1000, 138_365_992, 15_470_264_320),
    ("vgg19-bn", IMAGENET, 1000, 143_678_248, 19_632_062_464),
    ("resnet18", IMAGENET, 1000, 11_689_512, 1_814_073_344),
    ("resnet34", IMAGENET, 1000, 21_797_672, 3_663_761_408),
    ("resnet50", IMAGENET, 1000, 25_557_032, 4_089_184_256),
    // torchvision's network with each convolution replaced.
    ("alexnet-star", IMAGENET, 1000, 69_328_232, 2_923_793_792),
    // 272,474 less the projections' 512 + 2048 weights and 2·32 + 2·64 of their normalisations: He's own option A.
    ("resnet20 pad", CIFAR, 10, 269_722, 40_551_040),
];

#[test]
fn every_model_costs_what_is_known_of_it() {
    for (name, input, classes, parameters, macs) in COUNTS {
        let shortcut = if name.ends_with(" pad") { Shortcut::Pad } else { Shortcut::Conv };
        let options = Options { input, classes, shortcut, ..Options::default() };
        let plan = models::spec(name.trim_end_matches(" pad"), &options).unwrap().plan().unwrap();
        assert_eq!((plan.parameters(), plan.macs()), (parameters, macs), "{name} on {input:?}");
        assert_eq!(plan.output().sizes(), [1, classes], "{name}");
    }
    for model in CATALOGUE {
        let usual = (model.name, model.input, model.classes);
        assert!(COUNTS.iter().any(|row| (row.0, row.1, row.2) == usual), "{usual:?} has no count");
        assert_eq!((model.options().input, model.options().classes), (model.input, model.classes));
    }
}

/// A small version of a model: its name, the image's sides, the width, and the greatest number of images it is
/// checked with.
struct Small {
    name: &'static str,
    side: usize,
    width: f64,
    /// Learning rate and steps after which it knows eight images by heart.
    rate: f64,
    steps: u32,
}

const fn small(name: &'static str, side: usize, width: f64, rate: f64, steps: u32) -> Small {
    Small { name, side, width, rate, steps }
}

/// A row for each model of the catalogue, as small as its family allows.
const SMALL: [Small; 24] = [
    small("linear", 8, 1.0, 0.05, 60),
    small("lenet", 8, 0.25, 0.05, 60),
    small("lenet-star", 8, 0.125, 0.05, 40),
    small("bignet", 8, 0.125, 0.01, 100),
    small("bignet-star", 8, 0.0625, 0.01, 60),
    small("resnet20", 8, 0.25, 0.1, 40),
    small("resnet32", 8, 0.25, 0.1, 40),
    small("resnet56", 8, 0.25, 0.02, 40),
    small("resnet110", 8, 0.25, 0.01, 120),
    small("wrn-16-4", 8, 0.125, 0.1, 40),
    small("wrn-28-2", 8, 0.25, 0.1, 40),
    small("wrn-28-10", 8, 0.05, 0.1, 40),
    small("densenet-40-12", 8, 0.25, 0.1, 40),
    small("densenet-bc-100-12", 8, 0.25, 0.1, 40),
    small("genet1", 8, 0.25, 0.05, 60),
    small("alexnet", 64, 0.0625, 0.02, 100),
    small("alexnet-star", 64, 0.0625, 0.005, 60),
    small("vgg16", 32, 0.125, 0.005, 100),
    small("vgg19", 32, 0.125, 0.005, 100),
    small("vgg16-bn", 32, 0.03125, 0.05, 60),
    small("vgg19-bn", 32, 0.03125, 0.05, 60),
    small("resnet18", 32, 0.0625, 0.05, 40),
    small("resnet34", 32, 0.03125, 0.05, 40),
    small("resnet50", 32, 0.03125, 0.05, 40),
];

impl Small {
    fn named(name: &str) -> &'static Small {
        SMALL.iter().find(|small| small.name == name).unwrap()
    }

    fn options(&self, fusion: Fusion) -> Options {
        let input = [3, self.side, self.side];
        Options { input, classes: 4, width: self.width, fusion, ..Options::default() }
    }
}

#[test]
fn every_model_has_a_small_version() {
    let names: Vec<&str> = SMALL.iter().map(|small| small.name).collect();
    CATALOGUE.iter().for_each(|model| assert!(names.contains(&model.name), "{}", model.name));
}

/// Images of noise, for which any learning is learning by heart.
fn images<E: Element>(count: usize, [c, h, w]: [usize; 3], seed: u64) -> Tensor<E> {
    noise(&Shape::new(&[count, c, h, w]).unwrap(), seed, 0)
}

/// Fresh running statistics for each batch normalisation of a plan.
fn statistics(plan: &Plan) -> Vec<RunningStats<f64>> {
    let norms = plan.layers().iter().filter(|layer| layer.kind.starts_with("batch norm"));
    norms.map(|layer| RunningStats::new(layer.output.sizes()[1]).unwrap()).collect()
}

/// A training pass in `f64` as a function of the images and all weights.
struct TrainingPass {
    network: Network<f64>,
    /// The images, then the weights.
    inputs: Vec<Tensor<f64>>,
    seed: u64,
    /// What the gradient of the fourth weight is multiplied with, to see that it is noticed.
    spoil: Option<f64>,
}

impl TrainingPass {
    fn new(name: &str, options: &Options, seed: u64, spoil: Option<f64>) -> TrainingPass {
        let network = Network::<f64>::new(&models::spec(name, options).unwrap(), seed).unwrap();
        let mut inputs = vec![images(5, options.input, seed)];
        inputs.extend(network.weights().iter().cloned());
        TrainingPass { network, inputs, seed, spoil }
    }

    fn logits(&self, inputs: &[Var<f64>]) -> Var<f64> {
        let mut running = statistics(self.network.plan());
        let phase = Phase::Train { running: &mut running, key: DropoutKey { seed: self.seed, step: 0, layer: 0 } };
        let mut weights = inputs[1..].to_vec();
        if let Some(factor) = self.spoil {
            weights[3] = apply(Off(factor), [&weights[3]]).unwrap();
        }
        forward(self.network.plan(), &weights, inputs[0].clone(), phase).unwrap()
    }

    /// What backward makes of `r`, for each input.
    fn analytic(&self, r: &Tensor<f64>) -> Vec<Tensor<f64>> {
        let tape = Tape::new();
        let leaves: Vec<Var<f64>> = self.inputs.iter().map(|input| tape.leaf(input.clone())).collect();
        let mut gradients = tape.backward_from(&[(&self.logits(&leaves), r.clone())]).unwrap();
        leaves.iter().map(|leaf| gradients.take(leaf).unwrap()).collect()
    }

    /// The central difference of `r·logits` in direction `u` of one input, and how far rounding may put it off.
    fn numeric(&self, input: usize, u: &Tensor<f64>, r: &Tensor<f64>) -> (f64, f64) {
        let at = |step: f64| {
            let mut inputs = self.inputs.clone();
            inputs[input].as_mut_slice().iter_mut().zip(u.as_slice()).for_each(|(x, u)| *x += step * u);
            self.logits(&inputs.into_iter().map(Var::constant).collect::<Vec<_>>())
        };
        let (above, below) = (at(STEP), at(-STEP));
        let pairs = above.value().as_slice().iter().zip(below.value().as_slice());
        let slope = pairs.zip(r.as_slice()).map(|((above, below), r)| r * (above - below)).sum::<f64>() / (2.0 * STEP);
        let greatest = above.value().as_slice().iter().fold(0.0, |greatest: f64, y| greatest.max(y.abs()));
        (slope, ROUNDINGS * f64::EPSILON * greatest * length(r) / STEP)
    }

    /// How far the two are apart for one input, relative to the greater. The direction is of length 1, half random and
    /// half along what backward says is steepest, so that the slope stands out from rounding in large tensors too.
    fn error(&self, input: usize, dx: &Tensor<f64>, r: &Tensor<f64>) -> f64 {
        let mut u = noise(dx.shape(), self.seed, input as u32);
        let (random, steepest) = (length(&u), length(dx).max(f64::MIN_POSITIVE));
        u.as_mut_slice().iter_mut().zip(dx.as_slice()).for_each(|(u, dx)| *u = 0.5 * (*u / random + dx / steepest));
        let analytic: f64 = dx.as_slice().iter().zip(u.as_slice()).map(|(dx, u)| dx * u).sum();
        let (numeric, rounding) = self.numeric(input, &u, r);
        let gap = (analytic - numeric).abs();
        if gap <= rounding { 0.0 } else { gap / analytic.abs().max(numeric.abs()) }
    }
}

/// The length of the central differences' step.
const STEP: f64 = 2e-8;
/// The greatest relative error that passes.
const TOLERANCE: f64 = 1e-5;
/// Units of rounding that a logit may be off behind all layers.
const ROUNDINGS: f64 = 32.0;

fn noise<E: Element>(shape: &Shape, seed: u64, number: u32) -> Tensor<E> {
    let mut stream = Stream::new(seed, Purpose::Gradcheck, number, 0);
    Tensor::from_fn(shape, |_| E::from_f64(stream.normal())).unwrap()
}

fn length(x: &Tensor<f64>) -> f64 {
    x.as_slice().iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The gradient of a training pass with respect to the images and **every weight** against a central difference in a
/// random direction of each, in `f64`: batch normalisation uses the batch, dropout has one mask for all passes.
///
/// A deep network has a point without a derivative for each ReLU and each place of a pool, and some of them lie within any step. The step is
/// 500 times smaller than the gradient checker's, so that few do, at the price of a digit: the tolerance is 10⁻⁵. A point without a derivative that is met
/// spoils a comparison by chance, a wrong gradient spoils every one; so a weight passes when it passes for one of
/// six seeds, each with weights, images and directions of its own.
fn gradient_is_right(options: &Options, name: &str, spoil: Option<f64>) -> Result<(), String> {
    let mut wrong: Vec<usize> = Vec::new();
    let mut worst = String::new();
    for seed in 0..6 {
        let pass = TrainingPass::new(name, options, seed, spoil);
        let r = noise(&Shape::new(&[5, options.classes]).unwrap(), seed, u32::MAX);
        let gradients = pass.analytic(&r);
        let tried = if seed == 0 { (0..gradients.len()).collect() } else { wrong };
        let errors = tried.into_iter().map(|input| (input, pass.error(input, &gradients[input], &r)));
        let failed: Vec<(usize, f64)> = errors.filter(|(_, error)| error.is_nan() || *error > TOLERANCE).collect();
        worst = format!("{name} with {}: inputs and errors {failed:?}", options.fusion);
        wrong = failed.into_iter().map(|(input, _)| input).collect();
        if wrong.is_empty() {
            return Ok(());
        }
    }
    Err(worst)
}

/// `y = x`, with a gradient that is a factor off.
#[derive(Debug)]
struct Off(f64);

impl Op<f64, 1> for Off {
    const NAME: &'static str = "off";
    type Saved = ();
    fn output_shape(&self, [x]: [&Shape; 1]) -> evograd::Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, ()) {
        (x.clone(), ())
    }
    fn backward(&self, (): (), mut dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        dy.as_mut_slice().iter_mut().for_each(|dy| *dy *= self.0);
        [Some(dy)]
    }
}

fn check_gradients(names: &[&str], fusions: &[Fusion]) {
    for name in names {
        for fusion in fusions {
            gradient_is_right(&Small::named(name).options(*fusion), name, None).unwrap();
        }
    }
}

#[test]
fn gradients_of_chains_are_right() {
    check_gradients(
        &["linear", "lenet", "bignet", "alexnet", "vgg16", "vgg19", "vgg16-bn", "vgg19-bn"],
        &[Fusion::Sum],
    );
    let digits = Options { input: MNIST, width: 0.125, classes: 4, ..Options::default() };
    gradient_is_right(&digits, "lenet", None).unwrap();
}

#[test]
fn gradients_of_starred_networks_are_right() {
    check_gradients(&["lenet-star", "bignet-star", "alexnet-star"], &[Fusion::Sum, Fusion::Sort]);
}

#[test]
fn gradients_of_residual_networks_are_right() {
    check_gradients(&["resnet20", "resnet32"], &[Fusion::Sum, SORT_ROOT]);
    check_gradients(&["resnet18", "resnet34", "resnet50"], &[Fusion::Sum, SORT_ROOT]);
    for fusion in [Fusion::Sum, SORT_ROOT] {
        let padded = Options { shortcut: Shortcut::Pad, ..Small::named("resnet20").options(fusion) };
        gradient_is_right(&padded, "resnet20", None).unwrap();
    }
}

#[test]
fn gradients_of_evolved_networks_are_right() {
    check_gradients(&["genet1"], &[Fusion::Sum, Fusion::Sort]);
}

#[test]
fn gradients_of_deep_residual_networks_are_right() {
    check_gradients(&["resnet56"], &[Fusion::Sum, SORT_ROOT]);
    check_gradients(&["resnet110"], &[SORT_ROOT]);
}

#[test]
fn gradients_of_wide_and_dense_networks_are_right() {
    check_gradients(&["wrn-16-4", "wrn-28-2", "wrn-28-10"], &[Fusion::Sum, SORT_ROOT]);
    check_gradients(&["densenet-40-12", "densenet-bc-100-12"], &[Fusion::Sum]);
    let dropped = |name| Options { dropout: Some(0.3), ..Small::named(name).options(Fusion::Sum) };
    ["wrn-16-4", "densenet-40-12"].iter().for_each(|name| gradient_is_right(&dropped(name), name, None).unwrap());
}

/// The check must be able to fail: a gradient of one weight that is off by a thousandth.
#[test]
fn a_gradient_that_is_a_little_off_is_found() {
    for name in ["lenet", "lenet-star", "resnet20"] {
        let error = gradient_is_right(&Small::named(name).options(Fusion::Sum), name, Some(1.001)).unwrap_err();
        assert!(error.starts_with(&format!("{name} with sum: inputs and errors [(4, 0.00099")), "{error}");
        assert_eq!(error.matches('(').count(), 1, "{error}");
    }
}

/// The loss before each step, and how many of the eight images were classified correctly before the last.
fn memorise(small: &Small, fusion: Fusion) -> (Vec<f32>, usize) {
    let options = Options { dropout: Some(0.0), ..small.options(fusion) };
    let mut network = Network::<f32>::new(&models::spec(small.name, &options).unwrap(), 0).unwrap();
    let images = images(8, options.input, 1);
    let labels = [0, 1, 2, 3, 0, 1, 2, 3];
    let zeros = |weight: &Tensor| Tensor::zeros(weight.shape()).unwrap();
    let mut velocities: Vec<Tensor> = network.weights().iter().map(zeros).collect();
    let step = SgdStep { rate: small.rate, momentum: 0.9, weight_decay: 0.0, nesterov: true };
    let (mut losses, mut right) = (Vec::new(), 0);
    for number in 0..small.steps {
        let tape = Tape::new();
        let (logits, leaves) = network.train(&tape, &images, 0, number).unwrap();
        right = logits.value().as_slice().chunks(4).zip(labels).filter(|(row, label)| best(row) == *label).count();
        let loss = logits.cross_entropy(&labels, 0.0).unwrap();
        losses.push(loss.item().unwrap());
        let mut gradients = tape.backward(&loss).unwrap();
        let gradients: Vec<Tensor> = leaves.iter().map(|leaf| gradients.take(leaf).unwrap()).collect();
        drop((leaves, tape));
        for ((weight, velocity), gradient) in network.weights_mut().iter_mut().zip(&mut velocities).zip(&gradients) {
            sgd_step(weight, velocity, gradient, step).unwrap();
        }
    }
    (losses, right)
}

fn best(row: &[f32]) -> usize {
    (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap()
}

/// Learns eight images of noise by heart, without dropout: the loss falls from about ln 4 to almost nothing.
fn check_memory(names: &[&str], fusions: &[Fusion]) {
    for name in names {
        for fusion in fusions {
            let (losses, right) = memorise(Small::named(name), *fusion);
            let last = losses[losses.len() - 1];
            assert!(last < 0.05 && losses[0] > 0.5, "{name} with {fusion}: {losses:?}");
            assert_eq!(right, 8, "{name} with {fusion}: {losses:?}");
        }
    }
}

#[test]
fn chains_learn_by_heart() {
    check_memory(&["linear", "lenet", "bignet", "alexnet", "vgg16", "vgg19", "vgg16-bn", "vgg19-bn"], &[Fusion::Sum]);
}

#[test]
fn starred_networks_learn_by_heart() {
    check_memory(&["lenet-star", "bignet-star", "alexnet-star"], &[Fusion::Sum, Fusion::Sort]);
}

#[test]
fn residual_networks_learn_by_heart() {
    check_memory(&["resnet20", "resnet18", "wrn-16-4", "wrn-28-2"], &[Fusion::Sum, SORT_ROOT]);
    check_memory(&["resnet32", "resnet34", "resnet50", "wrn-28-10", "densenet-40-12"], &[SORT_ROOT]);
}

#[test]
fn bred_networks_learn_by_heart() {
    check_memory(&["genet1"], &[Fusion::Sum, Fusion::Sort]);
}

#[test]
fn deep_networks_learn_by_heart() {
    check_memory(&["resnet56", "resnet110", "densenet-bc-100-12"], &[SORT_ROOT]);
}

#[test]
fn every_fusion_fits_and_runs_and_no_two_give_the_same() {
    let mut seen: Vec<Vec<f32>> = Vec::new();
    for name in ["resnet20", "wrn-16-4", "resnet50", "lenet-star"] {
        for fusion in Fusion::ALL {
            let options = Small::named(name).options(fusion);
            let mut network = Network::<f32>::new(&models::spec(name, &options).unwrap(), 0).unwrap();
            let fusions = network.plan().layers().iter().filter(|layer| layer.kind.starts_with(fusion.name())).count();
            assert!(fusions > 2, "{name} has {fusions} fusions of {fusion}");
            let (logits, _) = network.train(&Tape::new(), &images(4, options.input, 0), 0, 0).unwrap();
            let logits = logits.value();
            assert_eq!(logits.shape().sizes(), [4, 4]);
            assert!(logits.as_slice().iter().all(|x| x.is_finite()), "{name} with {fusion}");
            assert!(!seen.contains(&logits.as_slice().to_vec()), "{name} with {fusion}");
            seen.push(logits.as_slice().to_vec());
        }
    }
}

/// A network whose weights and running statistics are far from those it begins with, so that leaving one out is noticed.
fn trained(spec: &Spec) -> Network<f64> {
    let mut network = Network::<f64>::new(spec, 3).unwrap();
    for (i, (name, tensor)) in network.state_mut().into_iter().enumerate() {
        let noise: Tensor<f64> = noise(tensor.shape(), 9, i as u32);
        for (x, noise) in tensor.as_mut_slice().iter_mut().zip(noise.as_slice()) {
            *x = if name.ends_with("running_var") { 0.5 + noise.abs() } else { *x + 0.1 * noise };
        }
    }
    network
}

/// The greatest distance of the answers of a network and of the frozen one, relative to the greatest answer.
fn distance_of_frozen(network: &Network<f64>) -> f64 {
    let images = images(3, network.plan().spec().input, 4);
    let [slow, fast] = [network.evaluate(&images).unwrap(), network.frozen().unwrap().evaluate(&images).unwrap()];
    assert_eq!(slow.shape(), fast.shape());
    let pairs = slow.as_slice().iter().zip(fast.as_slice());
    let greatest = slow.as_slice().iter().fold(0.0, |most: f64, y| most.max(y.abs()));
    pairs.fold(0.0, |most: f64, (slow, fast)| most.max((slow - fast).abs())) / greatest
}

#[test]
fn frozen_networks_answer_the_same() {
    for small in SMALL {
        for fusion in [Fusion::Sum, SORT_ROOT] {
            let network = trained(&models::spec(small.name, &small.options(fusion)).unwrap());
            let distance = distance_of_frozen(&network);
            assert!(distance < 1e-9, "{} with {fusion}: {distance:e}", small.name);
        }
    }
}

/// A convolution with a bias, whose output a second layer consumes where `twice`; a normalisation, and a ReLU of its own.
fn with_fold(twice: bool, relu: bool) -> Spec {
    let mut spec = Spec::new("fold", [3, 6, 5]);
    let image = spec.image();
    let x = spec.add("conv", Conv::same(4, 3).biased(), &[image]);
    let y = if relu { spec.bn_relu("bn", x) } else { spec.bn("bn", x) };
    let y = spec.relu("bn", y);
    let y = if twice { spec.fuse("block", [x, y], Fusion::Sum, FusedActivation::None) } else { y };
    let y = spec.add("avgpool", GlobalAvgPool, &[y]);
    spec.add("fc", Linear { features: 3 }, &[y]);
    spec
}

#[test]
fn only_what_nobody_else_takes_in_is_folded() {
    for (twice, relu) in [(false, false), (false, true), (true, false), (true, true)] {
        let distance = distance_of_frozen(&trained(&with_fold(twice, relu)));
        assert!(distance < 1e-12, "twice {twice}, relu {relu}: {distance:e}");
    }
}

#[test]
fn a_frozen_network_refuses_what_the_network_refuses() {
    let network = Network::<f64>::new(&with_fold(false, false), 0).unwrap();
    let wrong = images(2, [3, 6, 6], 0);
    let text = |result: evograd::Result<Tensor<f64>>| result.unwrap_err().to_string();
    assert_eq!(text(network.frozen().unwrap().evaluate(&wrong)), text(network.evaluate(&wrong)));
}

/// Why a model of this name and these options cannot be.
/// A small residual network; `end` adds the end of its block to the shortcut and a convolution.
fn with_block_end(end: impl Fn(&mut Spec, [Value; 2]) -> Value) -> Spec {
    let mut spec = Spec::new("block", [3, 6, 5]);
    let image = spec.image();
    let x = spec.conv_bn_relu("conv1".into(), "bn1".into(), Conv::same(4, 3), image);
    let f = spec.add("conv2", Conv::same(4, 3), &[x]);
    let y = end(&mut spec, [x, f]);
    let y = spec.add("avgpool", GlobalAvgPool, &[y]);
    spec.add("fc", Linear { features: 3 }, &[y]);
    spec
}

/// The bits of what is to be the same: logits of a training step and of evaluation, gradients, and running statistics.
fn bits_of_a_step(spec: &Spec) -> Vec<Vec<u32>> {
    let mut network = Network::<f32>::new(spec, 5).unwrap();
    let (images, tape) = (images(4, spec.input, 1), Tape::new());
    let (logits, leaves) = network.train(&tape, &images, 0, 0).unwrap();
    let gradients = tape.backward(&logits.cross_entropy(&[0, 1, 2, 0], 0.0).unwrap()).unwrap();
    let evaluated = network.evaluate(&images).unwrap();
    let gradients = leaves.iter().map(|leaf| gradients.get(leaf).unwrap());
    let state = network.state().into_iter().map(|(_, tensor)| tensor);
    let all = [logits.value(), &evaluated].into_iter().chain(gradients).chain(state);
    all.map(|tensor| tensor.as_slice().iter().map(|x| x.to_bits()).collect()).collect()
}

/// A fusion does the work of the normalisation before it while training, unless somebody else takes that in.
#[test]
fn a_join_that_normalises_changes_no_bit() {
    for fusion in [Fusion::Sum, SORT_ROOT] {
        let pair = with_block_end(|spec, [x, f]| {
            let f = spec.bn("bn2", f);
            spec.fuse("block", [x, f], fusion, FusedActivation::Relu)
        });
        let apart = with_block_end(|spec, [x, f]| {
            let f = spec.bn("bn2", f);
            let y = spec.add("fuse", Fuse { fusion, relu: false }, &[x, f]);
            spec.relu("fuse", y)
        });
        let whole = with_block_end(|spec, [x, f]| {
            spec.add("end", BatchNormFuse { options: BatchNorm::default(), fusion }, &[x, f])
        });
        let normalises = |spec: &Spec| spec.plan().unwrap().layers().iter().any(|layer| layer.in_fusion);
        assert!(normalises(&pair) && !normalises(&apart) && !normalises(&whole));
        let expected = bits_of_a_step(&apart);
        assert!(bits_of_a_step(&pair) == expected && bits_of_a_step(&whole) == expected, "{fusion}");
        assert_eq!(whole.plan().unwrap().parameters(), pair.plan().unwrap().parameters());

        let twice = with_block_end(|spec, [x, f]| {
            let f = spec.bn("bn2", f);
            let y = spec.fuse("block", [x, f], fusion, FusedActivation::Relu);
            spec.fuse("again", [y, f], fusion, FusedActivation::Relu)
        });
        assert!(!normalises(&twice), "{fusion}");
    }
}

#[test]
fn what_is_never_made_is_not_counted() {
    let bytes = |fusion| {
        let plan = models::spec("resnet20", &Options { fusion, ..Options::default() }).unwrap().plan().unwrap();
        let fused = plan.layers().iter().filter(|layer| layer.in_fusion);
        assert!(fused.clone().all(|layer| layer.name.ends_with(".bn2") && layer.activation_bytes() == 0));
        (fused.count(), plan.activation_bytes())
    };
    let stages = [16 * 32 * 32, 32 * 16 * 16, 64 * 8 * 8].map(|elements| 3 * 4 * elements).iter().sum::<u64>();
    let (count, all) = bytes(Fusion::Product);
    assert_eq!(count, 0);
    assert_eq!([bytes(Fusion::Sum), bytes(SORT_ROOT)], [(9, all - stages); 2]);
}

fn refusal(name: &str, options: Options) -> String {
    models::spec(name, &options).and_then(|spec| spec.plan()).unwrap_err().to_string()
}

#[test]
fn images_that_are_too_small_are_refused_by_the_layer_they_do_not_fit() {
    let sized = |side| Options { input: [3, side, side], ..Options::default() };
    let too_small = "the kernel is larger than the padded input with";
    let remedy = "use larger images, a smaller kernel or dilation, or more padding";
    assert_eq!(
        refusal("lenet", sized(4)),
        format!(
            "pool3: max_pool2d: {too_small} kernel [3, 3], stride [2, 2], padding [0, 0], dilation [1, 1] \
             (input [1, 64, 1, 1]); {remedy}"
        )
    );
    assert_eq!(
        refusal("alexnet", sized(32)),
        format!(
            "features.10.pool: max_pool2d: {too_small} kernel [3, 3], stride [2, 2], padding [0, 0], dilation [1, 1] \
             (input [1, 256, 1, 1]); {remedy}"
        )
    );
    assert_eq!(
        refusal("densenet-bc-100-12", sized(3)),
        format!(
            "features.transition2.pool: avg_pool2d: {too_small} kernel [2, 2], stride [2, 2], padding [0, 0], \
             dilation [1, 1] (input [1, 150, 1, 1]); {remedy}"
        )
    );
    assert_eq!(
        refusal("lenet", Options { input: [3, 0, 32], ..Options::default() }),
        "shape [1, 3, 0, 32]: axis 2 has size 0; every axis needs at least one element"
    );
}

#[test]
fn images_of_another_size_than_the_network_was_made_for_are_refused() {
    let network = Network::<f32>::new(&models::spec("lenet", &Options::default()).unwrap(), 0).unwrap();
    assert_eq!(
        network.evaluate(&images(2, [3, 28, 28], 0)).unwrap_err().to_string(),
        "network: lenet takes images of shape [3, 32, 32] (images [2, 3, 28, 28]); \
         give it [N, C, H, W] with these sizes"
    );
}

#[test]
fn names_that_do_not_exist_are_refused_with_those_that_are_near() {
    let list: Vec<&str> = CATALOGUE.iter().map(|model| model.name).collect();
    let numbers = "wrn and densenet with other numbers, and codes such as 1-01|0-01-100";
    let all = format!("there are {}, {numbers}", list.join(", "));
    let plain = |name| refusal(name, Options::default());
    assert_eq!(
        plain("resent20"),
        format!("model: there is no model called \"resent20\"; did you mean resnet20? {all}")
    );
    assert_eq!(
        plain("ResNet21"),
        format!("model: there is no model called \"ResNet21\"; did you mean resnet20? {all}")
    );
    assert_eq!(plain("transformer"), format!("model: there is no model called \"transformer\"; {all}"));
    assert_eq!(
        plain("wrn-27-10"),
        "wrn-27-10: wrn: the depth 27 is not 6n + 4; use 10, 16, 22, 28, 34, 40 or a greater one up to 1000"
    );
    assert_eq!(plain("wrn-28-0"), "wrn-28-0: wrn: it cannot be 0 times as wide; use 1 to 100");
    assert_eq!(plain("densenet-bc-40-4000"), "densenet-bc-40-4000: densenet: the growth is 4000; use 1 to 1000");
    assert_eq!(
        plain("densenet-39-12"),
        "densenet-39-12: densenet: the depth 39 is not 3n + 4; use 22, 40, 100 or another one up to 1000"
    );
}

#[test]
fn options_out_of_range_are_refused_before_anything_is_built() {
    let with = |change: fn(&mut Options)| {
        let mut options = Options::default();
        change(&mut options);
        refusal("resnet20", options)
    };
    assert_eq!(with(|o| o.width = f64::NAN), "resnet20: options: the width is NaN; use a number above 0, at most 64");
    assert_eq!(with(|o| o.width = 0.0), "resnet20: options: the width is 0; use a number above 0, at most 64");
    assert_eq!(
        with(|o| o.dropout = Some(1.0)),
        "resnet20: options: the dropout is 1; use a probability of at least 0 and below 1"
    );
    assert_eq!(
        with(|o| o.fusion = Fusion::SortRoot { epsilon: 0.0 }),
        "resnet20: options: the epsilon of sort-root is 0; use a finite number above 0, such as 1e-4"
    );
    assert_eq!(with(|o| o.classes = 0), "resnet20: options: there are 0 classes; use at least 1");
}

/// What a hostile description asks for is counted or refused, never allocated.
#[test]
fn giants_are_counted_without_memory_or_refused() {
    let wide = Options { width: 64.0, ..Options::default() };
    let plan = models::spec("wrn-1000-100", &wide).unwrap().plan().unwrap();
    assert!(plan.parameters() > 1_000_000_000_000);
    for name in ["lenet", "vgg16", "densenet-1000-1000", "resnet50", "wrn-28-10"] {
        let options = Options { input: [3, 1 << 31, 1 << 31], classes: usize::MAX, ..wide.clone() };
        assert!(models::spec(name, &options).unwrap().plan().is_err(), "{name}");
    }
}
