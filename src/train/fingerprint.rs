//! What a run or a search began with, and whether it is still so. Its settings, its data, the program and the instruction
//! set decide every bit that comes of it; where one of them is another, nothing may be added to it.

use crate::data::Progress;
use crate::data::{Dataset, Normalise, Sets};
use crate::error::{Error, Result};
use crate::record::BeginRow;
use crate::reserve;
use evograd_kernels::Isa;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::Path;

/// Images looked at of a set that has no checksum and no files.
const SOME: usize = 100;

/// Settings that may be changed between two segments, since no result depends on them.
const FREE: [&str; 4] = ["data.threads", "training.log_every", "training.checkpoint_seconds", "search.workers"];

/// What this build is known by: a hash of its sources.
pub(super) const BUILD: &str = env!("BUILD_OF_EVOGRAD");

/// What a run or a search begins with. Of a search, the test set is not looked at. `progress` gets how far the look at the
/// files of images is.
///
/// # Errors
/// When the instruction set that was asked for is none, or an image cannot be read.
pub fn begin(task: &str, settings: String, sets: &Sets, progress: &mut dyn Progress) -> Result<BeginRow> {
    Ok(BeginRow {
        version: env!("CARGO_PKG_VERSION").into(),
        build: Some(BUILD.into()),
        task: task.into(),
        isa: Some(Isa::chosen()?.name().into()),
        settings,
        data_checksums: [sets.train.checksum(), sets.test.checksum()],
        data: Some(describe(sets, ["train", "confirm"].contains(&task), progress)?),
        classes: Some(sets.train.classes().to_vec()),
        normalise: None,
    })
}

/// The sha256 of the sizes, numbers and classes of both sets, and of the labels and files, or else some images, of each that
/// has no checksum and is used.
fn describe(sets: &Sets, test_is_used: bool, progress: &mut dyn Progress) -> Result<String> {
    let mut hash = Sha256::new();
    for (set, used) in [(&sets.train, true), (&sets.test, test_is_used)] {
        hash.update(format!("{:?} {} {:?}", set.shape(), set.len(), set.classes()));
        if used && set.checksum().is_none() {
            look_at(&**set, &mut hash, progress)?;
        }
    }
    Ok(hexadecimal(hash))
}

/// All labels, and all files; where images are no files, some images, evenly spread.
fn look_at(set: &dyn Dataset, hash: &mut Sha256, progress: &mut dyn Progress) -> Result<()> {
    (0..set.len()).for_each(|sample| hash.update((set.label(sample) as u64).to_le_bytes()));
    if let Some(sum) = set.files_checksum(progress)? {
        hash.update(sum);
        return Ok(());
    }
    let bytes = set.shape().iter().product();
    let mut image = reserve::filled(bytes, 0).map_err(|refused| refused.during("data"))?;
    let count = set.len().min(SOME);
    (0..count).try_for_each(|i| {
        set.read(i * set.len() / count, &mut image)?;
        hash.update(&image);
        Ok(())
    })
}

/// The sha256 of some bytes.
pub(super) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hexadecimal(Sha256::new().chain_update(bytes))
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Refuses to go on with what began otherwise: first the program, the instruction set and the settings, which need no data.
/// `place` is where `then` was written.
///
/// # Errors
/// When anything differs; the error names it, both values, and the way out.
pub fn expect_same_program(place: &Path, then: &BeginRow, task: &str) -> Result<()> {
    let noun = noun(task);
    let refuse = |problem: String, remedy: String| Err(Error::file(place, problem, remedy));
    if then.task != task {
        let problem = format!("it is of {}, not of {task}", then.task);
        return refuse(problem, "name another folder, or go on with it by its own command".into());
    }
    let version = env!("CARGO_PKG_VERSION");
    if then.version != version {
        let problem =
            format!("the {noun} began with version {}, and this is {version}, whose bits may be others", then.version);
        return refuse(problem, format!("go on with version {}, or start a new {noun}", then.version));
    }
    let isa = Isa::chosen()?.name();
    match &then.isa {
        Some(then) if then != isa => {
            let problem = format!("the {noun} began on {then}, and this is {isa}, whose last bits are others");
            refuse(problem, format!("set EVOGRAD_ISA={then} where the processor has it, or start a new {noun}"))
        }
        _ => Ok(()),
    }
}

/// A warning for each of these builds that is not the one of the beginning. A version is built anew after every change of its
/// sources, be it a comment, so that is no reason to refuse; that bits are the same, only one build can promise.
pub(super) fn other_builds(began: &BeginRow, builds: &[String]) -> Vec<String> {
    let (noun, version) = (noun(&began.task), &began.version);
    let others = builds.iter().filter(|build| began.build.as_ref() != Some(*build));
    let from = began.build.as_deref().unwrap_or("that is not known");
    let warning = |build| {
        format!(
            "the {noun} began with build {from} of version {version}, and what build {build} computes of it may have other bits"
        )
    };
    others.map(warning).collect()
}

/// Refuses settings that are not those of the beginning, but for those that change no result.
///
/// # Errors
/// When one was changed; the error names each with both values.
pub fn expect_same_settings(place: &Path, then: &BeginRow, settings: &str) -> Result<()> {
    let changed = changed_settings(&then.settings, settings).map_err(|error| error.at(place.display()))?;
    if changed.is_empty() {
        return Ok(());
    }
    let noun = noun(&then.task);
    let problem = format!("config.toml beside it was changed since the {noun} began ({})", listed(&changed));
    Err(Error::file(
        place,
        problem,
        format!("restore it (removed, it is written anew), or start a new {noun} with --config"),
    ))
}

/// Refuses data that is not that of the beginning.
///
/// # Errors
/// When it is not.
pub fn expect_same_data(place: &Path, then: &BeginRow, now: &BeginRow) -> Result<()> {
    now.classes.iter().try_for_each(|classes| expect_same_classes(place, then, classes))?;
    let sums = then.data_checksums == now.data_checksums;
    if sums && (then.data.is_none() || then.data == now.data) {
        return Ok(());
    }
    let what = if sums { "other sizes or images" } else { "other images or labels" };
    let remedy = format!("name the folder of the same data with --data-dir, or start a new {}", noun(&then.task));
    Err(Error::file(place, format!("the {} began with {what}", noun(&then.task)), remedy))
}

/// Refuses other classes than those of the beginning, or the same in another order: a network knows them by their places alone.
///
/// # Errors
/// When they are others; the error names them.
pub(super) fn expect_same_classes(place: &Path, then: &BeginRow, now: &[String]) -> Result<()> {
    let Some(then_classes) = then.classes.as_deref().filter(|classes| *classes != now) else { return Ok(()) };
    let noun = noun(&then.task);
    let without = |from: &[String], others: &[String]| {
        let others: HashSet<&String> = others.iter().collect();
        from.iter().filter(|name| !others.contains(name)).cloned().collect::<Vec<_>>()
    };
    let (missing, new) = (without(then_classes, now), without(now, then_classes));
    let named = |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what}: {}", some_of(names)));
    let mut found: Vec<String> = named("missing", &missing).into_iter().chain(named("new", &new)).collect();
    if found.is_empty() {
        let of = |(place, (then, now)): (usize, (&String, &String))| format!("class {place} was {then} and is {now}");
        let moved = then_classes.iter().zip(now).enumerate().find(|(_, (then, now))| then != now).map(of);
        found.push(moved.unwrap_or_else(|| format!("there were {}, and there are {}", then_classes.len(), now.len())));
    }
    let problem = format!("the {noun} began with other classes than these data have ({})", found.join("; "));
    let remedy = format!("name the folder of data of the same classes with --data-dir, or start a new {noun}");
    Err(Error::file(place, problem, remedy))
}

/// The first few of some names, and how many there are besides.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

/// Refuses to normalise otherwise than at the beginning.
///
/// # Errors
/// When it would be so.
pub(super) fn expect_same_normalise(place: &Path, then: &BeginRow, now: &Normalise) -> Result<()> {
    let now = now.to_json();
    match &then.normalise {
        Some(then) if *then != now => {
            let problem = format!("the run began with images normalised by {then}, and this is {now}");
            Err(Error::file(place, problem, "restore the file, or remove it: it is computed again"))
        }
        _ => Ok(()),
    }
}

/// What a checkpoint knows its run by: the same for all segments of a run.
pub(super) fn digest(begin: &BeginRow) -> Result<String> {
    let all = flat(&begin.settings)?;
    let fixed = all.iter().filter(|(key, _)| !is_free(key, &all));
    let settings = fixed.map(|(key, value)| format!("{key}={value}\n")).collect();
    let row = BeginRow { settings, ..begin.clone() };
    Ok(sha256(serde_json::to_vec(&row).expect("a row is plain data")))
}

const EPOCHS: &str = "training.epochs";

/// Settings as `section.key`, with their values.
type Flat = Vec<(String, String)>;

/// Whether no result so far depends on a setting, where the rest is as in `all`. With a constant rate, no step of a run depends
/// on how many are to follow.
fn is_free(key: &str, all: &Flat) -> bool {
    let constant = value(all, "schedule.kind") == Some("\"constant\"") && value(all, "search.seed").is_none();
    FREE.contains(&key) || (key == EPOCHS && constant)
}

fn value<'a>(all: &'a Flat, key: &str) -> Option<&'a str> {
    all.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
}

/// A setting with two values.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// As `section.key`.
    pub key: String,
    /// The value of the beginning.
    pub then: String,
    /// The other.
    pub now: String,
}

/// Changes as a sentence lists them.
pub fn listed(changed: &[Changed]) -> String {
    let shown = |Changed { key, then, now }: &Changed| format!("{key} was {then} and is {now}");
    changed.iter().map(shown).collect::<Vec<_>>().join("; ")
}

/// What differs between two texts of settings in TOML, but for what changes no result.
///
/// # Errors
/// When one is no TOML.
pub fn changed_settings(then: &str, now: &str) -> Result<Vec<Changed>> {
    let (then, now) = (flat(then)?, flat(now)?);
    let mut keys: Vec<&str> = then.iter().chain(&now).map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let differs = keys.into_iter().filter(|key| !is_free(key, &now) && value(&then, key) != value(&now, key));
    let shown = |all, key| value(all, key).unwrap_or("not set").to_string();
    Ok(differs.map(|key| Changed { key: key.into(), then: shown(&then, key), now: shown(&now, key) }).collect())
}

/// All settings of a text in TOML, as `section.key` with their values.
fn flat(text: &str) -> Result<Flat> {
    let table: toml::Table = toml::from_str(text)
        .map_err(|error| Error::op("settings", error.message().to_string(), &[], "restore the file"))?;
    let mut all = Vec::new();
    flatten("", table, &mut all);
    Ok(all)
}

fn flatten(before: &str, table: toml::Table, all: &mut Flat) {
    for (key, value) in table {
        let key = format!("{before}{key}");
        match value {
            toml::Value::Table(table) => flatten(&format!("{key}."), table, all),
            value => all.push((key, value.to_string())),
        }
    }
}

fn noun(task: &str) -> &'static str {
    if task == "train" { "run" } else { "search" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;
    use crate::train::Config;
    use std::sync::Arc;

    /// Images as of an image folder: without a checksum.
    struct Unsummed(Images);

    impl Dataset for Unsummed {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn shape(&self) -> [usize; 3] {
            self.0.shape()
        }
        fn classes(&self) -> &[String] {
            self.0.classes()
        }
        fn label(&self, index: usize) -> usize {
            self.0.label(index)
        }
        fn read(&self, index: usize, image: &mut [u8]) -> Result<()> {
            self.0.read(index, image)
        }
    }

    fn images(classes: &[&str], bytes: &[u8], labels: &[u16]) -> Images {
        Images::new([1, 1, 2], classes, bytes.to_vec(), labels.to_vec()).unwrap()
    }

    /// Every way in which data may be other data, with and without a checksum of its own.
    #[test]
    fn other_data_is_noticed() {
        let usual = || images(&["a", "b"], &[1, 2, 3, 4], &[0, 1]);
        let others = [
            images(&["b", "a"], &[1, 2, 3, 4], &[0, 1]),
            images(&["a", "b", "c"], &[1, 2, 3, 4], &[0, 1]),
            images(&["a", "b"], &[1, 2, 3, 5], &[0, 1]),
            images(&["a", "b"], &[3, 4, 1, 2], &[0, 1]),
            images(&["a", "b"], &[1, 2, 3, 4], &[1, 0]),
            images(&["a", "b"], &[1, 2], &[0]),
            images(&["a", "b"], &[1, 2, 3, 4, 1, 2], &[0, 1, 0]),
        ];
        let row = |train: Arc<dyn Dataset>, test: Arc<dyn Dataset>| {
            begin("train", String::new(), &Sets { train, test }, &mut ())
        };
        let wraps: [fn(Images) -> Arc<dyn Dataset>; 2] = [|set| Arc::new(set), |set| Arc::new(Unsummed(set))];
        for wrap in wraps {
            let then = row(wrap(usual()), wrap(usual())).unwrap();
            expect_same_data(Path::new("x"), &then, &row(wrap(usual()), wrap(usual())).unwrap()).unwrap();
            for other in &others {
                for now in [row(wrap(other.clone()), wrap(usual())), row(wrap(usual()), wrap(other.clone()))] {
                    let now = now.unwrap();
                    let text = expect_same_data(Path::new("x"), &then, &now).unwrap_err().to_string();
                    assert!(text.starts_with("x: the run began with other "), "{text}");
                    assert_ne!(digest(&then).unwrap(), digest(&now).unwrap());
                }
            }
        }
    }

    /// Every way in which classes may be others; and a row that does not know them.
    #[test]
    fn other_classes_are_named() {
        let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let set: Arc<dyn Dataset> = Arc::new(images(&["a", "b", "c"], &[1, 2], &[0]));
        let sets = Sets { train: set.clone(), test: set };
        let then = begin("train", String::new(), &sets, &mut ()).unwrap();
        let checked =
            |now: &[&str]| expect_same_classes(Path::new("x"), &then, &named(now)).map_err(|error| error.to_string());
        checked(&["a", "b", "c"]).unwrap();
        for (now, problem) in [
            (&["a", "b"][..], "missing: c"),
            (&["a", "b", "c", "d"], "new: d"),
            (&["a", "x", "c"], "missing: b; new: x"),
            (&["a", "c", "b"], "class 1 was b and is c"),
            (&["a", "b", "c", "c"], "there were 3, and there are 4"),
            (&[], "missing: a, b, c"),
        ] {
            let text = checked(now).unwrap_err();
            let begin =
                format!("x: the run began with other classes than these data have ({problem}); name the folder");
            assert!(text.starts_with(&begin), "{text}");
        }
        let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        let text = expect_same_classes(Path::new("x"), &then, &many).unwrap_err().to_string();
        assert!(text.contains("new: 0, 1, 2, 3, 4, 5, 6, 7 and 22 more"), "{text}");
        let before = BeginRow { classes: None, ..then };
        expect_same_classes(Path::new("x"), &before, &many).unwrap();
        assert!(!serde_json::to_string(&before).unwrap().contains("classes"), "it is known by the same digest as ever");
    }

    /// Every setting there is, changed: refused by name and with both values, or on the list of those that change nothing.
    #[test]
    fn every_changed_setting_is_named() {
        let text = Config::parse("", &["model.name=lenet".into(), "model.dropout=0.5".into()]).unwrap().to_toml();
        let begin = |settings: String| BeginRow {
            version: String::new(),
            build: None,
            task: "train".into(),
            isa: None,
            settings,
            data_checksums: [None, None],
            data: None,
            classes: None,
            normalise: None,
        };
        let then = begin(text.clone());
        let keys = flat(&text).unwrap();
        assert!(keys.len() > 30, "{keys:?}");
        for (key, value) in keys {
            let mut table: toml::Table = toml::from_str(&text).unwrap();
            let (section, name) = key.split_once('.').unwrap();
            table[section].as_table_mut().unwrap().insert(name.into(), toml::Value::String("other".into()));
            let now = begin(toml::to_string(&table).unwrap());
            match expect_same_settings(Path::new("run.json"), &then, &now.settings) {
                Ok(()) => {
                    assert!(FREE.contains(&key.as_str()), "{key}");
                    assert_eq!(digest(&then).unwrap(), digest(&now).unwrap());
                }
                Err(error) => {
                    let wanted = format!(
                        "run.json: config.toml beside it was changed since the run began ({key} was {value} and is \"other\"); \
                         restore it (removed, it is written anew), or start a new run with --config"
                    );
                    assert_eq!(error.to_string(), wanted);
                    assert!(digest(&then).unwrap() != digest(&now).unwrap(), "{key}");
                }
            }
        }
    }

    #[test]
    fn a_run_at_a_constant_rate_may_be_made_longer() {
        let text = |epochs: &str, kind: &str| {
            let set = [format!("training.epochs={epochs}"), format!("schedule.kind={kind}")];
            Config::parse("", &set).unwrap().to_toml()
        };
        let changed = |then: &str, now: &str| listed(&changed_settings(then, now).unwrap());
        assert_eq!(changed(&text("3", "constant"), &text("5", "constant")), "");
        assert_eq!(changed(&text("3", "cosine"), &text("5", "cosine")), "training.epochs was 3 and is 5");
        assert_eq!(
            changed(&text("3", "cosine"), &text("5", "constant")),
            "schedule.kind was \"cosine\" and is \"constant\""
        );
    }

    #[test]
    fn another_program_or_instruction_set_is_named_with_the_way_out() {
        let own = Isa::chosen().unwrap().name();
        let row = |version: &str, isa: &str| BeginRow {
            version: version.into(),
            build: None,
            task: "train".into(),
            isa: Some(isa.into()),
            settings: String::new(),
            data_checksums: [None, None],
            data: None,
            classes: None,
            normalise: None,
        };
        let refused = |row: BeginRow| expect_same_program(Path::new("x"), &row, "train").unwrap_err().to_string();
        let version = env!("CARGO_PKG_VERSION");
        expect_same_program(Path::new("x"), &row(version, own), "train").unwrap();
        assert_eq!(
            refused(row(version, "abacus")),
            format!(
                "x: the run began on abacus, and this is {own}, whose last bits are others; set EVOGRAD_ISA=abacus where the \
                 processor has it, or start a new run"
            )
        );
        assert_eq!(
            refused(row("0.0.1", own)),
            format!(
                "x: the run began with version 0.0.1, and this is {version}, whose bits may be others; go on with version \
                 0.0.1, or start a new run"
            )
        );
    }

    #[test]
    fn other_builds_are_reported_and_never_refused() {
        let sets = || Arc::new(images(&["a", "b"], &[1, 2, 3, 4], &[0, 1]));
        let sets = Sets { train: sets(), test: sets() };
        let began = begin("train", String::new(), &sets, &mut ()).unwrap();
        assert_eq!(began.build.as_deref(), Some(BUILD));
        assert_eq!(BUILD.len(), 16);
        assert!(other_builds(&began, &[BUILD.into()]).is_empty());
        for then in [Some("0123".to_string()), None] {
            let from = then.clone().unwrap_or("that is not known".into());
            let other = BeginRow { build: then, ..began.clone() };
            expect_same_program(Path::new("x"), &other, "train").unwrap();
            let expected = format!(
                "the run began with build {from} of version {}, and what build {BUILD} computes of it may have other bits",
                env!("CARGO_PKG_VERSION")
            );
            assert_eq!(other_builds(&other, &[BUILD.into()]), [expected]);
        }
    }
}
