//! Lines over a common axis, such as the accuracy of several runs by epoch, as SVG.

use super::axis::Axis;
use super::frame::{COLOURS, Entry, Frame, Mark};
use std::fmt::Write;

/// The most points of a line that are marked each.
const MOST_DOTS: usize = 80;

/// A line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is called in the legend.
    pub name: String,
    /// Its points `[x, y]`, from left to right; one that is not finite breaks the line.
    pub points: Vec<[f64; 2]>,
}

/// Where most values behind a line lie: `[x, low, high]`, from left to right, all finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Band(pub Vec<[f64; 3]>);

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

/// How a line goes from a point to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pen {
    /// Straight.
    Straight,
    /// At the same height until the next point, then up or down to it.
    Steps,
}

impl LineChart {
    /// The drawing, with a straight line from each point to the next.
    pub fn to_svg(&self) -> String {
        self.drawn(Pen::Straight)
    }

    /// The drawing, in which each line keeps its height until its next point, as what was reached so far does.
    ///
    /// ```
    /// use evograd::report::{LineChart, Series};
    /// let line = Series { name: "best so far".into(), points: vec![[0.0, 0.0], [10.0, 10.0]] };
    /// let chart = LineChart { title: "t".into(), x: "x".into(), y: "y".into(), series: vec![line] };
    /// assert!(chart.to_step_svg().contains("d=\"M64.0 346.0H616.0V56.0\""));
    /// ```
    pub fn to_step_svg(&self) -> String {
        self.drawn(Pen::Steps)
    }

    /// As [`LineChart::to_svg`], with a band around each line, the first around the first.
    pub fn to_banded_svg(&self, bands: &[Band]) -> String {
        self.drawn_with(Pen::Straight, bands)
    }

    /// As [`LineChart::to_step_svg`], with a band around each line, the first around the first.
    ///
    /// ```
    /// use evograd::report::{Band, LineChart, Series};
    /// let line = Series { name: "mean".into(), points: vec![[0.0, 5.0], [10.0, 5.0]] };
    /// let chart = LineChart { title: "t".into(), x: "x".into(), y: "y".into(), series: vec![line] };
    /// let svg = chart.to_banded_step_svg(&[Band(vec![[0.0, 0.0, 10.0], [10.0, 0.0, 10.0]])]);
    /// assert!(svg.contains("d=\"M64.0 56.0H616.0V56.0V346.0H616.0V346.0H64.0Z\""));
    /// ```
    pub fn to_banded_step_svg(&self, bands: &[Band]) -> String {
        self.drawn_with(Pen::Steps, bands)
    }

    fn drawn(&self, pen: Pen) -> String {
        self.drawn_with(pen, &[])
    }

    fn drawn_with(&self, pen: Pen, bands: &[Band]) -> String {
        let ends = bands.iter().flat_map(|band| &band.0).flat_map(|[x, low, high]| [[*x, *low], [*x, *high]]);
        let points: Vec<[f64; 2]> = self.series.iter().flat_map(|series| &series.points).copied().chain(ends).collect();
        let axes = [0, 1].map(|axis| Axis::over(points.iter().map(|point| point[axis])));
        let frame = Frame { title: &self.title, names: [&self.x, &self.y], axes };
        let mut svg = frame.open();
        bands.iter().enumerate().for_each(|(number, band)| band.draw(&frame, look(number).0, pen, &mut svg));
        let mut covered = Vec::new();
        for (number, series) in self.series.iter().enumerate() {
            let pixels: Vec<[f64; 2]> = series.points.iter().map(|point| frame.pixel(*point)).collect();
            covered.extend(divided(&pixels));
            draw_line(&pixels, look(number), pen, &mut svg);
        }
        let entries: Vec<Entry> = self.series.iter().enumerate().map(|(number, series)| series.entry(number)).collect();
        frame.legend(&entries, &covered, &mut svg);
        svg + "</svg>\n"
    }
}

impl Series {
    fn entry(&self, number: usize) -> Entry<'_> {
        let (colour, dashed) = look(number);
        Entry { name: &self.name, colour, mark: if dashed { Mark::Dashes } else { Mark::Line } }
    }
}

impl Band {
    /// Its shape, straight or in steps as its line. It has a thin edge, by which bands that lie over each other are distinguished.
    fn draw(&self, frame: &Frame<'_>, colour: &str, pen: Pen, svg: &mut String) {
        let edge = |side: usize| self.0.iter().map(move |of| frame.pixel([of[0], of[side]]));
        let mut path = String::new();
        for (number, [x, y]) in edge(2).enumerate() {
            let _ = match (number, pen) {
                (0, _) => write!(path, "M{x:.1} {y:.1}"),
                (_, Pen::Straight) => write!(path, "L{x:.1} {y:.1}"),
                (_, Pen::Steps) => write!(path, "H{x:.1}V{y:.1}"),
            };
        }
        // Back from right to left, in steps each at its height from the next point to itself.
        for [x, y] in edge(1).rev() {
            let _ = match pen {
                Pen::Straight => write!(path, "L{x:.1} {y:.1}"),
                Pen::Steps => write!(path, "V{y:.1}H{x:.1}"),
            };
        }
        let _ = writeln!(
            svg,
            "<path d=\"{path}Z\" fill=\"{colour}\" fill-opacity=\"0.12\" stroke=\"{colour}\" stroke-opacity=\"0.35\" \
             stroke-width=\"0.75\"/>"
        );
    }
}

/// The colour of a line, and whether it is dashed because colours have begun anew.
fn look(number: usize) -> (&'static str, bool) {
    (COLOURS[number % COLOURS.len()], number >= COLOURS.len())
}

/// The points with so many more on each stroke that no corner of the drawing is crossed between two.
fn divided(pixels: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let between = |ends: &[[f64; 2]], part: f64| [0, 1].map(|axis| ends[0][axis] * (1.0 - part) + ends[1][axis] * part);
    let strokes = pixels.windows(2).flat_map(|ends| (1..16).map(move |part| between(ends, f64::from(part) / 16.0)));
    pixels.iter().copied().chain(strokes).collect()
}

/// A line, with dots where straight strokes meet and there are not too many of them.
fn draw_line(pixels: &[[f64; 2]], (colour, dashed): (&str, bool), pen: Pen, svg: &mut String) {
    let (mut path, mut pen_down) = (String::new(), false);
    let dots = pixels.len() == 1 || (pen == Pen::Straight && pixels.len() <= MOST_DOTS);
    for [x, y] in pixels {
        let finite = x.is_finite() && y.is_finite();
        if finite {
            let _ = match (pen_down, pen) {
                (false, _) => write!(path, "M{x:.1} {y:.1}"),
                (true, Pen::Straight) => write!(path, "L{x:.1} {y:.1}"),
                (true, Pen::Steps) => write!(path, "H{x:.1}V{y:.1}"),
            };
        }
        if finite && dots {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
        }
        pen_down = finite;
    }
    let dash = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
    let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<[f64; 2]>) -> LineChart {
        let series = Series { name: "a<b".into(), points };
        LineChart { title: "t".into(), x: "x".into(), y: "y".into(), series: vec![series] }
    }

    #[test]
    fn points_lie_where_their_numbers_say_and_gaps_stay_gaps() {
        let svg = chart(vec![[0.0, 0.0], [5.0, f64::NAN], [10.0, 100.0]]).to_svg();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(
            svg.contains("<circle cx=\"64.0\" cy=\"346.0\"") && svg.contains("<circle cx=\"616.0\" cy=\"56.0\""),
            "{svg}"
        );
        assert!(svg.contains("d=\"M64.0 346.0M616.0 56.0\"") && svg.contains("a&lt;b"), "{svg}");
    }

    #[test]
    fn steps_have_no_dots_but_for_a_point_alone() {
        let svg = chart(vec![[0.0, 0.0], [5.0, 10.0], [10.0, 10.0]]).to_step_svg();
        assert!(svg.contains("d=\"M64.0 346.0H340.0V56.0H616.0V56.0\"") && !svg.contains("<circle"), "{svg}");
        assert_eq!(chart(vec![[1.0, 2.0]]).to_step_svg().matches("<circle").count(), 1);
    }

    #[test]
    fn long_lines_are_not_dotted() {
        let line = |count| chart((0..count).map(|i| [i as f64, i as f64]).collect()).to_svg();
        assert_eq!((line(80).matches("<circle").count(), line(81).matches("<circle").count()), (80, 0));
    }
}
