//! A training step of ResNet-20 with 128 images: forward, loss, backward, SGD with momentum. Plain sum and SORT
//! (root) take turns, so that both meet the same machine; medians, and the spread between the quarters. Then the peak
//! memory of each, in a process of its own, and the images a second that one thread loads and augments.

#[path = "load/measure.rs"]
mod measure;
#[path = "load/training.rs"]
mod training;

use evograd::data::{Augment, Loader, Loading, Normalise, shapes};
use evograd::{Fusion, Result, ThreadPool};
use measure::{peak_memory, quarters};
use std::process::Command;
use std::time::Instant;
use training::{Training, resnet20};

const BATCH: usize = 128;
const ROUNDS: u32 = 25;
const FUSIONS: [Fusion; 2] = [Fusion::Sum, Fusion::SortRoot { epsilon: Fusion::DEFAULT_EPSILON }];

fn compare(threads: usize) -> Result<()> {
    let mut both = [Training::new(&resnet20(FUSIONS[0])?, BATCH)?, Training::new(&resnet20(FUSIONS[1])?, BATCH)?];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS + 3 {
        for (training, times) in both.iter_mut().zip(&mut times) {
            let time = training.step()?.as_secs_f64() * 1e3;
            times.extend((round >= 3).then_some(time));
        }
    }
    let ratios = quarters(times[1].iter().zip(&times[0]).map(|(sort, sum)| sort / sum).collect());
    for (fusion, times) in FUSIONS.iter().zip(times) {
        let [low, median, high] = quarters(times);
        let rate = BATCH as f64 / median * 1e3;
        println!("{threads} threads, {fusion}: {median:.1} ms ({low:.1} to {high:.1}), {rate:.0} images/s");
    }
    let [low, median, high] = ratios.map(|ratio| 100.0 * (ratio - 1.0));
    println!("{threads} threads, sort-root over sum: {median:+.1} % ({low:+.1} to {high:+.1})");
    Ok(())
}

/// Some steps, then the most memory that this process has had, as Linux counts it.
fn peak(fusion: Fusion) -> Result<()> {
    let mut training = Training::new(&resnet20(fusion)?, BATCH)?;
    (0..5).try_for_each(|_| training.step().map(drop))?;
    let peak = peak_memory().map_or("not known on this system".into(), |peak| format!("{peak:.0} MiB"));
    println!("peak memory, {fusion}: {peak}");
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
    let images: usize = loader.epoch(0, 0)?.map(|batch| batch.map_or(0, |batch| batch.labels.len())).sum();
    println!("one loader thread: {:.0} images/s", images as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "peak") {
        return ThreadPool::new(2)?.install(|| peak(arguments[place + 1].parse()?));
    }
    for threads in [1, 2] {
        ThreadPool::new(threads)?.install(|| compare(threads))?;
    }
    for fusion in FUSIONS {
        let program = std::env::current_exe().expect("a running program has a path");
        Command::new(program).args(["peak", fusion.name()]).status().expect("this program can be started again");
    }
    loading()
}
