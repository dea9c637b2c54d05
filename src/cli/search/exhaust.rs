//! `evograd search exhaust`: every network of a small space.

use super::advice;
use super::dry_run::{Amount, dry_run};
use super::page::write_page;
use super::place::Place;
use super::progress::{Parts, Progress};
use super::settings::Settings;
use super::watch::watched;
use crate::cli::interrupt;
use crate::cli::run_folder::{Kind, going_on};
use crate::cli::table::{Table, fitted};
use crate::cli::terminal::note_command;
use crate::cli::values::whole;
use anyhow::{Context, Result};
use evograd::record::{IndividualRow, SearchRow, any_learned};
use evograd::report::{counted, percent};
use evograd::search::{exhaust, graphs, read_journal};
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// The nodes of each stage where nothing says others: a space that can be trained as a whole.
const DEFAULT_STAGES: [usize; 2] = [3, 4];
/// More networks than this are not begun without being asked for.
const DEFAULT_LIMIT: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  evograd search exhaust
      186 graphs of stages of 3 and 4 nodes, on the built-in set of shapes
  evograd search exhaust --stages 3,4 --data cifar10 --samples 5000
  evograd search exhaust --resume runs/exhaust-shapes-seed0

Codes that mean the same graph are one network. One training of each says who
was best this time: the best of many is the luckiest, too. Exit code 1: all
networks diverged.";

/// Train every network of a small space once
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    place: Place,
    /// Refuse to start if there are more networks than this to train
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMIT, value_parser = whole::<usize>(0, u32::MAX.into()))]
    limit: usize,
    /// Print the settings and the expected time, and train nothing
    #[arg(long)]
    dry_run: bool,
}

/// Trains and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let (config, sets) = args.place.settings(Kind::Exhaust, &args.settings.or_stages(&DEFAULT_STAGES), &[])?;
    let count = graphs(&config.networks.stages)?.len();
    if count > args.limit {
        anyhow::bail!(
            "stages of {:?} nodes have {}; allow that many with --limit, or use fewer nodes",
            config.networks.stages,
            counted(count as u64, "different graph")
        );
    }
    if args.dry_run {
        let amount = Amount::Trainings {
            what: "network",
            trainings: count,
            epochs: count as u64 * u64::from(config.training.epochs),
        };
        return dry_run(Kind::Exhaust, &config, &sets, amount, args.place.json, out);
    }
    let begun = args.place.begin(Kind::Exhaust, config, sets)?;
    let progress = Progress::new(Parts::One, &begun.rows()?);
    let ended = watched(&begun, &args.place, progress, out, &mut |on_event| {
        exhaust(&begun.journal(), &begun.config, &begun.sets, on_event)
    })?;
    if !ended {
        note_command("stopped; go on with:", &going_on(Kind::Exhaust.command(), begun.path(), &args.place.data_dir));
        return Ok(interrupt::code());
    }
    write_page(begun.path(), &begun.config)?;
    let rows = read_journal(&begun.journal())?;
    if !any_learned(&rows) {
        return Ok(advice::nothing_learned());
    }
    if !args.place.json {
        report(begun.path(), rows, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(folder: &Path, rows: Vec<SearchRow>, out: &mut impl Write) -> Result<()> {
    let diverged: HashSet<String> = rows.iter().filter_map(diverged).collect();
    let individuals = rows.into_iter().find_map(|row| match row {
        SearchRow::Generation(row) => Some(row.individuals),
        _ => None,
    });
    let mut individuals = individuals.context("the journal has no generation")?;
    // Those that diverged have the fitness of the worst, and stand behind it.
    let is_diverged = |row: &IndividualRow| diverged.contains(&row.code);
    individuals.sort_by(|a, b| b.fitness.total_cmp(&a.fitness).then(is_diverged(a).cmp(&is_diverged(b))));
    let at = |share: f64| percent(individuals[((individuals.len() - 1) as f64 * share).round() as usize].fitness);
    let spread = format!(
        "{}: best {}, a quarter at least {}, half at least {}, three quarters at least {}, worst {}",
        counted(individuals.len() as u64, "network"),
        at(0.0),
        at(0.25),
        at(0.5),
        at(0.75),
        at(1.0)
    );
    writeln!(out, "{}", fitted(spread))?;
    let mut best = Table::new(&["rank", "code", "fitness"], 2..3);
    for (rank, row) in individuals.iter().take(10).enumerate() {
        let fitness = if is_diverged(row) { "diverged".into() } else { percent(row.fitness) };
        best.row([(rank + 1).to_string(), row.code.clone(), fitness]);
    }
    writeln!(out, "{}", best.for_output())?;
    if !diverged.is_empty() {
        let count = counted(diverged.len() as u64, "network");
        writeln!(out, "{}", fitted(format!("{count} diverged: last in rank, and counted as the worst of the others")))?;
    }
    writeln!(out, "report: {}", folder.join("report.html").display())?;
    Ok(())
}

/// The code of a training that diverged.
fn diverged(row: &SearchRow) -> Option<String> {
    match row {
        SearchRow::Evaluation(row) if row.diverged.is_some() => Some(row.code.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evograd::record::{EvaluationRow, GenerationRow};

    fn evaluation(code: &str, fitness: f64, diverged: bool) -> SearchRow {
        SearchRow::Evaluation(EvaluationRow {
            generation: 0,
            code: code.into(),
            repeat: 0,
            epochs: 1,
            fitness,
            loss: None,
            losses: Vec::new(),
            diverged: diverged.then(|| "loss".into()),
            parameters: 1,
            macs: 1,
            seconds: 1.0,
            core_seconds: None,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        })
    }

    #[test]
    fn those_that_diverged_are_last_behind_the_worst_whose_fitness_they_have() {
        let individual = |(code, fitness): (&str, f64)| IndividualRow {
            code: code.into(),
            fitness,
            error: 0.0,
            parents: Vec::new(),
        };
        let individuals = [("b", 0.25), ("a", 0.25), ("c", 0.5)].map(individual).into();
        let generation =
            GenerationRow { generation: 0, race: false, individuals, leader: None, seconds: 1.0, idle_seconds: None };
        let rows = vec![
            evaluation("a", 0.25, false),
            evaluation("b", 0.0, true),
            evaluation("c", 0.5, false),
            SearchRow::Generation(generation),
        ];
        let mut out = Vec::new();
        report(Path::new("run"), rows, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let ranks: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        for row in [["1", "c", "50.00", "%"].as_slice(), &["2", "a", "25.00", "%"], &["3", "b", "diverged"]] {
            assert!(ranks.iter().any(|line| line == row), "{text}");
        }
        assert!(text.contains("worst 25.00 %") && text.contains("1 network diverged: last in rank"), "{text}");
    }
}
