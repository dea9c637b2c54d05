//! The data set `digits`: the ten digits as a pen writes them, small grey images made from a seed. Knows random numbers and
//! labelled images; needs no file.
//!
//! # What is seen
//! One digit, bright on a dark ground as MNIST has them, in 28 rows and columns. Its strokes are lines and cubic Bézier curves
//! ([`strokes`]) whose control points are moved at random; a 1 may have a foot, a 4 be open, a 7 be crossed, a 9 be bent. A hand
//! differs in size, width, slant, turn and place, a pen in width and ink; blur and noise come on top ([`pen`]).
//!
//! # The same everywhere
//! As with [`shapes`](super::shapes()): an image depends on the seed, the set and its index alone, and the arithmetic is
//! `+ − × ÷`, square root, rounding and comparison in `f32`, which every platform does alike.

mod pen;
mod strokes;

use super::drawn::Drawn;
use super::{Augment, Images, SetInfo, Sets};
use crate::error::Result;
use crate::rng::Purpose;
use pen::SIDE;
use std::sync::Arc;
use std::thread;

/// The names of the classes.
const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The row of the set; the one that everybody has is of seed 0.
pub(super) const DIGITS: SetInfo = SetInfo {
    name: "digits",
    summary: "Digits: small grey images as a pen writes them, made by this program from a seed",
    classes: Some(CLASSES.len()),
    shape: Some([1, SIDE, SIDE]),
    counts: Some([10_000, 2_000]),
    augment: Augment { crop: 2, flip: false, cutout: 0 },
    licence: "that of this program",
    mirrors: &[],
    archives: &[],
    folder: None,
    files: &[],
    open: |_| digits(0),
    loose: |_| true,
};

/// The data set `digits`: 10,000 training and 2,000 test images `[1, 28, 28]` of the ten digits, made from a seed.
///
/// The classes are equally frequent and their order is random. Another seed gives other images of the same kind.
///
/// # Errors
/// None at this size; see [`digits_of`].
///
/// ```
/// let sets = evograd::data::digits(0)?;
/// assert_eq!((sets.train.len(), sets.test.len(), sets.train.shape()), (10_000, 2_000, [1, 28, 28]));
/// assert_eq!(sets.train.classes()[8], "8");
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn digits(seed: u64) -> Result<Sets> {
    digits_of(seed, 10_000, 2_000)
}

/// The data set [`digits`] with another number of images: the first ones of the same seed, and more beyond them.
///
/// # Errors
/// When one of the sets is empty, or larger than a million images.
///
/// ```
/// use evograd::data::digits_of;
/// let (few, more) = (digits_of(7, 20, 10)?, digits_of(7, 50, 10)?);
/// assert!((0..20).all(|index| few.train.label(index) == more.train.label(index)));
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn digits_of(seed: u64, train: usize, test: usize) -> Result<Sets> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let [train, test] = [(0, train), (1, test)].map(|(split, count)| made(seed, split, count, threads));
    Ok(Sets { train: Arc::new(train?), test: Arc::new(test?) })
}

/// One of both sets: the training set is split 0, the test set split 1.
fn made(seed: u64, split: u32, count: usize, threads: usize) -> Result<Images> {
    Drawn { name: "digits", purpose: Purpose::Digits, classes: &CLASSES, shape: [1, SIDE, SIDE], image: pen::image }
        .made(seed, split, count, threads)
}

#[cfg(test)]
mod tests {
    use super::super::Dataset;
    use super::*;
    use sha2::{Digest, Sha256};
    use std::collections::HashSet;

    fn images(set: &dyn Dataset) -> Vec<Vec<u8>> {
        let read = |index| {
            let mut image = vec![0; SIDE * SIDE];
            set.read(index, &mut image).map(|()| image)
        };
        (0..set.len()).map(|index| read(index).unwrap()).collect()
    }

    #[test]
    fn the_bytes_are_the_same_for_any_number_of_threads() {
        let one = made(3, 0, 300, 1).unwrap();
        for threads in [2, 5, 64] {
            assert!(one == made(3, 0, 300, threads).unwrap(), "{threads} threads");
        }
    }

    /// Changes whenever a single byte does: then every number measured on this set is void.
    #[test]
    fn the_bytes_are_the_same_for_ever() {
        let sets = digits_of(0, 1000, 100).unwrap();
        let mut hash = Sha256::new();
        for set in [&sets.train, &sets.test] {
            images(set.as_ref()).iter().for_each(|image| hash.update(image));
            (0..set.len()).for_each(|index| hash.update([set.label(index) as u8]));
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "6ba4a06a7b4db97ee68f0a3006ca57f585cc88628acde4d02a93815bbb9aa737");
    }

    #[test]
    fn no_image_comes_twice_and_classes_are_balanced() {
        let sets = digits_of(1, 1000, 500).unwrap();
        let all: HashSet<Vec<u8>> = images(&*sets.train).into_iter().chain(images(&*sets.test)).collect();
        assert_eq!(all.len(), 1500);
        let mut counts = [0; 10];
        (0..1000).for_each(|index| counts[sets.train.label(index)] += 1);
        assert_eq!(counts, [100; 10]);
    }

    /// A digit is bright, its ground dark, and it does not run out of the image: of the border, nearly nothing is bright.
    #[test]
    fn digits_are_bright_and_within_the_image() {
        let set = made(2, 0, 1000, 2).unwrap();
        let (mut border, mut bright) = (0, 0);
        for image in images(&set) {
            let ends = [image.iter().min(), image.iter().max()].map(|end| u32::from(*end.unwrap()));
            let is_bright = |byte: u8| 2 * u32::from(byte) > ends[0] + ends[1];
            // A stroke of the smallest digit goes through 14 rows.
            let count = image.iter().filter(|byte| is_bright(**byte)).count();
            assert!(
                ends[1] > ends[0] + 75 && (14..SIDE * SIDE / 2).contains(&count),
                "{count} bright pixels of {ends:?}"
            );
            bright += count;
            let is_border = |i: usize| [i / SIDE, i % SIDE].iter().any(|at| [0, SIDE - 1].contains(at));
            border += (0..SIDE * SIDE).filter(|&i| is_border(i) && is_bright(image[i])).count();
        }
        assert!(border * 200 < bright, "{border} of {bright} bright pixels lie on the border");
    }

    /// The nearest of the classes' mean images is the right one far more often than by chance, and far from always: digits look
    /// like those of their class, and differ.
    #[test]
    fn digits_of_a_class_are_alike_and_not_the_same() {
        let sets = digits_of(0, 2000, 500).unwrap();
        let mut means = vec![vec![0.0; SIDE * SIDE]; 10];
        for (index, image) in images(&*sets.train).iter().enumerate() {
            let mean = &mut means[sets.train.label(index)];
            image.iter().zip(mean).for_each(|(x, mean)| *mean += f64::from(*x) / 200.0);
        }
        let distance = |image: &[u8], mean: &[f64]| -> f64 {
            image.iter().zip(mean).map(|(x, mean)| (f64::from(*x) - mean).powi(2)).sum()
        };
        let nearest = |image: &[u8]| {
            (0..10).min_by(|a, b| distance(image, &means[*a]).total_cmp(&distance(image, &means[*b]))).unwrap()
        };
        let tested = images(&*sets.test);
        let correct = (0..500).filter(|&index| nearest(&tested[index]) == sets.test.label(index)).count();
        assert!((225..425).contains(&correct), "{correct} of 500");
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        let text = digits_of(0, 0, 10).err().unwrap().to_string();
        assert_eq!(text, "digits: 0 training images were asked for; ask for 1 to 1000000 of each");
    }
}
