//! What the folder of a run withstands: being edited, damaged, exchanged, linked elsewhere, and taken away.

mod digits;

use digits::data;
use evograd::data::Progress;
use evograd::record::{self, Metric};
use evograd::search::SearchConfig;
use evograd::train::{Config, Run, RunFolder, RunInfo, Status};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Settings of a run of two epochs of two steps, with something held out.
const TINY: [&str; 9] = [
    "model.width=0.25",
    "data.samples=32",
    "data.validation=40",
    "data.crop=0",
    "training.epochs=2",
    "training.batch=16",
    "training.log_every=1",
    "training.checkpoint_seconds=0",
    "schedule.kind=constant",
];

/// A search of two small networks.
const SEARCH: [&str; 10] = [
    "networks.stages=[2, 2]",
    "networks.backbone.filters=[2, 2]",
    "networks.backbone.features=4",
    "data.set=mnist",
    "data.samples=20",
    "data.validation=20",
    "training.epochs=1",
    "search.population=3",
    "search.budget=\"6\"",
    "search.workers=1",
];

fn evograd(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.args(arguments).env_remove("EVOGRAD_DATA_DIR");
    command
}

fn with(mut command: Command, settings: &[&str]) -> Command {
    for set in settings {
        command.args(["--set", set]);
    }
    command
}

fn train(data: &Path, out: &Path) -> Command {
    let mut command = evograd(&["train", "lenet", "--data", "mnist", "--rate", "0.01", "--data-dir"]);
    command.arg(data).arg("--out").arg(out);
    with(command, &TINY)
}

fn search(data: &Path, out: &Path) -> Command {
    let mut command = evograd(&["search", "--data-dir"]);
    command.arg(data).arg("--out").arg(out);
    with(command, &SEARCH)
}

/// Goes on; where the data is, the folder has to know.
fn resume(command: &str, out: &Path) -> Command {
    let mut command = evograd(&[command, "--resume"]);
    command.arg(out);
    command
}

fn eval(out: &Path) -> Command {
    let mut command = evograd(&["eval"]);
    command.arg(out);
    command
}

fn output(mut command: Command) -> (i32, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap(), text)
}

fn finished(command: Command) -> String {
    let (code, text) = output(command);
    assert_eq!(code, 0, "{text}");
    text
}

fn refused(command: Command, expected: &str) {
    let (code, text) = output(command);
    assert!(code == 2 && text.contains(expected), "{code}: {text}\nexpected: {expected}");
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait_for(path: &Path) {
    let there = (0..3000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        path.exists()
    });
    assert!(there, "{} is not there after thirty seconds", path.display());
}

/// Whether the checkpoint of a run is of after its first step.
fn has_saved_a_step(run: &Path) -> bool {
    let position = fs::read_to_string(run.join("checkpoints/last/position.json")).unwrap_or_default();
    position.contains("\"step\": ") && !position.contains("\"step\": 0,")
}

/// How a process ends, which has to be soon.
fn ended(mut child: Child) -> (i32, String) {
    let soon = (0..6000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        child.try_wait().unwrap().is_some()
    });
    if !soon {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(soon, "it did not end within a minute: {errors}");
    (output.status.code().unwrap(), errors)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// All files and folders below a folder, with the bytes of files.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => {
                all.push((path.clone(), Vec::new()));
                all.extend(tree(&path));
            }
            false => all.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    all.sort();
    all
}

fn weights(run: &Path) -> Vec<Vec<u8>> {
    let files = ["last/model", "last/optimizer", "best/model"];
    files.map(|name| fs::read(run.join(format!("checkpoints/{name}.safetensors"))).unwrap()).to_vec()
}

/// A finished run and a copy of it to be spoiled.
struct Place {
    _folder: tempfile::TempDir,
    data: tempfile::TempDir,
    whole: PathBuf,
    run: PathBuf,
}

impl Place {
    fn new() -> Place {
        let (folder, data) = (tempfile::tempdir().unwrap(), data());
        let (whole, run) = (folder.path().join("whole"), folder.path().join("run"));
        finished(train(data.path(), &whole));
        Place { _folder: folder, data, whole, run }
    }

    /// The run as it was, at the same place.
    fn anew(&self) -> &Path {
        if self.run.exists() {
            fs::remove_dir_all(&self.run).unwrap();
        }
        copy(&self.whole, &self.run);
        &self.run
    }
}

#[test]
fn changed_settings_are_refused_by_resume_and_eval_and_nothing_is_touched() {
    let place = Place::new();
    for (from, to, named) in [
        ("split_seed = 0", "split_seed = 9", "data.split_seed was 0 and is 9"),
        ("set = \"mnist\"", "set = \"cifar10\"", "data.set was \"mnist\" and is \"cifar10\""),
        ("momentum = 0.9", "momentum = 0.5", "optimizer.momentum was 0.9 and is 0.5"),
    ] {
        let run = place.anew();
        let config = fs::read_to_string(run.join("config.toml")).unwrap();
        assert!(config.contains(from), "{config}");
        // Beside it a change that would be allowed.
        let longer = config.replace("epochs = 2", "epochs = 3");
        fs::write(run.join("config.toml"), longer.replace(from, to)).unwrap();
        let before = tree(run);
        let expected = format!("run.json: config.toml beside it was changed since the run began ({named}); restore it");
        refused(resume("train", run), &expected);
        refused(eval(run), &expected);
        assert!(tree(run) == before, "a file was touched");
    }
}

/// What a longer run at a constant rate comes to is what a shorter one comes to that was made longer.
#[test]
fn a_run_at_a_constant_rate_is_made_longer_to_the_bits_of_a_longer_one() {
    let place = Place::new();
    let run = place.anew();
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    fs::write(run.join("config.toml"), config.replace("epochs = 2", "epochs = 3")).unwrap();
    finished(resume("train", run));
    let longer = place.whole.with_file_name("longer");
    finished(with(train(place.data.path(), &longer), &["training.epochs=3"]));
    assert!(weights(run) == weights(&longer));
}

#[test]
fn another_instruction_set_is_refused_with_the_way_out() {
    let (data, folder) = (data(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let mut portable = train(data.path(), &run);
    portable.env("EVOGRAD_ISA", "portable");
    finished(portable);
    let here = evograd::Isa::chosen().unwrap().name();
    if here != "portable" {
        refused(resume("train", &run), &format!("the run began on portable, and this is {here}"));
        refused(resume("train", &run), "set EVOGRAD_ISA=portable where the processor has it, or start a new run");
    }
    let mut same = resume("train", &run);
    same.env("EVOGRAD_ISA", "portable");
    finished(same);
}

#[test]
fn another_version_or_an_unknown_beginning_is_refused() {
    let place = Place::new();
    let edit = |run: &Path, change: &dyn Fn(&mut serde_json::Value)| {
        let path = run.join("run.json");
        let mut info: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut info);
        fs::write(path, info.to_string()).unwrap();
    };
    edit(place.anew(), &|info| info["began"]["version"] = "0.0.1".into());
    refused(resume("train", &place.run), "the run began with version 0.0.1, and this is ");
    edit(place.anew(), &|info| drop(info.as_object_mut().unwrap().remove("began")));
    refused(resume("train", &place.run), "it does not say what the run began with");
    fs::remove_file(place.anew().join("run.json")).unwrap();
    refused(resume("train", &place.run), "run.json: No such file");
}

/// Every file of a checkpoint, with a bit changed, cut short, emptied and removed.
#[test]
fn a_damaged_checkpoint_is_an_error_that_names_the_file() {
    let place = Place::new();
    type Damage = fn(&Path);
    let flip: Damage = |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() * 2 / 3;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let cut: Damage = |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let empty: Damage = |path| fs::write(path, "").unwrap();
    let lose: Damage = |path| fs::remove_file(path).unwrap();
    for damage in [flip, cut, empty, lose] {
        for file in ["model.safetensors", "optimizer.safetensors", "position.json", "SHA256SUMS"] {
            let last = place.anew().join("checkpoints/last");
            damage(&last.join(file));
            let (code, text) = output(resume("train", &place.run));
            let named = if file == "SHA256SUMS" { "checkpoints/last/" } else { file };
            assert!(code == 2 && text.contains(named), "{file}: {code} {text}");
            let (code, text) = output(eval(&place.run));
            assert!(code == 2 && text.contains(named), "{file}: {code} {text}");
        }
    }
    fs::remove_dir_all(place.anew().join("checkpoints/last")).unwrap();
    refused(resume("train", &place.run), "the run is finished, and the checkpoint last is missing");
}

/// Of a file that is there and cannot be read, nothing is known: neither the checkpoint before nor the beginning takes its place.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_this_time_is_no_damage() {
    let place = Place::new();
    for file in ["model.safetensors", "optimizer.safetensors", "position.json", "SHA256SUMS"] {
        let checkpoints = place.anew().join("checkpoints");
        copy(&checkpoints.join("last"), &checkpoints.join("last.old"));
        let path = checkpoints.join("last").join(file);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        // Reading it fails however often the system is asked, for whoever asks.
        std::os::unix::fs::symlink(file, &path).unwrap();
        for command in [resume("train", &place.run), eval(&place.run)] {
            refused(command, &format!("checkpoints/last/{file}: "));
        }
        assert!(checkpoints.join("last.old").exists(), "{file}: the checkpoint before took its place");
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
        finished(resume("train", &place.run));
        assert!(weights(&place.run) == weights(&place.whole) && !checkpoints.join("last.old").exists());
    }
}

/// Makes the last checkpoint say that these are the rows before it.
fn vouch_for(run: &Path, rows: &[u8]) {
    let last = run.join("checkpoints/last");
    let sum = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let [position, sums] = ["position.json", "SHA256SUMS"].map(|name| last.join(name));
    let before = fs::read(&position).unwrap();
    let mut saved: serde_json::Value = serde_json::from_slice(&before).unwrap();
    saved["rows"] = serde_json::json!({"bytes": rows.len(), "sha256": sum(rows)});
    let after = serde_json::to_vec(&saved).unwrap();
    let text = fs::read_to_string(&sums).unwrap().replace(&sum(&before), &sum(&after));
    fs::write(position, after).unwrap();
    fs::write(sums, text).unwrap();
}

/// Every row, changed, taken out or exchanged with the next, in a run that is finished and in one that is not; and what a
/// killed process appended since its last checkpoint.
#[test]
fn rows_before_the_checkpoint_are_what_the_run_has_written() {
    let place = Place::new();
    let restore = "restore it from a copy, or start a new run";
    let lines = fs::read_to_string(place.whole.join("metrics.jsonl")).unwrap();
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    let expect_refused = |lines: &[&str], problem: &str| {
        let metrics = place.run.join("metrics.jsonl");
        fs::write(&metrics, lines.concat()).unwrap();
        let before = tree(&place.run);
        let expected = [problem, restore].map(|part| output_has(resume("train", &place.run), part));
        assert_eq!(expected, [true, true], "{problem}: {lines:?}");
        assert_eq!(tree(&place.run).len(), before.len());
        assert_eq!(fs::read_to_string(&metrics).unwrap(), lines.concat());
    };
    place.anew();
    for at in 0..lines.len() {
        let digit = lines[at].rfind(|letter: char| letter.is_ascii_digit()).unwrap();
        let other = if lines[at].as_bytes()[digit] == b'1' { "2" } else { "1" };
        let edited = [&lines[at][..digit], other, &lines[at][digit + 1..]].concat();
        let mut changed = lines.clone();
        changed[at] = &edited;
        expect_refused(&changed, "metrics.jsonl: a row before the last checkpoint is not what the run has written");
        let mut fewer = lines.clone();
        fewer.remove(at);
        expect_refused(&fewer, "metrics.jsonl: rows are missing: it has ");
        if at > 0 {
            let mut exchanged = lines.clone();
            exchanged.swap(at - 1, at);
            expect_refused(
                &exchanged,
                "metrics.jsonl: a row before the last checkpoint is not what the run has written",
            );
        }
    }
    expect_refused(&[], "metrics.jsonl: rows are missing: it has 0 bytes");
    // As if it had been killed between its first checkpoint with rows and the next.
    let early = lines[..2].concat();
    vouch_for(&place.run, early.as_bytes());
    for kept in 2..=lines.len() {
        fs::write(place.run.join("metrics.jsonl"), lines[..kept].concat() + "{\"kind\":\"st").unwrap();
        vouch_for(&place.run, early.as_bytes());
        finished(resume("train", &place.run));
    }
}

fn output_has(command: Command, expected: &str) -> bool {
    let (code, text) = output(command);
    code == 2 && text.contains(expected)
}

#[test]
fn a_lost_best_checkpoint_is_reported() {
    let place = Place::new();
    fs::remove_dir_all(place.anew().join("checkpoints/best")).unwrap();
    assert!(finished(resume("train", &place.run)).contains("checkpoints/best is missing"));
    let info = fs::read_to_string(place.run.join("run.json")).unwrap();
    assert!(info.contains("checkpoints/best is missing, of an epoch with an accuracy of "), "{info}");
    assert!(!finished(resume("train", place.anew())).contains("checkpoints/best"));
}

/// A run and a search that began with another build of the same version go on, and it is said, also by the segment after.
#[test]
fn another_build_is_reported_and_not_refused() {
    let place = Place::new();
    let search_run = place.whole.with_file_name("search");
    finished(search(place.data.path(), &search_run));
    let said = "began with build 0123456789abcdef of version ";
    let other = |run: &Path| {
        let path = run.join("run.json");
        let mut info: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(info["builds"], serde_json::json!([info["began"]["build"]]));
        info["began"]["build"] = "0123456789abcdef".into();
        fs::write(&path, serde_json::to_vec(&info).unwrap()).unwrap();
    };
    other(&search_run);
    assert!(finished(resume("search", &search_run)).contains(said));
    let run = place.anew();
    let unfinished = fs::read_to_string(run.join("config.toml")).unwrap().replace("epochs = 2", "epochs = 3");
    other(run);
    // What checkpoints know the run by is made of it too.
    refused(resume("train", run), "it is the checkpoint of another run");
    place.anew();
    fs::write(run.join("config.toml"), unfinished).unwrap();
    assert!(!finished(resume("train", run)).contains("began with build"));
    let info = fs::read_to_string(run.join("run.json")).unwrap();
    let edited = info.replace("\"builds\": [", "\"builds\": [\n    \"0123456789abcdef\",");
    fs::write(run.join("run.json"), edited).unwrap();
    let longer = fs::read_to_string(run.join("config.toml")).unwrap().replace("epochs = 3", "epochs = 4");
    fs::write(run.join("config.toml"), longer).unwrap();
    assert!(finished(resume("train", run)).contains("what build 0123456789abcdef computes of it may have other bits"));
    let info = fs::read_to_string(run.join("run.json")).unwrap();
    assert!(info.contains("what build 0123456789abcdef computes of it may have other bits"), "{info}");
}

/// Images of 43×24 pixels at twice their size, and just below it.
#[test]
fn images_that_are_enlarged_are_reported_of() {
    let (data, folder) = (images(), tempfile::tempdir().unwrap());
    let trained = |size: &str| {
        let mut command = evograd(&["train", "linear", "--data", "folder", "--epochs", "1", "--data-dir"]);
        command.arg(data.path()).arg("--out").arg(folder.path().join(size));
        finished(with(command, &[&format!("data.size={size}"), "data.crop=0"]))
    };
    assert!(!trained("47").contains("images are enlarged"));
    let text = trained("48");
    assert!(
        text.contains("images are enlarged to 48×48 pixels, of which the first has 43×24; with data.size=24"),
        "{text}"
    );
}

/// A pipe that nobody writes to, in place of every file that a user names or a folder holds.
#[cfg(unix)]
#[test]
fn pipes_are_refused_and_not_waited_for() {
    let place = Place::new();
    let pipe = place.whole.with_file_name("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let name = pipe.to_str().unwrap();
    let data = place.data.path().to_str().unwrap();
    let run = place.whole.to_str().unwrap();
    for arguments in [
        &["train", "--dry-run", "--config", name][..],
        &["search", "--dry-run", "--config", name],
        &["tsp", "--tsplib", name],
        &["eval", run, "--weights", name],
        &["data", "import", "cifar10", "--data-dir", data, "--from", name],
    ] {
        let (code, text) = ended(spawn(evograd(arguments)));
        assert!(code == 2 && text.contains("it is no file"), "{arguments:?}: {code}: {text}");
    }
    for image in fs::read_dir(place.data.path().join("mnist")).unwrap().map(|entry| entry.unwrap().path()) {
        let kept = image.with_extension("kept");
        fs::rename(&image, &kept).unwrap();
        fs::rename(&pipe, &image).unwrap();
        let (code, text) =
            ended(spawn(evograd(&["train", "lenet", "--data", "mnist", "--dry-run", "--data-dir", data])));
        assert!(code == 2 && text.contains("it is no file"), "{code}: {text}");
        let (code, text) = ended(spawn(evograd(&["data", "verify", "mnist", "--data-dir", data])));
        assert_ne!(code, 0, "{text}");
        fs::rename(&image, &pipe).unwrap();
        fs::rename(&kept, &image).unwrap();
    }
    for file in ["config.toml", "run.json", "metrics.jsonl", "normalise.json", "checkpoints/last/position.json"] {
        let path = place.anew().join(file);
        fs::remove_file(&path).unwrap();
        fs::rename(&pipe, &path).unwrap();
        let (code, text) = ended(spawn(resume("train", &place.run)));
        assert!(code == 2 && text.contains("it is no file"), "{file}: {code}: {text}");
        fs::rename(&path, &pipe).unwrap();
    }
}

/// What the shell hands over as `<(…)` or as standard input is read, for every text that a user names; a pipe with a name and nobody at its
/// other end is refused there too, and so is one from which nothing came.
#[cfg(target_os = "linux")]
#[test]
fn pipes_that_the_shell_hands_over_are_read() {
    let place = Place::new();
    let pipe = place.whole.with_file_name("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let shell = |line: &str| {
        let mut command = Command::new("bash");
        // What it prints is looked at as what it says is.
        command
            .args(["-c", &format!("{{ {line}; }} 1>&2"), "bash"])
            .arg(assert_cmd::cargo::cargo_bin!("evograd"))
            .arg(&pipe);
        ended(spawn(command))
    };
    let train = "\"$1\" train linear --data shapes --dry-run --config";
    let search = "\"$1\" search --data shapes --dry-run --config";
    let towns = "DIMENSION: 3\\nEDGE_WEIGHT_TYPE: EUC_2D\\nNODE_COORD_SECTION\\n1 0 0\\n2 0 1\\n3 1 1\\n";
    for (line, part) in [
        (format!("{train} <(echo '[training]'; sleep 0.3; echo 'epochs = 7')"), "epochs = 7"),
        (format!("(echo '[training]'; echo 'epochs = 7') | {train} -"), "epochs = 7"),
        (format!("{search} /dev/fd/3 3< <(echo '[search]'; echo 'population = 9')"), "population = 9"),
        (format!("\"$1\" tsp --generations 2 --tsplib <(printf '{towns}')"), "3 towns"),
    ] {
        let (code, text) = shell(&line);
        assert!(code == 0 && text.contains(part), "{line}: {code}: {text}");
    }
    for (line, part) in [
        (format!("{train} <(true)"), "it is a pipe from which nothing came; name a TOML file"),
        (format!("{train} \"$2\""), "it is no file"),
        (format!("{train} - < /dev/null"), "it is no file"),
    ] {
        let (code, text) = shell(&line);
        assert!(code == 2 && text.contains(part), "{line}: {code}: {text}");
    }
}

/// The test set is asked once: a finished run that is resumed tells what was found then.
#[test]
fn a_finished_run_is_not_tested_again() {
    let place = Place::new();
    let metrics = place.anew().join("metrics.jsonl");
    // A score that no evaluation would find.
    let edited = |text: String| text.replace("\"split\":\"test\",\"images\":160", "\"split\":\"test\",\"images\":7");
    let text = edited(fs::read_to_string(&metrics).unwrap());
    fs::write(&metrics, &text).unwrap();
    refused(resume("train", &place.run), "metrics.jsonl: rows are missing: ");
    vouch_for(&place.run, text.as_bytes());
    assert!(finished(resume("train", &place.run)).contains("7 images"));
    let mut json = resume("train", &place.run);
    json.arg("--json");
    let printed = String::from_utf8(json.output().unwrap().stdout).unwrap();
    assert_eq!(printed.lines().collect::<Vec<_>>(), [text.lines().last().unwrap()]);
    assert_eq!(fs::read_to_string(&metrics).unwrap(), text);
}

/// A folder of images of two classes.
fn images() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let image = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/images/bits.png")).unwrap();
    for (set, count) in [("train", 150), ("val", 2)] {
        for number in 0..count {
            let class = folder.path().join("folder").join(set).join(["a", "b"][usize::from(2 * number >= count)]);
            fs::create_dir_all(&class).unwrap();
            // What follows the end of an image is not read, and makes each file another.
            let own = [&image[..], class.to_str().unwrap().as_bytes(), &[number as u8]].concat();
            fs::write(class.join(format!("{number:03}.png")), own).unwrap();
        }
    }
    folder
}

/// Of the training set and the test set: a byte changed, bytes added, files renamed and exchanged.
#[test]
fn every_file_of_a_folder_of_images_counts() {
    let (data, folder) = (images(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let mut command = evograd(&["train", "linear", "--data", "folder", "--epochs", "1", "--data-dir"]);
    command.arg(data.path()).arg("--out").arg(&run);
    finished(with(command, &["data.size=8", "data.crop=0"]));
    finished(resume("train", &run));
    let expected = "the run began with other sizes or images; name the folder of the same data";
    for image in ["train/a/002.png", "train/b/149.png", "val/a/000.png", "val/b/001.png"] {
        let image = data.path().join("folder").join(image);
        let (kept, other) = (fs::read(&image).unwrap(), image.with_extension("jpg"));
        for at in [0, kept.len() / 2, kept.len() - 1] {
            let mut changed = kept.clone();
            changed[at] ^= 1;
            fs::write(&image, changed).unwrap();
            refused(resume("train", &run), expected);
        }
        fs::write(&image, [&kept[..], b"more"].concat()).unwrap();
        refused(resume("train", &run), expected);
        fs::write(&image, &kept).unwrap();
        fs::rename(&image, &other).unwrap();
        refused(resume("train", &run), expected);
        fs::rename(&other, &image).unwrap();
    }
    finished(resume("train", &run));
    let moved = folder.path().join("moved");
    fs::rename(data.path(), &moved).unwrap();
    let mut elsewhere = resume("train", &run);
    elsewhere.arg("--data-dir").arg(&moved);
    finished(elsewhere);
}

/// Classes renamed, so that they come in another order or are others, and one more: of all that loads a run with data.
#[test]
fn classes_that_a_run_was_not_trained_on_are_refused_by_their_names() {
    let (data, folder) = (images(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let mut command = evograd(&["train", "linear", "--data", "folder", "--epochs", "1", "--data-dir"]);
    command.arg(data.path()).arg("--out").arg(&run);
    finished(with(command, &["data.size=8", "data.crop=0"]));
    let rename = |from: &str, to: &str| {
        for set in ["train", "val"].map(|set| data.path().join("folder").join(set)) {
            fs::rename(set.join(from), set.join(to)).unwrap();
        }
    };
    let refused_by_all = |problem: &str| {
        let expected =
            format!("run.json: the run began with other classes than these data have ({problem}); name the folder");
        refused(eval(&run), &expected);
        refused(resume("train", &run), &expected);
    };
    rename("b", "c");
    refused_by_all("missing: b; new: c");
    rename("a", "b");
    refused_by_all("missing: a; new: c");
    rename("b", "a");
    rename("c", "b");
    for set in ["train", "val"].map(|set| data.path().join("folder").join(set)) {
        fs::create_dir(set.join("d")).unwrap();
        let first = fs::read_dir(set.join("a")).unwrap().next().unwrap().unwrap();
        fs::copy(first.path(), set.join("d/1.png")).unwrap();
    }
    refused_by_all("new: d");
    for set in ["train", "val"] {
        fs::remove_dir_all(data.path().join("folder").join(set).join("d")).unwrap();
    }
    finished(eval(&run));
    // Other images of the same classes are worth an evaluation, with a note.
    fs::remove_file(data.path().join("folder/val/a/000.png")).unwrap();
    fs::copy(data.path().join("folder/train/a/001.png"), data.path().join("folder/val/a/x.png")).unwrap();
    assert!(finished(eval(&run)).contains("no result of this run"));
}

/// What `--resume` refuses of metrics, every command that reads them refuses.
#[test]
fn metrics_that_were_changed_are_refused_wherever_they_are_read() {
    let place = Place::new();
    let metrics = place.anew().join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    let inspect = || {
        let mut inspect = evograd(&["inspect", "run"]);
        inspect.arg(&place.run);
        inspect
    };
    finished(inspect());
    let lines: Vec<&str> = text.lines().collect();
    for changed in [
        text.replacen("\"loss\":", "\"loss\":1", 1),
        lines[1..].join("\n") + "\n",
        lines[..lines.len() - 1].join("\n") + "\n",
        String::new(),
        text.replacen("\"kind\"", "\"kin\"", 1),
        text.replace("\"segment\":0", "\"segment\":4294967295"),
    ] {
        fs::write(&metrics, &changed).unwrap();
        let [shown, resumed] = [inspect(), resume("train", &place.run)].map(output);
        assert!(shown.0 == 2 && resumed.0 == 2 && shown.1.contains("metrics.jsonl: "), "{shown:?} {resumed:?}");
        assert_eq!(shown.1.lines().last(), resumed.1.lines().last());
    }
    let segments = text.replace("\"segment\":0", "\"segment\":4294967295");
    fs::write(&metrics, &segments).unwrap();
    vouch_for(&place.run, segments.as_bytes());
    for command in [inspect(), resume("train", &place.run)] {
        refused(command, "metrics.jsonl: a row has the greatest segment there can be");
    }
    fs::write(&metrics, &text).unwrap();
    vouch_for(&place.run, text.as_bytes());
    // Rows behind the checkpoint are those of a run that goes on; metrics alone are as good.
    fs::write(&metrics, format!("{text}{}\n", lines[0])).unwrap();
    finished(inspect());
    fs::write(&metrics, &text).unwrap();
    fs::remove_dir_all(place.run.join("checkpoints")).unwrap();
    fs::remove_file(place.run.join("config.toml")).unwrap();
    finished(inspect());
}

#[test]
fn a_run_that_diverged_before_its_first_epoch_ended_says_so_and_is_not_sent_to_resume() {
    let (data, folder) = (data(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let mut command = evograd(&["train", "lenet", "--data", "mnist", "--rate", "1e30", "--data-dir"]);
    command.arg(data.path()).arg("--out").arg(&run);
    assert_eq!(output(with(command, &["data.samples=40", "training.batch=4"])).0, 1);
    for checkpoint in ["last", "best"] {
        let mut eval = eval(&run);
        eval.args(["--checkpoint", checkpoint]);
        refused(eval, "the run diverged, and would again; start a new run, as with a lower optimizer.rate");
    }
    let mut inspect = evograd(&["inspect", "run"]);
    inspect.arg(&run);
    let text = finished(inspect);
    assert!(text.contains("run: no epoch has ended") && text.contains("training diverged in step "), "{text}");
}

/// Notes the last that was heard of each kind of work.
#[derive(Default)]
struct Heard(BTreeMap<String, (u64, u64)>);

impl Progress for Heard {
    fn step(&mut self, _: &str, _: u64, _: Option<u64>) {}
    fn count(&mut self, what: &str, done: u64, total: u64) {
        self.0.insert(what.into(), (done, total));
    }
    fn note(&mut self, _: &str) {}
}

/// Whatever decodes images before the first step tells how far it is: of a run that starts or goes on, and of a search.
#[test]
fn images_that_are_read_first_are_reported_of() {
    let (data, folder) = (images(), tempfile::tempdir().unwrap());
    let sets = evograd::data::open_sized("folder", data.path(), Some(8)).unwrap();
    let set =
        ["model.name=linear", "data.set=folder", "data.size=8", "data.crop=0", "data.validation=50"].map(String::from);
    let config = || Config::parse("", &set).unwrap();
    let path = folder.path().join("run");
    let mut heard = Heard::default();
    drop(Run::start(&path, config(), &sets, info(), &mut heard).unwrap());
    assert_eq!(heard.0["reading images"], (100, 100));
    assert!(heard.0["reading the files of images"] == (2, 2), "{:?}", heard.0);
    let mut heard = Heard::default();
    fs::remove_file(path.join("normalise.json")).unwrap();
    let open = RunFolder::open(&path).unwrap();
    drop(Run::resume(open, config(), &sets, info(), &mut heard).unwrap());
    assert_eq!(heard.0["reading images"], (100, 100));
    let small = SEARCH.iter().filter(|set| !set.starts_with("data.set=")).map(|set| set.to_string());
    let settings: Vec<String> =
        small.chain(["data.set=folder", "data.size=8", "data.crop=0"].map(String::from)).collect();
    let config = SearchConfig::parse("", &settings).unwrap();
    config.check_data(&sets).unwrap();
    let mut read = None;
    let journal = folder.path().join("journal.jsonl");
    let _ = evograd::search::search(&journal, &config, &sets, &mut |event| match event {
        evograd::search::Event::Reading { done, total } => {
            read = Some((done, total));
            true
        }
        _ => false,
    });
    assert_eq!(read, Some((20, 20)));
}

/// As `cp -al` and `rsync --link-dest` copy a folder: a run goes on in each copy, and no other changes.
#[cfg(unix)]
#[test]
fn hard_links_of_a_backup_are_no_obstacle() {
    let place = Place::new();
    let found = place.whole.with_file_name("search");
    finished(search(place.data.path(), &found));
    for (command, whole) in [("train", &place.whole), ("search", &found)] {
        // A run that was made longer has something to add; so has a search that was killed after its third row.
        let [config, journal] = ["config.toml", "journal.jsonl"].map(|name| whole.join(name));
        if command == "train" {
            let settings = fs::read_to_string(&config).unwrap();
            fs::write(&config, settings.replace("epochs = 2", "epochs = 3")).unwrap();
        } else {
            let rows = fs::read_to_string(&journal).unwrap();
            fs::write(&journal, rows.split_inclusive('\n').take(3).collect::<String>()).unwrap();
        }
        let linked = whole.with_file_name("linked");
        link_all(whole, &linked);
        let before = tree(whole);
        finished(resume(command, &linked));
        assert!(tree(whole) == before, "{command}: the run was changed through a link");
        let rows = if command == "train" { "metrics.jsonl" } else { "journal.jsonl" };
        assert!(fs::read(linked.join(rows)).unwrap().len() > fs::read(whole.join(rows)).unwrap().len());
        finished(resume(command, whole));
        fs::remove_dir_all(linked).unwrap();
    }
}

/// A folder with a second name for each file of another.
#[cfg(unix)]
fn link_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() { link_all(&from, &to) } else { fs::hard_link(&from, &to).unwrap() }
    }
}

#[test]
fn the_checkpoint_before_is_taken_where_it_is_whole() {
    let place = Place::new();
    let checkpoints = place.anew().join("checkpoints");
    copy(&checkpoints.join("last"), &checkpoints.join("last.old"));
    fs::write(checkpoints.join("last/model.safetensors"), "x").unwrap();
    let text = finished(resume("train", &place.run));
    assert!(text.contains("model.safetensors: its sum is not the one in SHA256SUMS"), "{text}");
    assert!(text.contains("The checkpoint before it is whole, and the run goes on from there"), "{text}");
    assert!(weights(&place.run) == weights(&place.whole) && !checkpoints.join("last.old").exists());
}

#[test]
fn files_of_another_run_are_refused() {
    let place = Place::new();
    let other = place.whole.with_file_name("other");
    finished(with(train(place.data.path(), &other), &["training.seed=1"]));
    let last = place.anew().join("checkpoints/last");
    fs::copy(other.join("checkpoints/last/model.safetensors"), last.join("model.safetensors")).unwrap();
    refused(resume("train", &place.run), "model.safetensors: its sum is not the one in SHA256SUMS");
    let last = place.anew().join("checkpoints/last");
    fs::remove_dir_all(&last).unwrap();
    copy(&other.join("checkpoints/last"), &last);
    refused(resume("train", &place.run), "checkpoints/last: it is the checkpoint of another run");
    refused(eval(&place.run), "checkpoints/last: it is the checkpoint of another run");
}

#[test]
fn what_images_are_normalised_by_is_checked_and_computed_again_where_it_is_missing() {
    let place = Place::new();
    let file = |text: &str| fs::write(place.anew().join("normalise.json"), text).unwrap();
    for (text, problem) in [
        (r#"{"mean":[],"deviation":[]}"#, "it is of 0 channels, and images have 1"),
        (r#"{"mean":[1,2],"deviation":[1,2]}"#, "it is of 2 channels, and images have 1"),
        (r#"{"mean":[1],"deviation":[-1]}"#, "a mean is not finite, or a deviation is below 0"),
        (r#"{"mean":[null],"deviation":[1]}"#, "it holds no mean and deviation of each channel"),
        (r#"{"mean":[1e999],"deviation":[1]}"#, "it holds no mean and deviation of each channel"),
        ("\u{0}", "it holds no mean and deviation of each channel"),
        (r#"{"mean":[1.0],"deviation":[1.0]}"#, "the run began with images normalised by"),
    ] {
        file(text);
        refused(resume("train", &place.run), problem);
        refused(eval(&place.run), problem);
    }
    fs::remove_file(place.anew().join("normalise.json")).unwrap();
    finished(resume("train", &place.run));
    assert!(weights(&place.run) == weights(&place.whole));
}

/// The checkpoint knows what the run began with: where `run.json` was edited, nothing else is accused of it.
#[test]
fn an_edited_beginning_is_found_in_run_json() {
    let place = Place::new();
    for (from, to, what) in [
        (r#"\"mean\":["#, r#"\"mean\":[1"#, "began.normalise in it was changed"),
        ("lenet", "linear", "began.settings in it was changed"),
        (r#""classes": ["#, r#""classes": ["x", "#, "began.classes in it was changed"),
    ] {
        let path = place.anew().join("run.json");
        let text = fs::read_to_string(&path).unwrap();
        let at = text.find("\"began\"").unwrap();
        let edited = format!("{}{}", &text[..at], text[at..].replacen(from, to, 1));
        assert_ne!(text, edited, "{from}");
        fs::write(&path, edited).unwrap();
        for command in [resume("train", &place.run), eval(&place.run)] {
            let (code, text) = output(command);
            let accused = text.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {text}"));
            assert!(
                code == 2 && accused.contains("run.json: ") && accused.ends_with("restore it from a copy"),
                "{text}"
            );
        }
    }
}

/// What a start that was killed leaves, one file more at a time, in the order in which they are made.
#[test]
fn a_start_that_was_killed_can_be_begun_again() {
    let place = Place::new();
    let made = [
        "lock",
        "normalise.json.part",
        "normalise.json",
        "checkpoints",
        "run.json.part",
        "run.json",
        "config.toml.part",
    ];
    for count in 0..=made.len() {
        if place.run.exists() {
            fs::remove_dir_all(&place.run).unwrap();
        }
        fs::create_dir(&place.run).unwrap();
        for name in &made[..count] {
            let path = place.run.join(name);
            if *name == "checkpoints" { fs::create_dir(path).unwrap() } else { fs::write(path, "half").unwrap() }
        }
        let has_begun = made[..count].iter().any(|name| ["lock", "run.json"].contains(name));
        let said = if has_begun { "begin it again with the same command" } else { "there is no run in it" };
        refused(resume("train", &place.run), said);
        finished(train(place.data.path(), &place.run));
        assert!(weights(&place.run) == weights(&place.whole), "{count}");
        let names = |folder: &Path| {
            tree(folder).into_iter().map(|(path, _)| path.strip_prefix(folder).unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&place.run), names(&place.whole));
    }
    fs::remove_file(place.run.join("config.toml")).unwrap();
    refused(train(place.data.path(), &place.run), "there is metrics.jsonl of a run in it, but no config.toml");
}

#[test]
fn what_killed_processes_left_is_removed_when_a_run_goes_on() {
    let place = Place::new();
    let run = place.anew();
    for left in ["checkpoints/last.old", "checkpoints/last.new", "checkpoints/best.old", "checkpoints/best.new"] {
        fs::create_dir(run.join(left)).unwrap();
        fs::write(run.join(left).join("model.safetensors"), "half").unwrap();
    }
    for left in ["config.toml.part", "run.json.part", "normalise.json.part", "report.html.part"] {
        fs::write(run.join(left), "half").unwrap();
    }
    finished(resume("train", run));
    let names = |folder: &Path| {
        tree(folder).into_iter().map(|(path, _)| path.strip_prefix(folder).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(run), names(&place.whole));
}

/// Each file and folder that a run or a search has, and those it has for a moment, moved elsewhere and linked to.
#[cfg(unix)]
#[test]
fn no_link_in_a_folder_is_followed() {
    let place = Place::new();
    let found = place.whole.with_file_name("search");
    finished(search(place.data.path(), &found));
    for (command, whole) in [("train", &place.whole), ("search", &found)] {
        let mut names: Vec<PathBuf> =
            tree(whole).into_iter().map(|(path, _)| path.strip_prefix(whole).unwrap().to_owned()).collect();
        assert!(names.len() > if command == "train" { 14 } else { 4 }, "{names:?}");
        let moments =
            ["config.toml.part", "run.json.part", "report.html.part", "checkpoints/last.new", "checkpoints/best.old"];
        names.extend(moments.iter().filter(|name| command == "train" || !name.contains('/')).map(PathBuf::from));
        for name in names {
            let (run, victim) = (place.whole.with_file_name("linked"), place.whole.with_file_name("victim"));
            copy(whole, &run);
            match fs::symlink_metadata(run.join(&name)) {
                Ok(_) => fs::rename(run.join(&name), &victim).unwrap(),
                Err(_) => fs::write(&victim, "precious").unwrap(),
            }
            std::os::unix::fs::symlink(&victim, run.join(&name)).unwrap();
            let before =
                if victim.is_dir() { tree(&victim) } else { vec![(victim.clone(), fs::read(&victim).unwrap())] };
            let (code, text) = output(resume(command, &run));
            assert!(
                code == 0 || text.contains("it is a link, which is not followed"),
                "{}: {code} {text}",
                name.display()
            );
            let after =
                if victim.is_dir() { tree(&victim) } else { vec![(victim.clone(), fs::read(&victim).unwrap())] };
            assert!(before == after, "{command}: {} led to changes elsewhere", name.display());
            fs::remove_dir_all(&run).unwrap();
            if victim.is_dir() { fs::remove_dir_all(&victim) } else { fs::remove_file(&victim) }.unwrap();
        }
    }
}

/// Removed, moved, and moved with another in its place.
#[cfg(unix)]
#[test]
fn a_folder_that_is_taken_away_stops_what_goes_on_in_it() {
    let (data, folder) = (data(), tempfile::tempdir().unwrap());
    let (run, moved) = (folder.path().join("run"), folder.path().join("moved"));
    let take: [&dyn Fn(); 3] =
        [&|| while fs::remove_dir_all(&run).is_err() {}, &|| fs::rename(&run, &moved).unwrap(), &|| {
            fs::rename(&run, &moved).unwrap();
            fs::create_dir(&run).unwrap();
        }];
    for take in take {
        let long = ["training.epochs=20000", "training.log_every=1000"];
        let searched = ["search.budget=\"100000\"", "search.method=paper"];
        let commands = [
            (with(train(data.path(), &run), &long), "checkpoints/last/position.json"),
            (with(search(data.path(), &run), &searched), "journal.jsonl"),
        ];
        for (command, shows) in commands {
            let trains = shows.starts_with("checkpoints");
            let child = spawn(command);
            wait_for(&run.join(shows));
            while trains && !has_saved_a_step(&run) {
                std::thread::sleep(Duration::from_millis(10));
            }
            std::thread::sleep(Duration::from_millis(200));
            take();
            let (code, errors) = ended(child);
            assert_eq!(code, 2, "{errors}");
            // Taken away between the look at it and the next name in it, it is missed by the system; between the look at the
            // run's folder and that at the one of its checkpoints, only the latter is named.
            let said = ["it is gone", "see where its folder has gone", "put the folder itself back there"];
            assert!(said.iter().any(|said| errors.contains(said)), "{errors}");
            assert!(!errors.contains("make room"), "{errors}");
            let left = if run.exists() { tree(&run) } else { Vec::new() };
            assert!(left.is_empty(), "{left:?}");
            if moved.exists() {
                assert!(!trains || output(eval(&moved)).0 == 0, "the checkpoint is kept");
                fs::remove_dir_all(&moved).unwrap();
            }
            if run.exists() {
                fs::remove_dir_all(&run).unwrap();
            }
        }
    }
}

/// Logits that are finite and whose loss is not.
#[test]
fn an_infinite_loss_of_an_evaluation_is_a_divergence_and_all_rows_can_be_read() {
    let (data, folder) = (data(), tempfile::tempdir().unwrap());
    let mut diverged = 0;
    for rate in ["7e34", "7e35", "3e36", "7e36"] {
        let run = folder.path().join(rate);
        let mut command =
            evograd(&["train", "linear", "--data", "mnist", "--epochs", "1", "--rate", rate, "--data-dir"]);
        command.arg(data.path()).arg("--out").arg(&run);
        let sets = ["data.samples=40", "training.batch=40", "schedule.kind=constant", "optimizer.weight_decay=0"];
        let (code, text) = output(with(command, &sets));
        let info = fs::read_to_string(run.join("run.json")).unwrap();
        match code {
            0 => assert!(info.contains("\"finished\"")),
            _ => assert!(
                code == 1 && text.contains("training diverged") && info.contains("\"diverged\""),
                "{code} {text} {info}"
            ),
        }
        diverged += code;
        let rows: Vec<Metric> = record::read(&run.join("metrics.jsonl")).unwrap();
        assert_eq!(fs::read_to_string(run.join("metrics.jsonl")).unwrap().matches("null").count(), 0, "{rows:?}");
        let mut inspect = evograd(&["inspect", "run"]);
        inspect.arg(&run);
        finished(inspect);
    }
    assert!(diverged > 0);
}

/// What is known of a run before it begins.
fn info() -> RunInfo {
    RunInfo {
        version: String::new(),
        command: Vec::new(),
        cpu: String::new(),
        isa: String::new(),
        threads: 1,
        seed: 0,
        data_checksums: [None, None],
        started: 0,
        resumed_after: Vec::new(),
        ended: None,
        status: Status::Running,
        warnings: Vec::new(),
        builds: Vec::new(),
        began: None,
        settings: None,
        restored: Vec::new(),
        data_dir: None,
        initial: None,
    }
}

/// Every file of `checkpoints/best`, edited; and the one of an earlier epoch put back.
#[test]
fn a_best_checkpoint_that_was_edited_or_exchanged_is_told() {
    let place = Place::new();
    for file in ["model.safetensors", "optimizer.safetensors", "position.json", "SHA256SUMS"] {
        let path = place.anew().join("checkpoints/best").join(file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        let text = finished(resume("train", &place.run));
        let told = "restore checkpoints/best from a copy, or there is none until a later epoch is better";
        assert!(text.contains("checkpoints/best/") && text.contains(told), "{file}: {text}");
        assert!(fs::read_to_string(place.run.join("run.json")).unwrap().contains(told), "{file}");
    }
    fs::write(place.anew().join("checkpoints/best/SHA256SUMS"), "more\n").unwrap();
    assert!(finished(resume("train", &place.run)).contains("its sum is not the one in SHA256SUMS"));
    let best = place.anew().join("checkpoints/best");
    let position = |folder: &Path| fs::read_to_string(folder.join("position.json")).unwrap();
    let found: serde_json::Value = serde_json::from_str(&position(&best)).unwrap();
    let other = position(&best).replace(&format!("\"best\": {}", found["position"]["best"]), "\"best\": 0.0");
    let sum = |text: &str| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sums = fs::read_to_string(best.join("SHA256SUMS")).unwrap();
    fs::write(best.join("SHA256SUMS"), sums.replace(&sum(&position(&best)), &sum(&other))).unwrap();
    fs::write(best.join("position.json"), other).unwrap();
    let text = finished(resume("train", &place.run));
    assert!(text.contains("checkpoints/best was exchanged: it is of an accuracy of 0.00 %"), "{text}");
}

/// A copy of the folder at every event is what a kill at that moment leaves. Gone on with, each has the rows of the run that was
/// not killed: each once, of the same steps, with the same means.
#[test]
fn a_run_killed_at_any_event_has_the_rows_of_one_that_was_not() {
    let (data, folder) = (data(), tempfile::tempdir().unwrap());
    let sets = evograd::data::open_sized("mnist", data.path(), None).unwrap();
    let whole = folder.path().join("whole");
    for (every, seconds) in [(3, "0"), (2, "1e9"), (1, "0")] {
        let more = ["data.set=mnist", "model.name=lenet", "data.samples=80", "optimizer.rate=0.01"].map(String::from);
        let fixed = TINY
            .iter()
            .filter(|set| !["data.samples", "training.log", "training.check"].iter().any(|key| set.starts_with(key)));
        let own = [format!("training.log_every={every}"), format!("training.checkpoint_seconds={seconds}")];
        let set: Vec<String> = fixed.map(ToString::to_string).chain(more).chain(own).collect();
        let config = || Config::parse("", &set).unwrap();
        let mut run = Run::start(&whole, config(), &sets, info(), &mut ()).unwrap();
        let mut copies = Vec::new();
        let outcome = run.train(&mut |_| {
            copies.push(folder.path().join(format!("copy-{}", copies.len())));
            copy(&whole, copies.last().unwrap());
            true
        });
        assert_eq!(outcome.unwrap(), Status::Finished);
        drop(run);
        let expected = rows(&whole);
        assert_eq!(expected.iter().filter(|row| matches!(row, Metric::Epoch(_))).count(), 2);
        for copied in &copies {
            let mut resumed = Run::resume(RunFolder::open(copied).unwrap(), config(), &sets, info(), &mut ()).unwrap();
            assert_eq!(resumed.train(&mut |_| true).unwrap(), Status::Finished);
            drop(resumed);
            let rates =
                record::read::<Metric>(&copied.join("metrics.jsonl")).unwrap().into_iter().filter_map(
                    |row| match row {
                        Metric::Epoch(row) => Some(row.images_per_second),
                        Metric::Step(row) => Some(row.images_per_second),
                        Metric::Test(_) => None,
                    },
                );
            assert!(rates.into_iter().all(|rate| rate > 1.0 && rate < 1e7), "{}", copied.display());
            assert_eq!(rows(copied), expected, "every {every}, {seconds} s: {}", copied.display());
            fs::remove_dir_all(copied).unwrap();
        }
        fs::remove_dir_all(&whole).unwrap();
    }
}

/// The rows of a run, but for what the clock says.
fn rows(run: &Path) -> Vec<Metric> {
    let all: Vec<Metric> = record::read(&run.join("metrics.jsonl")).unwrap();
    all.into_iter()
        .map(|mut row| {
            match &mut row {
                Metric::Step(row) => (row.segment, row.images_per_second) = (0, 0.0),
                Metric::Epoch(row) => (row.segment, row.seconds, row.images_per_second) = (0, 0.0, 0.0),
                Metric::Test(_) => {}
            }
            row
        })
        .collect()
}

/// What is made longer is restored as long as it was.
#[test]
fn settings_of_a_run_that_was_made_longer_are_restored() {
    let place = Place::new();
    let config = place.anew().join("config.toml");
    let longer = fs::read_to_string(&config).unwrap().replace("epochs = 2", "epochs = 3");
    fs::write(&config, &longer).unwrap();
    finished(resume("train", &place.run));
    fs::remove_file(&config).unwrap();
    assert!(finished(resume("train", &place.run)).contains("config.toml: it was missing or empty, and is restored"));
    assert_eq!(fs::read_to_string(&config).unwrap(), longer);
}
