//! The settings of a run, as a TOML file has them. Every key has a usual value; unknown keys are refused.

use crate::data::{self, Augment};
use crate::error::{Error, Result};
use crate::models::{self, Options, Shortcut};
use crate::nn::Role;
use crate::ops::Fusion;
use crate::optim::Rule;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::path::Path;

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// Its name, as `evograd inspect models` lists them.
    pub name: String,
    /// How branches are joined: `sum`, `product`, `max`, `sum+max`, `sort` or `sort-root`.
    pub fusion: String,
    /// The `ε` of `sort-root`.
    pub epsilon: f64,
    /// How residual blocks shorten their input: `conv` or `pad`.
    pub shortcut: String,
    /// What every number of channels is multiplied with.
    pub width: f64,
    /// The probability of dropout, instead of the model's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
}

/// What is trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// The set's name, as `evograd data list` has them.
    pub set: String,
    /// Training samples used, every class with its share; 0 for all.
    pub samples: usize,
    /// Training samples held out to choose by, every class with its share.
    pub validation: usize,
    /// The seed of the split.
    pub split_seed: u64,
    /// Black pixels around a picture, of which a piece is cut at random; without any, what is usual for the set.
    pub crop: usize,
    /// Whether pictures are mirrored at random; without any, what is usual for the set.
    pub flip: bool,
    /// The side of the square that is cut out, in pixels.
    pub cutout: usize,
    /// Threads that make batches.
    pub threads: usize,
}

/// For how long, and with which regularisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// Times that all training samples are gone through.
    pub epochs: u32,
    /// Samples in a step.
    pub batch: usize,
    /// The seed of weights, order, augmentation and dropout.
    pub seed: u64,
    /// The share of each target that is spread over all classes.
    pub label_smoothing: f64,
    /// The probability that a label is drawn anew, as DisturbLabel has it.
    pub disturb_label: f64,
    /// The greatest norm of a gradient; longer ones are shortened to it. 0 for no limit.
    pub clip: f64,
    /// Steps from one row of metrics to the next.
    pub log_every: u64,
    /// Seconds from one checkpoint to the next; there is one after each epoch in any case.
    pub checkpoint_seconds: f64,
}

/// How weights follow gradients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimisation {
    /// `sgd`, `adam` or `adamw`.
    pub rule: UpdateRule,
    /// The highest learning rate; without any, 0.4 for models with batch normalisation, 0.05 for others, 0.001 for
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
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        let (samples, validation, split_seed) = (0, 0, 0);
        Data { set: "shapes".into(), samples, validation, split_seed, crop: 4, flip: true, cutout: 0, threads: 1 }
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

impl Config {
    /// Settings from the text of a TOML file, with some of them set anew as `section.key=value`.
    ///
    /// # Errors
    /// When the text is no TOML, a key is unknown, or a value is not of its kind or makes no sense.
    pub fn parse(text: &str, set: &[String]) -> Result<Config> {
        let broken = |error: toml::de::Error| refuse(one_line(&error.to_string()), "mend the configuration");
        let mut table: toml::Table = toml::from_str(text).map_err(broken)?;
        set.iter().try_for_each(|assignment| assign(&mut table, assignment))?;
        complete(&mut table)?;
        let config: Config = table.try_into().map_err(|error: toml::de::Error| {
            refuse(one_line(error.message()), "use the keys that `evograd train --dry-run` prints")
        })?;
        config.check()?;
        Ok(config)
    }

    /// As [`Config::parse`], of a file.
    ///
    /// # Errors
    /// When the file cannot be read; and as [`Config::parse`].
    pub fn read(path: &Path, set: &[String]) -> Result<Config> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error, "name a TOML file"))?;
        Config::parse(&text, set).map_err(|error| error.at(path.display()))
    }

    /// The settings as the text of a TOML file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are tables of plain values")
    }

    /// Refuses settings that make no sense, before any data is read.
    fn check(&self) -> Result<()> {
        let (training, optimizer) = (&self.training, &self.optimizer);
        let positive = [("training.epochs", f64::from(training.epochs)), ("training.batch", training.batch as f64)];
        let positive =
            positive.into_iter().chain([("model.width", self.model.width), ("data.threads", self.data.threads as f64)]);
        for (key, value) in positive.chain([("training.log_every", training.log_every as f64)]) {
            expect(key, value, value > 0.0, "above 0")?;
        }
        let shares = [
            ("training.label_smoothing", training.label_smoothing),
            ("training.disturb_label", training.disturb_label),
        ];
        for (key, value) in shares {
            expect(key, value, (0.0..=1.0).contains(&value), "from 0 to 1")?;
        }
        let below_one = [("optimizer.betas", optimizer.betas[0]), ("optimizer.betas", optimizer.betas[1])];
        for (key, value) in below_one.into_iter().chain(self.model.dropout.map(|p| ("model.dropout", p))) {
            expect(key, value, (0.0..1.0).contains(&value), "of at least 0 and below 1")?;
        }
        let peak = self.schedule.peak;
        expect("schedule.peak", peak, peak > 0.0 && peak < 1.0, "above 0 and below 1")?;
        let others = [
            ("training.clip", training.clip),
            ("training.checkpoint_seconds", training.checkpoint_seconds),
            ("optimizer.rate", optimizer.rate),
            ("optimizer.momentum", optimizer.momentum),
            ("optimizer.epsilon", optimizer.epsilon),
            ("optimizer.weight_decay", optimizer.weight_decay),
            ("schedule.warmup", self.schedule.warmup),
            ("schedule.factor", self.schedule.factor),
        ];
        others.into_iter().try_for_each(|(key, value)| expect(key, value, value >= 0.0, "of at least 0"))
    }

    /// The choices of the model, for pictures and classes of a set.
    ///
    /// # Errors
    /// When a name is unknown.
    pub fn options(&self, input: [usize; 3], classes: usize) -> Result<Options> {
        let Model { fusion, epsilon, shortcut, width, dropout, .. } = &self.model;
        let fusion = match fusion.parse()? {
            Fusion::SortRoot { epsilon: usual } if usual == Fusion::DEFAULT_EPSILON => {
                Fusion::SortRoot { epsilon: *epsilon }
            }
            other => other,
        };
        let shortcut: Shortcut = shortcut.parse()?;
        Ok(Options { input, classes, fusion, shortcut, width: *width, dropout: *dropout })
    }

    /// The changes made to training pictures.
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

/// Sets what is usual for the model, the data and the rule that were chosen, where nothing else was.
fn complete(table: &mut toml::Table) -> Result<()> {
    let text = |table: &toml::Table, section: &str, key: &str| {
        table.get(section).and_then(|section| section.get(key)?.as_str()).map(str::to_string)
    };
    let name = text(table, "model", "name").unwrap_or(Model::default().name);
    let set = text(table, "data", "set").unwrap_or(Data::default().set);
    let adaptive = text(table, "optimizer", "rule").is_some_and(|rule| rule.starts_with("adam"));
    let augment = data::info(&set)?.augment;
    let usual = [
        ("optimizer", "rate", toml::Value::Float(usual_rate(&name, adaptive)?)),
        ("data", "crop", toml::Value::Integer(augment.crop as i64)),
        ("data", "flip", toml::Value::Boolean(augment.flip)),
    ];
    for (section, key, value) in usual {
        let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
        if let Some(section) = section.as_table_mut() {
            section.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// A learning rate that a model of this kind learns at: networks with batch normalisation bear a much higher one.
fn usual_rate(model: &str, adaptive: bool) -> Result<f64> {
    let found = models::model(model)?;
    let plan = models::spec(model, &found.options())?.plan()?;
    Ok(match (adaptive, plan.is_normalised()) {
        (true, _) => 1e-3,
        (false, true) => 0.4,
        (false, false) => 0.05,
    })
}

/// Sets `a.b` in a table from `a.b=value`. What is no TOML value is a text.
fn assign(table: &mut toml::Table, assignment: &str) -> Result<()> {
    let Some((key, value)) = assignment.split_once('=') else {
        return Err(refuse(format!("{assignment:?} sets nothing"), "write section.key=value"));
    };
    let Some((section, key)) = key.trim().split_once('.') else {
        return Err(refuse(format!("{:?} has no section", key.trim()), "write section.key=value"));
    };
    let value = value.trim();
    let parsed =
        toml::from_str::<toml::Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"));
    let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_string()));
    let entry = table.entry(section).or_insert_with(|| toml::Table::new().into());
    let Some(section) = entry.as_table_mut() else {
        return Err(refuse(format!("{section} is no section"), "write section.key=value"));
    };
    section.insert(key.to_string(), value);
    Ok(())
}

fn expect(key: &str, value: f64, holds: bool, what: &str) -> Result<()> {
    if holds && value.is_finite() {
        return Ok(());
    }
    Err(refuse(format!("{key} is {value}"), &format!("use a number {what}")))
}

fn refuse(problem: String, remedy: &str) -> Error {
    Error::op("configuration", problem, &[], remedy)
}

/// A message of several lines, as the TOML reader gives, in one.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
