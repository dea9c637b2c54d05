//! Points over two measures, such as accuracy against multiply-adds, with their Pareto front, as SVG.

use super::axis::Axis;
use super::frame::{COLOURS, Entry, Frame, Mark};
use super::svg::escaped;
use std::fmt::Write;

/// A point of a scatter chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterPoint {
    /// What is shown when a pointer rests on it.
    pub name: String,
    /// Where it lies: `[x, y]`. One that is not finite is left out.
    pub at: [f64; 2],
    /// The standard error of the height; 0 draws none.
    pub error: f64,
}

/// Points over two measures, of which less is better along the horizontal axis and more along the vertical one.
///
/// ```
/// use evograd::report::{Scatter, ScatterPoint};
/// let point = |name: &str, at| ScatterPoint { name: name.into(), at, error: 0.0 };
/// let points = vec![point("small", [1.0, 60.0]), point("waste", [2.0, 50.0]), point("large", [3.0, 70.0])];
/// let chart = Scatter {
///     title: "Accuracy".into(), x: "MACs".into(), y: "%".into(), point: "network".into(), points, marked: Some(2),
/// };
/// assert_eq!(chart.front(), [0, 2]);
/// assert!(chart.to_svg().contains("<title>small</title>"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// What stands above.
    pub title: String,
    /// What the horizontal axis measures; less is better.
    pub x: String,
    /// What the vertical axis measures; more is better.
    pub y: String,
    /// What a point stands for.
    pub point: String,
    /// The points.
    pub points: Vec<ScatterPoint>,
    /// The point that won.
    pub marked: Option<usize>,
}

impl Scatter {
    /// The places of the points that no other surpasses: from left to right, each higher than all before it. Of points in
    /// one place it is the first.
    pub fn front(&self) -> Vec<usize> {
        let at = |place: &usize| self.points[*place].at;
        let finite = |place: &usize| at(place).iter().all(|x| x.is_finite());
        let mut places: Vec<usize> = (0..self.points.len()).filter(finite).collect();
        places.sort_by(|a, b| at(a)[0].total_cmp(&at(b)[0]).then(at(b)[1].total_cmp(&at(a)[1])));
        let mut highest = f64::NEG_INFINITY;
        places.retain(|place| {
            let higher = at(place)[1] > highest;
            highest = highest.max(at(place)[1]);
            higher
        });
        places
    }

    /// The drawing: the points, their front in steps, and a ring around the one that won.
    pub fn to_svg(&self) -> String {
        let heights = self.points.iter().flat_map(|point| [point.at[1] - point.error, point.at[1] + point.error]);
        let axes = [Axis::over(self.points.iter().map(|point| point.at[0])), Axis::over(heights)];
        let frame = Frame { title: &self.title, names: [&self.x, &self.y], axes };
        let mut svg = frame.open();
        let front = self.front();
        self.draw_front(&front, &frame, &mut svg);
        for (place, point) in self.points.iter().enumerate() {
            self.draw_error(point, &frame, &mut svg);
            self.draw_point(place, front.contains(&place), frame.pixel(point.at), &mut svg);
        }
        let mut entries = vec![
            Entry { name: &self.point, colour: COLOURS[4], mark: Mark::Dot },
            Entry { name: "Pareto front", colour: COLOURS[1], mark: Mark::Line },
        ];
        if self.marked.is_some() {
            entries.push(Entry { name: "winner", colour: COLOURS[6], mark: Mark::Ring });
        }
        let pixels: Vec<[f64; 2]> = self.points.iter().map(|point| frame.pixel(point.at)).collect();
        frame.legend(&entries, &pixels, &mut svg);
        svg + "</svg>\n"
    }

    /// From each point of the front right to the next, then up; after the last on to the end of the axis.
    fn draw_front(&self, front: &[usize], frame: &Frame, svg: &mut String) {
        let mut path = String::new();
        for place in front {
            let [x, y] = frame.pixel(self.points[*place].at);
            let _ = if path.is_empty() { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
        }
        let [end, _] = frame.pixel([frame.axes[0].high, frame.axes[1].low]);
        if !path.is_empty() {
            let colour = COLOURS[1];
            let _ = writeln!(svg, "<path d=\"{path}H{end:.1}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        }
    }

    fn draw_error(&self, ScatterPoint { at: [x, y], error, .. }: &ScatterPoint, frame: &Frame, svg: &mut String) {
        let [[x, low], [_, high]] = [-1.0, 1.0].map(|side| frame.pixel([*x, y + side * error]));
        if *error > 0.0 && x.is_finite() && low.is_finite() && high.is_finite() {
            let colour = COLOURS[4];
            let _ =
                writeln!(svg, "<path d=\"M{x:.1} {low:.1}V{high:.1}\" stroke=\"{colour}\" stroke-opacity=\"0.4\"/>");
        }
    }

    fn draw_point(&self, place: usize, on_front: bool, [x, y]: [f64; 2], svg: &mut String) {
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        let (colour, opacity) = if on_front { (COLOURS[1], 1.0) } else { (COLOURS[4], 0.6) };
        let name = escaped(&self.points[place].name);
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\" fill-opacity=\"{opacity}\"><title>{name}</title></circle>"
        );
        if self.marked == Some(place) {
            let colour = COLOURS[6];
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[[f64; 2]]) -> Scatter {
        let point = |at: &[f64; 2]| ScatterPoint { name: "a<b".into(), at: *at, error: 0.0 };
        let points = points.iter().map(point).collect();
        let (x, y, point) = ("x".into(), "y".into(), "p".into());
        Scatter { title: "t".into(), x, y, point, points, marked: Some(0) }
    }

    #[test]
    fn the_front_is_what_no_other_surpasses() {
        let points = [[3.0, 70.0], [1.0, 60.0], [2.0, 50.0], [1.0, 55.0], [3.0, 70.0], [2.5, 60.0], [0.5, f64::NAN]];
        assert_eq!(chart(&points).front(), [1, 0]);
        assert!(chart(&[]).front().is_empty());
        // By the definition: nobody is at most as far right and at least as high, and somewhere better.
        let points: Vec<[f64; 2]> = (0..200_u64).map(|i| [(i * 37 % 101) as f64, (i * 53 % 97) as f64]).collect();
        let surpassed =
            |one: &[f64; 2]| points.iter().any(|other| other[0] <= one[0] && other[1] >= one[1] && other != one);
        let mut expected: Vec<[f64; 2]> = points.iter().copied().filter(|one| !surpassed(one)).collect();
        expected.sort_by(|a, b| a[0].total_cmp(&b[0]));
        expected.dedup();
        let front: Vec<[f64; 2]> = chart(&points).front().into_iter().map(|place| points[place]).collect();
        assert_eq!(front, expected);
    }

    #[test]
    fn the_front_is_drawn_in_steps_to_the_end_of_the_axis() {
        let svg = chart(&[[0.0, 0.0], [5.0, 10.0], [10.0, 5.0]]).to_svg();
        assert!(svg.contains("d=\"M64.0 346.0H340.0V56.0H616.0\""), "{svg}");
        assert_eq!(svg.matches("<title>a&lt;b</title>").count(), 3);
        assert_eq!(svg.matches("r=\"8\"").count(), 1);
        assert!(chart(&[]).to_svg().ends_with("</svg>\n"));
    }

    #[test]
    fn errors_are_drawn_and_lie_within_the_axis() {
        let mut chart = chart(&[[0.0, 0.0], [10.0, 10.0]]);
        chart.points[1].error = 10.0;
        let svg = chart.to_svg();
        assert_eq!(svg.matches("stroke-opacity=\"0.4\"").count(), 1);
        assert!(svg.contains("<path d=\"M616.0 346.0V56.0\""), "{svg}");
    }
}
