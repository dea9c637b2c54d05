//! An image in the making: pixels, and how an outline is laid onto them. Knows outlines and textures; knows no class.

use super::outline::Outline;
use super::texture::{Colour, Texture, mix, scale};
use crate::data::drawn::{Draw, Point};

/// Pixels along a side of an image.
pub(super) const SIDE: usize = 32;

/// How far objects reach from their origin.
pub(super) const REACH: f32 = 1.25;

/// How much farther than its centre a part of a tilted object is seen at most; none is nearer than 0.4.
const DEEPEST: f32 = 1.6;

/// The pixels of an image, row by row.
pub(super) struct Canvas(pub(super) Vec<Colour>);

/// Where an outline lies: its size, place, turn, stretch and tilt.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) centre: Point,
    /// Takes a vector of pixels to the outline's coordinates.
    inverse: [Point; 2],
    /// How much nearer or farther a pixel to the right, or below, is seen.
    tilt: Point,
    /// Pixels to a unit of the outline, on average.
    scale: f32,
    /// The most pixels to a unit, in the direction and at the place where it is seen largest.
    largest: f32,
    /// How far the outline reaches from its origin, in its own units.
    reach: f32,
}

/// How an outline is filled.
pub(super) struct Paint {
    pub(super) texture: Texture,
    /// Pixels of the line along the edge, and its colour.
    pub(super) edge: Option<(f32, Colour)>,
    /// Whether the line along the edge is all there is.
    pub(super) hollow: bool,
    /// By how much a surface is brighter on one side, and darker on the other.
    pub(super) relief: Point,
}

impl Place {
    /// Around `centre`, `radius` pixels to a unit of the outline, turned by `turn` (a cosine and a sine) or the mirror image of
    /// that; stretched and tilted by up to `distortion`.
    pub(super) fn new(centre: Point, radius: f32, turn: Point, distortion: f32, draw: &mut Draw) -> Place {
        let stretch = (1.0 + draw.between(0.0, distortion)).sqrt();
        let [width, height] = if draw.chance(0.5) { [stretch, 1.0 / stretch] } else { [1.0 / stretch, stretch] };
        let [width, height] = [radius * width, radius * height];
        let slant = 0.6 * draw.between(-distortion, distortion);
        let [c, s] = turn;
        let inverse = [[(c + slant * s) / width, (s - slant * c) / width], [-s / height, c / height]];
        let mirror = if draw.chance(0.5) { -1.0 } else { 1.0 };
        let tilt = [0, 1].map(|_| draw.between(-distortion, distortion) * 0.35 / radius);
        let inverse = inverse.map(|[x, y]| [x * mirror, y]);
        let largest = radius * stretch * 0.5 * (slant.abs() + (slant * slant + 4.0).sqrt());
        let farthest = (tilt[0] * tilt[0] + tilt[1] * tilt[1]).sqrt() * REACH * largest;
        let largest = largest / (1.0 - farthest).max(1.0 / DEEPEST);
        Place { centre, inverse, tilt, scale: radius, largest, reach: REACH }
    }

    /// Straight ahead, a pixel to a unit, for an outline that crosses the image in the direction `turn`.
    pub(super) fn across(centre: Point, [c, s]: Point) -> Place {
        Place {
            centre,
            inverse: [[c, s], [-s, c]],
            tilt: [0.0, 0.0],
            scale: 1.0,
            largest: 1.0,
            reach: 2.0 * SIDE as f32,
        }
    }

    /// The same, moved by some pixels.
    pub(super) fn moved(&self, by: Point) -> Place {
        Place { centre: [self.centre[0] + by[0], self.centre[1] + by[1]], ..self.clone() }
    }

    /// A pixel in the outline's coordinates.
    fn local(&self, [x, y]: Point) -> Point {
        let [x, y] = [x - self.centre[0], y - self.centre[1]];
        let depth = 1.0 + (self.tilt[0] * x + self.tilt[1] * y).clamp(1.0 - DEEPEST, DEEPEST - 1.0);
        let [across, down] = self.inverse;
        [(across[0] * x + across[1] * y) / depth, (down[0] * x + down[1] * y) / depth]
    }

    /// The rows or columns that may be touched.
    fn range(&self, axis: usize, beyond: f32) -> std::ops::Range<usize> {
        let bound = |x: f32| (x.max(0.0) as usize).min(SIDE);
        let reach = (self.reach + beyond / self.scale) * self.largest;
        bound(self.centre[axis] - reach)..bound(self.centre[axis] + reach + 1.0)
    }
}

impl Canvas {
    /// A surface that fills the image.
    pub(super) fn new(texture: &Texture) -> Canvas {
        Canvas((0..SIDE * SIDE).map(|i| texture.at([(i % SIDE) as f32, (i / SIDE) as f32])).collect())
    }

    /// Paints an outline.
    pub(super) fn paint(&mut self, outline: &Outline, place: &Place, paint: &Paint) {
        self.each(outline, place, 0.5, |pixel, at, local, distance| {
            let width = paint.edge.map_or(0.0, |(width, _)| width);
            let edge = (0.5 + distance + width).clamp(0.0, 1.0);
            let cover = (0.5 - distance).clamp(0.0, 1.0) * if paint.hollow { edge } else { 1.0 };
            let relief = 1.0 + paint.relief[0] * local[0] + paint.relief[1] * local[1];
            let mut colour = paint.texture.at(at);
            scale(&mut colour, relief);
            if let Some((_, line)) = paint.edge {
                mix(&mut colour, &line, edge);
            }
            mix(pixel, &colour, cover);
        });
    }

    /// Darkens an outline whose border is `soft` pixels wide.
    pub(super) fn shade(&mut self, outline: &Outline, place: &Place, soft: f32, strength: f32) {
        self.each(outline, place, soft, |pixel, _, _, distance| {
            let cover = strength * ((soft - distance) / (2.0 * soft)).clamp(0.0, 1.0);
            scale(pixel, 1.0 - cover);
        });
    }

    /// Calls `work` for each pixel up to `beyond` pixels outside, with where it is and its distance in pixels.
    fn each(&mut self, outline: &Outline, place: &Place, beyond: f32, work: impl Fn(&mut Colour, Point, Point, f32)) {
        let far = place.reach + beyond / place.scale;
        for row in place.range(1, beyond) {
            for column in place.range(0, beyond) {
                let at = [column as f32, row as f32];
                let local = place.local(at);
                if local[0] * local[0] + local[1] * local[1] > far * far {
                    continue;
                }
                let distance = outline.distance(local) * place.scale;
                if distance < beyond {
                    work(&mut self.0[row * SIDE + column], at, local, distance);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const STRAIGHT: Point = [1.0, 0.0];

    fn plain(value: f32) -> Texture {
        Texture::new([[value; 3]; 2], 3.0, &mut Draw::new(Purpose::Shapes, 0, 0, 0))
    }

    fn painted(outline: &Outline, place: &Place) -> Vec<f32> {
        let mut canvas = Canvas::new(&plain(0.0));
        let paint = Paint { texture: plain(1.0), edge: None, hollow: false, relief: [0.0; 2] };
        canvas.paint(outline, place, &paint);
        canvas.0.iter().map(|pixel| pixel[1]).collect()
    }

    #[test]
    fn a_disc_covers_its_area_around_its_centre() {
        let place = Place::new([12.0, 18.0], 10.0, STRAIGHT, 0.0, &mut Draw::new(Purpose::Shapes, 0, 0, 0));
        let cover = painted(&Outline::Disc { radius: 0.8 }, &place);
        let sum: f32 = cover.iter().sum();
        let mean = |at: fn(usize) -> usize| cover.iter().enumerate().map(|(i, x)| at(i) as f32 * x).sum::<f32>() / sum;
        assert!((sum - std::f32::consts::PI * 64.0).abs() < 1.0, "{sum}");
        assert!((mean(|i| i % SIDE) - 12.0).abs() < 1e-3 && (mean(|i| i / SIDE) - 18.0).abs() < 1e-3);
    }

    #[test]
    fn stretching_and_slanting_keep_the_area() {
        for seed in 0..20 {
            let mut draw = Draw::new(Purpose::Shapes, seed, 0, 0);
            let turn = draw.direction();
            let place = Place { tilt: [0.0; 2], ..Place::new([15.5, 15.5], 9.0, turn, 0.4, &mut draw) };
            let sum: f32 = painted(&Outline::Disc { radius: 0.8 }, &place).iter().sum();
            assert!((sum / (std::f32::consts::PI * 7.2 * 7.2) - 1.0).abs() < 0.05, "{sum}");
        }
    }

    /// Only what may be touched is visited; an object that ends at its reach must not be cut off.
    #[test]
    fn all_of_an_object_is_visited() {
        for seed in 0..50 {
            let mut draw = Draw::new(Purpose::Shapes, seed, 0, 0);
            let turn = draw.direction();
            let place = Place::new([15.5, 15.5], 6.0, turn, 0.5, &mut draw);
            let outline = Outline::Disc { radius: REACH };
            let all = Place { reach: 20.0, ..place.clone() };
            assert!(painted(&outline, &place) == painted(&outline, &all), "seed {seed}");
        }
    }

    #[test]
    fn places_outside_the_image_touch_what_lies_inside() {
        for centre in [[-30.0, 5.0], [60.0, 60.0], [1e9, -1e9]] {
            let place = Place::new(centre, 6.0, STRAIGHT, 0.0, &mut Draw::new(Purpose::Shapes, 0, 0, 0));
            assert!(painted(&Outline::Heart, &place).iter().all(|x| *x == 0.0));
        }
        let bar = Outline::Stroke { corners: vec![[-40.0, 0.0], [40.0, 0.0]], half: 1.5 };
        let cover = painted(&bar, &Place::across([0.0, 10.0], STRAIGHT));
        assert!((cover.iter().sum::<f32>() - 3.0 * SIDE as f32).abs() < 1e-3);
    }

    #[test]
    fn a_hollow_object_is_a_line_along_its_edge() {
        let mut canvas = Canvas::new(&plain(0.0));
        let paint = Paint { texture: plain(0.5), edge: Some((2.0, [1.0; 3])), hollow: true, relief: [0.0; 2] };
        let place = Place::new([16.0, 16.0], 10.0, STRAIGHT, 0.0, &mut Draw::new(Purpose::Shapes, 0, 0, 0));
        canvas.paint(&Outline::Disc { radius: 1.0 }, &place, &paint);
        let row: Vec<f32> = (16..29).map(|x| canvas.0[16 * SIDE + x][0]).collect();
        assert_eq!(row[..7], [0.0; 7]);
        assert!(row[9] > 0.9 && row[11..] == [0.0; 2], "{row:?}");
    }
}
