//! Burn's side of the comparison: measures named rows and prints a JSON line for each, as `../main.rs` does for ours.
//! `../run.py` starts it with tcmalloc preloaded; `../README.md` says how.

#[path = "../../../load/measure.rs"]
mod measure;
mod resnet20;
mod training;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use measure::{peak_memory, quarters};
use serde_json::{Value, json};
use std::io::BufRead;
use std::time::{Duration, Instant};
use training::Training;

/// A line for each row, as --list prints them: its name, its unit, and the images of a training step. It is a file, so
/// that it can be held against our rows without building Burn.
const ROWS: &str = include_str!("../rows.txt");

/// Calls before the first that counts.
const WARM_UP: usize = 3;

/// Measures rows of the comparison with Burn and prints a JSON line for each.
#[derive(Parser)]
struct Arguments {
    /// Names of rows, as --list prints them
    rows: Vec<String>,
    /// Threads to compute on
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// How long to measure each row
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Prints every row: its name, its unit, and the amount of work of a call
    #[arg(long)]
    list: bool,
    /// Goes on with rows from standard input: lines of a name and of the seconds to measure it
    #[arg(long)]
    follow: bool,
}

/// The row that was measured last stays ready to be measured again.
#[derive(Default)]
struct Worker {
    ready: Option<(String, Training)>,
}

impl Worker {
    /// Measures a row for so many seconds, at least three calls.
    fn measure(&mut self, name: &str, seconds: f64) -> Result<Value> {
        let images = images(name)?;
        if self.ready.as_ref().is_none_or(|(ready, _)| ready != name) {
            self.ready = None; // its memory goes before the next row asks for some
            let mut training = Training::new(images)?;
            (0..WARM_UP).try_for_each(|_| training.step().map(drop))?;
            self.ready = Some((name.to_string(), training));
        }
        let (_, training) = self.ready.as_mut().expect("it has just been made ready");
        let (start, mut speeds) = (Instant::now(), Vec::new());
        while speeds.len() < 3 || start.elapsed() < Duration::from_secs_f64(seconds) {
            speeds.push(images as f64 / training.step()?.as_secs_f64());
        }
        let (calls, [low, value, high]) = (speeds.len(), quarters(speeds));
        Ok(json!({
            "row": name, "threads": rayon::current_num_threads(), "value": value, "unit": "images/s",
            "quartiles": [low, high], "calls": calls, "peak_mib": peak_memory(),
        }))
    }
}

/// The images of a step of this row.
fn images(name: &str) -> Result<usize> {
    let row = ROWS.lines().find_map(|row| row.strip_prefix(name)?.strip_prefix(" images/s "));
    Ok(row.with_context(|| format!("there is no row {name:?}; --list prints all"))?.parse()?)
}

fn serve(arguments: &Arguments) -> Result<()> {
    let mut worker = Worker::default();
    for name in &arguments.rows {
        println!("{}", worker.measure(name, arguments.seconds)?);
    }
    let lines = arguments.follow.then(|| std::io::stdin().lock().lines());
    for line in lines.into_iter().flatten() {
        let line = line?;
        let (name, seconds) = line.split_once(' ').with_context(|| format!("{line:?} is no name and seconds"))?;
        println!("{}", worker.measure(name, seconds.parse()?)?);
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.list {
        print!("{ROWS}");
        return Ok(());
    }
    ensure!(arguments.seconds >= 0.0 && arguments.seconds < 1e6, "--seconds must be from 0 to a million");
    // Burn computes on rayon's threads, its matrix products too.
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    serve(&arguments)
}
