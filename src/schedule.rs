//! How the learning rate moves over a run. Knows numbers alone.

/// The share of the highest rate that one-cycle begins with.
const FIRST_SHARE: f64 = 1.0 / 25.0;

/// The course of the learning rate, as a share of the highest one.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// It stays.
    Constant,
    /// It is multiplied by `factor` at each milestone.
    Step {
        /// Places of the run, from 0 to 1.
        milestones: Vec<f64>,
        /// What the rate is multiplied with.
        factor: f64,
    },
    /// Half a cosine from 1 to 0 (Loshchilov and Hutter, *SGDR*, ICLR 2017, without restarts).
    Cosine,
    /// A straight line from a 25th up to 1 at the place `peak`, and another down to 0 at the end (Smith and Topin,
    /// *Super-convergence*, 2018; it begins where PyTorch's `OneCycleLR` does).
    OneCycle {
        /// The place of the highest rate, above 0 and below 1.
        peak: f64,
    },
}

impl Schedule {
    /// The share of the highest rate in step `step` of `steps`, both counted from 0; in the first `warmup` steps it also
    /// rises on a straight line from near 0. The place of a step is that of its beginning, so that neither the first nor
    /// the last one stands still.
    ///
    /// ```
    /// use evograd::Schedule;
    /// let one_cycle = Schedule::OneCycle { peak: 0.25 };
    /// assert_eq!([0, 50, 100, 250].map(|step| one_cycle.share(step, 400, 0)), [0.04, 0.52, 1.0, 0.5]);
    /// ```
    pub fn share(&self, step: u64, steps: u64, warmup: u64) -> f64 {
        let place = step as f64 / steps.max(1) as f64;
        let course = match self {
            Schedule::Constant => 1.0,
            Schedule::Step { milestones, factor } => {
                let passed = milestones.iter().filter(|milestone| place >= **milestone).count();
                factor.powi(passed as i32)
            }
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * place).cos()),
            Schedule::OneCycle { peak } if place < *peak => FIRST_SHARE + (1.0 - FIRST_SHARE) * place / peak,
            Schedule::OneCycle { peak } => (1.0 - place) / (1.0 - peak),
        };
        if step < warmup { course * (step + 1) as f64 / (warmup as f64 + 1.0) } else { course }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_course_of_each_is_that_of_its_definition() {
        let shares = |schedule: &Schedule| [0, 25, 50, 75, 99].map(|step| schedule.share(step, 100, 0));
        assert_eq!(shares(&Schedule::Constant), [1.0; 5]);
        let steps = Schedule::Step { milestones: vec![0.5, 0.75], factor: 0.1 };
        assert_eq!(shares(&steps).map(|share| (share * 1e6).round() / 1e6), [1.0, 1.0, 0.1, 0.01, 0.01]);
        let cosine = shares(&Schedule::Cosine);
        assert!((cosine[1] - (2.0 + 2.0_f64.sqrt()) / 4.0).abs() < 1e-12 && (cosine[2] - 0.5).abs() < 1e-12);
        assert!(cosine[0] == 1.0 && cosine[4] < 3e-4);
    }

    /// The values are those of PyTorch's `OneCycleLR(max_lr=1, pct_start=0.3, anneal_strategy="linear")` over 101 steps, whose
    /// highest rate is that of step 29.3; ours, over 98 steps, of which the highest is as late, begins with the same share.
    #[test]
    fn one_cycle_begins_with_a_25th_and_rises_on_a_straight_line() {
        let one_cycle = Schedule::OneCycle { peak: 0.25 };
        for step in 0..100 {
            let expected = 0.04 + 0.96 * step as f64 / 100.0;
            assert!((one_cycle.share(step, 400, 0) - expected).abs() < 1e-12, "{step}");
        }
    }

    /// However short a run is, it moves: no step of it stands still, and on the whole it has a sensible share of the highest
    /// rate.
    #[test]
    fn short_runs_move_in_every_step() {
        let step = Schedule::Step { milestones: vec![0.5, 0.75], factor: 0.1 };
        let peaks = [1e-3, 0.3, 0.999].map(|peak| Schedule::OneCycle { peak });
        for schedule in [Schedule::Constant, step, Schedule::Cosine].iter().chain(&peaks) {
            for steps in 1..=20 {
                for warmup in [0, 1, steps / 2, steps] {
                    let shares: Vec<f64> = (0..steps).map(|step| schedule.share(step, steps, warmup)).collect();
                    assert!(shares.iter().all(|share| *share > 0.0 && *share <= 1.0), "{schedule:?}: {shares:?}");
                    let mean = shares.iter().sum::<f64>() / steps as f64;
                    let least = if steps == 1 { FIRST_SHARE / 2.0 } else { 0.12 };
                    assert!(mean >= least, "{schedule:?}, {steps} steps, {warmup} of warm-up: mean {mean}");
                }
            }
        }
    }

    #[test]
    fn the_first_steps_rise_to_the_course() {
        let shares = [0, 1, 2, 3, 4].map(|step| Schedule::Constant.share(step, 100, 3));
        assert_eq!(shares, [0.25, 0.5, 0.75, 1.0, 1.0]);
    }
}
