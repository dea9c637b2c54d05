//! `evograd predict`: asks a trained network for single images.

use super::exit_code::USER_ERROR;
use super::results::print_row;
use super::run_folder::{Kind, of_kind};
use super::terminal::{Bar, inform, note, warn};
use super::values::whole;
use super::width;
use super::wrap::{columns, cut};
use anyhow::Result;
use evograd::data::{FileNote, ImageFile, image_files};
use evograd::report::counted;
use evograd::train::Predictor;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  evograd predict runs/mine cat.jpg dog.png
  evograd predict runs/mine photos --top 1
      all images below a folder
  curl https://example.org/cat.jpg | evograd predict runs/mine - --json

An image is prepared as those of the data set `folder` are: of its middle, as
wide and high as its short side, the network sees as many pixels as it takes,
in grey where it was trained on grey images, normalised as the run recorded.
Digits of `mnist` and `digits` are bright on a dark ground. The data set itself
is not needed.

Exit code 2: an image could not be read; it is named, and the others are done.";

/// The columns of a bar at a probability of 1.
const BAR: usize = 30;
/// The most columns of a class's name.
const NAME: usize = 32;
/// Between two lines of progress.
const PAUSE: Duration = Duration::from_secs(2);

/// Tell what a trained network takes images for.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the run
    run: PathBuf,
    /// JPEG and PNG files, folders of them, or - for standard input
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Which checkpoint: the last, or the best by the validation split
    #[arg(long, default_value = "last", value_name = "NAME", value_parser = ["last", "best"])]
    checkpoint: String,
    /// How many classes to show, the most probable first
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = whole::<usize>(1, 1 << 20))]
    top: usize,
    /// One JSON object for each image on standard output
    #[arg(long)]
    json: bool,
}

/// Predicts and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let folder = of_kind(&args.run, &[Kind::Training])?;
    let predictor = Predictor::of_run(&folder, &args.checkpoint)?;
    let found: Vec<_> = args.images.iter().flat_map(|path| images_at(path)).collect();
    // On a terminal the answers themselves show how far it is.
    let mut progress = width::of_output().is_none().then(|| Bar::new(found.len() as u64));
    let (mut failed, mut done) = (0_u64, 0_u64);
    for image in &found {
        let answer = image.as_ref().map_err(Clone::clone).and_then(|path| answer(&predictor, path));
        match (answer, args.json) {
            (Ok((path, probabilities)), true) => print_row(&row(path, &predictor.best(&probabilities, args.top)), out),
            (Ok((path, probabilities)), false) => {
                out.write_all(block(path, &predictor.best(&probabilities, args.top)).as_bytes())?;
            }
            (Err(error), _) => {
                failed += 1;
                note(format_args!("evograd: {error}"));
            }
        }
        done += 1;
        if let Some(bar) = &mut progress {
            bar.show(done, PAUSE, || format!("{done} of {}", counted(found.len() as u64, "image")));
        }
    }
    if let Some(bar) = &progress {
        bar.finish();
    }
    if failed > 0 {
        note(format_args!("{failed} of {} could not be read", counted(found.len() as u64, "image")));
        return Ok(ExitCode::from(USER_ERROR));
    }
    Ok(ExitCode::SUCCESS)
}

/// The image files that an argument names; what else lies in a folder is said.
fn images_at(path: &Path) -> Vec<evograd::Result<PathBuf>> {
    if !path.is_dir() {
        return vec![Ok(path.to_path_buf())];
    }
    match image_files(path) {
        Ok((images, others)) => {
            if let [FileNote { path: first, reason }, ..] = &others[..] {
                let files = counted(others.len() as u64, "file");
                inform(format_args!("{}: left out {files}, such as {} ({reason})", path.display(), first.display()));
            }
            images.into_iter().map(Ok).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

/// What the network takes an image for; what is odd about its file is said.
fn answer<'a>(predictor: &Predictor, path: &'a Path) -> evograd::Result<(&'a Path, Vec<f64>)> {
    let image = ImageFile::read(path, predictor.side())?;
    warn(&image.odd.iter().map(|odd| format!("{}: {odd}", path.display())).collect::<Vec<_>>());
    let probabilities = predictor.predict(&image).map_err(|error| error.at(path.display()))?;
    Ok((path, probabilities))
}

/// An object of `--json`.
fn row(path: &Path, best: &[(&str, f64)]) -> serde_json::Value {
    let top: Vec<_> =
        best.iter().map(|(class, probability)| json!({ "class": class, "probability": probability })).collect();
    json!({ "image": path.to_string_lossy(), "top": top })
}

/// The name of an image, and a line with a bar for each class.
fn block(path: &Path, best: &[(&str, f64)]) -> String {
    let names: Vec<String> = best.iter().map(|(class, _)| cut(class, NAME)).collect();
    let wide = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    let line = |(name, (_, probability)): (&String, &(&str, f64))| {
        let bar = "█".repeat((probability * BAR as f64).round() as usize);
        format!("  {name:<wide$} {:>6.2} % {bar}", 100.0 * probability).trim_end().to_string() + "\n"
    };
    format!("{}\n", path.display()) + &names.iter().zip(best).map(line).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_class_is_probable() {
        let long = "a class whose name takes more room than a line can give it";
        let text = block(Path::new("a.png"), &[("cat", 0.9), (long, 0.1), ("ox", 0.0)]);
        let lines: Vec<&str> = text.lines().collect();
        let bars: Vec<usize> = lines.iter().map(|line| line.matches('█').count()).collect();
        assert_eq!((lines[0], bars), ("a.png", vec![0, 27, 3, 0]));
        assert!(lines[1].contains("cat ") && lines[1].contains(" 90.00 % "), "{text}");
        assert!(lines.iter().all(|line| columns(line) <= 79), "{text}");
    }
}
