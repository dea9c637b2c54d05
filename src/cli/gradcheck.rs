//! `evograd gradcheck`: compares the gradient of every operation with finite differences.

use super::FAILED;
use anyhow::{Context, Result, bail};
use evograd::gradcheck::{Gradcheck, Report};
use evograd::ops::{CATALOGUE, Draw, Row};
use serde::Serialize;
use std::process::ExitCode;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  evograd gradcheck                    every operation
  evograd gradcheck conv2d --cases 100 one operation, more shapes
  evograd gradcheck --full --json      every entry of each Jacobian matrix, one JSON line per operation";

/// Compare the gradient of every operation with finite differences, in f64.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The operation to check [default: all]
    #[arg(value_name = "OP")]
    op: Option<String>,
    /// Random shapes and parameters tried for each operation
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cases: u32,
    /// Seed of the random shapes and values
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    seed: u64,
    /// Greatest relative error that passes
    #[arg(long, default_value_t = 1e-6, value_name = "ERROR")]
    tolerance: f64,
    /// Compare every entry of the Jacobian matrix, not random projections
    #[arg(long)]
    full: bool,
    /// One JSON object per operation on standard output
    #[arg(long)]
    json: bool,
}

/// What the check of one operation found.
#[derive(Serialize)]
struct Outcome {
    op: &'static str,
    formula: &'static str,
    kinks_avoided: &'static str,
    cases: u32,
    worst_case: String,
    worst_relative_error: f64,
    passed: bool,
    wrong: Option<String>,
}

/// Checks the operations asked for, printing a line for each as it is done.
pub fn run(args: &Args) -> Result<ExitCode> {
    if !(args.tolerance.is_finite() && args.tolerance > 0.0) {
        bail!("--tolerance {}: give a number above 0, such as 1e-6", args.tolerance);
    }
    let start = Instant::now();
    let rows = chosen(args.op.as_deref())?;
    if !args.json {
        println!("{:<20} cases  worst error  verdict  worst case", "operation");
    }
    let mut wrong = 0;
    for row in &rows {
        let outcome = check(row, args).with_context(|| format!("gradcheck of {}", row.name))?;
        wrong += u32::from(!outcome.passed);
        print(&outcome, args.json)?;
    }
    if let ([row], false) = (rows.as_slice(), args.json)
        && !row.kinks.is_empty()
    {
        println!("not drawn, since there is no derivative: {}", row.kinks);
    }
    let verdict = if wrong == 0 { "all gradients are right".into() } else { format!("{wrong} WRONG") };
    eprintln!(
        "{} operations, {verdict} within {:.0e}, {:.1} s",
        rows.len(),
        args.tolerance,
        start.elapsed().as_secs_f64()
    );
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// The rows to check.
fn chosen(name: Option<&str>) -> Result<Vec<&'static Row>> {
    let Some(name) = name else { return Ok(CATALOGUE.iter().collect()) };
    match evograd::ops::row(name) {
        Some(row) => Ok(vec![row]),
        None => {
            let names: Vec<&str> = CATALOGUE.iter().map(|row| row.name).collect();
            bail!("there is no operation {name}; there are {}", names.join(", "))
        }
    }
}

/// Checks one operation on random cases.
fn check(row: &'static Row, args: &Args) -> Result<Outcome> {
    let settings = Gradcheck { tolerance: args.tolerance, full: args.full, seed: args.seed, ..Gradcheck::default() };
    let mut worst: Option<(String, Report)> = None;
    for number in 0..args.cases {
        let case = (row.draw)(&mut Draw::seeded(args.seed.wrapping_add(u64::from(number))));
        let report = settings.run(&case.double, &case.inputs).with_context(|| case.description.clone())?;
        if worst.as_ref().is_none_or(|(_, known)| report.worst > known.worst || report.worst.is_nan()) {
            worst = Some((case.description, report));
        }
    }
    let (worst_case, report) = worst.context("no case was drawn")?;
    Ok(Outcome {
        op: row.name,
        formula: row.formula,
        kinks_avoided: row.kinks,
        cases: args.cases,
        worst_case,
        worst_relative_error: report.worst,
        passed: report.passed(),
        wrong: (!report.passed()).then(|| report.to_string()),
    })
}

fn print(outcome: &Outcome, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(outcome)?);
        return Ok(());
    }
    let verdict = if outcome.passed { "right" } else { "WRONG" };
    let Outcome { op, cases, worst_relative_error, worst_case, .. } = outcome;
    println!("{op:<20} {cases:>5}  {worst_relative_error:>11.1e}  {verdict:<7}  {worst_case}");
    if let Some(wrong) = &outcome.wrong {
        println!("{:>20} {wrong}", "");
    }
    Ok(())
}
