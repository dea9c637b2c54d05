//! Random numbers that depend on what they are for, and on nothing else.
//!
//! Philox 4×32-10 (Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3*, SC 2011) is a function
//! from a counter to four random words. Here the counter says **what** a number is for: `[block, purpose, a, b]`, where
//! `a` and `b` are, for instance, the epoch and the sample. So the mask of a dropout layer or the crop of an image is
//! the same whichever thread asks first, and however many have asked before.

use rand_core::TryRng;
use std::convert::Infallible;

/// What a random number is for: equal keys with different purposes give unrelated numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// The first values of weights.
    Init = 1,
    /// Which activations a dropout layer drops.
    Dropout = 2,
    /// Directions and shapes of a gradient check.
    Gradcheck = 3,
    /// The order of the samples of an epoch.
    Shuffle = 4,
    /// How a sample is cropped, flipped and cut out.
    Augment = 5,
    /// Which samples make a subset or a validation split.
    Split = 6,
    /// Which labels are disturbed.
    Labels = 7,
    /// The images of the procedural set.
    Shapes = 8,
    /// The choices of a genetic search.
    Genetic = 9,
    /// Where the towns of a travelling salesman lie.
    Towns = 10,
    /// Images of noise.
    Noise = 11,
    /// The images of the drawn digits.
    Digits = 12,
}

/// An endless stream of random words, fixed by a seed, a purpose and two numbers.
///
/// It implements `rand_core::Rng`, so it works wherever that trait is asked for.
///
/// ```
/// use evograd::{Purpose, Stream};
/// let mut first = Stream::new(7, Purpose::Init, 0, 0);
/// let mut again = Stream::new(7, Purpose::Init, 0, 0);
/// assert_eq!(first.uniform(), again.uniform());
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of `purpose` under `seed`, for the two numbers `a` and `b`.
    pub fn new(seed: u64, purpose: Purpose, a: u32, b: u32) -> Self {
        let key = [seed as u32, (seed >> 32) as u32];
        Stream { key, counter: [0, purpose as u32, a, b], block: [0; 4], used: 4 }
    }

    /// Four words at a place of the stream, without going through those before: block `index` holds the words
    /// `4·index .. 4·index + 4`.
    pub fn block(&self, index: u32) -> [u32; 4] {
        philox([index, self.counter[1], self.counter[2], self.counter[3]], self.key)
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.block = self.block(self.counter[0]);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// The next number in `0.0 .. 1.0`, in steps of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (u64::from(self.word()), u64::from(self.word()));
        ((high << 21) ^ (low >> 11)) as f64 / (1u64 << 53) as f64
    }

    /// The next number below `count`, which must not be 0; the bias is below `count / 2⁶⁴`.
    ///
    /// # Panics
    /// When `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.below_u64(count as u64) as usize
    }

    /// As [`Stream::below`], of numbers that an address of 32 bits does not hold.
    ///
    /// # Panics
    /// When `count` is 0.
    pub fn below_u64(&mut self, count: u64) -> u64 {
        assert!(count > 0, "there is no number below 0");
        let wide = (u128::from(self.word()) << 32 | u128::from(self.word())) * u128::from(count);
        (wide >> 64) as u64
    }

    /// The next normally distributed number, of mean 0 and variance 1 (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.word()) | u64::from(self.word()) << 32)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Ten rounds of Philox 4×32.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let (a, b) = (u64::from(counter[0]) * 0xD251_1F53, u64::from(counter[2]) * 0xCD9E_8D57);
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known-answer vectors published with the reference implementation (Random123, `kat_vectors`).
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(philox(pi, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn streams_of_other_purposes_or_numbers_differ() {
        let first = |purpose, a, b| Stream::new(1, purpose, a, b).word();
        let words = [
            first(Purpose::Init, 0, 0),
            first(Purpose::Dropout, 0, 0),
            first(Purpose::Init, 1, 0),
            first(Purpose::Init, 0, 1),
        ];
        assert!((0..4).all(|i| (0..i).all(|j| words[i] != words[j])));
    }

    #[test]
    fn a_block_is_a_place_of_the_stream() {
        let mut stream = Stream::new(3, Purpose::Init, 4, 5);
        let words: Vec<u32> = (0..12).map(|_| stream.word()).collect();
        assert_eq!(stream.block(2).as_slice(), &words[8..12]);
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let mut stream = Stream::new(5, Purpose::Init, 0, 0);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }

    #[test]
    fn numbers_below_a_bound_are_even() {
        let mut stream = Stream::new(6, Purpose::Init, 0, 0);
        let mut counts = [0_i32; 7];
        (0..70_000).for_each(|_| counts[stream.below(7)] += 1);
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
    }
}
