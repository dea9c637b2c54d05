//! Whether Winograd's algorithm may be trusted with some images and filters, or each output needs a sum of its own.
//!
//! A tile's outputs are all made of the same products at the points, in which a pixel that some of them do not see has
//! to cancel. It cancels to rounding, and rounding is as large as the largest pixel of the tile: one pixel `r` times as
//! large as its neighbours costs the outputs that do not see it `r` times their usual error, and an infinity or NaN
//! spoils them. Near the border of an image the same holds for a weight that an output does not see, since its pixel
//! lies outside.
//!
//! So each image is looked at before Winograd's algorithm gets it. A pixel is as large as its largest channel. An image
//! is **uneven** where a few pixels stand out: where of its pixels that are not zero no more than one in [`FEW`], or a
//! single one, lies within [`MOST`] times of the largest. It is summed directly by [`direct`](crate::conv::direct), as
//! is an image so large that the products at the points might overflow, each image for itself, so that its result
//! depends neither on the batch nor on the number of threads. Then what does not see the few has an error of at most a
//! hundred times that of direct summation. Where more than one pixel in [`FEW`] is large, there is no telling the large
//! ones from the others: gradients in training are such, of a few decades at once. There an output that sees small
//! pixels alone has an error of a few roundings of the largest pixel of its tile. So have outputs that see zeros alone.
//!
//! Filters are looked at when they are packed: a product is summed directly where the taps that an output at a corner
//! of the image sees are all more than [`MOST`] times smaller than the largest tap, or where a weight is not finite.
//! Where the output's gradient is the source, all this holds for it.
//!
//! Both cost a pass over the images, two operations for every vector, where a convolution multiplies each vector by all filters.

use crate::conv::geometry::{Axis, Gather, Weights};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};
use crate::tail::load_padded;

/// How many times smaller than the largest pixel those may be that do not let it stand out.
const MOST: f64 = 64.0;

/// Of how many pixels one may stand out.
const FEW: f64 = 8.0;

/// How many times greater a value at a point may be than the greatest product of an input and a weight, for each channel: 3,700
/// for both axes.
const GROWTH: f64 = 4096.0;

/// The most taps of a kernel that are distinguished.
const TAPS: usize = 1024;

/// Planes that are read at a time.
const PLANES: usize = 8;

/// Pixels that are read at a time, where there are so many.
const STEP: usize = 4 * MAX_LANES;

/// Elements of scratch for images of so many pixels.
pub(crate) fn scratch_len(pixels: usize) -> usize {
    pixels + MAX_LANES
}

kernel! {
    trait EvennessKernels;

    /// Whether an image of planes of so many `pixels` is even, and its values times weights up to `greatest` cannot
    /// overflow at the points.
    pub fn is_even(x: &[E], pixels: usize, greatest: E, scratch: &mut [E]) -> bool |s| {
        let sizes = &mut scratch[..scratch_len(pixels)];
        sizes.fill(E::ZERO);
        for planes in x.chunks(PLANES * pixels) {
            if planes.len() == PLANES * pixels {
                enlarge::<S, PLANES>(s, planes, pixels, sizes);
            } else {
                for plane in planes.chunks_exact(pixels) {
                    enlarge::<S, 1>(s, plane, pixels, sizes);
                }
            }
        }
        let most = largest_of(s, &sizes[..pixels]);
        let planes = E::from_f64(GROWTH * (x.len() / pixels) as f64);
        (at_least_one(most) * at_least_one(greatest) * planes).is_finite() && many_are_near(s, sizes, pixels, most)
    }

    /// The greatest magnitude of a slice; NaN where one is.
    pub fn largest(x: &[E]) -> E |s| { largest_of(s, x) }

    /// The greatest magnitude of all weights; ∞ where Winograd's algorithm may not be trusted with them, or not all are finite.
    pub fn greatest_weight(gather: &Gather, weights: &Weights<'_, E>) -> E |s| { greatest_weight_of(s, gather, weights) }
}

/// How many of the first images are even, or are not, one after the other, and which.
pub(crate) fn alike(images: usize, mut is_even: impl FnMut(usize) -> bool) -> (usize, bool) {
    let even = is_even(0);
    let others = (1..images).take_while(|image| is_even(*image) == even).count();
    (1 + others, even)
}

/// Raises the sizes of pixels to those in `P` more planes.
#[inline(always)]
fn enlarge<S: Simd, const P: usize>(s: S, planes: &[S::Elem], pixels: usize, sizes: &mut [S::Elem]) {
    let (whole, nothing) = (pixels - pixels % STEP, [S::Elem::ZERO; STEP]);
    for at in (0..whole).step_by(STEP) {
        // Arrays of a length that is known here need one bounds check each, not one for every vector.
        let sizes: &mut [S::Elem; STEP] = sizes[at..].first_chunk_mut().expect("a size for each pixel");
        let mut x = [&nothing; P];
        for p in 0..P {
            x[p] = planes[p * pixels + at..].first_chunk().expect("planes of all pixels");
        }
        for v in (0..STEP).step_by(S::LANES) {
            let mut size = s.load(&sizes[v..]);
            for x in &x {
                size = s.max_magnitude(size, s.load(&x[v..]));
            }
            s.store(size, &mut sizes[v..]);
        }
    }
    for p in 0..P {
        let plane = &planes[p * pixels..][..pixels];
        for at in (whole..pixels).step_by(S::LANES) {
            let x = load_padded(s, &plane[at..], S::Elem::ZERO);
            s.store(s.max_magnitude(s.load(&sizes[at..]), x), &mut sizes[at..]);
        }
    }
}

/// The greatest magnitude of a slice; NaN where one is.
#[inline(always)]
fn largest_of<S: Simd>(s: S, x: &[S::Elem]) -> S::Elem {
    let mut most = s.zero();
    for at in (0..x.len()).step_by(S::LANES) {
        most = s.max_magnitude(most, load_padded(s, &x[at..], S::Elem::ZERO));
    }
    let mut lanes = [S::Elem::ZERO; MAX_LANES];
    s.store(most, &mut lanes);
    let mut most = S::Elem::ZERO;
    for lane in lanes {
        most = greater(most, lane);
    }
    most
}

/// The greater of two magnitudes; NaN where one is.
#[inline(always)]
fn greater<E: Number>(a: E, b: E) -> E {
    if a >= b || a.is_nan() { a } else { b }
}

/// Not below 1; NaN stays.
#[inline(always)]
fn at_least_one<E: Number>(x: E) -> E {
    if x < E::ONE { E::ONE } else { x }
}

/// Whether more than one in [`FEW`] of the sizes above zero, and not a single one of several, are within [`MOST`] times
/// of the greatest. Behind them are zeros.
#[inline(always)]
fn many_are_near<S: Simd>(s: S, sizes: &[S::Elem], pixels: usize, most: S::Elem) -> bool {
    let (near, one) = (s.splat(most * S::Elem::from_f64(1.0 / MOST)), s.splat(S::Elem::ONE));
    let (mut many, mut all) = (s.zero(), s.zero());
    for at in (0..pixels).step_by(S::LANES) {
        let size = s.load(&sizes[at..]);
        many = s.add(many, s.select_gt(size, near, one, s.zero()));
        all = s.add(all, s.select_gt(size, s.zero(), one, s.zero()));
    }
    let (many, all) = (s.sum(many), s.sum(all));
    let single = many == S::Elem::ONE && all > many;
    most == S::Elem::ZERO || (many * S::Elem::from_f64(FEW) > all && !single)
}

/// [`greatest_weight`], tap by tap.
#[inline(always)]
fn greatest_weight_of<S: Simd>(s: S, gather: &Gather, weights: &Weights<'_, S::Elem>) -> S::Elem {
    let kernel = weights.filter.min(weights.plane);
    let infinite = -S::Elem::NEG_INFINITY;
    if kernel == 0 || kernel > TAPS {
        let most = largest_of(s, weights.w);
        return if most.is_finite() { most } else { infinite };
    }
    let together = (TAPS / kernel).min(MAX_LANES) * kernel;
    let mut sizes = [S::Elem::ZERO; TAPS + MAX_LANES];
    for w in weights.w.chunks(together) {
        for at in (0..w.len()).step_by(S::LANES) {
            let end = w.len().min(at + S::LANES);
            // Lanes behind the last whole kernel are those of another tap in the next round.
            let lanes = if end - at == S::LANES { s.load(&w[at..]) } else { s.load_tail(&w[at..end]) };
            s.store(s.max_magnitude(s.load(&sizes[at..]), lanes), &mut sizes[at..]);
        }
    }
    for at in kernel..together {
        sizes[at % kernel] = greater(sizes[at % kernel], sizes[at]);
    }
    let mut most = S::Elem::ZERO;
    for size in &sizes[..kernel] {
        most = greater(most, *size);
    }
    let even = corners_are_near(gather, weights, &sizes[..kernel], most);
    if most.is_finite() && even { most } else { infinite }
}

/// Whether each output at a corner of the image sees a tap that is within [`MOST`] times of the greatest, or zeros alone.
fn corners_are_near<E: Number>(gather: &Gather, weights: &Weights<'_, E>, sizes: &[E], most: E) -> bool {
    let near = most * E::from_f64(1.0 / MOST);
    let ends = |axis: &Axis| [0, axis.output.saturating_sub(1)];
    let corners = ends(&gather.rows).into_iter().flat_map(|row| ends(&gather.columns).map(|column| (row, column)));
    for (row, column) in corners {
        let mut seen = E::ZERO;
        for i in (0..gather.rows.taps).filter(|i| gather.rows.sees(row, *i).is_some()) {
            for j in (0..gather.columns.taps).filter(|j| gather.columns.sees(column, *j).is_some()) {
                seen = greater(seen, sizes[weights.place(i, j)]);
            }
        }
        if seen > E::ZERO && seen < near {
            return false;
        }
    }
    true
}
