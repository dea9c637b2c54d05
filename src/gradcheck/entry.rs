//! The verdict on a single entry of a Jacobian matrix: a derivative.

use super::directions::sizes;
use super::projection::{Comparison, Probe};
use super::slopes::{Slope, Slopes, unseen};
use super::{Place, Verdict};
use crate::error::Result;
use crate::tensor::Tensor;

/// The relative error of finite differences that confirms a derivative which is small beside others of its row.
const DIGITS: f64 = 1e-3;

/// An entry of a Jacobian matrix.
pub(super) struct Entry {
    pub input: usize,
    pub element: usize,
    pub output: usize,
    /// What backward says.
    pub analytic: f64,
    /// The size of the element, which its steps are shares of.
    pub size: f64,
    /// The greatest of what backward says of the output, times the sizes of the elements.
    pub greatest: f64,
}

impl Comparison<'_> {
    /// The verdict on one entry of the Jacobian matrix, and its relative error.
    pub fn entry(&self, probe: &Probe<'_>, row: &Tensor<f64>, i: usize, j: usize) -> Result<(Place, Verdict, f64)> {
        let size = probe.u[i].abs();
        let mut u = vec![0.0; probe.u.len()];
        u[i] = size;
        let column = self.function.careful(probe.input, &u)?;
        let shares = column.all.iter().zip(&probe.scales).filter(|(_, scale)| **scale > 0.0);
        let share = shares.map(|(slope, scale)| (slope.value / scale).abs()).fold(0.0, f64::max).min(1.0);
        let greatest = greatest(row, &sizes(&self.function.inputs[probe.input]));
        let entry = Entry { input: probe.input, element: i, output: j, analytic: row.as_slice()[i], size, greatest };
        Ok(self.judge(&entry, &column, row, share * probe.scales[j]))
    }

    /// Holds what backward says of an entry against the finite differences of its column. An error that is small beside
    /// `scale`, what is usual in its row and its column, is small too: an entry may come out small because greater ones
    /// cancel.
    pub fn judge(&self, entry: &Entry, column: &Slopes, row: &Tensor<f64>, scale: f64) -> (Place, Verdict, f64) {
        let Entry { input, element, output, analytic, size, greatest } = *entry;
        let slope @ Slope { value, error, .. } = column.all[output];
        let bounded = slope.is_finite() && greatest.is_finite();
        let (still, unseen) = (value == 0.0 && error == 0.0, unseen(column.output.as_slice()[output]));
        let error = if still { unseen / column.longest } else { error };
        let (numeric, error) = (value / size, error / size);
        let gap = (analytic - numeric).abs();
        let greater = analytic.abs().max(numeric.abs());
        let allowed = self.settings.absolute + self.settings.tolerance * greater;
        // Where its own digits show, an entry that is small beside others of its row need not show as many as those.
        let scale = if scale.is_finite() { scale } else { 0.0 };
        let scale = if error <= DIGITS * numeric.abs() { scale.max(greatest) } else { scale };
        let usual = allowed.max(self.settings.tolerance * scale / size);
        // Backward rounds too: to units of its greatest derivative of this output, and of 1.
        let rounding = f64::EPSILON * greatest / size;
        let at_rest = still && gap <= (4.0 * rounding).max(f64::EPSILON / size);
        let verdict = match () {
            () if !bounded => Verdict::CannotTell,
            () if at_rest => Verdict::Right,
            () if gap > allowed + error + 16.0 * rounding => Verdict::Wrong,
            () if error <= usual => Verdict::Right,
            () => Verdict::CannotTell,
        };
        let (index, output) = (row.index_of(element), column.output.index_of(output));
        let uncertainty = if bounded { error } else { f64::INFINITY };
        let place = Place { input, index, output, analytic, numeric, uncertainty };
        let relative = match verdict {
            _ if at_rest || gap == 0.0 => 0.0,
            Verdict::Wrong => gap / greater,
            _ => gap / greater.max(scale / size),
        };
        (place, verdict, relative)
    }
}

/// The greatest part of an element in a gradient.
pub(super) fn greatest(row: &Tensor<f64>, sizes: &[f64]) -> f64 {
    row.as_slice().iter().zip(sizes).fold(0.0, |most: f64, (a, size)| most.max((a * size).abs()))
}
