//! What the model is about: observations, estimates, variances. Knows no equation.

/// The result of one training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The index of the architecture's row of features.
    pub architecture: usize,
    /// The seed of the training.
    pub seed: u32,
    /// The accuracy, in any unit; higher is better.
    pub value: f64,
}

/// What is known of a number: its mean and its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The posterior mean.
    pub mean: f64,
    /// The posterior standard deviation.
    pub deviation: f64,
}

/// The variances of the model's terms, in squared units of the values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variances {
    /// Of what the features explain, over architectures drawn at random.
    pub features: f64,
    /// Of what they leave unexplained.
    pub own: f64,
    /// Of one training, without what its seed does to all architectures alike.
    pub noise: f64,
    /// Of what a seed does to all architectures alike.
    pub seed: f64,
}

impl Variances {
    /// The share of the variance between single trainings that is due to the architecture: heritability, `h²`.
    pub fn heritability(&self) -> f64 {
        (self.features + self.own) / (self.features + self.own + self.noise)
    }
}

/// The trainings of an architecture.
#[derive(Clone, Debug, Default)]
pub(super) struct Trained {
    pub count: f64,
    pub value: f64,
    pub columns: Vec<f64>,
}
