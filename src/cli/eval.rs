//! `evograd eval`: asks a trained network for a data set.

use super::data_dir::{DataDir, open, warn_of_odd};
use super::file_progress::FileProgress;
use super::run_folder::{Kind, of_kind};
use super::table::Table;
use super::terminal::{note, said_if_slow, warn};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use evograd::models::Network;
use evograd::report::{counted, short};
use evograd::train::{Config, Evaluation, evaluate};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd eval runs/resnet20-sum-shapes-seed0
      the test set, by the last checkpoint
  evograd eval runs/mine --checkpoint best --per-class
      the accuracy of each class
  evograd eval runs/mine --weights from-pytorch.safetensors --json";

/// Evaluate a trained network on held-out images.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the run
    run: PathBuf,
    #[command(flatten)]
    data_dir: DataDir,
    /// Which checkpoint: the last, or the best by the validation split
    #[arg(long, default_value = "last", value_name = "NAME", value_parser = ["last", "best"], conflicts_with = "weights")]
    checkpoint: String,
    /// Weights of the same network from another file, in safetensors
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Which images
    #[arg(long, value_enum, default_value = "test")]
    split: Part,
    /// Accuracy of each class
    #[arg(long)]
    per_class: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// A part of the data.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    /// The test set
    Test,
    /// The images that the run held out with data.validation
    Validation,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answers<'a> {
    split: &'a str,
    images: usize,
    loss: f64,
    accuracy: f64,
    /// Whether the images or labels are others than those that the run began with.
    data_changed: bool,
    classes: &'a [String],
    confusion: &'a [Vec<usize>],
}

/// Evaluates and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let folder = of_kind(&args.run, &[Kind::Training])?;
    let config = Config::read(&folder.settings(), &[])?;
    let (info, began) = folder.expect_same_settings(&config.to_toml())?;
    let sets = open(&config.data, &args.data_dir.folder_of(&info, &config.data.set)?)?;
    folder.expect_same_classes(&sets, &began)?;
    let mut file_progress = FileProgress::new();
    let changed = folder.expect_same_data(&sets, &began, &mut file_progress).err();
    if let Some(error) = &changed {
        if args.split == Part::Validation {
            return Err(error.clone().into());
        }
        warn(&[format!("{error}. What is printed is of the images as they are now, and no result of this run")]);
    }
    let split = folder.split(&config, &sets, &began, &mut file_progress)?;
    file_progress.done();
    let mut network = Network::new(&config.spec(sets.train.shape(), sets.train.classes().len())?, 0)?;
    match &args.weights {
        Some(file) => {
            let notes = network.load_with_notes(file)?;
            notes.iter().for_each(|text| note(format_args!("{}: {text}", file.display())));
        }
        None => folder.load_weights(&args.checkpoint, &mut network, &began)?,
    }
    let (loader, name) = match args.split {
        Part::Test => (&split.test, "test"),
        Part::Validation => match &split.validation {
            Some(validation) => (validation, "validation"),
            None => bail!("{} held out no images; train with data.validation above 0", args.run.display()),
        },
    };
    let answers = said_if_slow("evaluating", || evaluate(&network, loader, name, |_| true))?;
    warn_of_odd(&config.data.set, &sets);
    let answers = answers.context("an evaluation ended early")?;
    print(args, &answers, sets.test.classes(), changed.is_some(), out)?;
    Ok(ExitCode::SUCCESS)
}

fn print(
    args: &Args,
    Evaluation { score, confusion }: &Evaluation,
    classes: &[String],
    data_changed: bool,
    out: &mut impl Write,
) -> Result<()> {
    let (split, images, loss, accuracy) = (&score.split, score.images, score.loss, score.accuracy);
    if args.json {
        let answers = Answers { split, images, loss, accuracy, data_changed, classes, confusion };
        return Ok(writeln!(out, "{}", serde_json::to_string(&answers)?)?);
    }
    let (percent, loss, images) = (100.0 * accuracy, short(loss, 4), counted(images as u64, "image"));
    let of = if data_changed { ", not those of the run" } else { "" };
    writeln!(out, "{split} accuracy {percent:.2} %, loss {loss}, {images}{of}")?;
    if args.per_class {
        writeln!(out, "{}", table(confusion, classes).for_output())?;
    }
    Ok(())
}

/// For each class its accuracy and the class that it is mistaken for most often.
fn table(confusion: &[Vec<usize>], classes: &[String]) -> Table {
    let mut table = Table::new(&["class", "images", "right", "mistaken for"], 1..3);
    for (class, answers) in confusion.iter().enumerate() {
        let images: usize = answers.iter().sum();
        let wrong = (0..answers.len()).filter(|&answer| answer != class && answers[answer] > 0);
        let mistaken = wrong.max_by_key(|&answer| (answers[answer], std::cmp::Reverse(answer)));
        let mistaken = mistaken.map_or(String::new(), |answer| format!("{} ({})", classes[answer], answers[answer]));
        let share = 100.0 * answers[class] as f64 / images.max(1) as f64;
        table.row([classes[class].clone(), images.to_string(), format!("{share:.1} %"), mistaken]);
    }
    table
}
