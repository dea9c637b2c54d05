//! Bit strings in stages, and the operators of Genetic CNN on them.

use super::{Crossover, Mutation, Space};
use crate::rng::Stream;

/// Bits in stages: a stage is exchanged as a whole, a bit is flipped alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StagedBits(pub Vec<Vec<bool>>);

/// The bits of each stage; each begins as a fair coin falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stages(pub Vec<usize>);

impl Space<StagedBits> for Stages {
    fn random(&self, stream: &mut Stream) -> StagedBits {
        let stage = |bits: &usize| (0..*bits).map(|_| stream.word() & 1 == 1).collect();
        StagedBits(self.0.iter().map(stage).collect())
    }
}

/// A pair is crossed with probability `pair`; then each stage is exchanged with probability `stage`. A pair that is
/// crossed counts as crossed even where no stage was drawn, as the paper's algorithm has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageSwap {
    /// The paper's `p_C`.
    pub pair: f64,
    /// The paper's `q_C`.
    pub stage: f64,
}

impl Crossover<StagedBits> for StageSwap {
    fn cross(&self, [a, b]: [&mut StagedBits; 2], stream: &mut Stream) -> bool {
        let crossed = stream.uniform() < self.pair;
        if crossed {
            for (a, b) in a.0.iter_mut().zip(&mut b.0) {
                if stream.uniform() < self.stage {
                    std::mem::swap(a, b);
                }
            }
        }
        crossed
    }
}

/// A genome is mutated with probability `genome`; then each bit flips with probability `bit`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BitFlip {
    /// The paper's `p_M`.
    pub genome: f64,
    /// The paper's `q_M`.
    pub bit: f64,
}

impl Mutation<StagedBits> for BitFlip {
    fn mutate(&self, genome: &mut StagedBits, stream: &mut Stream) {
        if stream.uniform() < self.genome {
            for bit in genome.0.iter_mut().flatten() {
                *bit ^= stream.uniform() < self.bit;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const DRAWS: usize = 100_000;

    fn stream() -> Stream {
        Stream::new(5, Purpose::Genetic, 0, 0)
    }

    fn near(found: usize, expected: f64, what: &str) {
        let share = found as f64 / DRAWS as f64;
        assert!((share - expected).abs() < 0.006, "{what}: {share} instead of {expected}");
    }

    #[test]
    fn each_bit_begins_as_a_fair_coin_falls() {
        let (stages, mut stream) = (Stages(vec![3, 6, 10]), stream());
        let mut counts = [0; 19];
        for _ in 0..DRAWS {
            let bits = stages.random(&mut stream).0.concat();
            bits.iter().zip(&mut counts).for_each(|(bit, count)| *count += usize::from(*bit));
        }
        counts.into_iter().for_each(|count| near(count, 0.5, "a bit"));
    }

    #[test]
    fn whole_stages_are_exchanged_as_often_as_asked() {
        let (mut stream, swap) = (stream(), StageSwap { pair: 0.2, stage: 0.3 });
        let (mut crossed, mut exchanged) = (0, [0; 3]);
        for _ in 0..DRAWS {
            let [mut a, mut b] = [false, true].map(|bit| StagedBits(vec![vec![bit; 3], vec![bit; 6], vec![bit; 10]]));
            let counted = swap.cross([&mut a, &mut b], &mut stream);
            crossed += usize::from(counted);
            for (stage, (a, b)) in a.0.iter().zip(&b.0).enumerate() {
                assert!(a.iter().all(|bit| *bit == a[0]) && b.iter().all(|bit| *bit != a[0]), "a stage was torn");
                exchanged[stage] += usize::from(a[0]);
                assert!(counted || !a[0]);
            }
        }
        near(crossed, 0.2, "a pair");
        exchanged.into_iter().for_each(|count| near(count, 0.06, "a stage"));
    }

    #[test]
    fn bits_flip_as_often_as_asked() {
        let (mut stream, flip) = (stream(), BitFlip { genome: 0.8, bit: 0.05 });
        let (mut unchanged, mut flips) = (0, [0; 19]);
        for _ in 0..DRAWS {
            let mut genome = StagedBits(vec![vec![false; 3], vec![false; 16]]);
            flip.mutate(&mut genome, &mut stream);
            let bits = genome.0.concat();
            unchanged += usize::from(bits.iter().all(|bit| !bit));
            bits.iter().zip(&mut flips).for_each(|(bit, count)| *count += usize::from(*bit));
        }
        near(unchanged, 0.2 + 0.8 * 0.95_f64.powi(19), "a genome that stays");
        flips.into_iter().for_each(|count| near(count, 0.04, "a flip"));
    }
}
