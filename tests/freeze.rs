//! Frozen weights: they stay, cost nothing, and the rest is trained as before; and weights of another network, where they fit.

use evograd::models::{Network, Spec};
use evograd::nn::{BatchNorm, Conv, Flatten, Linear};
use evograd::train::{Config, Trainer};
use evograd::{Tape, Tensor, Var};

/// Two convolutions, each normalised, and a linear layer.
fn spec(classes: usize) -> Spec {
    let mut spec = Spec::new("small", [2, 6, 6]);
    let mut x = spec.image();
    for i in 1..3 {
        x = spec.add(format!("conv{i}"), Conv::same(3, 3), &[x]);
        x = spec.add(format!("bn{i}"), BatchNorm::default(), &[x]);
        x = spec.relu(&format!("bn{i}"), x);
    }
    x = spec.add("flatten", Flatten, &[x]);
    spec.add("fc", Linear { features: classes }, &[x]);
    spec
}

fn images() -> Tensor {
    Tensor::from_fn([4, 2, 6, 6], |i| (i as f32 * 0.7).sin()).unwrap()
}

fn trainer(settings: &[&str]) -> Trainer {
    let set = ["optimizer.rate=0.1", "optimizer.weight_decay=0.1", "training.epochs=1", "schedule.kind=constant"];
    let set: Vec<String> = set.iter().chain(settings).map(|set| set.to_string()).collect();
    Trainer::with_steps(&spec(3), Config::parse("", &set).unwrap(), 100).unwrap()
}

fn step(trainer: &mut Trainer) {
    let loss = |output: &Var| output.cross_entropy(&[0, 1, 2, 0], 0.0);
    trainer.step_on(&images(), loss).unwrap();
}

/// Names, values before and values after.
fn changed(before: &Network, after: &Network) -> Vec<String> {
    let pairs = before.state().into_iter().zip(after.state());
    pairs.filter(|((_, before), (_, after))| before != after).map(|((name, _), _)| name).collect()
}

/// Decay and a velocity from before move a frozen weight no more; running statistics follow the batches.
#[test]
fn frozen_weights_stay_and_running_statistics_move() {
    for rule in ["sgd", "adam", "adamw"] {
        let mut trainer = trainer(&[&format!("optimizer.rule={rule}")]);
        step(&mut trainer);
        assert_eq!(trainer.network.freeze("*1.*"), Ok(3));
        let before = trainer.network.clone();
        (0..3).for_each(|_| step(&mut trainer));
        let moving = ["bn1.running_mean", "bn1.running_var", "conv2.weight", "bn2.weight", "bn2.bias"];
        let rest = ["bn2.running_mean", "bn2.running_var", "fc.weight", "fc.bias"];
        assert_eq!(changed(&before, &trainer.network), [&moving[..], &rest].concat(), "{rule}");
        trainer.network.unfreeze();
        step(&mut trainer);
        assert!(changed(&before, &trainer.network).contains(&"conv1.weight".to_string()));
    }
}

/// In the first step the forward pass is the same with frozen weights, so the others move to the same bits.
#[test]
fn the_other_weights_move_as_they_would() {
    let [mut all, mut some] = [trainer(&[]), trainer(&["training.freeze=['conv1.*', 'bn1.*']"])];
    assert!(some.network.trainable().eq(["conv2.weight", "bn2.weight", "bn2.bias", "fc.weight", "fc.bias"]));
    [&mut all, &mut some].into_iter().for_each(step);
    assert_eq!(all.network.weights()[3..], some.network.weights()[3..]);
    assert_ne!(all.network.weights()[..3], some.network.weights()[..3]);
}

/// What leads to frozen weights alone is not recorded: of ten entries, those of the first convolution and normalisation go.
#[test]
fn what_leads_to_frozen_weights_alone_is_not_recorded() {
    let mut network = Network::<f32>::new(&spec(3), 0).unwrap();
    let recorded = |network: &mut Network| {
        let tape = Tape::new();
        network.train(&tape, &images(), 0, 0).unwrap();
        tape.to_string()
    };
    assert_eq!(recorded(&mut network).matches("conv2d").count(), 2);
    network.freeze("*1.*").unwrap();
    let text = recorded(&mut network);
    assert_eq!((text.matches("conv2d").count(), text.matches("batch_norm").count()), (1, 1), "{text}");
    assert!(!text.contains("conv1") && !text.contains("bn1"), "{text}");
}

/// Whatever is frozen before a checkpoint is loaded, weights are frozen as they were when it was written, take part as before
/// once they are not, and the run goes on with the same bits.
#[test]
fn a_checkpoint_restores_what_was_frozen_and_the_steps_of_each_weight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    let settings = ["optimizer.rule=adamw", "training.freeze=['conv1.*', 'bn1.*']"];
    let mut first = trainer(&settings);
    (0..3).for_each(|_| step(&mut first));
    first.network.unfreeze();
    first.network.freeze("conv2.*").unwrap();
    (0..2).for_each(|_| step(&mut first));
    assert_eq!(first.optimizer.weight_steps(), [2, 2, 2, 3, 5, 5, 5, 5]);
    first.save(&path).unwrap();
    let mut again = trainer(&settings);
    again.load(&path).unwrap();
    assert!(again.network.trainable().eq(first.network.trainable()));
    assert!(!again.network.is_trainable("conv2.weight").unwrap());
    assert_eq!(again.optimizer.weight_steps(), first.optimizer.weight_steps());
    for trainer in [&mut first, &mut again] {
        step(trainer);
        trainer.network.unfreeze();
        step(trainer);
    }
    assert_eq!(changed(&first.network, &again.network), Vec::<String>::new());
}

/// Checkpoints of before count the steps of all weights together and name no frozen ones.
#[test]
fn a_checkpoint_of_an_earlier_version_is_read_and_an_impossible_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    let mut first = trainer(&["optimizer.rule=adam"]);
    (0..3).for_each(|_| step(&mut first));
    first.save(&path).unwrap();
    let position = std::fs::read_to_string(path.join("position.json")).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&position).unwrap();
    let load = |change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut changed = whole.clone();
        change(changed.as_object_mut().unwrap());
        rewrite(&path, &serde_json::to_string(&changed).unwrap());
        let mut again = trainer(&["optimizer.rule=adam"]);
        again.network.freeze("fc.*").unwrap();
        let outcome = again.load(&path);
        (again, outcome)
    };
    let (old, outcome) = load(&|saved| ["weight_steps", "trainable"].iter().for_each(|key| drop(saved.remove(*key))));
    outcome.unwrap();
    assert_eq!((old.optimizer.steps(), old.optimizer.weight_steps()), (3, &[3; 8][..]));
    assert!(!old.network.is_trainable("fc.bias").unwrap(), "an old checkpoint does not say what was frozen");
    let refused = [
        ("weight_steps", serde_json::json!([3]), "1 numbers of steps for 8 weights"),
        (
            "weight_steps",
            serde_json::json!([3, 3, 3, 4, 3, 3, 3, 3]),
            "a weight has taken 4 steps, and the optimiser 3",
        ),
        ("trainable", serde_json::json!(["conv1.weight", "none"]), "are no weights of the network"),
        ("trainable", serde_json::json!([]), "are no weights of the network"),
    ];
    for (key, value, expected) in refused {
        let (same, outcome) = load(&|saved| drop(saved.insert(key.into(), value.clone())));
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains("position.json: ") && text.contains(expected), "{text}");
        assert_eq!((same.optimizer.steps(), same.optimizer.weight_steps()), (0, &[0; 8][..]), "{text}");
        assert!(!same.network.is_trainable("fc.bias").unwrap() && same.network.is_trainable("conv1.weight").unwrap());
        assert_eq!(changed(&trainer(&[]).network, &same.network), Vec::<String>::new(), "{text}");
    }
}

/// Another `position.json` in a checkpoint, with its checksum.
fn rewrite(path: &std::path::Path, position: &str) {
    use sha2::Digest;
    std::fs::write(path.join("position.json"), position).unwrap();
    let sums = std::fs::read_to_string(path.join("SHA256SUMS")).unwrap();
    let sum: String = sha2::Sha256::digest(position).iter().map(|byte| format!("{byte:02x}")).collect();
    let others = sums.lines().filter(|line| !line.ends_with("position.json"));
    let lines: Vec<String> = others.map(String::from).chain([format!("{sum}  position.json")]).collect();
    std::fs::write(path.join("SHA256SUMS"), lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_pattern_without_a_weight_is_refused_by_its_setting() {
    let config = Config::parse("", &["training.freeze=['conf*']".into()]).unwrap();
    let text = Trainer::with_steps(&spec(3), config, 1).err().unwrap().to_string();
    assert!(
        text.starts_with("training.freeze: freeze: no weight matches \"conf*\"; match a name such as conv1.weight")
    );
}

/// The weights of a network for other classes: all but those of the last layer fit, whose shapes are named.
#[test]
fn what_fits_is_loaded_and_the_rest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let mut more = spec(5);
    more.nodes[0].name = "stem".into();
    let source = Network::<f32>::new(&more, 1).unwrap();
    std::fs::write(&path, source.to_safetensors().unwrap()).unwrap();
    let mut network = Network::<f32>::new(&spec(3), 2).unwrap();
    let before = network.clone();
    let report = network.load_matching(&path).unwrap();
    assert_eq!(report.missing, ["conv1.weight"]);
    assert_eq!(report.unexpected, ["stem.weight"]);
    assert_eq!(report.other_shapes, ["fc.weight [5, 108] (expected [3, 108])", "fc.bias [5] (expected [3])"]);
    assert_eq!(report.loaded.len(), 9);
    let state = |network: &Network| -> Vec<(String, Tensor)> {
        network.state().into_iter().map(|(name, tensor)| (name, tensor.clone())).collect()
    };
    let (source, before) = (state(&source), state(&before));
    for (i, (name, tensor)) in state(&network).into_iter().enumerate() {
        let expected = if report.loaded.contains(&name) { &source[i].1 } else { &before[i].1 };
        assert_eq!(tensor, *expected, "{name}");
    }
    let other = evograd::models::spec("linear", &evograd::models::Options::default()).unwrap();
    let mut other = Network::<f32>::new(&other, 0).unwrap();
    let text = other.load_matching(&path).unwrap_err().to_string();
    assert!(text.contains("w.safetensors: no tensor in it has both a name and the shape"), "{text}");
}
