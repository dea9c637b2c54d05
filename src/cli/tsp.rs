//! `evograd tsp`: the travelling salesman, by a genetic algorithm.

use super::interrupt;
use super::out_file::OutFile;
use super::table::fitted;
use super::terminal::{Bar, inform, warn};
use super::values::whole;
use anyhow::Result;
use evograd::Error;
use evograd::genetic::{Tour, TourSettings, Towns};
use evograd::report::{TourDrawing, counted};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The time between two lines of progress; a shorter search prints none.
const BETWEEN_LINES: Duration = Duration::from_secs(2);
/// The time between two looks of the bar.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "\
Examples:
  evograd tsp
      52 towns at random
  evograd tsp --towns 60 --circle --svg tour.svg
      towns whose shortest tour is known, and a drawing of the tour found
  evograd tsp --tsplib berlin52.tsp --seed 3
      the towns of a TSPLIB file
  evograd tsp --towns 200 --generations 50000 --json
      as JSON

Ctrl-C, SIGTERM and SIGHUP stop it and print the best tour so far; the exit
code is then 130, 143 or 129.";

/// Find a short tour through towns with a genetic algorithm (travelling salesman).
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Towns at random in a square [default: 52]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(3, 2000))]
    towns: Option<usize>,
    /// Towns on a circle, numbered in a random order
    #[arg(long)]
    circle: bool,
    /// Towns of a TSPLIB file with distances EUC_2D, CEIL_2D, MAN_2D, MAX_2D, ATT or GEO
    #[arg(long, value_name = "FILE", conflicts_with_all = ["towns", "circle"])]
    tsplib: Option<PathBuf>,
    /// Tours in a generation [default: 200]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1, 1_000_000))]
    population: Option<usize>,
    /// Generations [default: 10000]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1, u32::MAX.into()))]
    generations: Option<u32>,
    /// Seed of the towns and of all random choices
    #[arg(long, default_value_t = 0, value_name = "SEED", value_parser = whole::<u64>(0, u64::MAX))]
    seed: u64,
    /// Draw the tour, and its length by generation, into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What `--json` prints. The tour names towns by their place in the list, counted from 0; people read their numbers.
#[derive(Serialize)]
struct Answer<'a> {
    problem: &'static str,
    seed: u64,
    towns: &'a [[f64; 2]],
    /// What each town of the list is called: the number that the file gives it, or else its place.
    numbers: &'a [u32],
    tour: &'a [usize],
    length: f64,
    /// The shortest length, where it is known.
    optimum: Option<f64>,
    generations: u32,
    seconds: f64,
    stopped: bool,
}

/// Searches and prints.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let default = TourSettings::default();
    let size = args.population.unwrap_or(default.size);
    let settings = TourSettings { size, generations: args.generations.unwrap_or(default.generations), seed: args.seed };
    let towns = towns(args)?;
    warn(towns.notes());
    let svg = OutFile::maybe(args.svg.as_ref(), "svg")?;
    let mut stop = interrupt::stop_requested("finishing this generation; a second signal to stop at once")?;
    let start = Instant::now();
    let mut progress = Progress::new(settings.generations);
    let mut lengths = Vec::new();
    let mut stopped = false;
    let tour = towns.evolve(settings, &mut |tour| {
        add(&mut lengths, tour);
        progress.show(tour);
        stopped = stop();
        !stopped
    });
    let tour = tour.map_err(|error| named(error, args.population))?;
    progress.bar.finish();
    let seconds = start.elapsed().as_secs_f64();
    if let Some(file) = &svg {
        draw(file, &towns, &tour, &mut lengths)?;
    }
    let optimum = args.circle.then(|| around(towns.places().len()));
    let (seed, order) = (args.seed, &tour.order.0);
    let Tour { length, generations, .. } = tour;
    let (problem, numbers, towns, tour) = ("tsp", towns.numbers(), towns.places(), order.as_slice());
    let answer = Answer { problem, seed, towns, numbers, tour, length, optimum, generations, seconds, stopped };
    print(&answer, args.json, out)?;
    Ok(if stopped { interrupt::code() } else { ExitCode::SUCCESS })
}

/// An error that is about the population, by its argument.
fn named(error: Error, population: Option<usize>) -> Error {
    match (&error, population) {
        (Error::Op { op: "tsp", .. }, Some(_)) => error.at("--population"),
        _ => error,
    }
}

/// The towns of the arguments.
fn towns(args: &Args) -> evograd::Result<Towns> {
    match (&args.tsplib, args.towns.unwrap_or(52)) {
        (Some(path), _) => Towns::read(path),
        (None, count) if args.circle => Towns::circle(count, args.seed),
        (None, count) => Towns::random(count, args.seed),
    }
}

/// The length of the way around a circle of radius 1 with so many towns.
fn around(count: usize) -> f64 {
    2.0 * count as f64 * (std::f64::consts::PI / count as f64).sin()
}

/// Adds a point to the curve where a shorter tour was found.
fn add(lengths: &mut Vec<[f64; 2]>, tour: &Tour) {
    if lengths.last().is_none_or(|[_, length]| tour.length < *length) {
        lengths.push([f64::from(tour.generations), tour.length]);
    }
}

/// Draws the tour, and its length up to the last generation.
fn draw(file: &OutFile, towns: &Towns, tour: &Tour, lengths: &mut Vec<[f64; 2]>) -> Result<()> {
    lengths.push([f64::from(tour.generations), tour.length]);
    let title = format!("{} towns, length {:.4}", towns.places().len(), tour.length);
    let drawing = TourDrawing { title: &title, places: towns.places(), tour: &tour.order.0, lengths };
    file.write(&drawing.to_svg(), "the drawing")
}

fn print(answer: &Answer, json: bool, out: &mut impl Write) -> Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string(answer)?)?;
        return Ok(());
    }
    let tour: Vec<String> = answer.tour.iter().map(|town| answer.numbers[*town].to_string()).collect();
    writeln!(out, "{}", fitted(format_args!("tour   {}", tour.join(" "))))?;
    writeln!(out, "length {:.6}{}", answer.length, beside(answer))?;
    let Answer { generations, seconds, .. } = answer;
    let stopped = if answer.stopped { ", stopped" } else { "" };
    let generations = counted((*generations).into(), "generation");
    inform(format_args!("{} towns, {generations}, {seconds:.1} s{stopped}", answer.towns.len()));
    Ok(())
}

/// What is known of the shortest tour.
fn beside(answer: &Answer) -> String {
    match answer.optimum {
        Some(optimum) if answer.length < optimum + 1e-9 => ", the shortest there is".into(),
        Some(optimum) => format!(", {:.2} % above the shortest, {optimum:.6}", 100.0 * (answer.length / optimum - 1.0)),
        None => String::new(),
    }
}

/// How far the search is.
struct Progress {
    bar: Bar,
    generations: u32,
    shown: Instant,
}

impl Progress {
    fn new(generations: u32) -> Progress {
        Progress { bar: Bar::new(generations.into()), generations, shown: Instant::now() }
    }

    fn show(&mut self, tour: &Tour) {
        if self.shown.elapsed() < BETWEEN_LOOKS {
            return;
        }
        self.shown = Instant::now();
        let Tour { generations, length, .. } = tour;
        let text = || format!("generation {generations}/{} · length {length:.4}", self.generations);
        self.bar.show(u64::from(*generations), BETWEEN_LINES, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_a_circle_stands_its_length() {
        let answer = |length, optimum| Answer {
            problem: "tsp",
            seed: 0,
            towns: &[],
            numbers: &[],
            tour: &[],
            length,
            optimum,
            generations: 1,
            seconds: 0.0,
            stopped: false,
        };
        assert_eq!(beside(&answer(5.0, None)), "");
        assert_eq!(beside(&answer(5.0 + 1e-12, Some(5.0))), ", the shortest there is");
        assert_eq!(beside(&answer(5.1, Some(5.0))), ", 2.00 % above the shortest, 5.000000");
        assert!((around(4) - 32.0_f64.sqrt()).abs() < 1e-12);
    }
}
