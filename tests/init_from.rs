//! Training that begins with the weights of a file or of another run.

mod digits;

use evograd::data::{Sets, shapes_of};
use evograd::models::{Network, weights::Tensors, weights::from_safetensors};
use evograd::train::{Config, Run, RunFolder, RunInfo, Status};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const FEW: [&str; 5] =
    ["data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1", "optimizer.rate=0.01"];

fn evograd(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("evograd")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn train(more: &[&str]) -> (i32, String, String) {
    let sets = FEW.iter().flat_map(|set| ["--set", set]);
    evograd(&["train"].into_iter().chain(more.iter().copied()).chain(sets).collect::<Vec<_>>())
}

fn config(more: &[String]) -> Config {
    let set: Vec<String> = FEW.iter().chain(&["model.name=linear"]).map(|set| set.to_string()).collect();
    Config::parse("", &[&set, more].concat()).unwrap()
}

fn sets() -> Sets {
    shapes_of(0, 40, 20).unwrap()
}

/// A file with weights of the linear network, drawn from another seed.
fn weights_in(folder: &Path) -> (PathBuf, Network) {
    let path = folder.join("w.safetensors");
    let network = Network::new(&config(&[]).spec([3, 32, 32], 10).unwrap(), 77).unwrap();
    std::fs::write(&path, network.to_safetensors().unwrap()).unwrap();
    (path, network)
}

fn init_from(path: &Path) -> String {
    format!("training.init_from={:?}", path.to_str().unwrap())
}

fn state(network: &Network) -> Vec<(String, Vec<f32>)> {
    network.state().into_iter().map(|(name, tensor)| (name, tensor.as_slice().to_vec())).collect()
}

/// What is frozen is the other run's in the end.
#[test]
fn a_run_is_fine_tuned_from_another_one() {
    let (data, folder) = (digits::data(), tempfile::tempdir().unwrap());
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name).to_str().unwrap().to_string());
    let lenet = ["lenet", "--data", "mnist", "--width", "0.25", "--data-dir", data.path().to_str().unwrap()];
    assert_eq!(train(&[&lenet[..], &["--out", &first, "-q"]].concat()).0, 0);
    let from = [&lenet[..], &["--init-from", &first, "--freeze", "conv2.*"]].concat();
    let (code, out, err) = train(&[&from[..], &["--dry-run", "--json"]].concat());
    assert_eq!(code, 0, "{err}");
    let forecast: Value = serde_json::from_str(&out).unwrap();
    let (code, _, err) = train(&[&from[..], &["--out", &second]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("began with the weights of ") && err.contains("8 tensors loaded"), "{err}");
    let run: Value = serde_json::from_slice(&std::fs::read(Path::new(&second).join("run.json")).unwrap()).unwrap();
    assert_eq!((&forecast["initial"], &run["initial"]["loaded"]), (&run["initial"], &8.into()));
    let [first, second] = [&first, &second].map(|run| Path::new(run).join("checkpoints/last/model.safetensors"));
    assert_eq!(run["initial"]["file"].as_str().unwrap(), first.to_str().unwrap());
    let (before, after) = (from_safetensors(&first).unwrap(), from_safetensors(&second).unwrap());
    assert_eq!(before["conv2.weight"], after["conv2.weight"]);
    assert_ne!(before["fc2.weight"], after["fc2.weight"]);
    weights_are_shown(second.ancestors().nth(3).unwrap(), &after);
}

/// The numbers of each tensor are those of its file.
fn weights_are_shown(run: &Path, tensors: &Tensors) {
    let (run, svg) = (run.to_str().unwrap(), run.join("weights.svg"));
    let asked = ["inspect", "run", run, "--weights"];
    let (code, out, err) = evograd(&[&asked[..], &["--json", "--svg", svg.to_str().unwrap()]].concat());
    assert_eq!(code, 0, "{err}");
    let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), tensors.len());
    for row in &rows {
        let values = tensors[row["tensor"].as_str().unwrap()].as_slice();
        let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / values.len() as f64;
        assert!((row["mean"].as_f64().unwrap() - mean).abs() < 1e-12, "{row}");
        let counts = row["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap());
        assert_eq!(counts.sum::<u64>(), values.len() as u64, "{row}");
    }
    assert_eq!(std::fs::read_to_string(svg).unwrap().matches("<svg ").count(), 1 + rows.len());
    let (_, out, _) = evograd(&asked);
    assert!(tensors.keys().all(|name| out.contains(&format!(" {name} "))) && out.contains('█'), "{out}");
    println!("{out}");
}

#[test]
fn a_run_begins_with_the_weights_and_goes_on_without_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, network) = weights_in(folder.path());
    let config = config(&[init_from(&file)]);
    let [stopped, whole] = ["stopped", "whole"].map(|name| folder.path().join(name));
    let mut run = Run::start(&stopped, config.clone(), &sets(), RunInfo::new(0), &mut ()).unwrap();
    assert_eq!(state(&run.trainer().network), state(&network));
    assert_eq!(run.initial().unwrap().loaded, 2);
    assert_eq!(run.train(&mut |_| false), Ok(Status::Interrupted));
    drop(run);
    let mut undisturbed = Run::start(&whole, config.clone(), &sets(), RunInfo::new(0), &mut ()).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(undisturbed.train(&mut |_| true), Ok(Status::Finished));
    let held = RunFolder::open(&stopped).unwrap();
    let mut run = Run::resume(held, config, &sets(), RunInfo::new(0), &mut ()).unwrap();
    assert_eq!(run.initial(), undisturbed.initial());
    assert_eq!(run.train(&mut |_| true), Ok(Status::Finished));
    assert_eq!(state(&run.trainer().network), state(&undisturbed.trainer().network));
}

/// Killed between its folder and its first checkpoint, a run needs the file once more, and takes no other.
#[test]
fn a_run_without_a_checkpoint_takes_the_same_weights_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let (file, network) = weights_in(folder.path());
    let config = config(&[init_from(&file)]);
    let path = folder.path().join("run");
    drop(Run::start(&path, config.clone(), &sets(), RunInfo::new(0), &mut ()).unwrap());
    std::fs::remove_dir_all(path.join("checkpoints/last")).unwrap();
    let resume = || {
        let held = RunFolder::open(&path).unwrap();
        Run::resume(held, config.clone(), &sets(), RunInfo::new(0), &mut ()).map(|run| state(&run.trainer().network))
    };
    assert_eq!(resume().unwrap(), state(&network));
    let other = Network::<f32>::new(network.plan().spec(), 78).unwrap();
    std::fs::write(&file, other.to_safetensors().unwrap()).unwrap();
    let text = resume().unwrap_err().to_string();
    assert!(text.contains("w.safetensors: it holds other weights than those that the run began with"), "{text}");
}

#[test]
fn what_cannot_be_read_or_matches_nothing_is_refused_before_any_training() {
    let (data, folder) = (digits::data(), tempfile::tempdir().unwrap());
    let (file, _) = weights_in(folder.path());
    let [file, nowhere] = [file.as_path(), folder.path()].map(|path| path.to_str().unwrap());
    for (arguments, problem) in [
        (&["linear", "--init-from", "nowhere"][..], "--init-from: nowhere: "),
        (&["linear", "--init-from", nowhere], "checkpoints/last/model.safetensors: "),
        (&["lenet", "--init-from", file], "no tensor in it has both a name and the shape of one of this network"),
        (&["lenet", "--init-from", file, "--freeze", "fc9*"], "--freeze: freeze: no weight matches \"fc9*\""),
    ] {
        let place = ["--data", "mnist", "--data-dir", data.path().to_str().unwrap(), "--dry-run"];
        let (code, _, err) = train(&[arguments, &place].concat());
        let line = err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == 2 && line.contains(problem), "{arguments:?}: {err}");
    }
    let (code, _, err) = evograd(&["search", "--set", &init_from(Path::new(file)), "--dry-run"]);
    assert!(code == 2 && err.contains("training.init_from is of one network"), "{err}");
}
