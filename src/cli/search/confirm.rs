//! `evograd search confirm`: the winner of a search and what it is compared with, trained again and tested.

use super::advice;
use super::dry_run::{Amount, dry_run};
use super::place::Place;
use super::progress::{Parts, Progress};
use super::settings::Settings;
use super::watch::watched;
use crate::cli::data_dir::open;
use crate::cli::file_progress::FileProgress;
use crate::cli::interrupt;
use crate::cli::run_folder::{Kind, expect_each_once, going_on, of_kind};
use crate::cli::table::{Table, fitted};
use crate::cli::terminal::{note, note_command};
use crate::cli::values::{setting, written};
use anyhow::{Context, Result, bail};
use evograd::data::Sets;
use evograd::models::genetic_cnn::Code;
use evograd::record::{AnswerRow, SearchRow};
use evograd::report::{counted, estimate, grouped, percent};
use evograd::search::{Confirmation, Confirmed, Interval, Length, SearchConfig, confirm, journal_of, plain_networks};
use evograd::train::RunFolder;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search confirm runs/search
  evograd search confirm runs/evolved --against runs/random --rung L
      trained on 320,000 images each, beside the winner of another search
  evograd search confirm --resume runs/confirm-cifar10-seed0

What a search says of its winner comes from the images by which it was chosen.
Here the winner, the best of the first generation, the network of all edges,
one chain and the network of no edges are trained again with new seeds, and
each is tested on the test set once. Intervals hold the truth in 95 of 100
cases; p is how often chance alone makes a difference as large. Exit code 1:
all networks diverged.";

/// Retrain the winner of a search and plain networks with new seeds, and evaluate them on the test set
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the search
    #[arg(required_unless_present = "resume")]
    search: Option<PathBuf>,
    /// Another search, whose winner is trained as well; may be given again
    #[arg(long, value_name = "DIR")]
    against: Vec<PathBuf>,
    /// Training budget of each, in images seen: S, M, L, or a number such as 60k [default: as in the search]
    #[arg(long, value_name = "RUNG", value_parser = written::<Length>)]
    rung: Option<Length>,
    /// Trainings of each, with new seeds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = setting::<u32>("confirmation.seeds"))]
    seeds: u32,
    #[command(flatten)]
    place: Place,
    /// Print the settings and the expected time, and train nothing
    #[arg(long)]
    dry_run: bool,
}

/// A network, as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    confirmed: &'a Confirmed,
    mean: f64,
    /// Half of the 95 % interval; `None` with a single seed.
    reach: Option<f64>,
    /// By how much the first is better than this one, and half of the interval.
    behind: f64,
    behind_reach: Option<f64>,
    /// How often chance alone makes a difference as large.
    p: Option<f64>,
}

/// Trains and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let (config, sets) = settings(args)?;
    let confirmation = config.confirmation.clone().context("the settings name no networks to confirm")?;
    let (networks, seeds) = (confirmation.contestants.len(), confirmation.seeds);
    if args.dry_run {
        let trainings = networks * seeds as usize;
        let epochs = trainings as u64 * u64::from(config.training.epochs);
        return dry_run(
            Kind::Confirmation,
            &config,
            &sets,
            Amount::Trainings { what: "training", trainings, epochs },
            args.place.json,
            out,
        );
    }
    let begun = args.place.begin(Kind::Confirmation, config, sets)?;
    let progress = Progress::new(Parts::Seeds(seeds), &begun.rows()?);
    let mut confirmed = Vec::new();
    let ended = watched(&begun, &args.place, progress, out, &mut |on_event| {
        confirmed = confirm(&begun.journal(), &begun.config, &begun.sets, on_event)?;
        Ok(())
    })?;
    if !ended {
        let command = going_on(Kind::Confirmation.command(), begun.path(), &args.place.data_dir);
        note_command("stopped; go on with:", &command);
        return Ok(interrupt::code());
    }
    if confirmed.iter().all(|one| one.diverged == one.accuracies.len()) {
        return Ok(advice::nothing_learned());
    }
    for one in confirmed.iter().filter(|one| one.diverged > 0) {
        let trainings = counted(one.diverged as u64, "training");
        note(format_args!("{}: {trainings} diverged, and counted as the worst of all", one.name));
    }
    report(&confirmed, args.place.json, out)?;
    if !args.place.json {
        claim(&confirmation, &confirmed[0], out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Those of a confirmation that goes on, or those of the search with the networks that are to be trained.
fn settings(args: &Args) -> Result<(SearchConfig, Sets)> {
    let Some(search) = &args.search else {
        return args.place.settings(Kind::Confirmation, &Settings::default(), &[]);
    };
    expect_each_once(std::iter::once(search).chain(&args.against))?;
    let folder = of_kind(search, &[Kind::Search])?;
    let mut config = SearchConfig::read(&folder.settings(), &[])?;
    let answer = answer(&folder)?;
    let mut networks = vec![("winner".to_string(), answer.code.parse::<Code>()?)];
    for other in &args.against {
        let their_folder = of_kind(other, &[Kind::Search])?;
        let theirs = SearchConfig::read(&their_folder.settings(), &[])?;
        if theirs.networks != config.networks {
            bail!(
                "{}: it searched other networks than {}; name searches of the same",
                other.display(),
                search.display()
            );
        }
        networks.push((format!("winner of {}", other.display()), self::answer(&their_folder)?.code.parse()?));
    }
    networks.push(("best of the first generation".into(), answer.first_code.parse()?));
    let plain = plain_networks(&config.networks.stages)?.map(|(name, code)| (name.to_string(), code));
    networks.extend(plain);
    let named: Vec<(&str, Code)> = networks.iter().map(|(name, code)| (name.as_str(), code.clone())).collect();
    config = args.rung.map_or(config.clone(), |length| config.with_length(length));
    let said = [answer.fitness, answer.error];
    config.confirmation = Some(Confirmation {
        said: Some(said),
        trained_alike: args.rung.is_none(),
        ..Confirmation::of(args.seeds, &named)
    });
    config.check()?;
    let info = folder.info()?;
    interrupt::before_anything()?;
    let sets = open(&config.data, &args.place.data_dir.folder_of(&info, &config.data.set)?)?;
    if let Some(began) = &info.began {
        folder.expect_same_data(&sets, began, &mut FileProgress::new())?;
    }
    Ok((config, sets))
}

/// What a search came to.
fn answer(search: &RunFolder) -> Result<AnswerRow> {
    let rows = journal_of(search)?;
    let found = rows.into_iter().rev().find_map(|row| if let SearchRow::Answer(row) = row { Some(row) } else { None });
    found.with_context(|| {
        format!("{}: the search has not ended; go on with it by evograd search --resume", search.path().display())
    })
}

fn report(confirmed: &[Confirmed], json: bool, out: &mut impl Write) -> Result<()> {
    let first = confirmed.first().context("a confirmation has at least one network")?;
    if json {
        for one in confirmed {
            writeln!(out, "{}", serde_json::to_string(&line(one, first))?)?;
        }
        return Ok(());
    }
    let mut table = Table::new(&["network", "test accuracy", "winner ahead by", "p", "multiply-adds"], 1..5);
    for one in confirmed {
        let Line { mean, reach, behind, behind_reach, p, .. } = line(one, first);
        let ahead = match one == first {
            true => ["–".to_string(), "–".to_string()],
            false => [interval(behind, behind_reach, true), p.map_or("–".into(), |p| format!("{p:.3}"))],
        };
        let [ahead, p] = ahead;
        table.row([one.name.clone(), interval(mean, reach, false), ahead, p, grouped(one.macs)]);
    }
    writeln!(out, "{}", table.for_output())?;
    let seeds = first.accuracies.len();
    let meaning = match seeds {
        1 => "one seed says nothing of the spread; give more --seeds".to_string(),
        _ => format!("means over {seeds} new seeds with their 95 % intervals, in per cent of the test set"),
    };
    writeln!(out, "{}", fitted(meaning))?;
    for one in confirmed {
        writeln!(out, "{:40} {}", one.code, one.name)?;
    }
    Ok(())
}

fn line<'a>(one: &'a Confirmed, first: &Confirmed) -> Line<'a> {
    let known = |reach: f64| reach.is_finite().then_some(reach);
    let (Interval { mean: behind, reach: behind_reach }, p) = first.against(one);
    let Interval { mean, reach } = one.interval();
    let compared = one != first;
    Line {
        confirmed: one,
        mean,
        reach: known(reach),
        behind,
        behind_reach: known(behind_reach),
        p: p.filter(|_| compared && first.accuracies.len() > 1),
    }
}

/// Points of per cent, with half of the interval where that is known.
fn interval(mean: f64, reach: Option<f64>, signed: bool) -> String {
    let mean = if signed { format!("{:+.2}", 100.0 * mean) } else { format!("{:.2}", 100.0 * mean) };
    reach.map_or(mean.clone(), |reach| format!("{mean} ± {:.2}", 100.0 * reach))
}

/// What the search had said of its winner, beside what it comes to.
fn claim(confirmation: &Confirmation, winner: &Confirmed, out: &mut impl Write) -> Result<()> {
    let Some([fitness, error]) = confirmation.said else { return Ok(()) };
    let said = estimate(fitness, error);
    let text = match confirmation.trained_alike {
        true => format!(
            "the search had said {said} of its winner, on images held out; new seeds and the test set say {}",
            percent(winner.interval().mean)
        ),
        false => format!("the search had said {said} of its winner after its own, other length of training"),
    };
    Ok(writeln!(out, "{}", fitted(text))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_shown_where_they_are_known() {
        assert_eq!(interval(0.0123, Some(0.004), true), "+1.23 ± 0.40");
        assert_eq!([interval(0.75, None, false), interval(-0.01, None, true)], ["75.00", "-1.00"]);
    }

    #[test]
    fn the_first_is_compared_with_the_others_alone() {
        let of = |accuracies: &[f64]| Confirmed {
            name: "x".into(),
            code: "1".into(),
            accuracies: accuracies.to_vec(),
            diverged: 0,
            macs: 1_234_567,
        };
        let (first, other) = (of(&[0.5, 0.6]), of(&[0.4, 0.45]));
        assert_eq!((line(&first, &first).p, line(&other, &first).p), (None, Some(2.0 / 6.0)));
        let (first, other) = (of(&[0.5]), of(&[0.4]));
        let Line { reach, behind_reach, p, .. } = line(&other, &first);
        assert_eq!((reach, behind_reach, p), (None, None, None));
        let mut out = Vec::new();
        report(&[first, other], false, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("one seed says nothing") && text.contains("+10.00") && !text.contains("NaN"), "{text}");
    }
}
