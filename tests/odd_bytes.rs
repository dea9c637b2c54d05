//! Paths and names with bytes that are no Unicode: paths work like any other, names are refused, and nothing panics.
#![cfg(target_os = "linux")]

mod digits;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::{Command, Output};

/// Words of a command line, in which `~` stands for a byte that is no Unicode.
fn odd(line: &str) -> Vec<OsString> {
    let byte = |byte| if byte == b'~' { 0xff } else { byte };
    line.split_whitespace().map(|word| OsString::from_vec(word.bytes().map(byte).collect())).collect()
}

fn evograd(line: &str, folder: &Path) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.args(odd(line)).current_dir(folder).env("EVOGRAD_DATA_DIR", folder.join(&odd("data~")[0])).output().unwrap()
}

/// A folder that holds the digits in `data~`, settings in `c~.toml`, and towns in `t~.tsp`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(&odd(name)[0]);
    std::fs::create_dir(path("data~")).unwrap();
    std::fs::rename(digits::data().path().join("mnist"), path("data~").join("mnist")).unwrap();
    std::fs::write(path("c~.toml"), "training.epochs = 1\nmodel.name = \"linear\"\n").unwrap();
    let towns = "DIMENSION: 4\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n1 0 0\n2 0 9\n3 9 9\n4 9 0\nEOF\n";
    std::fs::write(path("t~.tsp"), towns).unwrap();
    folder
}

#[test]
fn paths_work_like_any_other() {
    let folder = folder();
    let small = "--data mnist --backbone mnist --stages 2,2 --filters 2,2 --samples 32 --validation 20 --epochs 1 \
                 --population 3 --budget 6";
    let table = [
        "train linear --data mnist --epochs 1 --batch 32 --out r~",
        "train --config c~.toml --data mnist --batch 32 --data-dir data~ --out s~",
        "train --resume r~",
        "eval r~",
        "eval r~ --weights s~/checkpoints/last/model.safetensors --json",
        "inspect run r~ s~ --svg curves~.svg",
        "inspect run r~ --json",
        "inspect model linear --svg model~.svg",
        &format!("search {small} --out b~"),
        &format!("search --config none~.toml {small} --out none"),
        "search --resume b~",
        "search report b~",
        &format!("search {small} --seed 1 --out d~"),
        "search compare b~ d~ --svg compared~.svg --json",
        "search transfer b~ --epochs 1 --width 1 --dry-run",
        "search explain genet1 --svg code~.svg",
        "tsp --tsplib t~.tsp --generations 5 --svg tour~.svg",
        "profile linear --batch 2 --steps 1 --svg roofline.svg --trace trace~.json",
        "data list --json --data-dir data~",
        "data verify mnist --json",
        "data import mnist --from data~/mnist --data-dir copy~",
        "data show mnist --count 1 --out grid~.png",
    ];
    for line in table {
        let output = evograd(line, folder.path());
        let (errors, expected) = (String::from_utf8_lossy(&output.stderr), if line.contains("none~") { 2 } else { 0 });
        assert_eq!(output.status.code(), Some(expected), "{line}: {errors}");
    }
    for name in [
        "curves~.svg",
        "compared~.svg",
        "code~.svg",
        "tour~.svg",
        "roofline.svg",
        "trace~.json",
        "grid~.png",
        "r~/run.json",
    ] {
        assert!(folder.path().join(&odd(name)[0]).is_file(), "{name}");
    }
    let info: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join(&odd("r~/run.json")[0])).unwrap()).unwrap();
    assert_eq!(info["status"], "finished");
}

#[test]
fn names_are_refused_with_a_message() {
    let folder = folder();
    let table = [
        "tr~ain",
        "train lenet~",
        "train --data mnist~",
        "train --set model.name=~",
        "train --fusion ~",
        "train --seed ~",
        "eval none~",
        "inspect run none~",
        "inspect model ~",
        "profile ~",
        "gradcheck ~",
        "search explain ~",
        "search transfer none~",
        "search --fusion ~",
        "data verify ~",
        "data import mnist --from none~",
        "data show mnist --out grid.p~g",
    ];
    for line in table {
        let output = evograd(line, folder.path());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && !errors.is_empty(), "{line}: {:?}: {errors}", output.status);
    }
}

#[test]
fn variables_are_taken_or_refused() {
    let folder = folder();
    for (variable, line, expected) in [
        ("EVOGRAD_ISA", "gradcheck add --cases 1", 2),
        ("EVOGRAD_MIRROR", "data fetch mnist", 2),
        ("EVOGRAD_DATA_DIR", "data list", 0),
        ("TERM", "data list", 0),
    ] {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
        let data = folder.path().join(&odd("data~")[0]);
        command.args(odd(line)).env("EVOGRAD_DATA_DIR", data).env(variable, OsStr::from_bytes(b"x\xff"));
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{variable}: {errors}");
    }
}
