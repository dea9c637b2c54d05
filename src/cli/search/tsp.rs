//! `evograd search --problem tsp`: the shortest way through towns, bred.

use crate::cli::interrupt;
use crate::cli::out_file::OutFile;
use crate::cli::table::fitted;
use crate::cli::terminal::{Bar, inform, warn};
use crate::cli::values::whole;
use anyhow::Result;
use evograd::Error;
use evograd::genetic::{Breeding, Tour, Towns};
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

/// The travelling salesman, with --problem tsp.
#[derive(clap::Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "With --problem tsp")]
pub struct TspArgs {
    /// Towns at random in a square [default: 52]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(3, 2000))]
    towns: Option<usize>,
    /// Towns on a circle, counted in a random order
    #[arg(long)]
    circle: bool,
    /// Towns of a TSPLIB file with distances EUC_2D, CEIL_2D, MAN_2D, MAX_2D, ATT or GEO
    #[arg(long, value_name = "FILE", conflicts_with_all = ["towns", "circle"])]
    tsplib: Option<PathBuf>,
}

/// The options of every search.
pub struct Common<'a> {
    /// Individuals in a generation.
    pub population: Option<usize>,
    /// Generations in all.
    pub generations: Option<u32>,
    /// Seed of the towns and of all random choices.
    pub seed: u64,
    /// One JSON object on standard output.
    pub json: bool,
    /// The drawing of the tour.
    pub svg: Option<&'a PathBuf>,
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

/// Breeds and prints.
pub fn run(args: &TspArgs, common: Common<'_>, out: &mut impl Write) -> Result<ExitCode> {
    let usual = Breeding::default();
    let size = common.population.unwrap_or(usual.size);
    let breeding = Breeding { size, generations: common.generations.unwrap_or(usual.generations), seed: common.seed };
    let towns = towns(args, common.seed)?;
    warn(towns.notes());
    let svg = OutFile::maybe(common.svg, "svg")?;
    let mut stop = interrupt::asked("finishing this generation; a second signal to stop at once")?;
    let start = Instant::now();
    let mut progress = Progress::new(breeding.generations);
    let mut lengths = Vec::new();
    let mut stopped = false;
    let tour = towns.breed(breeding, &mut |tour| {
        add(&mut lengths, tour);
        progress.tell(tour);
        stopped = stop();
        !stopped
    });
    let tour = tour.map_err(|error| named(error, common.population))?;
    progress.bar.finish();
    let seconds = start.elapsed().as_secs_f64();
    if let Some(file) = &svg {
        draw(file, &towns, &tour, &mut lengths)?;
    }
    let optimum = args.circle.then(|| around(towns.places().len()));
    let (seed, order) = (common.seed, &tour.order.0);
    let Tour { length, generations, .. } = tour;
    let (problem, numbers, towns, tour) = ("tsp", towns.numbers(), towns.places(), order.as_slice());
    let answer = Answer { problem, seed, towns, numbers, tour, length, optimum, generations, seconds, stopped };
    print(&answer, common.json, out)?;
    Ok(if stopped { interrupt::code() } else { ExitCode::SUCCESS })
}

/// An error that is about the population, by its argument.
fn named(error: Error, population: Option<usize>) -> anyhow::Error {
    match (&error, population) {
        (Error::Op { op: "breed", .. }, Some(size)) => {
            anyhow::Error::new(error).context(format!("--population {size}"))
        }
        _ => error.into(),
    }
}

/// The towns asked for.
fn towns(args: &TspArgs, seed: u64) -> evograd::Result<Towns> {
    match (&args.tsplib, args.towns.unwrap_or(52)) {
        (Some(path), _) => Towns::read(path),
        (None, count) if args.circle => Towns::circle(count, seed),
        (None, count) => Towns::random(count, seed),
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

/// How far the breeding is.
struct Progress {
    bar: Bar,
    generations: u32,
    shown: Instant,
}

impl Progress {
    fn new(generations: u32) -> Progress {
        Progress { bar: Bar::new(generations.into()), generations, shown: Instant::now() }
    }

    fn tell(&mut self, tour: &Tour) {
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
