//! After the first steps, a training step asks the system for no memory.
//!
//! Measured from outside, as Linux counts it: a page of memory that a process touches for the first time is a page
//! fault, and makes its resident memory grow. What a step computes here is a few MiB in size, so memory that came fresh
//! from the system would show as hundreds of faults in every step.
//!
//! The library of matrix products packs its operands into memory that it asks the allocator for and frees again, call
//! by call, and glibc hands freed memory of that size back to the system unless it is told not to. That is no memory of
//! the engine's, so the measurement runs in a process of its own, whose allocator keeps what is freed.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

use evograd::{Pool, Result, Tape, Tensor, Var};
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

/// Two hidden layers, one of them with a shortcut, and a loss that pulls the output to zero.
struct Network {
    weights: Vec<Tensor>,
    x: Tensor,
}

impl Network {
    fn new() -> Network {
        let wave = |shape: &[usize]| Tensor::from_fn(shape, |i| (i as f32 * 0.7).sin() * 0.05).unwrap();
        let shapes: [&[usize]; 6] = [&[384, 512], &[384], &[384, 384], &[384], &[10, 384], &[10]];
        Network { weights: shapes.map(wave).into(), x: wave(&[128, 512]) }
    }

    /// Forward, backward, and a step of gradient descent; the loss before it.
    fn step(&mut self) -> Result<f32> {
        let tape = Tape::new();
        let w: Vec<Var> = self.weights.iter().map(|weight| tape.leaf(weight.clone())).collect();
        let first = Var::constant(self.x.clone()).linear(&w[0], Some(&w[1]))?.relu()?;
        let second = first.linear(&w[2], Some(&w[3]))?.relu()?.sort_root(&first, 1e-4, true)?;
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

/// Page faults of 100 steps, and by how many KiB resident memory grew, after 100 steps in which the allocator settles.
fn measure(threads: usize) -> (u64, u64) {
    Pool::new(threads).unwrap().install(|| {
        let mut network = Network::new();
        (0..100).for_each(|_| assert!(network.step().unwrap().is_finite()));
        let (faults, resident) = faults_and_resident();
        (0..100).for_each(|_| assert!(network.step().unwrap().is_finite()));
        let (faults_after, resident_after) = faults_and_resident();
        (faults_after - faults, resident_after.saturating_sub(resident))
    })
}

/// Set in the process that measures.
const MEASURING: &str = "EVOGRAD_TEST_MEASURES_MEMORY";

#[test]
fn a_training_step_asks_the_system_for_no_memory() {
    if std::env::var_os(MEASURING).is_none() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "a_training_step_asks_the_system_for_no_memory", "--nocapture"]).env(MEASURING, "1");
        child.env("MALLOC_MMAP_THRESHOLD_", "1000000000").env("MALLOC_TRIM_THRESHOLD_", "4000000000");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    // A tensor of the hidden layers that came fresh in every step would make 4,800 faults.
    for threads in [1, 2] {
        let (faults, grown) = measure(threads);
        println!("{threads} threads: 100 steps, {faults} page faults, {grown} KiB more resident");
        assert!(faults < 50, "{threads} threads: {faults} page faults in 100 steps");
        assert!(grown < 200, "{threads} threads: {grown} KiB more resident after 100 steps");
    }
}
