//! The training steps that were measured, of which network, and on which machine.

use evograd::models::Plan;
use evograd::profile::{Machine, Profile};

/// What was measured.
pub struct Measured {
    pub plan: Plan,
    pub batch: u32,
    pub machine: Machine,
    pub steps: Vec<Profile>,
}

impl Measured {
    /// The step whose time is the median; of two, the longer.
    pub fn median(&self) -> &Profile {
        let mut steps: Vec<&Profile> = self.steps.iter().collect();
        steps.sort_by_key(|step| step.duration);
        steps[steps.len() / 2]
    }

    /// `resnet20, 128 images 3×32×32, 2 threads`
    pub fn title(&self) -> String {
        let (spec, threads) = (self.plan.spec(), self.machine.threads);
        let [c, h, w] = spec.input;
        let [images, threads] = [(self.batch as usize, "image"), (threads, "thread")]
            .map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        format!("{}, {images} {c}×{h}×{w}, {threads}", spec.name)
    }
}
