//! Whatever becomes of standard output and standard error, a command does its work and says by its exit code how it went.

mod digits;

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn evograd(line: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.args(line.split_whitespace());
    command
}

/// The writing end of a pipe that nobody reads.
fn closed_pipe() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

/// A disk without room.
fn full_disk() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

/// Every kind of command; `OUT` stands for a run's folder that is not there yet, `RUN` for one that is.
const COMMANDS: [&str; 10] = [
    "train lenet --width 0.1 --batch 32 --epochs 2 --set training.log_every=1 --out OUT",
    "train lenet --width 0.1 --batch 32 --epochs 1 --json --out OUT",
    "search --backbone mnist --stages 2,2 --filters 2,2 --samples 32 --validation 20 --epochs 1 --population 3 \
     --budget 6 --out OUT",
    "search --backbone mnist --stages 2,2 --filters 2,2 --samples 32 --validation 20 --epochs 1 --population 3 \
     --budget 6 --json --out OUT",
    "tsp --towns 9 --generations 20",
    "gradcheck add --cases 1",
    "data list",
    "profile lenet --width 0.1 --batch 2 --steps 1",
    "eval RUN --per-class",
    "inspect run RUN",
];

/// Runs each command with its outputs replaced; `judge` says whether it went as it should.
fn with_each(replace: impl Fn(&mut Command), judge: impl Fn(&str, &Output, &Path)) {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("trained");
    let trained = format!("train linear --data mnist --batch 32 --epochs 1 --out {} -q", run.display());
    assert!(evograd(&trained).env("EVOGRAD_DATA_DIR", data.path()).status().unwrap().success());
    for (number, line) in COMMANDS.into_iter().enumerate() {
        let out = runs.path().join(number.to_string());
        let own = line.starts_with("train") || line.contains("backbone");
        let line = format!("{line}{}", if own { " --data mnist" } else { "" });
        let line = line.replace("OUT", &out.display().to_string()).replace("RUN", &run.display().to_string());
        let mut command = evograd(&line);
        command.env("EVOGRAD_DATA_DIR", data.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        replace(&mut command);
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        judge(&line, &output, &out);
    }
}

/// What a run came to, if there is one.
fn status(out: &Path) -> String {
    let Ok(file) = File::open(out.join("run.json")) else { return "finished".into() };
    serde_json::from_reader::<_, serde_json::Value>(file).unwrap()["status"].as_str().unwrap().to_string()
}

#[test]
fn a_log_that_nobody_reads_or_that_cannot_be_written_ends_nothing() {
    for log in [closed_pipe, full_disk] {
        with_each(
            |command| {
                command.stderr(log());
            },
            |line, output, out| {
                assert_eq!((output.status.code(), status(out).as_str()), (Some(0), "finished"), "{line}");
            },
        );
    }
}

#[test]
fn help_and_version_are_results_too() {
    for line in ["--help", "--version", "-V", "help search", "search --help", "data show -h"] {
        let full = evograd(line).stdout(full_disk()).output().unwrap();
        let errors = String::from_utf8_lossy(&full.stderr);
        assert_eq!(full.status.code(), Some(2), "{line}: {errors}");
        assert!(errors.contains("not all results could be written to standard output"), "{line}: {errors}");
        let closed = evograd(line).stdout(closed_pipe()).output().unwrap();
        assert_eq!((closed.status.code(), closed.stderr.len()), (Some(0), 0), "{line}");
        let read = evograd(line).output().unwrap();
        assert!(read.status.success() && !read.stdout.is_empty() && read.stderr.is_empty(), "{line}");
    }
}

#[test]
fn results_that_nobody_reads_end_nothing_and_are_no_error() {
    with_each(
        |command| {
            command.stdout(closed_pipe());
        },
        |line, output, out| {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), status(out).as_str()), (Some(0), "finished"), "{line}: {errors}");
            assert!(!errors.contains("panicked") && !errors.contains("pipe"), "{line}: {errors}");
        },
    );
    // What was found wrong is still found.
    let wrong = evograd("gradcheck tanh --cases 1 --tolerance 1e-15").stdout(closed_pipe()).output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
}

#[test]
fn results_that_cannot_be_written_are_an_error_once_the_work_is_done() {
    with_each(
        |command| {
            command.stdout(full_disk());
        },
        |line, output, out| {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), status(out).as_str()), (Some(2), "finished"), "{line}: {errors}");
            assert!(
                errors.contains("evograd: not all results could be written to standard output: "),
                "{line}: {errors}"
            );
        },
    );
}
