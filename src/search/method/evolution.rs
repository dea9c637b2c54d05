//! Evolution by the operators of Genetic CNN: selection, exchange of stages, flips of bits.
//!
//! **To the letter** each individual is trained each time it is proposed, its fitness is the mean over all trainings of its code, in
//! which a divergence counts as the worst of all trainings, and the search ends with the last generation.
//!
//! **With children** (the default) the fitness is the posterior mean of the model, and for each place in a generation several children
//! are proposed, of which the one with the highest draw from the posterior is trained: a child that might be good as often as it is likely to
//! be the best. Wei et al. choose among children so too, by the mean of a neural network.
//!
//! **Source** Xie and Yuille, *Genetic CNN*, ICCV 2017; Wei et al., *NPENAS*, 2020; Thompson, *On the likelihood that one
//! unknown probability exceeds another*, Biometrika 25, 1933.

use super::draw::{greatest, is_new, stream};
use super::propose::{Proposal, Propose};
use crate::error::Result;
use crate::genetic::{
    BitFlip, Candidate, Evolution, Generation, Roulette, Selection, StageSwap, StagedBits, Tournament,
};
use crate::models::genetic_cnn::Code;
use crate::search::history::History;
use crate::search::settings::{Selector, Strategy};
use crate::search::surrogate::Estimate;
use std::collections::HashSet;

pub(super) struct Evolved<'a> {
    strategy: &'a Strategy,
    selection: Selector,
    children: u32,
    to_the_letter: bool,
    population: Vec<StagedBits>,
}

impl<'a> Evolved<'a> {
    pub fn with_children(strategy: &'a Strategy) -> Evolved<'a> {
        let Strategy { selection, children, .. } = *strategy;
        Evolved { strategy, selection, children, to_the_letter: false, population: Vec::new() }
    }

    pub fn to_the_letter(strategy: &'a Strategy) -> Evolved<'a> {
        Evolved { strategy, selection: Selector::Roulette, children: 1, to_the_letter: true, population: Vec::new() }
    }

    /// Breeds litters of individuals from the population; each has a child for every place.
    fn litters(&self, generation: u32, history: &History) -> Vec<Vec<(StagedBits, Vec<usize>)>> {
        let (strategy, space) = (self.strategy, history.space());
        let tournament = Tournament { size: strategy.tournament };
        let evolution = Evolution {
            space: &space,
            selection: match self.selection {
                Selector::Roulette => &Roulette as &dyn Selection,
                Selector::Tournament => &tournament,
            },
            crossover: &StageSwap { pair: strategy.crossover, stage: strategy.crossover_stage },
            mutation: &BitFlip { genome: strategy.mutation, bit: strategy.mutation_bit },
            size: strategy.population,
            elite: if self.to_the_letter { 0 } else { strategy.elite },
            seed: strategy.seed,
        };
        if generation == 0 {
            return vec![evolution.first()];
        }
        let candidate = |genome: &StagedBits| {
            let fitness = self.fitness(history, &history.code(genome)).mean;
            Candidate { genome: genome.clone(), fitness, parents: Vec::new() }
        };
        let before = Generation { number: generation - 1, candidates: self.population.iter().map(candidate).collect() };
        (0..self.children).map(|litter| evolution.next(generation, litter, &before)).collect()
    }
}

impl Propose for Evolved<'_> {
    fn propose(&mut self, generation: u32, history: &History, _: usize) -> Result<Vec<Proposal>> {
        let litters = self.litters(generation, history);
        let codes: Vec<Vec<Code>> =
            litters.iter().map(|litter| litter.iter().map(|(bits, _)| history.code(bits)).collect()).collect();
        let mut draws = stream(self.strategy, generation, 0);
        let mut chosen = HashSet::new();
        let elite = if self.to_the_letter { 0 } else { self.strategy.elite };
        let mut proposals = Vec::new();
        let mut population = Vec::new();
        for place in 0..self.strategy.population {
            let of_place: Vec<Code> = codes.iter().map(|codes| codes[place].clone()).collect();
            let litter = if litters.len() == 1 || (place < elite && generation > 0) {
                0
            } else {
                let values = history.drawn(&of_place, &mut draws);
                let new = |litter: usize| is_new(history, &of_place[litter], &chosen);
                greatest(&values, new).or_else(|| greatest(&values, |_| true)).unwrap_or(0)
            };
            let (bits, parents) = litters[litter][place].clone();
            chosen.insert(history.graph(&of_place[litter]));
            proposals.push(Proposal { code: of_place[litter].clone(), parents });
            population.push(bits);
        }
        self.population = population;
        Ok(proposals)
    }

    fn retrains(&self) -> bool {
        self.to_the_letter
    }

    fn fitness(&self, history: &History, code: &Code) -> Estimate {
        if !self.to_the_letter {
            return history.estimate(code);
        }
        let values = history.counted(code);
        if values.is_empty() {
            return Estimate { mean: 0.0, deviation: 0.0 };
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        // Of one training the error is not known.
        let deviation = if values.len() > 1 { (squares / (count - 1.0) / count).sqrt() } else { 0.0 };
        Estimate { mean, deviation }
    }

    fn fits(&self) -> bool {
        !self.to_the_letter
    }

    fn races(&self) -> bool {
        !self.to_the_letter
    }
}
