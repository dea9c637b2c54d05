//! Rows of a search's `journal.jsonl`.

use serde::{Deserialize, Serialize};

/// A row of `journal.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SearchRow {
    /// The first row.
    Begin(BeginRow),
    /// After a network was trained and evaluated.
    Evaluation(EvaluationRow),
    /// After a generation, or a round of the race.
    Generation(GenerationRow),
    /// At the end.
    Answer(AnswerRow),
}

/// What a run or a search began with: all that its bits depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeginRow {
    /// The version of the program.
    pub version: String,
    /// Which build of it: a hash of its sources; `None` where an earlier build wrote the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// What is done: `train`, `search`, `exhaust` or `calibrate`.
    pub task: String,
    /// The instruction set that kernels run on, which the last bits of all results depend on; `None` where it is not known.
    #[serde(default)]
    pub isa: Option<String>,
    /// All settings, as TOML.
    pub settings: String,
    /// Checksums of the training and the test set, where they have one.
    pub data_checksums: [Option<String>; 2],
    /// A checksum of what both sets are besides: sizes and classes, and of a set without a checksum of its own the labels
    /// and all files, or else some images. `None` where it is not known.
    #[serde(default)]
    pub data: Option<String>,
    /// The names of the classes, in the order of the network's outputs; `None` where an earlier build wrote the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// What images are normalised by, as JSON; `None` where it follows from the settings and the data each time anew.
    #[serde(default)]
    pub normalise: Option<String>,
}

/// What the training of one network came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRow {
    /// The generation that asked for it.
    pub generation: u32,
    /// The code that was trained.
    pub code: String,
    /// How often the code had been trained before.
    pub repeat: u32,
    /// Epochs trained for; fewer than the settings have where it was given up as hopeless.
    pub epochs: u32,
    /// Accuracy on the validation split, or of a confirmation on the test set, from 0 to 1; 0 where it diverged.
    pub fitness: f64,
    /// The mean cross entropy on the validation split.
    pub loss: Option<f64>,
    /// The mean training loss of each tenth of the steps, of a training of fewer steps each step's; of one that diverged, up to there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<f64>,
    /// Why it diverged, where it did.
    pub diverged: Option<String>,
    /// The number of weights.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Seconds that it took, from the description of the network to its answers.
    pub seconds: f64,
    /// Seconds that a processor core worked for it; `None` where an earlier version wrote the row. Less than `seconds` where other programs
    /// were running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_seconds: Option<f64>,
    /// Of `seconds`, what was spent before the first step: on the description of the network and its first weights.
    pub overhead_seconds: f64,
    /// Training images a second.
    pub images_per_second: f64,
}

impl EvaluationRow {
    /// The core seconds that it cost; where they are not known, the seconds that it took.
    pub fn cost(&self) -> f64 {
        self.core_seconds.unwrap_or(self.seconds)
    }
}

/// What a search came to, as the last row of its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerRow {
    /// The code of the best network.
    pub code: String,
    /// Its fitness, from 0 to 1.
    pub fitness: f64,
    /// The standard error of that.
    pub error: f64,
    /// How often it was trained.
    pub trainings: u32,
    /// The generation in which it was first proposed.
    pub generation: u32,
    /// Its place there.
    pub place: usize,
    /// The probability that it is the best of those that took part in the race; `None` where there was none.
    pub certainty: Option<f64>,
    /// The code of the best network of the first generation.
    pub first_code: String,
    /// Its fitness.
    pub first_fitness: f64,
    /// The standard error of that.
    pub first_error: f64,
    /// By how much the best network is better than that one.
    pub lead: f64,
    /// The standard error of that: less than those of both, since they share what seeds do to all.
    pub lead_error: f64,
    /// By how much the best network is better than the mean of the first generation, which is what a network of no search comes to.
    pub gain: f64,
    /// The standard error of that.
    pub gain_error: f64,
}

/// The individuals of a generation, after all have been evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationRow {
    /// Its number; the first is 0.
    pub generation: u32,
    /// Whether it is a round of the race, and the individuals the finalists.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub race: bool,
    /// Its individuals, in their order.
    pub individuals: Vec<IndividualRow>,
    /// The best of all networks so far, as it is known by now; `None` where nothing is chosen by fitness.
    #[serde(default)]
    pub leader: Option<LeaderRow>,
    /// Seconds from the end of the generation before.
    pub seconds: f64,
    /// The seconds of these in which workers trained no network, over all workers: between two networks, and while one
    /// waits for the others' last. `None` where it is not known.
    #[serde(default)]
    pub idle_seconds: Option<f64>,
}

/// The best network so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaderRow {
    /// Its canonical code.
    pub code: String,
    /// Its fitness, from 0 to 1.
    pub fitness: f64,
    /// The standard error of that.
    pub error: f64,
    /// The generation in which it was first proposed.
    pub generation: u32,
    /// Its place there.
    pub place: usize,
}

/// An individual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndividualRow {
    /// Its code.
    pub code: String,
    /// Its fitness in this generation: what it comes to on average over seeds, as far as was known then.
    pub fitness: f64,
    /// The standard error of the fitness; 0 where it is not known.
    #[serde(default)]
    pub error: f64,
    /// The places of its parents in the generation before; of one that was not crossed, only one; of a first one, none.
    pub parents: Vec<usize>,
}
