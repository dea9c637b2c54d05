//! A table from the journals of calibrations and exhaustive searches.

use super::{TrainingRow, TrainingTable, place};
use crate::error::{Error, Result};
use crate::models::genetic_cnn::canonical;
use crate::record::{BeginRow, EvaluationRow, SearchRow, outcome};
use crate::search::config::SearchConfig;
use crate::search::length::{Length, Repeated};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Settings that rows may differ in: lengths and seeds are columns, the others change no result.
const APART: [&str; 6] = [
    "data.samples",
    "data.threads",
    "training.epochs",
    "training.seed",
    "training.log_every",
    "training.checkpoint_seconds",
];
/// The sections that say how a network is trained.
const RECIPE: [&str; 5] = ["networks", "data", "training", "optimizer", "schedule"];

/// A folder whose trainings go into a table.
#[derive(Clone, Debug)]
pub struct TableSource {
    /// The folder.
    pub folder: PathBuf,
    /// The rows of its journal.
    pub rows: Vec<SearchRow>,
    /// The command that made it, as a shell takes it; empty where nobody knows.
    pub command: String,
}

/// What a folder holds.
struct Folder<'a> {
    source: &'a TableSource,
    begin: &'a BeginRow,
    config: SearchConfig,
    recipe: BTreeMap<String, String>,
}

impl TrainingTable {
    /// The trainings of calibrations and exhaustive searches, finished or not.
    ///
    /// # Errors
    /// When a folder holds something else or no training, the folders differ in how they trained or in their data, or one
    /// training came to two results.
    pub fn gather(sources: &[TableSource]) -> Result<TrainingTable> {
        let folders = sources.iter().map(Folder::of).collect::<Result<Vec<_>>>()?;
        let Some(first) = folders.first() else {
            return Err(Error::op("search table", "there is no folder", &[], "name that of a calibration"));
        };
        folders[1..].iter().try_for_each(|folder| folder.expect_like(first))?;
        let mut rows = Vec::new();
        for folder in &folders {
            rows.extend(folder.trainings()?);
        }
        let seeds: BTreeSet<(u64, u32)> = rows.iter().map(|(seed, _)| *seed).collect();
        let numbers: BTreeMap<(u64, u32), u32> = seeds.into_iter().zip(0..).collect();
        let rows = rows.into_iter().map(|(seed, row)| TrainingRow { seed: numbers[&seed], ..row }).collect();
        Ok(TrainingTable { head: head(&folders), networks: first.config.networks.clone(), rows: once_each(rows)? })
    }
}

impl<'a> Folder<'a> {
    fn of(source: &'a TableSource) -> Result<Folder<'a>> {
        let refuse = |problem: &str, remedy: &str| Err(Error::file(&source.folder, problem, remedy));
        let Some(SearchRow::Begin(begin)) = source.rows.first() else {
            return refuse("its journal does not say what was trained", "restore it, or name another folder");
        };
        if !["calibrate", "exhaust"].contains(&begin.task.as_str()) {
            return refuse("it is no calibration and no exhaustive search", "name the folder of one of these");
        }
        if !source.rows.iter().any(|row| matches!(row, SearchRow::Evaluation(_))) {
            return refuse("no network has been trained yet", "go on with it first");
        }
        let config = SearchConfig::parse(&begin.settings, &[]).map_err(|error| error.at(source.folder.display()))?;
        let recipe = recipe(&config);
        Ok(Folder { source, begin, config, recipe })
    }

    /// Refuses a folder that trained in another way, or on other data.
    fn expect_like(&self, first: &Folder<'_>) -> Result<()> {
        let keys: BTreeSet<&String> = self.recipe.keys().chain(first.recipe.keys()).collect();
        let value = |folder: &Folder<'_>, key| folder.recipe.get(key).cloned().unwrap_or_else(|| "not set".into());
        let other = first.source.folder.display();
        let remedy = "make a table of each: rows of one table differ in network, length and seed alone";
        for key in keys {
            let (own, of_other) = (value(self, key), value(first, key));
            if own != of_other {
                let problem = format!("{key} is {own} here and {of_other} in {other}");
                return Err(Error::file(&self.source.folder, problem, remedy));
            }
        }
        let data = |folder: &Folder<'_>| (folder.begin.data_checksums[0].clone(), folder.begin.data.clone());
        if data(self) != data(first) {
            let problem = format!("its images are not those of {other}");
            return Err(Error::file(&self.source.folder, problem, remedy));
        }
        Ok(())
    }

    /// Its trainings, each with the settings' seed and its number.
    fn trainings(&self) -> Result<Vec<((u64, u32), TrainingRow)>> {
        let evaluation = |row: &'a SearchRow| match row {
            SearchRow::Evaluation(row) => Some(row),
            _ => None,
        };
        let row = |row: &'a EvaluationRow| {
            let config = self.config.with_length(self.length(row)?);
            let seed = (config.training.seed, row.repeat);
            Ok((seed, self.training(row, &config)?))
        };
        self.source.rows.iter().filter_map(evaluation).map(row).collect()
    }

    /// How long a training was to be.
    fn length(&self, row: &EvaluationRow) -> Result<Length> {
        let own = Length::Epochs(self.config.training.epochs);
        let Some(calibration) = self.config.calibration.as_ref().filter(|_| self.begin.task == "calibrate") else {
            return Ok(own);
        };
        let budget = calibration.budgets.get(row.generation as usize);
        budget.map(|Repeated { length, .. }| *length).ok_or_else(|| {
            let problem = format!("a training belongs to budget {}, which there is not", row.generation + 1);
            Error::file(&self.source.folder, problem, "restore the journal")
        })
    }

    fn training(&self, row: &EvaluationRow, config: &SearchConfig) -> Result<TrainingRow> {
        let (samples, epochs) = (config.data.samples as u64, config.training.epochs);
        if samples == 0 {
            let problem = "data.samples is 0, all images, and how many they are is not in the journal";
            return Err(Error::file(&self.source.folder, problem, "train with a number of samples"));
        }
        let code = row.code.parse().map_err(|error: Error| error.at(self.source.folder.display()))?;
        Ok(TrainingRow {
            code: canonical(&code),
            images: samples * u64::from(epochs),
            epochs,
            seed: row.repeat,
            accuracy: Some(outcome(row)).filter(|accuracy| accuracy.is_finite()),
            loss: row.loss.filter(|loss| row.diverged.is_none() && loss.is_finite()),
            macs: row.macs,
            parameters: row.parameters,
            seconds: row.cost(),
        })
    }
}

/// The settings that a result depends on, but for lengths and seeds. The learning rate follows the length, so it stands there as that
/// of a short training.
fn recipe(config: &SearchConfig) -> BTreeMap<String, String> {
    let mut config = config.with_length(Length::Images(1000));
    // What the way there and back rounds is not the user's.
    config.optimizer.rate = (config.optimizer.rate * 1e9).round() / 1e9;
    let all = toml::Table::try_from(&config).expect("settings are tables of plain values");
    let mut recipe = BTreeMap::new();
    for section in RECIPE {
        all.get(section).into_iter().for_each(|value| flatten(section, value, &mut recipe));
    }
    APART.iter().for_each(|key| drop(recipe.remove(*key)));
    recipe
}

fn flatten(key: &str, value: &toml::Value, all: &mut BTreeMap<String, String>) {
    match value.as_table() {
        Some(table) => table.iter().for_each(|(name, value)| flatten(&format!("{key}.{name}"), value, all)),
        None => drop(all.insert(key.into(), value.to_string())),
    }
}

/// What the head says: how the table and its folders were made, and the recipe.
fn head(folders: &[Folder<'_>]) -> Vec<String> {
    let mut head = vec!["trainings of networks, a row each; written by evograd search table".to_string()];
    for Folder { source, begin, config, .. } in folders {
        let command = if source.command.is_empty() { "not known" } else { &source.command };
        let isa = begin.isa.as_deref().unwrap_or("not known");
        head.push(format!("command: {}", command.replace(char::is_control, " ")));
        head.push(format!(
            "  by evograd {}, instruction set {isa}, training.seed {}",
            begin.version, config.training.seed
        ));
    }
    let first = &folders[0];
    head.extend(first.begin.data_checksums[0].iter().map(|sum| format!("checksum of the training set: {sum}")));
    head.push("accuracy: that on the images of data.validation; empty where a training diverged".into());
    head.push("optimizer.rate: up to 1000 steps; of longer trainings up to twice that, from 3000 steps on".into());
    head.extend(first.recipe.iter().map(|(key, value)| format!("{key} = {value}")));
    head
}

/// The rows in their order. A training that two folders did is one, if it came to the same.
fn once_each(mut rows: Vec<TrainingRow>) -> Result<Vec<TrainingRow>> {
    rows.sort_by_key(place);
    let mut kept: Vec<TrainingRow> = Vec::new();
    for row in rows {
        match kept.last() {
            Some(last) if place(last) == place(&row) => {
                if (last.accuracy, last.epochs) != (row.accuracy, row.epochs) {
                    let TrainingRow { code, images, seed, .. } = &row;
                    let problem = format!("{code} with {images} images and seed {seed} came to two results");
                    let remedy = "make a table of each folder: they may come from two versions of the program";
                    return Err(Error::op("search table", problem, &[], remedy));
                }
            }
            _ => kept.push(row),
        }
    }
    Ok(kept)
}
