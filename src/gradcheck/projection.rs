//! Projections, which test all entries of a Jacobian matrix at once.
//!
//! Inputs and outputs of unlike sizes must not hide each other. So a direction moves each element in proportion to its own
//! size; an output enters a projection in proportion to its own slope; outputs whose slopes drown in their own noise enter a
//! projection of their own; and elements whose part in the gradient is small are moved once more, without the others.

use super::Gradcheck;
use super::directions::Signs;
use super::slopes::{Function, Slope, Slopes, root_mean_square};
use crate::error::Result;
use crate::tensor::Tensor;

/// A function whose gradient is compared, and how.
pub(super) struct Comparison<'a> {
    pub settings: Gradcheck,
    pub function: Function<'a>,
}

/// A direction in one input, and the slopes along it.
pub(super) struct Probe<'a> {
    pub input: usize,
    pub u: &'a [f64],
    pub slopes: Slopes,
    /// The slope of each output, in the units of the direction, that an error is relative to.
    pub scales: Vec<f64>,
}

/// A weighted sum of outputs, differentiated in both ways.
pub(super) struct Projection {
    pub r: Tensor<f64>,
    pub dx: Tensor<f64>,
    /// Backward less finite differences.
    pub gap: f64,
    /// The magnitude of its parts.
    pub size: f64,
    /// How far finite differences may be off.
    pub error: f64,
}

/// Outputs that are projected together.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Group {
    /// Finite differences are good enough for the tolerance.
    Sharp,
    /// The output does not move.
    Still,
    /// Rounding leaves too few digits.
    Drowned,
    /// Its slope is beyond the type; it is projected with no others.
    Boundless,
}

impl Comparison<'_> {
    pub fn probe<'a>(&self, input: usize, u: &'a [f64], slopes: Slopes, rows: &[f64]) -> Probe<'a> {
        let value = |output: usize| slopes.all[output].value.abs();
        let moving = (0..rows.len()).filter(|j| rows[*j] > 0.0);
        let share = moving.map(|j| value(j) / rows[j]).fold(0.0, f64::max).min(1.0);
        let moved: Vec<f64> = u.iter().copied().filter(|u| *u != 0.0).collect();
        let least = self.settings.absolute * root_mean_square(&moved) / self.settings.tolerance;
        let scales = (0..rows.len()).map(|output| value(output).max(share * rows[output]).max(least)).collect();
        Probe { input, u, slopes, scales }
    }

    pub fn group(&self, probe: &Probe<'_>, output: usize) -> Group {
        let slope @ Slope { value, error, .. } = probe.slopes.all[output];
        match () {
            () if !slope.is_finite() => Group::Boundless,
            () if value == 0.0 && error == 0.0 => Group::Still,
            () if error <= self.settings.tolerance * probe.scales[output] => Group::Sharp,
            () => Group::Drowned,
        }
    }

    pub fn project(&self, probe: &Probe<'_>, r: Tensor<f64>) -> Result<Projection> {
        let dx = self.function.analytic(probe.input, &r)?;
        let parts = || dx.as_slice().iter().zip(probe.u).map(|(dx, u)| dx * u);
        // Of outputs that are left out, slopes may be infinite.
        let outputs = || r.as_slice().iter().zip(&probe.slopes.all).filter(|(r, _)| **r != 0.0);
        let numeric: f64 = outputs().map(|(r, slope)| r * slope.value).sum();
        let scales = r.as_slice().iter().zip(&probe.scales).filter(|(r, _)| **r != 0.0);
        let scaled: f64 = scales.map(|(r, scale)| (r * scale).powi(2)).sum();
        let size = parts().map(|part| part * part).sum::<f64>().max(scaled).sqrt();
        let error = outputs().map(|(r, slope)| (r * slope.error).powi(2)).sum::<f64>().sqrt();
        let gap = parts().sum::<f64>() - numeric;
        Ok(Projection { r, dx, gap, size, error })
    }

    /// Whether no entry can be wrong by much: the gap is that of a single entry, or within what rounding explains.
    pub fn agrees(&self, probe: &Probe<'_>, projection: &Projection) -> bool {
        let moved = probe.u.iter().filter(|u| **u != 0.0).count().max(1) as f64;
        let allowed = self.settings.tolerance * projection.size / moved.sqrt();
        projection.gap.abs() <= allowed.max(projection.error)
    }

    pub fn group_weights(&self, probe: &Probe<'_>, group: Group, among: &[bool], stream: &mut Signs) -> Tensor<f64> {
        if group == Group::Sharp {
            return weights(probe, |output| among[output], stream);
        }
        let unit = |output: usize| match group {
            Group::Drowned => probe.slopes.all[output].error,
            _ => f64::EPSILON,
        };
        let weight = |output: usize| if among[output] { stream.signed() / unit(output) } else { 0.0 };
        tensor(probe, (0..among.len()).map(weight))
    }
}

impl Projection {
    pub fn relative(&self) -> f64 {
        if self.gap == 0.0 { 0.0 } else { (self.gap / self.size).abs() }
    }
}

/// Random weights for some outputs, such that each counts alike; one that does not move counts as much as any.
pub(super) fn weights(probe: &Probe<'_>, among: impl Fn(usize) -> bool, stream: &mut Signs) -> Tensor<f64> {
    let moving = (0..probe.scales.len()).filter(|j| among(*j) && probe.scales[*j] > 0.0);
    let least = moving.map(|j| probe.scales[j]).fold(f64::INFINITY, f64::min);
    let least = if least.is_finite() { least } else { 1.0 };
    let weight = |j: usize| match probe.scales[j] {
        _ if !among(j) => 0.0,
        0.0 => stream.signed() / least,
        scale => stream.signed() / scale,
    };
    tensor(probe, (0..probe.scales.len()).map(weight))
}

/// One at an output, zero elsewhere.
pub(super) fn unit(probe: &Probe<'_>, output: usize) -> Tensor<f64> {
    tensor(probe, (0..probe.scales.len()).map(|j| f64::from(u8::from(j == output))))
}

pub(super) fn tensor(probe: &Probe<'_>, values: impl Iterator<Item = f64>) -> Tensor<f64> {
    tensor_of(&probe.slopes.output, values)
}

/// Values in the shape of another tensor.
pub(super) fn tensor_of(like: &Tensor<f64>, values: impl Iterator<Item = f64>) -> Tensor<f64> {
    Tensor::build(*like.shape(), |out| out.iter_mut().zip(values).for_each(|(x, value)| *x = value))
}
