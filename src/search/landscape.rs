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
    noise: f64,
    seeds: f64,
}

impl Landscape {
    /// Of these graphs. A training adds a normal number of standard deviation `noise`, and its seed another of standard
    /// deviation `seeds`, the same for all graphs.
    pub fn new(fitness: impl IntoIterator<Item = (Code, f64)>, noise: f64, seeds: f64) -> Landscape {
        let fitness = fitness.into_iter().map(|(code, fitness)| (canonical(&code), fitness)).collect();
        Landscape { fitness, noise, seeds }
    }

    /// The true fitness of a graph, by its canonical code.
    pub fn truth(&self, graph: &Code) -> Option<f64> {
        self.fitness.get(graph).copied()
    }

    /// Trainings on it; those of another seed have other luck.
    pub fn trainings(&self, seed: u64) -> OnLandscape<'_> {
        OnLandscape { landscape: self, luck: Stream::new(seed, Purpose::Genetic, u32::MAX - 3, 0), seed }
    }
}

/// Trainings that are looked up.
pub struct OnLandscape<'a> {
    landscape: &'a Landscape,
    luck: Stream,
    seed: u64,
}

impl Trainings for OnLandscape<'_> {
    fn train(&mut self, _: u32, trainings: &[(Code, u32)]) -> Result<Vec<f64>> {
        let value = |(code, repeat): &(Code, u32)| {
            let Some(truth) = self.landscape.truth(code) else {
                let remedy = "give a fitness for every graph of the space";
                return Err(Error::op("search", format!("the table has no fitness of {code}"), &[], remedy));
            };
            let of_seed = Stream::new(self.seed, Purpose::Genetic, u32::MAX - 4, *repeat).normal();
            Ok(truth + self.landscape.seeds * of_seed + self.landscape.noise * self.luck.normal())
        };
        trainings.iter().map(value).collect()
    }
}
