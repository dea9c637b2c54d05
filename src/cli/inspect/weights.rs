//! `evograd inspect run RUN --weights`: what the weights of a trained network look like, tensor by tensor.

use crate::cli::out_file::OutFile;
use crate::cli::run_folder::{Kind, of_kind};
use crate::cli::table::Table;
use anyhow::{Result, bail};
use evograd::models::{Network, TensorStatistics};
use evograd::report::{Histogram, histograms, short};
use evograd::train::Predictor;
use std::io::Write;
use std::path::PathBuf;

/// From no value to the most.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

const HEADER: [&str; 8] = ["tensor", "mean", "deviation", "min", "max", "zeros", "norm", "histogram"];

/// Answers for the last checkpoint of the only run.
pub fn show(runs: &[PathBuf], svg: Option<&PathBuf>, json: bool, out: &mut impl Write) -> Result<()> {
    let [run] = runs else { bail!("--weights is of one run, and {} are named; name one", runs.len()) };
    let svg = OutFile::maybe(svg, "svg")?;
    let predictor = Predictor::of_run(&of_kind(run, &[Kind::Training])?, "last")?;
    let network = predictor.network();
    let all = network.statistics();
    if json {
        for of_tensor in &all {
            writeln!(out, "{}", line(of_tensor))?;
        }
    } else {
        writeln!(out, "{}", table(&all).for_output())?;
    }
    match svg {
        Some(file) => file.write(&histograms(&charts(network)), "the drawing of all histograms"),
        None => Ok(()),
    }
}

fn line(of_tensor: &TensorStatistics) -> serde_json::Value {
    let TensorStatistics { name, sizes, mean, deviation, least, greatest, zeros, norm, counts, not_finite } = of_tensor;
    serde_json::json!({
        "tensor": name, "sizes": sizes, "mean": mean, "deviation": deviation, "min": least, "max": greatest,
        "zeros": zeros, "norm": norm, "counts": counts, "not_finite": not_finite,
    })
}

fn table(all: &[TensorStatistics]) -> Table {
    let mut table = Table::new(&HEADER, 1..7).with_texts(1);
    for TensorStatistics { name, mean, deviation, least, greatest, zeros, norm, counts, .. } in all {
        let [mean, deviation, least, greatest, norm] = [mean, deviation, least, greatest, norm].map(|x| number(*x));
        let zeros = format!("{:.1} %", 100.0 * zeros);
        table.row([name.clone(), mean, deviation, least, greatest, zeros, norm, blocks(counts)]);
    }
    table
}

/// Four decimals, or a power of ten where they would show too little.
fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.1e}") } else { short(value, 4) }
}

/// Each count as a block whose height is its share of the greatest; what is not 0 can be seen.
fn blocks(counts: &[usize]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts.iter().map(|count| BLOCKS[(count * (BLOCKS.len() - 1)).div_ceil(most)]).collect()
}

fn charts(network: &Network) -> Vec<Histogram> {
    let chart = |(title, tensor): (String, &evograd::Tensor)| {
        let values = tensor.as_slice().iter().map(|value| f64::from(*value)).collect();
        Histogram { title, x: "value".into(), y: "values".into(), values }
    };
    network.state().into_iter().map(chart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_as_high_as_their_counts_and_never_hide_one() {
        assert_eq!(blocks(&[0, 1, 4, 8, 1000]), " ▁▁▁█");
        assert_eq!(blocks(&[0, 1, 2, 4, 8]), " ▁▂▄█");
        assert_eq!(blocks(&[0, 0]), "  ");
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        assert_eq!([0.0, 1.0, -0.25, 0.00012, -3e-9].map(number), ["0.0000", "1.0000", "-0.2500", "1.2e-4", "-3.0e-9"]);
    }
}
