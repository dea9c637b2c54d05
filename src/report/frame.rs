//! What all charts share: the title, two axes with their marks, and the legend. Knows no kind of chart.

use super::axis::{Axis, shown};
use super::svg::{FONT, escaped};
use std::fmt::Write;

pub(super) const SIZE: [f64; 2] = [640.0, 400.0];
/// Room left of, right of, above and below what is drawn.
pub(super) const MARGINS: [f64; 4] = [64.0, 24.0, 56.0, 54.0];
/// OnEvent apart by people who see few colours too (Okabe and Ito).
pub(super) const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#1e293b"];

/// A chart without its contents.
pub(super) struct Frame<'a> {
    pub title: &'a str,
    /// What the horizontal and the vertical axis count or measure.
    pub names: [&'a str; 2],
    pub axes: [Axis; 2],
}

/// How something looks that the legend names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Line,
    Dashes,
    Dot,
    Ring,
}

/// A row of the legend.
pub(super) struct Entry<'a> {
    pub name: &'a str,
    pub colour: &'static str,
    pub mark: Mark,
}

impl Frame<'_> {
    /// The beginning of the drawing, with the axes; `</svg>` is still to come.
    pub(super) fn open(&self) -> String {
        let [width, height] = SIZE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FONT}\" font-size=\"12\" fill=\"#1e293b\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"14\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{}</text>\n",
            escaped(self.title)
        );
        self.draw_axes(&mut svg);
        svg
    }

    fn draw_axes(&self, svg: &mut String) {
        let (left, right, bottom) = (MARGINS[0], SIZE[0] - MARGINS[1], SIZE[1] - MARGINS[3]);
        let [x, y] = &self.axes;
        for mark in &y.marks {
            let [_, at] = self.pixel([x.low, *mark]);
            let _ = writeln!(svg, "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#e2e8f0\"/>");
            text(svg, [left - 8.0, at + 4.0], "end", &shown(*mark));
        }
        for mark in &x.marks {
            let [at, _] = self.pixel([*mark, y.low]);
            let _ = writeln!(svg, "<path d=\"M{at:.1} {bottom}v5\" stroke=\"#64748b\"/>");
            text(svg, [at, bottom + 19.0], "middle", &shown(*mark));
        }
        let _ = writeln!(svg, "<path d=\"M{left} {bottom}H{right}\" stroke=\"#64748b\"/>");
        text(svg, [(left + right) / 2.0, SIZE[1] - 12.0], "middle", self.names[0]);
        text(svg, [14.0, MARGINS[2] - 14.0], "start", self.names[1]);
    }

    /// Where a point lies in the drawing.
    pub(super) fn pixel(&self, point: [f64; 2]) -> [f64; 2] {
        let [left, right, top, bottom] = MARGINS;
        let [width, height] = [SIZE[0] - left - right, SIZE[1] - top - bottom];
        let [x, y] = &self.axes;
        [left + width * x.place(point[0]), top + height * (1.0 - y.place(point[1]))]
    }

    /// The names, in the corner where they cover the fewest of these points of the drawing; of equals in the lower right
    /// one, where rising lines are not.
    pub(super) fn legend(&self, entries: &[Entry], points: &[[f64; 2]], svg: &mut String) {
        let longest = entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or(0) as f64;
        let [width, height] = [longest * 7.2 + 44.0, entries.len() as f64 * 18.0 + 10.0];
        let (left, right) = (MARGINS[0] + 12.0, SIZE[0] - MARGINS[1] - 4.0 - width);
        let (top, bottom) = (MARGINS[2] + 6.0, SIZE[1] - MARGINS[3] - 12.0 - height);
        let covered = |[x, y]: [f64; 2]| {
            let inside = |point: &&[f64; 2]| {
                (x - 6.0..x + width + 6.0).contains(&point[0]) && (y - 6.0..y + height + 6.0).contains(&point[1])
            };
            points.iter().filter(inside).count()
        };
        let corners = [[right, bottom], [left, top], [right, top], [left, bottom]];
        let [x, y] = corners.into_iter().min_by_key(|corner| covered(*corner)).expect("there are four corners");
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"4\" fill=\"#ffffff\" \
             fill-opacity=\"0.88\" stroke=\"#e2e8f0\"/>"
        );
        for (number, entry) in entries.iter().enumerate() {
            let y = y + 19.0 + 18.0 * number as f64;
            entry.draw([x + 8.0, y - 4.0], svg);
            text(svg, [x + 36.0, y], "start", entry.name);
        }
    }
}

impl Entry<'_> {
    /// Its look, at the left end of its row.
    fn draw(&self, [x, y]: [f64; 2], svg: &mut String) {
        let colour = self.colour;
        let middle = x + 10.0;
        let _ = match self.mark {
            Mark::Line => writeln!(svg, "<path d=\"M{x:.1} {y:.1}h20\" stroke=\"{colour}\" stroke-width=\"2.5\"/>"),
            Mark::Dashes => writeln!(
                svg,
                "<path d=\"M{x:.1} {y:.1}h20\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-dasharray=\"6 4\"/>"
            ),
            Mark::Dot => writeln!(svg, "<circle cx=\"{middle:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"),
            Mark::Ring => writeln!(
                svg,
                "<circle cx=\"{middle:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>"
            ),
        };
    }
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the legend's box begins when these points must not be covered.
    fn corner(points: &[[f64; 2]]) -> String {
        let axes = [Axis::over([0.0, 10.0].into_iter()), Axis::over([0.0, 10.0].into_iter())];
        let frame = Frame { title: "t", names: ["x", "y"], axes };
        let mut svg = String::new();
        let entry = Entry { name: "a<b", colour: COLOURS[0], mark: Mark::Dot };
        frame.legend(&[entry], points, &mut svg);
        assert!(svg.contains("a&lt;b"), "{svg}");
        svg[..svg.find(" width").unwrap()].to_string()
    }

    #[test]
    fn the_legend_stands_where_nothing_is() {
        assert_eq!(corner(&[]), "<rect x=\"546.4\" y=\"306.0\"");
        assert_eq!(corner(&[[600.0, 310.0]]), "<rect x=\"76.0\" y=\"62.0\"");
        assert_eq!(corner(&[[600.0, 310.0], [80.0, 70.0]]), "<rect x=\"546.4\" y=\"62.0\"");
    }
}
