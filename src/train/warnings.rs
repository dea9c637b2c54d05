//! What is probably not meant: settings with which a run learns nothing or hardly anything, and a network that has not.

use super::config::Config;
use crate::record::Score;

/// What there is to say, before it begins, of a training on so many images.
///
/// ```
/// use evograd::train::{Config, warnings};
/// let config = Config::parse("", &["optimizer.rate=0".into(), "training.batch=1000".into()])?;
/// let [rate, batch] = warnings(&config, 640).try_into().unwrap();
/// assert!(rate.starts_with("the learning rate is 0") && batch.starts_with("a batch of 1000"));
/// assert!(warnings(&Config::default(), 640).is_empty());
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn warnings(config: &Config, images: usize) -> Vec<String> {
    let (rate, batch) = (config.optimizer.rate, config.training.batch);
    let mut warnings = Vec::new();
    // No schedule rises above its beginning from 0; and weights are moved in `f32`.
    if (rate * config.course().share(0, u64::MAX, 0)) as f32 == 0.0 {
        let remedy = "set optimizer.rate above 0";
        warnings.push(format!("the learning rate is 0 in every step, so nothing will be learned; {remedy}"));
    }
    if batch > images {
        let step = format!("a batch of {batch} is more than all {images} training images, so each epoch is one step");
        warnings.push(format!("{step}; a smaller training.batch learns more in as many epochs"));
    }
    warnings
}

/// What guessing comes to, for a network that knows how frequent each class is and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Chance {
    /// The share of correct predictions: that of the most frequent class.
    pub accuracy: f64,
    /// The mean cross entropy: the entropy of the classes, `ln K` for `K` of the same size.
    pub loss: f64,
}

impl Chance {
    /// Among so many images of each class.
    ///
    /// ```
    /// use evograd::train::Chance;
    /// let chance = Chance::of(&[50, 50]);
    /// assert!(chance.accuracy == 0.5 && (chance.loss - 2.0_f64.ln()).abs() < 1e-12);
    /// ```
    pub fn of(counts: &[usize]) -> Chance {
        let all = counts.iter().sum::<usize>().max(1) as f64;
        let shares = || counts.iter().filter(|count| **count > 0).map(|count| *count as f64 / all);
        Chance { accuracy: shares().fold(0.0, f64::max), loss: -shares().map(|share| share * share.ln()).sum::<f64>() }
    }

    /// Whether a score is no better than this: neither is its loss lower, nor its accuracy higher than two standard deviations
    /// of guessing explain.
    pub fn explains(&self, score: &Score) -> bool {
        let p = self.accuracy;
        let deviation = (p * (1.0 - p) / score.pictures.max(1) as f64).sqrt();
        score.loss >= 0.99 * self.loss && score.accuracy <= p + 2.0 * deviation
    }

    /// What to say of a network whose score this explains.
    pub fn warning(&self, Score { split, loss, accuracy, .. }: &Score) -> String {
        format!(
            "the network has learned nothing that helps on the {split} set: its loss of {loss:.3} and accuracy of {:.1} % are \
             no better than guessing, which comes to {:.3} and {:.1} %; try another learning rate, more epochs, a wider network",
            100.0 * accuracy,
            self.loss,
            100.0 * self.accuracy
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(settings: &[&str], images: usize) -> String {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        warnings(&Config::parse("", &settings).unwrap(), images).join("\n")
    }

    #[test]
    fn a_rate_that_moves_nothing_is_told_whatever_makes_it_0() {
        let step = ["schedule.kind=step", "schedule.factor=0", "schedule.milestones=[0.0]"];
        for settings in [&["optimizer.rate=0"][..], &["optimizer.rate=1e-60"], &step] {
            assert!(warned(settings, 1000).contains("the learning rate is 0 in every step"), "{settings:?}");
        }
        let later = ["schedule.kind=step", "schedule.factor=0", "schedule.milestones=[0.1]"];
        for settings in [&[][..], &["optimizer.rate=1e-30"], &later, &["schedule.warmup=5"]] {
            assert_eq!(warned(settings, 1000), "", "{settings:?}");
        }
    }

    #[test]
    fn a_batch_may_be_all_images_and_not_more() {
        assert_eq!(warned(&["training.batch=600"], 600), "");
        assert!(warned(&["training.batch=600"], 599).contains("a batch of 600 is more than all 599"));
    }

    /// Ten classes: 1,000 images guess right with a deviation of 0.95 %.
    #[test]
    fn chance_explains_what_it_may_and_nothing_else() {
        let score = |pictures, loss, accuracy| Score { split: "test".into(), pictures, loss, accuracy };
        let even = Chance::of(&[100; 10]);
        assert!((even.loss - 10.0_f64.ln()).abs() < 1e-12);
        for (score, explained) in [
            (score(1000, 2.303, 0.1), true),
            (score(1000, 5.0, 0.118), true),
            (score(1000, 2.303, 0.12), false),
            (score(1000, 2.2, 0.1), false),
            (score(10, 2.303, 0.2), true),
        ] {
            assert_eq!(even.explains(&score), explained, "{score:?}");
        }
        // Nine of ten are of one class: to say that one is right in 90 % and costs 0.325.
        let uneven = Chance::of(&[90, 10, 0]);
        assert!((uneven.loss - 0.325_083).abs() < 1e-6);
        assert!(uneven.explains(&score(100, 0.33, 0.9)) && !uneven.explains(&score(100, 0.2, 0.9)));
    }
}
