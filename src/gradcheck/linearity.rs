//! Whether backward is linear in the gradient of the output, as the product with a Jacobian matrix is. Finite differences do
//! not show it where there is one output, as its gradient is then 1.

use super::directions::{Signs, only, sizes};
use super::projection::Comparison;
use super::sample::index;
use super::{Diagnosis, Place};
use crate::error::Result;
use crate::rng::{Purpose, Stream};
use crate::tensor::Tensor;

/// The most outputs that are tried to show that backward is not linear.
const OUTPUTS: usize = 16;

/// Where backward is not linear, and how it looks.
pub(super) struct Nonlinear {
    pub input: usize,
    pub element: usize,
    pub diagnosis: Diagnosis,
}

impl Nonlinear {
    /// A derivative as backward gives it for a gradient of ½, doubled, and what finite differences say of it: of the outputs that
    /// were tried, the one at which they differ most.
    pub fn place(&self, comparison: &Comparison<'_>) -> Result<Place> {
        let x = &comparison.function.inputs[self.input];
        let sizes = sizes(x);
        let column = comparison.function.careful(self.input, &only(&sizes, &[self.element]))?;
        let mut worst: Option<Place> = None;
        for output in 0..column.all.len().min(OUTPUTS) {
            let half = comparison.function.gradients(|other| if other == output { 0.5 } else { 0.0 })?;
            let slope = column.all[output];
            let place = Place {
                input: self.input,
                index: index(x.shape(), self.element),
                output: index(column.output.shape(), output),
                analytic: 2.0 * half[self.input].as_slice()[self.element],
                numeric: slope.value / sizes[self.element],
                uncertainty: slope.error / sizes[self.element],
            };
            let gap = |place: &Place| (place.analytic - place.numeric).abs();
            if worst.as_ref().is_none_or(|worst| gap(&place) > gap(worst)) {
                worst = Some(place);
            }
        }
        Ok(worst.expect("a tensor has elements"))
    }
}

/// Compares what backward makes of a random gradient of the output and of half of it: two evaluations for all inputs. Half a
/// number is exact, so that rounding does not tell them apart.
pub(super) fn nonlinear(comparison: &Comparison<'_>) -> Result<Option<Nonlinear>> {
    let whole = gradients(comparison, 1.0)?;
    let half = gradients(comparison, 0.5)?;
    let tolerance = comparison.settings.tolerance;
    let equal = |a: f64, b: f64| (a - b).abs() <= tolerance * a.abs().max(b.abs()) + f64::MIN_POSITIVE;
    let every = |holds: &dyn Fn(usize, usize) -> bool| {
        (0..whole.len()).all(|input| (0..whole[input].as_slice().len()).all(|i| holds(input, i)))
    };
    let [at, halved] = [&whole, &half].map(|all| move |input: usize, i: usize| all[input].as_slice()[i]);
    let inputs = 0..whole.len();
    let mut places = inputs.flat_map(|input| (0..whole[input].as_slice().len()).map(move |i| (input, i)));
    let Some((input, element)) = places.find(|&(input, i)| !equal(2.0 * halved(input, i), at(input, i))) else {
        return Ok(None);
    };
    let diagnosis = if gradients(comparison, 1.0)? != whole {
        Diagnosis::Unrepeatable
    } else if every(&|input, i| equal(at(input, i), halved(input, i))) {
        Diagnosis::GradientIgnored
    } else {
        let quarter = gradients(comparison, 0.25)?;
        // Of c + J·r/2 and c + J·r/4 twice the second, less the first, is c.
        let constant = 2.0 * halved(input, element) - at(input, element);
        let expected = |input: usize, i: usize| 1.5 * halved(input, i) - 0.5 * at(input, i);
        let is_affine = every(&|input, i| equal(quarter[input].as_slice()[i], expected(input, i)));
        if is_affine { Diagnosis::ConstantAdded(constant) } else { Diagnosis::Nonlinear }
    };
    Ok(Some(Nonlinear { input, element, diagnosis }))
}

/// What backward makes of a share of the same random gradient of the output.
fn gradients(comparison: &Comparison<'_>, share: f64) -> Result<Vec<Tensor<f64>>> {
    let mut signs = Signs(Stream::new(comparison.settings.seed, Purpose::Gradcheck, 0, u32::MAX));
    comparison.function.gradients(|_| share * signs.signed())
}
