//! Batches of an epoch, made by threads of their own while the last batch is trained on.
//!
//! The order of an epoch and the changes to each sample are functions of the seed, the epoch and the sample alone. So
//! the stream is the same for any number of threads, and can be entered at any batch.

use super::parallel::image_bytes;
use super::split::shuffle;
use super::{Augment, Dataset, Normalise};
use crate::error::{Error, Result};
use crate::reserve;
use crate::rng::{Purpose, Stream};
use crate::tensor::Tensor;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Batches that each thread may be ahead.
const AHEAD: usize = 2;
/// More threads than any machine has use for.
const MOST_THREADS: usize = 1024;

/// How batches are made.
#[derive(Clone, Debug)]
pub struct Loading {
    /// Samples in a batch.
    pub batch: usize,
    /// The seed of the order, the changes and the disturbed labels.
    pub seed: u64,
    /// Whether samples come in a new order in every epoch, and a last batch that is not full is left out.
    pub training: bool,
    /// The changes made to each sample.
    pub augment: Augment,
    /// The probability that a label is drawn anew from all classes, as DisturbLabel has it (CVPR 2016).
    pub disturb: f64,
    /// Threads that make batches, at least 1.
    pub threads: usize,
}

/// Samples of a set, as batches.
#[derive(Clone)]
pub struct Loader {
    set: Arc<dyn Dataset>,
    samples: Arc<[usize]>,
    normalise: Arc<Normalise>,
    loading: Loading,
}

/// Images with their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Images `[N, C, H, W]`.
    pub images: Tensor<f32>,
    /// The class of each, as it is trained on.
    pub labels: Vec<usize>,
    /// The class of each in truth.
    pub truth: Vec<usize>,
}

/// The batches of an epoch, in order.
pub struct Batches {
    next: usize,
    end: usize,
    lanes: Vec<Receiver<Result<Batch>>>,
}

impl Loader {
    /// Batches of these samples of a set.
    ///
    /// # Errors
    /// When there are no samples or a sample is none of the set, a setting makes no sense, what is cropped or cut out is larger
    /// than an image, or there is not one mean and deviation for each channel.
    pub fn new(set: Arc<dyn Dataset>, samples: &[usize], normalise: Normalise, loading: Loading) -> Result<Loader> {
        let refuse = |problem: String, remedy: &str| Err(Error::op("loader", problem, &[], remedy));
        if samples.is_empty() {
            return refuse("there are no samples".into(), "give at least one");
        }
        if let Some(sample) = samples.iter().find(|&&sample| sample >= set.len()) {
            return refuse(
                format!("sample {sample} is none of the set, which has {}", set.len()),
                "number them from 0",
            );
        }
        if loading.batch == 0 || !(1..=MOST_THREADS).contains(&loading.threads) {
            let problem = format!("images in a batch: {}, threads: {}", loading.batch, loading.threads);
            return refuse(problem, "use at least one of each, and at most 1024 threads");
        }
        image_bytes(&*set)?;
        let ([channels, rows, columns], Augment { crop, cutout, .. }) = (set.shape(), loading.augment);
        if crop.max(cutout) > rows.min(columns) {
            let problem = format!("crop {crop} and cutout {cutout} of images of {rows}×{columns}");
            return refuse(problem, "use pixels up to the shorter side");
        }
        normalise.check(channels)?;
        if set.classes().is_empty() {
            return refuse("the set has no classes".into(), "give it at least one");
        }
        if !(0.0..=1.0).contains(&loading.disturb) {
            return refuse(format!("labels are disturbed with probability {}", loading.disturb), "use one from 0 to 1");
        }
        Ok(Loader { set, samples: samples.into(), normalise: Arc::new(normalise), loading })
    }

    /// The same samples in the order, and with the changes, of another seed.
    pub fn seeded(mut self, seed: u64) -> Loader {
        self.loading.seed = seed;
        self
    }

    /// The names of the set's classes.
    pub fn classes(&self) -> &[String] {
        self.set.classes()
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    /// The number of batches in an epoch.
    pub fn batches(&self) -> usize {
        let full = self.samples.len() / self.loading.batch;
        if self.loading.training && full > 0 { full } else { self.samples.len().div_ceil(self.loading.batch) }
    }

    /// The batches of an epoch from batch `first` on.
    ///
    /// # Errors
    /// When the system refuses to start a thread.
    pub fn epoch(&self, epoch: u32, first: usize) -> Result<Batches> {
        let order: Arc<[usize]> = self.order(epoch).into();
        let end = self.batches();
        let threads = self.loading.threads.min(end.saturating_sub(first)).max(1);
        let lane = |lane: usize| {
            let (sender, receiver) = sync_channel(AHEAD);
            let (loader, order) = (self.clone(), order.clone());
            let make = move || {
                let numbers = (first.saturating_add(lane)..end).step_by(threads);
                loader.send(epoch, &order, numbers, &sender);
            };
            let refused = |error| Error::op("loader", format!("no thread: {error}"), &[], "use fewer in data.threads");
            std::thread::Builder::new().spawn(make).map(|_| receiver).map_err(refused)
        };
        let lanes = (0..threads).map(lane).collect::<Result<_>>()?;
        Ok(Batches { next: 0, end: end.saturating_sub(first), lanes })
    }

    /// Makes batches until all are made or nobody wants them any more.
    fn send(
        &self,
        epoch: u32,
        order: &[usize],
        numbers: impl Iterator<Item = usize>,
        sender: &SyncSender<Result<Batch>>,
    ) {
        for number in numbers {
            let start = number * self.loading.batch;
            let end = (start + self.loading.batch).min(order.len());
            if sender.send(self.batch(epoch, &order[start..end])).is_err() {
                return;
            }
        }
    }

    /// The samples in the order of an epoch.
    fn order(&self, epoch: u32) -> Vec<usize> {
        let mut order = self.samples.to_vec();
        if self.loading.training {
            shuffle(&mut order, &mut Stream::new(self.loading.seed, Purpose::Shuffle, epoch, 0));
        }
        order
    }

    fn batch(&self, epoch: u32, samples: &[usize]) -> Result<Batch> {
        let shape = self.set.shape();
        let size = shape.iter().product::<usize>();
        let mut images = Tensor::zeros([samples.len(), shape[0], shape[1], shape[2]])?;
        let mut bytes = reserve::filled(size, 0).map_err(|refused| refused.during("loader"))?;
        for (&sample, out) in samples.iter().zip(images.as_mut_slice().chunks_mut(size)) {
            self.set.read(sample, &mut bytes)?;
            let mut stream = self.stream(Purpose::Augment, epoch, sample);
            self.loading.augment.write(&bytes, shape, &self.normalise, &mut stream, out);
        }
        let truth = samples.iter().map(|&sample| self.truth(sample)).collect::<Result<Vec<usize>>>()?;
        let labels = samples.iter().zip(&truth).map(|(&sample, &class)| self.label(epoch, sample, class)).collect();
        Ok(Batch { images, labels, truth })
    }

    /// The class of a sample, which has to be one.
    fn truth(&self, sample: usize) -> Result<usize> {
        let (class, classes) = (self.set.label(sample), self.set.classes().len());
        if class < classes {
            return Ok(class);
        }
        let problem = format!("image {sample} is of class {class}, and there are {classes} classes");
        Err(Error::op("loader", problem, &[], "number the classes from 0"))
    }

    /// The class that a sample is trained on in an epoch: with the probability asked for, any of all classes, its own
    /// among them.
    fn label(&self, epoch: u32, sample: usize, class: usize) -> usize {
        let mut stream = self.stream(Purpose::Labels, epoch, sample);
        let disturbed = self.loading.disturb > 0.0 && stream.uniform() < self.loading.disturb;
        if disturbed { stream.below(self.set.classes().len()) } else { class }
    }

    fn stream(&self, purpose: Purpose, epoch: u32, sample: usize) -> Stream {
        Stream::new(self.loading.seed, purpose, epoch, sample as u32)
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        if self.next == self.end {
            return None;
        }
        let lane = &self.lanes[self.next % self.lanes.len()];
        self.next += 1;
        let lost = || Error::op("loader", "a thread that makes batches ended early", &[], "report it as a fault");
        Some(lane.recv().unwrap_or_else(|_| Err(lost())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Images;
    use super::*;

    fn loader(threads: usize, disturb: f64, training: bool) -> Loader {
        let classes: Vec<String> = (0..4).map(|class| class.to_string()).collect();
        let bytes = (0..103 * 12).map(|i| (i * 7 % 251) as u8).collect();
        let set = Images::new([3, 2, 2], &classes, bytes, (0..103).map(|i| i % 4).collect()).unwrap();
        let samples: Vec<usize> = (0..103).collect();
        let normalise = Normalise::of(&set, &samples).unwrap();
        let augment = Augment { crop: 1, flip: true, cutout: 1 };
        let loading = Loading { batch: 10, seed: 3, training, augment, disturb, threads };
        Loader::new(Arc::new(set), &samples, normalise, loading).unwrap()
    }

    fn all(loader: &Loader, epoch: u32, first: usize) -> Vec<Batch> {
        loader.epoch(epoch, first).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn the_stream_is_the_same_for_any_number_of_threads_and_can_be_entered_anywhere() {
        let whole = all(&loader(1, 0.5, true), 2, 0);
        assert_eq!(whole.len(), 10);
        for threads in [2, 3, 7] {
            assert_eq!(all(&loader(threads, 0.5, true), 2, 0), whole);
            assert_eq!(all(&loader(threads, 0.5, true), 2, 4), whole[4..]);
        }
        assert_ne!(all(&loader(1, 0.5, true), 3, 0), whole);
    }

    #[test]
    fn evaluation_goes_through_every_sample_once_in_order() {
        let batches = all(&loader(2, 0.0, false), 0, 0);
        assert_eq!(batches.len(), 11);
        let classes: Vec<usize> = batches.iter().flat_map(|batch| batch.truth.clone()).collect();
        assert_eq!(classes, (0..103).map(|i| i % 4).collect::<Vec<_>>());
    }

    #[test]
    fn labels_are_disturbed_as_often_as_asked_and_anew_in_every_epoch() {
        let loader = loader(1, 0.4, true);
        let (mut wrong, mut total) = (0, 0);
        for epoch in 0..200 {
            for batch in all(&loader, epoch, 0) {
                wrong += batch.labels.iter().zip(&batch.truth).filter(|(label, truth)| label != truth).count();
                total += batch.labels.len();
            }
        }
        // One in four of the redrawn labels is the true one.
        let share = wrong as f64 / total as f64;
        assert!((share - 0.3).abs() < 0.01, "{share}");
    }

    proptest::proptest! {
        /// Whatever is asked for is an error or makes batches: no thread panics.
        #[test]
        fn odd_settings_are_refused_or_work(
            augment in (odd(), proptest::bool::ANY, odd()),
            (batch, threads, sample) in (odd(), odd(), odd()),
            (disturb, means) in (proptest::num::f64::ANY, proptest::collection::vec(proptest::num::f64::ANY, 0..4)),
            usual: bool,
        ) {
            let set = Arc::new(Images::new([3, 2, 4], &["a", "b"], vec![7; 240], vec![1; 10]).unwrap());
            let augment = Augment { crop: augment.0, flip: augment.1, cutout: augment.2 };
            let disturb = if usual { 0.5 } else { disturb };
            let normalise = if usual { Normalise::usual(3) } else { Normalise::with(means.clone(), means) };
            let loading = Loading { batch, seed: 1, training: true, augment, disturb, threads };
            let right = augment.crop <= 2 && augment.cutout <= 2 && batch > 0 && (1..=1024).contains(&threads) && sample < 10;
            match Loader::new(set, &[sample, 0], normalise, loading) {
                Ok(loader) => {
                    proptest::prop_assert!(right);
                    loader.epoch(0, 0).unwrap().for_each(|batch| drop(batch.unwrap()));
                    proptest::prop_assert_eq!(loader.epoch(0, usize::MAX).unwrap().count(), 0);
                }
                Err(error) => {
                    proptest::prop_assert!(!(right && usual), "{}", error);
                }
            }
        }
    }

    /// Small numbers and the largest ones.
    fn odd() -> impl proptest::strategy::Strategy<Value = usize> {
        use proptest::prelude::*;
        prop_oneof![4 => 0..6_usize, 1 => usize::MAX - 3..=usize::MAX, 1 => 1020..1030_usize]
    }

    #[test]
    fn a_consumer_that_leaves_early_leaves_no_thread_behind() {
        let loader = loader(3, 0.0, true);
        let set = Arc::downgrade(&loader.set);
        drop(loader.epoch(0, 0).unwrap().next());
        drop(loader);
        let gone = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            set.strong_count() == 0
        });
        assert!(gone, "a thread still holds the set");
    }
}
