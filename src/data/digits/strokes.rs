//! The strokes of each digit, between −½ and ½ across and −1 and 1 downwards. Knows curves; knows no pixel.

use crate::data::drawn::{Draw, Point};

/// Line segments that a curve is drawn as.
const SEGMENTS: usize = 10;
/// By how much a control point is moved at most.
const JITTER: f32 = 0.07;

/// A stroke: where the pen is set down, and where it goes from there.
struct Stroke {
    start: Point,
    parts: Vec<Part>,
}

/// A part of a stroke.
enum Part {
    /// A straight line to a point.
    Line(Point),
    /// A cubic Bézier curve by two control points to an end.
    Curve(Point, Point, Point),
}

use Part::{Curve, Line};

/// The strokes of a digit as polygonal lines, each hand its own.
pub(super) fn of_digit(digit: usize, draw: &mut Draw) -> Vec<Vec<Point>> {
    let strokes = match digit {
        0 => vec![zero()],
        1 => one(draw),
        2 => vec![two()],
        3 => vec![three()],
        4 => four(draw),
        5 => vec![five()],
        6 => vec![six()],
        7 => seven(draw),
        8 => vec![eight()],
        _ => vec![nine(draw)],
    };
    strokes.into_iter().map(|stroke| flattened(stroke, draw)).collect()
}

/// A stroke as points; each of its control points is moved a little.
fn flattened(stroke: Stroke, draw: &mut Draw) -> Vec<Point> {
    let mut moved = |point: Point| point.map(|x| x + draw.between(-JITTER, JITTER));
    let mut points = vec![moved(stroke.start)];
    for part in stroke.parts {
        let from = points[points.len() - 1];
        match part {
            Line(to) => points.push(moved(to)),
            Curve(a, b, to) => {
                let [a, b, to] = [a, b, to].map(&mut moved);
                points.extend((1..=SEGMENTS).map(|i| cubic([from, a, b, to], i as f32 / SEGMENTS as f32)));
            }
        }
    }
    points
}

/// The point at `t` of a cubic Bézier curve, by its Bernstein polynomials.
fn cubic(points: [Point; 4], t: f32) -> Point {
    let u = 1.0 - t;
    let weights = [u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t];
    [0, 1].map(|axis| points.iter().zip(weights).map(|(point, weight)| weight * point[axis]).sum())
}

fn zero() -> Stroke {
    let left = Curve([-0.62, -1.0], [-0.66, 1.0], [0.0, 1.0]);
    let right = Curve([0.66, 1.0], [0.62, -1.0], [0.02, -0.98]);
    Stroke { start: [0.0, -1.0], parts: vec![left, right] }
}

/// With or without a flag, and with a flag now and then a foot.
fn one(draw: &mut Draw) -> Vec<Stroke> {
    let stem = Line([0.05, 1.0]);
    if draw.chance(0.4) {
        return vec![Stroke { start: [0.05, -1.0], parts: vec![stem] }];
    }
    let flagged = Stroke { start: [-0.3, -0.6], parts: vec![Line([0.05, -1.0]), stem] };
    let foot = Stroke { start: [-0.3, 1.0], parts: vec![Line([0.4, 1.0])] };
    if draw.chance(0.3) { vec![flagged, foot] } else { vec![flagged] }
}

fn two() -> Stroke {
    let top = Curve([-0.4, -1.15], [0.55, -1.2], [0.48, -0.45]);
    let neck = Curve([0.42, 0.05], [-0.25, 0.5], [-0.52, 0.98]);
    Stroke { start: [-0.48, -0.55], parts: vec![top, neck, Line([0.55, 0.95])] }
}

fn three() -> Stroke {
    let top = Curve([-0.2, -1.15], [0.55, -1.1], [0.42, -0.5]);
    let middle = Curve([0.36, -0.15], [0.1, -0.06], [-0.12, -0.06]);
    let bottom = Curve([0.3, -0.08], [0.58, 0.15], [0.5, 0.55]);
    let end = Curve([0.4, 1.1], [-0.3, 1.12], [-0.5, 0.72]);
    Stroke { start: [-0.45, -0.75], parts: vec![top, middle, bottom, end] }
}

/// Closed, as printed, or open, as written.
fn four(draw: &mut Draw) -> Vec<Stroke> {
    if draw.chance(0.5) {
        let parts = vec![Line([0.22, -1.0]), Line([-0.52, 0.35]), Line([0.55, 0.35])];
        return vec![Stroke { start: [0.22, 1.0], parts }];
    }
    let bowl = Stroke { start: [-0.42, -0.95], parts: vec![Line([-0.48, 0.1]), Line([0.5, 0.1])] };
    vec![bowl, Stroke { start: [0.34, -0.9], parts: vec![Line([0.28, 1.0])] }]
}

fn five() -> Stroke {
    let belly = Curve([-0.05, -0.42], [0.6, -0.3], [0.52, 0.38]);
    let end = Curve([0.42, 1.12], [-0.25, 1.1], [-0.5, 0.78]);
    Stroke { start: [0.48, -1.0], parts: vec![Line([-0.36, -0.98]), Line([-0.42, -0.15]), belly, end] }
}

fn six() -> Stroke {
    let back = Curve([-0.15, -0.85], [-0.58, -0.15], [-0.48, 0.42]);
    let bottom = Curve([-0.4, 1.2], [0.55, 1.15], [0.48, 0.42]);
    let top = Curve([0.4, -0.12], [-0.3, -0.1], [-0.46, 0.4]);
    Stroke { start: [0.34, -0.97], parts: vec![back, bottom, top] }
}

/// Crossed or not.
fn seven(draw: &mut Draw) -> Vec<Stroke> {
    let stem = Curve([0.25, -0.4], [-0.05, 0.2], [-0.15, 1.0]);
    let angle = Stroke { start: [-0.5, -0.93], parts: vec![Line([0.5, -0.95]), stem] };
    let bar = Stroke { start: [-0.28, 0.03], parts: vec![Line([0.36, 0.0])] };
    if draw.chance(0.35) { vec![angle, bar] } else { vec![angle] }
}

fn eight() -> Stroke {
    let parts = vec![
        Curve([-0.5, -0.2], [-0.6, -1.0], [0.0, -1.0]),
        Curve([0.6, -1.0], [0.5, -0.25], [0.0, -0.06]),
        Curve([-0.68, 0.18], [-0.66, 1.0], [0.0, 1.0]),
        Curve([0.66, 1.0], [0.68, 0.18], [0.0, -0.08]),
    ];
    Stroke { start: [0.0, -0.08], parts }
}

/// With a straight stem or a bent one.
fn nine(draw: &mut Draw) -> Stroke {
    let top = Curve([0.38, -1.2], [-0.55, -1.15], [-0.5, -0.45]);
    let bottom = Curve([-0.45, 0.14], [0.35, 0.12], [0.45, -0.42]);
    let bent = draw.chance(0.4);
    let stem = if bent { Curve([0.55, 0.4], [0.3, 1.0], [-0.32, 0.95]) } else { Line([0.34, 1.0]) };
    Stroke { start: [0.45, -0.45], parts: vec![top, bottom, stem] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn a_curve_goes_from_its_start_to_its_end_and_halfway_through_de_casteljaus_point() {
        let points = [[0.0, 0.0], [0.0, 1.0], [2.0, 1.0], [2.0, 0.0]];
        assert_eq!([cubic(points, 0.0), cubic(points, 1.0)], [points[0], points[3]]);
        assert_eq!(cubic(points, 0.5), [1.0, 0.75]);
    }

    #[test]
    fn strokes_stay_near_their_box() {
        let mut draw = Draw::new(Purpose::Digits, 0, 0, 0);
        for digit in (0..10).cycle().take(500) {
            let strokes = of_digit(digit, &mut draw);
            assert!(strokes.iter().all(|stroke| stroke.len() > 1));
            let within = |[x, y]: &Point| x.abs() < 0.7 && y.abs() < 1.15;
            assert!(strokes.iter().flatten().all(within), "{digit}: {strokes:?}");
        }
    }
}
