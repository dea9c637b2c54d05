//! Arguments that say what is searched, for every command that trains candidates.

use crate::cli::origin::Origin;
use crate::cli::run_folder::Kind;
use crate::cli::values::{setting, text, whole, written};
use anyhow::{Result, bail};
use evograd::Fusion;
use evograd::models::genetic_cnn::Backbone;
use evograd::search::{Length, SearchConfig};
use std::path::PathBuf;

/// What is searched.
#[derive(clap::Args, Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The data set, as `evograd data list` has them [default: shapes]
    #[arg(long, value_name = "SET")]
    data: Option<String>,
    /// Backbone around the stages, with the paper's numbers of nodes: cifar10, or mnist for images of 28×28 [default: cifar10]
    #[arg(long, value_name = "NAME", value_parser = ["cifar10", "mnist"])]
    backbone: Option<String>,
    /// Nodes of each stage [default: 3,4,5; 3,4 for exhaustive search]
    #[arg(long, value_name = "K,K,…", value_delimiter = ',', value_parser = setting::<usize>("networks.stages"))]
    stages: Option<Vec<usize>>,
    /// Filters of each stage [default: 8,16,32]
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', value_parser = setting::<usize>("networks.backbone.filters"))]
    filters: Option<Vec<usize>>,
    /// Fusion of a node's inputs: sum, product, max, sum+max, sort or sort-root [default: sum]
    #[arg(long, value_name = "FUSION", value_parser = written::<Fusion>)]
    fusion: Option<Fusion>,
    /// What --fusion was called.
    #[arg(long = "join", hide = true, value_name = "FUSION", value_parser = renamed)]
    _join: Option<String>,
    /// Training budget of each candidate, in images seen: S for 20,000, M for 120,000, L for 320,000, or a number such as 60k;
    /// 10,000 others are held out
    #[arg(long, value_name = "RUNG", value_parser = written::<Length>, conflicts_with_all = ["samples", "epochs"])]
    rung: Option<Length>,
    /// Training images for each candidate; 0 for all [default: 2800]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("data.samples"))]
    samples: Option<usize>,
    /// Training images held out; fitness is the accuracy on them [default: 2000]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("data.validation"))]
    validation: Option<usize>,
    /// Training epochs of each candidate [default: 3]
    #[arg(long, value_name = "N", value_parser = setting::<u32>("training.epochs"))]
    pub(super) epochs: Option<u32>,
    /// Batch size [default: 32]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("training.batch"))]
    batch: Option<usize>,
    /// Peak learning rate [default: 0.03, up to 0.04 from 3000 steps on; 0.001 for adam and adamw]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, value_parser = setting::<f64>("optimizer.rate"))]
    rate: Option<f64>,
    /// Seed of evolution and training [default: 0]
    #[arg(long, value_parser = whole::<u64>(0, (i64::MAX / 2) as u64))]
    pub seed: Option<u64>,
    /// Settings in TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting; may be repeated, and overrides the file and all other arguments
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

/// Whether a setting belongs to another command than that of this kind.
fn is_unread(key: &str, kind: Kind) -> bool {
    let of_evolution = key.starts_with("search.") && !["search.seed", "search.workers"].contains(&key);
    of_evolution && kind != Kind::Search
        || key.starts_with("calibration.") && kind != Kind::Calibration
        || key.starts_with("confirmation.") && kind != Kind::Confirmation
}

/// Refuses the old name of --fusion.
pub(super) fn renamed(_: &str) -> std::result::Result<String, &'static str> {
    Err("--join is called --fusion now")
}

impl Settings {
    /// Nothing but this seed.
    pub fn of_seed(seed: Option<u64>) -> Settings {
        Settings { seed, ..Settings::default() }
    }

    /// The same with these nodes of each stage, where nothing says other ones.
    pub fn or_stages(&self, stages: &[usize]) -> Settings {
        let is_said = self.stages.is_some() || self.backbone.is_some() || self.config.is_some();
        let keys = ["networks=", "networks.stages", "networks.backbone=", "networks.backbone.filters"];
        let is_set = self.set.iter().any(|set| keys.iter().any(|key| set.trim_start().starts_with(key)));
        let stages = if is_said || is_set { self.stages.clone() } else { Some(stages.to_vec()) };
        Settings { stages, ..self.clone() }
    }

    /// The settings that the name of a backbone stands for.
    fn backbone(&self) -> Vec<String> {
        let (stages, Backbone { filters, kernel, padding, pool, features }) = match self.backbone.as_deref() {
            None => return Vec::new(),
            Some("mnist") => ("[3, 5]", Backbone::mnist()),
            Some(_) => ("[3, 4, 5]", Backbone::cifar10(3)),
        };
        let numbers = [("kernel", kernel), ("padding", padding), ("pool", pool), ("features", features)];
        let numbers = numbers.map(|(key, number)| format!("networks.backbone.{key}={number}"));
        let lists = [format!("networks.stages={stages}"), format!("networks.backbone.filters={filters:?}")];
        lists.into_iter().chain(numbers).collect()
    }

    /// Whether `--set` sets this.
    pub fn is_set(&self, key: &str) -> bool {
        self.set.iter().any(|set| set.split('=').next().is_some_and(|name| name.trim() == key))
    }

    /// Refuses single settings of another command than that of this kind.
    pub fn expect_read(&self, kind: Kind) -> Result<()> {
        let mut keys = self.set.iter().filter_map(|assignment| assignment.split('=').next().map(str::trim));
        match keys.find(|key| is_unread(key, kind)) {
            Some(key) => bail!("--set {key}: {} has no use for it; leave it out", kind.command()),
            None => Ok(()),
        }
    }

    /// What a file sets to other values than the defaults for another command than that of this kind: the file may well have been made for
    /// both, so these are warnings.
    pub fn unread_of_file(&self, kind: Kind) -> Result<Vec<String>> {
        // A pipe can be read but once.
        let Some(path) = self.config.as_ref().filter(|path| path.is_file()) else { return Ok(Vec::new()) };
        let differences = SearchConfig::default().differences(&SearchConfig::read(path, &[])?)?;
        let keys: Vec<&str> =
            differences.iter().map(|(key, _)| key.as_str()).filter(|key| is_unread(key, kind)).collect();
        let warning = || format!("{}: {} has no use for {}", path.display(), kind.command(), keys.join(", "));
        Ok((!keys.is_empty()).then(warning).into_iter().collect())
    }

    /// The settings: those of the file, then those of single arguments and `more`, then those of `--set`.
    pub fn config(&self, more: &[(&str, Option<String>)]) -> Result<SearchConfig> {
        Ok(self.origin(more)?.parsed(SearchConfig::parse)?)
    }

    /// Where they are written.
    pub fn origin(&self, more: &[(&str, Option<String>)]) -> Result<Origin> {
        let list = |numbers: &Option<Vec<usize>>| numbers.as_ref().map(|numbers| format!("{numbers:?}"));
        let number = |number: Option<usize>| number.map(|number| number.to_string());
        let seed = self.seed.map(|seed| seed.to_string());
        let given = [
            ("data.set", self.data.as_deref().map(text)),
            ("networks.stages", list(&self.stages)),
            ("networks.backbone.filters", list(&self.filters)),
            ("networks.fusion", self.fusion.map(|fusion| fusion.to_string())),
            ("data.samples", number(self.samples)),
            ("data.validation", number(self.validation)),
            ("training.epochs", self.epochs.map(|epochs| epochs.to_string())),
            ("training.batch", number(self.batch)),
            ("optimizer.rate", self.rate.map(|rate| format!("{rate:?}"))),
            ("search.seed", seed.clone()),
            ("training.seed", seed),
        ];
        let given = given.into_iter().chain(more.iter().cloned());
        let given = given.filter_map(|(key, value)| Some(format!("{key}={}", value?)));
        let of_rung = self.rung.map_or_else(Vec::new, SearchConfig::of_length);
        let all: Vec<String> =
            self.backbone().into_iter().chain(of_rung).chain(given).chain(self.set.iter().cloned()).collect();
        Ok(Origin::of(self.config.as_deref(), all)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_a_file_for_other_commands_are_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("c.toml");
        let text = "[search]\npopulation = 9\nseed = 3\n[calibration]\ncodes = 5\n[training]\nepochs = 2\n";
        std::fs::write(&config, text).unwrap();
        let warned = |kind: Kind| {
            let settings = Settings { config: Some(config.clone()), ..Settings::default() };
            settings.unread_of_file(kind).unwrap().join("\n")
        };
        let [search, exhaust, calibration] = [Kind::Search, Kind::Exhaust, Kind::Calibration].map(warned);
        assert!(search.contains("has no use for calibration.") && !search.contains("population"), "{search}");
        assert!(exhaust.contains("search.population") && exhaust.contains("calibration.codes"), "{exhaust}");
        assert!(!exhaust.contains("epochs") && !exhaust.contains("seed"), "{exhaust}");
        assert!(calibration.ends_with("evograd search calibrate has no use for search.population"), "{calibration}");
        assert!(Settings::default().unread_of_file(Kind::Search).unwrap().is_empty());
    }

    #[test]
    fn settings_of_other_commands_are_refused() {
        let read = |kind: Kind, set: &str| Settings { set: vec![set.into()], ..Settings::default() }.expect_read(kind);
        for (set, kinds) in [
            ("search.population=5", &[Kind::Search][..]),
            ("search.method=paper", &[Kind::Search]),
            ("search.workers=2", &[Kind::Search, Kind::Exhaust, Kind::Calibration]),
            ("search.seed=2", &[Kind::Search, Kind::Exhaust, Kind::Calibration]),
            ("calibration.codes=5", &[Kind::Calibration]),
            ("confirmation.seeds=5", &[]),
            ("training.epochs=5", &[Kind::Search, Kind::Exhaust, Kind::Calibration]),
        ] {
            for kind in [Kind::Search, Kind::Exhaust, Kind::Calibration] {
                assert_eq!(read(kind, set).is_ok(), kinds.contains(&kind), "{kind:?} {set}");
            }
        }
        let text = read(Kind::Exhaust, "search.elite = 1").unwrap_err().to_string();
        assert_eq!(text, "--set search.elite: evograd search exhaust has no use for it; leave it out");
    }
}
