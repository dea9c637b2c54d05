//! Wrong gradients of functions that work element by element: what is too much or too little, as an expression.

use super::Diagnosis;
use super::sample::Sample;

/// So many elements have to fit an expression before it is named.
const FEWEST: usize = 4;
/// How far they may be off, beside the tolerance.
const FIT: f64 = 1e-5;

/// An element, the output that depends on it, and what is said of the derivative.
struct Point {
    x: f64,
    y: f64,
    analytic: f64,
    numeric: f64,
    error: f64,
}

/// An expression of a point.
type Expression = (&'static str, fn(&Point) -> f64);

/// What the difference may be a multiple of; `a` is what backward says.
const EXPRESSIONS: &[Expression] = &[
    ("x", |p| p.x),
    ("y", |p| p.y),
    ("x^2", |p| p.x * p.x),
    ("x^3", |p| p.x.powi(3)),
    ("1/x", |p| 1.0 / p.x),
    ("1/x^2", |p| 1.0 / (p.x * p.x)),
    ("x*y", |p| p.x * p.y),
    ("y^2", |p| p.y * p.y),
    ("y/x", |p| p.y / p.x),
    ("x*a", |p| p.x * p.analytic),
    ("a/x", |p| p.analytic / p.x),
    ("y*a", |p| p.y * p.analytic),
    ("a/y", |p| p.analytic / p.y),
];

/// The error as a constant or a multiple of an expression, where each output depends on one element.
pub(super) fn term(sample: &Sample) -> Option<Diagnosis> {
    let points = points(sample)?;
    if let Some(c) = multiple(&points, |_| 1.0) {
        return Some(Diagnosis::Offset(c));
    }
    let varies = |of: &Expression| {
        let values = || points.iter().map(|point| of.1(point).abs());
        values().fold(0.0, f64::max) > 1.01 * values().fold(f64::INFINITY, f64::min)
    };
    let fits = |of: &Expression| multiple(&points, of.1).map(|c| Diagnosis::Term { coefficient: c, of: of.0 });
    EXPRESSIONS.iter().filter(|of| varies(of)).find_map(fits)
}

fn points(sample: &Sample) -> Option<Vec<Point>> {
    let mut points = Vec::new();
    for (row, y) in sample.rows.iter().zip(&sample.y) {
        let counts = |i: &usize| row[*i].depends() || !row[*i].is_right();
        let some: Vec<usize> = (0..row.len()).filter(counts).collect();
        match some[..] {
            [] => {}
            [i] => {
                let size = sample.sizes[i];
                let [analytic, numeric, error] =
                    [row[i].analytic, row[i].numeric, row[i].error].map(|part| part / size);
                points.push(Point { x: sample.x[i], y: *y, analytic, numeric, error });
            }
            _ => return None,
        }
    }
    (points.len() >= FEWEST).then_some(points)
}

/// The number that the differences of all points are times an expression.
fn multiple(points: &[Point], of: impl Fn(&Point) -> f64) -> Option<f64> {
    let ratio = |point: &Point| (point.analytic - point.numeric) / of(point);
    let greatest = points.iter().max_by(|a, b| of(a).abs().total_cmp(&of(b).abs()))?;
    let c = ratio(greatest);
    let fits = |point: &Point| {
        let slack = point.error + 1e-9 * point.analytic.abs().max(point.numeric.abs());
        (c * of(point) - (point.analytic - point.numeric)).abs() <= FIT * (c * of(point)).abs() + slack
    };
    (c.is_finite() && c != 0.0 && points.iter().all(fits)).then_some(c)
}
