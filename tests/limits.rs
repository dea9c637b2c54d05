//! What the system refuses, memory or threads, is an error that says so: no panic, no hang.
#![cfg(target_os = "linux")]

mod digits;

use evograd::data::{
    Cifar, Images, decode_image, open_folder, read_cifar, read_idx, read_mat, read_svhn, shapes_of, write_grid,
};
use evograd::genetic::Towns;
use evograd::models::weights::{parse_safetensors, to_safetensors};
use evograd::train::{RunFolder, Status};
use evograd::{Tape, Tensor, Var, release_memory, within_memory};
use std::path::Path;
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

/// More than the standard library asks for on its own account, where a refusal ends the program.
const FEW: usize = 1 << 16;

/// Whether the program was ended because so few bytes were refused. What grows with the data has to be an error.
fn few_were_refused(text: &str) -> bool {
    let size = |line: &str| line.strip_prefix("memory allocation of ")?.split(' ').next()?.parse().ok();
    let sizes: Vec<usize> = text.lines().filter_map(size).collect();
    !sizes.is_empty() && sizes.iter().all(|size| *size < FEW)
}

#[test]
fn a_refusal_is_few_by_its_number() {
    assert!(few_were_refused("x\nmemory allocation of 4096 bytes failed\n"));
    assert!(!few_were_refused("memory allocation of 1228800 bytes failed\n"));
    assert!(!few_were_refused("memory allocation of 16 bytes failed\nmemory allocation of 65536 bytes failed"));
    assert!(!few_were_refused("killed"));
}

/// From where the program does not start to where it trains.
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
            _ if text.contains("memory allocation of") => assert!(few_were_refused(&text), "{kilobytes} kB: {text}"),
            _ => assert!(kilobytes < 100_000, "{kilobytes} kB: {text}"),
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
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{out}{err}");
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
    let y = x.reshape([1000, 300, 1000]).unwrap().flatten(1).unwrap();
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

#[test]
fn readers_and_writers_without_memory_say_so() {
    ignored("-v 1000000", "reads_and_writes_where_a_few_megabytes_are_left");
}

/// All but a few megabytes of what the system gives.
fn all_but_a_few() -> Vec<Tensor<f32>> {
    let mut kept = Vec::new();
    while let Ok(next) = Tensor::zeros([1 << 18]) {
        kept.push(next);
    }
    kept.truncate(kept.len() - 4);
    release_memory();
    kept
}

/// All that is half written, which nothing may leave behind.
fn leftovers(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    let is_left =
        |path: &Path| path.extension().is_some_and(|ending| ["part", "new", "import"].iter().any(|of| ending == *of));
    let below = paths.iter().filter(|path| path.is_dir()).flat_map(|path| leftovers(path));
    paths.iter().filter(|path| is_left(path)).cloned().chain(below).collect()
}

const EVOGRAD: &str = env!("CARGO_BIN_EXE_evograd");

/// A command whose files may have so many kilobytes: more are refused as by a full disk.
fn on_a_full_disk(kilobytes: u32, command: &str) -> Output {
    limited(&format!("-f {kilobytes}; trap '' XFSZ"), command)
}

/// Every command that writes for long: what is kept is said, and what goes on with it does.
#[test]
fn a_full_disk_loses_nothing_and_says_how_to_go_on() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let small = "--backbone mnist --filters 2,2 --samples 20 --validation 20 --epochs 1 --workers 1 -q";
    let commands = [
        (
            40,
            "train",
            "train linear --epochs 20 --batch 4 --set training.log_every=1 -q".to_string(),
            "kept: checkpoints/last, after step ",
        ),
        (16, "search", format!("search --stages 3,3 --budget 100 {small}"), "kept: "),
        (16, "search exhaust", format!("search exhaust --stages 3,3 {small}"), "kept: "),
        (
            16,
            "search calibrate",
            format!("search calibrate --stages 3,3 --networks 30 --budgets 1x2,2 {}", small.replace("--epochs 1", "")),
            "kept: ",
        ),
    ];
    for (number, (kilobytes, command, line, kept)) in commands.into_iter().enumerate() {
        let out = runs.path().join(number.to_string());
        let place = format!("--data-dir {} --out {}", data.path().display(), out.display());
        let done = on_a_full_disk(1, &format!("{EVOGRAD} {line} --data mnist {place}"));
        assert!(
            done.status.code() == Some(2) && !out.exists(),
            "{line} left something of what could not begin: {done:?}"
        );
        let done = on_a_full_disk(kilobytes, &format!("{EVOGRAD} {line} --data mnist {place}"));
        let text = String::from_utf8_lossy(&done.stderr);
        let going_on = format!("; go on with: evograd {command} --resume {} --data-dir", out.display());
        assert_eq!(done.status.code(), Some(2), "{line}: {text}");
        for part in ["make room on the disk", kept, &going_on] {
            assert!(text.contains(part), "{line}: {text}");
        }
        let status = RunFolder::read(&out).unwrap().info().unwrap().status;
        assert!(matches!(&status, Status::Failed(why) if why.contains("make room")), "{line}: {status:?}");
        assert_eq!(leftovers(&out), [] as [&Path; 0], "{line}");
        let resume = format!("{EVOGRAD} {command} --resume {} -q", out.display());
        let done = limited("-c 0", &resume);
        assert!(done.status.success(), "{resume}: {done:?}");
        assert_eq!(RunFolder::read(&out).unwrap().info().unwrap().status, Status::Finished, "{line}");
    }
}

/// What lay there before stays as it was, and nothing else is left.
#[test]
fn an_import_that_does_not_fit_leaves_nothing() {
    let (data, home) = (digits::data(), tempfile::tempdir().unwrap());
    let from = data.path().join("mnist");
    let done = on_a_full_disk(
        40,
        &format!("{EVOGRAD} data import mnist --from {} --data-dir {}", from.display(), home.path().display()),
    );
    let text = String::from_utf8_lossy(&done.stderr);
    let file = format!("{}/mnist/train-images-idx3-ubyte: ", home.path().display());
    assert!(done.status.code() == Some(2) && text.contains(&file), "{text}");
    assert!(text.contains("make room on the disk, or choose another folder with --data-dir"), "{text}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

/// A run whose process could not say how it ended is not at work.
#[test]
fn a_run_without_a_process_does_not_go_on() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let out = runs.path().join("run");
    let place = format!("--data mnist --data-dir {} --out {}", data.path().display(), out.display());
    assert!(limited("-c 0", &format!("{EVOGRAD} train linear --epochs 1 -q {place}")).status.success());
    let info = std::fs::read_to_string(out.join("run.json")).unwrap();
    std::fs::write(out.join("run.json"), info.replace("\"finished\"", "\"running\"")).unwrap();
    let folder = RunFolder::read(&out).unwrap();
    let status = folder.status().unwrap();
    assert!(matches!(&status, Status::Failed(why) if why.contains("killed or the disk failed")), "{status:?}");
    let done = limited("-c 0", &format!("{EVOGRAD} inspect run {}", out.display()));
    let text = String::from_utf8_lossy(&done.stderr);
    assert!(
        text.contains("before it could say how") && text.contains("go on with it by evograd train --resume"),
        "{text}"
    );
    let _held = RunFolder::open(&out).unwrap();
    assert_eq!(folder.status().unwrap(), Status::Running, "somebody holds it");
}

/// Everything here asks for at least 6 MB at once or in a row, and for less than 1 MB before.
#[test]
#[ignore = "run under a limit by readers_and_writers_without_memory_say_so"]
fn reads_and_writes_where_a_few_megabytes_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let noise: Vec<u8> = (0..12_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let noisy = Images::new([3, 2000, 2000], &["a"], noise, vec![0]).unwrap();
    for class in ["train/a", "train/b", "val/a", "val/b"].map(path) {
        std::fs::create_dir_all(&class).unwrap();
        write_grid(&noisy, 1, 0, &class.join("noise.png")).unwrap();
    }
    let images = open_folder(folder.path(), 64).unwrap();
    std::fs::write(path("cifar"), vec![0; 3073 * 10_000]).unwrap();
    std::fs::write(path("svhn"), matrix(5000)).unwrap();
    let (mat, idx) =
        (matrix(1000), [&[0, 0, 8, 3, 0, 0, 39, 16, 0, 0, 0, 28, 0, 0, 0, 28][..], &[0; 7_840_000]].concat());
    let (png, jpegs) = (grey_png(), [(0xc0, 4096), (0xc2, 1600)].map(|(kind, side)| grey_jpeg(kind, side)));
    let tensor = Tensor::<f32>::full([3 << 20], 1.0).unwrap();
    let weights = to_safetensors(&[("w".into(), &tensor)]).unwrap();
    let kept = all_but_a_few();
    let problems = [
        ("folder", images.train.read(0, &mut [0; 3 * 64 * 64]).err()),
        ("png", decode_image(&png, 64).err()),
        ("jpeg", decode_image(&jpegs[0], 64).err()),
        ("progressive", decode_image(&jpegs[1], 64).err()),
        ("square", decode_image(&jpegs[1], 4096).err()),
        ("cifar", read_cifar(&path("cifar"), Cifar::Ten).err()),
        ("svhn", read_svhn(&path("svhn")).err()),
        ("mat", read_mat(&mat).err()),
        ("idx", read_idx::<3>(&idx, 10_000).err()),
        ("shapes", shapes_of(0, 4000, 1).err()),
        ("grid", write_grid(&noisy, 1, 0, &path("grid.png")).err()),
        ("weights in", parse_safetensors(Path::new("w"), &weights).err()),
        ("weights out", to_safetensors(&[("w".into(), &tensor)]).err()),
        ("towns", Towns::random(2000, 0).err()),
    ];
    drop(kept);
    for (what, problem) in problems {
        let text = problem.unwrap_or_else(|| panic!("{what}: there was memory")).to_string();
        assert!(text.contains("bytes of memory") || text.contains("out of memory; give"), "{what}: {text}");
    }
    release_memory();
    assert_eq!(decode_image(&jpegs[1], 2).unwrap(), [128; 12], "there is memory again");
}

/// A PNG file of 3000 × 3000 grey pixels.
fn grey_png() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let grey = Images::new([1, 3000, 3000], &["a"], vec![9; 9_000_000], vec![0]).unwrap();
    write_grid(&grey, 1, 0, &folder.path().join("grey.png")).unwrap();
    std::fs::read(folder.path().join("grey.png")).unwrap()
}

/// A JPEG file of grey pixels whose every block is coded in zeros: as a whole (kind 0xc0), or first the means and then the rest
/// (0xc2).
fn grey_jpeg(kind: u8, side: usize) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| [&[0xff, marker, 0, 2 + body.len() as u8], body].concat();
    // A table of one code, 0, for no bits and no more coefficients.
    let table = |class: u8| segment(0xc4, &[&[class << 4, 1], &[0; 15][..], &[0]].concat());
    let [high, low] = (side as u16).to_be_bytes();
    let scan = |from: u8, to: u8| segment(0xda, &[1, 1, 0, from, to, 0]);
    let data = |bits: usize| vec![0_u8; bits * (side / 8) * (side / 8) / 8];
    let scans = match kind {
        0xc0 => [scan(0, 63), data(2)].concat(),
        _ => [scan(0, 0), data(1), scan(1, 63), data(1)].concat(),
    };
    let quantisers = segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let frame = segment(kind, &[8, high, low, high, low, 1, 1, 0x11, 0]);
    [&[0xff, 0xd8][..], &quantisers, &frame, &table(0), &table(1), &scans, &[0xff, 0xd9]].concat()
}

/// A MATLAB file with X `[32, 32, 3, count]`, bytes.
fn matrix(count: u32) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let size = 3072 * count;
    let parts = words(&[6, 8, 9, 0, 5, 16, 32, 32, 3, count, 1 << 16 | 1, u32::from(b'X'), 2, size]);
    let head = [&[b' '; 124][..], &[0, 1, b'I', b'M'], &words(&[14, parts.len() as u32 + size])].concat();
    [head, parts, vec![0; size as usize]].concat()
}
