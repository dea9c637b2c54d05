//! After the first steps, a training step asks the system for no memory.
//!
//! Measured from outside, as Linux counts it: a page of memory that a process touches for the first time is a page
//! fault, and makes its resident memory grow. What a step computes here is a few MiB in size, so memory that came fresh
//! from the system would show as hundreds of faults in every step.
//!
//! A convolutional network is measured as it is. One of wide linear layers is not: the library of matrix products packs
//! its operands into memory that it asks the allocator for and frees again, call by call, and glibc hands freed memory
//! of that size back to the system unless it is set not to. That is no memory of the engine's, so the measurement runs
//! in a process whose allocator keeps what is freed. Each measurement has a process of its own.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

use evograd::ops::FusedActivation;
use evograd::ops::{Conv2d, MaxPool2d};
use evograd::{BatchNorm, DropoutKey, Fusion, Result, RunningStats, SgdStep, Tape, Tensor, ThreadPool, Var, sgd_step};
use std::process::Command;

/// The page faults of this process so far that needed no disk, and its resident memory in KiB.
fn faults_and_resident() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_the_name = stat.rsplit_once(')').unwrap().1;
    let faults = behind_the_name.split_whitespace().nth(7).unwrap().parse().unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (faults, resident.trim().trim_end_matches("kB").trim().parse().unwrap())
}

fn wave(shape: &[usize]) -> Tensor {
    Tensor::from_fn(shape, |i| (i as f32 * 0.7).sin() * 0.05).unwrap()
}

/// A network that can be trained by a step.
trait Train: Send {
    /// Forward, backward, and a step of gradient descent; the loss before it.
    fn step(&mut self) -> Result<f32>;
}

/// A residual block with SORT, dropout, pooling and a classifier, on images of 32×32.
struct Convolutional {
    weights: Vec<Tensor>,
    velocities: Vec<Tensor>,
    running: [RunningStats; 2],
    x: Tensor,
    classes: Vec<usize>,
}

impl Convolutional {
    fn new() -> Self {
        let shapes: [&[usize]; 7] = [&[16, 3, 3, 3], &[16], &[16], &[16, 16, 3, 3], &[16], &[16], &[10, 16]];
        Convolutional {
            weights: shapes.map(wave).into(),
            velocities: shapes.map(|shape| Tensor::zeros(shape).unwrap()).into(),
            running: [(); 2].map(|()| RunningStats::new(16).unwrap()),
            x: wave(&[32, 3, 32, 32]),
            classes: (0..32).map(|i| i % 10).collect(),
        }
    }
}

impl Train for Convolutional {
    fn step(&mut self) -> Result<f32> {
        let tape = Tape::new();
        let w: Vec<Var> = self.weights.iter().map(|weight| tape.leaf(weight.clone())).collect();
        let padded = Conv2d { padding: [1, 1], ..Conv2d::default() };
        let halving = MaxPool2d::new([2, 2]);
        let x = Var::constant(self.x.clone()).conv2d(&w[0], None, padded)?;
        let x = x.batch_norm(&w[1], &w[2], &mut self.running[0], BatchNorm::default())?.relu()?;
        let f = x.conv2d(&w[3], None, padded)?;
        let join = Fusion::SortRoot { epsilon: 1e-4 };
        let y = f.batch_norm_fuse(&w[4], &w[5], &x, &mut self.running[1], BatchNorm::default(), join)?;
        let y = y.dropout(0.1, DropoutKey { seed: 1, step: 2, layer: 3 })?;
        let logits = y.max_pool2d(halving)?.global_avg_pool()?.linear(&w[6], None)?;
        let loss = logits.cross_entropy(&self.classes, 0.1)?;
        let value = loss.item()?;
        let gradients = tape.backward(&loss)?;
        let step = SgdStep { rate: 0.01, momentum: 0.9, weight_decay: 1e-4, nesterov: false };
        for ((leaf, weight), velocity) in w.iter().zip(&mut self.weights).zip(&mut self.velocities) {
            sgd_step(weight, velocity, gradients.get(leaf).expect("the loss depends on every weight"), step)?;
        }
        Ok(value)
    }
}

/// Two hidden layers, one of them with a shortcut, and a loss that pulls the output to zero.
struct Linear {
    weights: Vec<Tensor>,
    x: Tensor,
}

impl Linear {
    fn new() -> Self {
        let shapes: [&[usize]; 6] = [&[384, 512], &[384], &[384, 384], &[384], &[10, 384], &[10]];
        Linear { weights: shapes.map(wave).into(), x: wave(&[128, 512]) }
    }
}

impl Train for Linear {
    fn step(&mut self) -> Result<f32> {
        let tape = Tape::new();
        let w: Vec<Var> = self.weights.iter().map(|weight| tape.leaf(weight.clone())).collect();
        let first = Var::constant(self.x.clone()).linear(&w[0], Some(&w[1]))?.relu()?;
        let second = first.linear(&w[2], Some(&w[3]))?.relu()?.sort_root_fusion(&first, 1e-4, FusedActivation::Relu)?;
        let parts: [Var; 2] = [second.slice(0, 0..64)?, second.slice(0, 64..128)?];
        let y = Var::concat(&[&parts[1], &parts[0]], 0)?.linear(&w[4], Some(&w[5]))?;
        let loss = y.reshape([1, 1280])?.matmul(&y.transpose(&[1, 0])?.reshape([1280, 1])?)?.mean_all()?;
        let mut gradients = tape.backward(&loss)?;
        let steps: Vec<Tensor> = w.iter().map(|w| gradients.take(w).unwrap()).collect();
        let value = loss.item()?;
        drop((w, first, second, parts, y, loss, gradients, tape));
        for (weight, dw) in self.weights.iter_mut().zip(&steps) {
            weight.as_mut_slice().iter_mut().zip(dw.as_slice()).for_each(|(w, dw)| *w -= 1e-5 * dw);
        }
        Ok(value)
    }
}

/// Page faults of 100 steps, and by how many KiB resident memory grew, after as many steps as it takes to settle.
fn measure(threads: usize, settling: usize, mut network: impl Train) -> (u64, u64) {
    ThreadPool::new(threads).unwrap().install(move || {
        (0..settling).for_each(|_| assert!(network.step().unwrap().is_finite()));
        let (faults, resident) = faults_and_resident();
        (0..100).for_each(|_| assert!(network.step().unwrap().is_finite()));
        let (faults_after, resident_after) = faults_and_resident();
        (faults_after - faults, resident_after.saturating_sub(resident))
    })
}

/// Steps until two threads have needed the scratch of every layer at once, which is chance.
const SETTLING: usize = 100;

/// Set in the process that measures.
const MEASURING: &str = "EVOGRAD_TEST_MEASURES_MEMORY";

/// Runs the test of this name again in a process of its own, where it measures.
fn in_a_process_of_its_own(
    test: &str,
    environment: &[(&str, &str)],
    most_faults: u64,
    measure: impl Fn(usize) -> (u64, u64),
) {
    if std::env::var_os(MEASURING).is_none() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", test, "--nocapture"]).env(MEASURING, "1").envs(environment.iter().copied());
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    for threads in [1, 2] {
        let (faults, grown) = measure(threads);
        println!("{threads} threads: 100 steps, {faults} page faults, {grown} KiB more resident");
        assert!(faults < most_faults, "{threads} threads: {faults} page faults in 100 steps");
        assert!(grown < 4 * most_faults, "{threads} threads: {grown} KiB more resident after 100 steps");
    }
}

/// An activation that came fresh in every step would make 51,200 faults.
#[test]
fn a_convolutional_step_asks_the_system_for_no_memory() {
    let name = "a_convolutional_step_asks_the_system_for_no_memory";
    in_a_process_of_its_own(name, &[], 50, |threads| measure(threads, SETTLING, Convolutional::new()));
}

/// A tensor of the hidden layers that came fresh in every step would make 4,800 faults. The library's memory for packing, 112
/// faults, is asked for once more when two threads first pack at the same time, which may happen late.
#[test]
fn a_step_of_linear_layers_asks_the_system_for_no_memory() {
    let name = "a_step_of_linear_layers_asks_the_system_for_no_memory";
    let keep =
        [("MALLOC_MMAP_THRESHOLD_", "1000000000"), ("MALLOC_TRIM_THRESHOLD_", "4000000000"), ("MALLOC_ARENA_MAX", "1")];
    in_a_process_of_its_own(name, &keep, 250, |threads| measure(threads, SETTLING, Linear::new()));
}
