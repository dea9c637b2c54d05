//! Single images, asked of a trained network on the command line.

mod digits;

use evograd::data::{self, Dataset};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

struct Outcome {
    code: i32,
    out: String,
    err: String,
}

fn evograd(arguments: &[&str], input: &[u8]) -> Outcome {
    evograd_with(&[], arguments, input)
}

/// The program with some variables of its environment.
fn evograd_with(environment: &[(&str, &Path)], arguments: &[&str], input: &[u8]) -> Outcome {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.env_remove("EVOGRAD_DATA_DIR").envs(environment.iter().copied());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn rows(outcome: &Outcome) -> Vec<Value> {
    outcome.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A PNG file of one plane or three.
fn png(planes: &[u8], [channels, height, width]: [usize; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    let pixels: Vec<u8> =
        (0..height * width).flat_map(|i| (0..channels).map(move |c| planes[c * height * width + i])).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

/// Every image of a set as a file whose name begins with its class.
fn write_all(set: &dyn Dataset, folder: &Path) {
    let mut planes = vec![0; set.shape().iter().product()];
    for index in 0..set.len() {
        set.read(index, &mut planes).unwrap();
        let name = format!("{}_{index}.png", set.classes()[set.label(index)]);
        std::fs::write(folder.join(name), png(&planes, set.shape())).unwrap();
    }
}

fn train(model: &[&str], set: &str, data_dir: &Path, run: &Path) {
    let arguments = ["train", "--data", set, "--epochs", "2", "--batch", "16", "--set", "data.validation=20"];
    let few = ["--set", "data.samples=100", "--set", "optimizer.rate=0.02", "-q"];
    let places = ["--data-dir", data_dir.to_str().unwrap(), "--out", run.to_str().unwrap()];
    let Outcome { code, err, .. } = evograd(&[&arguments[..], &few, &places, model].concat(), &[]);
    assert_eq!(code, 0, "{err}");
}

/// The images of the test set, predicted one by one from files, give the accuracy and the loss that `eval` finds for the set.
fn predicts_what_eval_finds(model: &[&str], set: &str, test: &dyn Dataset, data_dir: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let (run, images) = (folder.path().join("run"), folder.path().join("images"));
    std::fs::create_dir(&images).unwrap();
    train(model, set, data_dir, &run);
    write_all(test, &images);
    let [run, images] = [&run, &images].map(|path| path.to_str().unwrap());
    let evaluated: Value = serde_json::from_str(&evograd(&["eval", run, "--json"], &[]).out).unwrap();
    let predicted = evograd(&["predict", run, images, "--json", "--top", "10"], &[]);
    assert_eq!(predicted.code, 0, "{}", predicted.err);
    let rows = rows(&predicted);
    assert_eq!(rows.len(), test.len());
    let (mut correct, mut loss) = (0, 0.0);
    for row in &rows {
        let name = Path::new(row["image"].as_str().unwrap()).file_name().unwrap().to_str().unwrap();
        let (class, top) = (name.split_once('_').unwrap().0, row["top"].as_array().unwrap());
        correct += usize::from(top[0]["class"] == class);
        let own = top.iter().find(|answer| answer["class"] == class).unwrap();
        loss -= own["probability"].as_f64().unwrap().ln() / rows.len() as f64;
    }
    assert_eq!(correct as f64 / rows.len() as f64, evaluated["accuracy"].as_f64().unwrap());
    assert!((loss - evaluated["loss"].as_f64().unwrap()).abs() < 1e-5, "{loss} and {}", evaluated["loss"]);
    draws_maps(run, rows[0]["image"].as_str().unwrap(), folder.path());
}

/// The eight maps of the first convolution, 24×24 and enlarged threefold, in three rows of three; a layer without maps is refused
/// and leaves no file.
fn draws_maps(run: &str, image: &str, folder: &Path) {
    let file = folder.join("maps.png");
    let draw = |layer: &str| {
        evograd(&["inspect", "run", run, "--maps", image, "--layer", layer, "--out", file.to_str().unwrap()], &[])
    };
    for (layer, problem) in [("fc1", "there are no planes to draw"), ("conv9", "has no layer called \"conv9\"")] {
        let refused = draw(layer);
        assert!(refused.code == 2 && refused.err.contains(problem) && !file.exists(), "{}", refused.err);
    }
    let drawn = draw("conv1");
    assert!(drawn.code == 0 && drawn.out.contains("8 maps of conv1, [1, 8, 24, 24]"), "{}{}", drawn.out, drawn.err);
    let reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&file).unwrap())).read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (3 * 74 + 2, 3 * 74 + 2));
}

#[test]
fn grey_images_are_predicted_as_eval_finds_them() {
    let data = digits::data();
    let test = data::open("mnist", data.path()).unwrap().test;
    predicts_what_eval_finds(&["lenet", "--set", "model.width=0.25"], "mnist", &*test, data.path());
}

/// A network with batch normalisation, whose running statistics count.
#[test]
fn coloured_images_are_predicted_as_eval_finds_them() {
    let root = tempfile::tempdir().unwrap();
    let sets = data::shapes_of(0, 200, 60).unwrap();
    for (name, set) in [("train", &sets.train), ("val", &sets.test)] {
        for class in set.classes() {
            std::fs::create_dir_all(root.path().join(name).join(class)).unwrap();
        }
        let mut planes = vec![0; 3 * 32 * 32];
        for index in 0..set.len() {
            set.read(index, &mut planes).unwrap();
            let class = root.path().join(name).join(&set.classes()[set.label(index)]);
            std::fs::write(class.join(format!("{index}.png")), png(&planes, [3, 32, 32])).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = ["train", "resnet20", "--data", "folder", "--epochs", "1", "--batch", "32", "-q", "--set"];
    let few = ["data.size=32", "--set", "data.samples=64", "--set", "model.width=0.25", "--set", "data.validation=20"];
    let places = ["--data-dir", root.path().to_str().unwrap(), "--out", run.to_str().unwrap()];
    let Outcome { code, err, .. } = evograd(&[&arguments[..], &few, &places].concat(), &[]);
    assert_eq!(code, 0, "{err}");
    let [run, val] = [run, root.path().join("val")].map(|path| path.to_str().unwrap().to_string());
    let evaluated: Value = serde_json::from_str(&evograd(&["eval", &run, "--json"], &[]).out).unwrap();
    let rows = rows(&evograd(&["predict", &run, &val, "--json", "--top", "1"], &[]));
    let is_correct = |row: &Value| {
        let folder = Path::new(row["image"].as_str().unwrap()).parent().unwrap();
        row["top"].as_array().unwrap().len() == 1 && folder.ends_with(row["top"][0]["class"].as_str().unwrap())
    };
    let correct = rows.iter().filter(|row| is_correct(row)).count();
    assert_eq!((rows.len(), correct as f64 / 60.0), (60, evaluated["accuracy"].as_f64().unwrap()));
}

#[test]
fn an_image_that_cannot_be_read_is_named_and_the_others_are_done() {
    let (data, folder) = (digits::data(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    train(&["linear"], "mnist", data.path(), &run);
    let [good, broken, photos] = ["good.png", "broken.png", "photos"].map(|name| folder.path().join(name));
    let bytes = png(&[200; 28 * 28], [1, 28, 28]);
    std::fs::write(&good, &bytes).unwrap();
    std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::create_dir(&photos).unwrap();
    std::fs::write(photos.join("notes.txt"), b"none").unwrap();
    let paths = [&run, &good, &broken, &photos].map(|path| path.to_str().unwrap());
    let [run, good, broken, photos] = paths;
    let outcome = evograd(&["predict", run, good, broken, "no-such.png", photos, "-"], &bytes);
    assert_eq!(outcome.code, 2, "{}", outcome.err);
    let answered: Vec<&str> = outcome.out.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(answered, [good, "-"]);
    assert_eq!(outcome.out.lines().count(), 2 * 6);
    for problem in [
        format!("evograd: {broken}: "),
        "evograd: no-such.png: ".into(),
        format!("evograd: {photos}: there is no image in this folder"),
        "3 of 5 images could not be read".into(),
    ] {
        assert!(outcome.err.contains(&problem), "{problem}: {}", outcome.err);
    }
    let whole = evograd(&["predict", run, good, "-q"], &[]);
    assert_eq!((whole.code, whole.err.as_str()), (0, ""));
    let refused = evograd(&["predict", good, good], &[]);
    assert!(refused.code == 2 && refused.err.contains("it is no folder"), "{}", refused.err);
}

/// A run knows where its data were; where they are not any more, that is said.
#[test]
fn a_run_finds_its_data_again_or_says_where_they_were() {
    let (data, folder) = (digits::data(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let [there, moved] = ["there", "moved"].map(|name| folder.path().join(name));
    std::fs::rename(data.path(), &there).unwrap();
    train(&["linear"], "mnist", &there, &run);
    let run = run.to_str().unwrap();
    let first = evograd(&["eval", run, "--json"], &[]);
    assert_eq!(first.code, 0, "{}", first.err);
    std::fs::rename(&there, &moved).unwrap();
    for arguments in [&["eval", run][..], &["train", "--resume", run]] {
        let lost = evograd(arguments, &[]);
        assert!(
            lost.code == 2 && lost.err.contains(&format!("evograd: {}: the run read", there.display())),
            "{}",
            lost.err
        );
        assert!(lost.err.contains("with --data-dir or EVOGRAD_DATA_DIR"), "{}", lost.err);
    }
    let by_variable = evograd_with(&[("EVOGRAD_DATA_DIR", &moved)], &["eval", run, "--json"], &[]);
    assert_eq!((by_variable.code, &by_variable.out), (0, &first.out), "{}", by_variable.err);
    let found = evograd(&["eval", run, "--json", "--data-dir", moved.to_str().unwrap()], &[]);
    assert_eq!((found.code, found.out), (0, first.out), "{}", found.err);
    std::fs::create_dir(data.path()).unwrap();
}
