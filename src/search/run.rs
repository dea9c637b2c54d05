//! A whole search, from its first generation, or from where its journal ends, to its last.

use super::config::{Breeding, Method, SearchConfig, Selector};
use super::evaluator::{Evaluator, Told};
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::genetic::{
    Anew, BitFlip, Evolution, Fitness, Generation, Mutation, Roulette, Selection, StageSwap, StagedBits, Stages, Stop,
    Tournament,
};
use crate::models::genetic_cnn::{Code, Stage};
use crate::record::IndividualRow;
use std::cell::RefCell;
use std::path::Path;

/// Breeds networks as the settings say. Every evaluation and every generation is written to the file `journal` as soon as it
/// is complete; where the file holds some already, they are not done again, and the search comes to the same end as if it
/// had never been stopped.
///
/// # Errors
/// [`Error::Stopped`] when `told` answers so. And when the journal cannot be read or written or belongs to another search, a
/// picture cannot be read, or the system refuses memory or threads.
pub fn search(journal: &Path, config: &SearchConfig, sets: &Sets, told: &mut Told<'_>) -> Result<()> {
    let mut told = |event: super::Event<'_>| told(event);
    let evaluator = RefCell::new(Evaluator::new(journal, "search", config, sets, &mut told)?);
    let nodes = &config.networks.stages;
    let mut go_on = true;
    let mut fitness = |generation: u32, codes: &[Code]| evaluator.borrow_mut().fitness(generation, codes);
    breed(nodes, &config.search, &mut fitness, &mut |generation| {
        let random = config.search.method == Method::Random;
        go_on = evaluator.borrow_mut().generation(generation.number, individuals(generation, nodes, random)?)?;
        Ok(go_on)
    })?;
    if go_on { Ok(()) } else { Err(Error::Stopped) }
}

/// The fitness of each code of a generation.
pub(super) type CodeFitness<'a> = dyn FnMut(u32, &[Code]) -> Result<Vec<f64>> + 'a;
/// What hears of a generation, and answers whether to go on.
type ToldGeneration<'a> = dyn FnMut(&Generation<StagedBits>) -> Result<bool> + 'a;

/// Breeds codes, whatever their fitness comes from.
pub(super) fn breed(
    nodes: &[usize],
    breeding: &Breeding,
    fitness: &mut CodeFitness<'_>,
    told: &mut ToldGeneration<'_>,
) -> Result<()> {
    let Breeding { method, population, generations, elite, seed, .. } = *breeding;
    let space = space(nodes);
    let random = method == Method::Random;
    let pair = if random { 0.0 } else { breeding.crossover };
    let flip = BitFlip { genome: breeding.mutation, bit: breeding.mutation_bit };
    let (anew, tournament) = (Anew(&space), Tournament { size: breeding.tournament });
    let evolution = Evolution {
        space: &space,
        selection: match breeding.selection {
            Selector::Roulette => &Roulette as &dyn Selection,
            Selector::Tournament => &tournament,
        },
        crossover: &StageSwap { pair, stage: breeding.crossover_stage },
        mutation: if random { &anew as &dyn Mutation<_> } else { &flip },
        size: population,
        elite: if random { 0 } else { elite },
        seed,
    };
    let stop = Stop { generations, ..Stop::default() };
    evolution.run(&mut Codes { nodes, fitness }, stop, told).map(drop)
}

/// The bits of all stages.
pub(super) fn space(nodes: &[usize]) -> Stages {
    Stages(nodes.iter().map(|nodes| nodes * (nodes - 1) / 2).collect())
}

/// The code of bits that were bred for stages of these numbers of nodes.
pub(super) fn code(nodes: &[usize], bits: &StagedBits) -> Result<Code> {
    let stages = nodes.iter().zip(&bits.0).map(|(nodes, bits)| Stage::new(*nodes, bits.clone()));
    Ok(Code(stages.collect::<Result<_>>()?))
}

/// Codes as genomes.
struct Codes<'a, 'b> {
    nodes: &'a [usize],
    fitness: &'a mut CodeFitness<'b>,
}

impl Fitness<StagedBits> for Codes<'_, '_> {
    fn evaluate(&mut self, generation: u32, genomes: &[StagedBits]) -> Result<Vec<f64>> {
        let codes = genomes.iter().map(|bits| code(self.nodes, bits)).collect::<Result<Vec<_>>>()?;
        (self.fitness)(generation, &codes)
    }
}

/// A generation as the journal has it. What was drawn at random has no parents.
fn individuals(generation: &Generation<StagedBits>, nodes: &[usize], random: bool) -> Result<Vec<IndividualRow>> {
    let candidates = generation.candidates.iter();
    let row = candidates.map(|candidate| {
        let parents = if random { Vec::new() } else { candidate.parents.clone() };
        Ok(IndividualRow { code: code(nodes, &candidate.genome)?.to_string(), fitness: candidate.fitness, parents })
    });
    row.collect()
}
