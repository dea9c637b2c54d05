//! After the first steps, a training step asks the system for no memory.
//!
//! Measured from outside, as Linux counts it: a page of memory that a process touches for the first time is a page
//! fault, and makes its resident memory grow. What a step computes here is a few MiB in size, so memory that came fresh
//! from the system would show as hundreds of faults in every step.

#![cfg(target_os = "linux")]

use evograd::{Pool, Result, Tape, Tensor, Var};

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
        let shapes: [&[usize]; 6] = [&[512, 768], &[512], &[512, 512], &[512], &[10, 512], &[10]];
        Network { weights: shapes.map(wave).into(), x: wave(&[256, 768]) }
    }

    /// Forward, backward, and a step of gradient descent; the loss before it.
    fn step(&mut self) -> Result<f32> {
        let tape = Tape::new();
        let w: Vec<Var> = self.weights.iter().map(|weight| tape.leaf(weight.clone())).collect();
        let first = Var::constant(self.x.clone()).linear(&w[0], Some(&w[1]))?.relu()?;
        let second = first.linear(&w[2], Some(&w[3]))?.relu()?.sort_root(&first, 1e-4, true)?;
        let parts = [second.slice(0, 0..128)?, second.slice(0, 128..256)?];
        let y = Var::concat(&[&parts[1], &parts[0]], 0)?.linear(&w[4], Some(&w[5]))?;
        let loss = y.reshape([1, 2560])?.matmul(&y.transpose(&[1, 0])?.reshape([2560, 1])?)?.mean_all()?;
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

/// Page faults of 50 steps, and by how many KiB resident memory grew, after two steps that may ask for memory.
fn measure(threads: usize) -> (u64, u64) {
    Pool::new(threads).unwrap().install(|| {
        let mut network = Network::new();
        (0..2).for_each(|_| assert!(network.step().unwrap().is_finite()));
        let (faults, resident) = faults_and_resident();
        (0..50).for_each(|_| assert!(network.step().unwrap().is_finite()));
        let (faults_after, resident_after) = faults_and_resident();
        (faults_after - faults, resident_after.saturating_sub(resident))
    })
}

#[test]
fn a_training_step_asks_the_system_for_no_memory() {
    for threads in [1, 2] {
        let (faults, grown) = measure(threads);
        println!("{threads} threads: 50 steps, {faults} page faults, {grown} KiB more resident");
        assert!(faults < 100, "{threads} threads: {faults} page faults in 50 steps");
        assert!(grown < 256, "{threads} threads: {grown} KiB more resident after 50 steps");
    }
}
