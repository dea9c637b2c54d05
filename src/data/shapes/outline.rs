//! The outlines of what is drawn, as signed distances: the ten classes, and the fragments of clutter.
//!
//! An outline is a function of a point that is negative inside, positive outside, and about as large as the distance to
//! the edge. Objects measure about 2 across, around the origin. Knows random choices; knows no pixel and no colour.

use crate::data::drawn::{Draw, Point};

/// The names of the classes; the number of a class is its place here.
pub(super) const CLASSES: [&str; 10] =
    ["arrow", "crescent", "cross", "disc", "flower", "heart", "ring", "square", "star", "triangle"];

/// Five and six directions around a circle.
const FIVE: [Point; 5] = [
    [0.0, -1.0],
    [0.951_056_5, -0.309_017],
    [0.587_785_25, 0.809_017],
    [-0.587_785_25, 0.809_017],
    [-0.951_056_5, -0.309_017],
];
const SIX: [Point; 6] =
    [[0.0, -1.0], [0.866_025_4, -0.5], [0.866_025_4, 0.5], [0.0, 1.0], [-0.866_025_4, 0.5], [-0.866_025_4, -0.5]];

/// How large the heart is, whose formula gives it a height of about 1.1.
const HEART: f32 = 1.5;

/// Where an object ends.
pub(super) enum Outline {
    /// All points up to a distance from the origin.
    Disc { radius: f32 },
    /// All points within `half` of a circle.
    Ring { radius: f32, half: f32 },
    /// The points of a ring on one side of a line: those with `x > cut`.
    Arc { radius: f32, half: f32, cut: f32 },
    /// A disc of radius `0.9` without another disc, whose centre is `shift` to the right.
    Crescent { radius: f32, shift: f32 },
    /// Discs around these points, and one in the middle.
    Flower { petals: &'static [Point], spread: f32, radius: f32 },
    /// Two arcs that end in a point below.
    Heart,
    /// The inside of a closed line.
    Polygon(Vec<Point>),
    /// All points within `half` of an open line.
    Stroke { corners: Vec<Point>, half: f32 },
}

impl Outline {
    /// An object of a class, with the proportions that objects of the class may have.
    pub(super) fn of_class(class: usize, draw: &mut Draw) -> Outline {
        match CLASSES[class] {
            "arrow" => arrow(draw),
            "crescent" => Outline::Crescent { radius: draw.between(0.7, 0.85), shift: draw.between(0.35, 0.5) },
            "cross" => cross(draw.between(0.2, 0.32)),
            "disc" => Outline::Disc { radius: 0.85 },
            "flower" => flower(draw),
            "heart" => Outline::Heart,
            "ring" => Outline::Ring { radius: 0.68, half: draw.between(0.16, 0.27) },
            "square" => Outline::Polygon(vec![[-0.74, -0.74], [0.74, -0.74], [0.74, 0.74], [-0.74, 0.74]]),
            "star" => star(draw.between(0.4, 0.55)),
            _ => Outline::Polygon(vec![[draw.between(-0.25, 0.25), -0.95], [0.92, 0.62], [-0.92, 0.62]]),
        }
    }

    /// The signed distance of a point.
    pub(super) fn distance(&self, p: Point) -> f32 {
        match self {
            Outline::Disc { radius } => length(p) - radius,
            Outline::Ring { radius, half } => (length(p) - radius).abs() - half,
            Outline::Arc { radius, half, cut } => ((length(p) - radius).abs() - half).max(cut - p[0]),
            Outline::Crescent { radius, shift } => (length(p) - 0.9).max(radius - length([p[0] - shift, p[1]])),
            Outline::Flower { petals, spread, radius } => {
                let near = |petal: &Point| length([p[0] - petal[0] * spread, p[1] - petal[1] * spread]) - radius;
                petals.iter().map(near).fold(length(p) - 0.4, f32::min)
            }
            Outline::Heart => heart([p[0].abs() / HEART, 0.55 - p[1] / HEART]) * HEART,
            Outline::Polygon(corners) => polygon(corners, p),
            Outline::Stroke { corners, half } => {
                let squares = corners.windows(2).map(|ends| to_segment(ends[0], ends[1], p));
                squares.fold(f32::INFINITY, f32::min).sqrt() - half
            }
        }
    }

    /// Whether the object is still distinguished from the other classes when only its edge is drawn: a disc would be a ring.
    pub(super) fn can_be_hollow(&self) -> bool {
        !matches!(self, Outline::Disc { .. } | Outline::Ring { .. })
    }
}

fn length(p: Point) -> f32 {
    (p[0] * p[0] + p[1] * p[1]).sqrt()
}

fn arrow(draw: &mut Draw) -> Outline {
    let (shaft, head, neck) = (draw.between(0.14, 0.24), draw.between(0.55, 0.75), draw.between(-0.05, 0.25));
    let half = [[-1.0, -shaft], [neck, -shaft], [neck, -head], [1.0, 0.0]];
    let mirrored = half[..3].iter().rev().map(|&[x, y]| [x, -y]);
    Outline::Polygon(half.iter().copied().chain(mirrored).collect())
}

fn cross(arm: f32) -> Outline {
    let quarter = [[arm, -0.92], [arm, -arm], [0.92, -arm]];
    let turns = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
    Outline::Polygon(turns.iter().flat_map(|[c, s]| quarter.map(|[x, y]| [c * x - s * y, s * x + c * y])).collect())
}

fn flower(draw: &mut Draw) -> Outline {
    let petals = if draw.chance(0.5) { FIVE.as_slice() } else { SIX.as_slice() };
    Outline::Flower { petals, spread: 0.62, radius: draw.between(0.26, 0.32) }
}

/// The inner corner after an outer one lies opposite to the outer corner two places further.
fn star(inner: f32) -> Outline {
    let corners = (0..5).flat_map(|i| [FIVE[i], FIVE[(i + 3) % 5].map(|x| -x * inner)]);
    Outline::Polygon(corners.collect())
}

/// The distance from a heart between `y = 0` and about `1.1`, point below, for `x ≥ 0` (I. Quilez, *2D distance functions*).
fn heart([x, y]: Point) -> f32 {
    if x + y > 1.0 {
        return length([x - 0.25, y - 0.75]) - 0.353_553_4;
    }
    let along = 0.5 * (x + y).max(0.0);
    let edge = length([x, y - 1.0]).min(length([x - along, y - along]));
    if x < y { -edge } else { edge }
}

/// The squared distance of `p` from the segment `a b`.
fn to_segment(a: Point, b: Point, p: Point) -> f32 {
    let (e, w) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let part = ((w[0] * e[0] + w[1] * e[1]) / (e[0] * e[0] + e[1] * e[1])).clamp(0.0, 1.0);
    let [x, y] = [w[0] - e[0] * part, w[1] - e[1] * part];
    x * x + y * y
}

/// The distance from the nearest side; a point is inside when a ray from it crosses an odd number of sides.
fn polygon(corners: &[Point], p: Point) -> f32 {
    let (mut square, mut inside) = (f32::INFINITY, false);
    let mut a = corners[corners.len() - 1];
    for &b in corners {
        square = square.min(to_segment(a, b, p));
        let side = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
        inside ^= (a[1] > p[1]) != (b[1] > p[1]) && (side > 0.0) == (b[1] > a[1]);
        a = b;
    }
    if inside { -square.sqrt() } else { square.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::super::canvas::REACH;
    use super::*;
    use crate::rng::Purpose;
    use std::f32::consts::PI;

    /// The middles of small squares around the origin, and the area of one.
    fn grid() -> (impl Iterator<Item = Point>, f32) {
        let at = |i: usize| (i as f32 - 199.5) * 0.01;
        ((0..160_000).map(move |i| [at(i % 400), at(i / 400)]), 1e-4)
    }

    fn area(outline: &Outline) -> f32 {
        let (points, square) = grid();
        points.filter(|&p| outline.distance(p) < 0.0).count() as f32 * square
    }

    /// Half the sum of the cross products of neighbouring corners.
    fn shoelace(outline: &Outline) -> f32 {
        let Outline::Polygon(corners) = outline else { panic!("no polygon") };
        let next = corners.iter().cycle().skip(1);
        corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum::<f32>().abs() / 2.0
    }

    #[test]
    fn areas_are_those_of_the_formulas() {
        let mut draw = Draw::new(Purpose::Shapes, 0, 0, 0);
        let close = |outline: &Outline, wanted: f32| {
            let area = area(outline);
            assert!((area - wanted).abs() < 0.04, "an area of {area}, not {wanted}");
        };
        close(&Outline::Disc { radius: 0.85 }, PI * 0.85 * 0.85);
        close(&Outline::Ring { radius: 0.7, half: 0.2 }, PI * (0.81 - 0.25));
        close(&Outline::Arc { radius: 0.7, half: 0.2, cut: 0.0 }, PI * (0.81 - 0.25) / 2.0);
        close(&cross(0.3), 4.0 * 0.6 * 0.62 + 0.36);
        close(&Outline::Stroke { corners: vec![[-0.5, 0.0], [0.5, 0.0]], half: 0.2 }, 0.4 + PI * 0.04);
        // A square with sides of √½ and two half discs on it, enlarged.
        close(&Outline::Heart, HEART * HEART * (0.5 + PI / 8.0));
        for class in ["arrow", "cross", "square", "star", "triangle"] {
            let number = CLASSES.iter().position(|name| *name == class).unwrap();
            let outline = Outline::of_class(number, &mut draw);
            close(&outline, shoelace(&outline));
        }
    }

    #[test]
    fn objects_are_of_similar_size_and_end_where_painting_ends() {
        let mut draw = Draw::new(Purpose::Shapes, 1, 0, 0);
        for class in (0..CLASSES.len()).cycle().take(40) {
            let outline = Outline::of_class(class, &mut draw);
            let area = area(&outline);
            assert!((0.7..2.4).contains(&area), "{}: an area of {area}", CLASSES[class]);
            let ends = |p: Point| length(p) <= REACH || outline.distance(p) > 0.0;
            assert!(grid().0.all(ends), "{} goes beyond {REACH}", CLASSES[class]);
        }
    }

    /// From one point to another, a distance to an edge changes by no more than the way between them.
    #[test]
    fn distances_change_no_faster_than_the_point_moves() {
        let mut draw = Draw::new(Purpose::Shapes, 2, 0, 0);
        for (class, name) in CLASSES.iter().enumerate() {
            let outline = Outline::of_class(class, &mut draw);
            for [x, y] in grid().0.step_by(7) {
                let (here, there) = (outline.distance([x, y]), outline.distance([x + 0.003, y - 0.004]));
                assert!((here - there).abs() < 0.0051, "{name} at {x}, {y}: {here} and {there}");
            }
        }
    }

    #[test]
    fn only_discs_and_rings_are_never_hollow() {
        let mut draw = Draw::new(Purpose::Shapes, 3, 0, 0);
        let solid = (0..CLASSES.len()).filter(|&class| !Outline::of_class(class, &mut draw).can_be_hollow());
        assert_eq!(solid.map(|class| CLASSES[class]).collect::<Vec<_>>(), ["disc", "ring"]);
    }
}
