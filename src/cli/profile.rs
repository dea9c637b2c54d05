//! `evograd profile`: where the milliseconds of a training step go.

mod measured;
mod print;
mod roofline;
mod steps;

use super::image_size::{read_sizes, spec_of};
use super::model_args::ModelArgs;
use super::out_file::OutFile;
use super::terminal::said_if_slow;
use super::values::{setting, whole};
use anyhow::Result;
use evograd::models;
use evograd::profile::{Machine, chrome_trace};
use evograd::train::Config;
use measured::Measured;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Examples:
  evograd profile
      a step of ResNet-20, by kind of operation
  evograd profile resnet20 --fusion sort-root --layers
      by layer, in the order in which they run
  evograd profile lenet --batch 32 --threads 1 --json
      as JSON
  evograd profile --svg roofline.svg
      beside what the machine allows, as a drawing
  evograd profile --trace step.json
      every call, for chrome://tracing or Perfetto

What the columns say:
  ms        milliseconds, in the step whose time is the median of all; share:
            of that step; with --layers, forward and backward are parts of it
  GFLOP/s   10⁹ multiplications and additions a second, in products alone; a
            multiply-add is two
  GB/s      10⁹ bytes a second; the least that must be moved: inputs, outputs
            and what was kept, each once
  peak      the least time that the machine needs for these operations or these
            bytes, whichever is longer, over the time taken; above 100 % where
            data come from a cache and not from memory, or a kernel does with
            fewer multiply-adds than the formula has
  rest      what belongs to no operation: the norm of the gradient, the tape,
            counting correct predictions
The machine's roofline is measured at the beginning, which is best done while
nothing else runs.";

/// Show where the milliseconds of a training step go, operation by operation.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The network, as `evograd inspect models` lists them
    #[arg(default_value = "resnet20", value_name = "MODEL")]
    name: String,
    /// Batch size, of images of noise
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = setting::<u32>("training.batch"))]
    batch: u32,
    /// Steps to measure, after three warm-up steps
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = whole::<u32>(1, 100_000))]
    steps: u32,
    /// The number of classes [default: the model's own]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1, 1 << 20))]
    classes: Option<usize>,
    /// The image's channels, rows and columns, such as 3x32x32 [default: the model's own]
    #[arg(long, value_name = "CxHxW", value_parser = read_sizes)]
    input: Option<[usize; 3]>,
    #[command(flatten)]
    model: ModelArgs,
    /// A row for each layer instead of each kind of operation
    #[arg(long)]
    layers: bool,
    /// Write every call of all measured steps into this file, for chrome://tracing or Perfetto
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Draw the roofline into this file: performance reached against the machine's limits; with --layers, the products of each layer
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let model = models::model(&args.name)?;
    let settings = steps::settings(&args.name, args.batch, args.steps);
    let config = Config::parse("", &[settings, args.model.settings()].concat())?;
    let classes = args.classes.unwrap_or(model.classes);
    let plan = spec_of(&config, model.input, args.input, classes)?.plan()?;
    let trace = OutFile::maybe(args.trace.as_ref(), "json")?;
    let svg = OutFile::maybe(args.svg.as_ref(), "svg")?;
    let machine = said_if_slow("measuring what the machine can do", Machine::measure)?;
    let steps = steps::measure(&plan, config, args.steps)?;
    let measured = Measured { plan, batch: args.batch, machine, steps };
    if let Some(file) = trace {
        let what = "the trace, which chrome://tracing or ui.perfetto.dev shows,";
        file.write(&chrome_trace(&measured.title(), &measured.steps), what)?;
    }
    if let Some(file) = svg {
        file.write(&roofline::roofline(&measured, args.layers), "the drawing")?;
    }
    match args.json {
        true => print::json(&measured, args.layers, out)?,
        false => print::tables(&measured, args.layers, out)?,
    }
    Ok(ExitCode::SUCCESS)
}
