//! Training runs as a user starts, stops, kills and resumes them.

mod digits;
mod shell;

use assert_cmd::cargo::cargo_bin_cmd;
use digits::data;
use evograd::models;
use evograd::record::{self, Metric};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// `evograd train` of a small LeNet on [`data`], with dropout, augmentation, disturbed labels and momentum.
fn start(data: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.args(["train", "lenet", "--data", "mnist", "--epochs", "3", "--batch", "16", "--rate", "0.02"]);
    for set in
        ["model.width=0.25", "data.crop=2", "data.validation=40", "training.disturb_label=0.1", "training.log_every=3"]
    {
        command.args(["--set", set]);
    }
    command.args(["--set", "training.checkpoint_seconds=0", "--data-dir"]).arg(data).arg("--out").arg(out).args(more);
    command
}

fn resume(data: &Path, out: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.args(["train", "--data-dir"]).arg(data).arg("--resume").arg(out);
    command
}

fn output(mut command: Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn finished(command: Command) {
    let (code, _, errors) = output(command);
    assert_eq!(code, 0, "{errors}");
}

/// All that a run leaves behind, but for what depends on the clock and on where it was interrupted.
fn result(run: &Path) -> (Vec<Vec<u8>>, Vec<Metric>) {
    let files = ["last/model", "last/optimizer", "best/model", "best/optimizer"];
    let read = |name: &str| std::fs::read(run.join(format!("checkpoints/{name}.safetensors"))).unwrap();
    let rows = record::read(&run.join("metrics.jsonl")).unwrap();
    (files.map(read).to_vec(), rows.into_iter().map(without_clock).collect())
}

fn without_clock(row: Metric) -> Metric {
    match row {
        Metric::Step(row) => Metric::Step(record::StepRow { segment: 0, images_per_second: 0.0, ..row }),
        Metric::Epoch(row) => {
            Metric::Epoch(record::EpochRow { segment: 0, seconds: 0.0, images_per_second: 0.0, ..row })
        }
        Metric::Test(score) => Metric::Test(score),
    }
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits, but not for ever, until the run has taken a step.
fn wait_for_a_checkpoint(run: &Path) {
    let there = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let position = std::fs::read_to_string(run.join("checkpoints/last/position.json")).unwrap_or_default();
        position.contains("\"step\": ") && !position.contains("\"step\": 0,")
    });
    assert!(there, "no checkpoint after ten seconds");
}

/// Networks and rules that remember different things: dropout's step and a velocity; running statistics, two means and the
/// number of steps.
const KILLED: [&[&str]; 2] =
    [&[], &["--set", "model.name=resnet20", "--set", "optimizer.rule=adamw", "--set", "optimizer.rate=0.002"]];

#[test]
fn a_run_killed_at_random_moments_ends_as_if_it_had_never_been() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let mut random = evograd::Stream::new(1, evograd::Purpose::Split, 0, 0);
    for (number, more) in KILLED.into_iter().enumerate() {
        let undisturbed = runs.path().join(format!("undisturbed{number}"));
        let began = std::time::Instant::now();
        finished(start(data.path(), &undisturbed, more));
        let whole = began.elapsed().as_millis() as usize;
        let expected = result(&undisturbed);
        let (mut kills, mut runs_made) = (0, 0);
        while kills < 20 {
            let run = runs.path().join(format!("{number}-{runs_made}"));
            let waits = kill_until_done(data.path(), &run, more, whole, &mut random);
            (kills, runs_made) = (kills + waits.len() - 1, runs_made + 1);
            let found = result(&run);
            assert_eq!(found.1, expected.1, "metrics of {more:?}, killed after {waits:?} ms");
            assert!(found.0 == expected.0, "checkpoints of {more:?}, killed after {waits:?} ms");
        }
    }
}

/// Starts and resumes a run, each time killing it after a random time, until it ends by itself; the times, in
/// milliseconds.
fn kill_until_done(data: &Path, run: &Path, more: &[&str], whole: usize, random: &mut evograd::Stream) -> Vec<usize> {
    let mut waits = Vec::new();
    let mut child = spawn(start(data, run, more));
    loop {
        waits.push(random.below(whole / 2 + 20));
        std::thread::sleep(Duration::from_millis(waits[waits.len() - 1] as u64));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return waits;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let begun = run.join("config.toml").exists();
        child = spawn(if begun { resume(data, run) } else { start(data, run, more) });
    }
}

/// Between two checkpoints a run may be killed more than once: each time it takes the same steps again, the first time from the
/// checkpoint of before the first step.
#[test]
fn metrics_count_once_however_often_a_run_is_killed_before_its_first_step_is_saved() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let rows = || record::read::<Metric>(&run.join("metrics.jsonl")).unwrap_or_default();
    let seldom = ["training.checkpoint_seconds=1e9", "training.epochs=1", "training.batch=2", "training.log_every=1"];
    let mut more = vec!["--set", "model.width=2"];
    seldom.iter().for_each(|set| more.extend(["--set", set]));
    for segment in 0..3 {
        let mut child = spawn(if segment == 0 { start(data.path(), &run, &more) } else { resume(data.path(), &run) });
        while !rows().iter().any(|row| row.segment() == segment) {
            assert!(child.try_wait().unwrap().is_none(), "segment {segment} ended before its first row");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let position = std::fs::read_to_string(run.join("checkpoints/last/position.json")).unwrap();
    assert!(position.contains("\"step\": 0"), "{position}");
    let eval = cargo_bin_cmd!("evograd").arg("eval").arg(&run).arg("--data-dir").arg(data.path()).output().unwrap();
    let errors = String::from_utf8(eval.stderr).unwrap();
    assert!(
        errors.contains("checkpoints/last: the run has saved nothing since its first step; go on with"),
        "{errors}"
    );
    let away = runs.path().join("away");
    std::fs::rename(run.join("checkpoints/last"), &away).unwrap();
    let (code, _, errors) = output(resume(data.path(), &run));
    assert!(
        code == 2 && errors.contains("is done, and the checkpoint last is missing; restore checkpoints/last"),
        "{errors}"
    );
    std::fs::rename(&away, run.join("checkpoints/last")).unwrap();
    finished(resume(data.path(), &run));
    assert_eq!(rows().iter().map(Metric::segment).max(), Some(3));
    let steps = rows().into_iter().filter_map(|row| if let Metric::Step(row) = row { Some(row.step) } else { None });
    assert_eq!(steps.collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
}

#[test]
fn a_run_is_not_resumed_on_other_data() {
    let (data, other, runs) = (data(), data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &[]));
    let labels = other.path().join("mnist/train-labels-idx1-ubyte");
    let mut bytes = std::fs::read(&labels).unwrap();
    bytes[8..].iter_mut().for_each(|label| *label = (*label + 1) % 10);
    std::fs::write(&labels, bytes).unwrap();
    let (code, _, errors) = output(resume(other.path(), &run));
    assert!(code == 2 && errors.contains("the run began with other images or labels; name the folder"), "{errors}");
}

#[test]
fn an_evaluation_that_is_not_finite_is_a_divergence() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    // While it is trained, every batch holds the products of nine blocks within bounds; running statistics that have only
    // begun to move do not.
    let product = ["--set", "model.name=resnet20", "--set", "model.width=1", "--fusion", "product"];
    let few = ["--set", "optimizer.rate=0.01", "--set", "training.epochs=1", "--set", "data.samples=32"];
    let (code, _, errors) = output(start(data.path(), &run, &[&product[..], &few].concat()));
    assert!(code == 1 && errors.contains("evograd: training diverged in step 3, epoch 1: layer"), "{errors}");
    assert!(std::fs::read_to_string(run.join("run.json")).unwrap().contains("\"diverged\": \"training diverged"));
}

#[test]
fn a_batch_that_cannot_be_normalised_is_no_divergence() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let single = ["--set", "model.name=resnet18", "--set", "training.batch=1"];
    let (code, _, errors) = output(start(data.path(), &runs.path().join("run"), &single));
    assert!(code == 2 && !errors.contains("diverged"), "{errors}");
    let info = std::fs::read_to_string(runs.path().join("run/run.json")).unwrap();
    assert!(info.contains("\"failed\""), "{info}");
}

#[test]
fn any_number_of_threads_trains_the_same_bits() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let run = |name: &str, more: &[&str]| {
        let path = runs.path().join(name);
        finished(start(data.path(), &path, more));
        result(&path)
    };
    let one = run("one", &["--threads", "1"]);
    assert!(one == run("two", &["--threads", "2", "--set", "data.threads=3"]));
    assert!(one == run("three", &["--threads", "3", "--set", "data.threads=2"]));
}

#[test]
fn ctrl_c_saves_and_the_run_goes_on() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let (stopped, undisturbed) = (runs.path().join("a stopped run"), runs.path().join("undisturbed"));
    let long = ["--set", "training.epochs=40"];
    finished(start(data.path(), &undisturbed, &long));
    let mut train = start(data.path(), &stopped, &long);
    let child = train.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_a_checkpoint(&stopped);
    let signal = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    let child = child.wait_with_output().unwrap();
    assert_eq!(child.status.code(), Some(130));
    let info = std::fs::read_to_string(stopped.join("run.json")).unwrap();
    assert!(info.contains("\"status\": \"interrupted\""), "{info}");
    let errors = String::from_utf8(child.stderr).unwrap();
    let said = errors.lines().find_map(|line| line.strip_prefix("stopped; go on with: ")).unwrap();
    finished(shell::as_printed(said));
    assert!(result(&stopped) == result(&undisturbed));
}

#[test]
fn a_second_process_on_the_same_run_is_refused() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let mut child = spawn(start(data.path(), &run, &["--set", "training.epochs=2000"]));
    wait_for_a_checkpoint(&run);
    let (code, _, errors) = output(resume(data.path(), &run));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(code, 2);
    assert!(errors.contains("run: another process is at work on this run; wait for it, or stop it"), "{errors}");
    let (code, _, errors) = output(start(data.path(), &run, &[]));
    assert_eq!(code, 2);
    assert!(errors.contains("there is a run in it; resume it with --resume, or name another folder"), "{errors}");
}

#[test]
fn a_run_that_diverges_names_the_layer_and_the_operation() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let (code, _, errors) = output(start(data.path(), &run, &["--set", "optimizer.rate=1e30"]));
    assert_eq!(code, 1, "{errors}");
    let wanted = "evograd: training diverged in step ";
    let line = errors.lines().find(|line| line.starts_with(wanted)).unwrap_or_else(|| panic!("{errors}"));
    let parts: Vec<&str> = line.split(": ").collect();
    let plan =
        models::spec("lenet", &models::Options { input: [1, 28, 28], ..Default::default() }).unwrap().plan().unwrap();
    assert!(plan.layers().iter().any(|layer| layer.name == parts[2]), "{line}");
    assert!(evograd::ops::row(parts[3]).is_some() && parts[4].contains("holds "), "{line}");
    let info = std::fs::read_to_string(run.join("run.json")).unwrap();
    assert!(info.contains("\"diverged\": \"training diverged in step "), "{info}");
}

#[test]
fn a_trained_run_is_evaluated_to_the_score_that_training_found() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let (code, rows, errors) = output(start(data.path(), &run, &["--set", "training.epochs=12", "--json"]));
    assert_eq!(code, 0, "{errors}");
    let rows: Vec<Metric> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows, record::read(&run.join("metrics.jsonl")).unwrap());
    let Some(Metric::Test(score)) = rows.last() else { panic!("the last row is {:?}", rows.last()) };
    assert!(score.accuracy > 0.5, "{score:?}");
    let eval = |more: &[&str]| {
        let out =
            cargo_bin_cmd!("evograd").arg("eval").arg(&run).arg("--data-dir").arg(data.path()).args(more).output();
        String::from_utf8(out.unwrap().stdout).unwrap()
    };
    let answer: serde_json::Value = serde_json::from_str(&eval(&["--json"])).unwrap();
    assert_eq!(answer["accuracy"].as_f64(), Some(score.accuracy));
    assert_eq!(answer["loss"].as_f64(), Some(score.loss));
    assert!(eval(&["--per-class", "--split", "validation", "--checkpoint", "best"]).contains("mistaken for"));
    let weights = run.join("checkpoints/last/model.safetensors");
    assert!(eval(&["--weights", weights.to_str().unwrap()]).starts_with("test accuracy"));
    let config = run.join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("shortcut = \"conv\"", "shortcut = \"pad\"")).unwrap();
    let refused = cargo_bin_cmd!("evograd").arg("eval").arg(&run).arg("--data-dir").arg(data.path()).output().unwrap();
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(2) && errors.contains("model.shortcut was \"conv\" and is \"pad\""),
        "{errors}"
    );
}

#[test]
fn a_dry_run_prints_the_settings_and_leaves_nothing() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let (code, out, errors) = output(start(data.path(), &run, &["--dry-run"]));
    assert_eq!(code, 0, "{errors}");
    assert!(!run.exists());
    let config = evograd::train::Config::parse(&out, &[]).unwrap();
    assert_eq!((config.data.validation, config.training.epochs), (Some(40), 3));
    assert!(out.contains("# 120 training images, 40 held out for validation, 160 for the test at the end"), "{out}");
    assert!(out.contains("# 21 steps of "), "{out}");
}

#[test]
fn a_dry_run_in_json_is_one_object() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let (code, out, errors) = output(start(data.path(), &runs.path().join("run"), &["--dry-run", "--json"]));
    assert_eq!((code, out.lines().count()), (0, 1), "{out}{errors}");
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let options = models::Options { input: [1, 28, 28], width: 0.25, ..Default::default() };
    let plan = models::spec("lenet", &options).unwrap().plan().unwrap();
    let costs = [plan.parameters(), plan.macs(), plan.activation_bytes()];
    assert_eq!(["parameters", "macs", "activation_bytes"].map(|key| value[key].as_u64().unwrap()), costs);
    assert_eq!(
        (&value["settings"]["model"]["name"], &value["settings"]["training"]["epochs"]),
        (&"lenet".into(), &3.into())
    );
    let images = serde_json::json!({ "train": 120, "validation": 40, "test": 160 });
    assert_eq!((&value["images"], &value["steps"]), (&images, &21.into()));
    let [step, all] = ["seconds_a_step", "seconds"].map(|key| value[key].as_f64().unwrap());
    assert!(step > 0.0 && (all / step - 21.0).abs() < 1e-6, "{value}");
}

#[test]
fn wrong_settings_are_reported_before_anything_is_made() {
    let (data, runs) = (data(), tempfile::tempdir().unwrap());
    let said = |more: &[&str]| {
        let (code, _, errors) = output(start(data.path(), &runs.path().join("run"), more));
        assert!(code == 2 && !runs.path().join("run").exists(), "{more:?}: {code} {errors}");
        errors.trim().to_string()
    };
    let unknown = said(&["--set", "training.epoch=3"]);
    assert!(
        unknown.contains("configuration: training.epoch=3: unknown field `epoch`, expected one of `epochs`"),
        "{unknown}"
    );
    assert_eq!(
        said(&["--set", "training.batch=0"]),
        "evograd: configuration: training.batch is 0; use a whole number from 1 to 1000000"
    );
    assert_eq!(
        said(&["--set", "batch=3"]),
        "evograd: configuration: \"batch\" has no section; write section.key=value"
    );
    let nowhere = said(&["--fusion", "sort"]);
    assert!(nowhere.contains("no branches meet in lenet, so it has no use for sort; leave --fusion out"), "{nowhere}");
    assert!(said(&["--shortcut", "pad"]).contains("a shortcut in lenet, so it has no use for pad; leave --shortcut"));
    let (undropped, without) =
        (["--set", "model.name=resnet20", "--dropout", "0.1"], "there is no dropout in resnet20");
    assert!(said(&undropped).contains(without));
    assert!(said(&["--set", "data.crop=28"]).contains("data.crop is 28, and images have 28×28 pixels"));
    assert!(said(&["--fusion", "sums"]).contains("use one of sum, product, max, sum+max"));
    assert!(
        said(&["--set", "data.validation=200"])
            .contains("data.validation holds out 200 images, and the training set has 160; hold out fewer")
    );
    assert!(said(&["--set", "optimizer.rule=sdg"]).contains("unknown value `sdg`, expected one of `sgd`"));
}
