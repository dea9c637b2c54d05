//! The comparison of all entries of a Jacobian matrix, one by one: a row of it is what backward makes of one output, a column what
//! a step of one element makes of all outputs.

use super::Report;
use super::directions::{only, sizes};
use super::entry::{Entry, greatest};
use super::projection::{Comparison, tensor_of};
use super::slopes::Slopes;
use super::{Place, Verdict};
use crate::error::Result;
use crate::tensor::Tensor;

/// The columns of a Jacobian matrix, by finite differences.
struct Columns<'a> {
    comparison: &'a Comparison<'a>,
    input: usize,
    sizes: Vec<f64>,
    columns: Vec<Slopes>,
    /// Whether a column was made with a ladder of steps.
    careful: Vec<bool>,
    /// The magnitude of each row.
    rows: Vec<f64>,
    /// The greatest share that an entry of a column has in its row. Of every column once, not for every entry: a column has as
    /// many entries as there are outputs.
    shares: Vec<f64>,
}

/// Compares every entry of the Jacobian matrix with respect to an input.
pub(super) fn jacobian(comparison: &Comparison<'_>, input: usize, report: &mut Report) -> Result<()> {
    let mut columns = Columns::new(comparison, input)?;
    for output in 0..columns.rows.len() {
        let outputs = 0..columns.rows.len();
        let r = tensor_of(&columns.columns[0].output, outputs.map(|other| f64::from(u8::from(other == output))));
        let row = comparison.function.analytic(input, &r)?;
        let greatest = greatest(&row, &columns.sizes);
        for element in 0..columns.sizes.len() {
            let (analytic, size) = (row.as_slice()[element], columns.sizes[element]);
            let (place, verdict, error) =
                columns.judge(&Entry { input, element, output, analytic, size, greatest }, &row)?;
            match verdict {
                Verdict::Right => report.note(error),
                Verdict::Wrong => report.note_wrong(place),
                Verdict::CannotTell => report.note_unclear(place),
            }
        }
    }
    Ok(())
}

impl<'a> Columns<'a> {
    fn new(comparison: &'a Comparison<'a>, input: usize) -> Result<Self> {
        let sizes = sizes(&comparison.function.inputs[input]);
        let column = |i: usize| comparison.function.quick(input, &only(&sizes, &[i]));
        let columns: Vec<Slopes> = (0..sizes.len()).map(column).collect::<Result<_>>()?;
        let row = |j: usize| columns.iter().map(|column| column.all[j].value).fold(0.0, f64::hypot);
        let rows: Vec<f64> = (0..columns[0].all.len()).map(row).collect();
        let shares = columns.iter().map(|column| share(column, &rows)).collect();
        Ok(Columns { comparison, input, careful: vec![false; sizes.len()], sizes, columns, rows, shares })
    }

    /// The verdict on an entry, with a ladder of steps where two do not settle it.
    fn judge(&mut self, entry: &Entry, row: &Tensor<f64>) -> Result<(Place, Verdict, f64)> {
        let found = self.judge_as_it_is(entry, row);
        let i = entry.element;
        if found.1 == Verdict::Right || self.careful[i] {
            return Ok(found);
        }
        self.columns[i] = self.comparison.function.careful(self.input, &only(&self.sizes, &[i]))?;
        (self.careful[i], self.shares[i]) = (true, share(&self.columns[i], &self.rows));
        Ok(self.judge_as_it_is(entry, row))
    }

    fn judge_as_it_is(&self, entry: &Entry, row: &Tensor<f64>) -> (Place, Verdict, f64) {
        let i = entry.element;
        self.comparison.judge(entry, &self.columns[i], row, self.shares[i] * self.rows[entry.output])
    }
}

/// The greatest share that an entry of a column has in its row.
fn share(column: &Slopes, rows: &[f64]) -> f64 {
    let shares = column.all.iter().zip(rows).filter(|(_, row)| **row > 0.0);
    shares.map(|(slope, row)| (slope.value / row).abs()).fold(0.0, f64::max)
}
