//! `evograd search explain`: what a code stands for.

use super::settings::renamed;
use super::stages::stages;
use crate::cli::out_file::OutFile;
use crate::cli::values::setting;
use anyhow::Result;
use evograd::Fusion;
use evograd::models::genetic_cnn::{Code, PRESETS, canonical, network};
use evograd::models::{self, Options};
use evograd::report::{grouped, stages_svg, stages_text};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The width that stages are drawn in on a terminal.
const COLUMNS: usize = 80;

const EXAMPLES: &str = "\
Examples:
  evograd search explain '1-01|0-01-100|0-11-101-0001'
  evograd search explain resnet-like --svg stages.svg
  evograd search explain genet1 --width 8
      at the width of the paper's last trainings
  evograd inspect model genet1 --svg network.svg
      layer by layer

A code has a bit for each pair of nodes of a stage, grouped by the node that an
edge leads to; stages stand between bars.";

/// Draw the stages that a code stands for, and count what its network costs
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The code, or the name of one: vgg-like, resnet-like, densenet-like, figure1, genet1, genet2
    genome: Code,
    /// Fusion of a node's inputs
    #[arg(long, value_name = "FUSION", default_value = "sum")]
    fusion: Fusion,
    /// What --fusion was called.
    #[arg(long = "join", hide = true, value_name = "FUSION", value_parser = renamed)]
    _join: Option<String>,
    /// Width multiplier of filters and features
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, allow_hyphen_values = true, value_parser = setting::<f64>("networks.width"))]
    width: f64,
    /// Draw the stages
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    code: String,
    names: Vec<&'static str>,
    canonical: String,
    nodes: Vec<usize>,
    edges: Vec<usize>,
    convolutions: Vec<usize>,
    parameters: u64,
    macs: u64,
}

/// Draws and counts.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let answer = answer(args)?;
    let svg = OutFile::maybe(args.svg.as_ref(), "svg")?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
    } else {
        print(&answer, args, out)?;
    }
    if let Some(file) = svg {
        file.write(&stages_svg(&stages(&args.genome)), "the drawing")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(args: &Args) -> Result<Answer> {
    let code = &args.genome;
    let options = Options { fusion: args.fusion, width: args.width, ..Options::default() };
    models::spec(&code.to_string(), &options)?;
    let plan = network(code, &options)?.plan()?;
    let same = |text: &str| text.parse::<Code>().is_ok_and(|other| canonical(&other) == canonical(code));
    Ok(Answer {
        code: code.to_string(),
        names: PRESETS.iter().filter(|(_, text)| same(text)).map(|(name, _)| *name).collect(),
        canonical: canonical(code).to_string(),
        nodes: code.nodes(),
        edges: code.0.iter().map(|stage| stage.edges().count()).collect(),
        convolutions: code
            .0
            .iter()
            .map(|stage| evograd::models::genetic_cnn::StageGraph::new(stage).convolutions())
            .collect(),
        parameters: plan.parameters(),
        macs: plan.macs(),
    })
}

fn print(answer: &Answer, args: &Args, out: &mut impl Write) -> Result<()> {
    let names = if answer.names.is_empty() { String::new() } else { format!("  ({})", answer.names.join(", ")) };
    writeln!(out, "{}{names}\n", answer.code)?;
    writeln!(out, "{}", stages_text(&stages(&args.genome), COLUMNS))?;
    let convolutions: usize = answer.convolutions.iter().sum();
    writeln!(out, "canonical form   {}", answer.canonical)?;
    writeln!(out, "convolutions     {convolutions}, in stages of {:?}", answer.convolutions)?;
    writeln!(out, "parameters       {}", grouped(answer.parameters))?;
    writeln!(out, "multiply-adds    {} for a 3×32×32 image and 10 classes", grouped(answer.macs))?;
    Ok(())
}
