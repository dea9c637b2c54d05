//! The data set `shapes`: small colour images of ten classes of drawn objects, made from a seed. Knows random numbers
//! and labelled images; needs no file.
//!
//! # What is seen
//! Each image shows one large object — an arrow, crescent, cross, disc, flower, heart, ring, square, star or triangle —
//! in any place and size, turned a little either way, stretched and tilted, on a textured ground. It is filled with a texture;
//! all but discs and rings may be drawn as a line instead. Around and before it lie fragments and smaller things of any
//! class; light, shadow, blur and noise come on top. Nine objects in ten are lighter than their ground. Colours, textures, clutter and light are drawn alike for all classes,
//! so the outline of the largest object tells the class, and no colour does. An image and its mirror image are equally
//! likely: flipping left and right is a fair augmentation, turning by a quarter is not.
//!
//! # The same everywhere
//! An image depends on the seed, the set and its index, and on nothing else: it draws from a random stream of its own, so
//! any number of threads makes the same bytes, and a small set is the beginning of a larger one. The arithmetic is
//! `+ − × ÷`, square root, rounding and comparison in `f32`, which every platform does alike; sine, cosine and the
//! exponential function are not, so directions come from a rational formula and from tables.
//!
//! # How it is drawn
//! [`drawn`](super::drawn) makes choices, [`outline`] says where objects end, [`texture`] what surfaces look like, [`canvas`] lays outlines
//! onto pixels, [`clutter`] adds what distracts, [`light`] what light and a camera do, [`scene`] puts all in order.

mod canvas;
mod clutter;
mod light;
mod outline;
mod scene;
mod texture;

use super::drawn::Drawn;
use super::{Augment, Images, SetInfo, Sets};
use crate::error::Result;
use crate::rng::Purpose;
use canvas::SIDE;
use outline::CLASSES;
use std::sync::Arc;
use std::thread;

/// The row of the set; the one that everybody has is of seed 0.
pub(super) const SHAPES: SetInfo = SetInfo {
    name: "shapes",
    summary: "Shapes: small colour images of drawn objects, made by this program from a seed",
    classes: Some(CLASSES.len()),
    shape: Some([3, SIDE, SIDE]),
    counts: Some([10_000, 2_000]),
    augment: Augment { crop: 2, flip: true, cutout: 0 },
    licence: "that of this program",
    mirrors: &[],
    archives: &[],
    folder: None,
    files: &[],
    open: |_| shapes(0),
    loose: |_| true,
};

/// The data set `shapes`: 10,000 training and 2,000 test images `[3, 32, 32]` of ten classes, made from a seed.
///
/// Each image shows one large object among clutter: an arrow, crescent, cross, disc, flower, heart, ring, square, star or
/// triangle, in any colour and texture. Only its outline tells the class; flipping left and right keeps it.
///
/// The classes are equally frequent and their order is random. Another seed gives other images of the same kind.
///
/// # Errors
/// None at this size; see [`shapes_of`].
///
/// ```
/// let sets = evograd::data::shapes(0)?;
/// assert_eq!((sets.train.len(), sets.test.len(), sets.train.shape()), (10_000, 2_000, [3, 32, 32]));
/// assert_eq!(sets.train.classes()[8], "star");
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn shapes(seed: u64) -> Result<Sets> {
    shapes_of(seed, 10_000, 2_000)
}

/// The data set [`shapes`] with another number of images: the first ones of the same seed, and more beyond them.
///
/// Each class is as frequent as another, or one more where the number is no multiple of ten.
///
/// # Errors
/// When one of the sets is empty, or larger than a million images.
///
/// ```
/// use evograd::data::{shapes, shapes_of};
/// let (few, all) = (shapes_of(7, 20, 10)?, shapes(7)?);
/// assert!((0..20).all(|index| few.train.label(index) == all.train.label(index)));
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn shapes_of(seed: u64, train: usize, test: usize) -> Result<Sets> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let [train, test] = [(0, train), (1, test)].map(|(split, count)| made(seed, split, count, threads));
    Ok(Sets { train: Arc::new(train?), test: Arc::new(test?) })
}

/// How the set is drawn.
const DRAWN: Drawn =
    Drawn { name: "shapes", purpose: Purpose::Shapes, classes: &CLASSES, shape: [3, SIDE, SIDE], image: scene::image };

/// One of both sets: the training set is split 0, the test set split 1.
fn made(seed: u64, split: u32, count: usize, threads: usize) -> Result<Images> {
    DRAWN.made(seed, split, count, threads)
}

#[cfg(test)]
mod tests {
    use super::super::Dataset;
    use super::*;
    use crate::data::drawn::Draw;
    use sha2::{Digest, Sha256};
    use std::collections::HashSet;

    /// Bytes of an image.
    const BYTES: usize = 3 * SIDE * SIDE;

    fn images(set: &dyn Dataset) -> Vec<Vec<u8>> {
        let read = |index| {
            let mut image = vec![0; BYTES];
            set.read(index, &mut image).map(|()| image)
        };
        (0..set.len()).map(|index| read(index).unwrap()).collect()
    }

    /// The mean of each channel.
    fn colour_of(image: &[u8]) -> [f64; 3] {
        let plane = |c: usize| &image[c * SIDE * SIDE..][..SIDE * SIDE];
        std::array::from_fn(|c| plane(c).iter().map(|&x| f64::from(x)).sum::<f64>() / (SIDE * SIDE) as f64)
    }

    fn squared_distance(a: &[f64; 3], b: &[f64; 3]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
    }

    #[test]
    fn the_bytes_are_the_same_for_any_number_of_threads_and_calls() {
        let one = made(3, 0, 300, 1).unwrap();
        for threads in [1, 2, 5, 64] {
            assert!(one == made(3, 0, 300, threads).unwrap(), "{threads} threads");
        }
    }

    /// Changes whenever a single byte does: then every number measured on this set is void.
    #[test]
    fn the_bytes_are_the_same_for_ever() {
        let sets = shapes_of(0, 1000, 100).unwrap();
        let mut hash = Sha256::new();
        for set in [&sets.train, &sets.test] {
            images(set.as_ref()).iter().for_each(|image| hash.update(image));
            (0..set.len()).for_each(|index| hash.update([set.label(index) as u8]));
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "51642078df2191f054f9cbf14ecb85b3d3c48d1eabd21f155de9c04abb21d705");
    }

    #[test]
    fn a_small_set_is_the_beginning_of_a_larger_one() {
        let (few, more) = (made(1, 1, 70, 2).unwrap(), made(1, 1, 135, 2).unwrap());
        let image = |set: &Images, index| {
            let mut image = [0; 3 * 32 * 32];
            set.read(index, &mut image).unwrap();
            (set.label(index), image)
        };
        assert!((0..70).all(|index| image(&few, index) == image(&more, index)));
    }

    #[test]
    fn no_image_comes_twice_in_either_set_or_under_another_seed() {
        let mut seen = HashSet::new();
        for seed in [0, 1, 1 << 32] {
            let sets = shapes_of(seed, 1000, 500).unwrap();
            seen.extend(images(sets.train.as_ref()));
            seen.extend(images(sets.test.as_ref()));
        }
        assert_eq!(seen.len(), 3 * 1500);
    }

    #[test]
    fn an_image_of_another_class_is_another_image() {
        let draw = |class| {
            let mut bytes = vec![0; BYTES];
            scene::image(class, &mut bytes, &mut Draw::new(Purpose::Shapes, 5, 0, 0));
            bytes
        };
        assert_eq!((0..CLASSES.len()).map(draw).collect::<HashSet<_>>().len(), CLASSES.len());
    }

    #[test]
    fn classes_are_balanced_and_their_order_is_random() {
        let labels = DRAWN.labels(0, 0, 10_000);
        let mut counts = [0; 10];
        labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        assert_eq!(counts, [1000; 10]);
        for period in [1, 2, 5, 10, 20] {
            let again = (period..10_000).filter(|&i| labels[i] == labels[i - period]).count();
            assert!(again < 1300, "{again} labels come again after {period}");
        }
        assert_ne!(labels[..1000], DRAWN.labels(0, 1, 1000));
        assert_ne!(labels[..1000], DRAWN.labels(1, 0, 1000));
        assert_eq!(DRAWN.labels(0, 0, 13), labels[..13]);
    }

    #[test]
    fn images_are_neither_dark_nor_flat() {
        let set = made(2, 0, 1000, 2).unwrap();
        for c in 0..3 {
            let plane =
                images(&set).iter().flat_map(|p| p[c * 1024..][..1024].to_vec()).map(f64::from).collect::<Vec<_>>();
            let mean = plane.iter().sum::<f64>() / plane.len() as f64;
            let deviation = (plane.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / plane.len() as f64).sqrt();
            assert!((85.0..125.0).contains(&mean) && (45.0..75.0).contains(&deviation), "{mean} {deviation}");
        }
        for image in images(&set) {
            let (low, high) = (image.iter().min().unwrap(), image.iter().max().unwrap());
            assert!(high - low > 40, "an image of {low} to {high}");
        }
    }

    /// An image goes to the class whose mean colour is nearest to its own: by chance, one in ten is right.
    #[test]
    fn a_class_is_not_known_by_its_colour() {
        let sets = shapes_of(0, 4000, 1000).unwrap();
        let mut means = [[0.0; 3]; 10];
        for (index, image) in images(sets.train.as_ref()).iter().enumerate() {
            let mean = &mut means[sets.train.label(index)];
            colour_of(image).iter().zip(mean).for_each(|(x, mean)| *mean += x / 400.0);
        }
        let right = |&(index, ref image): &(usize, Vec<u8>)| {
            let distance = |class: usize| squared_distance(&colour_of(image), &means[class]);
            let nearest = (0..10).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap();
            nearest == sets.test.label(index)
        };
        let right = images(sets.test.as_ref()).into_iter().enumerate().filter(right).count();
        assert!(right < 200, "{right} of 1000 are recognised by their mean colour");
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        let text = |train, test| shapes_of(0, train, test).err().unwrap().to_string();
        assert_eq!(text(0, 10), "shapes: 0 training images were asked for; ask for 1 to 1000000 of each");
        assert_eq!(text(10, 0), "shapes: 0 test images were asked for; ask for 1 to 1000000 of each");
        let huge = format!("shapes: {} test images were asked for; ask for 1 to 1000000 of each", usize::MAX);
        assert_eq!(text(10, usize::MAX), huge);
    }
}
