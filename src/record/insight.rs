//! What the trainings of a search say of its space, as plain numbers.

use serde::Serialize;

/// What the model of a search has learned from all its trainings. Accuracies are from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Insight {
    /// The share of the variance between single trainings that is due to the architecture.
    pub heritability: f64,
    /// The share of the variance of what was measured that predictions from the other networks explain; `None` where there are too few.
    pub r_squared: Option<f64>,
    /// Each network that was trained.
    pub networks: Vec<NetworkRow>,
    /// What edges and depths do.
    pub effects: Vec<EffectRow>,
    /// The winner beside what random search would have found; `None` where there is no winner yet.
    pub chance: Option<ChanceRow>,
}

/// A network that was trained: its fitness, and what the others say of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkRow {
    /// Its canonical code.
    pub code: String,
    /// How often it was trained.
    pub trainings: usize,
    /// Its fitness after all trainings of all networks.
    pub fitness: f64,
    /// The standard error of that.
    pub fitness_error: f64,
    /// The mean of its trainings, with the effects of their seeds taken out.
    pub measured: f64,
    /// What is expected of it after the trainings of the others alone.
    pub predicted: f64,
    /// The standard error of that, as far as the architecture goes: the noise of trainings comes to it.
    pub error: f64,
}

/// What a trait of an architecture does to accuracy, on average over random networks of the space.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EffectRow {
    /// The stage, counted from 1.
    pub stage: usize,
    /// The trait: `edge 1→2`, or `depth 3`.
    pub what: String,
    /// By how much networks that have it are better than those that do not.
    pub effect: f64,
    /// The standard error of that.
    pub error: f64,
}

/// The winner beside what random search, with a race at its end, would have found with as many trainings: as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChanceRow {
    /// The probability that the winner is better.
    pub probability: f64,
    /// By how much it is better on average.
    pub lead: f64,
    /// The standard deviation of that.
    pub error: f64,
    /// Trainings of either.
    pub trainings: usize,
}
