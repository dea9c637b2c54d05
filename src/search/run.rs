//! A whole search, from its first generation, or from where its journal ends, to its last.

use super::config::{Breeding, Method, SearchConfig, Selector};
use super::evaluator::{Evaluator, Told};
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::genetic::{
    Anew, BitFlip, Evolution, Fitness, Generation, Mutation, Roulette, Selection, Space, StageSwap, StagedBits, Stages,
    Stop, Tournament,
};
use crate::models::genetic_cnn::{Code, Stage, canonical};
use crate::record::{EvaluationRow, IndividualRow};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
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
    let Breeding { method, population, generations, elite, seed, .. } = config.search;
    let space = space(&config.networks.stages);
    let random = method == Method::Random;
    let pair = if random { 0.0 } else { config.search.crossover };
    let flip = BitFlip { genome: config.search.mutation, bit: config.search.mutation_bit };
    let (anew, tournament) = (Anew(&space), Tournament { size: config.search.tournament });
    let evolution = Evolution {
        space: &space,
        selection: match config.search.selection {
            Selector::Roulette => &Roulette as &dyn Selection,
            Selector::Tournament => &tournament,
        },
        crossover: &StageSwap { pair, stage: config.search.crossover_stage },
        mutation: if random { &anew as &dyn Mutation<_> } else { &flip },
        size: population,
        elite: if random { 0 } else { elite },
        seed,
    };
    let mut fitness = Codes { nodes: &config.networks.stages, evaluator: &evaluator };
    let stop = Stop { generations, ..Stop::default() };
    let mut go_on = true;
    evolution.run(&mut fitness, stop, &mut |generation| {
        let individuals = individuals(generation, &config.networks.stages, random)?;
        go_on = evaluator.borrow_mut().generation(generation.number, individuals)?;
        Ok(go_on)
    })?;
    if go_on { Ok(()) } else { Err(Error::Stopped) }
}

/// Evaluates every graph of a space that is small enough: one canonical code for each.
///
/// # Errors
/// As [`search`].
pub fn exhaust(journal: &Path, config: &SearchConfig, sets: &Sets, told: &mut Told<'_>) -> Result<()> {
    let mut told = |event: super::Event<'_>| told(event);
    let mut evaluator = Evaluator::new(journal, "exhaust", config, sets, &mut told)?;
    let codes = graphs(&config.networks.stages)?;
    let fitness = evaluator.fitness(0, &codes)?;
    let row = |(code, fitness): (&Code, f64)| IndividualRow { code: code.to_string(), fitness, parents: Vec::new() };
    evaluator.generation(0, codes.iter().zip(fitness).map(row).collect())?;
    Ok(())
}

/// What calibration trains: codes at random, each graph at most once, all of them with each number of epochs and as often as
/// asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// How many codes.
    pub codes: usize,
    /// Numbers of epochs, and how often each code is trained with them.
    pub budgets: Vec<(u32, u32)>,
}

/// Trains the same codes with several budgets; the results of each code for each budget and time: `[budget][time][code]`.
///
/// # Errors
/// As [`search`]; and when the space has not as many graphs.
pub fn calibrate(
    journal: &Path,
    config: &SearchConfig,
    calibration: &Calibration,
    sets: &Sets,
    told: &mut Told<'_>,
) -> Result<Vec<Vec<Vec<EvaluationRow>>>> {
    let mut told = |event: super::Event<'_>| told(event);
    let codes = some(&config.networks.stages, calibration.codes, config.search.seed)?;
    let mut evaluator = Evaluator::new(journal, "calibrate", config, sets, &mut told)?;
    let mut time = |number, epochs, repeat| {
        let trainings: Vec<(Code, u32)> = codes.iter().map(|code| (code.clone(), repeat)).collect();
        evaluator.rows(number, &trainings, [epochs; 2], &mut HashMap::new())
    };
    let budgets = calibration.budgets.iter().zip(0..);
    budgets.map(|((epochs, times), number)| (0..*times).map(|repeat| time(number, *epochs, repeat)).collect()).collect()
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

/// How many codes are gone through to find all graphs, at most.
const MOST_CODES: u32 = 22;

/// One canonical code for each graph of a space, in the order of their bits.
///
/// # Errors
/// When there are more than 4 million codes.
pub fn graphs(nodes: &[usize]) -> Result<Vec<Code>> {
    let bits: usize = space(nodes).0.iter().sum();
    if bits > MOST_CODES as usize {
        let problem = format!("stages of {nodes:?} nodes have 2^{bits} codes");
        return Err(Error::op("search", problem, &[], format!("go through all of a space of at most 2^{MOST_CODES}")));
    }
    let mut all = vec![Vec::new()];
    for nodes in nodes {
        let bits = nodes * (nodes - 1) / 2;
        let stage = |code: u32| Stage::new(*nodes, (0..bits).map(|bit| code >> bit & 1 == 1).collect());
        let stages = (0..1 << bits).map(|code| Ok(Code(vec![stage(code)?]))).collect::<Result<Vec<Code>>>()?;
        let stages: BTreeSet<Code> = stages.iter().map(canonical).collect();
        let longer = |before: &Vec<Stage>| {
            stages.iter().map(|stage| [before.clone(), stage.0.clone()].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    Ok(all.into_iter().map(Code).collect())
}

/// So many different graphs at random.
fn some(nodes: &[usize], count: usize, seed: u64) -> Result<Vec<Code>> {
    use crate::rng::{Purpose, Stream};
    let mut found: Vec<Code> = Vec::new();
    for number in 0..count as u32 * 100 {
        let bits = space(nodes).random(&mut Stream::new(seed, Purpose::Genetic, u32::MAX, number));
        let graph = canonical(&code(nodes, &bits)?);
        if found.len() < count && !found.contains(&graph) {
            found.push(graph);
        }
    }
    if found.len() < count {
        let problem = format!("{count} different graphs of stages with {nodes:?} nodes");
        return Err(Error::op("search", problem, &[], "ask for fewer, or for more nodes"));
    }
    Ok(found)
}

/// Codes as genomes.
struct Codes<'a, 'b> {
    nodes: &'a [usize],
    evaluator: &'a RefCell<Evaluator<'b>>,
}

impl Fitness<StagedBits> for Codes<'_, '_> {
    fn evaluate(&mut self, generation: u32, genomes: &[StagedBits]) -> Result<Vec<f64>> {
        let codes = genomes.iter().map(|bits| code(self.nodes, bits)).collect::<Result<Vec<_>>>()?;
        self.evaluator.borrow_mut().fitness(generation, &codes)
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
