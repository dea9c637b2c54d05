//! What the values of a network's tensors look like: how they are spread, and how many lie where. Knows names and tensors; knows
//! no drawing.

use super::network::Network;
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// How many classes of values are counted.
const BINS: usize = 16;

/// The values of a tensor in numbers, such as those of a weight or of its gradient. Values that are not finite are counted and
/// otherwise left out; all sums are in `f64` and in order.
///
/// ```
/// use evograd::Tensor;
/// use evograd::models::TensorStatistics;
/// let statistics = TensorStatistics::of("w", &Tensor::from_vec([2, 2], vec![0.0_f32, 0.0, 3.0, 4.0])?);
/// assert_eq!((statistics.mean, statistics.zeros, statistics.norm), (1.75, 0.5, 5.0));
/// assert_eq!((statistics.least, statistics.greatest), (0.0, 4.0));
/// assert_eq!((statistics.counts[0], statistics.counts[12], statistics.counts[15]), (2, 1, 1));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TensorStatistics {
    /// The tensor's name, such as `conv1.weight`.
    pub name: String,
    /// Its sizes.
    pub sizes: Vec<usize>,
    /// The mean of its values.
    pub mean: f64,
    /// Their standard deviation, with `n` in the denominator.
    pub deviation: f64,
    /// The least of them.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// The share of them that are 0.
    pub zeros: f64,
    /// The root of the sum of their squares.
    pub norm: f64,
    /// How many lie in each of sixteen intervals of the same length, from the least value to the greatest, which belongs to the last
    /// one. Where all values are the same, they are in the first.
    pub counts: Vec<usize>,
    /// How many are infinite or not a number.
    pub not_finite: usize,
}

impl TensorStatistics {
    /// Those of a tensor of any shape; all 0 where it has no finite value.
    pub fn of<E: Element>(name: &str, tensor: &Tensor<E>) -> TensorStatistics {
        let values = || tensor.as_slice().iter().map(|value| value.to_f64()).filter(|value| value.is_finite());
        let count = values().count();
        let share = |sum: f64| if count == 0 { 0.0 } else { sum / count as f64 };
        let mean = share(values().sum());
        let (least, greatest) = match count {
            0 => (0.0, 0.0),
            _ => (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)),
        };
        TensorStatistics {
            name: name.into(),
            sizes: tensor.shape().sizes().to_vec(),
            mean,
            deviation: share(values().map(|value| (value - mean).powi(2)).sum()).sqrt(),
            least,
            greatest,
            zeros: share(values().filter(|value| *value == 0.0).count() as f64),
            norm: values().map(|value| value * value).sum::<f64>().sqrt(),
            counts: counts(values(), least, greatest),
            not_finite: tensor.as_slice().len() - count,
        }
    }
}

/// How many values lie in each interval.
fn counts(values: impl Iterator<Item = f64>, least: f64, greatest: f64) -> Vec<usize> {
    let (mut counts, width) = (vec![0; BINS], greatest - least);
    for value in values {
        let bin = if width > 0.0 { ((value - least) / width * BINS as f64) as usize } else { 0 };
        counts[bin.min(BINS - 1)] += 1;
    }
    counts
}

impl<E: Element> Network<E> {
    /// The values of each weight and running statistic in numbers, in the order of [`Network::state`].
    ///
    /// ```
    /// use evograd::models::{self, Network, Options, TensorStatistics};
    /// use evograd::{Tape, Tensor};
    /// let mut network = Network::<f32>::new(&models::spec("lenet", &Options::default())?, 0)?;
    /// let conv1 = &network.statistics()[0];
    /// assert_eq!((conv1.name.as_str(), conv1.counts.iter().sum::<usize>()), ("conv1.weight", 32 * 3 * 5 * 5));
    /// // The same of gradients: of each weight by its leaf, and of a layer's output where the tape watches it.
    /// let (tape, mut outputs) = (Tape::new(), Vec::new());
    /// let (logits, leaves) = network.train_watched(&tape, &Tensor::full([2, 3, 32, 32], 1.0)?, 0, 0, &mut |name, y| {
    ///     outputs.push((name.to_string(), y.clone()));
    ///     tape.watch(y)
    /// })?;
    /// let gradients = tape.backward(&logits.cross_entropy(&[0, 1], 0.0)?)?;
    /// for ((name, weight), leaf) in network.state().iter().zip(&leaves) {
    ///     let of_gradient = TensorStatistics::of(name, gradients.get(leaf).unwrap());
    ///     assert_eq!(of_gradient.sizes, weight.shape().sizes());
    /// }
    /// let (name, y) = &outputs[0];
    /// assert!(TensorStatistics::of(name, gradients.get(y).unwrap()).norm > 0.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn statistics(&self) -> Vec<TensorStatistics> {
        self.state().into_iter().map(|(name, tensor)| TensorStatistics::of(&name, tensor)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> TensorStatistics {
        TensorStatistics::of("w", &Tensor::from_vec([values.len()], values.to_vec()).unwrap())
    }

    #[test]
    fn numbers_are_those_worked_out_by_hand() {
        let found = of(&[-1.0, 1.0, 3.0, 0.0, 0.0]);
        assert_eq!((found.mean, found.zeros, found.norm), (0.6, 0.4, 11.0_f64.sqrt()));
        assert!((found.deviation - (11.0_f64 / 5.0 - 0.36).sqrt()).abs() < 1e-15);
        assert_eq!((found.least, found.greatest, found.not_finite), (-1.0, 3.0, 0));
        let places: Vec<usize> = (0..BINS).filter(|bin| found.counts[*bin] > 0).collect();
        assert_eq!((places, found.counts[4]), (vec![0, 4, 8, 15], 2));
    }

    #[test]
    fn equal_values_and_those_that_are_not_finite_have_a_place() {
        let found = of(&[2.0, 2.0, f64::NAN, f64::INFINITY]);
        assert_eq!((found.counts[0], found.not_finite, found.deviation), (2, 2, 0.0));
        let none = of(&[f64::NAN]);
        assert_eq!((none.mean, none.least, none.counts.iter().sum::<usize>()), (0.0, 0.0, 0));
    }
}
