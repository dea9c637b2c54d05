//! What is probably not meant: settings with which a run learns nothing or hardly anything, and a network that has not.

use super::config::{Config, Optimisation, UpdateRule};
use crate::data::Dataset;
use crate::record::Score;
use crate::schedule::Schedule;

/// What no element of a gradient exceeds for long where a network learns.
const GRADIENT: f64 = 10.0;
/// A step that is shorter moves no weight in `f32`: 1e-7 of a weight of 0.1, as large as first weights are.
const SHORTEST: f64 = 1e-8;

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
    } else if longest_step(config) < SHORTEST {
        warnings.push(still(config));
    } else if let Some(place) = end_of_learning(config) {
        warnings.push(format!(
            "the learning rate is 0 from {place} of the run on, so nothing is learned there; raise schedule.factor, or leave milestones out"
        ));
    }
    if let Some((key, share)) = uniform_target(config) {
        let remedy = "set it below 1, as 0.1";
        warnings.push(format!(
            "{key} is {share}, so no class is the target more than another and nothing will be learned; {remedy}"
        ));
    }
    if batch > images {
        let step = format!("a batch of {batch} is more than all {images} training images, so each epoch is one step");
        warnings.push(format!("{step}; a smaller training.batch learns more in as many epochs"));
    }
    warnings
}

/// The place in the run, from 0 to 1, from which a schedule in steps has brought the learning rate down to 0; `None` where it does not.
fn end_of_learning(config: &Config) -> Option<f64> {
    let Schedule::Step { milestones, factor } = config.course() else { return None };
    let rate = |passed: usize| config.optimizer.rate * factor.powi(passed as i32);
    let place = (1..=milestones.len()).find(|passed| rate(*passed) as f32 == 0.0)?;
    Some(milestones[place - 1])
}

/// The farthest that a step can move a weight by its gradient.
fn longest_step(config: &Config) -> f64 {
    let Optimisation { rule, rate, momentum, betas: [beta1, beta2], epsilon, .. } = config.optimizer;
    let gradient = if config.training.clip > 0.0 { config.training.clip.min(GRADIENT) } else { GRADIENT };
    rate * match rule {
        UpdateRule::Sgd => gradient / (1.0 - momentum),
        // Kingma and Ba, *Adam*, ICLR 2015, section 2.1; and no gradient counts for more than its share of ε.
        _ => (gradient / epsilon).min(((1.0 - beta1) / (1.0 - beta2).sqrt()).max(1.0)),
    }
}

/// What to say of steps that move nothing: which setting makes them so short, and what it could be.
fn still(config: &Config) -> String {
    let (mut unclipped, mut usual) = (config.clone(), config.clone());
    unclipped.training.clip = 0.0;
    usual.optimizer.epsilon = Optimisation::default().epsilon;
    let moves = |config: &Config| longest_step(config) >= SHORTEST;
    let (key, value, remedy) = match (moves(&unclipped), moves(&usual)) {
        (true, _) => ("training.clip", config.training.clip, "raise it, or set 0 for no limit"),
        (_, true) => ("optimizer.epsilon", config.optimizer.epsilon, "lower it, as to 1e-8"),
        _ => ("optimizer.rate", config.optimizer.rate, "raise it"),
    };
    let step = format!("a step changes no weight by more than {:.0e}", longest_step(config));
    format!("{key} is {value:e}: {step}, which rounding swallows, so nothing will be learned; {remedy}")
}

/// The setting that makes all classes the target alike.
fn uniform_target(config: &Config) -> Option<(&'static str, f64)> {
    let training = &config.training;
    let shares =
        [("training.label_smoothing", training.label_smoothing), ("training.disturb_label", training.disturb_label)];
    shares.into_iter().find(|(_, share)| 1.0 - share < 1e-7)
}

/// What there is to say of images that are scaled to at least twice their size: a network for small images then sees nothing
/// but smooth surfaces, at many times the cost, and some diverge at their usual rate.
pub(super) fn enlarged(set: &dyn Dataset) -> Option<String> {
    let ([height, width], [_, rows, columns]) = (set.stored_size()?, set.shape());
    let short = height.min(width);
    (rows >= 2 * short).then(|| {
        format!(
            "images are enlarged to {columns}×{rows} pixels, of which the first has {width}×{height}; with data.size={short} it \
             keeps its size, and a network for small images learns better and faster"
        )
    })
}

/// What guessing comes to, for a network that knows how frequent each class is and nothing else.
///
/// ```
/// use evograd::record::Score;
/// use evograd::train::Chance;
/// let chance = Chance::of(&[500, 500]);
/// let score = |loss, accuracy| Score { split: "test".into(), images: 1000, loss, accuracy };
/// assert!(!chance.explains(&score(0.4, 0.8)));
/// assert!(chance.explains(&score(0.7, 0.51)) && chance.warning(&score(0.7, 0.51)).contains("no better than guessing"));
/// ```
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
        let deviation = (p * (1.0 - p) / score.images.max(1) as f64).sqrt();
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
    use crate::train::{Split, Trainer, evaluate};

    fn warned(settings: &[&str], images: usize) -> String {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        warnings(&Config::parse("", &settings).unwrap(), images).join("\n")
    }

    #[test]
    fn a_rate_that_moves_nothing_is_reported_whatever_makes_it_0() {
        let step = ["schedule.kind=step", "schedule.factor=0", "schedule.milestones=[0.0]"];
        for settings in [&["optimizer.rate=0"][..], &["optimizer.rate=1e-60"], &step] {
            assert!(warned(settings, 1000).contains("the learning rate is 0 in every step"), "{settings:?}");
        }
        let later = ["schedule.kind=step", "schedule.factor=0", "schedule.milestones=[0.1]"];
        assert!(warned(&later, 1000).contains("the learning rate is 0 from 0.1 of the run on"));
        for settings in [&[][..], &["schedule.kind=step"], &["schedule.warmup=5"]] {
            assert_eq!(warned(settings, 1000), "", "{settings:?}");
        }
    }

    /// The loss on images held out before and after a short training with some settings.
    fn losses(settings: &[&str]) -> [f64; 2] {
        let fixed =
            ["model.name=linear", "data.set=shapes", "data.validation=100", "training.epochs=4", "training.batch=20"];
        let fixed = fixed.into_iter().chain(["optimizer.weight_decay=0", "optimizer.rate=0.0005"]);
        let settings: Vec<String> = fixed.chain(settings.iter().copied()).map(String::from).collect();
        let config = Config::parse("", &settings).unwrap();
        let sets = crate::data::shapes_of(0, 400, 10).unwrap();
        let split = Split::new(&config, &sets).unwrap();
        let mut trainer = Trainer::new(config, &sets, &split.train).unwrap();
        let loss = |trainer: &Trainer| {
            let answers = evaluate(&trainer.network, split.validation.as_ref().unwrap(), "validation", |_| true);
            answers.unwrap().unwrap().score.loss
        };
        let first = loss(&trainer);
        while trainer.position.epoch < 4 {
            for batch in split.train.epoch(trainer.position.epoch, 0).unwrap() {
                trainer.step(&batch.unwrap()).unwrap();
            }
            trainer.end_epoch();
        }
        [first, loss(&trainer)]
    }

    /// A short training with each leaves the loss where it was; with ordinary ones it falls.
    #[test]
    fn settings_that_move_nothing_are_reported_and_others_are_not() {
        let adam = "optimizer.rule=adam";
        for (settings, key) in [
            (&["training.clip=1e-30"][..], "training.clip is 1e-30"),
            (&["training.clip=1e-46"], "training.clip is 1e-46"),
            (&["optimizer.rate=1e-12"], "optimizer.rate is 1e-12"),
            (&["optimizer.rate=1e-30"], "optimizer.rate is 1e-30"),
            (&[adam, "optimizer.rate=1e-12"], "optimizer.rate is 1e-12"),
            (&[adam, "optimizer.epsilon=1e30"], "optimizer.epsilon is 1e30"),
            (&[adam, "training.clip=1e-30"], "training.clip is 1e-30"),
            (&["training.label_smoothing=1"], "training.label_smoothing is 1, so"),
            (&["training.disturb_label=1"], "training.disturb_label is 1, so"),
        ] {
            assert!(warned(settings, 1000).starts_with(key), "{settings:?}: {}", warned(settings, 1000));
            let [before, after] = losses(settings);
            // Towards labels that say nothing weights do move, and find nothing.
            let in_vain = after > 0.98 * 10.0_f64.ln() && key.ends_with("so");
            assert!((after - before).abs() < 1e-4 || in_vain, "{settings:?}: {before} {after}");
        }
        for settings in [
            &[][..],
            &["training.clip=1"],
            &["training.clip=0.1", "optimizer.rate=0.1"],
            &[adam, "optimizer.rate=0.001"],
            &[adam, "optimizer.rate=0.005", "optimizer.epsilon=1"],
            &["optimizer.rule=adamw", "optimizer.rate=0.001"],
            &["training.label_smoothing=0.5"],
            &["training.disturb_label=0.2"],
        ] {
            assert_eq!(warned(settings, 1000), "", "{settings:?}");
            let [before, after] = losses(settings);
            assert!(after < before - 0.02, "{settings:?}: {before} {after}");
        }
        for settings in [&["optimizer.rate=1e-6", "optimizer.momentum=0"][..], &[adam, "optimizer.rate=1e-7"]] {
            assert_eq!(warned(settings, 1000), "", "small, and used: {settings:?}");
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
        let score = |images, loss, accuracy| Score { split: "test".into(), images, loss, accuracy };
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
