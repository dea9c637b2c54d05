//! `evograd train`: trains a network in a folder that it can be resumed from.

mod banner;
mod dry_run;

use super::data_dir::{self, DataDir};
use super::exit_code::FAILED;
use super::file_progress::FileProgress;
use super::interrupt;
use super::model_args::ModelArgs;
use super::origin::Origin;
use super::progress::Progress;
use super::results::print_row;
use super::run_folder::{Kind, Unfinished, data_argument, describe, free_folder, going_on, of_kind, word};
use super::table::fitted;
use super::terminal::{note, note_command, warn};
use super::values::{setting, text};
use anyhow::{Result, bail};
use evograd::Error;
use evograd::data::Sets;
use evograd::record::{Metric, Score};
use evograd::report::{counted, grouped, short};
use evograd::train::{Config, Event, Kept, Run, RunFolder, ScheduleKind, Status, read_metrics};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use dry_run::seconds_a_step;

const EXAMPLES: &str = "\
Examples:
  evograd train
      ResNet-20 on the built-in set of shapes
  evograd train resnet20 --data cifar10 --fusion sort-root
  evograd train lenet --data mnist --epochs 5 --set schedule.kind=cosine
  evograd train --config my.toml --dry-run
      settings, size and expected time, without training
  evograd train lenet --data digits --init-from runs/a --freeze 'conv*'
      fine-tune: begin with the weights of another run, and keep some of them
  evograd train --resume runs/resnet20-sum-shapes-seed0
      continue where it stopped

A part of the training images is held out: after each epoch the network is
evaluated on it, and checkpoints/best is the one of the highest accuracy on it. The test set is evaluated
once, at the end. --set data.validation=N holds out N images, 0 none.

Ctrl-C, SIGTERM and SIGHUP finish the step and save; a second one stops at
once. Exit code 1: the run diverged; 130, 143 or 129: it was stopped.";

/// Train a network and save it in a folder.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The network, as `evograd inspect models` lists them [default: resnet20]
    model: Option<String>,
    /// The data set, as `evograd data list` has them [default: shapes]
    #[arg(long, value_name = "SET")]
    data: Option<String>,
    #[command(flatten)]
    model_args: ModelArgs,
    /// Training epochs [default: 20]
    #[arg(long, value_name = "N", value_parser = setting::<u32>("training.epochs"))]
    epochs: Option<u32>,
    /// Batch size [default: 128]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("training.batch"))]
    batch: Option<usize>,
    /// Peak learning rate [default: 0.4 with batch normalisation, else 0.02; 0.001 for adam and adamw]
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, value_parser = setting::<f64>("optimizer.rate"))]
    rate: Option<f64>,
    /// Seed of weights, data order, augmentation and dropout [default: 0]
    #[arg(long, value_parser = setting::<u64>("training.seed"))]
    seed: Option<u64>,
    /// Keep the weights of these names as they are: `conv1.*`, with * for any characters and ? for one; may be repeated. Running
    /// statistics of batch normalisation follow the batches all the same
    #[arg(long, value_name = "PATTERN")]
    freeze: Vec<String>,
    /// Begin with the weights of this safetensors file, or of the last checkpoint of this run, where names and shapes fit
    #[arg(long, value_name = "FILE|RUN")]
    init_from: Option<String>,
    /// Settings in TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting; may be repeated, and overrides the file and all other arguments
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// Resume the run in this folder, with its own settings
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Where a run is kept, and how its progress is shown.
#[derive(clap::Args)]
pub struct How {
    #[command(flatten)]
    pub data_dir: DataDir,
    /// The folder of the run [default: runs/ and a name made of model, fusion, data and seed]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print settings, size and expected time, and train nothing
    #[arg(long)]
    dry_run: bool,
    /// Rows of metrics as JSON lines on standard output; with --dry-run, settings, size and expected time as one JSON object
    #[arg(long)]
    json: bool,
}

/// Trains, or says what would be trained.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    if let Some(folder) = &args.resume {
        let looked_at = of_kind(folder, &[Kind::Training])?;
        let config = Config::read(&looked_at.settings(), &[])?;
        if let Some(epochs) = args.epochs {
            bail!(longer(&looked_at, &config, epochs));
        }
        let folder = RunFolder::open(folder)?;
        // Before any data is looked for: an edited configuration may name another set.
        let (before, _) = folder.expect_same("train", &config.to_toml())?;
        let data_dir = args.how.data_dir.folder_of(&before, &config.data.set)?;
        let sets = open(&config, &data_dir)?;
        let info = describe(config.training.seed, &sets, &data_dir);
        let path = folder.path().to_path_buf();
        let mut file_progress = FileProgress::new();
        let run = Run::resume(folder, config, &sets, info, &mut file_progress)?;
        file_progress.done();
        return train(run, &sets, &path, &args.how, out);
    }
    let origin = origin(args)?;
    let config = origin.parsed(Config::parse)?;
    let data_dir = args.how.data_dir.folder()?;
    let sets = origin.placed(open(&config, &data_dir))?;
    origin.placed(config.check_data(&sets).map_err(Into::into))?;
    begin_on(config, &sets, &data_dir, &args.how, out)
}

/// Why a run is not trained for more epochs than it began with, and how to train for more.
fn longer(folder: &RunFolder, config: &Config, epochs: u32) -> String {
    let (path, settings) = (folder.path().display(), word(&folder.settings()));
    let (began, anew) = (config.training.epochs, format!("evograd train --config {settings} --epochs {epochs}"));
    let head = format!("{path}: --epochs {epochs} with --resume");
    match config.schedule.kind {
        ScheduleKind::Constant => format!(
            "{head}: a run goes on with the settings it has; set training.epochs in {settings} to {epochs} and resume it, or train anew \
             by {anew}"
        ),
        _ => format!(
            "{head}: the learning rate of this run follows from the {} that it began with; train anew by {anew}",
            counted(began.into(), "epoch")
        ),
    }
}

/// Trains with these settings on data that is open, from this folder, or says what would be trained.
pub fn begin_on(mut config: Config, sets: &Sets, data_dir: &Path, how: &How, out: &mut impl Write) -> Result<ExitCode> {
    config.data.validation = Some(config.data.validation_of(sets.train.len()));
    if how.dry_run {
        return dry_run::dry_run(config, sets, how.json, out);
    }
    let path = how.out.clone().unwrap_or_else(|| free_folder(&name(&config)));
    let info = describe(config.training.seed, sets, data_dir);
    let mut file_progress = FileProgress::new();
    let run = Run::start(&path, config, sets, info, &mut file_progress)?;
    file_progress.done();
    train(run, sets, &path, how, out)
}

/// The settings: those of the file, then those of single arguments, then those of `--set`.
fn origin(args: &Args) -> Result<Origin> {
    let given = [
        ("model.name", args.model.as_deref().map(text)),
        ("data.set", args.data.as_deref().map(text)),
        ("training.epochs", args.epochs.map(|n| n.to_string())),
        ("training.batch", args.batch.map(|n| n.to_string())),
        ("optimizer.rate", args.rate.map(|rate| format!("{rate:?}"))),
        ("training.seed", args.seed.map(|n| n.to_string())),
        ("training.init_from", args.init_from.as_deref().map(text)),
        ("training.freeze", (!args.freeze.is_empty()).then(|| list(&args.freeze))),
    ];
    let given = given.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    let all: Vec<String> = given.chain(args.model_args.settings()).chain(args.set.iter().cloned()).collect();
    Ok(Origin::of(args.config.as_deref(), all)?)
}

/// Texts as a list in TOML.
fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|each| text(each)).collect::<Vec<_>>().join(", "))
}

fn open(config: &Config, data_dir: &Path) -> Result<Sets> {
    interrupt::before_anything()?;
    data_dir::open(&config.data, data_dir)
}

/// A name for the folder of a run.
fn name(config: &Config) -> String {
    let (model, training) = (&config.model, &config.training);
    format!("{}-{}-{}-seed{}", model.name.replace('|', "_"), model.fusion, config.data.set, training.seed)
}

fn train(mut run: Run, sets: &Sets, path: &Path, how: &How, out: &mut impl Write) -> Result<ExitCode> {
    let mut stop = interrupt::stop_requested("finishing this step and saving; a second signal stops at once")?;
    let known = run.warnings().len();
    warn(run.warnings());
    let mut progress = Progress::new(run.trainer().steps(), &run.trainer().config().training);
    banner::banner(&run, path).iter().for_each(|line| progress.note(line));
    let outcome = run.train(&mut |event| {
        if let (Event::Row(row), true) = (&event, how.json) {
            print_row(row, out);
        }
        progress.update(&event);
        !stop()
    });
    progress.finish();
    data_dir::warn_of_odd(&run.trainer().config().data.set, sets);
    if let Err(error @ Error::Diverged { .. }) = outcome {
        note(format_args!("evograd: {error}"));
        return Ok(ExitCode::from(FAILED));
    }
    let unfinished = |error| Unfinished::of(error, || kept(&run), "evograd train", path, &how.data_dir);
    match outcome.map_err(unfinished)? {
        Status::Interrupted => {
            note_command("stopped; go on with:", &going_on("evograd train", path, &how.data_dir));
            Ok(interrupt::code())
        }
        _ => {
            warn(&run.warnings()[known..]);
            report(path, how, out)
        }
    }
}

/// What is kept of a run that failed.
fn kept(run: &Run) -> String {
    kept_of(run.kept(), run.trainer().position.step, run.trainer().steps())
}

/// What is kept of a run that has done so many of all its steps.
fn kept_of(Kept { last, best }: Kept, done: u64, steps: u64) -> String {
    let (last, steps) = (last.filter(|step| *step > 0), grouped(steps));
    let newer = best.filter(|step| Some(*step) > last).map(grouped);
    match (last.map(grouped), newer) {
        (None, None) if done == 0 => "nothing had been trained by then".into(),
        (None, None) => format!("nothing is kept of the {} done by then", counted(done, "training step")),
        (None, Some(best)) => {
            format!("kept: checkpoints/best, after step {best} of {steps}; the run goes on from its beginning")
        }
        (Some(last), None) => format!("kept: checkpoints/last, after step {last} of {steps}"),
        (Some(last), Some(best)) => {
            format!("kept: checkpoints/last, after step {last} of {steps}, and checkpoints/best, after step {best}")
        }
    }
}

/// Says what the finished run came to, and what to do with it.
fn report(path: &Path, how: &How, out: &mut impl Write) -> Result<ExitCode> {
    let rows = read_metrics(path)?;
    if let (Some(Metric::Test(score)), false) = (rows.last(), how.json) {
        let Score { images, loss, accuracy, .. } = score;
        let (percent, images) = (accuracy * 100.0, counted(*images as u64, "image"));
        let line = format!("test accuracy {percent:.2} %, loss {}, {images}: {}", short(*loss, 4), path.display());
        writeln!(out, "{}", fitted(line))?;
        let (run, data_dir) = (word(path), data_argument(&how.data_dir));
        writeln!(out, "and now  evograd eval {run}{data_dir} --per-class")?;
        writeln!(out, "         evograd inspect run {run} --svg curves.svg")?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_said_as_it_is() {
        for (last, best, done, said) in [
            (None, None, 0, "nothing had been trained by then"),
            (Some(0), None, 0, "nothing had been trained by then"),
            (Some(0), None, 7, "nothing is kept of the 7 training steps done by then"),
            (Some(0), Some(5), 5, "kept: checkpoints/best, after step 5 of 1,000; the run goes on from its beginning"),
            (Some(5), Some(5), 7, "kept: checkpoints/last, after step 5 of 1,000"),
            (Some(5), None, 7, "kept: checkpoints/last, after step 5 of 1,000"),
            (Some(7), Some(5), 9, "kept: checkpoints/last, after step 7 of 1,000"),
            (
                Some(5),
                Some(10),
                10,
                "kept: checkpoints/last, after step 5 of 1,000, and checkpoints/best, after step 10",
            ),
        ] {
            assert_eq!(kept_of(Kept { last, best }, done, 1000), said, "{last:?} {best:?} {done}");
        }
    }
}
