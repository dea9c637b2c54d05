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

Exit code 2: an image could not be read, or the network has no answer to it, as
where its weights are not finite; it is named, and the others are done.";

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
    let (mut failed, mut done) = (Failed::default(), 0_u64);
    for image in &found {
        if let Some((path, probabilities)) = failed.answer_or_note(&predictor, image) {
            let best = predictor.best(&probabilities, args.top);
            if args.json {
                print_row(&row(path, &best), out);
            } else {
                out.write_all(block(path, &best).as_bytes())?;
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
    failed.lines(found.len() as u64).iter().for_each(|line| note(format_args!("{line}")));
    Ok(if failed == Failed::default() { ExitCode::SUCCESS } else { ExitCode::from(USER_ERROR) })
}

/// Images without an answer.
#[derive(Default, PartialEq)]
struct Failed {
    /// Those that could not be read.
    unread: u64,
    /// Those that the network does not tell anything of, as where its values are not finite.
    unanswered: u64,
}

impl Failed {
    /// What the network takes an image for; `None` where it is counted here, and named on standard error.
    fn answer_or_note<'a>(
        &mut self,
        predictor: &Predictor,
        image: &'a evograd::Result<PathBuf>,
    ) -> Option<(&'a Path, Vec<f64>)> {
        let read = image.as_ref().map_err(Clone::clone).and_then(|path| Ok((path, read(predictor, path)?)));
        let (failed, error) = match read {
            Ok((path, image)) => match predictor.predict(&image) {
                Ok(probabilities) => return Some((path, probabilities)),
                Err(error) => (&mut self.unanswered, error.at(path.display())),
            },
            Err(error) => (&mut self.unread, error),
        };
        *failed += 1;
        note(format_args!("evograd: {error}"));
        None
    }

    /// A line for each kind of failure that there was.
    fn lines(&self, images: u64) -> Vec<String> {
        let kinds = [(self.unread, "could not be read"), (self.unanswered, "got no answer")];
        let some = kinds.into_iter().filter(|(count, _)| *count > 0);
        some.map(|(count, problem)| format!("{count} of {} {problem}", counted(images, "image"))).collect()
    }
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

/// An image as the network takes it; what is odd about its file is said.
fn read(predictor: &Predictor, path: &Path) -> evograd::Result<ImageFile> {
    let image = ImageFile::read(path, predictor.side())?;
    warn(&image.odd.iter().map(|odd| format!("{}: {odd}", path.display())).collect::<Vec<_>>());
    Ok(image)
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
    use evograd::data::Normalise;
    use evograd::models::{self, Network, Options};

    /// Finite weights whose logits are not: the file is right, and the network has no answer.
    #[test]
    fn an_image_that_the_network_has_no_answer_to_is_counted_apart() {
        let options = Options { input: [1, 4, 4], classes: 2, ..Options::default() };
        let mut network = Network::new(&models::spec("linear", &options).unwrap(), 0).unwrap();
        network.weights_mut().iter_mut().for_each(|weights| weights.as_mut_slice().fill(f32::MAX));
        let classes = ["cat", "dog"].map(String::from).to_vec();
        let predictor = Predictor::new(network, Normalise::usual(1), classes).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.png");
        let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), 4, 4);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[255; 16]).unwrap();
        let mut failed = Failed::default();
        for path in [path, folder.path().join("no-such.png"), folder.path().join("nor-such.png")] {
            assert!(failed.answer_or_note(&predictor, &Ok(path)).is_none());
        }
        assert_eq!(failed.lines(7), ["2 of 7 images could not be read", "1 of 7 images got no answer"]);
    }

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
