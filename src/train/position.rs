//! Where a run stands: how many steps are behind, and what those of the present epoch and of the next row of metrics came to. Knows
//! neither networks nor files.

use serde::{Deserialize, Serialize};

/// What a step came to.
///
/// ```
/// use evograd::train::StepReport;
/// let report = StepReport { loss: 1.2, correct: 48, images: 64, rate: 0.1, gradient_norm: 2.0 };
/// assert_eq!(report.correct as f64 / report.images as f64, 0.75);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The mean loss over the batch.
    pub loss: f64,
    /// Correct predictions.
    pub correct: usize,
    /// Images.
    pub images: usize,
    /// The learning rate.
    pub rate: f64,
    /// The norm of the gradient, before clipping.
    pub gradient_norm: f64,
}

/// Where a run stands; with weights, statistics and the optimiser's memory it is all that a run goes on from.
///
/// ```
/// use evograd::train::Position;
/// let position = Position { batch: 2, loss_sum: 3.0, correct: 12, seen: 16, ..Position::default() };
/// assert_eq!((position.loss(), position.accuracy()), (1.5, 0.75));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Whole epochs behind.
    pub epoch: u32,
    /// Batches of the present epoch behind.
    pub batch: usize,
    /// Steps behind.
    pub step: u64,
    /// The sum of the losses of the present epoch's steps.
    pub loss_sum: f64,
    /// Correct predictions in the present epoch.
    #[serde(alias = "right")]
    pub correct: usize,
    /// Images in the present epoch.
    pub seen: usize,
    /// Seconds spent on the present epoch's steps, in all segments.
    #[serde(default)]
    pub seconds: f64,
    /// The best score on a validation split so far.
    pub best: Option<f64>,
    /// How often the run has been resumed.
    pub segment: u32,
    /// The steps since the last row of steps.
    #[serde(default)]
    pub window: Window,
}

/// Sums over the steps of which the next row of metrics gives the means.
///
/// ```
/// use evograd::train::Window;
/// let window = Window { steps: 2, loss_sum: 3.0, correct: 12, seen: 16, seconds: 0.5 };
/// assert_eq!((window.loss(), window.accuracy(), window.images_per_second()), (1.5, 0.75, 32.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Steps.
    pub steps: u64,
    /// The sum of their losses.
    pub loss_sum: f64,
    /// Correct predictions.
    pub correct: usize,
    /// Images.
    pub seen: usize,
    /// Seconds spent on them, in all segments.
    pub seconds: f64,
}

impl Position {
    /// The mean loss of the present epoch's steps so far.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.batch as f64
    }

    /// Accuracy in the present epoch so far.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.seen as f64
    }

    /// Images a second in the present epoch so far.
    pub fn images_per_second(&self) -> f64 {
        rate(self.seen, self.seconds)
    }

    /// A step further.
    pub(super) fn advance(&mut self, report: &StepReport) {
        self.step += 1;
        self.batch += 1;
        self.loss_sum += report.loss;
        self.correct += report.correct;
        self.seen += report.images;
        self.window.steps += 1;
        self.window.loss_sum += report.loss;
        self.window.correct += report.correct;
        self.window.seen += report.images;
    }

    /// That the step before has taken so long.
    pub(super) fn spend(&mut self, seconds: f64) {
        self.seconds += seconds;
        self.window.seconds += seconds;
    }
}

impl Window {
    /// The mean loss.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.steps as f64
    }

    /// The accuracy.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.seen as f64
    }

    /// Images a second.
    pub fn images_per_second(&self) -> f64 {
        rate(self.seen, self.seconds)
    }
}

/// Images a second. A clock that stands still or is set back makes no rate infinite.
fn rate(images: usize, seconds: f64) -> f64 {
    images as f64 / seconds.max(1e-6)
}
