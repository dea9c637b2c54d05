//! `evograd data`: which data sets there are, how they come here, whether they are whole, and what they look like.

use super::data_dir::{DataDir, warn_of_odd};
use super::exit_code::FAILED;
use super::file_progress::FileProgress;
use super::out_file::OutFile;
use super::table::{Table, fitted};
use super::terminal::{inform, note, said_if_slow};
use super::values::whole;
use anyhow::Result;
use evograd::data::store::{self, Bytes, FileReport, Verdict};
use evograd::data::{self, CATALOGUE, Presence, SetInfo, Sets};
use evograd::report::{counted, grouped};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The environment variable that names a mirror.
const MIRROR: &str = "EVOGRAD_MIRROR";

const EXAMPLES: &str = "\
Examples:
  evograd data list
      what there is, and what is here
  evograd data import cifar10 --from cifar-10-binary.tar.gz
  evograd data verify cifar10 --data-dir /data
      every byte, every label
  evograd data show mnist --out digits.png --split test
      a row of images for each class";

/// Data sets: list, fetch, import, verify and look at them.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    data_dir: DataDir,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List every data set and whether it is installed
    List {
        /// One JSON object per set on standard output
        #[arg(long)]
        json: bool,
    },
    /// Download a set, check it and unpack it; an interrupted download is gone on with
    #[cfg_attr(not(feature = "download"), command(about = "Say where to get a data set; this build cannot download"))]
    Fetch {
        /// The name of the set
        name: String,
        /// A base URL to try first, before EVOGRAD_MIRROR and the official ones; may be given several times
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
    },
    /// Check the files of a set: sizes, checksums where they are known, headers, labels
    Verify {
        /// The name of the set
        name: String,
        /// A JSON object on standard output
        #[arg(long)]
        json: bool,
    },
    /// Import a data set from its official archive, its files, or a folder
    Import {
        /// The name of the set
        name: String,
        /// A file or folder; may be given several times
        #[arg(long, value_name = "PATH", required = true)]
        from: Vec<PathBuf>,
    },
    /// Draw images of a set into a PNG file, a row for each class
    Show(Show),
}

impl Action {
    /// The set whose files it is about, if it is about files.
    fn files_of(&self) -> Option<&str> {
        match self {
            Action::Fetch { name, .. } | Action::Verify { name, .. } | Action::Import { name, .. } => Some(name),
            Action::List { .. } | Action::Show(_) => None,
        }
    }
}

#[derive(clap::Args)]
struct Show {
    /// The name of the set
    name: String,
    /// The PNG file to write
    #[arg(long, value_name = "FILE", default_value = "grid.png")]
    out: PathBuf,
    /// Which images
    #[arg(long, value_enum, default_value = "train")]
    split: Split,
    /// Images in a row
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<u16>(1, u16::MAX.into()))]
    count: u16,
    /// Seed of the choice
    #[arg(long, default_value_t = 0, value_name = "SEED", value_parser = whole::<u64>(0, u64::MAX))]
    seed: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Split {
    Train,
    Test,
}

/// Does what was asked for. Progress of work on large files goes to standard error.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let folder = args.data_dir.folder()?;
    let mut file_progress = FileProgress::new();
    if let Some(name) = args.action.files_of().filter(|name| data::info(name).is_ok_and(|info| info.files.is_empty())) {
        writeln!(out, "{name}: made by this program when it is needed; there are no files to fetch, import or verify")?;
        return Ok(ExitCode::SUCCESS);
    }
    match &args.action {
        Action::List { json } => list(&folder, *json, out)?,
        Action::Fetch { name, mirror } => {
            let fetched = store::fetch(data::info(name)?, &folder, &mirrors(mirror)?, &mut file_progress)?;
            file_progress.done();
            let what = match fetched.downloaded.as_slice() {
                [] => "already whole".into(),
                files => format!("fetched {}", files.join(", ")),
            };
            writeln!(out, "{name}: {what}; it is in {}", fetched.folder.display())?;
        }
        Action::Verify { name, json } => {
            inform(format_args!("checking {name}"));
            let verdict = store::verify(data::info(name)?, &folder, &mut file_progress)?;
            file_progress.done();
            print_verdict(&verdict, *json, out)?;
            return Ok(if verdict.passed() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) });
        }
        Action::Import { name, from } => {
            let imported = store::import(data::info(name)?, from, &folder, &mut file_progress)?;
            file_progress.done();
            writeln!(
                out,
                "{}",
                fitted(format_args!("{name}: {} in {}", imported.files.join(", "), imported.folder.display()))
            )?;
            if !imported.missing.is_empty() {
                writeln!(out, "still missing: {}", imported.missing.join(", "))?;
            }
        }
        Action::Show(show) => draw(show, &folder, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Mirrors to try before the official ones, each refused by where it was given.
fn mirrors(given: &[String]) -> Result<Vec<String>> {
    let environment = std::env::var_os(MIRROR).filter(|mirror| !mirror.is_empty());
    let environment = environment.map(|mirror| mirror.to_string_lossy().into_owned());
    let given = given.iter().cloned().map(|mirror| ("--mirror", mirror));
    given.chain(environment.map(|mirror| (MIRROR, mirror))).map(|(name, mirror)| mirror_of(name, mirror)).collect()
}

fn mirror_of(name: &str, mirror: String) -> Result<String> {
    store::expect_mirror(&mirror).map_err(|error| error.at(name))?;
    Ok(mirror)
}

fn list(folder: &Path, json: bool, out: &mut impl Write) -> Result<()> {
    if json {
        for info in CATALOGUE {
            writeln!(out, "{}", as_json(info, folder))?;
        }
        return Ok(());
    }
    let header = ["set", "classes", "image", "train + test", "download", "here", "what it is", "licence"];
    let mut table = Table::new(&header, 1..1).with_texts(2);
    for info in CATALOGUE {
        table.row(row(info, folder));
    }
    writeln!(out, "{}", table.for_output())?;
    inform(format_args!("data folder: {}", folder.display()));
    Ok(())
}

fn row(info: &SetInfo, folder: &Path) -> [String; 8] {
    let here = match info.presence(folder) {
        _ if info.files.is_empty() => "made when needed".into(),
        Presence::Whole(found) => match left_out(info, &found) {
            None => "yes".into(),
            Some(Ok(0)) => "yes".into(),
            Some(Ok(files)) => format!("yes, {} left out", counted(files as u64, "file")),
            Some(Err(_)) => "in part; see verify".into(),
        },
        Presence::Parts { missing, .. } => {
            format!("{} of {}", info.files.len() - missing.len(), counted(info.files.len() as u64, "file"))
        }
        Presence::Absent => "no".into(),
    };
    let any = || "any".to_string();
    [
        info.name.into(),
        info.classes.map_or_else(any, |classes| classes.to_string()),
        info.shape.map_or_else(any, |[c, h, w]| format!("{c}×{h}×{w}")),
        info.counts.map_or_else(any, |[train, test]| format!("{train} + {test}")),
        download_size(info).map_or("–".into(), |bytes| format!("{:.0} MB", bytes as f64 / 1e6)),
        here,
        info.summary.into(),
        info.licence.into(),
    ]
}

/// How many files that lie in a folder of images are no part of it; `None` for other sets. No image is opened for that.
fn left_out(info: &SetInfo, found: &Path) -> Option<evograd::Result<usize>> {
    let count = |sets: Sets| sets.train.left_out().len() + sets.test.left_out().len();
    info.shape.is_none().then(|| (info.open)(found).map(count))
}

/// The bytes of all archives, where they are known.
fn download_size(info: &SetInfo) -> Option<u64> {
    let known: Option<Vec<u64>> = info.archives.iter().map(|archive| archive.bytes).collect();
    known.filter(|sizes| !sizes.is_empty()).map(|sizes| sizes.iter().sum())
}

fn as_json(info: &SetInfo, folder: &Path) -> serde_json::Value {
    let (here, found, missing) = match info.presence(folder) {
        _ if info.files.is_empty() => (true, None, Vec::new()),
        Presence::Whole(found) => (true, Some(found), Vec::new()),
        Presence::Parts { folder, missing } => (false, Some(folder), missing),
        Presence::Absent => (false, None, info.files.to_vec()),
    };
    json!({
        "name": info.name,
        "summary": info.summary,
        "classes": info.classes,
        "shape": info.shape,
        "train": info.counts.map(|counts| counts[0]),
        "test": info.counts.map(|counts| counts[1]),
        "download_bytes": download_size(info),
        "licence": info.licence,
        "here": here,
        "left_out": found.as_ref().and_then(|found| left_out(info, found)?.ok()),
        "folder": found.map(|folder| folder.to_string_lossy().into_owned()),
        "missing": missing,
    })
}

fn print_verdict(verdict: &Verdict, json: bool, out: &mut impl Write) -> Result<()> {
    if json {
        let mut value = serde_json::to_value(verdict)?;
        value["passed"] = verdict.passed().into();
        value["official"] = verdict.official().into();
        return Ok(writeln!(out, "{value}")?);
    }
    writeln!(out, "{} in {}", verdict.set, verdict.folder.display())?;
    for file in &verdict.files {
        let line = format!("  {:<28} {:>11} bytes  {}", file.file, file.bytes, status(file));
        writeln!(out, "{}", fitted(line))?;
    }
    if let Some(images) = verdict.images {
        let [train, test] = images.map(|count| grouped(count as u64));
        writeln!(out, "the layout is right: {train} training images, {test} test images")?;
    }
    let kinds = [
        ("cannot be decoded", &verdict.broken),
        ("misnamed", &verdict.misnamed),
        ("read with a remark", &verdict.odd),
        ("left out", &verdict.left_out),
    ];
    for (what, files) in kinds {
        if !files.is_empty() {
            writeln!(out, "{} {what}:", counted(files.len() as u64, "file"))?;
            files.iter().try_for_each(|file| writeln!(out, "{}", fitted(format_args!("  {file}"))))?;
        }
    }
    for warning in &verdict.warnings {
        writeln!(out, "{}", fitted(format_args!("warning: {warning}")))?;
    }
    Ok(writeln!(out, "{}", conclusion(verdict))?)
}

fn status(file: &FileReport) -> String {
    let expected = file.expected.as_deref().unwrap_or_default();
    match file.found {
        Bytes::Official => "the official bytes".into(),
        Bytes::Unknown => format!("no official sum is known (SHA-256 {})", file.sha256),
        Bytes::Other => format!("not the official bytes (SHA-256 {}, the official one {expected})", file.sha256),
        Bytes::Changed => format!("CHANGED since it was unpacked (SHA-256 {}, then {expected})", file.sha256),
    }
}

fn conclusion(verdict: &Verdict) -> String {
    let some = |bytes| verdict.files.iter().any(|file| file.found == bytes);
    match &verdict.problem {
        Some(problem) => format!("WRONG: {problem}"),
        None if !verdict.broken.is_empty() => {
            format!("WRONG: {} cannot be decoded", counted(verdict.broken.len() as u64, "image"))
        }
        None if verdict.files.is_empty() => "it can be used: every image is whole".into(),
        None if some(Bytes::Changed) => format!(
            "WRONG: files have changed since they were unpacked; import the official archive of {} again",
            verdict.set
        ),
        None if verdict.official() => "all bytes are the official ones".into(),
        None if some(Bytes::Other) => {
            "it can be used, but it is not the official set: re-encoded, a part, or changed".into()
        }
        None => "it can be used; whether the bytes are the official ones is unknown".into(),
    }
}

fn draw(show: &Show, folder: &Path, out: &mut impl Write) -> Result<()> {
    let file = OutFile::new(&show.out, "png")?;
    let sets = said_if_slow(&format!("opening {}", show.name), || data::open(&show.name, folder))?;
    sets.notes().iter().for_each(|text| note(format_args!("{}: {text}", show.name)));
    let set = match show.split {
        Split::Train => sets.train.clone(),
        Split::Test => sets.test.clone(),
    };
    let drawn = file.written_by(|path| data::write_grid(&*set, show.count.into(), show.seed, path))?;
    warn_of_odd(&show.name, &sets);
    let (images, classes) = (counted(drawn as u64, "image"), counted(set.classes().len() as u64, "class"));
    writeln!(out, "{}: {images} of {classes}, a row for each:", std::path::absolute(&show.out)?.display())?;
    Ok(writeln!(out, "{}", set.classes().join(", "))?)
}
