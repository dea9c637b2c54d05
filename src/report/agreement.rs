//! What was expected against what was measured, with error bars and the line on which both are equal, as SVG.

use super::axis::Axis;
use super::frame::{COLOURS, Entry, Frame, Mark};
use super::svg::escaped;
use std::fmt::Write;

/// A point of the chart.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreementPoint {
    /// What is shown when a pointer rests on it.
    pub name: String,
    /// What was expected, and what was measured. A point that is not finite is left out.
    pub at: [f64; 2],
    /// The standard error of what was expected; 0 draws none.
    pub error: f64,
}

/// Expected values along the horizontal axis, measured ones along the vertical one.
///
/// ```
/// use evograd::report::{Agreement, AgreementPoint};
/// let point = AgreementPoint { name: "1-01".into(), at: [44.0, 45.5], error: 1.0 };
/// let chart = Agreement {
///     title: "Predicted and measured".into(), x: "predicted, %".into(), y: "measured, %".into(), point: "network".into(), points: vec![point],
/// };
/// assert!(chart.to_svg().contains("<title>1-01</title>"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// What stands above.
    pub title: String,
    /// What the horizontal axis measures.
    pub x: String,
    /// What the vertical axis measures.
    pub y: String,
    /// What a point stands for.
    pub point: String,
    /// The points.
    pub points: Vec<AgreementPoint>,
}

impl Agreement {
    /// The drawing.
    pub fn to_svg(&self) -> String {
        let drawn: Vec<&AgreementPoint> =
            self.points.iter().filter(|point| point.at.iter().all(|x| x.is_finite())).collect();
        let ends = drawn.iter().flat_map(|point| [point.at[0] - point.error, point.at[0] + point.error]);
        let axes = [Axis::over(ends), Axis::over(drawn.iter().map(|point| point.at[1]))];
        let frame = Frame { title: &self.title, names: [&self.x, &self.y], axes };
        let mut svg = frame.open();
        draw_equality(&frame, &mut svg);
        drawn.iter().for_each(|point| point.draw(&frame, &mut svg));
        let entries = [
            Entry { name: &self.point, colour: COLOURS[0], mark: Mark::Dot },
            Entry { name: "both equal", colour: COLOURS[1], mark: Mark::Dashes },
        ];
        let pixels: Vec<[f64; 2]> = drawn.iter().map(|point| frame.pixel(point.at)).collect();
        frame.legend(&entries, &pixels, &mut svg);
        svg + "</svg>\n"
    }
}

/// The line on which both are equal, as far as it lies within the axes.
fn draw_equality(frame: &Frame, svg: &mut String) {
    let [x, y] = &frame.axes;
    let (low, high) = (x.low.max(y.low), x.high.min(y.high));
    if low < high {
        let [[x1, y1], [x2, y2]] = [low, high].map(|both| frame.pixel([both, both]));
        let colour = COLOURS[1];
        let _ = writeln!(
            svg,
            "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"6 4\"/>"
        );
    }
}

impl AgreementPoint {
    fn draw(&self, frame: &Frame, svg: &mut String) {
        let (colour, name) = (COLOURS[0], escaped(&self.name));
        let [x, y] = frame.pixel(self.at);
        if self.error > 0.0 {
            let [left, right] = [-1.0, 1.0].map(|side| frame.pixel([self.at[0] + side * self.error, self.at[1]])[0]);
            let _ = writeln!(
                svg,
                "<path d=\"M{left:.1} {y:.1}H{right:.1}\" stroke=\"{colour}\" stroke-opacity=\"0.35\" stroke-width=\"1.5\"/>"
            );
        }
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\" fill-opacity=\"0.75\"><title>{name}</title></circle>"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[([f64; 2], f64)]) -> String {
        let point = |(at, error): &([f64; 2], f64)| AgreementPoint { name: "a<b".into(), at: *at, error: *error };
        let points = points.iter().map(point).collect();
        Agreement { title: "t".into(), x: "x".into(), y: "y".into(), point: "p".into(), points }.to_svg()
    }

    #[test]
    fn points_bars_and_the_line_of_equality_are_drawn() {
        let svg = chart(&[([2.0, 2.0], 2.0), ([10.0, 10.0], 0.0), ([f64::NAN, 1.0], 1.0)]);
        // Axes from 0 to 10 and from 2 to 10: equality leaves through the lower edge at 2.
        assert!(svg.contains("<path d=\"M174.4 346.0L616.0 56.0\""), "{svg}");
        assert!(svg.contains("<path d=\"M64.0 346.0H284.8\""), "{svg}");
        assert_eq!(svg.matches("<title>a&lt;b</title>").count(), 2);
        assert_eq!(svg.matches("stroke-opacity").count(), 1);
    }

    #[test]
    fn values_far_apart_have_no_line_and_nothing_is_drawn_of_nothing() {
        assert!(!chart(&[([1.0, 50.0], 0.0), ([2.0, 60.0], 0.0)]).contains("L616.0"));
        assert!(chart(&[]).ends_with("</svg>\n"));
    }
}
