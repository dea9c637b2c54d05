//! What the system refuses, memory or threads, is an error that says so: no panic, no hang.
#![cfg(target_os = "linux")]

use evograd::{Tape, Tensor, Var, within_memory};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs a command line under a limit of the shell's `ulimit`, for at most so long.
fn limited(limit: &str, command: &str) -> Output {
    let shell = format!("ulimit {limit}; exec {command}");
    let mut child = Command::new("bash");
    child.args(["-c", &shell]).env("RUST_BACKTRACE", "1").env_remove("EVOGRAD_DATA_DIR");
    child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(100) {
            child.kill().unwrap();
            panic!("{limit}: {command} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// From where the program does not start to where it trains. The few words that the standard library asks for on its own
/// account may be refused too, which it ends the program for.
#[test]
#[cfg_attr(debug_assertions, ignore = "it takes minutes in a debug build")]
fn training_with_little_memory_is_an_error_that_says_how_much_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut refused = 0;
    for (i, kilobytes) in (60..=400).step_by(20).map(|megabytes| megabytes * 1000).enumerate() {
        let out = folder.path().join(format!("run{i}"));
        let command = format!(
            "{} train resnet20 --batch 400 --set data.samples=800 --epochs 1 --threads 2 -q --out {}",
            env!("CARGO_BIN_EXE_evograd"),
            out.display()
        );
        let output = limited(&format!("-v {kilobytes}"), &command);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains("panicked"), "{kilobytes} kB: {text}");
        match output.status.code() {
            Some(0) => break,
            Some(1 | 2) => refused += usize::from(text.contains("bytes of memory")),
            // Loading the program, or a small request of the standard library's.
            _ => assert!(kilobytes < 100_000 || text.contains("memory allocation of"), "{kilobytes} kB: {text}"),
        }
    }
    assert!(refused > 0, "no limit was between too little to start and enough");
}

#[test]
fn tensors_beyond_all_memory_are_errors_wherever_they_are_made() {
    let says = |result: evograd::Result<()>| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains("the system refuses") && text.contains("bytes of memory"), "{text}");
    };
    let tape = Tape::new();
    let tall = tape.leaf(Tensor::<f32>::zeros([1 << 22, 1]).unwrap());
    let wide = tape.leaf(Tensor::<f32>::zeros([1, 1 << 22]).unwrap());
    says(tall.add(&wide).map(drop));
    says(tall.maximum(&wide).map(drop));
    says(tall.div(&wide).map(drop));
    says(tall.matmul(&wide).map(drop));
    says(wide.pad(&[(1 << 22, 0), (0, 0)]).map(drop));
    says(Tensor::<f32>::zeros([1 << 45]).map(drop));
    says(Tensor::<f64>::full([1 << 30, 1 << 20], 1.0).map(drop));
    // Every other operation goes on as before.
    assert_eq!(tall.sum_all().unwrap().item().unwrap(), 0.0);
}

/// Runs one of the ignored tests below in a process of its own, under a limit.
fn ignored(limit: &str, name: &str) {
    let program = std::env::current_exe().unwrap();
    let output = limited(limit, &format!("{} --exact {name} --ignored --test-threads 1", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn another_shape_takes_no_memory_of_its_own() {
    ignored("-v 2000000", "reshapes_three_hundred_million_numbers");
}

#[test]
#[ignore = "run under a limit by another_shape_takes_no_memory_of_its_own"]
fn reshapes_three_hundred_million_numbers() {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::<f32>::zeros([300_000, 1000]).unwrap());
    let y = x.reshape([1000, 300, 1000]).unwrap().flatten_from(1).unwrap();
    assert_eq!(y.value().as_slice().as_ptr(), x.value().as_slice().as_ptr());
    assert_eq!(y.detach().reshape([300_000_000]).unwrap().value().shape().sizes(), [300_000_000]);
}

#[test]
fn memory_that_runs_out_in_the_middle_of_a_step_is_an_error() {
    ignored("-v 1000000", "fills_the_memory_in_every_way");
}

#[test]
#[ignore = "run under a limit by memory_that_runs_out_in_the_middle_of_a_step_is_an_error"]
fn fills_the_memory_in_every_way() {
    let refused = |text: String| assert!(text.contains("bytes of memory"), "{text}");
    // 120 MB each; the fourth or fifth is one too many, wherever it is asked for.
    let x = || Tensor::<f32>::full([30, 1_000_000], 1.0);
    let mut kept = Vec::new();
    while let Ok(next) = x() {
        kept.push(next);
    }
    let y = Var::constant(kept[0].clone());
    refused(y.relu().unwrap_err().to_string());
    refused(within_memory(|| kept[0].cast::<f64>()).unwrap_err().to_string());
    refused(within_memory(|| kept[0].clone().as_mut_slice()[0] = 2.0).unwrap_err().to_string());
    // Backward, where forward still has room.
    kept.truncate(kept.len() - 2);
    let tape = Tape::new();
    let leaf = tape.leaf(kept[0].clone());
    let loss = leaf.sigmoid().unwrap().sum_all().unwrap();
    while let Ok(next) = x() {
        kept.push(next);
    }
    refused(tape.backward(&loss).err().unwrap().to_string());
    // And all is well again once there is room.
    kept.truncate(1);
    assert_eq!(y.relu().unwrap().value().as_slice()[7], 1.0);
}
