//! Settings that nothing reads, since they belong to another rule than the one that was chosen: set, they would be of no effect, and nobody
//! would be told.

use super::refuse::refuse;
use crate::error::Result;
use serde::Serialize;
use serde_json::Value;

/// A setting that only some choices read.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub key: &'static str,
    /// The setting that decides whether it is read.
    pub choice: &'static str,
    /// The choices that read it.
    pub readers: &'static [&'static str],
}

pub(crate) const fn reader(key: &'static str, choice: &'static str, readers: &'static [&'static str]) -> Reader {
    Reader { key, choice, readers }
}

const SGD: &[&str] = &["sgd"];
const ADAM: &[&str] = &["adam", "adamw"];
const STEP: &[&str] = &["step"];

/// Those of a network.
pub(crate) const OF_MODEL: [Reader; 1] = [reader("model.epsilon", "model.fusion", &["sort-root"])];

/// Those of any training.
pub(crate) const OF_TRAINING: [Reader; 7] = [
    reader("optimizer.momentum", "optimizer.rule", SGD),
    reader("optimizer.nesterov", "optimizer.rule", SGD),
    reader("optimizer.betas", "optimizer.rule", ADAM),
    reader("optimizer.epsilon", "optimizer.rule", ADAM),
    reader("schedule.peak", "schedule.kind", &["one-cycle"]),
    reader("schedule.milestones", "schedule.kind", STEP),
    reader("schedule.factor", "schedule.kind", STEP),
];

impl Reader {
    /// Whether what was chosen reads it; a choice may have its own number in parentheses behind its name.
    fn reads(&self, chosen: &str) -> bool {
        self.readers.contains(&chosen.split('(').next().unwrap_or_default())
    }
}

/// Whether one of these assignments is of this key.
fn is_assigned(key: &str, set: &[String]) -> bool {
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
        let Reader { key, choice, readers } = reader;
        let Some(chosen) = look_up(&settings, choice).and_then(Value::as_str) else { continue };
        let is_set = is_assigned(key, set) || look_up(&settings, key) != look_up(&usual, key);
        if is_set && !reader.reads(chosen) {
            let problem = format!("{key} is set, and {choice} is {chosen}, which has no use for it");
            return Err(refuse(problem, &format!("leave it out, or set {choice} to {}", readers.join(" or "))));
        }
    }
    Ok(())
}

fn look_up<'a>(settings: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(settings, |table, key| table.get(key))
}

/// Takes out of a file's settings what nothing reads any more, where an assignment made another choice than the file's.
pub(crate) fn forget(table: &mut toml::Table, readers: &[&[Reader]], set: &[String]) {
    for reader in readers.iter().copied().flatten() {
        let chosen = reader.choice.split_once('.').and_then(|(section, name)| table.get(section)?.get(name)?.as_str());
        let is_replaced = is_assigned(reader.choice, set) && !is_assigned(reader.key, set);
        if is_replaced && chosen.is_some_and(|chosen| !reader.reads(chosen)) {
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
