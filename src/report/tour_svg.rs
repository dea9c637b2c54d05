//! A tour through towns as a drawing, with how it became shorter. Knows places and numbers alone.

use super::svg::{FONT, escaped};
use std::fmt::Write;

/// The side of the square that the towns lie in.
const SIDE: f64 = 520.0;
const MARGIN: f64 = 30.0;
/// Room for the title.
const HEAD: f64 = 50.0;
/// The height of the curve below the towns.
const CURVE: f64 = 90.0;
const COLOUR: &str = "#0072b2";

/// A tour through towns.
///
/// ```
/// use evograd::report::TourDrawing;
/// let places = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
/// let drawing = TourDrawing { title: "Three towns", places: &places, tour: &[0, 1, 2], lengths: &[] };
/// assert!(drawing.to_svg().starts_with("<svg "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TourDrawing<'a> {
    /// What stands above.
    pub title: &'a str,
    /// Where the towns lie, `[x, y]` with `y` upwards.
    pub places: &'a [[f64; 2]],
    /// The order of the towns, by their place in `places`.
    pub tour: &'a [usize],
    /// The points `[generation, length]` of a curve, from left to right, generations counted from 1; it is left out where there are fewer than two.
    pub lengths: &'a [[f64; 2]],
}

impl TourDrawing<'_> {
    /// The drawing. Towns that the tour names and that there are not are left out.
    pub fn to_svg(&self) -> String {
        let curve = self.lengths.len() > 1;
        let (width, towns_end) = (SIDE + 2.0 * MARGIN, HEAD + SIDE + MARGIN);
        let height = if curve { towns_end + CURVE + 2.0 * MARGIN } else { towns_end };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FONT}\" font-size=\"12\" fill=\"#1e293b\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"{MARGIN}\" y=\"30\" font-size=\"16\" font-weight=\"bold\">{}</text>\n",
            escaped(self.title)
        );
        self.draw_tour(&mut svg);
        if curve {
            self.draw_curve(towns_end + MARGIN, &mut svg);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_tour(&self, svg: &mut String) {
        let points = self.points();
        let stops: Vec<&[f64; 2]> = self.tour.iter().filter_map(|town| points.get(*town)).collect();
        let stops: Vec<String> = stops.into_iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        let stops = stops.join(" ");
        let _ = writeln!(
            svg,
            "<polygon points=\"{stops}\" fill=\"{COLOUR}\" fill-opacity=\"0.07\" stroke=\"{COLOUR}\" stroke-width=\"2\" \
             stroke-linejoin=\"round\"/>"
        );
        let radius = if points.len() > 200 { 2.0 } else { 4.0 };
        for [x, y] in points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"#d55e00\"/>");
        }
    }

    /// Where the towns are drawn: as large as fits, in the middle, and no direction stretched.
    fn points(&self) -> Vec<[f64; 2]> {
        let ends = [0, 1].map(|axis| ends(self.places.iter().map(|place| place[axis])));
        let widest = ends.iter().map(|[low, high]| high - low).fold(0.0, f64::max);
        let scale = if widest > 0.0 { SIDE / widest } else { 0.0 };
        let from_middle = |place: &[f64; 2], axis: usize| scale * (place[axis] - (ends[axis][0] + ends[axis][1]) / 2.0);
        let middle = [MARGIN + SIDE / 2.0, HEAD + SIDE / 2.0];
        self.places.iter().map(|place| [middle[0] + from_middle(place, 0), middle[1] - from_middle(place, 1)]).collect()
    }

    /// Most is gained early, so each tenfold of generations has the same width.
    fn draw_curve(&self, top: f64, svg: &mut String) {
        let [[first, last], [least, most]] = [0, 1].map(|axis| ends(self.lengths.iter().map(|point| point[axis])));
        let (bottom, right) = (top + CURVE, MARGIN + SIDE);
        let share = |value: f64, low: f64, high: f64| if high > low { (value - low) / (high - low) } else { 0.0 };
        let mut path = String::new();
        for [generation, length] in self.lengths {
            let y = bottom - CURVE * share(*length, least, most);
            let x = MARGIN + SIDE * share(generation.ln(), first.ln(), last.ln());
            // The length stays what it was until a shorter tour is found.
            let _ = if path.is_empty() { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
        }
        let _ = writeln!(svg, "<path d=\"M{MARGIN} {bottom}H{right}\" stroke=\"#64748b\"/>");
        let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{COLOUR}\" stroke-width=\"2\"/>");
        for (x, y, anchor, text) in [
            (MARGIN, top - 8.0, "start", format!("length {most:.4}")),
            (right, bottom - 8.0, "end", format!("length {least:.4}")),
            (MARGIN, bottom + 18.0, "start", format!("generation {first}")),
            (MARGIN + SIDE / 2.0, bottom + 18.0, "middle", "logarithmic".into()),
            (right, bottom + 18.0, "end", format!("generation {last}")),
        ] {
            let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>");
        }
    }
}

/// The least and the greatest.
fn ends(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towns_lie_in_the_square_and_the_tour_goes_through_them_in_order() {
        let places = [[0.0, 0.0], [10.0, 0.0], [0.0, 5.0]];
        let drawing = TourDrawing { title: "a<b", places: &places, tour: &[1, 0, 2], lengths: &[] };
        let svg = drawing.to_svg();
        assert!(svg.contains("points=\"550.0,440.0 30.0,440.0 30.0,180.0\""), "{svg}");
        assert!(svg.contains("a&lt;b") && svg.matches("<circle").count() == 3 && !svg.contains("length"), "{svg}");
    }

    #[test]
    fn the_curve_falls_in_steps() {
        let places = [[1.0, 1.0]; 3];
        let drawing = TourDrawing { title: "", places: &places, tour: &[0, 1, 2], lengths: &[[1.0, 8.0], [3.0, 4.0]] };
        let svg = drawing.to_svg();
        assert!(svg.contains("d=\"M30.0 630.0H550.0V720.0\"") && svg.contains("length 4.0000"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
