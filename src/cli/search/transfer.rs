//! `evograd search transfer`: trains the best structure of a search at full width.

use super::advice;
use crate::cli::data_dir::open;
use crate::cli::file_progress::FileProgress;
use crate::cli::run_folder::{Kind, of_kind};
use crate::cli::train::{How, begin_on};
use crate::cli::values::setting;
use anyhow::{Context, Result, bail};
use evograd::Fusion;
use evograd::models::genetic_cnn::Code;
use evograd::report::SearchStats;
use evograd::search::{SearchConfig, expect_number, journal_of};
use evograd::train::Config;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search transfer runs/search-cifar10-seed0
  evograd search transfer runs/search-cifar10-seed0 --epochs 40
  evograd search transfer runs/search-cifar10-seed0 --code genet1
      another architecture in the same way

All training images are used, and the test set is evaluated at the end. The run
can be resumed with evograd train --resume. The images are those of the search; where
they have changed since, it is refused, unless --set data.set names others.";

/// Train the best architecture of a search at full width, on all training images
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the search
    search: PathBuf,
    /// An architecture other than the best
    #[arg(long)]
    code: Option<Code>,
    /// Width multiplier of the search's filters and features
    #[arg(long, value_name = "FACTOR", default_value_t = 8.0, allow_hyphen_values = true, value_parser = setting::<f64>("model.width"))]
    width: f64,
    /// Training epochs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = setting::<u32>("training.epochs"))]
    epochs: u32,
    /// Seed of weights, data order, augmentation and dropout [default: the search's]
    #[arg(long, value_parser = setting::<u64>("training.seed"))]
    seed: Option<u64>,
    /// One setting; may be repeated, and overrides all other arguments
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// Trains.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let folder = of_kind(&args.search, &Kind::CHOOSING)?;
    let config = SearchConfig::read(&folder.settings(), &[])?;
    let code: Code = match &args.code {
        Some(code) => code.clone(),
        None => {
            let stats = SearchStats::of(&journal_of(&folder)?);
            if stats.trained > 0 && stats.trained == stats.diverged {
                return Ok(advice::nothing_learned());
            }
            stats.best.context("this search has trained no network yet; go on with it first")?.code.parse()?
        }
    };
    let mut training = config.training();
    let (search_set, search_size) = (training.data.set.clone(), training.data.size);
    training.model.name = code.to_string();
    if !code.has_fusions() {
        (training.model.fusion, training.model.epsilon) = (Fusion::Sum.to_string(), Fusion::DEFAULT_EPSILON);
    }
    training.model.width *= args.width;
    if let Err(problem) = expect_number("model.width", &format!("{:?}", training.model.width)) {
        bail!("--width {} of a width of {} is {}; {problem}", args.width, config.networks.width, training.model.width);
    }
    (training.data.samples, training.data.validation, training.training.epochs) = (0, Some(0), args.epochs);
    training.training.seed = args.seed.unwrap_or(training.training.seed);
    let config = Config::parse(&training.to_toml(), &args.set)?;
    let info = folder.info()?;
    let data_dir = args.how.data_dir.folder_of(&info, &config.data.set)?;
    let sets = open(&config.data, &data_dir)?;
    let same_set = config.data.set == search_set && config.data.size == search_size;
    if let Some(began) = info.began.as_ref().filter(|_| same_set) {
        folder.expect_same_data(&sets, began, &mut FileProgress::new())?;
    }
    begin_on(config, &sets, &data_dir, &args.how, out)
}
