//! What stands around and before an object: fragments of lines, and smaller things of any class. Knows how to paint;
//! does not know which class the image is of.

use super::canvas::{Canvas, Paint, Place, SIDE};
use super::outline::{CLASSES, Outline};
use super::texture::{Texture, pair};
use crate::data::drawn::{Draw, Point};

/// Scatters fragments and small things over the image.
pub(super) fn scatter(canvas: &mut Canvas, draw: &mut Draw) {
    for _ in 0..2 + draw.below(4) {
        let centre = [draw.between(0.0, SIDE as f32), draw.between(0.0, SIDE as f32)];
        add(canvas, centre, draw);
    }
}

/// Puts something over a part of an object whose centre and radius are given: a bar, or a thing at its edge.
pub(super) fn occlude(canvas: &mut Canvas, centre: Point, radius: f32, draw: &mut Draw) {
    let [c, s] = draw.direction();
    if draw.chance(0.5) {
        let off = draw.between(-0.6, 0.6) * radius;
        let bar = Outline::Stroke { corners: vec![[-40.0, 0.0], [40.0, 0.0]], half: draw.between(0.8, 1.7) };
        let place = Place::across([centre[0] + c * off, centre[1] + s * off], draw.direction());
        canvas.paint(&bar, &place, &surface(draw));
    } else {
        let off = draw.between(0.7, 1.0) * radius;
        add(canvas, [centre[0] + c * off, centre[1] + s * off], draw);
    }
}

/// A fragment or a small thing around `centre`.
fn add(canvas: &mut Canvas, centre: Point, draw: &mut Draw) {
    let (outline, radius) = match draw.below(4) {
        0 => (stroke(draw), draw.between(4.0, 9.0)),
        1 => (arc(draw), draw.between(4.0, 9.0)),
        _ => (Outline::of_class(draw.below(CLASSES.len()), draw), draw.between(2.0, 3.8)),
    };
    let turn = draw.direction();
    let place = Place::new(centre, radius, turn, 0.5, draw);
    canvas.paint(&outline, &place, &surface(draw));
}

/// One or two sides of something.
fn stroke(draw: &mut Draw) -> Outline {
    let mut corners = vec![[-0.8, 0.0], [0.5, 0.0]];
    if draw.chance(0.5) {
        corners.push([draw.between(-0.4, 0.9), 0.8]);
    }
    Outline::Stroke { corners, half: draw.between(0.09, 0.22) }
}

/// A part of a ring.
fn arc(draw: &mut Draw) -> Outline {
    Outline::Arc { radius: 0.75, half: draw.between(0.09, 0.2), cut: draw.between(-0.2, 0.4) }
}

fn surface(draw: &mut Draw) -> Paint {
    let texture = Texture::new(pair(draw), 3.0, draw);
    Paint { texture, edge: None, hollow: false, relief: [0.0, 0.0] }
}
