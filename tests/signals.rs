//! Signals that ask a run to end, as Ctrl-C, a batch system, a container or a closing terminal send them.

mod digits;

use evograd::train::{RunFolder, Status};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

/// Longer than any test waits.
const TRAIN: &str = "train lenet --data mnist --width 0.2 --batch 16 --epochs 100000 --quiet --out OUT";
const SEARCH: &str = "search --data mnist --backbone mnist --stages 2,2 --filters 2,2 --samples 64 --validation 40 \
                      --epochs 20 --population 30 --budget 2000 --quiet --out OUT";
const EXHAUST: &str = "search exhaust --data mnist --backbone mnist --stages 3,4 --filters 2,2 --samples 64 --validation 40 \
                       --epochs 20 --quiet --out OUT";
const TOURS: &str = "tsp --towns 60 --generations 100000000";

fn command(line: &str, data: &Path, out: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.args(line.split_whitespace().map(|word| if word == "OUT" { out.into() } else { PathBuf::from(word) }));
    command.env("EVOGRAD_DATA_DIR", data).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits, but not for ever, until the process catches `signal`, as Linux tells it.
fn wait_until_caught(child: &Child, signal: Signal) {
    let caught = (0..2000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal.as_raw() - 1) & 1 == 1
    });
    assert!(caught, "{signal:?} is not caught after twenty seconds");
}

/// Waits, but not for ever, until something was trained, or a run is about to: what is done before has nothing to save.
fn wait_until_at_work(out: &Path) {
    let trained = || std::fs::read_to_string(out.join("journal.jsonl")).is_ok_and(|text| text.lines().count() > 1);
    let at_work = (0..4000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        out.join("checkpoints/last/model.safetensors").exists() || trained()
    });
    assert!(at_work, "{} holds nothing after twenty seconds", out.display());
}

fn status(out: &Path) -> Status {
    RunFolder::read(out).unwrap().info().unwrap().status
}

#[test]
fn each_signal_ends_each_command_with_its_work_saved() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    for (number, line) in [TRAIN, SEARCH, EXHAUST, TOURS].into_iter().enumerate() {
        for (signal, code) in SIGNALS {
            let out = runs.path().join(format!("{number}-{code}"));
            let child = command(line, data.path(), &out).spawn().unwrap();
            match line {
                TOURS => wait_until_caught(&child, Signal::HUP), // the last to be
                _ => wait_until_at_work(&out),
            }
            send(&child, signal);
            let output = child.wait_with_output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{line}: {errors}");
            if line == TOURS {
                assert!(String::from_utf8_lossy(&output.stdout).contains("length "), "{errors}");
            } else {
                assert_eq!(status(&out), Status::Interrupted, "{line}");
                assert!(errors.contains("stopped; go on with: evograd "), "{errors}");
            }
            assert!(line != TRAIN || out.join("checkpoints/last/model.safetensors").exists(), "{signal:?}");
        }
    }
}

/// A second signal, of whichever kind, does not wait for the step.
#[test]
fn a_second_signal_ends_at_once() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let out = runs.path().join("run");
    let slow = "train resnet20 --data mnist --batch 128 --epochs 1000 --threads 1 --quiet --out OUT";
    let child = command(slow, data.path(), &out).spawn().unwrap();
    wait_until_at_work(&out);
    send(&child, Signal::INT);
    send(&child, Signal::TERM);
    // Which of the two the system delivers first is its choice.
    let code = child.wait_with_output().unwrap().status.code();
    assert!([Some(130), Some(143)].contains(&code), "{code:?}");
    assert_eq!(status(&out), Status::Running);
}

/// Who starts a run with `nohup` wants it to live on.
#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let out = runs.path().join("run");
    let program = command(TRAIN, data.path(), &out);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    shell.env("EVOGRAD_DATA_DIR", data.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = shell.spawn().unwrap();
    wait_until_at_work(&out);
    send(&child, Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(child.try_wait().unwrap(), None, "it has ended");
    send(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}
