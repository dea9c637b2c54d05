//! `evograd inspect run`: how training runs went, epoch by epoch, as a table, JSON or a drawing.

use crate::cli::run_folder::{Kind, expect_kind};
use crate::cli::table::Table;
use anyhow::{Context, Result, bail};
use evograd::record::{self, EpochRow, Metric};
use evograd::report::{LineChart, Series};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Show how training runs went
#[derive(clap::Args)]
pub struct Args {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Draw the accuracy by epoch into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object per epoch on standard output
    #[arg(long)]
    json: bool,
}

/// A run's name and its epochs.
struct History {
    name: String,
    epochs: Vec<EpochRow>,
    test: Option<f64>,
}

/// Answers on standard output.
pub fn run(args: &Args, out: &mut impl Write) -> Result<()> {
    let histories = args.runs.iter().map(|run| read(run)).collect::<Result<Vec<_>>>()?;
    for history in &histories {
        if args.json {
            for row in &history.epochs {
                writeln!(out, "{}", serde_json::json!({ "run": history.name, "epoch": row }))?;
            }
        } else {
            print(history, out)?;
        }
    }
    match &args.svg {
        Some(path) => std::fs::write(path, chart(&histories).to_svg())
            .with_context(|| format!("{} cannot be written", path.display())),
        None => Ok(()),
    }
}

fn read(run: &Path) -> Result<History> {
    expect_kind(run, Kind::Training)?;
    let path = run.join("metrics.jsonl");
    if !path.exists() {
        bail!("{}: there is no run in it; name the folder of a run, such as runs/resnet20", run.display());
    }
    let rows = record::current(record::read(&path)?);
    let name = run.file_name().map_or_else(|| run.display().to_string(), |name| name.to_string_lossy().into_owned());
    let test = rows.iter().find_map(|row| if let Metric::Test(score) = row { Some(score.accuracy) } else { None });
    let epochs = rows.into_iter().filter_map(|row| if let Metric::Epoch(row) = row { Some(row) } else { None });
    Ok(History { name, epochs: epochs.collect(), test })
}

fn print(history: &History, out: &mut impl Write) -> Result<()> {
    let held_out = history.epochs.first().map_or("held-out", |row| row.held_out.split.as_str());
    let names = [format!("{held_out} loss"), format!("{held_out} accuracy")];
    let mut table = Table::new(&["epoch", "loss", "accuracy", &names[0], &names[1], "images/s"], 0..6);
    for row in &history.epochs {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        table.row([
            row.epoch.to_string(),
            format!("{:.4}", row.loss),
            percent(row.accuracy),
            format!("{:.4}", row.held_out.loss),
            percent(row.held_out.accuracy),
            format!("{:.0}", row.images_per_second),
        ]);
    }
    writeln!(out, "{}\n{}", history.name, table.for_output())?;
    if let Some(accuracy) = history.test {
        writeln!(out, "test accuracy at the end: {:.2} %", 100.0 * accuracy)?;
    }
    Ok(())
}

/// The accuracy on what was held out, by epoch.
fn chart(histories: &[History]) -> LineChart {
    let series = histories.iter().map(|history| Series {
        name: history.name.clone(),
        points: history.epochs.iter().map(|row| [f64::from(row.epoch), 100.0 * row.held_out.accuracy]).collect(),
    });
    let split =
        histories.iter().flat_map(|history| history.epochs.first()).map(|row| row.held_out.split.as_str()).next();
    let title = format!("Accuracy on the {} pictures", split.unwrap_or("held-out"));
    LineChart { title, x: "epoch".into(), y: "%".into(), series: series.collect() }
}
