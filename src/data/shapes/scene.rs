//! One image, from the background to the bytes. Knows every part of a scene and in which order they come.

use super::canvas::{Canvas, Paint, Place};
use super::clutter::{occlude, scatter};
use super::light::{blur, expose, light};
use super::outline::Outline;
use super::texture::{Colour, Texture, brightness, colour, contrast, pair};
use crate::data::drawn::{Draw, Point};

/// How often an object is lighter than what lies behind it, as where light falls from the front. Were light and dark ones
/// equally frequent, no single pixel would say anything about the class, and plain networks would take many epochs to
/// find a beginning.
const LIGHTER: f32 = 0.9;
/// The brightest ground, where the object is to be lighter.
const DARK: f32 = 0.6;

/// Draws an image of a class: three planes of bytes.
pub(super) fn image(class: usize, image: &mut [u8], draw: &mut Draw) {
    let lighter = draw.chance(LIGHTER);
    let ground = pair(draw).map(|colour| colour.map(|x| if lighter { DARK * x } else { 1.0 - DARK * (1.0 - x) }));
    let mut canvas = Canvas::new(&Texture::new(ground, 4.0, draw));
    scatter(&mut canvas, draw);
    let (centre, radius) = object(&mut canvas, class, &ground, lighter, draw);
    if draw.chance(0.35) {
        occlude(&mut canvas, centre, radius, draw);
    }
    light(&mut canvas, draw);
    blur(&mut canvas, draw.between(0.0, 0.8));
    expose(&canvas, image, draw);
}

/// The object that gives the image its class: larger than all else. Its centre and radius.
fn object(canvas: &mut Canvas, class: usize, ground: &[Colour; 2], lighter: bool, draw: &mut Draw) -> (Point, f32) {
    let radius = draw.between(9.5, 14.0);
    let room = 0.5 * (15.5 - 0.85 * radius);
    let centre = [0, 1].map(|_| 15.5 + draw.between(-room, room));
    let turn = draw.slope(0.25);
    let place = Place::new(centre, radius, turn, 0.4, draw);
    let outline = Outline::of_class(class, draw);
    if draw.chance(0.5) {
        let far = draw.between(1.0, 3.0);
        let shadow = place.moved(draw.direction().map(|x| x * far));
        canvas.shade(&outline, &shadow, draw.between(1.0, 2.5), draw.between(0.2, 0.55));
    }
    let paint = surface(&outline, ground, lighter, draw);
    canvas.paint(&outline, &place, &paint);
    (centre, radius)
}

/// A surface that stands out from the ground: filled, edged or hollow.
fn surface(outline: &Outline, ground: &[Colour; 2], lighter: bool, draw: &mut Draw) -> Paint {
    let first = other(ground, 0.4, lighter, draw);
    let second = other(ground, 0.25, lighter, draw);
    let texture = Texture::new([first, second], 2.5, draw);
    let hollow = outline.can_be_hollow() && draw.chance(0.2);
    let edge = (hollow || draw.chance(0.25)).then(|| (draw.between(1.2, 2.2), other(ground, 0.3, lighter, draw)));
    let lit = draw.between(0.0, 0.25);
    Paint { texture, edge, hollow, relief: draw.direction().map(|x| x * lit) }
}

/// A colour that is lighter or darker than those of the ground by some contrast, or the one that comes nearest of a few.
fn other(ground: &[Colour; 2], wanted: f32, lighter: bool, draw: &mut Draw) -> Colour {
    let signed = |c: &Colour, from: &Colour| {
        if (brightness(c) > brightness(from)) == lighter { contrast(c, from) } else { -contrast(c, from) }
    };
    let apart = |c: &Colour| signed(c, &ground[0]).min(signed(c, &ground[1]));
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
