//! The sections of a search's settings as plain data. Knows lengths, budgets and codes; knows no training.

use super::budget::Budget;
use super::length::{Length, Repeated};
use crate::error::{Error, Result};
use crate::models::genetic_cnn::{Backbone, Code, canonical};
use crate::ops::Fusion;
use serde::{Deserialize, Serialize};

/// How networks are evolved. The letters are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Strategy {
    /// How individuals are proposed.
    pub method: Method,
    /// After what the search ends.
    pub budget: Budget,
    /// Individuals in a generation, `N`.
    pub population: usize,
    /// Children that are proposed for each place in a generation, of which the most promising is trained.
    pub children: u32,
    /// The crossover probability of a pair, `p_C`.
    pub crossover: f64,
    /// The probability that each stage of a crossed pair is exchanged, `q_C`.
    pub crossover_stage: f64,
    /// The probability that an individual that was not crossed mutates, `p_M`.
    pub mutation: f64,
    /// The probability that each bit of it flips, `q_M`.
    pub mutation_bit: f64,
    /// `roulette`, as in the paper, or `tournament`.
    pub selection: Selector,
    /// Individuals that fight in a tournament.
    pub tournament: usize,
    /// The fittest that go on as they are; the paper keeps none.
    pub elite: usize,
    /// The seed of the search.
    pub seed: u64,
    /// Networks trained in parallel, each on one core; 0 for one on each core.
    pub workers: usize,
}

/// How a search proposes individuals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By the operators of Genetic CNN, several children for each place, chosen by the model.
    Evolution,
    /// Genetic CNN to the letter: roulette, one child, each individual trained again and averaged, no model and no race.
    Paper,
    /// From the best of a few by one flip, and the oldest die.
    Aging,
    /// By the model alone, after a random beginning.
    Predictor,
    /// Each is drawn anew. What all others must beat.
    Random,
}

/// How parents are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// In proportion to the fitness above the worst.
    Roulette,
    /// The fittest of a few.
    Tournament,
}

/// Which networks are evolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Networks {
    /// Nodes of each stage, `K`.
    pub stages: Vec<usize>,
    /// Fusion of a node's inputs: `sum`, as in the paper, `sort`, or any other fusion.
    pub fusion: String,
    /// The `ε` of `sort-root`.
    pub epsilon: f64,
    /// Width multiplier of filters and features.
    pub width: f64,
    /// The probability of dropout before the last layer. The paper's is 0.5; a training of a few epochs does better without.
    pub dropout: f64,
    /// What surrounds the stages.
    pub backbone: Backbone,
}

impl Default for Strategy {
    fn default() -> Self {
        Strategy {
            method: Method::Evolution,
            budget: Budget::Trainings(24),
            population: 6,
            children: 100,
            crossover: 0.2,
            crossover_stage: 0.2,
            mutation: 0.8,
            mutation_bit: 0.05,
            selection: Selector::Tournament,
            tournament: 3,
            elite: 0,
            seed: 0,
            workers: 0,
        }
    }
}

impl Default for Networks {
    fn default() -> Self {
        let (stages, fusion) = (vec![3, 4, 5], Fusion::Sum.name().into());
        let backbone = Backbone::cifar10(stages.len());
        Networks { stages, fusion, epsilon: Fusion::DEFAULT_EPSILON, width: 1.0, dropout: 0.0, backbone }
    }
}

/// What a calibration compares: the same codes, each graph at most once, trained with several budgets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calibration {
    /// How many codes, drawn at random.
    pub codes: usize,
    /// From where they are drawn.
    // A calibration that was begun before there was a choice has no such key.
    #[serde(skip_serializing_if = "Sampling::is_uniform")]
    pub sampling: Sampling,
    /// Lengths of training, and how often each code is trained so; the last is what the others are compared with.
    pub budgets: Vec<Repeated>,
}

impl Default for Calibration {
    fn default() -> Self {
        let repeated = |epochs, times| Repeated { length: Length::Epochs(epochs), times };
        Calibration { codes: 24, sampling: Sampling::Uniform, budgets: vec![repeated(3, 2), repeated(24, 1)] }
    }
}

/// Which networks a calibration draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Each bit by a fair coin, as the first generation of a search. Such networks have nearly the same number of convolutions.
    Uniform,
    /// What evolution meets on its way: the network without edges, with all, the chain, a quarter of codes with an edge in five
    /// places, and the rest by fair coins.
    Mixed,
}

impl Sampling {
    fn is_uniform(&self) -> bool {
        *self == Sampling::Uniform
    }
}

/// Which networks are trained again, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Confirmation {
    /// New seeds, with each of which every network is trained once.
    pub seeds: u32,
    /// What the search had said of its winner, and the standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<[f64; 2]>,
    /// Whether networks are trained for as long as in the search.
    pub trained_alike: bool,
    /// The networks; the others are compared with the first.
    pub contestants: Vec<Contestant>,
}

impl Default for Confirmation {
    fn default() -> Self {
        Confirmation { seeds: 5, said: None, trained_alike: true, contestants: Vec::new() }
    }
}

/// A network that is trained again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contestant {
    /// What it stands for, such as `winner`.
    pub name: String,
    /// Its code.
    pub code: String,
}

impl Confirmation {
    /// Of these networks, by name. Where two have the same graph, they are one with both names.
    pub fn of(seeds: u32, networks: &[(&str, Code)]) -> Confirmation {
        let mut contestants: Vec<Contestant> = Vec::new();
        for (name, code) in networks {
            let code = canonical(code).to_string();
            match contestants.iter_mut().find(|other| other.code == code) {
                Some(same) => same.name = format!("{}, {name}", same.name),
                None => contestants.push(Contestant { name: (*name).into(), code }),
            }
        }
        Confirmation { seeds, contestants, ..Confirmation::default() }
    }

    pub(super) fn check(&self) -> Result<()> {
        let Confirmation { seeds, contestants, .. } = self;
        if *seeds == 0 || contestants.is_empty() {
            let problem = format!("confirmation has {seeds} seeds and {} contestants", contestants.len());
            return Err(Error::op("configuration", problem, &[], "use at least one of each"));
        }
        contestants.iter().try_for_each(|contestant| {
            let code: Result<Code> = contestant.code.parse();
            code.map(drop).map_err(|error| error.at(format!("confirmation.contestants, {}", contestant.name)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_one_graph_are_one_contestant() {
        let [one, same, other] = ["1-00", "0-01", "1-11"].map(|code| code.parse::<Code>().unwrap());
        let found = Confirmation::of(5, &[("winner", one), ("first", same), ("all edges", other)]);
        let names: Vec<&str> = found.contestants.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["winner, first", "all edges"]);
        found.check().unwrap();
        for wrong in [Confirmation { seeds: 0, ..found.clone() }, Confirmation::default()] {
            assert!(wrong.check().unwrap_err().to_string().starts_with("configuration: confirmation has "));
        }
    }
}
