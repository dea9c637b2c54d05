//! Generation after generation.

use super::select::fitter;
use super::{Crossover, Genome, Mutation, Selection, Space, compare_fitness};
use crate::error::{Error, Result};
use crate::rng::{Purpose, Stream};

/// What measures how fit genomes are.
pub trait Fitness<G> {
    /// The fitness of every genome of a generation, in their order; more is better, and a value that is not finite is
    /// invalid, below all others ([`compare_fitness`]). Whether they are looked at one after the other or in parallel, here
    /// or elsewhere, is the implementor's business.
    ///
    /// # Errors
    /// When they cannot be had; the run ends there.
    fn evaluate(&mut self, generation: u32, genomes: &[G]) -> Result<Vec<f64>>;
}

/// A genome with its fitness.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<G> {
    /// The genome.
    pub genome: G,
    /// Its fitness.
    pub fitness: f64,
    /// The places of its parents in the generation before; of one that was not crossed, only one; of a first one, none.
    pub parents: Vec<usize>,
}

/// The individuals of a generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation<G> {
    /// Its number; the first is 0.
    pub number: u32,
    /// Its individuals.
    pub candidates: Vec<Candidate<G>>,
}

/// When a run ends; whichever comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stop {
    /// The number of the last generation.
    pub generations: u32,
    /// A fitness that is enough.
    pub fitness: Option<f64>,
    /// Generations without a new best fitness after which no more is hoped for.
    pub patience: Option<u32>,
}

/// How generations follow from each other.
pub struct Evolution<'a, G> {
    /// Where the first genomes come from.
    pub space: &'a dyn Space<G>,
    /// How parents are chosen.
    pub selection: &'a dyn Selection,
    /// How pairs of parents exchange parts.
    pub crossover: &'a dyn Crossover<G>,
    /// How those that were not crossed change.
    pub mutation: &'a dyn Mutation<G>,
    /// Individuals in a generation.
    pub size: usize,
    /// Of the fittest, so many go on to the next generation as they are. Genetic CNN keeps none.
    pub elite: usize,
    /// What all random choices come from.
    pub seed: u64,
}

/// A genome that is not evaluated yet, with its parents.
pub type Child<G> = (G, Vec<usize>);

impl<G: Genome> Generation<G> {
    /// The fittest individual; of equals the first. Its fitness is invalid only where that of all is.
    ///
    /// # Panics
    /// When there are none.
    pub fn best(&self) -> &Candidate<G> {
        let better = |best, other| if better(other, best) { other } else { best };
        self.candidates.iter().reduce(better).expect("a generation has individuals")
    }

    fn fitness(&self) -> Vec<f64> {
        self.candidates.iter().map(|candidate| candidate.fitness).collect()
    }
}

fn better<G>(one: &Candidate<G>, other: &Candidate<G>) -> bool {
    fitter(one.fitness, other.fitness)
}

impl<G: Genome> Evolution<'_, G> {
    /// Evolves until a reason to stop, and returns the last generation. `on_generation` gets each generation, and answers whether
    /// to go on.
    ///
    /// # Errors
    /// When the size makes no sense, a fitness cannot be had, or `on_generation` fails.
    pub fn run(
        &self,
        fitness: &mut dyn Fitness<G>,
        stop: Stop,
        on_generation: &mut dyn FnMut(&Generation<G>) -> Result<bool>,
    ) -> Result<Generation<G>> {
        if self.size == 0 || self.elite >= self.size {
            let problem = format!("{} individuals, {} of which stay as they are", self.size, self.elite);
            return Err(Error::op("evolution", problem, &[], "use more individuals than stay"));
        }
        let mut generation = self.evaluated(0, self.first(), fitness)?;
        let (mut best, mut found) = (generation.best().fitness, 0);
        loop {
            let number = generation.number;
            let enough = stop.fitness.is_some_and(|enough| best.is_finite() && best >= enough);
            let hopeless = stop.patience.is_some_and(|patience| number - found >= patience);
            if !on_generation(&generation)? || number >= stop.generations || enough || hopeless {
                return Ok(generation);
            }
            let children = self.next(number + 1, 0, &generation);
            generation = self.evaluated(number + 1, children, fitness)?;
            if fitter(generation.best().fitness, best) {
                (best, found) = (generation.best().fitness, generation.number);
            }
        }
    }

    /// The genomes of the first generation, with parents that they have not.
    pub fn first(&self) -> Vec<Child<G>> {
        let genome = |i| self.space.random(&mut self.stream(0, i as u32));
        (0..self.size).map(|i| (genome(i), Vec::new())).collect()
    }

    /// Genomes for generation `number`, selected, crossed and mutated in this order, with the places of their parents in the one before.
    /// Each `litter` is another one; [`Evolution::run`] takes the one of number 0.
    pub fn next(&self, number: u32, litter: u32, before: &Generation<G>) -> Vec<Child<G>> {
        let stream = &mut self.stream(number, litter);
        let fitness = before.fitness();
        let mut children = self.elite(before, &fitness);
        let chosen = self.selection.select(&fitness, self.size - self.elite, stream);
        let mut offspring: Vec<Child<G>> =
            chosen.into_iter().map(|i| (before.candidates[i].genome.clone(), vec![i])).collect();
        offspring.chunks_mut(2).for_each(|pair| self.vary(pair, stream));
        children.append(&mut offspring);
        children
    }

    /// Crosses a pair, or mutates each of it. The last of an odd number has nobody to be crossed with.
    fn vary(&self, pair: &mut [Child<G>], stream: &mut Stream) {
        if let [(a, a_parents), (b, b_parents)] = pair
            && self.crossover.cross([a, b], stream)
        {
            a_parents.append(&mut b_parents.clone());
            b_parents.clone_from(a_parents);
            return;
        }
        pair.iter_mut().for_each(|(genome, _)| self.mutation.mutate(genome, stream));
    }

    /// The fittest, as they are.
    fn elite(&self, before: &Generation<G>, fitness: &[f64]) -> Vec<Child<G>> {
        let mut places: Vec<usize> = (0..fitness.len()).collect();
        places.sort_by(|a, b| compare_fitness(fitness[*b], fitness[*a]));
        places.truncate(self.elite);
        places.into_iter().map(|i| (before.candidates[i].genome.clone(), vec![i])).collect()
    }

    fn evaluated(&self, number: u32, children: Vec<Child<G>>, fitness: &mut dyn Fitness<G>) -> Result<Generation<G>> {
        let (genomes, parents): (Vec<G>, Vec<Vec<usize>>) = children.into_iter().unzip();
        let values = fitness.evaluate(number, &genomes)?;
        if values.len() != genomes.len() {
            let problem = format!("{} values of fitness for {} genomes", values.len(), genomes.len());
            return Err(Error::op("evolution", problem, &[], "return one for each genome"));
        }
        let candidates = genomes.into_iter().zip(parents).zip(values);
        let candidates = candidates.map(|((genome, parents), fitness)| Candidate { genome, fitness, parents });
        Ok(Generation { number, candidates: candidates.collect() })
    }

    /// Random numbers of a generation.
    fn stream(&self, generation: u32, part: u32) -> Stream {
        Stream::new(self.seed, Purpose::Genetic, generation, part)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BitFlip, Roulette, StageSwap, StagedBits, Stages, Tournament};
    use super::*;
    use proptest::prelude::*;

    /// How many bits are set.
    struct Ones;

    impl Fitness<StagedBits> for Ones {
        fn evaluate(&mut self, _: u32, genomes: &[StagedBits]) -> Result<Vec<f64>> {
            Ok(genomes.iter().map(|genome| genome.0.concat().iter().filter(|bit| **bit).count() as f64).collect())
        }
    }

    fn run(seed: u64, stop: Stop, elite: usize) -> Vec<Generation<StagedBits>> {
        let mut history = Vec::new();
        Evolution {
            space: &Stages(vec![3, 6, 10]),
            selection: &Roulette,
            crossover: &StageSwap { pair: 0.2, stage: 0.2 },
            mutation: &BitFlip { genome: 0.8, bit: 0.05 },
            size: 20,
            elite,
            seed,
        }
        .run(&mut Ones, stop, &mut |generation| {
            history.push(generation.clone());
            Ok(true)
        })
        .unwrap();
        history
    }

    const LONG: Stop = Stop { generations: 50, fitness: None, patience: None };

    #[test]
    fn generations_become_fitter_and_the_same_seed_gives_the_same_history() {
        let history = run(1, LONG, 0);
        assert_eq!(history.len(), 51);
        let mean = |generation: &Generation<_>| generation.fitness().iter().sum::<f64>() / 20.0;
        assert!(mean(&history[50]) > mean(&history[0]) + 5.0, "{} {}", mean(&history[0]), mean(&history[50]));
        assert_eq!(run(1, LONG, 0), history);
        assert_ne!(run(2, LONG, 0), history);
    }

    #[test]
    fn a_run_ends_when_it_is_fit_enough_or_hopeless() {
        let enough = run(1, Stop { fitness: Some(14.0), ..LONG }, 0);
        let best: Vec<f64> = enough.iter().map(|generation| generation.best().fitness).collect();
        assert!(best.last() >= Some(&14.0) && best[..best.len() - 1].iter().all(|best| *best < 14.0), "{best:?}");
        let hopeless = run(1, Stop { patience: Some(3), ..LONG }, 0);
        let best: Vec<f64> = hopeless.iter().map(|generation| generation.best().fitness).collect();
        let (last, first) = best.split_at(best.len() - 3);
        assert!(best.len() < 51 && first.iter().all(|late| last.iter().any(|early| early >= late)), "{best:?}");
    }

    /// A genome that remembers what was done to it.
    type Marked = (usize, Vec<String>);

    struct Marks;

    impl Space<Marked> for Marks {
        fn random(&self, stream: &mut Stream) -> Marked {
            (stream.below(1000), Vec::new())
        }
    }

    /// Crosses every second pair.
    struct Every(std::cell::Cell<usize>);

    impl Crossover<Marked> for Every {
        fn cross(&self, [a, b]: [&mut Marked; 2], _: &mut Stream) -> bool {
            let pair = self.0.replace(self.0.get() + 1);
            if pair.is_multiple_of(2) {
                [a, b].into_iter().for_each(|genome| genome.1.push(format!("crossed in pair {pair}")));
            }
            pair.is_multiple_of(2)
        }
    }

    impl Mutation<Marked> for Marks {
        fn mutate(&self, genome: &mut Marked, _: &mut Stream) {
            genome.1.push("mutated".into());
        }
    }

    impl Fitness<Marked> for Marks {
        fn evaluate(&mut self, _: u32, genomes: &[Marked]) -> Result<Vec<f64>> {
            Ok(genomes.iter().map(|genome| genome.0 as f64).collect())
        }
    }

    /// The paper's order: select, cross the pairs (1, 2), (3, 4) and so on, mutate whatever was not crossed, evaluate.
    #[test]
    fn neighbours_are_crossed_and_exactly_the_others_are_mutated() {
        for size in [7, 8] {
            let crossover = Every(std::cell::Cell::new(0));
            let (space, mutation) = (&Marks, &Marks);
            let evolution =
                Evolution { space, selection: &Roulette, crossover: &crossover, mutation, size, elite: 0, seed: 5 };
            let stop = Stop { generations: 1, ..Stop::default() };
            let last = evolution.run(&mut Marks, stop, &mut |_| Ok(true)).unwrap();
            for (place, candidate) in last.candidates.iter().enumerate() {
                let pair = place / 2;
                let crossed = pair.is_multiple_of(2) && !(place == 6 && size == 7);
                let expected = if crossed { format!("crossed in pair {pair}") } else { "mutated".into() };
                assert_eq!(candidate.genome.1, [expected], "place {place} of {size}");
                assert_eq!(candidate.parents.len(), if crossed { 2 } else { 1 });
            }
        }
    }

    #[test]
    fn with_an_elite_the_best_never_falls() {
        let history = run(3, LONG, 1);
        assert!(history.windows(2).all(|pair| pair[0].best().fitness <= pair[1].best().fitness));
    }

    #[test]
    fn parents_are_those_whose_bits_a_child_has() {
        for pair in run(4, LONG, 0).windows(2) {
            for child in &pair[1].candidates {
                let parents: Vec<_> = child.parents.iter().map(|&i| &pair[0].candidates[i].genome).collect();
                match parents.as_slice() {
                    [_] => {}
                    [a, b] => {
                        let stages = child.genome.0.iter().enumerate();
                        assert!(stages.into_iter().all(|(s, bits)| *bits == a.0[s] || *bits == b.0[s]));
                    }
                    _ => panic!("{} parents", parents.len()),
                }
            }
        }
    }

    /// The number of ones; some genomes have no valid fitness, every `invalid`th of them in the order of their bits.
    struct Partly {
        invalid: usize,
    }

    impl Fitness<StagedBits> for Partly {
        fn evaluate(&mut self, _: u32, genomes: &[StagedBits]) -> Result<Vec<f64>> {
            let value = |genome: &StagedBits| {
                let bits = genome.0.concat();
                let number = bits.iter().fold(0, |number, bit| 2 * number + usize::from(*bit));
                match (number % self.invalid, number % 3) {
                    (0, 0) => f64::NAN,
                    (0, 1) => f64::INFINITY,
                    (0, _) => f64::NEG_INFINITY,
                    _ => bits.iter().filter(|bit| **bit).count() as f64 - 3.0,
                }
            };
            Ok(genomes.iter().map(value).collect())
        }
    }

    /// The greatest finite fitness of a generation, by a loop.
    fn greatest(generation: &Generation<StagedBits>) -> Option<f64> {
        let mut best: Option<f64> = None;
        for candidate in generation.candidates.iter().filter(|candidate| candidate.fitness.is_finite()) {
            best = Some(best.map_or(candidate.fitness, |best: f64| best.max(candidate.fitness)));
        }
        best
    }

    /// All that was, with fitness as bits, so that NaN equals itself.
    fn traced(history: &[Generation<StagedBits>]) -> Vec<(StagedBits, u64, Vec<usize>)> {
        let all = history.iter().flat_map(|generation| &generation.candidates);
        all.map(|one| (one.genome.clone(), one.fitness.to_bits(), one.parents.clone())).collect()
    }

    proptest! {
        /// Whatever chooses by fitness prefers any finite value to any that is not.
        #[test]
        fn an_invalid_fitness_is_below_all_others(
            invalid in 1_usize..5, size in 1_usize..12, elite in 0_usize..12, tournament in 1_usize..20, seed: u64,
        ) {
            let (elite, tournament) = (elite % size, Tournament { size: tournament });
            for selection in [&Roulette as &dyn Selection, &tournament] {
                let evolution = Evolution {
                    space: &Stages(vec![3, 5]),
                    selection,
                    crossover: &StageSwap { pair: 0.3, stage: 0.5 },
                    mutation: &BitFlip { genome: 0.8, bit: 0.2 },
                    size,
                    elite,
                    seed,
                };
                let run = || {
                    let mut history = Vec::new();
                    let stop = Stop { generations: 12, fitness: Some(4.0), patience: Some(4) };
                    let mut noted = |generation: &Generation<_>| {
                        history.push(generation.clone());
                        Ok(true)
                    };
                    evolution.run(&mut Partly { invalid }, stop, &mut noted).unwrap();
                    history
                };
                let history = run();
                prop_assert_eq!(traced(&history), traced(&run()));
                for generation in &history {
                    let best = generation.best().fitness;
                    prop_assert_eq!(greatest(generation).unwrap_or(f64::NAN).to_bits(),
                        if best.is_finite() { best } else { f64::NAN }.to_bits());
                }
                for pair in history.windows(2) {
                    let valid = |i: &usize| pair[0].candidates[*i].fitness.is_finite();
                    let some = pair[0].candidates.iter().filter(|one| one.fitness.is_finite()).count();
                    for (place, child) in pair[1].candidates.iter().enumerate() {
                        let may_be_invalid = some == 0 || (place < elite && some <= place);
                        prop_assert!(may_be_invalid || child.parents.iter().all(valid), "{:?}", pair);
                    }
                    prop_assert!(elite == 0 || greatest(&pair[1]) >= greatest(&pair[0]));
                }
                // It ended for a reason, and not before there was one.
                let mut best = None;
                let mut found = 0;
                for (number, generation) in history.iter().enumerate() {
                    if greatest(generation) > best {
                        (best, found) = (greatest(generation), number);
                    }
                    let ends = best >= Some(4.0) || number - found >= 4 || number >= 12;
                    prop_assert_eq!(ends, number + 1 == history.len(), "{} of {}", number, history.len());
                }
            }
        }
    }

    /// All finite values rise to the greatest there is, and what has no value dies out.
    #[test]
    fn genomes_without_a_fitness_die_out() {
        struct Ones;
        impl Fitness<StagedBits> for Ones {
            fn evaluate(&mut self, _: u32, genomes: &[StagedBits]) -> Result<Vec<f64>> {
                let ones = |genome: &StagedBits| genome.0[0].iter().filter(|bit| **bit).count() as f64;
                let value = |genome: &StagedBits| match genome.0[0][..3] {
                    [true, false, true] => f64::NAN,
                    _ => ones(genome),
                };
                Ok(genomes.iter().map(value).collect())
            }
        }
        for selection in [&Roulette as &dyn Selection, &Tournament { size: 2 }] {
            let evolution = Evolution {
                space: &Stages(vec![12]),
                selection,
                crossover: &StageSwap { pair: 0.2, stage: 0.2 },
                mutation: &BitFlip { genome: 0.8, bit: 0.05 },
                size: 20,
                elite: 2,
                seed: 1,
            };
            let stop = Stop { generations: 60, ..Stop::default() };
            let last = evolution.run(&mut Ones, stop, &mut |_| Ok(true)).unwrap();
            let invalid = last.candidates.iter().filter(|candidate| candidate.fitness.is_nan()).count();
            println!("{} {invalid}", last.best().fitness);
            assert_eq!(last.best().fitness, 12.0);
        }
    }

    #[test]
    fn small_and_odd_settings_work_or_are_refused() {
        let run = |size, elite, tournament, mutation: f64| {
            let evolution = Evolution {
                space: &Stages(vec![3]),
                selection: &Tournament { size: tournament },
                crossover: &StageSwap { pair: 1.0, stage: 1.0 },
                mutation: &BitFlip { genome: mutation, bit: mutation },
                size,
                elite,
                seed: 1,
            };
            evolution.run(&mut Ones, Stop { generations: 3, ..Stop::default() }, &mut |_| Ok(true))
        };
        for (size, elite, tournament, mutation) in [(1, 0, 1, 0.0), (1, 0, 99, 1.0), (2, 1, 5, 0.5), (5, 4, 3, 1.0)] {
            assert_eq!(run(size, elite, tournament, mutation).unwrap().candidates.len(), size);
        }
        for (size, elite) in [(0, 0), (1, 1), (3, 5)] {
            let text = run(size, elite, 2, 0.5).unwrap_err().to_string();
            assert_eq!(
                text,
                format!(
                    "evolution: {size} individuals, {elite} of which stay as they are; use more individuals than stay"
                )
            );
        }
    }
}
