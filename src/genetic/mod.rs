//! A plain genetic algorithm over any genome and any fitness. Knows random numbers; knows nothing of networks.
//!
//! A generation follows from the one before it in four steps, in this order: **select** parents by their fitness, **cross**
//! them in pairs, **mutate** those that were not crossed, **evaluate** all. Each step is a trait of its own, so that each can
//! be replaced. Everything random in generation `t` comes from streams keyed by the seed and `t`, and the fitness of a
//! candidate is asked for by its place `(t, i)`: the history is the same for any number of workers, and a run that was
//! stopped goes on from the fitness values that are known.
//!
//! **Source** the order and the operators on bits: Xie and Yuille, *Genetic CNN*, ICCV 2017, section 3.2. Roulette:
//! Goldberg, *Genetic algorithms in search, optimization and machine learning*, 1989. Order crossover: Davis, *Applying
//! adaptive algorithms to epistatic domains*, IJCAI 1985. Inversion and displacement: Michalewicz, *Genetic algorithms + data
//! structures = evolution programs*, 1992, chapter 10.

mod bits;
mod evolution;
mod permutation;
mod select;
mod tsp;
mod tsplib;

pub use bits::{BitFlip, StageSwap, StagedBits, Stages};
pub use evolution::{Candidate, Child, Evolution, Fitness, Generation, Stop};
pub use permutation::{Displacement, Inversion, OrderCrossover, Permutation, Permutations};
pub use select::{Roulette, Tournament, compare_fitness};
pub use tsp::{Tour, TourSettings, Towns};

use crate::rng::Stream;
use std::fmt::Debug;
use std::hash::Hash;

/// What evolves. Two equal genomes are one and the same individual's.
pub trait Genome: Clone + Debug + Eq + Hash + Send + Sync {}

impl<G: Clone + Debug + Eq + Hash + Send + Sync> Genome for G {}

/// Where first genomes come from.
pub trait Space<G> {
    /// A genome at random.
    fn random(&self, stream: &mut Stream) -> G;
}

/// How parents are chosen.
pub trait Selection {
    /// The places of `count` parents, drawn by the fitness of every individual; a fitness that is not finite is below all
    /// others ([`compare_fitness`]).
    fn select(&self, fitness: &[f64], count: usize, stream: &mut Stream) -> Vec<usize>;
}

/// How two genomes exchange parts.
pub trait Crossover<G> {
    /// Crosses a pair, or leaves it; whether it was crossed, in which case it is not mutated.
    fn cross(&self, pair: [&mut G; 2], stream: &mut Stream) -> bool;
}

/// How a genome changes by itself.
pub trait Mutation<G> {
    /// Changes a genome, or leaves it.
    fn mutate(&self, genome: &mut G, stream: &mut Stream);
}

/// One of several mutations, whichever a fair die names.
pub struct OneOf<'a, G>(pub &'a [&'a dyn Mutation<G>]);

impl<G> Mutation<G> for OneOf<'_, G> {
    /// # Panics
    /// When there are none to choose from.
    fn mutate(&self, genome: &mut G, stream: &mut Stream) {
        self.0[stream.below(self.0.len())].mutate(genome, stream);
    }
}

/// A mutation that leaves nothing of what was: what evolves with it alone is drawn at random, generation for generation.
#[derive(Clone, Copy)]
pub struct Anew<'a, G>(pub &'a dyn Space<G>);

impl<G> Mutation<G> for Anew<'_, G> {
    fn mutate(&self, genome: &mut G, stream: &mut Stream) {
        *genome = self.0.random(stream);
    }
}
