//! Settings from text: a TOML file, single assignments, and what is usual for the rest.

use super::config::{Config, Data, Model};
use super::numbers::{self, Number};
use super::refuse::refuse;
use super::settings_file::SettingsFile;
use super::unread::{self, Reader};
use crate::data;
use crate::error::{Error, Result};
use crate::models;
use crate::record::in_words;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Sections, or lists, within each other, at most.
const DEEPEST: usize = 8;
/// Dots in a value, at most: those of numbers in the longest list that makes sense.
const LONGEST: usize = 1000;

/// Where all keys and values can be seen.
const REMEDY: &str = "use the keys and values that `--dry-run` prints";
/// Settings that had another name once, and theirs of today.
const RENAMED: [(&str, &str); 1] = [("join", "fusion")];

impl Config {
    /// Settings from the text of a TOML file, with some of them set anew as `section.key=value`.
    ///
    /// ```
    /// use evograd::train::Config;
    /// let config = Config::parse("[training]\nbatch = 8", &["training.batch=16".into()])?;
    /// assert_eq!(config.training.batch, 16);
    /// assert!(Config::parse("[training]\nbatches = 8", &[]).is_err());
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the text is no TOML, a key is unknown, or a value is not of its kind or makes no sense.
    pub fn parse(text: &str, set: &[String]) -> Result<Config> {
        let known = Known {
            numbers: &[&numbers::OF_MODEL, &numbers::OF_TRAINING],
            readers: &[&unread::OF_MODEL, &unread::OF_TRAINING],
        };
        let config: Config = read_settings(text, set, known, complete)?;
        config.check()?;
        Ok(config)
    }

    /// As [`Config::parse`], of a file.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("settings.toml");
    /// use evograd::train::Config;
    /// std::fs::write(&path, "[training]\n\nbatch = 0").unwrap();
    /// let error = Config::read(&path, &[]).unwrap_err().to_string();
    /// assert!(error.contains("settings.toml") && error.contains("line 3"));
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read; and as [`Config::parse`].
    pub fn read(path: &Path, set: &[String]) -> Result<Config> {
        let file = SettingsFile::read(path)?;
        Config::parse(file.text(), set).map_err(|error| file.place(error, set))
    }
}

/// An error about the value of a key.
fn about(key: &str, error: Error) -> Error {
    match error {
        Error::Op { problem, remedy, .. } => refuse(format!("{key}: {problem}"), &remedy),
        other => other.at(key),
    }
}

/// What is known of settings: the ranges of numbers, and which are not read by every choice.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub numbers: &'a [&'a [Number]],
    pub readers: &'a [&'a [Reader]],
}

/// Settings of any kind from the text of a TOML file, with some of them set anew as `section.key=value`. What is usual for
/// the rest is for `complete` to say.
///
/// # Errors
/// As [`Config::parse`].
pub(crate) fn read_settings<T: Serialize + DeserializeOwned + Default>(
    text: &str,
    set: &[String],
    Known { numbers, readers }: Known<'_>,
    complete: impl FnOnce(&mut toml::Table) -> Result<()>,
) -> Result<T> {
    // Read by itself, the text's errors say their line, and those of an assignment which one it is.
    let usual = toml::Table::try_from(T::default()).expect("settings are tables of plain values");
    expect_sections(text, &usual)?;
    numbers::expect_in_text(text, numbers)?;
    toml::from_str::<T>(text).map_err(|error| in_text(text, &error))?;
    for assignment in set {
        let mut alone = toml::Table::new();
        assign(&mut alone, assignment, numbers)?;
        alone.try_into::<T>().map_err(|error| refuse(plain(&error, &shortened(assignment)), REMEDY))?;
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|error| in_text(text, &error))?;
    set.iter().try_for_each(|assignment| assign(&mut table, assignment, &[]))?;
    unread::forget(&mut table, readers, set);
    complete(&mut table)?;
    let settings: T = table.try_into().map_err(|error| refuse(plain(&error, "the whole"), REMEDY))?;
    unread::expect_read(&settings, readers, set)?;
    Ok(settings)
}

/// Sets what is usual for the model, the data and the rule that were chosen, where nothing else was.
pub(crate) fn complete(table: &mut toml::Table) -> Result<()> {
    let text = |table: &toml::Table, section: &str, key: &str| {
        table.get(section).and_then(|section| section.get(key)?.as_str()).map(str::to_string)
    };
    let name = text(table, "model", "name").unwrap_or(Model::default().name);
    let set = text(table, "data", "set").unwrap_or(Data::default().set);
    let rule = table.get("optimizer").and_then(|section| section.get("rule"));
    let adaptive = rule.is_some_and(is_adaptive);
    let info = data::info(&set).map_err(|error| about("data.set", error))?;
    let size = table.get("data").and_then(|section| section.get("size")?.as_integer());
    let size = if info.shape.is_none() { Some(size.unwrap_or(data::FOLDER_SIDE as i64)) } else { None };
    // Images of folders are cropped as much less as they are smaller.
    let crop = size.map_or(info.augment.crop as i64, |size| size / 8);
    let usual = [
        ("optimizer", "rate", toml::Value::Float(usual_rate(&name, adaptive)?)),
        ("data", "crop", toml::Value::Integer(crop)),
        ("data", "flip", toml::Value::Boolean(info.augment.flip)),
    ];
    let size = size.map(|size| ("data", "size", toml::Value::Integer(size)));
    for (section, key, value) in usual.into_iter().chain(size) {
        let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
        if let Some(section) = section.as_table_mut() {
            section.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// Whether a rule adapts the step of each weight, so that it needs a much lower rate.
pub(crate) fn is_adaptive(rule: &toml::Value) -> bool {
    rule.as_str().is_some_and(|rule| rule.starts_with("adam"))
}

/// A learning rate that a model of this kind learns at: networks with batch normalisation bear a much higher one.
fn usual_rate(model: &str, adaptive: bool) -> Result<f64> {
    let found = models::model(model).map_err(|error| about("model.name", error))?;
    let plan = models::spec(model, &found.options())?.plan()?;
    Ok(match (adaptive, plan.is_normalised()) {
        (true, _) => 1e-3,
        (false, true) => 0.4,
        (false, false) => 0.02,
    })
}

/// Whether brackets or dots of a value lie so deep within each other that a reader by recursion might not come back. No
/// setting needs more than a list of lists. Brackets within quotes count too, which only names of files could hold.
fn is_nested_deeply(value: &str) -> bool {
    let mut depth = 0_usize;
    let deepest = value.chars().map(|letter| {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    deepest.max() > Some(DEEPEST) || value.matches('.').count() > LONGEST
}

/// The beginning of a text that may be very long.
fn shortened(text: &str) -> String {
    let mut letters = text.chars();
    let begin: String = letters.by_ref().take(80).collect();
    if letters.next().is_some() { begin + "…" } else { begin }
}

/// Sets `a.b` in a table from `a.b=value`, or `a.b.c`. What is no TOML value is a text.
fn assign(table: &mut toml::Table, assignment: &str, numbers: &[&[Number]]) -> Result<()> {
    let Some((key, value)) = assignment.split_once('=') else {
        return Err(refuse(format!("{assignment:?} sets nothing"), "write section.key=value"));
    };
    let Some((section, key)) = key.trim().split_once('.') else {
        return Err(refuse(format!("{:?} has no section", key.trim()), "write section.key=value"));
    };
    if key.matches('.').count() >= DEEPEST {
        let problem = format!("{:?} has sections within sections within others", shortened(assignment));
        return Err(refuse(problem, "write section.key=value"));
    }
    let value = value.trim();
    if is_nested_deeply(value) {
        let problem = format!("{:?} has lists within lists within others", shortened(assignment));
        return Err(refuse(problem, REMEDY));
    }
    numbers::expect_assigned(&format!("{}.{}", section.trim(), key.trim()), value, numbers)?;
    let parsed =
        toml::from_str::<toml::Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"));
    let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_string()));
    let (mut table, mut section, mut key) = (table, section, key);
    loop {
        let entry = table.entry(section).or_insert_with(|| toml::Table::new().into());
        let Some(inner) = entry.as_table_mut() else {
            return Err(refuse(format!("{section} is no section"), "write section.key=value"));
        };
        table = inner;
        let Some((inner, rest)) = key.split_once('.') else { break };
        (section, key) = (inner, rest);
    }
    table.insert(key.to_string(), value);
    Ok(())
}

/// An error in a text, with its line and, unless that is what is wrong, the key.
fn in_text(text: &str, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start);
    let document = DeTable::parse(text).ok().filter(|_| !error.message().starts_with("unknown field"));
    let key = document.and_then(|document| key_at(document.get_ref(), start, DEEPEST));
    let key = key.map_or_else(String::new, |key| format!(", {key}"));
    refuse(plain(error, &format!("line {}{key}", numbers::line_of(text, start))), REMEDY)
}

/// Refuses a value in place of a section: a list of values would be taken for the section's own, in their order.
fn expect_sections(text: &str, usual: &toml::Table) -> Result<()> {
    let Ok(given) = toml::from_str::<toml::Table>(text) else { return Ok(()) };
    let Some(key) = no_section(&given, usual, "") else { return Ok(()) };
    let line = numbers::line_of_key(text, &key).map_or_else(String::new, |line| format!("line {line}, "));
    Err(refuse(
        format!("{line}{key}: it is no section"),
        &format!("write [{key}], and below it the keys that `--dry-run` prints"),
    ))
}

/// The key of a value that stands where a section usually does.
fn no_section(given: &toml::Table, usual: &toml::Table, before: &str) -> Option<String> {
    usual.iter().find_map(|(key, usual)| match (given.get(key)?, usual) {
        (toml::Value::Table(given), toml::Value::Table(usual)) => no_section(given, usual, &format!("{before}{key}.")),
        (_, toml::Value::Table(_)) => Some(format!("{before}{key}")),
        _ => None,
    })
}

/// The key, with its sections, that stands with its value at a place.
fn key_at(table: &DeTable, place: usize, depth: usize) -> Option<String> {
    table.iter().find_map(|(name, value)| match value.get_ref() {
        DeValue::Table(inner) if depth > 0 => {
            key_at(inner, place, depth - 1).map(|key| format!("{}.{key}", name.get_ref()))
        }
        _ => (name.span().start..value.span().end).contains(&place).then(|| name.get_ref().to_string()),
    })
}

/// What was wrong, in one line and in words of people who do not program.
fn plain(error: &toml::de::Error, place: &str) -> String {
    let renamed = RENAMED.iter().find(|(old, _)| error.message().starts_with(&format!("unknown field `{old}`")));
    if let Some((old, new)) = renamed {
        return format!("{place}: {old} is called {new} now");
    }
    let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    format!("{place}: {}", in_words(&message, "a section"))
}
