//! Our side of the comparison with PyTorch and Burn: measures named rows and prints a JSON line for each. `torch_rows.py`
//! and `burn/` are the other sides, and `run.py` starts all in turns; README.md says how.

#[path = "../load/conv.rs"]
mod conv;
#[path = "../load/genetic.rs"]
mod genetic;
#[path = "../load/measure.rs"]
mod measure;
#[path = "../load/memory.rs"]
mod memory;
#[path = "../load/multiply_adds.rs"]
mod peak;
mod rows;
#[path = "../load/training.rs"]
mod training;

use anyhow::{Context, Result};
use clap::Parser;
use evograd::{Isa, ThreadPool};
use measure::{peak_memory, quarters};
use rows::{Call, Row};
use serde_json::{Value, json};
use std::io::BufRead;
use std::time::{Duration, Instant};

/// Calls before the first that counts.
const WARM_UP: usize = 3;

/// Measures rows of the comparison with PyTorch and prints a JSON line for each.
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
    /// What `cargo bench` says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// The row that was measured last stays ready to be measured again.
struct Worker {
    rows: Vec<Row>,
    ready: Option<(usize, Call)>,
}

impl Worker {
    /// Measures a row for so many seconds, at least three calls.
    fn measure(&mut self, name: &str, seconds: f64) -> Result<Value> {
        let place = self.rows.iter().position(|row| row.name == name);
        let place = place.with_context(|| format!("there is no row {name:?}; --list prints all"))?;
        let row = &self.rows[place];
        if self.ready.as_ref().is_none_or(|(ready, _)| *ready != place) {
            self.ready = None; // its memory goes before the next row asks for some
            let mut call = (row.prepare)()?;
            (0..WARM_UP).try_for_each(|_| call().map(drop))?;
            self.ready = Some((place, call));
        }
        let (_, call) = self.ready.as_mut().expect("it has just been made ready");
        let (start, mut times) = (Instant::now(), Vec::new());
        while times.len() < 3 || start.elapsed() < Duration::from_secs_f64(seconds) {
            times.push(call()?.as_secs_f64());
        }
        Ok(answer(row, times))
    }
}

fn answer(row: &Row, times: Vec<f64>) -> Value {
    let calls = times.len();
    let [low, value, high] = quarters(times.into_iter().map(|time| row.unit.value(row.amount, time)).collect());
    json!({
        "row": row.name, "threads": evograd::threads(), "value": value, "unit": row.unit.name(),
        "quartiles": [low, high], "calls": calls, "peak_mib": peak_memory(), "isa": Isa::chosen().ok().map(Isa::name),
    })
}

fn serve(arguments: &Arguments) -> Result<()> {
    let mut worker = Worker { rows: rows::all()?, ready: None };
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
        rows::all()?.iter().for_each(|row| println!("{} {} {}", row.name, row.unit.name(), row.amount));
        return Ok(());
    }
    if arguments.rows.is_empty() && !arguments.follow {
        eprintln!("no row is named: --list prints them, and benches/peers/run.py compares them with PyTorch");
        return Ok(());
    }
    anyhow::ensure!(arguments.seconds >= 0.0 && arguments.seconds < 1e6, "--seconds must be from 0 to a million");
    ThreadPool::new(arguments.threads)?.install(|| serve(&arguments))
}
