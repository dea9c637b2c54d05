//! What a search may cost: so many trainings, or so much time of processor cores.

use crate::error::{Error, Result};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A limit of trainings or of core time. As a text: `100`, or `90s`, `30min`, `1.5h`.
///
/// Core time is the time that all workers spend on trainings together, so a search of an hour takes half an hour on two cores. Methods that
/// are given equal budgets are compared at equal cost.
///
/// ```
/// use evograd::search::Budget;
/// assert_eq!("100".parse::<Budget>()?, Budget::Trainings(100));
/// assert_eq!("1.5h".parse::<Budget>()?.to_string(), "1.5h");
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(into = "String")]
pub enum Budget {
    /// So many trainings.
    Trainings(usize),
    /// So many seconds of cores.
    Seconds(f64),
}

/// What a budget may be, in words.
const EXPECTED: &str = "a number of trainings from 1 to 1,000,000, as 100, or a time of cores, as 90s, 30min or 1.5h";

/// Units of time with their seconds, the longest first.
const UNITS: [(&str, f64); 3] = [("h", 3600.0), ("min", 60.0), ("s", 1.0)];

impl Budget {
    /// How many trainings may follow, when so many trainings and core seconds have been spent on a part of the budget. Of time
    /// as many as fit if they take as long as those before; before the first, nobody knows, so as many as are asked for.
    pub(super) fn room(self, part: f64, trainings: usize, seconds: f64) -> usize {
        match self {
            Budget::Trainings(all) => ((all as f64 * part).round() as usize).saturating_sub(trainings),
            Budget::Seconds(_) if trainings == 0 => usize::MAX,
            Budget::Seconds(all) => {
                let left = (all * part - seconds).max(0.0);
                (left / (seconds / trainings as f64)).ceil() as usize
            }
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Trainings(count) => write!(f, "{count}"),
            Budget::Seconds(seconds) => {
                let fits = |(_, of): &&(&str, f64)| *seconds >= *of;
                let (unit, of) = UNITS.iter().find(fits).unwrap_or(&UNITS[2]);
                write!(f, "{}{unit}", seconds / of)
            }
        }
    }
}

impl FromStr for Budget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Budget> {
        let refuse = || Error::op("search.budget", format!("{text:?} is no budget"), &[], format!("give {EXPECTED}"));
        if let Ok(count) = text.parse::<usize>() {
            return if (1..=1_000_000).contains(&count) { Ok(Budget::Trainings(count)) } else { Err(refuse()) };
        }
        let with = |(unit, of): &(&str, f64)| Some(text.strip_suffix(unit)?.trim().parse::<f64>().ok()? * of);
        let seconds = UNITS.iter().find_map(with).filter(|seconds| (1.0..=1e9).contains(seconds));
        seconds.map(Budget::Seconds).ok_or_else(refuse)
    }
}

impl From<Budget> for String {
    fn from(budget: Budget) -> String {
        budget.to_string()
    }
}

/// From a text, or a number of trainings without quotes.
impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Budget, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Budget;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> std::result::Result<Budget, E> {
                self.visit_str(&count.to_string())
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> std::result::Result<Budget, E> {
                self.visit_str(&count.to_string())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Budget, E> {
                text.parse().map_err(|_| E::custom(format_args!("expected {EXPECTED}")))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_nonsense_is_refused() {
        for (text, budget) in [
            ("1", Budget::Trainings(1)),
            ("36", Budget::Trainings(36)),
            ("45s", Budget::Seconds(45.0)),
            ("2min", Budget::Seconds(120.0)),
            ("8h", Budget::Seconds(28_800.0)),
        ] {
            assert_eq!((text.parse::<Budget>().unwrap(), budget.to_string().as_str()), (budget, text));
        }
        for text in ["", "0", "-3", "h", "0s", "infh", "nan s", "1e30h", "2000000", "3 days"] {
            let error = text.parse::<Budget>().unwrap_err().to_string();
            assert!(error.contains("is no budget; give a number of trainings"), "{error}");
        }
    }

    #[test]
    fn room_is_what_is_left_of_a_part() {
        assert_eq!([0, 74, 75, 80].map(|spent| Budget::Trainings(100).room(0.75, spent, 1e9)), [75, 1, 0, 0]);
        assert_eq!(
            [(0, 0.0), (9, 9.0), (9, 44.9), (9, 45.0), (9, 0.0)]
                .map(|(trainings, spent)| Budget::Seconds(60.0).room(0.75, trainings, spent)),
            [usize::MAX, 36, 1, 0, usize::MAX]
        );
    }
}
