//! Directions that elements are moved along: each in proportion to its own size, and those whose part in the gradient is small
//! once more without the others.

use super::slopes::root_mean_square;
use crate::rng::Stream;
use crate::tensor::Tensor;

/// Elements whose parts in the gradient are apart by more than this factor are moved apart.
const LEVEL: f64 = 1e-3;
/// Levels that are distinguished; all that is smaller, and 0, is of the last.
const LEVELS: usize = 6;

/// Random numbers from ½ to 1 of either sign.
pub(super) struct Signs(pub Stream);

impl Signs {
    /// The next of them.
    pub fn signed(&mut self) -> f64 {
        let magnitude = 0.5 + 0.5 * self.0.uniform();
        if self.0.word() & 1 == 1 { magnitude } else { -magnitude }
    }
}

/// The size of each element; that of a 0 is the root mean square of its tensor, or 1 where all are 0.
pub(super) fn sizes(x: &Tensor<f64>) -> Vec<f64> {
    let typical = root_mean_square(x.as_slice());
    let of_zero = if typical > 0.0 { typical } else { 1.0 };
    x.as_slice().iter().map(|x| if *x == 0.0 { of_zero } else { x.abs() }).collect()
}

/// The direction without all elements but those of a lower level, for each level below the greatest that has some.
pub(super) fn levels(u: &[f64], dx: &Tensor<f64>) -> Vec<Vec<f64>> {
    let parts: Vec<f64> = u.iter().zip(dx.as_slice()).map(|(u, dx)| (u * dx).abs()).collect();
    let greatest = parts.iter().copied().fold(0.0, f64::max);
    let level = |part: f64| match (part / greatest).log(LEVEL) {
        level if level < LEVELS as f64 => level as usize,
        _ => LEVELS - 1,
    };
    let levels: Vec<usize> = parts.iter().map(|part| level(*part)).collect();
    let members = |level: usize| (0..u.len()).filter(|i| levels[*i] == level).collect::<Vec<usize>>();
    (1..LEVELS)
        .map(members)
        .filter(|some| !some.is_empty() && some.len() < u.len())
        .map(|some| only(u, &some))
        .collect()
}

/// The elements of some places, and 0 elsewhere.
pub(super) fn only(u: &[f64], places: &[usize]) -> Vec<f64> {
    let mut some = vec![0.0; u.len()];
    places.iter().for_each(|&i| some[i] = u[i]);
    some
}
