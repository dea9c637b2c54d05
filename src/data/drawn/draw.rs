//! Random choices in the form that drawing needs: numbers of a range, chances, picks, directions. Knows the stream of
//! random words; knows nothing of images.

use crate::rng::{Purpose, Stream};

/// A point or a direction: `[x, y]`, `x` to the right and `y` downwards.
pub(in crate::data) type Point = [f32; 2];

/// The choices of one image.
pub(in crate::data) struct Draw(Stream);

impl Draw {
    pub(in crate::data) fn new(purpose: Purpose, seed: u64, a: u32, b: u32) -> Draw {
        Draw(Stream::new(seed, purpose, a, b))
    }

    /// The next four random bytes.
    pub(in crate::data) fn bytes(&mut self) -> [u8; 4] {
        self.0.word().to_le_bytes()
    }

    /// A number of `low .. high`, in 2²⁴ steps.
    pub(in crate::data) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.0.word() >> 8) as f32 / (1 << 24) as f32)
    }

    pub(in crate::data) fn chance(&mut self, probability: f32) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// A number below `count`.
    pub(in crate::data) fn below(&mut self, count: usize) -> usize {
        self.0.below(count)
    }

    /// The cosine and sine of an angle to either side whose half has a tangent up to `half`.
    ///
    /// With `t` the tangent of half an angle, they are `(1 − t²) / (1 + t²)` and `2t / (1 + t²)`. Up to 45° the angles are
    /// even within a sixth, which is enough for drawing.
    pub(in crate::data) fn slope(&mut self, half: f32) -> Point {
        let t = self.between(-half, half);
        [(1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)]
    }

    /// The cosine and sine of any angle: one up to 45°, and quarter turns.
    pub(in crate::data) fn direction(&mut self) -> Point {
        let [c, s] = self.slope(0.414_213_56);
        [[c, s], [-s, c], [-c, -s], [s, -c]][self.below(4)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_have_length_1_and_go_everywhere() {
        let mut draw = Draw::new(Purpose::Shapes, 0, 0, 0);
        let mut eighths = [0; 8];
        for _ in 0..8000 {
            let [c, s] = draw.direction();
            assert!((c * c + s * s - 1.0).abs() < 1e-6);
            eighths[usize::from(c > 0.0) * 4 + usize::from(s > 0.0) * 2 + usize::from(c.abs() > s.abs())] += 1;
        }
        assert!(eighths.iter().all(|count| (850..1150).contains(count)), "{eighths:?}");
    }

    #[test]
    fn a_slope_stays_within_its_angle() {
        let mut draw = Draw::new(Purpose::Shapes, 0, 0, 0);
        let slopes: Vec<Point> = (0..1000).map(|_| draw.slope(0.25)).collect();
        let widest = f32::tan(2.0 * f32::atan(0.25)) + 1e-6;
        assert!(slopes.iter().all(|[c, s]| (s / c).abs() <= widest));
        assert!(slopes.iter().any(|[_, s]| *s > 0.4) && slopes.iter().any(|[_, s]| *s < -0.4));
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut draw = Draw::new(Purpose::Shapes, 1, 0, 0);
        let numbers: Vec<f32> = (0..10_000).map(|_| draw.between(-2.0, 3.0)).collect();
        assert!(numbers.iter().all(|x| (-2.0..3.0).contains(x)));
        assert!((numbers.iter().sum::<f32>() / 1e4 - 0.5).abs() < 0.05);
        assert_eq!((0..10_000).filter(|_| draw.chance(0.0)).count(), 0);
    }
}
