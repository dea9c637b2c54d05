//! Weights in files: PyTorch's are loaded, give the logits that PyTorch wrote down in `data/golden`, and are saved again as
//! they were; ours come back bit for bit. None of that needs PyTorch. That it loads ours is seen where
//! `EVOGRAD_TORCH_PYTHON` names a Python that has torch and safetensors; the test says so when it does not.

use evograd::models::weights::{from_safetensors, to_safetensors};
use evograd::models::{CATALOGUE, Network, Options, spec};
use evograd::{Tape, Tensor};
use std::path::{Path, PathBuf};
use std::process::Command;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden").join(file)
}

/// The small ResNet-20 of `data/golden/resnet20.py`.
fn small() -> Network {
    Network::new(&spec("resnet20", &Options { width: 0.25, ..Options::default() }).unwrap(), 0).unwrap()
}

fn images(shape: [usize; 4]) -> Tensor {
    Tensor::from_fn(shape, |i| (i * 7919 % 1000) as f32 / 500.0 - 1.0).unwrap()
}

#[test]
fn weights_from_pytorch_give_its_logits() {
    let mut network = small();
    network.load(&golden("resnet20.safetensors")).unwrap();
    let answers = from_safetensors(&golden("resnet20-logits.safetensors")).unwrap();
    let ours = network.evaluate(&answers["images"]).unwrap();
    let differences = ours.as_slice().iter().zip(answers["logits"].as_slice()).map(|(a, b)| (a - b).abs());
    let worst = differences.fold(0.0, f32::max);
    assert!(ours.shape().sizes() == [4, 10] && worst <= 1e-4, "{worst}");
}

/// What PyTorch saved, loaded and saved again, is the same file to PyTorch: the same names, shapes, kinds and bytes. Only the
/// counters of batches are not kept, which its batch normalisation does without when it loads.
#[test]
fn what_pytorch_saved_is_saved_again_as_it_was() {
    let mut network = small();
    network.load(&golden("resnet20.safetensors")).unwrap();
    let (theirs, ours) = (std::fs::read(golden("resnet20.safetensors")).unwrap(), network.to_safetensors().unwrap());
    let [theirs, ours] = [&theirs, &ours].map(|bytes| safetensors::SafeTensors::deserialize(bytes).unwrap());
    let mut names: Vec<&str> =
        theirs.names().into_iter().filter(|name| !name.ends_with("num_batches_tracked")).collect();
    let mut saved = ours.names();
    names.sort_unstable();
    saved.sort_unstable();
    assert_eq!(names, saved);
    // 21 convolutions, 21 normalisations of four tensors each, and the classifier.
    assert_eq!(names.len(), 21 + 4 * 21 + 2);
    for name in names {
        assert!(theirs.tensor(name).unwrap() == ours.tensor(name).unwrap(), "{name}");
    }
}

#[test]
fn pytorch_loads_our_weights_and_gives_our_logits() {
    let Some(python) = std::env::var_os("EVOGRAD_TORCH_PYTHON") else {
        println!("SKIPPED: EVOGRAD_TORCH_PYTHON names no Python with torch and safetensors");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [model, logits] = ["model", "logits"].map(|name| folder.path().join(format!("{name}.safetensors")));
    let mut network = Network::<f32>::new(&spec("resnet20", &Options::default()).unwrap(), 7).unwrap();
    let images = images([8, 3, 32, 32]);
    (0..3).for_each(|step| drop(network.train(&Tape::new(), &images, 0, step).unwrap()));
    std::fs::write(&model, network.to_safetensors().unwrap()).unwrap();
    let answers = network.evaluate(&images).unwrap();
    let both = [("images".to_string(), &images), ("logits".to_string(), &answers)];
    std::fs::write(&logits, to_safetensors(&both).unwrap()).unwrap();
    let script = golden("resnet20.py");
    let output = Command::new(python).arg(script).arg("check").arg(model).arg(logits).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("{}", text(&output.stdout));
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn every_model_comes_back_from_a_file_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    for model in CATALOGUE {
        // ImageNet's models on images large enough for their strides, narrow enough for a test.
        let side = if model.input[1] > 32 { 64 } else { 32 };
        let options = Options { input: [3, side, side], classes: 10, width: 0.125, ..model.options() };
        let network = |seed| Network::<f32>::new(&spec(model.name, &options).unwrap(), seed).unwrap();
        let (mut saved, mut loaded) = (network(1), network(2));
        let images = images([2, 3, side, side]);
        // Running statistics are part of what is saved: they move away from 0 and 1 first.
        (0..3).for_each(|step| drop(saved.train(&Tape::new(), &images, 0, step).unwrap()));
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, saved.to_safetensors().unwrap()).unwrap();
        loaded.load(&path).unwrap();
        assert_eq!(loaded.to_safetensors().unwrap(), saved.to_safetensors().unwrap(), "{}", model.name);
        for ((name, ours), (_, theirs)) in saved.state().into_iter().zip(loaded.state()) {
            assert_eq!(ours.as_slice(), theirs.as_slice(), "{} {name}", model.name);
        }
        let [ours, theirs] = [&saved, &loaded].map(|network| network.evaluate(&images).unwrap());
        let bits = |logits: &Tensor| logits.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&ours), bits(&theirs), "{}", model.name);
    }
}

/// What `DataParallel` and `compile` save: the same tensors, with a prefix before every name.
#[test]
fn weights_with_a_prefix_are_taken_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut wanted = small();
    wanted.load(&golden("resnet20.safetensors")).unwrap();
    let named = wanted.state().into_iter().map(|(name, tensor)| (format!("module._orig_mod.{name}"), tensor));
    std::fs::write(&path, to_safetensors(&named.collect::<Vec<_>>()).unwrap()).unwrap();
    let mut network = small();
    let notes = network.load_with_notes(&path).unwrap();
    assert_eq!(notes, ["all names began with module._orig_mod., which was taken off"]);
    assert_eq!(network.to_safetensors().unwrap(), wanted.to_safetensors().unwrap());
}

#[test]
fn a_file_of_another_network_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let said = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let mut network = small();
        let before = network.to_safetensors().unwrap();
        let text = network.load(&path).unwrap_err().to_string();
        assert_eq!(network.to_safetensors().unwrap(), before);
        text.strip_prefix(&path.display().to_string()).expect("the error names the file").to_string()
    };
    let wide = Network::<f32>::new(&spec("resnet20", &Options::default()).unwrap(), 0).unwrap();
    assert_eq!(
        said(&wide.to_safetensors().unwrap()),
        ": of another shape: conv1.weight [16, 3, 3, 3] (expected [4, 3, 3, 3]), bn1.weight [16] (expected [4]), bn1.bias [16] \
         (expected [4]), bn1.running_mean [16] (expected [4]), bn1.running_var [16] (expected [4]) and 101 more; use the model \
         and options that it was saved from"
    );
    let deep = Options { width: 0.25, ..Options::default() };
    let deep = Network::<f32>::new(&spec("resnet32", &deep).unwrap(), 0).unwrap();
    assert!(said(&deep.to_safetensors().unwrap()).starts_with(": it has besides layer1.3.bn1.bias, "));
    let network = small();
    let state: Vec<_> = network.state().into_iter().skip(1).collect();
    assert!(said(&to_safetensors(&state).unwrap()).starts_with(": it lacks conv1.weight [4, 3, 3, 3]; use"));
    assert!(said(b"not a file of weights").starts_with(": no safetensors file: "));
    let whole = network.to_safetensors().unwrap();
    assert!(said(&whole[..whole.len() - 1]).starts_with(": no safetensors file: "));
}
