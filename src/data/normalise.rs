//! Bytes to numbers of mean 0 and variance 1, by the statistics of a training set.

use super::Dataset;
use crate::error::{Error, Result};

/// For each channel the number that each byte becomes.
///
/// ```
/// use evograd::data::{Normalise, Pictures};
/// let set = Pictures::new([1, 1, 2], &["a"], vec![100, 200, 100, 200], vec![0, 0])?;
/// let normalise = Normalise::of(&set, &[0, 1])?;
/// assert_eq!((normalise.mean(), normalise.deviation()), (&[150.0][..], &[50.0][..]));
/// assert_eq!(normalise.table(0)[200], 1.0);
/// assert_eq!(Normalise::from_json(&normalise.to_json()), Some(normalise));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Normalise {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    tables: Vec<[f32; 256]>,
}

impl Normalise {
    /// The statistics of some samples of a set, from an exact count of every byte. A channel that is the same everywhere
    /// is only shifted.
    ///
    /// # Errors
    /// When a picture cannot be read, or there are no samples.
    pub fn of(set: &dyn Dataset, samples: &[usize]) -> Result<Normalise> {
        if samples.is_empty() {
            return Err(Error::op("normalise", "there are no samples", &[], "give at least one"));
        }
        let [channels, rows, columns] = set.shape();
        let mut counts = vec![[0_u64; 256]; channels];
        let mut picture = vec![0; channels * rows * columns];
        for &sample in samples {
            set.read(sample, &mut picture)?;
            for (counts, plane) in counts.iter_mut().zip(picture.chunks(rows * columns)) {
                plane.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
            }
        }
        let (mean, deviation): (Vec<f64>, Vec<f64>) = counts.iter().map(moments).unzip();
        Ok(Self::with(mean, deviation))
    }

    /// Given statistics, in bytes, for each channel.
    pub fn with(mean: Vec<f64>, deviation: Vec<f64>) -> Normalise {
        let table = |(mean, deviation): (&f64, &f64)| {
            let scale = if *deviation > 0.0 { 1.0 / deviation } else { 1.0 };
            std::array::from_fn(|byte| ((byte as f64 - mean) * scale) as f32)
        };
        let tables = mean.iter().zip(&deviation).map(table).collect();
        Normalise { mean, deviation, tables }
    }

    /// The statistics as JSON, from which [`Normalise::from_json`] makes the same numbers.
    pub fn to_json(&self) -> String {
        serde_json::json!({ "mean": self.mean, "deviation": self.deviation }).to_string()
    }

    /// The statistics that [`Normalise::to_json`] gave; `None` where the text is no such thing.
    pub fn from_json(text: &str) -> Option<Normalise> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let numbers = |key: &str| -> Option<Vec<f64>> { serde_json::from_value(value.get(key)?.clone()).ok() };
        let (mean, deviation) = (numbers("mean")?, numbers("deviation")?);
        (mean.len() == deviation.len()).then(|| Normalise::with(mean, deviation))
    }

    /// The mean of each channel, in bytes.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The standard deviation of each channel, in bytes.
    pub fn deviation(&self) -> &[f64] {
        &self.deviation
    }

    /// What each byte of a channel becomes.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn table(&self, channel: usize) -> &[f32; 256] {
        &self.tables[channel]
    }
}

/// Mean and deviation of bytes, of which there are so many of each value.
fn moments(counts: &[u64; 256]) -> (f64, f64) {
    let total = counts.iter().sum::<u64>() as f64;
    let mean = counts.iter().enumerate().map(|(byte, count)| byte as f64 * *count as f64).sum::<f64>() / total;
    let squares = counts.iter().enumerate().map(|(byte, count)| (byte as f64 - mean).powi(2) * *count as f64);
    (mean, (squares.sum::<f64>() / total).sqrt())
}
