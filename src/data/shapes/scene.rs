//! One picture, from the background to the bytes. Knows every part of a scene and in which order they come.

use super::canvas::{Canvas, Paint, Place};
use super::clutter::{occlude, scatter};
use super::draw::{Draw, Point};
use super::light::{blur, expose, light};
use super::outline::Outline;
use super::texture::{Colour, Texture, colour, contrast, pair};

/// Draws a picture of a class: three planes of bytes.
pub(super) fn picture(class: usize, picture: &mut [u8], draw: &mut Draw) {
    let ground = pair(draw);
    let mut canvas = Canvas::new(&Texture::new(ground, 4.0, draw));
    scatter(&mut canvas, draw);
    let (centre, radius) = object(&mut canvas, class, &ground, draw);
    if draw.chance(0.35) {
        occlude(&mut canvas, centre, radius, draw);
    }
    light(&mut canvas, draw);
    blur(&mut canvas, draw.between(0.0, 0.8));
    expose(&canvas, picture, draw);
}

/// The object that gives the picture its class: larger than all else. Its centre and radius.
fn object(canvas: &mut Canvas, class: usize, ground: &[Colour; 2], draw: &mut Draw) -> (Point, f32) {
    let radius = draw.between(9.0, 14.0);
    let room = 0.8 * (15.5 - 0.85 * radius);
    let centre = [0, 1].map(|_| 15.5 + draw.between(-room, room));
    let turn = draw.slope(0.25);
    let place = Place::new(centre, radius, turn, 0.4, draw);
    let outline = Outline::of_class(class, draw);
    if draw.chance(0.5) {
        let far = draw.between(1.0, 3.0);
        let shadow = place.moved(draw.direction().map(|x| x * far));
        canvas.shade(&outline, &shadow, draw.between(1.0, 2.5), draw.between(0.2, 0.55));
    }
    let paint = surface(&outline, ground, draw);
    canvas.paint(&outline, &place, &paint);
    (centre, radius)
}

/// A surface that stands out from the ground: filled, edged or hollow.
fn surface(outline: &Outline, ground: &[Colour; 2], draw: &mut Draw) -> Paint {
    let first = other(ground, 0.35, draw);
    let second = other(ground, 0.2, draw);
    let texture = Texture::new([first, second], 2.5, draw);
    let hollow = outline.can_be_hollow() && draw.chance(0.2);
    let edge = (hollow || draw.chance(0.25)).then(|| (draw.between(1.2, 2.2), other(ground, 0.3, draw)));
    let lit = draw.between(0.0, 0.25);
    Paint { texture, edge, hollow, relief: draw.direction().map(|x| x * lit) }
}

/// A colour that differs from those of the ground, or the one that differs most of a few.
fn other(ground: &[Colour; 2], wanted: f32, draw: &mut Draw) -> Colour {
    let apart = |c: &Colour| contrast(c, &ground[0]).min(contrast(c, &ground[1]));
    let mut best = colour(draw);
    for _ in 0..12 {
        if apart(&best) >= wanted {
            break;
        }
        let next = colour(draw);
        if apart(&next) > apart(&best) {
            best = next;
        }
    }
    best
}
