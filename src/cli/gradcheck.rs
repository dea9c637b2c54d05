//! `evograd gradcheck`: compares the gradient of every operation with finite differences.

use super::exit_code::FAILED;
use super::terminal::inform;
use super::values::{above_0, at_least_0, whole};
use super::width;
use super::wrap::{cut, wrapped};
use anyhow::{Result, bail};
use evograd::Error;
use evograd::gradcheck::{Gradcheck, Verdict};
use evograd::ops::{CATALOGUE, Case, Draw, Row};
use evograd::report::counted;
use serde::Serialize;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

const EXAMPLES: &str = "\
Examples:
  evograd gradcheck
      every operation
  evograd gradcheck conv2d --cases 100
      one operation, more shapes
  evograd gradcheck --full --json
      every entry of each Jacobian matrix, one JSON line per operation";

/// Compare the gradient of every operation with finite differences, in f64.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The operation to check [default: all]
    #[arg(value_name = "OP")]
    op: Option<String>,
    /// Random shapes and parameters tried for each operation
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = whole::<u32>(1, u32::MAX.into()))]
    cases: u32,
    /// Seed of the random shapes and values
    #[arg(long, default_value_t = 0, value_name = "SEED", value_parser = whole::<u64>(0, u64::MAX))]
    seed: u64,
    /// Greatest relative error that passes
    #[arg(long, default_value_t = 1e-6, value_name = "ERROR", allow_hyphen_values = true, value_parser = above_0)]
    tolerance: f64,
    /// Greatest error that passes however small the derivative is
    #[arg(long, default_value_t = 0.0, value_name = "ERROR", allow_hyphen_values = true, value_parser = at_least_0)]
    absolute: f64,
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
    nondifferentiable: &'static str,
    cases: u32,
    worst_case: String,
    /// Left out where none could be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    worst_relative_error: Option<f64>,
    passed: bool,
    /// `right`, `WRONG`, or `unclear` where rounding leaves too few digits to compare.
    verdict: &'static str,
    /// What was found where it did not pass.
    wrong: Option<String>,
}

impl Outcome {
    /// Takes over what was found in a case, where it is worse than what is known.
    fn note(&mut self, case: &Case, worst: f64, verdict: Verdict, text: impl FnOnce() -> String) {
        let rank = |verdict| ["right", "unclear", "WRONG"].iter().position(|name| *name == verdict);
        let name = match verdict {
            Verdict::Right => "right",
            Verdict::CannotTell => "unclear",
            Verdict::Wrong => "WRONG",
        };
        let greater = self.worst_relative_error.is_none_or(|known| worst > known);
        if rank(name) > rank(self.verdict) || (self.passed && verdict == Verdict::Right && greater) {
            self.worst_case.clone_from(&case.description);
            // A gradient that is not a number has no error that is one.
            self.worst_relative_error = worst.is_finite().then_some(worst);
            (self.passed, self.verdict) = (verdict == Verdict::Right, name);
            self.wrong = (!self.passed).then(text);
        }
    }
}

/// Checks the operations asked for, printing a line for each as it is done.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let start = Instant::now();
    let rows = chosen(args.op.as_deref())?;
    let found = check_all(&rows, args, out)?;
    if let ([row], false) = (rows.as_slice(), args.json)
        && !row.nondifferentiable.is_empty()
    {
        writeln!(out, "not drawn, since there is no derivative: {}", row.nondifferentiable)?;
    }
    inform(format_args!(
        "{}, {found} within {:.0e}, {:.1} s",
        counted(rows.len() as u64, "operation"),
        args.tolerance,
        start.elapsed().as_secs_f64()
    ));
    Ok(if found == Found::default() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// How many operations did not pass.
#[derive(Debug, Default, PartialEq)]
struct Found {
    wrong: u32,
    unclear: u32,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Found { wrong: 0, unclear: 0 } => write!(f, "all gradients are right"),
            Found { wrong, unclear: 0 } => write!(f, "{wrong} WRONG"),
            Found { wrong: 0, unclear } => write!(f, "{unclear} unclear"),
            Found { wrong, unclear } => write!(f, "{wrong} WRONG and {unclear} unclear"),
        }
    }
}

/// Checks and prints one operation after the other.
fn check_all(rows: &[&'static Row], args: &Args, out: &mut impl Write) -> Result<Found> {
    let mut found = Found::default();
    let names = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max("operation".len());
    for (i, row) in rows.iter().enumerate() {
        let outcome = check(row, args)?;
        found.wrong += u32::from(outcome.verdict == "WRONG");
        found.unclear += u32::from(outcome.verdict == "unclear");
        if i == 0 && !args.json {
            writeln!(out, "{:<names$} cases  worst error  verdict  worst case", "operation")?;
        }
        print(&outcome, args.json, names, width::of_output(), out)?;
    }
    Ok(found)
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

/// Checks one operation on random cases. A case that cannot be computed, such as one whose gradient is not a number,
/// is a wrong one.
fn check(row: &'static Row, args: &Args) -> Result<Outcome> {
    let Args { tolerance, absolute, full, seed, .. } = *args;
    let settings = Gradcheck { tolerance, absolute, full, seed, ..Gradcheck::default() };
    let mut outcome = Outcome {
        op: row.name,
        formula: row.formula,
        nondifferentiable: row.nondifferentiable,
        cases: args.cases,
        worst_case: String::new(),
        worst_relative_error: None,
        passed: true,
        verdict: "right",
        wrong: None,
    };
    for number in 0..args.cases {
        let case = (row.draw)(&mut Draw::seeded(args.seed.wrapping_add(u64::from(number))));
        match settings.run(&case.double, &case.inputs) {
            Ok(report) => outcome.note(&case, report.worst, report.verdict(), || report.to_string()),
            Err(error @ Error::Op { op: "gradcheck", .. }) => return Err(error.into()),
            Err(error) => outcome.note(&case, f64::NAN, Verdict::Wrong, || error.to_string()),
        }
    }
    Ok(outcome)
}

/// Prints a line, which is cut to the width of a terminal, with so much room for the name; a wrong gradient is shown in full.
fn print(outcome: &Outcome, json: bool, names: usize, width: Option<usize>, out: &mut impl Write) -> Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string(outcome)?)?;
        return Ok(());
    }
    let Outcome { op, cases, worst_relative_error, verdict, worst_case, .. } = outcome;
    let worst = worst_relative_error.map_or("-".into(), |worst| format!("{worst:.1e}"));
    let line = format!("{op:<names$} {cases:>5}  {worst:>11}  {verdict:<7}  {worst_case}");
    writeln!(out, "{}", width.map_or_else(|| line.clone(), |width| cut(&line, width)))?;
    if let Some(wrong) = &outcome.wrong {
        let text = format!("{:>names$} {wrong}", "");
        writeln!(out, "{}", width.map_or_else(|| text.clone(), |width| wrapped(&text, width)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use evograd::{Op, Shape, Tensor, Var, apply};

    /// `y = x`, whose gradient is a factor off.
    #[derive(Debug)]
    struct Off(f64);

    impl<E: evograd::Element> Op<E, 1> for Off {
        const NAME: &'static str = "off";
        type Saved = ();
        fn output_shape(&self, [x]: [&Shape; 1]) -> evograd::Result<Shape> {
            Ok(*x)
        }
        fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, ()) {
            (x.clone(), ())
        }
        fn backward(&self, (): (), mut dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
            dy.as_mut_slice().iter_mut().for_each(|dy| *dy = *dy * E::from_f64(self.0));
            [Some(dy)]
        }
    }

    fn draw(factor: f64) -> Case {
        Case {
            description: "[3]".into(),
            inputs: vec![Tensor::from_vec([3], vec![1.0, 2.0, 3.0]).unwrap()],
            single: Box::new(move |v| apply(Off(factor), [&v[0]])),
            double: Box::new(move |v| apply(Off(factor), [&v[0]])),
        }
    }

    const NONE: evograd::ops::Large = evograd::ops::Large { shapes: &[], run: |v| Ok(v[0].clone()) };

    const ROWS: [Row; 4] = [
        Row {
            name: "exact",
            formula: "y = x",
            nondifferentiable: "",
            f32_bound: 0.0,
            draw: |_| draw(1.0),
            large: NONE,
        },
        Row { name: "off", formula: "y = x", nondifferentiable: "", f32_bound: 0.0, draw: |_| draw(1.01), large: NONE },
        Row {
            name: "endless",
            formula: "y = x",
            nondifferentiable: "",
            f32_bound: 0.0,
            draw: |_| draw(f64::INFINITY),
            large: NONE,
        },
        Row {
            name: "blunt",
            formula: "y = 1e12 + x²",
            nondifferentiable: "",
            f32_bound: 0.0,
            draw: |_| blunt(),
            large: NONE,
        },
    ];

    /// A function that loses all digits of its slope.
    fn blunt() -> Case {
        Case {
            description: "[3]".into(),
            inputs: vec![Tensor::from_vec([3], vec![1.0, 2.0, 3.0]).unwrap()],
            single: Box::new(|v| v[0].mul(&v[0])?.add(&Var::constant(Tensor::scalar(1e12)))),
            double: Box::new(|v| v[0].mul(&v[0])?.add(&Var::constant(Tensor::scalar(1e12)))),
        }
    }

    fn checked(json: bool) -> (Found, String) {
        let args = Args { op: None, cases: 2, seed: 0, tolerance: 1e-6, absolute: 0.0, full: false, json };
        let mut out = Vec::new();
        let rows: &'static [Row; 4] = &ROWS;
        let found = check_all(&rows.iter().collect::<Vec<_>>(), &args, &mut out).unwrap();
        (found, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_wrong_gradient_is_shown_and_counted_and_the_others_go_on() {
        let (found, text) = checked(false);
        assert_eq!(found, Found { wrong: 2, unclear: 1 }, "{text}");
        assert_eq!(found.to_string(), "2 WRONG and 1 unclear");
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("operation") && lines[1].starts_with("exact") && lines[1].contains("right"),
            "{text}"
        );
        assert!(
            lines[2].starts_with("off") && lines[2].contains("WRONG") && lines[3].contains("input 0 at ["),
            "{text}"
        );
        assert!(lines[4].starts_with("endless") && lines[5].contains("off: a gradient holds"), "{text}");
        assert!(lines[6].starts_with("blunt") && lines[6].contains("unclear"), "{text}");
        assert!(lines[7].contains("cannot tell") && lines[7].contains("input 0 at ["), "{text}");
    }

    #[test]
    fn a_line_fits_a_terminal_and_is_whole_elsewhere() {
        let settings = "Conv2d { stride: [2, 1] } ".repeat(5);
        let outcome = Outcome {
            op: "conv2d",
            formula: "",
            nondifferentiable: "",
            cases: 9,
            worst_case: settings.clone(),
            worst_relative_error: Some(1e-9),
            passed: true,
            verdict: "right",
            wrong: None,
        };
        let line = |width| {
            let mut out = Vec::new();
            print(&outcome, false, 20, width, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(line(None).ends_with(&format!("{settings}\n")) && line(None).lines().count() == 1);
        assert_eq!(line(Some(80)).chars().count(), 81);
        assert!(line(Some(80)).ends_with("…\n"));
    }

    #[test]
    fn json_says_the_same() {
        let rows: Vec<serde_json::Value> =
            checked(true).1.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            rows.iter().map(|row| row["passed"].as_bool().unwrap()).collect::<Vec<_>>(),
            [true, false, false, false]
        );
        let verdicts: Vec<&str> = rows.iter().map(|row| row["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, ["right", "WRONG", "WRONG", "unclear"]);
    }
}
