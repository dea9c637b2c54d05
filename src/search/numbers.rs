//! The ranges of a search's own settings that are numbers; those of trainings are [`train`](crate::train)'s.

use crate::train::numbers::{
    BELOW_ONE, EPSILON, Number, OF_MODEL, OF_TRAINING, PADDING, Range, SEED, SHARE, SIZE, WIDTH, expect_one, list, one,
};

/// Those of the sections that only a search has.
pub(super) const OF_SEARCH: [Number; 22] = [
    one("search.population", Range::Whole(1, 100_000)),
    one("search.children", Range::Whole(1, 900)),
    one("search.crossover", SHARE),
    one("search.crossover_stage", SHARE),
    one("search.mutation", SHARE),
    one("search.mutation_bit", SHARE),
    one("search.tournament", Range::Whole(1, 100_000)),
    one("search.elite", Range::Whole(0, 99_999)),
    one("search.seed", SEED),
    one("search.workers", Range::Whole(0, 1024)),
    list("networks.stages", Range::Whole(2, 10)),
    one("networks.epsilon", EPSILON),
    one("networks.width", WIDTH),
    one("networks.dropout", BELOW_ONE),
    list("networks.backbone.filters", SIZE),
    one("networks.backbone.kernel", SIZE),
    one("networks.backbone.padding", PADDING),
    one("networks.backbone.pool", SIZE),
    one("networks.backbone.features", SIZE),
    one("calibration.codes", Range::Whole(3, 10_000)),
    one("confirmation.seeds", Range::Whole(1, 100)),
    list("confirmation.said", Range::NotNegative),
];

/// Refuses a number for a setting of a training or a search, as it was written on a command line. The error says what to do.
///
/// ```
/// use evograd::search::expect_number;
/// assert!(expect_number("training.epochs", "3").is_ok() && expect_number("search.method", "any").is_ok());
/// assert_eq!(expect_number("training.epochs", "0").unwrap_err(), "use a whole number from 1 to 1000000");
/// ```
///
/// # Errors
/// When it is outside the range that the setting has. A setting of which no range is known takes anything.
pub fn expect_number(key: &str, written: &str) -> std::result::Result<(), String> {
    let known = OF_SEARCH.iter().chain(&OF_MODEL).chain(&OF_TRAINING).find(|number| number.key == key);
    known.map_or(Ok(()), |number| expect_one(number, written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use crate::search::{Calibration, Confirmation, SearchConfig};
    use crate::train::Config;

    /// Reads settings as a run or a search does, and drops them.
    type Read = fn(&str, &[String]) -> Result<()>;

    fn all() -> Vec<(Number, Read)> {
        let run: Read = |text, set| Config::parse(text, set).map(drop);
        let search: Read = |text, set| SearchConfig::parse(text, set).map(drop);
        let with = |numbers: &[Number], read: Read| numbers.iter().map(|number| (*number, read)).collect::<Vec<_>>();
        [with(&OF_MODEL, run), with(&OF_TRAINING, run), with(&OF_SEARCH, search), with(&OF_TRAINING, search)].concat()
    }

    /// What has to be chosen for a setting to be read.
    fn choice(key: &str) -> Vec<String> {
        let choice = match key {
            "model.epsilon" => "model.fusion=sort-root",
            "networks.epsilon" => "networks.fusion=sort-root",
            "optimizer.betas" | "optimizer.epsilon" => "optimizer.rule=adam",
            "schedule.milestones" | "schedule.factor" => "schedule.kind=step",
            _ => return Vec::new(),
        };
        vec![choice.into()]
    }

    const VALUES: [&str; 14] = [
        "-1",
        "0",
        "1e30",
        "-1e30",
        "inf",
        "-inf",
        "nan",
        "1.5",
        "4294967296",
        "9223372036854775808",
        "18446744073709551616",
        "true",
        "[[1]]",
        "x",
    ];

    /// Every setting, and every value by which numbers go wrong, as an assignment and in a file: taken, or refused by its name with
    /// what it may be, in the same words but for the line.
    #[test]
    fn every_number_outside_its_range_is_refused_by_its_name_and_range() {
        let mut refused = 0;
        for (Number { key, .. }, read) in all() {
            for value in VALUES.into_iter().flat_map(|value| [value.to_string(), format!("[{value}]")]) {
                let set = [choice(key), vec![format!("{key}={value}")]].concat();
                let (section, name) = key.rsplit_once('.').unwrap();
                let written = value.replace('x', "\"x\"");
                let file = read(&format!("[{section}]\n{name} = {written}"), &choice(key));
                let assigned = read("", &set);
                let [assigned, file] = [assigned, file].map(|read| read.err().map(|error| error.to_string()));
                let Some(text) = assigned else {
                    assert_eq!(file, None, "{key}={value}");
                    continue;
                };
                refused += 1;
                if key == "data.validation" && value == "0" {
                    assert!(text.contains("data.validation is 0, and fitness is measured"), "{text}");
                    continue;
                }
                if value.starts_with('[') && text.contains("invalid length") || value == "[x]" {
                    continue;
                }
                assert!(text.starts_with(&format!("configuration: {key} is ")), "{value}: {text}");
                assert!(text.contains(" number") || text.contains("; write it as "), "{value}: {text}");
                assert_eq!(file.unwrap().replace("line 2: ", ""), text, "{value}");
            }
        }
        assert!(refused > 900, "{refused}");
    }

    /// Every number that settings hold has a range.
    #[test]
    fn no_number_is_forgotten() {
        let leaves = |value: serde_json::Value| {
            let (mut open, mut keys) = (vec![(String::new(), value)], Vec::new());
            while let Some((key, value)) = open.pop() {
                match value {
                    serde_json::Value::Object(inner) => {
                        let joined = |name: String| if key.is_empty() { name } else { format!("{key}.{name}") };
                        open.extend(inner.into_iter().map(|(name, value)| (joined(name), value)));
                    }
                    serde_json::Value::Array(inner) if inner.iter().any(|value| value.is_number()) => keys.push(key),
                    serde_json::Value::Number(_) => keys.push(key),
                    _ => {}
                }
            }
            keys
        };
        let mut config = Config::default();
        config.model.dropout = Some(0.5);
        config.model.backbone = Some(crate::models::genetic_cnn::Backbone::mnist());
        (config.data.size, config.data.validation) = (Some(8), Some(8));
        let search = SearchConfig {
            calibration: Some(Calibration::default()),
            confirmation: Some(Confirmation { said: Some([0.5, 0.1]), ..Confirmation::default() }),
            ..SearchConfig::default()
        };
        let mut found = leaves(serde_json::to_value(config).unwrap());
        found.extend(leaves(serde_json::to_value(search).unwrap()));
        assert!(found.len() > 60, "{found:?}");
        let known: Vec<&str> = all().iter().map(|(number, _)| number.key).collect();
        found.iter().for_each(|key| assert!(known.contains(&key.as_str()), "{key} has no range"));
        known.iter().for_each(|key| assert!(found.iter().any(|found| found == key), "there is no setting {key}"));
    }

    /// Settings made in a program, which no text has to hold.
    #[test]
    fn ranges_hold_for_settings_made_in_a_program() {
        let mut config = Config::default();
        config.training.clip = f64::INFINITY;
        let text = config.check().unwrap_err().to_string();
        assert_eq!(text, "configuration: training.clip is not finite; use a finite number of at least 0");
        config.training.clip = 0.0;
        config.training.seed = u64::MAX;
        let text = config.check().unwrap_err().to_string();
        assert!(
            text.starts_with("configuration: training.seed is 18446744073709551615; use a whole number from 0"),
            "{text}"
        );
    }

    #[test]
    fn a_number_that_toml_alone_has_no_room_for_is_said_how_to_write() {
        let text = Config::parse("", &["training.clip=18446744073709551616".into()]).unwrap_err().to_string();
        assert_eq!(text, "configuration: training.clip is 18446744073709551616; write it as 18446744073709551616.0");
        Config::parse("", &["training.clip=18446744073709551616.0".into()]).unwrap();
        Config::parse("", &["training.seed=9223372036854775807".into()]).unwrap();
    }
}
