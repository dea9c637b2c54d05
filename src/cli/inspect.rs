//! `evograd inspect`: what a model is made of and what it costs, without building it.

mod maps;
mod runs;
mod weights;

use super::image_size::{read_sizes, sizes, spec_of};
use super::model_args::ModelArgs;
use super::out_file::OutFile;
use super::table::{Table, fitted};
use super::values::whole;
use anyhow::{Result, bail};
use evograd::models::{self, CATALOGUE, Plan};
use evograd::report::{LayerRow, counted, grouped, network_svg};
use evograd::train::Config;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd inspect run runs/a runs/b --svg curves.svg
      training runs, epoch by epoch
  evograd inspect run runs/a --maps cat.jpg --layer conv1 --out maps.png
      what a layer gives for an image
  evograd inspect run runs/a --weights
      mean, deviation and histogram of each weight
  evograd inspect models
      every model and what it costs
  evograd inspect model resnet20 --fusion sort-root
      a table of its layers
  evograd inspect model lenet-star --svg lenet-star.svg
      and a drawing
  evograd inspect model wrn-40-4 --classes 100 --json
      as JSON
  evograd inspect model vgg16 --input 3x32x32 --classes 10
      for small images";

/// Show what models are made of and what they cost, and how training runs went.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    Model(ModelQuestion),
    Run(runs::Args),
    /// List every model with what it costs on images of its default size
    Models {
        /// One JSON object per model on standard output
        #[arg(long)]
        json: bool,
    },
}

/// Show a model's layers, weights, multiply-adds and activations
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
struct ModelQuestion {
    /// The model, such as resnet20 or wrn-40-4 [default: list all]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The number of classes [default: the model's own]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1, 1 << 20))]
    classes: Option<usize>,
    /// The image's channels, rows and columns, such as 3x32x32 [default: the model's own]
    #[arg(long, value_name = "CxHxW", value_parser = read_sizes)]
    input: Option<[usize; 3]>,
    #[command(flatten)]
    model: ModelArgs,
    /// Draw the network into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl ModelQuestion {
    /// Refuses what is about one model where none is named.
    fn expect_nothing_of_one(&self) -> Result<()> {
        let flags =
            [("--classes", self.classes.is_some()), ("--input", self.input.is_some()), ("--svg", self.svg.is_some())];
        let flag = flags.iter().find(|(_, given)| *given).map(|(flag, _)| *flag);
        let choice = self.model.settings().first().and_then(|set| Some(format!("--{}", set.split(['.', '=']).nth(1)?)));
        match flag.map(String::from).or(choice) {
            Some(flag) => bail!("{flag} is about one model; name one, such as resnet20"),
            None => Ok(()),
        }
    }
}

/// A layer as JSON.
#[derive(Serialize)]
struct LayerLine<'a> {
    name: &'a str,
    kind: &'a str,
    output: &'a [usize],
    parameters: u64,
    macs: u64,
    activation_bytes: u64,
}

/// A model as JSON.
#[derive(Serialize)]
struct ModelLine<'a> {
    model: &'a str,
    input: [usize; 3],
    classes: usize,
    parameters: u64,
    macs: u64,
    activation_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<LayerLine<'a>>>,
}

/// Answers on standard output.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    match &args.what {
        Some(What::Model(question)) => match &question.name {
            Some(name) => show(name, question, out)?,
            None => {
                question.expect_nothing_of_one()?;
                list(question.json, out)?
            }
        },
        Some(What::Models { json }) => list(*json, out)?,
        Some(What::Run(question)) => runs::run(question, out)?,
        None => list(false, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Every model on images of its default size.
fn list(json: bool, out: &mut impl Write) -> Result<()> {
    let mut table = Table::new(&["model", "images", "classes", "parameters", "MACs", "what it is"], 2..5).with_texts(1);
    for model in CATALOGUE {
        let plan = models::spec(model.name, &model.options())?.plan()?;
        if json {
            writeln!(out, "{}", serde_json::to_string(&line(&plan, model.classes, false))?)?;
        }
        let images = sizes(&model.input);
        let numbers = [model.classes as u64, plan.parameters(), plan.macs()].map(grouped);
        let [classes, parameters, macs] = numbers;
        table.row([model.name.to_string(), images, classes, parameters, macs, model.summary.to_string()]);
    }
    if !json {
        writeln!(out, "{}", table.for_output())?;
        let others = "wrn-DEPTH-K and densenet-DEPTH-GROWTH, also with -bc, take other numbers too.";
        writeln!(out, "{}", fitted(others))?;
    }
    Ok(())
}

/// One model, layer by layer.
fn show(name: &str, question: &ModelQuestion, out: &mut impl Write) -> Result<()> {
    let model = models::model(name)?;
    let svg = OutFile::maybe(question.svg.as_ref(), "svg")?;
    let classes = question.classes.unwrap_or(model.classes);
    let settings = [vec![format!("model.name={name}")], question.model.settings()].concat();
    let plan = spec_of(&Config::parse("", &settings)?, model.input, question.input, classes)?.plan()?;
    if question.json {
        writeln!(out, "{}", serde_json::to_string(&line(&plan, classes, true))?)?;
    } else {
        layers(&plan, classes, out)?;
    }
    match svg {
        Some(file) => draw(&plan, &file),
        None => Ok(()),
    }
}

/// A table of the layers.
fn layers(plan: &Plan, classes: usize, out: &mut impl Write) -> Result<()> {
    let mut table = Table::new(&Plan::HEADINGS, Plan::NUMBERS);
    plan.rows().into_iter().for_each(|row| table.row(row));
    let heading =
        format!("{} on {} images, {}", plan.spec().name, sizes(&plan.spec().input), counted(classes as u64, "class"));
    writeln!(out, "{heading}\nmultiply-adds (MACs) and bytes of activations (f32) for one image")?;
    writeln!(out, "{}", table.for_output())?;
    Ok(())
}

fn draw(plan: &Plan, file: &OutFile) -> Result<()> {
    let rows = plan.spec().nodes.iter().zip(plan.layers()).map(|(node, layer)| LayerRow {
        name: layer.name.clone(),
        kind: layer.kind.clone(),
        output: layer.output.sizes()[1..].to_vec(),
        parameters: layer.parameter_count(),
        inputs: node.inputs.iter().map(|value| value.layer()).collect(),
    });
    let rows: Vec<LayerRow> = rows.collect();
    let [parameters, macs] = [plan.parameters(), plan.macs()].map(grouped);
    let title = format!("{}  —  {parameters} weights, {macs} multiply-adds", plan.spec().name);
    file.write(&network_svg(&title, &plan.spec().input, &rows), "the drawing")
}

fn line(plan: &Plan, classes: usize, with_layers: bool) -> ModelLine<'_> {
    let layers = plan.layers().iter().map(|layer| LayerLine {
        name: &layer.name,
        kind: &layer.kind,
        output: &layer.output.sizes()[1..],
        parameters: layer.parameter_count(),
        macs: layer.macs,
        activation_bytes: layer.activation_bytes(),
    });
    ModelLine {
        model: &plan.spec().name,
        input: plan.spec().input,
        classes,
        parameters: plan.parameters(),
        macs: plan.macs(),
        activation_bytes: plan.activation_bytes(),
        layers: with_layers.then(|| layers.collect()),
    }
}
