//! `evograd inspect run`: how training runs went, epoch by epoch, as a table, JSON or a drawing.

use super::{maps, weights};
use crate::cli::out_file::OutFile;
use crate::cli::run_folder::{self, Kind, expect_each_once, expect_folder, of_kind, word};
use crate::cli::table::Table;
use crate::cli::terminal::note;
use anyhow::{Result, bail};
use evograd::record::{self, EpochRow, Metric, StepRow};
use evograd::report::{LineChart, Series, panels, short};
use evograd::train::{Status, read_metrics};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Show how training runs went
#[derive(clap::Args)]
pub struct Args {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Draw loss, accuracy, learning rate and norm of the gradient into this file, or with --weights their histograms
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw what a layer of the run gives for this image, a JPEG or PNG file
    #[arg(long, value_name = "IMAGE", requires = "layer", conflicts_with_all = ["svg", "json"])]
    maps: Option<PathBuf>,
    /// The layer, as `evograd inspect model` names it
    #[arg(long, value_name = "NAME", requires = "maps")]
    layer: Option<String>,
    /// The PNG file to draw maps into
    #[arg(long, value_name = "FILE", default_value = "maps.png", requires = "maps")]
    out: PathBuf,
    /// Show the weights of the last checkpoint, tensor by tensor, with a histogram of each; with --svg draw these
    #[arg(long, conflicts_with = "maps")]
    weights: bool,
    /// One JSON object per epoch, or with --weights per tensor, on standard output
    #[arg(long)]
    json: bool,
}

/// A run's name and its rows.
struct History {
    name: String,
    steps: Vec<StepRow>,
    epochs: Vec<EpochRow>,
    test: Option<f64>,
    /// Why it ended before its end, where it did, and what to do.
    ended: Option<String>,
}

impl History {
    /// What was held out, such as `validation`, if anything was.
    fn held_out(&self) -> Option<&str> {
        self.epochs.iter().find_map(|row| row.held_out.as_ref()).map(|score| score.split.as_str())
    }
}

/// Answers on standard output.
pub fn run(args: &Args, out: &mut impl Write) -> Result<()> {
    if let (Some(image), Some(layer)) = (&args.maps, &args.layer) {
        return maps::draw(&args.runs, image, layer, &args.out, out);
    }
    if args.weights {
        return weights::show(&args.runs, args.svg.as_ref(), args.json, out);
    }
    let svg = OutFile::maybe(args.svg.as_ref(), "svg")?;
    expect_each_once(&args.runs)?;
    let histories = args.runs.iter().map(|run| read(run)).collect::<Result<Vec<_>>>()?;
    for history in &histories {
        if let Some(why) = &history.ended {
            note(format_args!("{}: {why}", history.name));
        }
        if args.json {
            for row in &history.epochs {
                writeln!(out, "{}", serde_json::json!({ "run": history.name, "epoch": row }))?;
            }
        } else {
            print(history, out)?;
        }
    }
    if let Some(file) = svg {
        file.write(&panels(&charts(&histories)), "the drawing of all curves")?;
    }
    Ok(())
}

fn read(run: &Path) -> Result<History> {
    expect_folder(run, Kind::Training)?;
    let path = run.join("metrics.jsonl");
    // Without config.toml its metrics are as good.
    if !path.exists() {
        of_kind(run, &[Kind::Training])?;
        bail!("{}: this run has no metrics yet; go on with it by evograd train --resume", run.display());
    }
    let rows = record::current(read_metrics(run)?);
    let name = run.file_name().map_or_else(|| run.display().to_string(), |name| name.to_string_lossy().into_owned());
    let test = rows.iter().find_map(|row| if let Metric::Test(score) = row { Some(score.accuracy) } else { None });
    let status = run_folder::read(run).and_then(|folder| folder.status()).ok();
    let ended = status.and_then(|status| match status {
        Status::Diverged(why) => Some(format!("{why}; a new run may learn, as with a lower optimizer.rate")),
        Status::Failed(why) => Some(format!("{why}; go on with it by evograd train --resume {}", word(run))),
        Status::Running | Status::Finished | Status::Interrupted => None,
    });
    let mut history = History { name, steps: Vec::new(), epochs: Vec::new(), test, ended };
    for row in rows {
        match row {
            Metric::Step(row) => history.steps.push(row),
            Metric::Epoch(row) => history.epochs.push(row),
            Metric::Test(_) => {}
        }
    }
    Ok(history)
}

fn print(history: &History, out: &mut impl Write) -> Result<()> {
    let held_out = history.held_out().map(|split| [format!("{split} loss"), format!("{split} accuracy")]);
    let held_out: Vec<&str> = held_out.iter().flatten().map(String::as_str).collect();
    let header = [&["epoch", "loss", "accuracy"], held_out.as_slice(), &["images/s"]].concat();
    let mut table = Table::new(&header, 0..header.len());
    let cells = |loss: f64, accuracy: f64| [short(loss, 4), format!("{:.2} %", 100.0 * accuracy)];
    for row in &history.epochs {
        let mut all = vec![row.epoch.to_string()];
        all.extend(cells(row.loss, row.accuracy));
        all.extend(row.held_out.iter().flat_map(|score| cells(score.loss, score.accuracy)));
        all.push(short(row.images_per_second, 0));
        table.row(all);
    }
    match history.epochs.as_slice() {
        [] => writeln!(out, "{}: no epoch has ended", history.name)?,
        _ => writeln!(out, "{}\n{}", history.name, table.for_output())?,
    }
    if let Some(accuracy) = history.test {
        writeln!(out, "test accuracy at the end: {:.2} %", 100.0 * accuracy)?;
    }
    Ok(())
}

/// Every curve of the runs: loss and accuracy on the training images and on those held out, the learning rate and the norm of
/// the gradient. Those without a point, as where nothing was held out, are left out.
fn charts(histories: &[History]) -> Vec<LineChart> {
    let mut loss = empty_chart("Loss", "cross entropy");
    let mut accuracy = empty_chart("Accuracy", "%");
    let mut rate = empty_chart("Learning rate", "");
    let mut gradient = empty_chart("Norm of the gradient", "");
    for history in histories {
        let name = |what: &str| match histories {
            [_] => what.to_string(),
            _ => format!("{}, {what}", history.name),
        };
        let steps =
            |value: fn(&StepRow) -> f64| history.steps.iter().map(|row| [row.step as f64, value(row)]).collect();
        loss.series.push(Series { name: name("training"), points: steps(|row| row.loss) });
        accuracy.series.push(Series { name: name("training"), points: steps(|row| 100.0 * row.accuracy) });
        rate.series.push(Series { name: name("rate"), points: steps(|row| row.rate) });
        gradient.series.push(Series { name: name("before clipping"), points: steps(|row| row.gradient_norm) });
        if let Some(split) = history.held_out() {
            let scores = || history.epochs.iter().filter_map(|row| Some((row.step as f64, row.held_out.as_ref()?)));
            let points = scores().map(|(step, score)| [step, score.loss]).collect();
            loss.series.push(Series { name: name(split), points });
            let points = scores().map(|(step, score)| [step, 100.0 * score.accuracy]).collect();
            accuracy.series.push(Series { name: name(split), points });
        }
    }
    [loss, accuracy, rate, gradient].into()
}

fn empty_chart(title: &str, y: &str) -> LineChart {
    LineChart { title: title.into(), x: "step".into(), y: y.into(), series: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evograd::record::Score;

    /// A run of two steps with a row each, after which an epoch ends, with what was held out, if anything.
    fn history(name: &str, held_out: Option<&str>) -> History {
        let step = |step: u64| StepRow {
            segment: 0,
            step,
            epoch: 1,
            loss: 2.0 / step as f64,
            accuracy: 0.25 * step as f64,
            rate: 0.1 * step as f64,
            gradient_norm: 3.0 + step as f64,
            images_per_second: 1.0,
        };
        let score = |split: &str| Score { split: split.into(), images: 10, loss: 1.5, accuracy: 0.4 };
        let held_out = held_out.map(score);
        let (loss, accuracy) = (1.5, 0.375);
        let epoch =
            EpochRow { segment: 0, step: 2, epoch: 1, loss, accuracy, held_out, seconds: 1.0, images_per_second: 1.0 };
        History { name: name.into(), steps: vec![step(1), step(2)], epochs: vec![epoch], test: None, ended: None }
    }

    fn lines(chart: &LineChart) -> Vec<(&str, &[[f64; 2]])> {
        chart.series.iter().map(|series| (series.name.as_str(), series.points.as_slice())).collect()
    }

    #[test]
    fn every_curve_of_a_run_is_drawn() {
        let [loss, accuracy, rate, gradient] = charts(&[history("a", Some("validation"))]).try_into().unwrap();
        assert_eq!(lines(&loss), [("training", &[[1.0, 2.0], [2.0, 1.0]][..]), ("validation", &[[2.0, 1.5]])]);
        assert_eq!(lines(&accuracy), [("training", &[[1.0, 25.0], [2.0, 50.0]][..]), ("validation", &[[2.0, 40.0]])]);
        assert_eq!(lines(&rate), [("rate", &[[1.0, 0.1], [2.0, 0.2]][..])]);
        assert_eq!(lines(&gradient), [("before clipping", &[[1.0, 4.0], [2.0, 5.0]][..])]);
    }

    /// What a curve is of is said by its run, and not by the first one.
    #[test]
    fn each_run_names_what_it_held_out() {
        let runs = [history("a", Some("validation")), history("b", Some("test")), history("c", None)];
        let all = charts(&runs);
        let names: Vec<&str> = lines(&all[0]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a, training", "a, validation", "b, training", "b, test", "c, training"]);
        let mut out = Vec::new();
        print(&runs[2], &mut out).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains("validation"));
    }
}
