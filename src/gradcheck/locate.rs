//! The search for the entry of a Jacobian matrix that is wrong, where a projection is: by halves of the output, and then of the
//! input.

use super::directions::only;
use super::projection::{Comparison, Probe, Projection, tensor};
use crate::error::Result;
use crate::tensor::Tensor;

impl Comparison<'_> {
    /// The output at which the two disagree most: of two halves, the one with the greater gap, over and over.
    pub fn locate_output(&self, probe: &Probe<'_>, projection: &Projection) -> Result<usize> {
        let r = projection.r.as_slice();
        let mut left: Vec<usize> = (0..r.len()).filter(|output| r[*output] != 0.0).collect();
        let mut gap = projection.gap;
        while left.len() > 1 {
            let half = left.split_off(left.len() / 2);
            let weight = |output: usize| if half.binary_search(&output).is_ok() { r[output] } else { 0.0 };
            let part = self.project(probe, tensor(probe, (0..r.len()).map(weight)))?;
            if part.gap.abs() >= (gap - part.gap).abs() {
                (left, gap) = (half, part.gap);
            } else {
                gap -= part.gap;
            }
        }
        Ok(left[0])
    }

    /// The element at which the slopes of one output disagree most, found in the same way.
    pub fn locate_element(&self, probe: &Probe<'_>, row: &Tensor<f64>, output: usize) -> Result<usize> {
        let row = row.as_slice();
        let slope = probe.slopes.all[output];
        let step = if slope.step > 0.0 { slope.step } else { self.settings.step };
        let mut left: Vec<usize> = (0..row.len()).filter(|element| probe.u[*element] != 0.0).collect();
        let mut gap = left.iter().map(|&i| row[i] * probe.u[i]).sum::<f64>() - slope.value;
        while left.len() > 1 {
            let half = left.split_off(left.len() / 2);
            let u = only(probe.u, &half);
            let numeric = self.function.pair(probe.input, &u, step)?.all[output].value;
            let part = half.iter().map(|&i| row[i] * probe.u[i]).sum::<f64>() - numeric;
            if part.abs() >= (gap - part).abs() {
                (left, gap) = (half, part);
            } else {
                gap -= part;
            }
        }
        Ok(left[0])
    }
}

/// The output with the fewest digits.
pub(super) fn deepest(probe: &Probe<'_>, projection: &Projection) -> usize {
    let depth = |output: usize| probe.slopes.all[output].error / probe.scales[output].max(f64::MIN_POSITIVE);
    let among = (0..probe.scales.len()).filter(|output| projection.r.as_slice()[*output] != 0.0);
    among.max_by(|a, b| depth(*a).total_cmp(&depth(*b))).expect("a group has outputs")
}

/// The element with the greatest part in the slope of an output.
pub(super) fn steepest(probe: &Probe<'_>, row: &Tensor<f64>) -> usize {
    let part = |i: usize| (row.as_slice()[i] * probe.u[i]).abs();
    let moved = (0..probe.u.len()).filter(|i| probe.u[*i] != 0.0);
    moved.max_by(|a, b| part(*a).total_cmp(&part(*b))).expect("a direction moves something")
}
