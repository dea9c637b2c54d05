//! Settings that nothing reads, since they belong to another rule than the one that was chosen, or shape what is switched off by a 0: set,
//! they would be of no effect, and nobody would notice.

use super::refuse::refuse;
use crate::error::Result;
use serde::Serialize;
use serde_json::Value;

/// A setting that is read in some cases alone.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub key: &'static str,
    /// The setting that decides whether it is read, and what it has to be.
    choice: &'static str,
    reads: Reads,
    /// Other settings by which it is read as well.
    or: &'static [(&'static str, Reads)],
    /// The value that says no more than that it is not wanted, and so may stand where nothing reads it.
    off: Option<bool>,
}

/// What a setting has to be for another one to be read.
#[derive(Clone, Copy)]
pub(crate) enum Reads {
    /// One of these.
    Choices(&'static [&'static str]),
    /// A number above 0, or none.
    AboveZero,
}

/// A setting that only some choices read.
pub(crate) const fn reader(key: &'static str, choice: &'static str, readers: &'static [&'static str]) -> Reader {
    Reader { key, choice, reads: Reads::Choices(readers), or: &[], off: None }
}

/// A setting that is read only where a number is above 0.
pub(crate) const fn above_zero(key: &'static str, number: &'static str) -> Reader {
    Reader { key, choice: number, reads: Reads::AboveZero, or: &[], off: None }
}

const SGD: &[&str] = &["sgd"];
const ADAM: &[&str] = &["adam", "adamw"];
const STEP: &[&str] = &["step"];

/// Those of a network.
pub(crate) const OF_MODEL: [Reader; 1] = [reader("model.epsilon", "model.fusion", &["sort-root"])];

/// Those of any training.
pub(crate) const OF_TRAINING: [Reader; 10] = [
    reader("optimizer.momentum", "optimizer.rule", SGD),
    reader("optimizer.nesterov", "optimizer.rule", SGD),
    reader("optimizer.betas", "optimizer.rule", ADAM),
    reader("optimizer.epsilon", "optimizer.rule", ADAM),
    reader("schedule.peak", "schedule.kind", &["one-cycle"]),
    reader("schedule.milestones", "schedule.kind", STEP),
    reader("schedule.factor", "schedule.kind", STEP),
    Reader { off: Some(false), ..above_zero("optimizer.nesterov", "optimizer.momentum") },
    above_zero("optimizer.decay_all", "optimizer.weight_decay"),
    // Of folders, the images by which all are normalised are drawn by it too.
    Reader { or: &[("data.samples", Reads::AboveZero), ("data.set", Reads::Choices(&["folder"]))], ..SPLIT_SEED },
];

const SPLIT_SEED: Reader = above_zero("data.split_seed", "data.validation");

impl Reads {
    /// Whether it holds for a value; a choice may have its own number in parentheses behind its name.
    fn hold(self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Reads::Choices(readers), Some(Value::String(chosen))) => {
                readers.contains(&chosen.split('(').next().unwrap_or_default())
            }
            (Reads::AboveZero, Some(Value::Number(number))) => number.as_f64() != Some(0.0),
            _ => true,
        }
    }

    /// What to set it to.
    fn text(self) -> String {
        match self {
            Reads::Choices(readers) => format!("to {}", readers.join(" or ")),
            Reads::AboveZero => "above 0".into(),
        }
    }
}

impl Reader {
    /// Whether it is read by such settings.
    fn is_read(&self, settings: &Value) -> bool {
        let holds = |(key, reads): (&str, Reads)| reads.hold(look_up(settings, key));
        holds((self.choice, self.reads)) || self.or.iter().copied().any(holds)
    }
}

/// Whether one of these assignments is of this key.
pub(crate) fn is_assigned(key: &str, set: &[String]) -> bool {
    set.iter().any(|assignment| assignment.split('=').next().map(str::trim) == Some(key))
}

/// Refuses settings that nothing reads: those that are not as usual, and those that one of the assignments `set` names, whatever
/// it says.
///
/// # Errors
/// When there is one; the error says what would read it.
pub(crate) fn expect_read<T: Serialize + Default>(settings: &T, readers: &[&[Reader]], set: &[String]) -> Result<()> {
    let plain = |settings| serde_json::to_value(settings).expect("settings are tables of plain values");
    let (settings, usual) = (plain(settings), plain(&T::default()));
    for reader in readers.iter().copied().flatten() {
        let Reader { key, choice, reads, off, .. } = reader;
        let value = look_up(&settings, key);
        let is_set = is_assigned(key, set) || value != look_up(&usual, key);
        let is_off = off.is_some() && value.and_then(Value::as_bool) == *off;
        if is_set && !is_off && !reader.is_read(&settings) {
            let chosen = look_up(&settings, choice).map_or_else(String::new, shown);
            let problem = format!("{key} is set, and {choice} is {chosen}, which has no use for it");
            return Err(refuse(problem, &format!("leave it out, or set {choice} {}", reads.text())));
        }
    }
    Ok(())
}

/// A value as it stands in a text.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), crate::setting::shown),
        other => other.to_string(),
    }
}

fn look_up<'a>(settings: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(settings, |table, key| table.get(key))
}

/// Takes out of a file's settings what nothing reads any more, where an assignment made another choice than the file's.
pub(crate) fn forget(table: &mut toml::Table, readers: &[&[Reader]], set: &[String]) {
    for reader in readers.iter().copied().flatten() {
        let is_replaced = is_assigned(reader.choice, set) && !is_assigned(reader.key, set);
        // What is not there yet has its usual value, by which nothing else reads it.
        let reads =
            |settings: &Value, key, reads: Reads| look_up(settings, key).is_some_and(|value| reads.hold(Some(value)));
        let is_read = |settings: Value| {
            reader.reads.hold(look_up(&settings, reader.choice))
                || reader.or.iter().any(|(key, wanted)| reads(&settings, key, *wanted))
        };
        let is_unread = || serde_json::to_value(&*table).is_ok_and(|settings| !is_read(settings));
        if is_replaced && is_unread() {
            let (section, name) = reader.key.split_once('.').expect("a key has a section");
            table.get_mut(section).and_then(|section| section.as_table_mut()?.remove(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::train::Config;

    #[test]
    fn what_is_usual_may_stand_in_a_file_and_not_be_assigned() {
        let adam = Config::parse("", &["optimizer.rule=adam".into()]).unwrap();
        assert_eq!(Config::parse(&adam.to_toml(), &[]).unwrap(), adam);
        let set = ["optimizer.rule=adam", " optimizer.momentum = 0.9"].map(String::from);
        assert_eq!(
            Config::parse("", &set).unwrap_err().to_string(),
            "configuration: optimizer.momentum is set, and optimizer.rule is adam, which has no use for it; leave it out, or set \
             optimizer.rule to sgd"
        );
    }

    /// What is switched off by a 0, what switches it on, and values that say no more than that it is off.
    #[test]
    fn what_a_zero_switches_off_is_refused() {
        let read = |set: &[&str]| Config::parse("", &set.iter().map(ToString::to_string).collect::<Vec<_>>());
        for (setting, off, on) in [
            ("optimizer.nesterov=true", &["optimizer.momentum=0"][..], &[][..]),
            ("optimizer.decay_all=true", &["optimizer.weight_decay=0.0"], &["optimizer.weight_decay=0.1"]),
            ("optimizer.decay_all=false", &["optimizer.weight_decay=0"], &[]),
            ("data.split_seed=3", &["data.validation=0"], &["data.validation=0", "data.samples=50"]),
            ("data.split_seed=3", &["data.validation=0"], &["data.validation=0", "data.set=folder"]),
            ("data.split_seed=3", &["data.validation=0"], &["data.validation=9"]),
        ] {
            read(&[&[setting][..], on].concat()).unwrap();
            let (key, text) = (setting.split('=').next().unwrap(), read(&[&[setting][..], off].concat()).unwrap_err());
            let (zero, text) = (off[0].split('=').next().unwrap(), text.to_string());
            let expected = format!(
                "configuration: {key} is set, and {zero} is 0, which has no use for it; leave it out, or set {zero} above 0"
            );
            assert_eq!(text, expected);
        }
        read(&["optimizer.nesterov=false", "optimizer.momentum=0"]).unwrap();
        // What is usual stands in the file of any run.
        let plain = read(&["optimizer.momentum=0", "optimizer.weight_decay=0", "data.validation=0"]).unwrap();
        assert_eq!(Config::parse(&plain.to_toml(), &[]).unwrap(), plain);
        let set = ["data.validation=0".to_string()];
        assert_eq!(Config::parse("[data]\nsplit_seed = 7", &set).unwrap().data.split_seed, 0);
    }

    #[test]
    fn an_assigned_choice_leaves_what_the_file_had_for_another() {
        let file = "[optimizer]\nmomentum = 0.5\n[schedule]\nkind = \"step\"\nfactor = 0.5\nmilestones = [0.1]";
        let set = ["optimizer.rule=adam", "schedule.kind=cosine"].map(String::from);
        let config = Config::parse(file, &set).unwrap();
        assert_eq!((config.optimizer.momentum, config.schedule.factor), (0.9, 0.1));
        assert_eq!(Config::parse(&config.to_toml(), &[]).unwrap(), config);
        Config::parse(&format!("{file}\n[optimizer.x]"), &set).unwrap_err();
    }
}
