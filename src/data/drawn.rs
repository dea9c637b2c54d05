//! Sets of images that are drawn from a seed: classes in random order, and every image by itself, on all threads. Knows
//! labelled images and random numbers; knows nothing of what is drawn.

mod draw;

use super::Images;
use crate::error::{Error, Result};
use crate::reserve;
use crate::rng::Purpose;
pub(super) use draw::{Draw, Point};
use std::sync::Mutex;
use std::thread;

/// Images that a thread makes before it asks for more.
const CHUNK: usize = 64;
/// The largest set that is made: about three gigabytes of colour images.
const LARGEST: usize = 1_000_000;

/// How images of a set are drawn.
pub(super) struct Drawn {
    /// The name of the set.
    pub name: &'static str,
    /// What its random numbers are for.
    pub purpose: Purpose,
    /// The names of the classes.
    pub classes: &'static [&'static str],
    /// `[C, H, W]` of an image.
    pub shape: [usize; 3],
    /// Draws an image of a class into its planes.
    pub image: fn(usize, &mut [u8], &mut Draw),
}

impl Drawn {
    /// The first `count` images of a seed: the training set is split 0, the test set split 1. The bytes are the same for any
    /// number of threads.
    pub fn made(&self, seed: u64, split: u32, count: usize, threads: usize) -> Result<Images> {
        if !(1..=LARGEST).contains(&count) {
            let set = ["training", "test"][split as usize];
            let problem = format!("{count} {set} images were asked for");
            return Err(Error::op(self.name, problem, &[], "ask for 1 to 1000000 of each"));
        }
        let (labels, size) = (self.labels(seed, split, count), self.shape.iter().product::<usize>());
        let mut bytes = reserve::filled(count * size, 0).map_err(|refused| refused.during(self.name))?;
        let chunks = Mutex::new(bytes.chunks_mut(CHUNK * size).zip(labels.chunks(CHUNK)).enumerate());
        let work = || {
            while let Some((chunk, (bytes, labels))) = next(&chunks) {
                for (i, (bytes, &label)) in bytes.chunks_mut(size).zip(labels).enumerate() {
                    let mut draw = Draw::new(self.purpose, seed, split, (chunk * CHUNK + i) as u32);
                    (self.image)(label.into(), bytes, &mut draw);
                }
            }
        };
        thread::scope(|scope| {
            let threads = threads.min(count.div_ceil(CHUNK));
            // Where the system refuses a thread, the others do its work.
            let started: Vec<_> = (1..threads).map(|_| thread::Builder::new().spawn_scoped(scope, work)).collect();
            work();
            drop(started);
        });
        Images::new(self.shape, self.classes, bytes, labels)
    }

    /// The classes in random order: each round of as many images as there are classes holds every class once.
    pub fn labels(&self, seed: u64, split: u32, count: usize) -> Vec<u16> {
        let round = |block: usize| {
            let mut draw = Draw::new(self.purpose, seed, 2 + split, block as u32);
            let mut classes: Vec<u16> = (0..self.classes.len() as u16).collect();
            (1..classes.len()).for_each(|i| classes.swap(i, draw.below(i + 1)));
            classes
        };
        (0..count.div_ceil(self.classes.len())).flat_map(round).take(count).collect()
    }
}

/// The next chunk of work.
fn next<T>(work: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    work.lock().expect("no thread panics while it asks for work").next()
}
