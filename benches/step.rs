//! A training step of ResNet-20 with 128 pictures: forward, loss, backward, SGD with momentum. Plain sum and SORT
//! (root) take turns, so that both meet the same machine; medians, and the spread between the quarters. Then the peak
//! memory of each, in a process of its own, and the pictures a second that one thread loads and augments.

use evograd::data::{Augment, Loader, Loading, Normalise, shapes};
use evograd::models::{Network, Options, spec};
use evograd::{Fusion, Optimizer, Pool, Result, Rule, Tape, Tensor};
use std::process::Command;
use std::time::Instant;

const BATCH: usize = 128;
const ROUNDS: u32 = 25;
const FUSIONS: [Fusion; 2] = [Fusion::Sum, Fusion::SortRoot { epsilon: Fusion::DEFAULT_EPSILON }];

/// A network with its optimiser.
struct Training {
    network: Network,
    optimizer: Optimizer,
    pictures: Tensor,
    classes: Vec<usize>,
}

impl Training {
    fn new(fusion: Fusion) -> Result<Training> {
        let network = Network::new(&spec("resnet20", &Options { fusion, ..Options::default() })?, 0)?;
        let rule = Rule::Sgd { momentum: 0.9, nesterov: true };
        let optimizer = Optimizer::new(rule, network.weights(), vec![5e-4; network.weights().len()])?;
        let pictures = Tensor::from_fn([BATCH, 3, 32, 32], |i| (i * 7919 % 1000) as f32 / 500.0 - 1.0)?;
        Ok(Training { network, optimizer, pictures, classes: (0..BATCH).map(|i| i % 10).collect() })
    }

    /// A step; the milliseconds it took.
    fn step(&mut self, number: u32) -> Result<f64> {
        let start = Instant::now();
        let tape = Tape::new();
        let (logits, leaves) = self.network.train(&tape, &self.pictures, 0, number)?;
        let loss = logits.cross_entropy(&self.classes, 0.0)?;
        let mut gradients = tape.backward(&loss)?;
        let gradients: Vec<Tensor> =
            leaves.iter().map(|leaf| gradients.take(leaf).expect("every weight is used")).collect();
        drop((leaves, logits, loss, tape));
        self.optimizer.step(self.network.weights_mut(), &gradients, 0.01)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}

fn sorted(mut times: Vec<f64>) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| times[times.len() * quarter / 4])
}

fn compare(threads: usize) -> Result<()> {
    let mut both = [Training::new(FUSIONS[0])?, Training::new(FUSIONS[1])?];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS + 3 {
        for (training, times) in both.iter_mut().zip(&mut times) {
            let time = training.step(round)?;
            times.extend((round >= 3).then_some(time));
        }
    }
    let ratios = sorted(times[1].iter().zip(&times[0]).map(|(sort, sum)| sort / sum).collect());
    for (fusion, times) in FUSIONS.iter().zip(times) {
        let [low, median, high] = sorted(times);
        let rate = BATCH as f64 / median * 1e3;
        println!("{threads} threads, {fusion}: {median:.1} ms ({low:.1} to {high:.1}), {rate:.0} images/s");
    }
    let [low, median, high] = ratios.map(|ratio| 100.0 * (ratio - 1.0));
    println!("{threads} threads, sort-root over sum: {median:+.1} % ({low:+.1} to {high:+.1})");
    Ok(())
}

/// Some steps, then the most memory that this process has had, as Linux counts it.
fn peak(fusion: Fusion) -> Result<()> {
    let mut training = Training::new(fusion)?;
    (0..5).try_for_each(|round| training.step(round).map(drop))?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("peak memory, {fusion}: {}", peak.map_or("not told by this system", str::trim));
    Ok(())
}

fn loading() -> Result<()> {
    let set = shapes(0)?.train;
    let samples: Vec<usize> = (0..set.len()).collect();
    let normalise = Normalise::of(&*set, &samples)?;
    let augment = Augment { crop: 4, flip: true, cutout: 0 };
    let loading = Loading { batch: BATCH, seed: 0, training: true, augment, disturb: 0.0, threads: 1 };
    let loader = Loader::new(set, &samples, normalise, loading)?;
    let start = Instant::now();
    let pictures: usize = loader.epoch(0, 0)?.map(|batch| batch.map_or(0, |batch| batch.labels.len())).sum();
    println!("one loader thread: {:.0} images/s", pictures as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "peak") {
        return Pool::new(2)?.install(|| peak(arguments[place + 1].parse()?));
    }
    for threads in [1, 2] {
        Pool::new(threads)?.install(|| compare(threads))?;
    }
    for fusion in FUSIONS {
        let program = std::env::current_exe().expect("a running program has a path");
        Command::new(program).args(["peak", fusion.name()]).status().expect("this program can be started again");
    }
    loading()
}
