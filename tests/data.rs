//! `evograd data` as a user meets it, on small sets that the tests write themselves.

use assert_cmd::Command;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

struct Outcome {
    code: i32,
    out: String,
    err: String,
}

fn evograd(arguments: &[&str], environment: &[(&str, &Path)]) -> Outcome {
    let mut command = Command::cargo_bin("evograd").unwrap();
    for name in ["EVOGRAD_ISA", "EVOGRAD_DATA_DIR", "EVOGRAD_MIRROR", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    let output = command.envs(environment.iter().copied()).arg("data").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The four files of MNIST, unpacked: 20 training and 10 test images, labelled 0 to 9 in turn.
fn write_mnist(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, count) in [("train", 20_u8), ("t10k", 10)] {
        let pixels: Vec<u8> = (0..count).flat_map(|i| [i * 10; 784]).collect();
        let labels: Vec<u8> = (0..count).map(|i| i % 10).collect();
        let images = [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28], pixels.as_slice()].concat();
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, count], labels.as_slice()].concat();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// The files of CIFAR-10, all of them zeros but for one byte, which is one dark airplane many times. They take no room on the disk.
fn write_cifar(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for file in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
        let mut made = File::create(folder.join(format!("{file}.bin"))).unwrap();
        made.write_all(&[0, 0, 9]).unwrap();
        made.set_len(30_730_000).unwrap();
    }
}

fn listed(outcome: &Outcome, set: &str) -> serde_json::Value {
    let rows = outcome.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.into_iter().find(|row| row["name"] == set).unwrap()
}

#[test]
fn list_tells_what_there_is_and_what_is_here() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(&folder.path().join("mnist"));
    fs::remove_file(folder.path().join("mnist/t10k-labels-idx1-ubyte")).unwrap();
    write_cifar(&folder.path().join("cifar-10-batches-bin"));
    let dir = folder.path().to_str().unwrap();
    let table = evograd(&["list", "--data-dir", dir], &[]);
    assert_eq!(table.code, 0, "{}", table.err);
    for text in ["cifar100", "50000 + 10000", "3×32×32", "170 MB", "CC BY-SA 3.0", "yes", "3 of 4 files", "no"] {
        assert!(table.out.contains(text), "{text}: {}", table.out);
    }
    // A rule, the header, a rule, a line for each set, a rule.
    assert_eq!(table.out.lines().count(), 4 + evograd::data::CATALOGUE.len(), "{}", table.out);
    let json = evograd(&["list", "--json", "--data-dir", dir], &[]);
    assert_eq!(json.out.lines().count(), evograd::data::CATALOGUE.len());
    let cifar = listed(&json, "cifar10");
    assert_eq!((cifar["here"].as_bool(), cifar["classes"].as_u64()), (Some(true), Some(10)));
    assert_eq!(cifar["folder"].as_str(), folder.path().join("cifar-10-batches-bin").to_str());
    let mnist = listed(&json, "mnist");
    assert_eq!((&mnist["here"], &mnist["missing"][0]), (&false.into(), &"t10k-labels-idx1-ubyte.gz".into()));
    assert_eq!(listed(&json, "fashion-mnist")["here"], false);
}

#[test]
fn the_folder_is_the_argument_s_or_the_environment_s_or_the_cache() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [argument, environment, cache] = [0, 1, 2].map(|i| folders[i].path());
    let said = |arguments: &[&str], environment: &[(&str, &Path)]| evograd(arguments, environment).err;
    let both = [("EVOGRAD_DATA_DIR", environment), ("XDG_CACHE_HOME", cache)];
    let given = said(&["list", "--data-dir", argument.to_str().unwrap()], &both);
    assert_eq!(given, format!("data folder: {}\n", argument.display()));
    assert_eq!(said(&["list"], &both), format!("data folder: {}\n", environment.display()));
    if cfg!(target_os = "linux") {
        assert_eq!(said(&["list"], &both[1..]), format!("data folder: {}/evograd/data\n", cache.display()));
    }
}

#[test]
fn verify_tells_a_right_layout_from_the_official_bytes() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(folder.path());
    let dir = folder.path().to_str().unwrap();
    let Outcome { code, out, err } = evograd(&["verify", "mnist", "--data-dir", dir], &[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("the layout is right: 20 training images, 10 test images\n"), "{out}");
    assert!(out.ends_with("it can be used; whether the bytes are the official ones is unknown\n"), "{out}");
    let json = evograd(&["verify", "mnist", "--json", "--data-dir", dir], &[]);
    let verdict: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&verdict["passed"], &verdict["official"]), (&true.into(), &false.into()));
    assert_eq!((&verdict["images"][0], &verdict["files"][0]["found"]), (&20.into(), &"unknown".into()));
    fs::write(folder.path().join("t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 10, 1, 2]).unwrap();
    let Outcome { code, out, .. } = evograd(&["verify", "mnist", "--data-dir", dir], &[]);
    let wrong = format!(
        "WRONG: {dir}/t10k-labels-idx1-ubyte: it is cut short: 10 bytes, expected 18 (its header says sizes [10]); {}\n",
        anew("mnist")
    );
    assert!(code == 1 && out.ends_with(&wrong), "{out}");
}

#[test]
fn import_takes_a_folder_and_refuses_another_archive() {
    let folder = tempfile::tempdir().unwrap();
    let [from, data] = ["from", "data"].map(|name| folder.path().join(name));
    write_cifar(&from.join("cifar-10-batches-bin"));
    let [from, dir] = [&from, &data].map(|path| path.to_str().unwrap());
    let Outcome { code, out, err } = evograd(&["import", "cifar10", "--from", from, "--data-dir", dir], &[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("cifar10: data_batch_1.bin, ") && out.contains("cifar10/cifar-10-batches-bin"), "{out}");
    assert_eq!(listed(&evograd(&["list", "--json", "--data-dir", dir], &[]), "cifar10")["here"], true);

    let archive = folder.path().join("cifar-10-binary.tar.gz");
    fs::write(&archive, "no archive").unwrap();
    let path = archive.to_str().unwrap();
    let Outcome { code, out, err } = evograd(&["import", "cifar10", "--from", path, "--data-dir", dir], &[]);
    assert!(code == 2 && out.is_empty(), "{out}");
    assert_eq!(
        err,
        format!(
            "evograd: {path}: it is not the official cifar-10-binary.tar.gz: 10 bytes with SHA-256 \
             7275b9d1e6c0314c52bfca6c77534b8eaa3a8454a5c74b20e3e5f983e32c6877, expected \
             c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd of 170052171 bytes; name the \
             official cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz, or a folder that holds the whole set\n"
        )
    );
}

#[test]
fn show_draws_a_row_for_each_class() {
    let folder = tempfile::tempdir().unwrap();
    write_mnist(folder.path());
    let grid = folder.path().join("grid.png");
    let (dir, path) = (folder.path().to_str().unwrap(), grid.to_str().unwrap());
    let Outcome { code, out, err } =
        evograd(&["show", "mnist", "--data-dir", dir, "--out", path, "--count", "3", "--seed", "5"], &[]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out, format!("{path}: 20 images of 10 classes, a row for each:\n0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n"));
    let reader = png::Decoder::new(std::io::BufReader::new(File::open(&grid).unwrap())).read_info().unwrap();
    // 28 columns are enlarged three times, two pixels lie between.
    assert_eq!((reader.info().width, reader.info().height), (2 + 3 * 86, 2 + 10 * 86));
    assert_eq!(reader.info().color_type, png::ColorType::Grayscale);
    let test = evograd(&["show", "mnist", "--data-dir", dir, "--out", path, "--split", "test"], &[]);
    assert!(test.out.contains(": 10 images of 10 classes"), "{}", test.out);
}

/// What to do to get a set again, by a command that this build has.
fn anew(set: &str) -> String {
    match cfg!(feature = "download") {
        true => format!("get it anew with `evograd data fetch {set}`"),
        false => format!("get it anew, with `evograd data import {set} --from PATH`"),
    }
}

#[test]
fn what_cannot_be_done_exits_with_2_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let absent = format!(
        "evograd: {dir}: the data set cifar10 is not there (data_batch_1.bin and its like in it, or in cifar10); {}, or name \
         the folder that holds it with --data-dir\n",
        match cfg!(feature = "download") {
            true => {
                "get it with `evograd data fetch cifar10`, take it from a file or folder with `evograd data import cifar10 \
                 --from PATH`"
            }
            false => {
                "get cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz, then `evograd data import cifar10 --from \
                 PATH`"
            }
        }
    );
    let table: [(&[&str], &str); 6] = [
        (
            &["show", "cifar11"],
            "evograd: data: there is no data set cifar11; choose one of cifar10, cifar100, mnist, fashion-mnist, svhn, ",
        ),
        (&["show", "cifar10"], &absent),
        (&["verify", "cifar10"], &absent),
        (&["show", "cifar10", "--count", "0"], "use a whole number from 1 to 65535"),
        (&["import", "cifar10"], "--from <PATH>"),
        (&["fetch", "folder"], "evograd: data fetch: the data set folder is nowhere to be fetched from; "),
    ];
    for (arguments, text) in table {
        let Outcome { code, out, err } = evograd(&[arguments, &["--data-dir", dir]].concat(), &[]);
        assert!(code == 2 && out.is_empty(), "{arguments:?}: {code} {out}");
        assert!(err.contains(text), "{arguments:?}: {err}");
    }
    fs::write(folder.path().join("cifar-10-binary.tar.gz"), "x").unwrap();
    let kept = evograd(&["show", "cifar10", "--data-dir", dir], &[]).err;
    let unpack = format!("unpack it with `evograd data import cifar10 --from {dir}/cifar-10-binary.tar.gz`");
    assert!(kept.contains(&unpack), "{kept}");
}

#[test]
fn fetch_without_downloads_or_a_network_says_how_to_do_it_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    write_mnist(&folder.path().join("mnist"));
    let Outcome { code, out, .. } = evograd(&["fetch", "mnist", "--data-dir", dir], &[]);
    assert_eq!((code, out), (0, format!("mnist: already whole; it is in {dir}/mnist\n")));
    if cfg!(feature = "download") {
        return; // It would ask the network; the library's tests ask servers of their own.
    }
    let Outcome { code, out, err } = evograd(&["fetch", "svhn", "--data-dir", dir], &[]);
    assert!(code == 2 && out.is_empty(), "{out}");
    assert!(err.starts_with("evograd: data fetch: this build cannot download; build with `cargo build"), "{err}");
    let line = "http://ufldl.stanford.edu/housenumbers/test_32x32.mat (64275384 bytes, SHA-256 \
                cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b)";
    assert!(err.contains("`evograd data import svhn --from FILE`") && err.contains(line), "{err}");
}

/// A folder of images with a broken one, a foreign one and a misnamed one.
#[test]
fn verify_decodes_every_image_and_names_what_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let golden =
        |name: &str| fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/images").join(name)).unwrap();
    let save = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let jpeg = golden("420.jpg");
    for (class, image) in [("train/a", "420"), ("train/b", "422"), ("val/a", "444"), ("val/b", "progressive")] {
        save(&format!("{class}/whole.jpg"), &golden(&format!("{image}.jpg")));
    }
    save("train/a/photo.webp", b"RIFF");
    save("train/a/really-a.png", &jpeg);
    let dir = folder.path().to_str().unwrap();
    let Outcome { code, out, err } = evograd(&["verify", "folder", "--data-dir", dir], &[]);
    assert_eq!(code, 0, "{out} {err}");
    assert!(out.contains("the layout is right: 3 training images, 2 test images\n"), "{out}");
    assert!(
        out.contains(&format!("1 file left out:\n  {dir}/train/a/photo.webp: it is not named as a JPEG or PNG file\n"))
    );
    assert!(
        out.contains(&format!("1 file misnamed:\n  {dir}/train/a/really-a.png: it is a JPEG file and named as a PNG"))
    );
    let list = evograd(&["list", "--data-dir", dir], &[]);
    assert!(list.out.contains("yes, 1 file left out"), "{}", list.out);
    assert_eq!(listed(&evograd(&["list", "--json", "--data-dir", dir], &[]), "folder")["left_out"], 1);
    save("val/b/zz_empty.jpg", b"");
    save("train/b/half.jpg", &jpeg[..jpeg.len() / 2]);
    let Outcome { code, out, .. } = evograd(&["verify", "folder", "--data-dir", dir], &[]);
    assert!(code == 1 && out.ends_with("WRONG: 2 images cannot be decoded\n"), "{out}");
    assert!(
        out.contains(&format!("  {dir}/train/b/half.jpg: it ends early: the end of the image is missing; ")),
        "{out}"
    );
    assert!(out.contains(&format!("  {dir}/val/b/zz_empty.jpg: it is empty; ")), "{out}");
    let json = evograd(&["verify", "folder", "--json", "--data-dir", dir], &[]);
    let verdict: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let counts = ["broken", "misnamed", "left_out"].map(|key| verdict[key].as_array().unwrap().len());
    assert_eq!((counts, &verdict["passed"]), ([2, 1, 1], &false.into()));
    let shown = folder.path().join("grid.png");
    let err = evograd(&["show", "folder", "--data-dir", dir, "--out", shown.to_str().unwrap()], &[]).err;
    assert!(err.contains("photo.webp: it is not named as a JPEG or PNG file"), "{err}");
}

#[test]
fn help_shows_examples() {
    let Outcome { code, out, .. } = evograd(&["--help"], &[]);
    assert!(code == 0 && out.contains("Examples:") && out.contains("evograd data import cifar10"), "{out}");
}

#[test]
fn a_set_without_files_says_so() {
    for action in [&["verify", "shapes"][..], &["fetch", "shapes"], &["import", "shapes", "--from", "x"]] {
        let outcome = evograd(action, &[]);
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        assert!(outcome.out.starts_with("shapes: made by this program when it is needed"), "{}", outcome.out);
    }
}

/// Whatever is missing or broken, the way out is one that this build has.
#[test]
fn no_message_recommends_a_download_that_this_build_cannot_do() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let broken = folder.path().join("broken");
    for set in ["cifar10", "mnist", "svhn"] {
        fs::create_dir_all(broken.join(set)).unwrap();
    }
    for file in
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    {
        fs::write(broken.join("mnist").join(file), "no set").unwrap();
    }
    fs::write(broken.join("cifar10/cifar-10-binary.tar.gz"), "no archive").unwrap();
    let archive = broken.join("cifar10/cifar-10-binary.tar.gz");
    let program = |arguments: &[&str], data: &str| {
        let mut command = Command::cargo_bin("evograd").unwrap();
        let output = command.env("EVOGRAD_DATA_DIR", data).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    for data in [dir, broken.to_str().unwrap()] {
        for set in ["cifar10", "cifar100", "mnist", "fashion-mnist", "svhn"] {
            for before in
                [&["train", "lenet", "--data"][..], &["search", "--data"], &["data", "verify"], &["data", "show"]]
            {
                let (code, text) = program(&[before, &[set]].concat(), data);
                assert!(code != Some(0) && (cfg!(feature = "download") || !text.contains("data fetch")), "{text}");
            }
        }
    }
    let (_, text) = program(&["data", "import", "cifar10", "--from", archive.to_str().unwrap()], dir);
    assert!(cfg!(feature = "download") || !text.contains("data fetch"), "{text}");
}

/// The files of MNIST, unpacked, whose images and labels `of` draws from the number of each.
fn draw_mnist(folder: &Path, of: impl Fn(&str, u8) -> ([u8; 784], u8)) {
    fs::create_dir_all(folder).unwrap();
    for (name, count) in [("train", 40_u8), ("t10k", 20)] {
        let (images, labels): (Vec<[u8; 784]>, Vec<u8>) = (0..count).map(|i| of(name, i)).unzip();
        let head = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28];
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), [&head[..], &images.concat()].concat()).unwrap();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, count], labels.as_slice()].concat();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// An image like no other.
fn noise(name: &str, number: u8) -> [u8; 784] {
    std::array::from_fn(|i| (i as u8).wrapping_mul(number + 3).wrapping_add(name.len() as u8 * 7 + number))
}

type Drawn = fn(&str, u8) -> ([u8; 784], u8);

/// What a network would learn in silence, by every command that is about to train, and by `data verify`.
#[test]
fn what_is_odd_about_data_is_said_with_its_count() {
    let table: [(Drawn, &str); 5] = [
        (|name, i| (noise(name, i), i % 10), ""),
        (
            |name, i| (noise(name, i), if name == "train" { 7 } else { i % 10 }),
            "all 40 training images are of the class 7",
        ),
        (
            |name, i| (if i < 3 { [i; 784] } else { noise(name, i) }, i % 10),
            "3 of 40 training images are of a single colour",
        ),
        (
            |name, i| (noise("train", if name == "train" { i } else { i + 30 }), i % 10),
            "10 of 20 test images are also in the training set",
        ),
        (
            |name, i| (noise(name, if name == "train" { i.max(1) } else { i }), i % 10),
            "2 of 40 training images are also there with another",
        ),
    ];
    for (draw, said) in table {
        let folder = tempfile::tempdir().unwrap();
        draw_mnist(&folder.path().join("mnist"), draw);
        let dir = folder.path().to_str().unwrap();
        let verified = evograd(&["verify", "mnist", "--json", "--data-dir", dir], &[]);
        let verdict: serde_json::Value = serde_json::from_str(&verified.out).unwrap();
        assert_eq!((verified.code, verdict["passed"].as_bool()), (0, Some(true)), "{said}");
        assert!(
            verdict["warnings"].to_string().contains(said)
                && (said.is_empty() == (verdict["warnings"] == serde_json::json!([])))
        );
        assert!(evograd(&["verify", "mnist", "--data-dir", dir], &[]).out.replace("\n", " ").contains(said));
        for command in [&["train", "lenet"][..], &["search"]] {
            let mut program = Command::cargo_bin("evograd").unwrap();
            program.args(command).args([
                "--data",
                "mnist",
                "--dry-run",
                "--json",
                "--set",
                "data.validation=10",
                "--data-dir",
                dir,
            ]);
            let output = program.args(["--set", "data.samples=20"]).output().unwrap();
            let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
            // A search looks at no test set.
            let known = !said.contains("test") || command[0] == "train";
            assert_eq!(output.status.code(), Some(0), "{err}");
            let names = |text: &str| text.contains(said) && !said.is_empty();
            assert_eq!(
                (names(&err), names(&out)),
                (known && !said.is_empty(), known && !said.is_empty()),
                "{command:?}: {said}: {err}"
            );
        }
    }
}

/// Images that cannot be distinguished are refused before anything is written.
#[test]
fn a_set_of_one_image_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    draw_mnist(&folder.path().join("mnist"), |_, i| ([0; 784], i % 10));
    let dir = folder.path().to_str().unwrap();
    let verified = evograd(&["verify", "mnist", "--data-dir", dir], &[]);
    assert!(
        verified.code == 1 && verified.out.contains("all 40 training images are the same image"),
        "{}",
        verified.out
    );
    for command in [&["train", "lenet"][..], &["search"], &["search", "exhaust"]] {
        let mut program = Command::cargo_bin("evograd").unwrap();
        program.args(command).args([
            "--data",
            "mnist",
            "--set",
            "data.validation=10",
            "--set",
            "data.samples=20",
            "--data-dir",
            dir,
        ]);
        let output = program.arg("--out").arg(folder.path().join("run")).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && text.contains("training images"), "{command:?}: {text}");
        assert!(text.contains("same image") || text.contains("have one colour"), "{command:?}: {text}");
        assert!(!folder.path().join("run").exists(), "{command:?}");
    }
}

/// A wrong file: what is advised is none of what was just typed.
#[test]
fn an_import_of_a_wrong_file_does_not_advise_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (wrong, dir) = (folder.path().join("wrong"), folder.path().to_str().unwrap());
    fs::write(&wrong, "no archive").unwrap();
    let half = folder.path().join("half");
    write_mnist(&half);
    fs::write(half.join("train-labels-idx1-ubyte"), "no labels").unwrap();
    for (set, from) in
        [("cifar10", &wrong), ("cifar100", &wrong), ("mnist", &wrong), ("mnist", &half), ("svhn", &wrong)]
    {
        let refused = evograd(&["import", set, "--from", from.to_str().unwrap(), "--data-dir", dir], &[]);
        assert!(refused.code == 2 && refused.err.contains(from.to_str().unwrap()), "{}", refused.err);
        assert!(!refused.err.contains("data import") && !refused.err.contains(".import"), "{set}: {}", refused.err);
    }
}
