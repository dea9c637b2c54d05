//! A picture in the making: pixels, and how an outline is laid onto them. Knows outlines and textures; knows no class.

use super::draw::{Draw, Point};
use super::outline::Outline;
use super::texture::{Colour, Texture, mix, scale};

/// Pixels along a side of a picture.
pub(super) const SIDE: usize = 32;

/// How far objects reach from their origin.
const REACH: f32 = 1.25;

/// The pixels of a picture, row by row.
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
    /// How much more that is in the direction of most.
    stretch: f32,
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
        Place { centre, inverse, tilt, scale: radius, stretch, reach: REACH }
    }

    /// Straight ahead, a pixel to a unit, for an outline that crosses the picture in the direction `turn`.
    pub(super) fn across(centre: Point, [c, s]: Point) -> Place {
        Place {
            centre,
            inverse: [[c, s], [-s, c]],
            tilt: [0.0, 0.0],
            scale: 1.0,
            stretch: 1.0,
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
        let depth = 1.0 + (self.tilt[0] * x + self.tilt[1] * y).clamp(-0.6, 0.6);
        let [across, down] = self.inverse;
        [(across[0] * x + across[1] * y) / depth, (down[0] * x + down[1] * y) / depth]
    }

    /// The rows or columns that may be touched.
    fn range(&self, axis: usize, beyond: f32) -> std::ops::Range<usize> {
        let bound = |x: f32| (x.max(0.0) as usize).min(SIDE);
        let reach = self.reach * self.scale * self.stretch * 1.2 + beyond;
        bound(self.centre[axis] - reach)..bound(self.centre[axis] + reach + 1.0)
    }
}

impl Canvas {
    /// A surface that fills the picture.
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
