//! Lines over a common axis, such as the accuracy of several runs by epoch, as SVG.

use super::svg::{FONT, escaped};
use std::fmt::Write;

const SIZE: [f64; 2] = [760.0, 420.0];
/// Room left of, right of, above and below the lines.
const MARGINS: [f64; 4] = [64.0, 24.0, 48.0, 54.0];
/// Told apart by people who see few colours too (Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#1e293b"];

/// A line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is called in the legend.
    pub name: String,
    /// Its points `[x, y]`, from left to right; one that is not finite breaks the line.
    pub points: Vec<[f64; 2]>,
}

/// Lines over a common axis.
///
/// ```
/// use evograd::report::{LineChart, Series};
/// let line = Series { name: "sum".into(), points: vec![[1.0, 40.0], [2.0, 55.0]] };
/// let chart = LineChart { title: "Accuracy".into(), x: "epoch".into(), y: "%".into(), series: vec![line] };
/// assert!(chart.to_svg().starts_with("<svg "));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// What stands above.
    pub title: String,
    /// What the horizontal axis counts.
    pub x: String,
    /// What the vertical axis measures.
    pub y: String,
    /// The lines.
    pub series: Vec<Series>,
}

/// An axis: its ends, and the places that are marked.
struct Axis {
    low: f64,
    high: f64,
    marks: Vec<f64>,
}

impl Axis {
    /// An axis over all values, that begins and ends at round numbers.
    fn over(values: impl Iterator<Item = f64>) -> Axis {
        let finite: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let whole = finite.iter().all(|value| value.fract() == 0.0);
        let finite = finite.into_iter();
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high.max(low + 1e-9 * low.abs().max(1.0))) };
        let step = round_step((high - low) / 6.0).max(if whole { 1.0 } else { 0.0 });
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let marks = (first..=last).map(|mark| mark as f64 * step).collect();
        Axis { low: first as f64 * step, high: last as f64 * step, marks }
    }

    /// Where a value lies, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The least of 1, 2 or 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|round| *round >= step * 0.999).unwrap_or(step)
}

/// A number at an axis, without digits that say nothing.
fn shown(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

impl LineChart {
    /// The drawing.
    pub fn to_svg(&self) -> String {
        let [width, height] = SIZE;
        let points = || self.series.iter().flat_map(|series| &series.points);
        let axes = [Axis::over(points().map(|point| point[0])), Axis::over(points().map(|point| point[1]))];
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FONT}\" font-size=\"12\" fill=\"#1e293b\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"{}\" y=\"28\" font-size=\"16\" font-weight=\"bold\">{}</text>\n",
            MARGINS[0],
            escaped(&self.title)
        );
        self.draw_axes(&axes, &mut svg);
        for (number, series) in self.series.iter().enumerate() {
            draw_line(series, COLOURS[number % COLOURS.len()], number >= COLOURS.len(), &axes, &mut svg);
        }
        self.draw_legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_axes(&self, [x, y]: &[Axis; 2], svg: &mut String) {
        let (left, right, bottom) = (MARGINS[0], SIZE[0] - MARGINS[1], SIZE[1] - MARGINS[3]);
        for mark in &y.marks {
            let [_, at] = pixel([x.low, *mark], [x, y]);
            let _ = writeln!(svg, "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#e2e8f0\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                at + 4.0,
                shown(*mark)
            );
        }
        for mark in &x.marks {
            let [at, _] = pixel([*mark, y.low], [x, y]);
            let _ = writeln!(svg, "<path d=\"M{at:.1} {bottom}v5\" stroke=\"#64748b\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 19.0,
                shown(*mark)
            );
        }
        let _ = writeln!(svg, "<path d=\"M{left} {bottom}H{right}\" stroke=\"#64748b\"/>");
        let (middle, below) = ((left + right) / 2.0, SIZE[1] - 14.0);
        let _ = writeln!(svg, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", escaped(&self.x));
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            MARGINS[2] - 8.0,
            escaped(&self.y)
        );
    }

    /// The names, in the lower right corner, where rising lines are not.
    fn draw_legend(&self, svg: &mut String) {
        let longest = self.series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0) as f64;
        let (left, top) = (SIZE[0] - MARGINS[1] - 44.0 - longest * 7.0, SIZE[1] - MARGINS[3] - 12.0);
        let [width, height] = [longest * 7.0 + 40.0, self.series.len() as f64 * 18.0 + 10.0];
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"#ffffff\" fill-opacity=\"0.85\" stroke=\"#e2e8f0\"/>",
            top - height
        );
        for (number, series) in self.series.iter().enumerate() {
            let (y, colour) = (top - height + 19.0 + 18.0 * number as f64, COLOURS[number % COLOURS.len()]);
            let _ = writeln!(
                svg,
                "<path d=\"M{:.1} {:.1}h20\" stroke=\"{colour}\" stroke-width=\"2.5\"/>",
                left + 7.0,
                y - 4.0
            );
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>", left + 33.0, escaped(&series.name));
        }
    }
}

fn pixel(point: [f64; 2], [x, y]: [&Axis; 2]) -> [f64; 2] {
    let [left, right, top, bottom] = MARGINS;
    let [width, height] = [SIZE[0] - left - right, SIZE[1] - top - bottom];
    [left + width * x.place(point[0]), top + height * (1.0 - y.place(point[1]))]
}

/// A line with its points; dashed where colours have begun anew.
fn draw_line(series: &Series, colour: &str, dashed: bool, [x, y]: &[Axis; 2], svg: &mut String) {
    let (mut path, mut pen_down) = (String::new(), false);
    for point in &series.points {
        let [at, up] = pixel(*point, [x, y]);
        if at.is_finite() && up.is_finite() {
            let _ = write!(path, "{}{at:.1} {up:.1}", if pen_down { "L" } else { "M" });
            let _ = writeln!(svg, "<circle cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
        }
        pen_down = at.is_finite() && up.is_finite();
    }
    let dash = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
    let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_begin_and_end_at_round_numbers_around_all_values() {
        let axis = Axis::over([41.3, 85.8, f64::NAN].into_iter());
        assert_eq!((axis.low, axis.high, axis.marks.len()), (40.0, 90.0, 6));
        let axis = Axis::over([3.0, 3.0].into_iter());
        assert!(axis.low <= 3.0 && axis.high >= 3.0 && axis.low < axis.high && axis.marks.len() < 12);
        let axis = Axis::over(std::iter::empty());
        assert_eq!((axis.low, axis.high), (0.0, 1.0));
    }

    #[test]
    fn points_lie_where_their_numbers_say_and_gaps_stay_gaps() {
        let series = Series { name: "a<b".into(), points: vec![[0.0, 0.0], [5.0, f64::NAN], [10.0, 100.0]] };
        let chart = LineChart { title: "t".into(), x: "x".into(), y: "y".into(), series: vec![series] };
        let svg = chart.to_svg();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(
            svg.contains("<circle cx=\"64.0\" cy=\"366.0\"") && svg.contains("<circle cx=\"736.0\" cy=\"48.0\""),
            "{svg}"
        );
        assert!(svg.contains("d=\"M64.0 366.0M736.0 48.0\"") && svg.contains("a&lt;b"), "{svg}");
    }
}
