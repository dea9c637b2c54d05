//! Strokes to pixels: a hand's size, slant and place, a pen's width and ink, blur and noise. Knows pixels; knows no digit.

use super::strokes;
use crate::data::drawn::{Draw, Point};

/// Pixels along a side of an image.
pub(super) const SIDE: usize = 28;

/// Draws an image of a digit: one plane of bytes.
pub(super) fn image(digit: usize, image: &mut [u8], draw: &mut Draw) {
    let strokes = strokes::of_digit(digit, draw);
    let strokes = placed(strokes, draw);
    let (half, soft) = (draw.between(0.75, 1.7), draw.between(0.6, 1.1));
    let (ground, ink) = (draw.between(0.0, 0.12), draw.between(0.65, 1.0));
    // A sum of two bytes has a standard deviation of 104.5.
    let noise = draw.between(0.01, 0.06) / 104.5;
    for (i, pixel) in image.iter_mut().enumerate() {
        let at = [(i % SIDE) as f32, (i / SIDE) as f32];
        let distance = strokes.iter().map(|stroke| to_stroke(stroke, at)).fold(f32::INFINITY, f32::min).sqrt();
        let cover = ((half - distance) / (2.0 * soft) + 0.5).clamp(0.0, 1.0);
        let [a, b, ..] = draw.bytes();
        let seen = ground + (ink - ground) * cover + noise * (f32::from(a) + f32::from(b) - 255.0);
        *pixel = (seen * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
    }
}

/// The strokes in pixels, as a hand lays them out.
fn placed(strokes: Vec<Vec<Point>>, draw: &mut Draw) -> Vec<Vec<Point>> {
    let height = draw.between(7.0, 10.0);
    let width = height * draw.between(0.8, 1.35);
    let slant = draw.between(-0.15, 0.4);
    let [c, s] = draw.slope(0.1);
    let centre = [0, 1].map(|_| 13.5 + draw.between(-1.8, 1.8));
    let place = |[x, y]: Point| {
        let [x, y] = [width * x - slant * height * y * 0.7, height * y];
        [centre[0] + c * x - s * y, centre[1] + s * x + c * y]
    };
    strokes.into_iter().map(|stroke| stroke.into_iter().map(place).collect()).collect()
}

/// The squared distance of a point from a stroke.
fn to_stroke(stroke: &[Point], at: Point) -> f32 {
    stroke.windows(2).map(|ends| to_segment(ends[0], ends[1], at)).fold(f32::INFINITY, f32::min)
}

/// The squared distance of `p` from the segment `a b`.
fn to_segment(a: Point, b: Point, p: Point) -> f32 {
    let (e, w) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let length = e[0] * e[0] + e[1] * e[1];
    let part = if length > 0.0 { ((w[0] * e[0] + w[1] * e[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    let [x, y] = [w[0] - e[0] * part, w[1] - e[1] * part];
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_from_the_line_and_beyond_it_from_its_ends() {
        let (a, b) = ([1.0, 1.0], [5.0, 1.0]);
        for (p, expected) in [([3.0, 3.0], 4.0), ([0.0, 1.0], 1.0), ([8.0, 5.0], 25.0), ([2.0, 1.0], 0.0)] {
            assert_eq!(to_segment(a, b, p), expected, "{p:?}");
        }
        assert_eq!(to_segment(a, a, [1.0, 3.0]), 4.0);
        assert_eq!(to_stroke(&[a, b, [5.0, 4.0]], [6.0, 3.0]), 1.0);
    }
}
