//! The folder of a run, tampered with and then resumed. A run goes on as it was saved, and comes to the same end, or is refused.
#![no_main]

use arbitrary::Arbitrary;
use evograd::data::{Images, Sets};
use evograd::train::{Config, Event, Run, RunFolder, RunInfo, Status};
use evograd_fuzz::{expect_helpful, scratch, write_to};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

#[derive(Arbitrary, Debug)]
enum Edit<'a> {
    Replace {
        file: u8,
        bytes: &'a [u8],
    },
    Splice {
        file: u8,
        place: u16,
        removed: u8,
        bytes: &'a [u8],
    },
    Flip {
        file: u8,
        place: u16,
        bit: u8,
    },
    Cut {
        file: u8,
        place: u16,
    },
    Remove {
        file: u8,
    },
    Copy {
        from: u8,
        to: u8,
    },
    /// The sums of the checkpoint are made to fit whatever it holds by now.
    Seal,
    /// One number of a text becomes another.
    Number {
        file: u8,
        which: u8,
        to: &'a str,
    },
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// A run that is gone on with is trained to its end where this is a multiple of 16.
    train: u8,
    edits: Vec<Edit<'a>>,
}

/// A run of two epochs that was stopped in the second: what it was when it stopped, and what became of it.
struct Saved {
    sets: Sets,
    files: BTreeMap<PathBuf, Vec<u8>>,
    stopped: (Vec<u8>, String),
    ended: (Vec<u8>, String),
}

static SAVED: LazyLock<Saved> = LazyLock::new(|| {
    let images = |count: usize| {
        let bytes = (0..4 * count).map(|place| (place * 37) as u8).collect();
        let labels = (0..count as u16).map(|index| index % 2).collect();
        Arc::new(Images::new([1, 2, 2], &["a", "b"], bytes, labels).expect("bytes for each label"))
    };
    let sets = Sets { train: images(8), test: images(2) };
    let settings = ["model.name=linear", "training.epochs=2", "training.batch=2", "training.log_every=1"];
    let more = ["data.crop=0", "data.flip=false", "data.validation=2", "training.checkpoint_seconds=1000"];
    let set: Vec<String> = settings.iter().chain(&more).map(|text| text.to_string()).collect();
    let config = Config::parse("", &set).expect("settings that make sense");
    let mut run = Run::start(&folder(), config, &sets, info(), &mut ()).expect("a new run");
    let status = run.train(&mut |event| !matches!(event, Event::Step { position, .. } if position.step == 4));
    assert_eq!(status, Ok(Status::Interrupted));
    let stopped = state(&run);
    drop(run);
    let mut files = BTreeMap::new();
    collect(&folder(), &mut files);
    let mut run = resume(&sets).expect("an untouched run");
    assert_eq!(run.train(&mut |_| true), Ok(Status::Finished));
    Saved { sets, files, stopped, ended: state(&run) }
});

libfuzzer_sys::fuzz_target!(|input: Input| {
    let saved = &*SAVED;
    let mut files = saved.files.clone();
    let edits = &input.edits[..input.edits.len().min(4)];
    edits.iter().for_each(|edit| edit.make(&mut files));
    lay_out(&files);
    match resume(&saved.sets) {
        // Who makes the sums anew may write what he likes, and gets a run or a refusal.
        Ok(_) if edits.iter().any(|edit| matches!(edit, Edit::Seal)) => {}
        Ok(mut run) => {
            assert_eq!(state(&run), saved.stopped);
            if input.train % 16 == 0 {
                assert_eq!(run.train(&mut |_| true), Ok(Status::Finished));
                assert_eq!(state(&run), saved.ended);
            }
        }
        Err(error) => {
            expect_helpful(&error);
            assert!(files != saved.files, "an untouched run is refused: {error}");
        }
    }
});

fn folder() -> PathBuf {
    scratch("run")
}

fn resume(sets: &Sets) -> evograd::Result<Run> {
    let folder = RunFolder::open(&folder())?;
    let config = Config::read(&folder.settings(), &[])?;
    Run::resume(folder, config, sets, info(), &mut ())
}

/// The weights, and where the run stands but for the number of its segment.
fn state(run: &Run) -> (Vec<u8>, String) {
    let mut position = run.trainer().position.clone();
    position.segment = 0;
    (run.trainer().network.to_safetensors().expect("names of their own"), format!("{position:?}"))
}

fn info() -> RunInfo {
    RunInfo {
        version: "1".into(),
        command: vec!["train".into()],
        cpu: "a".into(),
        isa: "b".into(),
        threads: 1,
        seed: 0,
        data_checksums: [None, None],
        started: 0,
        resumed_after: Vec::new(),
        ended: None,
        status: Status::Running,
        warnings: Vec::new(),
        builds: Vec::new(),
        began: None,
        settings: None,
        restored: Vec::new(),
        data_dir: None,
        initial: None,
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a folder's entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
}

/// Makes the folder hold these files and no others.
fn lay_out(files: &BTreeMap<PathBuf, Vec<u8>>) {
    let mut found = BTreeMap::new();
    fs::create_dir_all(folder().join("checkpoints/last")).expect("a folder can be made");
    collect(&folder(), &mut found);
    for path in found.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(path).expect("a file that can be removed");
    }
    for (path, bytes) in files.iter().filter(|(path, bytes)| found.get(*path) != Some(*bytes)) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        write_to(path, bytes);
    }
}

impl Edit<'_> {
    fn make(&self, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        let paths: Vec<PathBuf> = SAVED.files.keys().cloned().collect();
        let path = |file: u8| paths[usize::from(file) % paths.len()].clone();
        match *self {
            Edit::Replace { file, bytes } => drop(files.insert(path(file), bytes.to_vec())),
            Edit::Remove { file } => drop(files.remove(&path(file))),
            Edit::Copy { from, to } => {
                if let Some(bytes) = files.get(&path(from)).cloned() {
                    files.insert(path(to), bytes);
                }
            }
            Edit::Splice { file, place, removed, bytes } => {
                let old = files.entry(path(file)).or_default();
                let at = usize::from(place) % (old.len() + 1);
                let end = old.len().min(at + usize::from(removed));
                old.splice(at..end, bytes.iter().copied());
            }
            Edit::Flip { file, place, bit } => {
                let old = files.entry(path(file)).or_default();
                let at = usize::from(place) % old.len().max(1);
                old.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (bit % 8));
            }
            Edit::Cut { file, place } => {
                let old = files.entry(path(file)).or_default();
                old.truncate(usize::from(place) % (old.len() + 1));
            }
            Edit::Seal => {
                let last = folder().join("checkpoints/last");
                let sum = |name: &str| {
                    let bytes = files.get(&last.join(name)).cloned().unwrap_or_default();
                    let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("{sum}  {name}\n")
                };
                let sums = ["model.safetensors", "optimizer.safetensors", "position.json"].map(sum).concat();
                files.insert(last.join("SHA256SUMS"), sums.into_bytes());
            }
            Edit::Number { file, which, to } => {
                let old = files.entry(path(file)).or_default();
                *old = renumbered(old, which.into(), to);
            }
        }
    }
}

/// A text in which one of the numbers is another text.
fn renumbered(text: &[u8], which: usize, to: &str) -> Vec<u8> {
    let part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let mut number = 0;
    let chunks = text.chunk_by(|a, b| part(a) == part(b)).map(|chunk| {
        let digits = chunk.first().is_some_and(|byte| part(byte)) && chunk.iter().any(u8::is_ascii_digit);
        number += usize::from(digits);
        if digits && number == which + 1 { to.as_bytes() } else { chunk }
    });
    chunks.collect::<Vec<_>>().concat()
}
