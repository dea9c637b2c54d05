//! The settings of a search, as a TOML file has them: those of a training run for each candidate, and those of the search strategy.

use super::graphs::graph_count;
use super::length::{Length, VALIDATION, hundredths, steps};
use super::numbers::OF_SEARCH;
use super::readers::READERS;
use super::settings::{Calibration, Confirmation, Networks, Strategy};
use crate::error::{Error, Result};
use crate::models::genetic_cnn::Backbone;
use crate::ops::Fusion;
use crate::train::notes::annotated;
use crate::train::numbers::{self, OF_TRAINING};
use crate::train::read_config::{Known, complete as complete_training, is_adaptive, read_settings};
use crate::train::unread;
use crate::train::{Changed, Config, Data, Model, Optimisation, Schedules, SettingsFile, Training, changed_settings};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// All settings of a search.
///
/// ```
/// use evograd::search::SearchConfig;
/// let config = SearchConfig::parse("[search]\npopulation = 9", &["networks.stages=[3, 4]".into()])?;
/// assert_eq!((config.search.population, config.networks.backbone.filters), (9, vec![8, 16]));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// How networks are evolved.
    pub search: Strategy,
    /// Which networks are evolved.
    pub networks: Networks,
    /// What each is trained on.
    pub data: Data,
    /// For how long each is trained.
    pub training: Training,
    /// How its weights follow gradients.
    pub optimizer: Optimisation,
    /// How its learning rate moves.
    pub schedule: Schedules,
    /// Of a calibration, what is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Of a confirmation, what is trained again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
}

/// What a key means, where its name does not say all.
const NOTES: [(&str, &str); 24] = [
    ("search.method", "evolution, paper, aging, predictor or random"),
    ("search.budget", "trainings, as 100, or core time, as 1.5h"),
    ("search.population", "individuals in a generation"),
    ("search.children", "offspring for each place, of which the most promising is trained"),
    ("search.crossover", "crossover probability of a pair"),
    ("search.crossover_stage", "probability that each of its stages is swapped"),
    ("search.mutation", "mutation probability of one that was not crossed"),
    ("search.mutation_bit", "probability that each bit of it flips"),
    ("search.selection", "roulette or tournament"),
    ("search.tournament", "individuals in a tournament"),
    ("search.elite", "fittest individuals that survive unchanged"),
    ("search.workers", "networks trained in parallel; 0 for one on each core"),
    ("networks.stages", "nodes in each stage"),
    ("networks.fusion", "sum, product, max, sum+max, sort or sort-root"),
    ("networks.epsilon", "ε in sort-root's √(R(x)·R(f) + ε)"),
    ("networks.width", "width multiplier: scales every number of channels"),
    ("networks.backbone.filters", "filters in each stage"),
    ("networks.backbone.kernel", "side of the filters of each stage's first convolution"),
    ("networks.backbone.padding", "padding of each stage's first convolution"),
    ("networks.backbone.pool", "side of the pool behind each stage"),
    ("networks.backbone.features", "outputs of the first linear layer"),
    ("calibration.codes", "drawn at random, each graph at most once"),
    ("calibration.sampling", "uniform: by fair coins; mixed: few and all edges and a chain too"),
    ("calibration.budgets", "epochs, S, M, L, or images as 60k; x2 for two trainings of each"),
];

impl SearchConfig {
    /// Settings from the text of a TOML file, with some of them set anew as `section.key=value`.
    ///
    /// # Errors
    /// When the text is no TOML, a key is unknown, or a value is not of its kind or makes no sense.
    pub fn parse(text: &str, set: &[String]) -> Result<SearchConfig> {
        let known = Known { numbers: &[&OF_SEARCH, &OF_TRAINING], readers: &[&READERS, &unread::OF_TRAINING] };
        let config: SearchConfig = read_settings(text, set, known, complete)?;
        config.check()?;
        Ok(config)
    }

    /// As [`SearchConfig::parse`], of a file.
    ///
    /// # Errors
    /// When the file cannot be read; and as [`SearchConfig::parse`].
    pub fn read(path: &Path, set: &[String]) -> Result<SearchConfig> {
        let file = SettingsFile::read(path)?;
        SearchConfig::parse(file.text(), set).map_err(|error| file.place(error, set))
    }

    /// Settings of trainings of some length, as `section.key=value`, for [`SearchConfig::parse`]; with a rung, as many images
    /// are held out as it takes to tell networks apart.
    pub fn of_length(length: Length) -> Vec<String> {
        let (samples, epochs) = length.samples_and_epochs();
        let mut all = vec![format!("training.epochs={epochs}")];
        if let Length::Images(_) = length {
            all.extend([format!("data.samples={samples}"), format!("data.validation={VALIDATION}")]);
        }
        all
    }

    /// The same for trainings of another length, with a learning rate that follows the number of steps as it does by default.
    #[must_use]
    pub fn with_length(&self, length: Length) -> SearchConfig {
        let mut config = self.clone();
        match length {
            Length::Epochs(epochs) => config.training.epochs = epochs,
            Length::Images(_) => (config.data.samples, config.training.epochs) = length.samples_and_epochs(),
        }
        config.optimizer.rate = config.optimizer.rate * hundredths_of(&config) / hundredths_of(self);
        config
    }

    /// The settings as the text of a TOML file, with a comment where a key does not say all.
    pub fn to_toml(&self) -> String {
        annotated(&toml::to_string(self).expect("settings are tables of plain values"), &NOTES)
    }

    /// What is not the same in other settings, as `section.key` with both values, but for what changes no result.
    ///
    /// # Errors
    /// Never, as long as settings are written as tables.
    pub fn differences(&self, other: &SearchConfig) -> Result<Vec<(String, [String; 2])>> {
        let changed = changed_settings(&self.to_toml(), &other.to_toml())?;
        Ok(changed.into_iter().map(|Changed { key, then, now }| (key, [then, now])).collect())
    }

    /// The settings of the training of one candidate.
    pub fn training(&self) -> Config {
        let Networks { fusion, epsilon, width, dropout, backbone, .. } = self.networks.clone();
        let (dropout, backbone) = (Some(dropout), Some(backbone));
        let model = Model { name: "genet1".into(), fusion, epsilon, width, dropout, backbone, ..Model::default() };
        let SearchConfig { data, training, optimizer, schedule, .. } = self.clone();
        Config { model, data, training, optimizer, schedule }
    }

    /// The networks that are trained in parallel.
    pub fn workers(&self) -> usize {
        match self.search.workers {
            0 => crate::par::threads(),
            workers => workers,
        }
    }

    /// Refuses settings that make no sense, before any data is read.
    ///
    /// # Errors
    /// When one does; the error names it.
    pub fn check(&self) -> Result<()> {
        let refuse = |problem: String, remedy: &str| Err(Error::op("configuration", problem, &[], remedy));
        numbers::expect_in(self, &[&OF_SEARCH, &OF_TRAINING])?;
        if !self.training.freeze.is_empty() {
            let problem = format!(
                "training.freeze is {:?}, and a search trains networks from their first weights",
                self.training.freeze
            );
            return refuse(problem, "leave it out");
        }
        let Strategy { population, elite, .. } = &self.search;
        if elite >= population {
            let problem = format!("search.population is {population} and search.elite {elite}");
            return refuse(problem, "let fewer individuals stay than there are");
        }
        let Networks { stages, backbone, .. } = &self.networks;
        self.networks.fusion.parse::<Fusion>().map_err(|error| error.at("networks.fusion"))?;
        if !(1..=8).contains(&stages.len()) {
            return refuse(format!("networks.stages is {stages:?}"), "give 1 to 8 stages of 2 to 10 nodes");
        }
        if backbone.filters.len() != stages.len() {
            let problem = format!("networks.backbone.filters is {:?}, networks.stages {stages:?}", backbone.filters);
            return refuse(problem, "give a number of filters for each stage");
        }
        if self.data.validation == Some(0) {
            return Err(nothing_held_out());
        }
        if self.training.init_from.is_some() {
            let problem = "training.init_from is of one network, and a search trains many";
            return refuse(problem.into(), "leave it out");
        }
        if let Some(Calibration { budgets, .. }) = &self.calibration
            && budgets.iter().map(|budget| budget.times).sum::<u32>() < 2
        {
            let trainings: Vec<String> = budgets.iter().map(ToString::to_string).collect();
            return refuse(format!("calibration.budgets is {trainings:?}"), "use at least two trainings of each code");
        }
        if let Some((Calibration { codes, .. }, count)) = self.calibration.as_ref().zip(graph_count(stages))
            && *codes as u64 > count
        {
            let problem =
                format!("calibration.codes is {codes}, and stages of {stages:?} nodes have {count} different graphs");
            return refuse(problem, "ask for no more --networks, or for more nodes");
        }
        if let Some(confirmation) = &self.confirmation {
            confirmation.check()?;
        }
        self.training().check()
    }
}

/// Sets what is usual for the stages and the data that were chosen, where nothing else was: a training that is short and yet
/// tells networks apart, and what is usual for any training.
fn complete(table: &mut toml::Table) -> Result<()> {
    let stages = table.get("networks").and_then(|networks| networks.get("stages")?.as_array()).map(Vec::len);
    let backbone = Backbone::cifar10(stages.unwrap_or(Networks::default().stages.len()));
    // Without crops and clipping networks come further in so few steps.
    let usual = [
        ("data", "samples", toml::Value::Integer(2800)),
        ("data", "validation", toml::Value::Integer(2000)),
        ("training", "epochs", toml::Value::Integer(3)),
        ("training", "batch", toml::Value::Integer(32)),
        ("data", "crop", toml::Value::Integer(0)),
    ];
    for (section, key, value) in usual {
        keep_or_set(table.entry(section).or_insert_with(|| toml::Table::new().into()), key, value);
    }
    set_step_size(table);
    let networks = table.entry("networks").or_insert_with(|| toml::Table::new().into());
    keep_or_set(networks, "backbone", toml::Table::new().into());
    let own = toml::Table::try_from(backbone).expect("a backbone is plain data");
    if let Some(given) = networks.get_mut("backbone") {
        own.into_iter().for_each(|(key, value)| keep_or_set(given, &key, value));
    }
    complete_training(table)
}

fn hundredths_of(config: &SearchConfig) -> f64 {
    hundredths(steps(config.data.samples as f64, config.training.epochs.into(), config.training.batch as f64))
}

/// A low rate that follows the steps; with less momentum than usual two seeds differ less. Adaptive rules have their own.
fn set_step_size(table: &mut toml::Table) {
    if table.get("optimizer").is_some_and(|section| section.get("rule").is_some_and(is_adaptive)) {
        return;
    }
    let number = |section: &str, key: &str| {
        let value = table.get(section)?.get(key)?;
        value.as_integer().map(|number| number as f64).or(value.as_float())
    };
    let steps = number("data", "samples")
        .zip(number("training", "epochs"))
        .zip(number("training", "batch"))
        .and_then(|((samples, epochs), batch)| steps(samples, epochs, batch));
    let rate = hundredths(steps) / 100.0;
    let section = table.entry("optimizer").or_insert_with(|| toml::Table::new().into());
    keep_or_set(section, "rate", toml::Value::Float(rate));
    keep_or_set(section, "momentum", toml::Value::Float(0.8));
}

fn keep_or_set(section: &mut toml::Value, key: &str, value: toml::Value) {
    if let Some(section) = section.as_table_mut() {
        section.entry(key).or_insert(value);
    }
}

/// That nothing is there to measure fitness on.
pub(super) fn nothing_held_out() -> Error {
    let problem = "data.validation is 0, and fitness is measured on images held out";
    Error::op("configuration", problem, &[], "hold some out, such as 1000; the test set is never looked at")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(settings: &[&str]) -> Result<SearchConfig> {
        SearchConfig::parse("", &settings.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn settings_come_back_from_their_text_and_notes_belong_to_keys() {
        let calibration = r#"calibration.budgets=["2x2", "M", "60kx3"]"#;
        for settings in [&[][..], &["search.budget=\"1.5h\"", "networks.stages=[3, 5]"], &[calibration]] {
            let config = parsed(settings).unwrap();
            assert_eq!(SearchConfig::parse(&config.to_toml(), &[]).unwrap(), config, "{settings:?}");
        }
        let text = parsed(&[calibration, "calibration.sampling=mixed"]).unwrap().to_toml();
        for (name, note) in NOTES {
            let key = name.rsplit('.').next().unwrap();
            let lines: Vec<&str> = text.lines().collect();
            let noted = |place: usize| lines[place].ends_with(note) || lines[place - 1] == format!("# {note}");
            assert!((1..lines.len()).any(|n| lines[n].starts_with(&format!("{key} = ")) && noted(n)), "{key}");
        }
    }

    /// Calibrations that were begun before networks could be drawn in another way go on.
    #[test]
    fn a_calibration_by_fair_coins_is_written_as_it_always_was() {
        let text = parsed(&["calibration.codes=9"]).unwrap().to_toml();
        assert!(text.contains("codes = 9") && !text.contains("sampling"), "{text}");
    }

    #[test]
    fn a_search_freezes_nothing() {
        let error = parsed(&["training.freeze=['conv1.*']"]).unwrap_err().to_string();
        let expected = "configuration: training.freeze is [\"conv1.*\"], and a search trains networks from their first \
            weights; leave it out";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn what_is_usual_depends_on_the_stages_and_the_data() {
        let config = parsed(&["networks.stages=[3, 4]", "data.set=mnist", "networks.backbone.kernel=3"]).unwrap();
        let Backbone { filters, kernel, .. } = config.networks.backbone;
        assert_eq!((filters, kernel, config.data.flip), (vec![8, 16], 3, false));
        assert_eq!(parsed(&[]).unwrap().networks.backbone, Backbone::cifar10(3));
        let own = parsed(&["networks.backbone.filters=[4, 5, 6]"]).unwrap().networks.backbone;
        assert_eq!(own, Backbone { filters: vec![4, 5, 6], ..Backbone::cifar10(3) });
    }

    /// The model of a candidate's training is what the search says of its networks.
    #[test]
    fn a_candidate_is_trained_as_the_search_says() {
        let config =
            parsed(&["networks.fusion=sort-root", "networks.epsilon=0.01", "networks.width=2", "training.seed=7"]);
        let training = config.unwrap().training();
        let options = training.options([3, 32, 32], 10).unwrap();
        assert_eq!((options.fusion, options.width), (Fusion::SortRoot { epsilon: 0.01 }, 2.0));
        assert_eq!((options.backbone, training.training.seed), (Some(Backbone::cifar10(3)), 7));
    }

    /// 625, 3,750 and 10,000 steps.
    #[test]
    fn the_rate_follows_the_steps() {
        let config = SearchConfig::parse("", &["data.samples=20000".into(), "training.epochs=1".into()]).unwrap();
        assert_eq!(config.optimizer.rate, 0.03);
        let rates = [20_000, 120_000, 320_000].map(|images| config.with_length(Length::Images(images)).optimizer.rate);
        assert_eq!(rates, [0.03, 0.04, 0.04]);
        let back = config.with_length(Length::Images(120_000)).with_length(Length::Images(20_000));
        assert_eq!(back, config);
        assert!((hundredths(Some(1732.05)) - 3.5).abs() < 1e-4);
    }
}
