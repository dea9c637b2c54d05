//! A landscape made of a table: a model is fitted to the trainings of each length, and every graph of the space is worth what the
//! model expects of it and what is not known of its own effect, drawn once for the table. Of graphs that were trained often little is
//! drawn, of those that were not all of it, so that graphs differ by as much as trainings say that they do.
//!
//! Trainings are the worth of a graph with noise of the size that was found. Nothing that was recorded is given to a search: it would
//! meet the same luck again and again, and whoever judges by trainings that the search has seen praises luck.
//!
//! **Source** Zela et al., *Surrogate NAS benchmarks: going beyond the limited search spaces of tabular NAS benchmarks*, ICLR 2022.

use super::{TrainingRow, TrainingTable};
use crate::error::{Error, Result};
use crate::models::genetic_cnn::Code;
use crate::record::{counted_outcome, worst_outcome};
use crate::rng::{Purpose, Stream};
use crate::search::features::Features;
use crate::search::graphs::{graphs, is_used_up};
use crate::search::landscape::Landscape;
use crate::search::surrogate::{Observation, Scale, Surrogate, Variances};
use std::collections::{BTreeMap, HashMap};

/// The standard deviation among single trainings before any are known.
const USUAL_DEVIATION: f64 = 0.02;

impl TrainingTable {
    /// Whether every graph of the space was trained, for this long and for the longest.
    pub fn is_whole(&self, images: u64) -> bool {
        let lengths = [Some(images), self.lengths().last().copied()];
        lengths.into_iter().flatten().all(|images| is_used_up(&self.networks.stages, self.of_length(images).len()))
    }

    /// A landscape on which trainings see so many images and graphs are worth what the longest trainings say.
    ///
    /// # Errors
    /// When no training is as long or none of them came to anything, or the space is too large to be enumerated.
    pub fn landscape(&self, images: u64) -> Result<Landscape> {
        let lengths = self.lengths();
        let longest = *lengths.last().expect("a table has a row");
        if !lengths.contains(&images) {
            let remedy = format!("choose one of {lengths:?} with --images");
            return Err(refuse(format!("the table has no training of {images} images"), &remedy));
        }
        for length in [images, longest] {
            if self.rows.iter().all(|row| row.images != length || row.accuracy.is_none()) {
                let problem = format!("all trainings of {length} images diverged");
                return Err(refuse(problem, "train with a lower rate"));
            }
        }
        self.modelled(images, longest)
    }

    /// The trainings of a length by graph.
    fn of_length(&self, images: u64) -> BTreeMap<&Code, Vec<&TrainingRow>> {
        let mut all: BTreeMap<&Code, Vec<&TrainingRow>> = BTreeMap::new();
        self.rows.iter().filter(|row| row.images == images).for_each(|row| all.entry(&row.code).or_default().push(row));
        all
    }

    fn modelled(&self, images: u64, longest: u64) -> Result<Landscape> {
        let space = Space::new(self)?;
        let long = space.model(self, longest);
        let truth = space.drawn(&long, longest);
        if images == longest {
            let Variances { noise, seed, .. } = long.surrogate.variances();
            return Ok(Landscape::new(truth, noise.sqrt(), seed.sqrt()));
        }
        let short = space.model(self, images);
        let Variances { noise, seed, .. } = short.surrogate.variances();
        let means = space.drawn(&short, images).into_iter().collect();
        Ok(Landscape::new(truth, noise.sqrt(), seed.sqrt()).with_means(means))
    }
}

/// All graphs, with their features.
struct Space {
    codes: Vec<Code>,
    features: Vec<Vec<f64>>,
    scale: Scale,
}

/// What the trainings of a length say.
struct Model {
    surrogate: Surrogate,
    /// How often each graph was trained, by its place.
    trained: HashMap<usize, f64>,
}

impl Space {
    fn new(table: &TrainingTable) -> Result<Space> {
        let codes = graphs(&table.networks.stages)?;
        let features = Features::new(&table.networks.stages, &table.networks.backbone, table.side());
        let features: Vec<Vec<f64>> = codes.iter().map(|code| features.of_graph(code)).collect();
        let scale = Scale::of(&features);
        Ok(Space { codes, features, scale })
    }

    fn model(&self, table: &TrainingTable, images: u64) -> Model {
        let places: HashMap<&Code, usize> = self.codes.iter().zip(0..).collect();
        let rows: Vec<&TrainingRow> = table.rows.iter().filter(|row| row.images == images).collect();
        let worst = worst_outcome(rows.iter().filter_map(|row| row.accuracy)).unwrap_or(0.0);
        let (mut observations, mut trained) = (Vec::new(), HashMap::new());
        for row in rows {
            let architecture = places[&row.code];
            let value = counted_outcome(row.accuracy.unwrap_or(f64::NAN), worst);
            observations.push(Observation { architecture, seed: row.seed, value });
            *trained.entry(architecture).or_default() += 1.0;
        }
        let surrogate = Surrogate::fit(self.scale.clone(), &self.features, &observations, USUAL_DEVIATION);
        Model { surrogate, trained }
    }

    /// The posterior mean of each graph, and of its own effect what is not known, drawn. What is drawn for one length says nothing of
    /// another: that is the least that two lengths can have in common.
    fn drawn(&self, model: &Model, images: u64) -> Vec<(Code, f64)> {
        let Variances { own, noise, .. } = model.surrogate.variances();
        let [high, low] = [(images >> 32) as u32, images as u32];
        let mut stream = Stream::new(u64::from(high), Purpose::Genetic, u32::MAX - 5, low);
        let mut value = |place: usize| {
            let count = model.trained.get(&place).copied().unwrap_or(0.0);
            let unknown = own * noise / (noise + count * own);
            model.surrogate.mean(place, &self.features[place]) + unknown.sqrt() * stream.normal()
        };
        self.codes.iter().enumerate().map(|(place, code)| (code.clone(), value(place))).collect()
    }
}

fn refuse(problem: String, remedy: &str) -> Error {
    Error::op("search", problem, &[], remedy)
}
