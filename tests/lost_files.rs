//! Every file of a run's folder, removed and emptied: the run goes on to the same end, or an error says what to do, and that works.

mod digits;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TRAINING: [&str; 6] = [
    "model.width=0.25",
    "data.samples=32",
    "data.validation=40",
    "training.epochs=2",
    "training.batch=16",
    "data.crop=0",
];

const NETWORKS: [&str; 5] = [
    "networks.stages=[2]",
    "networks.backbone.filters=[2]",
    "networks.backbone.features=4",
    "data.samples=20",
    "data.validation=20",
];

/// A kind of run: its command, what begins it, and what is done with its folder afterwards.
struct Kind {
    name: &'static str,
    command: &'static [&'static str],
    begin: Vec<String>,
    looks: &'static [&'static [&'static str]],
}

fn kinds(folder: &Path) -> Vec<Kind> {
    let words = |first: &[&str], settings: &[&[&str]]| {
        let sets = settings.concat().into_iter().flat_map(|set| ["--set", set]);
        first.iter().copied().chain(sets).map(String::from).collect::<Vec<_>>()
    };
    let networks = |first: &[&str], more: &[&str]| words(first, &[&NETWORKS, more]);
    let search = folder.join("search");
    let reports: &[&[&str]] = &[&["search", "report"]];
    let tables: &[&[&str]] = &[&["search", "report"], &["search", "table"]];
    let of = |name, command, begin, looks| Kind { name, command, begin, looks };
    vec![
        of("train", &["train"], words(&["lenet", "--data", "mnist"], &[&TRAINING]), &[&["eval"], &["inspect", "run"]]),
        of(
            "search",
            &["search"],
            networks(&["--data", "mnist", "--budget", "4"], &["training.epochs=1", "search.population=2"]),
            reports,
        ),
        of("exhaust", &["search", "exhaust"], networks(&["--data", "mnist"], &["training.epochs=1"]), tables),
        of(
            "calibrate",
            &["search", "calibrate"],
            words(
                &["--data", "mnist", "--networks", "3", "--budgets", "1x2"],
                &[&NETWORKS[2..], &["networks.stages=[3]", NETWORKS[1]]],
            ),
            tables,
        ),
        of("confirm", &["search", "confirm"], words(&[search.to_str().unwrap(), "--seeds", "2"], &[]), reports),
    ]
}

struct Place {
    data: tempfile::TempDir,
    folder: tempfile::TempDir,
}

impl Place {
    fn run(&self, arguments: &[&str], more: &[&Path]) -> (i32, String) {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
        command.args(arguments).args(more).args(["--threads", "2", "-q"]).env("EVOGRAD_DATA_DIR", self.data.path());
        let output = command.output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), text)
    }

    /// A copy of a folder, in which a file is spoiled.
    fn spoiled(&self, whole: &Path, file: &Path, is_lost: bool) -> PathBuf {
        let copied = self.folder.path().join("copy");
        let _ = fs::remove_dir_all(&copied);
        copy(whole, &copied);
        let path = copied.join(file);
        if is_lost {
            fs::remove_file(path).unwrap()
        } else {
            fs::write(path, "").unwrap()
        }
        copied
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() { copy(&entry, &to) } else { fs::copy(&entry, &to).map(|_| ()).unwrap() }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// What a run has come to: its rows and its weights.
fn results(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let names = ["metrics.jsonl", "journal.jsonl", "checkpoints/last/model.safetensors", "config.toml"];
    let there = names.iter().map(|name| folder.join(name)).filter(|path| path.exists());
    there.map(|path| (path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

#[test]
fn a_lost_file_is_restored_or_what_is_advised_works() {
    let place = Place { data: digits::data(), folder: tempfile::tempdir().unwrap() };
    let mut outcomes = [0; 3];
    for kind in kinds(place.folder.path()) {
        let whole = place.folder.path().join(kind.name);
        let begin: Vec<&str> = kind.command.iter().copied().chain(kind.begin.iter().map(String::as_str)).collect();
        let (code, text) = place.run(&[&begin[..], &["--out"]].concat(), &[&whole]);
        assert!(code == 0, "{}: {text}", kind.name);
        for path in files(&whole) {
            let file = path.strip_prefix(&whole).unwrap();
            for is_lost in [true, false] {
                let what = format!("{} {} {}", kind.name, file.display(), if is_lost { "lost" } else { "emptied" });
                outcomes[resumed(&place, &kind, &whole, file, is_lost, &what)] += 1;
                looked_at(&place, &kind, &whole, file, is_lost, &what);
            }
        }
    }
    // Each outcome is met: otherwise nothing of it was tested.
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

/// Goes on with a run of which a file is spoiled: 0 where it came to the same end, 1 where an advice to remove the file worked, 2
/// where one to begin anew did.
fn resumed(place: &Place, kind: &Kind, whole: &Path, file: &Path, is_lost: bool, what: &str) -> usize {
    let run = place.spoiled(whole, file, is_lost);
    let resume = [kind.command, &["--resume"]].concat();
    let (code, text) = place.run(&resume, &[&run]);
    if code == 0 {
        assert!(results(&run) == results(whole), "{what}: other results: {text}");
        let name = file.to_string_lossy();
        let is_told = name.starts_with("checkpoints/best") || ["config.toml", "run.json"].contains(&&*name);
        let named = if name.starts_with("checkpoints/best") { "checkpoints/best" } else { &*name };
        assert!(!is_told || text.contains(named), "{what}: nothing is said of it: {text}");
        let info = fs::read_to_string(run.join("run.json")).unwrap();
        let from = if name == "config.toml" { "config.toml, from run.json" } else { "run.json, from journal.jsonl" };
        assert!(!["config.toml", "run.json"].contains(&&*name) || info.contains(from), "{what}: {info}");
        return 0;
    }
    assert!(
        code == 2 && text.contains(&*file.to_string_lossy()) || text.contains("checkpoints/last"),
        "{what}: {text}"
    );
    assert!(text.contains("restore"), "{what}: {text}");
    fs::copy(whole.join(file), run.join(file)).unwrap();
    let (restored, said) = place.run(&resume, &[&run]);
    assert!(restored == 0, "{what}: restored, it is refused: {said}");
    if text.contains("or remove it") {
        fs::remove_file(run.join(file)).unwrap();
        let (code, said) = place.run(&resume, &[&run]);
        assert!(code == 0 && results(&run) == results(whole), "{what}: {said}");
        return 1;
    }
    let anew = place.folder.path().join("anew");
    let _ = fs::remove_dir_all(&anew);
    let run = place.spoiled(whole, file, is_lost);
    let config = run.join("config.toml");
    let (code, said) = match text.contains("the folder of its search") {
        true => place.run(&["search", "confirm", "--out"], &[&anew, &place.folder.path().join("search")]),
        false => place.run(&[kind.command, &["--out"]].concat(), &[&anew, Path::new("--config"), &config]),
    };
    assert!(text.contains("--config") || text.contains("the folder of its search"), "{what}: {text}");
    assert!(code == 0, "{what}: {said}");
    2
}

/// What only looks at a folder says what is wrong with it, or comes to what it comes to otherwise.
fn looked_at(place: &Place, kind: &Kind, whole: &Path, file: &Path, is_lost: bool, what: &str) {
    for look in kind.looks {
        let run = place.spoiled(whole, file, is_lost);
        let (code, text) = place.run(look, &[&run]);
        let is_config = file == Path::new("config.toml");
        assert!(code == 0 || code == 2 && !is_config, "{look:?} of {what}: {code}: {text}");
        assert!(
            code == 0 || text.contains("restore") || text.contains("--resume") || text.contains("no network yet"),
            "{look:?} of {what}: {text}"
        );
        assert!(!is_config || text.contains("config.toml: it was missing or empty, and is restored"), "{what}: {text}");
    }
}
