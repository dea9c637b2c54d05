//! The settings of a run, as a TOML file has them. Every key has a usual value; unknown keys are refused.

use super::notes::annotated;
use super::numbers::{self, OF_MODEL, OF_TRAINING};
use super::refuse::refuse;
use crate::data::Augment;
use crate::error::Result;
use crate::models::genetic_cnn::Backbone;
use crate::models::{Options, Shortcut};
use crate::nn::Role;
use crate::ops::Fusion;
use crate::optim::Rule;
use crate::schedule::Schedule;
use crate::setting::shown;
use serde::{Deserialize, Serialize};

/// All settings of a run.
///
/// ```
/// use evograd::train::Config;
/// let config = Config::parse("[training]\nepochs = 3", &["model.fusion=sort-root".into()])?;
/// assert_eq!((config.training.epochs, config.model.fusion.as_str()), (3, "sort-root"));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The network.
    pub model: Model,
    /// What it is trained on.
    pub data: Data,
    /// For how long, and with which regularisation.
    pub training: Training,
    /// How weights follow gradients.
    pub optimizer: Optimisation,
    /// How the learning rate moves.
    pub schedule: Schedules,
}

/// The network.
///
/// ```
/// use evograd::train::{Config, Model};
/// let model = Model { name: "resnet20".into(), width: 2.0, ..Model::default() };
/// Config { model, ..Config::default() }.check()?;
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// Its name, as `evograd inspect models` lists them.
    pub name: String,
    /// How branches are fused: `sum`, `product`, `max`, `sum+max`, `sort` or `sort-root`.
    pub fusion: String,
    /// The `ε` of `sort-root`.
    pub epsilon: f64,
    /// How residual blocks shorten their input: `conv` or `pad`.
    pub shortcut: String,
    /// Width multiplier of all numbers of channels.
    pub width: f64,
    /// The probability of dropout, instead of the model's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// What surrounds the nodes of a code of Genetic CNN; without any, the paper's for CIFAR-10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backbone: Option<Backbone>,
}

/// What is trained on.
///
/// ```
/// use evograd::train::Data;
/// let data = Data { validation: None, ..Data::default() };
/// assert!(data.validation_of(1000) < 1000);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The set's name, as `evograd data list` has them.
    pub set: String,
    /// The rows and columns that images of folders are scaled to; other sets have a size of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Training samples used, every class with its share; 0 for all.
    pub samples: usize,
    /// Training samples held out to choose by, every class with its share; 0 for none. Without a number, as many as
    /// [`Data::validation_of`] says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<usize>,
    /// The seed of the split.
    pub split_seed: u64,
    /// Black pixels around an image, of which a crop is cut at random; without any, what is usual for the set.
    pub crop: usize,
    /// Whether images are mirrored at random; without any, what is usual for the set.
    pub flip: bool,
    /// The side of the square that is cut out, in pixels.
    pub cutout: usize,
    /// Threads that make batches.
    pub threads: usize,
}

/// For how long, and with which regularisation.
///
/// ```
/// use evograd::train::{Config, Training};
/// let training = Training { batch: 0, ..Training::default() };
/// let error = Config { training, ..Config::default() }.check().unwrap_err();
/// assert!(error.to_string().contains("training.batch is 0"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Epochs of training.
    pub epochs: u32,
    /// Samples in a step.
    pub batch: usize,
    /// Seed of weights, data order, augmentation and dropout.
    pub seed: u64,
    /// The share of each target spread over all classes.
    pub label_smoothing: f64,
    /// The probability that a label is drawn anew, as DisturbLabel has it.
    pub disturb_label: f64,
    /// The greatest norm of a gradient; longer ones are shortened to it. 0 for no limit.
    pub clip: f64,
    /// Steps from one row of metrics to the next; the last step of an epoch has one in any case.
    pub log_every: u64,
    /// Seconds from one checkpoint to the next; there is one after each epoch in any case.
    pub checkpoint_seconds: f64,
    /// Patterns of the names of weights that stay as they are, such as `conv1.*`: see [`Network::freeze`](crate::models::Network::freeze).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// A safetensors file, or the folder of a run, whose weights the run begins with, where their names and shapes fit:
    /// [`Run::start`](super::Run::start) reads it, and no [`Trainer`](super::Trainer) of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_from: Option<String>,
}

/// How weights follow gradients.
///
/// ```
/// use evograd::nn::Role;
/// use evograd::train::{Config, Optimisation, UpdateRule};
/// let optimizer = Optimisation { rule: UpdateRule::AdamW, weight_decay: 0.01, decay_all: false, ..Optimisation::default() };
/// let config = Config { optimizer, ..Config::default() };
/// assert!(matches!(config.rule(), evograd::Rule::Adam { decoupled: true, .. }));
/// assert_eq!([Role::Weight, Role::Bias].map(|role| config.decay(role)), [0.01, 0.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimisation {
    /// `sgd`, `adam` or `adamw`.
    pub rule: UpdateRule,
    /// Peak learning rate; without any, 0.4 for models with batch normalisation, 0.02 for others, 0.001 for
    /// `adam` and `adamw`.
    pub rate: f64,
    /// The momentum of `sgd`.
    pub momentum: f64,
    /// Whether `sgd` looks ahead along its velocity.
    pub nesterov: bool,
    /// The decay of the means of `adam` and `adamw`.
    pub betas: [f64; 2],
    /// What `adam` and `adamw` add to the root.
    pub epsilon: f64,
    /// The share of the weights that is added to the gradient, or taken off directly by `adamw`.
    pub weight_decay: f64,
    /// Whether biases and the scales of normalisations decay too.
    pub decay_all: bool,
}

/// The rule by which weights follow gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdateRule {
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Adam, with weight decay in the gradient.
    Adam,
    /// Adam, with weight decay apart from the gradient.
    AdamW,
}

/// How the learning rate moves.
///
/// ```
/// use evograd::Schedule;
/// use evograd::train::{Config, ScheduleKind, Schedules};
/// let schedule = Schedules { kind: ScheduleKind::Cosine, ..Schedules::default() };
/// assert_eq!(Config { schedule, ..Config::default() }.course(), Schedule::Cosine);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedules {
    /// `constant`, `step`, `cosine` or `one-cycle`.
    pub kind: ScheduleKind,
    /// Epochs in which the rate rises from near 0.
    pub warmup: f64,
    /// The place of the highest rate of `one-cycle`, from 0 to 1.
    pub peak: f64,
    /// The places at which `step` lowers the rate, from 0 to 1.
    pub milestones: Vec<f64>,
    /// What `step` multiplies the rate with.
    pub factor: f64,
}

/// The course of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// It stays.
    Constant,
    /// It falls in steps.
    Step,
    /// It falls as a cosine does.
    Cosine,
    /// It rises and falls on straight lines.
    OneCycle,
}

impl Default for Model {
    fn default() -> Self {
        let usual = Options::default();
        Model {
            name: "resnet20".into(),
            fusion: usual.fusion.name().into(),
            epsilon: Fusion::DEFAULT_EPSILON,
            shortcut: usual.shortcut.to_string(),
            width: usual.width,
            dropout: None,
            backbone: None,
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        let (samples, validation, split_seed) = (0, None, 0);
        Data {
            set: "shapes".into(),
            size: None,
            samples,
            validation,
            split_seed,
            crop: 4,
            flip: true,
            cutout: 0,
            threads: 1,
        }
    }
}

impl Data {
    /// How many of so many training samples are held out: as many as `validation` says, or else a tenth, but 100 where that
    /// would be fewer, and never more than a fifth or than `samples` leaves.
    ///
    /// ```
    /// use evograd::train::Config;
    /// let data = Config::default().data;
    /// assert_eq!([50_000, 600, 200, 4].map(|samples| data.validation_of(samples)), [5_000, 100, 40, 0]);
    /// ```
    pub fn validation_of(&self, samples: usize) -> usize {
        let usual = (samples / 10).max(100).min(samples / 5).min(samples.saturating_sub(self.samples));
        self.validation.unwrap_or(usual)
    }
}

impl Default for Training {
    fn default() -> Self {
        Training {
            epochs: 20,
            batch: 128,
            seed: 0,
            label_smoothing: 0.0,
            disturb_label: 0.0,
            clip: 0.0,
            log_every: 50,
            checkpoint_seconds: 60.0,
            freeze: Vec::new(),
            init_from: None,
        }
    }
}

impl Default for Optimisation {
    fn default() -> Self {
        Optimisation {
            rule: UpdateRule::Sgd,
            rate: 0.4,
            momentum: 0.9,
            nesterov: true,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 5e-4,
            decay_all: true,
        }
    }
}

impl Default for Schedules {
    fn default() -> Self {
        Schedules { kind: ScheduleKind::OneCycle, warmup: 0.0, peak: 0.3, milestones: vec![0.5, 0.75], factor: 0.1 }
    }
}

impl Schedules {
    /// Refuses what does not lie within so many epochs, or comes in no order.
    fn check(&self, epochs: u32) -> Result<()> {
        let Schedules { kind, warmup, milestones, .. } = self;
        if *warmup > f64::from(epochs) {
            let problem = format!("schedule.warmup is {}", shown(*warmup));
            return Err(refuse(problem, &format!("use a number from 0 to {epochs}, of all epochs")));
        }
        let rises = milestones.windows(2).all(|pair| pair[0] < pair[1]) && !milestones.is_empty();
        if *kind == ScheduleKind::Step && !rises {
            let problem = format!("schedule.milestones is {milestones:?}");
            return Err(refuse(problem, "give one or more, each later than the one before, as [0.5, 0.75]"));
        }
        Ok(())
    }
}

impl Config {
    /// The settings as the text of a TOML file, with a comment where a key does not say all.
    ///
    /// ```
    /// use evograd::train::Config;
    /// let config = Config::parse("", &["training.epochs=3".into()])?;
    /// assert_eq!(Config::parse(&config.to_toml(), &[])?, config);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn to_toml(&self) -> String {
        annotated(&toml::to_string(self).expect("settings are tables of plain values"), &[])
    }

    /// Refuses settings that make no sense, before any data is read.
    ///
    /// # Errors
    /// When one does; the error names it.
    pub fn check(&self) -> Result<()> {
        self.fusion().map_err(|error| error.at("model.fusion"))?;
        self.model.shortcut.parse::<Shortcut>().map_err(|error| error.at("model.shortcut"))?;
        numbers::expect_in(self, &[&OF_MODEL, &OF_TRAINING])?;
        self.schedule.check(self.training.epochs)
    }

    /// The choices of the model, for images and classes of a set.
    ///
    /// ```
    /// use evograd::train::Config;
    /// let config = Config::parse("[model]\nwidth = 2.0\n[data]\ncrop = 4", &[])?;
    /// assert_eq!(config.options([3, 32, 32], 10)?.width, 2.0);
    /// assert_eq!(config.augment().crop, 4);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a name is unknown.
    pub fn options(&self, input: [usize; 3], classes: usize) -> Result<Options> {
        let Model { shortcut, width, dropout, backbone, .. } = &self.model;
        let fusion = self.fusion()?;
        let shortcut: Shortcut = shortcut.parse()?;
        Ok(Options { input, classes, fusion, shortcut, width: *width, dropout: *dropout, backbone: backbone.clone() })
    }

    /// How branches are fused, with the `ε` that stands with the name or beside it.
    fn fusion(&self) -> Result<Fusion> {
        let (usual, beside) = (Fusion::DEFAULT_EPSILON, self.model.epsilon);
        match self.model.fusion.parse()? {
            Fusion::SortRoot { epsilon } if epsilon == usual || beside == usual || epsilon == beside => {
                Ok(Fusion::SortRoot { epsilon: if epsilon == usual { beside } else { epsilon } })
            }
            other if beside == usual => Ok(other),
            other => {
                let problem = format!("model.epsilon is {beside}, but the fusion is {other}");
                Err(refuse(problem, "set model.epsilon for the fusion sort-root alone"))
            }
        }
    }

    /// The changes made to training images.
    pub fn augment(&self) -> Augment {
        Augment { crop: self.data.crop, flip: self.data.flip, cutout: self.data.cutout }
    }

    /// The optimiser's rule.
    pub fn rule(&self) -> Rule {
        let Optimisation { rule, momentum, nesterov, betas: [beta1, beta2], epsilon, .. } = self.optimizer;
        match rule {
            UpdateRule::Sgd => Rule::Sgd { momentum, nesterov },
            _ => Rule::Adam { beta1, beta2, epsilon, decoupled: rule == UpdateRule::AdamW },
        }
    }

    /// The weight decay of a weight.
    pub fn decay(&self, role: Role) -> f64 {
        if self.optimizer.decay_all || role == Role::Weight { self.optimizer.weight_decay } else { 0.0 }
    }

    /// The learning rate's course.
    pub fn course(&self) -> Schedule {
        let Schedules { kind, peak, milestones, factor, .. } = &self.schedule;
        match kind {
            ScheduleKind::Constant => Schedule::Constant,
            ScheduleKind::Step => Schedule::Step { milestones: milestones.clone(), factor: *factor },
            ScheduleKind::Cosine => Schedule::Cosine,
            ScheduleKind::OneCycle => Schedule::OneCycle { peak: *peak },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(settings: &[&str]) -> Result<Config> {
        Config::parse("", &settings.iter().map(|setting| setting.to_string()).collect::<Vec<_>>())
    }

    fn refused(setting: &[&str]) -> String {
        parsed(setting).unwrap_err().to_string()
    }

    #[test]
    fn every_setting_goes_where_it_belongs() {
        let config = parsed(&[
            "optimizer.rule=adamw",
            "optimizer.betas=[0.8, 0.99]",
            "optimizer.epsilon=1e-7",
            "optimizer.weight_decay=0.25",
            "optimizer.decay_all=false",
            "schedule.kind=step",
            "schedule.milestones=[0.3, 0.6]",
            "schedule.factor=0.5",
            "data.cutout=8",
            "model.fusion=sort-root",
            "model.epsilon=0.01",
            "model.shortcut=pad",
        ]);
        let config = config.unwrap();
        let rule = Rule::Adam { beta1: 0.8, beta2: 0.99, epsilon: 1e-7, decoupled: true };
        assert_eq!((config.rule(), config.optimizer.rate), (rule, 1e-3));
        assert_eq!([Role::Weight, Role::Bias, Role::Scale].map(|role| config.decay(role)), [0.25, 0.0, 0.0]);
        assert_eq!(config.course(), Schedule::Step { milestones: vec![0.3, 0.6], factor: 0.5 });
        assert_eq!(config.augment(), Augment { crop: 2, flip: true, cutout: 8 });
        let options = config.options([1, 8, 8], 4).unwrap();
        assert_eq!((options.fusion, options.shortcut), (Fusion::SortRoot { epsilon: 0.01 }, Shortcut::Pad));
        assert_eq!(Config::parse(&config.to_toml(), &[]).unwrap(), config);
    }

    #[test]
    fn what_is_usual_depends_on_the_model_the_rule_and_the_data() {
        let rate = |settings: &[&str]| parsed(settings).unwrap().optimizer.rate;
        assert_eq!(rate(&["model.name=resnet20"]), 0.4);
        assert_eq!(rate(&["model.name=lenet"]), 0.02);
        assert_eq!(rate(&["model.name=lenet", "optimizer.rule=adam"]), 1e-3);
        assert_eq!(rate(&["model.name=lenet", "optimizer.rate=2"]), 2.0);
        let digits = parsed(&["data.set=mnist"]).unwrap();
        assert_eq!(digits.augment(), Augment { crop: 2, flip: false, cutout: 0 });
        let rule = Rule::Sgd { momentum: 0.9, nesterov: true };
        assert_eq!((digits.rule(), digits.course()), (rule, Schedule::OneCycle { peak: 0.3 }));
    }

    /// What rounds to 0 or to infinity in `f32` is refused as 0 and infinity are.
    #[test]
    fn settings_are_checked_as_the_f32_that_they_are_used_as() {
        let adam =
            |setting: &str| ["epsilon", "betas"].iter().any(|key| setting.starts_with(&format!("optimizer.{key}")));
        let rule_of = |setting: &str| if adam(setting) { "optimizer.rule=adam" } else { "optimizer.rule=sgd" };
        let wrong = [
            "optimizer.epsilon=0",
            "optimizer.epsilon=1e-46",
            "optimizer.epsilon=1e39",
            "optimizer.epsilon=-1e-8",
            "model.epsilon=0",
            "model.epsilon=1e-46",
            "model.epsilon=1e39",
            "optimizer.rate=1e39",
            "optimizer.weight_decay=1e39",
            "optimizer.momentum=0.999999999",
            "optimizer.betas=[0.9, 0.999999999]",
            "model.dropout=0.999999999",
            "training.label_smoothing=1.0000001",
        ];
        for setting in wrong {
            let key = setting.split('=').next().unwrap();
            let text = refused(&["model.fusion=sort-root", rule_of(setting), setting]);
            assert!(text.contains(&format!("{key} is ")), "{setting}: {text}");
        }
        let right = ["optimizer.epsilon=1e-44", "model.epsilon=1e-44", "optimizer.rate=1e38"];
        right.iter().for_each(|setting| {
            assert!(parsed(&["model.fusion=sort-root", rule_of(setting), setting]).is_ok(), "{setting}")
        });
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        assert_eq!(
            refused(&["optimizer.momentum=5"]),
            "configuration: optimizer.momentum is 5; use a number from 0 to 0.999999"
        );
        assert_eq!(
            refused(&["schedule.warmup=30"]),
            "configuration: schedule.warmup is 30; use a number from 0 to 20, of all epochs"
        );
        assert_eq!(
            refused(&["optimizer.rate=-1"]),
            "configuration: optimizer.rate is -1; use a number of at least 0 that is finite in f32"
        );
        for milestones in ["[0.75, 0.5]", "[0.5, 0.5]", "[]"] {
            let text = refused(&["schedule.kind=step", &format!("schedule.milestones={milestones}")]);
            assert_eq!(
                text,
                format!(
                    "configuration: schedule.milestones is {milestones}; give one or more, each later than the one before, as \
                     [0.5, 0.75]"
                )
            );
        }
        assert_eq!(
            refused(&["model.epsilon=0.01", "model.fusion=sort"]),
            "configuration: model.epsilon is set, and model.fusion is sort, which has no use for it; leave it out, or set \
             model.fusion to sort-root"
        );
        assert!(refused(&["model.epsilon=0.01", "model.fusion=sort-root(0.1)"]).contains("model.epsilon is 0.01"));
        assert!(refused(&["schedule.milestones=[0.5, 2]"]).starts_with("configuration: schedule.milestones is 2;"));
        let own = parsed(&["model.fusion=sort-root(0.1)"]).unwrap().options([3, 8, 8], 2).unwrap();
        assert_eq!(own.fusion, Fusion::SortRoot { epsilon: 0.1 });
    }
}
