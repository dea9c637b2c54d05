//! Which arguments were typed, so that errors speak of what their reader has before their eyes: of `--epochs`, and not of the setting
//! `training.epochs` that it stands for.

use anyhow::{Result, bail};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// The settings that arguments stand for; of two arguments for one setting the later one counts.
const SETTINGS: [(&str, &[&str]); 28] = [
    ("MODEL", &["model.name"]),
    (
        "--backbone",
        &["networks.stages", "networks.backbone.filters", "networks.backbone.kernel", "networks.backbone.pool"],
    ),
    ("--rung", &["training.epochs", "data.samples", "data.validation"]),
    ("--data", &["data.set"]),
    ("--fusion", &["model.fusion", "networks.fusion"]),
    ("--epsilon", &["model.epsilon"]),
    ("--shortcut", &["model.shortcut"]),
    ("--width", &["model.width"]),
    ("--dropout", &["model.dropout"]),
    ("--epochs", &["training.epochs"]),
    ("--batch", &["training.batch"]),
    ("--rate", &["optimizer.rate"]),
    ("--seed", &["training.seed", "search.seed"]),
    ("--freeze", &["training.freeze"]),
    ("--init-from", &["training.init_from"]),
    ("--samples", &["data.samples"]),
    ("--validation", &["data.validation"]),
    ("--stages", &["networks.stages"]),
    ("--filters", &["networks.backbone.filters"]),
    ("--method", &["search.method"]),
    ("--budget", &["search.budget"]),
    ("--population", &["search.population"]),
    ("--children", &["search.children"]),
    ("--workers", &["search.workers"]),
    ("--networks", &["calibration.codes"]),
    ("--sampling", &["calibration.sampling"]),
    ("--budgets", &["calibration.budgets"]),
    ("--seeds", &["confirmation.seeds"]),
];

/// What may be said anew of a run that goes on; `--epochs` is refused by the run, which knows why.
const GOING_ON: [&str; 10] = [
    "--resume",
    "--data-dir",
    "--workers",
    "--json",
    "--quiet",
    "--threads",
    "--dry-run",
    "--limit",
    "--problem",
    "--epochs",
];

/// The arguments of a command that were typed.
#[derive(Default)]
pub struct Typed {
    /// As they were typed, or as the help calls them where they have no name.
    arguments: Vec<String>,
    /// The keys of `--set`.
    set: Vec<String>,
}

impl Typed {
    /// Those of a command line.
    pub fn of(command: &Command, matches: &ArgMatches) -> Typed {
        let (mut typed, mut command, mut matches) = (Typed::default(), command, matches);
        loop {
            for argument in command.get_arguments().filter(|argument| is_typed(argument, matches)) {
                let name = argument.get_long().map(|name| format!("--{name}"));
                typed.arguments.push(name.unwrap_or_else(|| argument.get_id().as_str().to_uppercase()));
            }
            if let Ok(Some(set)) = matches.try_get_many::<String>("set") {
                typed.set.extend(set.filter_map(|set| Some(set.split_once('=')?.0.trim().to_string())));
            }
            let Some((name, inner)) = matches.subcommand() else { return typed };
            let Some(found) = command.find_subcommand(name) else { return typed };
            (command, matches) = (found, inner);
        }
    }

    fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|typed| typed == argument)
    }

    /// Refuses arguments other than these, of which nothing would be read: `with` is what they do not go with.
    pub fn expect_only(&self, known: &[&str], with: &str) -> Result<()> {
        let others = self.arguments.iter().map(String::as_str).filter(|typed| !known.contains(typed));
        let others: Vec<&str> = others.collect();
        if others.is_empty() {
            return Ok(());
        }
        bail!(
            "{} cannot be used with {with}; leave {} out",
            others.join(", "),
            if others.len() == 1 { "it" } else { "them" }
        )
    }

    /// Refuses this argument, which is read only with another one.
    pub fn expect_without(&self, argument: &str, with: &str) -> Result<()> {
        if self.has(argument) {
            bail!("{argument} is read only with {with}; leave it out");
        }
        Ok(())
    }

    /// Refuses arguments that say anew how a run is to be done that goes on.
    pub fn expect_resumable(&self) -> Result<()> {
        if !self.has("--resume") {
            return Ok(());
        }
        self.expect_only(&GOING_ON, "--resume, which goes on with the settings that the folder holds")
    }

    /// A text that names a setting by the argument that was typed for it, unless it is about the line of a file.
    pub fn with_typed_names(&self, text: String) -> String {
        if text.contains(": line ") || self.has("--resume") && !self.has("--workers") {
            return text;
        }
        let typed = SETTINGS.iter().filter(|(argument, _)| self.has(argument)).rev();
        let pairs = typed.flat_map(|(argument, keys)| keys.iter().map(move |key| (*argument, *key)));
        let pairs = pairs.filter(|(_, key)| !self.set.iter().any(|set| set == key));
        pairs.fold(text, |text, (argument, key)| replaced(&text, key, argument))
    }
}

fn is_typed(argument: &clap::Arg, matches: &ArgMatches) -> bool {
    matches!(matches.try_contains_id(argument.get_id().as_str()), Ok(true))
        && matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// A text with a key replaced wherever it stands as a whole.
fn replaced(text: &str, key: &str, argument: &str) -> String {
    let of_key = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(key) {
        // What assigns a value is advice for `--set`.
        let goes_on = after.starts_with('=')
            || after.starts_with(of_key)
            || after.strip_prefix('.').is_some_and(|after| after.starts_with(of_key));
        let is_whole = !goes_on && !before.ends_with(|letter| of_key(letter) || letter == '.');
        done = done + before + if is_whole { argument } else { key };
        rest = after;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Typed {
        use clap::CommandFactory;
        let mut command = crate::cli::Args::command();
        let matches = command.try_get_matches_from_mut(line.split_whitespace()).unwrap();
        Typed::of(&command, &matches)
    }

    #[test]
    fn a_setting_is_named_by_the_argument_that_was_typed_for_it() {
        for (line, text, expected) in [
            ("evograd train --epochs 5", "training.epochs is 5", "--epochs is 5"),
            ("evograd train --epochs=5", "training.epochs.", "--epochs."),
            ("evograd train lenet", "model.name: none", "MODEL: none"),
            (
                "evograd train lenet",
                "model.names, a.model.name, model.name.x",
                "model.names, a.model.name, model.name.x",
            ),
            ("evograd train", "training.epochs is 5", "training.epochs is 5"),
            ("evograd train --epochs 5 --set training.epochs=0", "training.epochs is 0", "training.epochs is 0"),
            (
                "evograd train --epochs 5 --config c",
                "c: line 2: training.epochs is 0",
                "c: line 2: training.epochs is 0",
            ),
            (
                "evograd search --rung S",
                "data.validation is 7; try data.validation=3",
                "--rung is 7; try data.validation=3",
            ),
            ("evograd search --rung S --validation 7", "data.validation, data.samples", "--validation, --rung"),
            ("evograd search calibrate --networks 7", "calibration.codes is 7", "--networks is 7"),
            ("evograd train --resume r --epochs 7", "set training.epochs to 7", "set training.epochs to 7"),
        ] {
            assert_eq!(typed(line).with_typed_names(text.into()), expected, "{line}");
        }
    }

    #[test]
    fn only_what_was_typed_and_is_not_read_is_refused() {
        let text = |line: &str| typed(line).expect_resumable().map_err(|error| error.to_string());
        assert_eq!(text("evograd search --resume x --workers 2 -q --threads 1"), Ok(()));
        assert_eq!(text("evograd train lenet --epochs 3"), Ok(()));
        let with = "cannot be used with --resume, which goes on with the settings that the folder holds";
        for (line, named) in [
            ("evograd train --resume x --seed 3", "--seed"),
            ("evograd train lenet --resume x", "MODEL"),
            ("evograd search --resume x --rate 3", "--rate"),
            ("evograd search exhaust --resume x --out y", "--out"),
        ] {
            assert_eq!(text(line), Err(format!("{named} {with}; leave it out")), "{line}");
        }
        let both = text("evograd search calibrate --resume x --budgets 3x2,7 --set a.b=1");
        assert!(both.is_err_and(|text| text.contains("--set")
            && text.contains("--budgets")
            && text.ends_with("leave them out")));
    }

    /// No argument of any command stands for a setting that it is not known by: every number among them has the range of the setting.
    #[test]
    fn every_setting_in_the_table_is_one() {
        let [train, search] = [
            evograd::train::Config::parse("[training]\nfreeze = ['a']\ninit_from = 'b'", &[]).unwrap().to_toml(),
            evograd::search::SearchConfig::parse("[calibration]\nsampling = 'mixed'", &[]).unwrap().to_toml(),
        ];
        for key in SETTINGS.iter().flat_map(|(_, keys)| *keys) {
            let name = key.rsplit('.').next().unwrap();
            let is_there = |text: &str| text.lines().any(|line| line.starts_with(&format!("{name} = ")));
            let optional = ["confirmation.seeds", "model.dropout", "data.validation"].contains(key);
            assert!(optional || is_there(&train) || is_there(&search), "{key}");
        }
    }
}
