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
    assert!(some.network.is_frozen().take(3).all(|frozen| frozen));
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

/// A checkpoint of a trainer is of the same frozen weights or of another trainer.
#[test]
fn a_checkpoint_knows_what_was_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    let mut frozen = trainer(&[]);
    frozen.network.freeze("conv1.*").unwrap();
    frozen.save(&path).unwrap();
    assert!(trainer(&[]).load(&path).is_err());
    let mut same = trainer(&[]);
    same.network.freeze("conv1.*").unwrap();
    same.load(&path).unwrap();
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
