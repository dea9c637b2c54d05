//! What surfaces look like: two colours, mixed by a pattern. Knows random choices; knows no outline and no image.

use crate::data::drawn::{Draw, Point};

/// Red, green, blue, each about `0.0 ..= 1.0`.
pub(super) type Colour = [f32; 3];

/// How two colours are mixed.
enum Pattern {
    Plain,
    Gradient,
    Stripes,
    Checks,
    Dots,
    Grain(Box<[f32; 64]>),
}

/// A surface without end.
pub(super) struct Texture {
    pattern: Pattern,
    colours: [Colour; 2],
    /// One period of the pattern along `x`, as a vector, divided by its squared length in pixels.
    axis: Point,
    offset: Point,
}

impl Texture {
    /// Any pattern of these colours; periods are of `fine .. 3 · fine` pixels.
    pub(super) fn new(colours: [Colour; 2], fine: f32, draw: &mut Draw) -> Texture {
        let pattern = match draw.below(8) {
            0 => Pattern::Plain,
            1 | 2 => Pattern::Gradient,
            3 => Pattern::Stripes,
            4 => Pattern::Checks,
            5 => Pattern::Dots,
            _ => Pattern::Grain(Box::new(std::array::from_fn(|_| draw.between(0.0, 1.0)))),
        };
        let period = match pattern {
            Pattern::Gradient => draw.between(30.0, 60.0),
            _ => draw.between(fine, 3.0 * fine),
        };
        let axis = draw.direction().map(|x| x / period);
        Texture { pattern, colours, axis, offset: [draw.between(0.0, 8.0), draw.between(0.0, 8.0)] }
    }

    /// The colour at a pixel.
    pub(super) fn at(&self, [x, y]: Point) -> Colour {
        let [c, s] = self.axis;
        let part = self.part([c * x + s * y + self.offset[0], c * y - s * x + self.offset[1]]);
        let [mut colour, to] = self.colours;
        mix(&mut colour, &to, part);
        colour
    }

    /// How much of the second colour there is, at a point measured in periods.
    fn part(&self, [u, v]: Point) -> f32 {
        match &self.pattern {
            Pattern::Plain => 0.0,
            Pattern::Gradient => 2.0 * away(u),
            Pattern::Stripes => step(away(u)),
            Pattern::Checks => {
                let (a, b) = (step(away(u)), step(away(v)));
                a + b - 2.0 * a * b
            }
            Pattern::Dots => step(0.5 - (away(u) * away(u) + away(v) * away(v)).sqrt()),
            Pattern::Grain(knots) => {
                (0.65 * grain(knots, u, v) + 0.35 * grain(knots, 2.0 * u + 0.4, 2.0 * v + 0.7)) * 1.5 - 0.25
            }
        }
    }
}

/// A colour that a surface may have.
pub(super) fn colour(draw: &mut Draw) -> Colour {
    std::array::from_fn(|_| draw.between(0.05, 0.95))
}

/// Two colours of a surface: any, and one that is not too far from it.
pub(super) fn pair(draw: &mut Draw) -> [Colour; 2] {
    let (first, mut second) = (colour(draw), colour(draw));
    let part = draw.between(0.2, 0.7);
    mix(&mut second, &first, 1.0 - part);
    [first, second]
}

/// Lays a colour over another.
#[inline]
pub(super) fn mix(under: &mut Colour, over: &Colour, cover: f32) {
    for (under, over) in under.iter_mut().zip(over) {
        *under += (over - *under) * cover;
    }
}

/// Makes a colour brighter, or darker.
#[inline]
pub(super) fn scale(colour: &mut Colour, gain: f32) {
    for value in colour {
        *value *= gain;
    }
}

/// How bright a colour looks.
pub(super) fn brightness(colour: &Colour) -> f32 {
    0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2]
}

/// How different two colours look: by brightness for the most part.
pub(super) fn contrast(a: &Colour, b: &Colour) -> f32 {
    let apart = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    brightness(&apart).abs() + 0.15 * (apart[0].abs() + apart[1].abs() + apart[2].abs())
}

/// The largest whole number up to `x`: `floor` is a call of a library where the processor may be of any age.
fn whole(x: f32) -> i32 {
    let cut = x as i32;
    if cut as f32 > x { cut - 1 } else { cut }
}

/// The distance from the nearest whole number.
fn away(x: f32) -> f32 {
    let part = x - whole(x) as f32;
    part.min(1.0 - part)
}

/// From 0 to 1 around a quarter, steep but not sudden.
fn step(x: f32) -> f32 {
    ((x - 0.25) * 5.0 + 0.5).clamp(0.0, 1.0)
}

/// Random values at whole numbers, repeated every eight, and smoothly between them.
fn grain(knots: &[f32; 64], u: f32, v: f32) -> f32 {
    let (column, row) = (whole(u), whole(v));
    let smooth = |x: f32| x * x * (3.0 - 2.0 * x);
    let (s, t) = (smooth(u - column as f32), smooth(v - row as f32));
    let knot = |i: i32, j: i32| knots[((row + i) & 7) as usize * 8 + ((column + j) & 7) as usize];
    let upper = knot(0, 0) + (knot(0, 1) - knot(0, 0)) * s;
    let lower = knot(1, 0) + (knot(1, 1) - knot(1, 0)) * s;
    upper + (lower - upper) * t
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn whole_numbers_are_those_below() {
        for x in [-2.0, -1.5, -1.0, -0.1, 0.0, 0.9, 1.0, 63.99] {
            assert_eq!(whole(x) as f32, x.floor(), "{x}");
        }
    }

    #[test]
    fn a_surface_keeps_to_its_two_colours_and_shows_them() {
        for seed in 0..200 {
            let mut draw = Draw::new(Purpose::Shapes, seed, 0, 0);
            let texture = Texture::new([[0.0; 3], [1.0; 3]], 3.0, &mut draw);
            let values: Vec<f32> = (0..1024).map(|i| texture.at([(i % 32) as f32, (i / 32) as f32])[0]).collect();
            assert!(values.iter().all(|x| (-0.3..1.3).contains(x)));
            let (low, high) = (values.iter().copied().fold(1.0, f32::min), values.iter().copied().fold(0.0, f32::max));
            assert!(matches!(texture.pattern, Pattern::Plain) || high - low > 0.2, "{low} to {high}");
        }
    }

    #[test]
    fn stripes_repeat_after_a_period() {
        let texture =
            Texture { pattern: Pattern::Stripes, colours: [[0.0; 3], [1.0; 3]], axis: [0.25, 0.0], offset: [0.0; 2] };
        let row: Vec<f32> = (0..8).map(|x| texture.at([x as f32, 5.0])[2]).collect();
        assert_eq!(row, [0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0, 0.5]);
    }

    #[test]
    fn contrast_is_mostly_brightness() {
        let (grey, light, red) = ([0.5; 3], [0.7; 3], [0.7, 0.4, 0.5]);
        assert_eq!(contrast(&grey, &grey), 0.0);
        assert!(contrast(&grey, &light) > 3.0 * contrast(&grey, &red));
    }
}
