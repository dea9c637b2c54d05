//! `evograd search calibrate`: whether a small budget ranks networks as a large one does.

use super::advice;
use super::dry_run::{Amount, dry_run};
use super::place::Place;
use super::progress::{Parts, Progress};
use super::settings::Settings;
use super::watch::watched;
use crate::cli::interrupt;
use crate::cli::run_folder::{Kind, going_on};
use crate::cli::table::{Table, fitted};
use crate::cli::terminal::{note, note_command};
use crate::cli::values::{setting, text, written};
use anyhow::{Context, Result, bail};
use evograd::record::EvaluationRow;
use evograd::report::{agreeing, counted, grouped, unsigned_zero};
use evograd::search::{Calibration, Length, Repeated, Rung, Trial, calibrate, kendall_tau, rungs, without_divergences};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search calibrate
      24 networks, each for 3 epochs, again for 3, and for 24
  evograd search calibrate --data cifar10 --rung S --budgets Sx2,Mx2,L
      after 20,000, 120,000 and 320,000 images: 12 hours of one core
  evograd search calibrate --data cifar10 --rung S --budgets Sx2,M \
    --sampling mixed
      also networks with hardly any edges, and with all

A search trains its networks for a short while. This shows whether the best
after a short training are the best after a long one, the last of --budgets:
h² (heritability) is the share of the variance between single trainings that
is due to the architecture, ρ the correlation with the last, and Kendall's τ
is 1 where two trainings put all pairs of networks in the same order, 0 where
one order says nothing about the other.
Exit code 1: all networks diverged.";

/// Train the same networks with short and long budgets, and report whether their rankings agree
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    place: Place,
    /// Number of random networks [default: 24]
    #[arg(long, value_name = "N", value_parser = setting::<usize>("calibration.codes"))]
    networks: Option<usize>,
    /// How networks are drawn: uniform, by fair coins, or mixed: the network without edges, with all, the chain, a quarter with few
    /// edges, and others by fair coins [default: uniform]
    #[arg(long, value_name = "HOW", value_parser = ["uniform", "mixed"])]
    sampling: Option<String>,
    /// How long each network is trained: epochs, a rung S, M or L, or images as 60k; with x2 two times, with different seeds;
    /// the last is what the others are compared with [default: 3x2,24]
    #[arg(long, value_name = "LENGTH[xTIMES],…", value_parser = written::<Repeated>, value_delimiter = ',')]
    budgets: Option<Vec<Repeated>>,
    /// Print the settings and the expected time, and train nothing
    #[arg(long)]
    dry_run: bool,
}

/// Networks that can be compared.
const LEAST: usize = 3;

/// What the columns of the table mean.
const MEANING: &str = "between: how much networks differ, noise taken out; noise: that of one training, without what its seed does to all; h²: \
    the share of the variance of one training that is the network's own; ρ: the correlation with the last length, noise taken out; \
    ≥ where networks were trained so once and its noise is left in; +1 h and +8 h: points that the winner of an hour or of eight hours of one \
    core, chosen by one training each, is expected to be above the mean network, trained for the last length";

/// What a trial came to.
#[derive(Serialize)]
struct Line {
    length: String,
    repeat: u32,
    mean: f64,
    deviation: f64,
    seconds: f64,
    /// Kendall's τ against the last trial.
    tau: Option<f64>,
}

/// Trains and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    if args.settings.epochs.is_some() {
        bail!(
            "evograd search calibrate has no use for --epochs; give the lengths of the trainings as --budgets 3x2,24"
        );
    }
    let more = [
        ("calibration.codes", args.networks.map(|n| n.to_string())),
        ("calibration.sampling", args.sampling.as_deref().map(text)),
        ("calibration.budgets", args.budgets.as_ref().map(|budgets| format!("{:?}", texts(budgets)))),
    ];
    let (mut config, sets) = args.place.settings(Kind::Calibration, &args.settings, &more)?;
    let calibration = config.calibration.get_or_insert_default().clone();
    if args.dry_run {
        return dry_run(
            Kind::Calibration,
            &config,
            &sets,
            amount(&calibration, config.data.samples),
            args.place.json,
            out,
        );
    }
    let budgets = calibration.budgets.len() as u32;
    let begun = args.place.begin(Kind::Calibration, config, sets)?;
    let progress = Progress::new(Parts::Budgets(budgets), &begun.rows()?);
    let mut trials = Vec::new();
    let ended = watched(&begun, &args.place, progress, out, &mut |on_event| {
        trials = calibrate(&begun.journal(), &begun.config, &begun.sets, on_event)?;
        Ok(())
    })?;
    if !ended {
        note_command(
            "stopped; go on with:",
            &going_on(Kind::Calibration.command(), begun.path(), &args.place.data_dir),
        );
        return Ok(interrupt::code());
    }
    if trials.iter().flat_map(|trial| &trial.rows).all(|row| row.diverged.is_some()) {
        return Ok(advice::nothing_learned());
    }
    let learned = without_divergences(&trials);
    let counts = [&trials, &learned].map(|trials| trials.first().map_or(0, |trial| trial.rows.len()));
    if let Some(text) = left_out(counts)? {
        note(text);
    }
    report(&learned, args.place.json, out)?;
    Ok(ExitCode::SUCCESS)
}

/// What there is to say where networks diverged: of so many in all, so many did not.
fn left_out([all, learned]: [usize; 2]) -> Result<Option<String>> {
    let diverged = format!("{} of {} diverged in a trial", all - learned, counted(all as u64, "network"));
    if learned < LEAST {
        bail!(
            "{diverged}, and {learned} {} too few to compare; lower the learning rate with --rate, or give more --networks",
            agreeing(learned as u64, "is", "are")
        );
    }
    let are = agreeing((all - learned) as u64, "is", "are");
    Ok((learned < all).then(|| format!("{diverged} and {are} left out of all that follows")))
}

fn texts(budgets: &[Repeated]) -> Vec<String> {
    budgets.iter().map(ToString::to_string).collect()
}

/// The trainings of all budgets, with epochs of so many samples.
fn amount(Calibration { codes, budgets, .. }: &Calibration, samples: usize) -> Amount {
    let times = |budget: &Repeated| budget.times as usize;
    let epochs = |budget: &Repeated| {
        let of_one = match budget.length {
            Length::Epochs(epochs) => u64::from(epochs),
            Length::Images(images) => u64::from(images).div_ceil(samples.max(1) as u64),
        };
        of_one * u64::from(budget.times)
    };
    let (trainings, epochs) = (budgets.iter().map(times).sum::<usize>(), budgets.iter().map(epochs).sum::<u64>());
    Amount::Trainings { what: "training", trainings: codes * trainings, epochs: *codes as u64 * epochs }
}

/// A length as people say it.
fn spoken(length: Length) -> String {
    match length {
        Length::Epochs(epochs) => counted(epochs.into(), "epoch"),
        Length::Images(images) => format!("{} images", grouped(images.into())),
    }
}

fn report(trials: &[Trial], json: bool, out: &mut impl Write) -> Result<()> {
    let last = trials.last().context("a calibration has at least one budget")?;
    let lines: Vec<Line> = trials.iter().map(|trial| line(trial, last)).collect();
    let rungs = rungs(trials);
    if json {
        return Ok(writeln!(out, "{}", serde_json::json!({ "trials": lines, "rungs": rungs }))?);
    }
    let shown = |tau: Option<f64>| tau.map_or_else(|| "all tied".into(), two);
    let headings = ["length", "s each", "mean", "between", "noise", "h² [90 %]", "ρ", "+1 h", "+8 h"];
    let mut table = Table::new(&headings, 0..9);
    for rung in &rungs {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".into());
        let points = |share: f64| two(100.0 * share);
        let [hour, night] =
            [0, 1].map(|at| or_dash(rung.gains.map(|gains| format!("{:+.1}", unsigned_zero(100.0 * gains[at])))));
        table.row([
            rung.length.to_string(),
            format!("{:.1}", rung.seconds),
            points(rung.mean),
            or_dash(rung.between.map(points)),
            or_dash(rung.noise.map(points)),
            or_dash(rung.heritability.map(|[share, low, high]| {
                format!("{} [{}, {}]", two(share.max(0.0)), two(low.max(0.0)), two(high.max(0.0)))
            })),
            or_dash(rung.corrected.map(|rho| format!("{}{}", if rung.noise_is_left { "≥ " } else { "" }, two(rho)))),
            hour,
            night,
        ]);
    }
    writeln!(out, "{}", table.for_output())?;
    writeln!(out, "{}", fitted(MEANING))?;
    for pair in trials.windows(2).filter(|pair| pair[0].length == pair[1].length) {
        let tau = shown(kendall_tau(&fitness(&pair[0].rows), &fitness(&pair[1].rows)));
        let (first, length) = (pair[0].repeat + 1, spoken(pair[0].length));
        writeln!(out, "seeds {first} and {}, both {length}: Kendall's τ between them is {tau}", first + 1)?;
    }
    let n = last.rows.len() as f64;
    let chance = (2.0 * (2.0 * n + 5.0) / (9.0 * n * (n - 1.0))).sqrt();
    writeln!(out, "chance alone makes τ of {n} networks 0 ± {chance:.2}")?;
    for text in rungs.iter().flat_map(verdict) {
        writeln!(out, "{}", fitted(format!("* {text}")))?;
    }
    Ok(())
}

/// A number with two decimals.
fn two(value: f64) -> String {
    format!("{:.2}", unsigned_zero(value))
}

/// What a rung is good for, in words.
fn verdict(rung: &Rung) -> Vec<String> {
    let after = format!("after {}", spoken(rung.length));
    let mut words = Vec::new();
    match rung.heritability {
        Some([share, low, high]) => {
            let interval = format!("h² is {} to {} in nine cases of ten", two(low.max(0.0)), two(high.max(0.0)));
            words.push(match share {
                _ if low > 0.0 => format!(
                    "{after} the order repeats: {:.0} % of the variance of one training is the network's own, {interval}",
                    100.0 * share
                ),
                _ if share < 0.25 => {
                    format!("{after} the order of networks says next to nothing: it does not repeat with another seed, {interval}")
                }
                _ => format!("{after} {} networks cannot tell whether the order repeats: {interval}", rung.networks),
            });
        }
        None => {
            words.push(format!("{after} nobody knows whether the order repeats: train each network twice at least"))
        }
    }
    if let Some([slope, error]) = rung.by_convolution.filter(|[slope, error]| slope.abs() > 2.0 * error) {
        let (few, points) = (if slope > 0.0 { "few" } else { "many" }, 100.0 * slope.abs());
        words.push(format!(
            "{after} networks with {few} convolutions are ahead of their time: by {points:.2} ± {:.2} points for each",
            100.0 * error
        ));
    }
    words
}

fn line(trial: &Trial, last: &Trial) -> Line {
    let values = fitness(&trial.rows);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let seconds = trial.rows.iter().map(EvaluationRow::cost).sum::<f64>() / n;
    let tau = kendall_tau(&values, &fitness(&last.rows));
    Line { length: trial.length.to_string(), repeat: trial.repeat, mean, deviation, seconds, tau }
}

fn fitness(rows: &[EvaluationRow]) -> Vec<f64> {
    rows.iter().map(|row| row.fitness).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_does_not_repeat_says_nothing() {
        let rung = |heritability, by_convolution| Rung {
            length: Length::Epochs(3),
            networks: 24,
            trainings: 2,
            mean: 0.4,
            seconds: 10.0,
            between: Some(0.01),
            noise: Some(0.02),
            heritability,
            correlation: Some(0.1),
            corrected: None,
            noise_is_left: true,
            gains: None,
            by_convolution,
        };
        let nothing = "after 3 epochs the order of networks says next to nothing: it does not repeat with another seed, h² is 0.00 to \
                       0.40 in nine cases of ten";
        assert_eq!(verdict(&rung(Some([0.05, -0.3, 0.4]), None)), [nothing]);
        let unknown = &verdict(&rung(Some([0.4, -0.1, 0.7]), None))[0];
        assert!(unknown.starts_with("after 3 epochs 24 networks cannot tell whether the order repeats"), "{unknown}");
        let two = verdict(&rung(Some([0.65, 0.4, 0.8]), Some([0.005, 0.001])));
        assert!(
            two[0].contains("repeats: 65 % of the variance of one training is the network's own, h² is 0.40 to 0.80"),
            "{two:?}"
        );
        assert!(
            two[1].ends_with("few convolutions are ahead of their time: by 0.50 ± 0.10 points for each"),
            "{two:?}"
        );
        assert_eq!(verdict(&rung(Some([0.65, 0.4, 0.8]), Some([0.001, 0.001]))).len(), 1);
    }

    #[test]
    fn a_dry_run_counts_all_budgets() {
        let budgets = ["3x2", "24", "Mx2"].map(|text| text.parse().unwrap()).to_vec();
        let amount = amount(&Calibration { codes: 24, budgets, ..Calibration::default() }, 20_000);
        let Amount::Trainings { trainings, epochs, .. } = amount else { panic!("trainings are counted") };
        assert_eq!((trainings, epochs), (120, 24 * (3 + 3 + 24 + 6 + 6)));
    }

    #[test]
    fn networks_that_diverged_are_counted_and_too_few_others_refused() {
        assert_eq!(left_out([5, 5]).unwrap(), None);
        let said = left_out([5, 3]).unwrap().unwrap();
        assert_eq!(said, "2 of 5 networks diverged in a trial and are left out of all that follows");
        let said = left_out([5, 4]).unwrap().unwrap();
        assert_eq!(said, "1 of 5 networks diverged in a trial and is left out of all that follows");
        let refused = left_out([5, 1]).unwrap_err().to_string();
        assert!(refused.contains("and 1 is too few to compare"), "{refused}");
        let refused = left_out([5, 2]).unwrap_err().to_string();
        assert!(refused.starts_with("3 of 5 networks diverged in a trial, and 2 are too few"), "{refused}");
    }

    #[test]
    fn no_zero_has_a_sign() {
        assert_eq!([-0.0, -0.001, -0.25].map(two), ["0.00", "0.00", "-0.25"]);
    }
}
