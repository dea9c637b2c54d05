//! Searches on numbers that are known: the fitness of every graph of a space, and noise of a given size in the place of trainings. A
//! search takes milliseconds there, and what it says of its winner can be held against the truth.

use super::drive::Trainings;
use crate::error::{Error, Result};
use crate::models::genetic_cnn::{Code, canonical};
use crate::rng::{Purpose, Stream};
use std::collections::HashMap;

/// The true fitness of graphs.
#[derive(Clone, Debug, PartialEq)]
pub struct Landscape {
    fitness: HashMap<Code, f64>,
    /// What trainings come to on average, where that is not the true fitness.
    means: Option<HashMap<Code, f64>>,
    noise: f64,
    seeds: f64,
}

impl Landscape {
    /// Of these graphs. A training adds a normal number of standard deviation `noise`, and its seed another of standard
    /// deviation `seeds`, the same for all graphs.
    pub fn new(fitness: impl IntoIterator<Item = (Code, f64)>, noise: f64, seeds: f64) -> Landscape {
        let fitness = fitness.into_iter().map(|(code, fitness)| (canonical(&code), fitness)).collect();
        Landscape { fitness, means: None, noise, seeds }
    }

    /// The same where trainings come to other means than the true fitness, as short ones do. The codes are canonical.
    pub(super) fn with_means(self, of_trainings: HashMap<Code, f64>) -> Landscape {
        Landscape { means: Some(of_trainings), ..self }
    }

    /// The true fitness of a graph, by its canonical code.
    pub fn truth(&self, graph: &Code) -> Option<f64> {
        self.fitness.get(graph).copied()
    }

    /// Trainings on it; those of another seed have other luck.
    pub fn trainings(&self, seed: u64) -> OnLandscape<'_> {
        OnLandscape { landscape: self, luck: Stream::new(seed, Purpose::Genetic, u32::MAX - 3, 0), seed, done: 0 }
    }
}

/// Trainings that are looked up.
pub struct OnLandscape<'a> {
    landscape: &'a Landscape,
    luck: Stream,
    seed: u64,
    done: usize,
}

impl OnLandscape<'_> {
    /// All trainings that were done.
    pub fn count(&self) -> usize {
        self.done
    }
}

impl Trainings for OnLandscape<'_> {
    fn train(&mut self, _: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>> {
        let means = self.landscape.means.as_ref().unwrap_or(&self.landscape.fitness);
        let value = |(code, repeat): &(Code, u32)| {
            let Some(mean) = means.get(code) else {
                let remedy = "give a fitness for every graph of the space";
                return Err(Error::op("search", format!("the table has no fitness of {code}"), &[], remedy));
            };
            let of_seed = Stream::new(self.seed, Purpose::Genetic, u32::MAX - 4, *repeat).normal();
            self.done += 1;
            Ok(mean + self.landscape.seeds * of_seed + self.landscape.noise * self.luck.normal())
        };
        trainings.iter().map(value).collect()
    }
}
