//! The ranges of settings that are numbers: one table, which files, single assignments and settings made in a program are held against.
//!
//! A number is judged as it was written, before it becomes what the setting holds: so −1, 1e30 and 2⁶⁴ are refused in the same words as a
//! number that is just outside its range.

use super::refuse::refuse;
use crate::error::{Error, Result};
use crate::setting::{Allowed, shown};
use serde::Serialize;
use toml::de::{DeTable, DeValue};

/// The numbers that a setting may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Range {
    /// Whole, from the first to the last.
    Whole(u64, u64),
    /// From the first to the last.
    From(f64, f64),
    /// Finite and at least 0.
    NotNegative,
    /// At least 0, and finite as the `f32` that it is used as.
    NotNegativeF32,
    /// Above 0 and finite as the `f32` that it is used as; with one that is usual.
    PositiveF32(&'static str),
}

/// A setting that is a number, or a list of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    pub key: &'static str,
    pub range: Range,
    is_list: bool,
}

pub(crate) const fn one(key: &'static str, range: Range) -> Number {
    Number { key, range, is_list: false }
}

pub(crate) const fn list(key: &'static str, range: Range) -> Number {
    Number { key, range, is_list: true }
}

/// Up to the greatest whole number of TOML.
pub(crate) const SEED: Range = Range::Whole(0, i64::MAX as u64);
/// A probability or a share of which nothing may be left out.
pub(crate) const SHARE: Range = Range::From(0.0, 1.0);
/// What is divided by 1 − the number, or raised to high powers.
pub(crate) const BELOW_ONE: Range = Range::From(0.0, 0.999_999);
/// What numbers of channels are multiplied with.
pub(crate) const WIDTH: Range = Range::From(1e-3, 64.0);
/// The `ε` of `sort-root`.
pub(crate) const EPSILON: Range = Range::PositiveF32("1e-4");
/// Sizes of a backbone.
pub(crate) const SIZE: Range = Range::Whole(1, 1 << 16);
pub(crate) const PADDING: Range = Range::Whole(0, 1 << 16);

const IMAGES: Range = Range::Whole(0, 1_000_000_000);
const PIXELS: Range = Range::Whole(0, 4096);
const MILLION: Range = Range::Whole(1, 1_000_000);

/// Those of the network.
pub(crate) const OF_MODEL: [Number; 8] = [
    one("model.epsilon", EPSILON),
    one("model.width", WIDTH),
    one("model.dropout", BELOW_ONE),
    list("model.backbone.filters", SIZE),
    one("model.backbone.kernel", SIZE),
    one("model.backbone.padding", PADDING),
    one("model.backbone.pool", SIZE),
    one("model.backbone.features", SIZE),
];

/// Those of any training.
pub(crate) const OF_TRAINING: [Number; 24] = [
    one("data.size", Range::Whole(1, 4096)),
    one("data.samples", IMAGES),
    one("data.validation", IMAGES),
    one("data.split_seed", SEED),
    one("data.crop", PIXELS),
    one("data.cutout", PIXELS),
    one("data.threads", Range::Whole(1, 64)),
    one("training.epochs", MILLION),
    one("training.batch", MILLION),
    one("training.seed", SEED),
    one("training.label_smoothing", SHARE),
    one("training.disturb_label", SHARE),
    one("training.clip", Range::NotNegative),
    one("training.log_every", Range::Whole(1, 1_000_000_000)),
    one("training.checkpoint_seconds", Range::NotNegative),
    one("optimizer.rate", Range::NotNegativeF32),
    one("optimizer.momentum", BELOW_ONE),
    list("optimizer.betas", BELOW_ONE),
    one("optimizer.epsilon", Range::PositiveF32("1e-8")),
    one("optimizer.weight_decay", Range::NotNegativeF32),
    one("schedule.warmup", Range::From(0.0, 1e6)),
    one("schedule.peak", Range::From(1e-3, 0.999)),
    list("schedule.milestones", BELOW_ONE),
    one("schedule.factor", SHARE),
];

/// A value as it was written.
enum Given {
    /// A whole number, in decimal.
    Whole(String),
    /// Any other number, and how it was written.
    Real(f64, String),
    List(Vec<Given>),
    Other(String),
}

/// What is wrong with a number.
struct Wrong {
    problem: String,
    remedy: String,
}

impl Range {
    fn holds(self, value: f64) -> bool {
        match self {
            Range::Whole(..) => false,
            Range::From(low, high) => (low..=high).contains(&value),
            Range::NotNegative => Allowed::NotNegative.holds::<f64>(value),
            Range::NotNegativeF32 => Allowed::NotNegative.holds::<f32>(value),
            Range::PositiveF32(_) => Allowed::Positive.holds::<f32>(value),
        }
    }

    /// The range in words.
    fn describe(self) -> String {
        match self {
            Range::Whole(low, high) => format!("a whole number from {low} to {high}"),
            Range::From(low, high) => format!("a number from {} to {}", shown(low), shown(high)),
            Range::NotNegative => "a finite number of at least 0".into(),
            Range::NotNegativeF32 => "a number of at least 0 that is finite in f32".into(),
            Range::PositiveF32(usual) => format!("a number that is above 0 and finite in f32, such as {usual}"),
        }
    }
}

impl Number {
    fn check(&self, given: &Given) -> std::result::Result<(), Wrong> {
        match (given, self.is_list) {
            (Given::List(all), true) => all.iter().try_for_each(|one| self.check_one(one)),
            (other, true) => {
                Err(self.wrong(&other.describe(), format!("use a list, of which each is {}", self.range.describe())))
            }
            (one, false) => self.check_one(one),
        }
    }

    fn check_one(&self, given: &Given) -> std::result::Result<(), Wrong> {
        let (written, holds) = match (given, self.range) {
            (Given::Whole(text), Range::Whole(low, high)) => {
                (text, text.parse().is_ok_and(|number: u64| (low..=high).contains(&number)))
            }
            (Given::Whole(text), range) => (text, text.parse().is_ok_and(|number| range.holds(number))),
            // As it was written only where the point is what is wrong.
            (Given::Real(number, _), range) if !matches!(range, Range::Whole(..)) => {
                (&shown(*number), range.holds(*number))
            }
            _ => (&given.describe(), false),
        };
        match given {
            _ if !holds => Err(self.wrong(written, format!("use {}", self.range.describe()))),
            // TOML has no room for it, although the setting has.
            Given::Whole(text) if text.parse::<i64>().is_err() => {
                Err(self.wrong(text, format!("write it as {text}.0")))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, written: &str, remedy: String) -> Wrong {
        Wrong { problem: format!("{} is {written}", self.key), remedy }
    }
}

impl Given {
    fn describe(&self) -> String {
        match self {
            Given::Whole(text) | Given::Real(_, text) | Given::Other(text) => text.clone(),
            Given::List(_) => "a list".into(),
        }
    }

    fn text(text: &str) -> Given {
        let short: String = text.chars().take(40).collect();
        Given::Other(if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") })
    }

    fn of_toml(value: &DeValue) -> Given {
        match value {
            DeValue::Integer(whole) => {
                let number = i128::from_str_radix(whole.as_str(), whole.radix());
                Given::Whole(number.map_or_else(|_| whole.to_string(), |number| number.to_string()))
            }
            DeValue::Float(number) => Given::Real(number.as_str().parse().unwrap_or(f64::NAN), number.to_string()),
            DeValue::Array(all) => Given::List(all.iter().map(|one| Given::of_toml(one.get_ref())).collect()),
            DeValue::String(text) => Given::text(text),
            DeValue::Boolean(flag) => Given::Other(flag.to_string()),
            DeValue::Datetime(time) => Given::Other(time.to_string()),
            DeValue::Table(_) => Given::Other("a section".into()),
        }
    }

    fn of_json(value: &serde_json::Value) -> Given {
        match value {
            serde_json::Value::Number(number) if number.is_f64() => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                Given::Real(number, shown(number))
            }
            serde_json::Value::Number(number) => Given::Whole(number.to_string()),
            serde_json::Value::Array(all) => Given::List(all.iter().map(Given::of_json).collect()),
            // JSON has no other word for infinity and NaN.
            serde_json::Value::Null => Given::Other("not finite".into()),
            other => Given::Other(other.to_string()),
        }
    }
}

/// Refuses numbers of a TOML file outside their ranges, or what should be numbers and is none; the error names the line.
///
/// # Errors
/// When there is one. What is no TOML is for others to refuse.
pub(crate) fn expect_in_text(text: &str, numbers: &[&[Number]]) -> Result<()> {
    let Ok(document) = DeTable::parse(text) else { return Ok(()) };
    for number in numbers.iter().copied().flatten() {
        let Some(value) = look_up(document.get_ref(), number.key) else { continue };
        let line = line_of(text, value.span().start);
        number.check(&Given::of_toml(value.get_ref())).map_err(|wrong| refused(format!("line {line}: "), &wrong))?;
    }
    Ok(())
}

/// The same of a single assignment; what is no TOML value is a text.
///
/// # Errors
/// When it sets a number outside its range.
pub(crate) fn expect_assigned(key: &str, value: &str, numbers: &[&[Number]]) -> Result<()> {
    let text = format!("{key} = {value}");
    let document = DeTable::parse(&text).ok();
    for number in numbers.iter().copied().flatten() {
        let given = match &document {
            Some(document) => look_up(document.get_ref(), number.key).map(|value| Given::of_toml(value.get_ref())),
            None => (number.key == key).then(|| Given::text(value)),
        };
        let Some(given) = given else { continue };
        number.check(&given).map_err(|wrong| refused(String::new(), &wrong))?;
    }
    Ok(())
}

/// The same of settings that are made in a program.
///
/// # Errors
/// When one is outside its range.
pub(crate) fn expect_in(settings: &impl Serialize, numbers: &[&[Number]]) -> Result<()> {
    let settings = serde_json::to_value(settings).expect("settings are tables of plain values");
    for number in numbers.iter().copied().flatten() {
        let value = number.key.split('.').try_fold(&settings, |table, key| table.get(key));
        value
            .map_or(Ok(()), |value| number.check(&Given::of_json(value)))
            .map_err(|wrong| refused(String::new(), &wrong))?;
    }
    Ok(())
}

/// The same of one number, as it was written on a command line; the error is what to do.
///
/// # Errors
/// When it is outside its range.
pub(crate) fn expect_one(number: &Number, written: &str) -> std::result::Result<(), String> {
    let text = format!("x = {written}");
    let given = DeTable::parse(&text)
        .ok()
        .and_then(|table| look_up(table.get_ref(), "x").map(|value| Given::of_toml(value.get_ref())));
    number.check_one(&given.unwrap_or_else(|| Given::text(written))).map_err(|wrong| wrong.remedy)
}

/// The line on which a key stands with its value, where it does.
pub(crate) fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    look_up(document.get_ref(), key).map(|value| line_of(text, value.span().start))
}

/// The line of a place in a text.
pub(crate) fn line_of(text: &str, place: usize) -> usize {
    1 + text.as_bytes()[..place.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

fn refused(place: String, wrong: &Wrong) -> Error {
    refuse(place + &wrong.problem, &wrong.remedy)
}

/// The value of a key with its section, where both are there.
fn look_up<'a, 'b>(table: &'a DeTable<'b>, key: &str) -> Option<&'a toml::Spanned<DeValue<'b>>> {
    let (section, rest) = match key.split_once('.') {
        Some((section, rest)) => (section, Some(rest)),
        None => (key, None),
    };
    let value = table.iter().find(|(name, _)| name.get_ref() == section).map(|(_, value)| value)?;
    match (rest, value.get_ref()) {
        (None, _) => Some(value),
        (Some(rest), DeValue::Table(inner)) => look_up(inner, rest),
        _ => None,
    }
}
