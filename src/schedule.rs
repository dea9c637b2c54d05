//! How the learning rate moves over a run. Knows numbers alone.

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
    /// A straight line up to 1 at the place `peak`, and another down to 0 at the end (Smith and Topin,
    /// *Super-convergence*, 2018).
    OneCycle {
        /// The place of the highest rate, above 0 and below 1.
        peak: f64,
    },
}

impl Schedule {
    /// The share of the highest rate in step `step` of `steps`, both counted from 0; in the first `warmup` steps it also
    /// rises on a straight line from near 0. One-cycle begins and ends at 0: its first step moves nothing yet.
    ///
    /// ```
    /// use evograd::Schedule;
    /// let one_cycle = Schedule::OneCycle { peak: 0.25 };
    /// assert_eq!([0, 50, 100, 250, 400].map(|step| one_cycle.share(step, 400, 0)), [0.0, 0.5, 1.0, 0.5, 0.0]);
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
            Schedule::OneCycle { peak } if place < *peak => place / peak,
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

    #[test]
    fn the_first_steps_rise_to_the_course() {
        let shares = [0, 1, 2, 3, 4].map(|step| Schedule::Constant.share(step, 100, 3));
        assert_eq!(shares, [0.25, 0.5, 0.75, 1.0, 1.0]);
    }
}
