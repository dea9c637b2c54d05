//! Bytes to numbers of mean 0 and variance 1, by the statistics of a training set.

use super::parallel::{image_bytes, read_all};
use super::progress::Progress;
use super::{Dataset, split};
use crate::error::{Error, Result};
use crate::rng::{Purpose, Stream};
use std::sync::{Mutex, PoisonError};

/// Images that statistics are estimated from: of so many, the mean of photographs is known to about half a byte.
const SAMPLE: usize = 4096;

/// For each channel the number that each byte becomes.
///
/// ```
/// use evograd::data::{Normalise, Images};
/// let set = Images::new([1, 1, 2], &["a"], vec![100, 200, 100, 200], vec![0, 0])?;
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
    /// When an image cannot be read, or there are no samples.
    pub fn of(set: &dyn Dataset, samples: &[usize]) -> Result<Normalise> {
        if samples.is_empty() {
            return Err(Error::op("normalise", "there are no samples", &[], "give at least one"));
        }
        let mut image = vec![0; image_bytes(set)?];
        let [channels, rows, columns] = set.shape();
        let mut counts = vec![[0_u64; 256]; channels];
        for &sample in samples {
            set.read(sample, &mut image)?;
            count(&mut counts, &image, rows * columns);
        }
        Ok(Self::of_counts(&counts))
    }

    /// As [`Normalise::of`], but of a set whose images have to be decoded, on all cores, and from no more than 4096 of the
    /// samples, drawn by `seed`. `progress` gets how far it is.
    ///
    /// # Errors
    /// As [`Normalise::of`].
    pub fn estimate(set: &dyn Dataset, samples: &[usize], seed: u64, progress: &mut dyn Progress) -> Result<Normalise> {
        if !set.is_decoded() || samples.is_empty() {
            return Self::of(set, samples);
        }
        let mut drawn = samples.to_vec();
        if drawn.len() > SAMPLE {
            split::shuffle(&mut drawn, &mut Stream::new(seed, Purpose::Split, u32::MAX, 0));
            drawn.truncate(SAMPLE);
        }
        let [channels, rows, columns] = set.shape();
        let (counts, first_error) = (Mutex::new(vec![[0_u64; 256]; channels]), Mutex::new(None::<(usize, Error)>));
        let visit = |sample: usize, read: Result<&[u8]>| match read {
            Ok(image) => {
                let mut own = vec![[0_u64; 256]; channels];
                count(&mut own, image, rows * columns);
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                counts.iter_mut().flatten().zip(own.iter().flatten()).for_each(|(all, own)| *all += own);
            }
            Err(error) => {
                let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(earlier, _)| sample < *earlier) {
                    *first = Some((sample, error));
                }
            }
        };
        let total = drawn.len() as u64;
        read_all(set, &drawn, visit, |done| progress.count("reading images", done as u64, total))?;
        match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, error)) => Err(error),
            None => Ok(Self::of_counts(&counts.into_inner().unwrap_or_else(PoisonError::into_inner))),
        }
    }

    /// What stands in for the statistics of a set where they do not matter: the middle and a usual deviation of bytes.
    pub fn usual(channels: usize) -> Normalise {
        Self::with(vec![127.5; channels], vec![64.0; channels])
    }

    fn of_counts(counts: &[[u64; 256]]) -> Normalise {
        let (mean, deviation): (Vec<f64>, Vec<f64>) = counts.iter().map(moments).unzip();
        Self::with(mean, deviation)
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

    /// Refuses statistics that are not one mean and deviation for each channel, or make numbers that are not finite.
    pub(super) fn check(&self, channels: usize) -> Result<()> {
        let counts = [self.mean.len(), self.deviation.len()];
        let refuse = |problem: String, remedy: &str| Err(Error::op("normalise", problem, &[], remedy));
        if counts != [channels; 2] {
            let problem = format!("{} means and {} deviations for {channels} channels", counts[0], counts[1]);
            return refuse(problem, "give one of each for each channel");
        }
        let finite = self.deviation.iter().all(|deviation| deviation.is_finite() && *deviation >= 0.0);
        if !finite || self.tables.iter().flatten().any(|number| !number.is_finite()) {
            let problem =
                format!("the means {:?} and deviations {:?} make no finite numbers", self.mean, self.deviation);
            return refuse(problem, "use means of 0 to 255 and deviations above 0");
        }
        Ok(())
    }

    /// What each byte of a channel becomes.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn table(&self, channel: usize) -> &[f32; 256] {
        &self.tables[channel]
    }
}

/// Counts the bytes of each plane of an image.
fn count(counts: &mut [[u64; 256]], image: &[u8], area: usize) {
    for (counts, plane) in counts.iter_mut().zip(image.chunks(area)) {
        plane.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    }
}

/// Mean and deviation of bytes, of which there are so many of each value.
fn moments(counts: &[u64; 256]) -> (f64, f64) {
    let total = counts.iter().sum::<u64>() as f64;
    let mean = counts.iter().enumerate().map(|(byte, count)| byte as f64 * *count as f64).sum::<f64>() / total;
    let squares = counts.iter().enumerate().map(|(byte, count)| (byte as f64 - mean).powi(2) * *count as f64);
    (mean, (squares.sum::<f64>() / total).sqrt())
}
