//! The data set `shapes`: small colour pictures of ten classes of drawn objects, made from a seed. Knows random numbers
//! and labelled pictures; needs no file.
//!
//! # What is seen
//! Each picture shows one large object — an arrow, crescent, cross, disc, flower, heart, ring, square, star or triangle —
//! of any size, place, turn, stretch and tilt, filled with a texture or outlined, on a textured ground. Around and before it
//! lie fragments and smaller things of any class; light, shadow, blur and noise come on top. Colours, textures, clutter
//! and light are drawn alike for all classes, so the outline of the largest object alone tells the class.
//!
//! # The same everywhere
//! A picture depends on the seed, the set and its index, and on nothing else: it draws from a random stream of its own, so
//! any number of threads makes the same bytes, and a small set is the beginning of a larger one. The arithmetic is
//! `+ − × ÷`, square root, rounding and comparison in `f32`, which every platform does alike; sine, cosine and the
//! exponential function are not, so directions come from a rational formula and from tables.
//!
//! # How it is drawn
//! [`draw`] makes choices, [`outline`] says where objects end, [`texture`] what surfaces look like, [`canvas`] lays outlines
//! onto pixels, [`clutter`] adds what distracts, [`light`] what light and a camera do, [`scene`] puts all in order.

mod canvas;
mod clutter;
mod draw;
mod light;
mod outline;
mod scene;
mod texture;

use super::{Pictures, SetInfo, Sets};
use crate::error::{Error, Result};
use canvas::SIDE;
use draw::Draw;
use outline::CLASSES;
use std::sync::{Arc, Mutex};
use std::thread;

/// The row of the set; the one that everybody has is of seed 0.
pub(super) const SHAPES: SetInfo = SetInfo {
    name: "shapes",
    summary: "Shapes: small colour pictures of drawn objects, made by this program from a seed",
    classes: Some(CLASSES.len()),
    shape: Some([3, SIDE, SIDE]),
    counts: Some([10_000, 2_000]),
    licence: "that of this program",
    mirrors: &[],
    archives: &[],
    folder: None,
    files: &[],
    open: |_| shapes(0),
    loose: |_| true,
};

/// Bytes of a picture.
const BYTES: usize = 3 * SIDE * SIDE;
/// Pictures that a thread makes before it asks for more.
const CHUNK: usize = 64;
/// The largest set that is made: about three gigabytes.
const LARGEST: usize = 1_000_000;

/// The data set `shapes`: 10,000 training and 2,000 test pictures `[3, 32, 32]` of ten classes, made from a seed.
///
/// The classes are equally frequent and their order is random. Another seed gives other pictures of the same kind.
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

/// The data set [`shapes`] with another number of pictures: the first ones of the same seed, and more beyond them.
///
/// Each class is as frequent as another, or one more where the number is no multiple of ten.
///
/// # Errors
/// When one of the sets is empty, or larger than a million pictures.
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

/// The training set is split 0, the test set split 1.
fn made(seed: u64, split: u32, count: usize, threads: usize) -> Result<Pictures> {
    if !(1..=LARGEST).contains(&count) {
        let set = ["training", "test"][split as usize];
        let problem = format!("{count} {set} pictures were asked for");
        return Err(Error::op("shapes", problem, &[], "ask for 1 to 1000000 of each"));
    }
    let labels = labels(seed, split, count);
    let mut bytes = vec![0; count * BYTES];
    let chunks = Mutex::new(bytes.chunks_mut(CHUNK * BYTES).zip(labels.chunks(CHUNK)).enumerate());
    let work = || {
        while let Some((chunk, (bytes, labels))) = next(&chunks) {
            for (i, (bytes, &label)) in bytes.chunks_mut(BYTES).zip(labels).enumerate() {
                scene::picture(label.into(), bytes, &mut Draw::new(seed, split, (chunk * CHUNK + i) as u32));
            }
        }
    };
    thread::scope(|scope| {
        // Where the system refuses a thread, the others do its work.
        let started: Vec<_> = (1..threads).map(|_| thread::Builder::new().spawn_scoped(scope, work)).collect();
        work();
        drop(started);
    });
    Pictures::new([3, SIDE, SIDE], &CLASSES.map(String::from), bytes, labels)
}

/// The next piece of work.
fn next<T>(work: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    work.lock().expect("no thread panics while it asks for work").next()
}

/// The classes in random order: each ten pictures hold every class once.
fn labels(seed: u64, split: u32, count: usize) -> Vec<u16> {
    let ten = |block: usize| {
        let mut draw = Draw::new(seed, 2 + split, block as u32);
        let mut classes: [u16; CLASSES.len()] = std::array::from_fn(|class| class as u16);
        (1..classes.len()).for_each(|i| classes.swap(i, draw.below(i + 1)));
        classes
    };
    (0..count.div_ceil(CLASSES.len())).flat_map(ten).take(count).collect()
}
