//! Effects with their errors, one row each, around the line of no effect, as SVG.

use super::axis::{Axis, shown};
use super::frame::COLOURS;
use super::svg::{FONT, escaped};
use std::fmt::Write;

/// The width of the drawing, the room left of the axis for names, right of it and above it, and the height of a row.
const WIDTH: f64 = 640.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const ROW: f64 = 20.0;

/// An effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// What has it.
    pub name: String,
    /// How large it is.
    pub effect: f64,
    /// Its standard error.
    pub error: f64,
}

/// Effects in rows, each with a bar of two standard errors to either side. Those whose bars do not reach zero are drawn in colour.
///
/// ```
/// use evograd::report::{Effect, EffectsChart};
/// let effect = Effect { name: "edge 1→2".into(), effect: 1.2, error: 0.3 };
/// let chart = EffectsChart { title: "What edges do".into(), x: "points".into(), effects: vec![effect] };
/// assert!(chart.to_svg().contains("edge 1→2"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EffectsChart {
    /// What stands above.
    pub title: String,
    /// What the axis measures.
    pub x: String,
    /// The effects, from above to below; all finite.
    pub effects: Vec<Effect>,
}

impl EffectsChart {
    /// The drawing, as high as there are rows.
    pub fn to_svg(&self) -> String {
        let ends = self.effects.iter().flat_map(|row| [row.effect - 2.0 * row.error, row.effect + 2.0 * row.error]);
        let axis = Axis::over(ends.chain([0.0]));
        let place = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * axis.place(value);
        let bottom = TOP + ROW * self.effects.len() as f64;
        let height = bottom + 54.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"{FONT}\" font-size=\"12\" fill=\"#1e293b\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"14\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{}</text>\n",
            escaped(&self.title)
        );
        for mark in &axis.marks {
            let (x, colour) = (place(*mark), if *mark == 0.0 { "#64748b" } else { "#e2e8f0" });
            let _ = writeln!(svg, "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"{colour}\"/>");
            text(&mut svg, [x, bottom + 19.0], "middle", &shown(*mark));
        }
        text(&mut svg, [(LEFT + WIDTH - RIGHT) / 2.0, height - 12.0], "middle", &self.x);
        for (number, row) in self.effects.iter().enumerate() {
            row.draw(TOP + ROW * (number as f64 + 0.5), &place, &mut svg);
        }
        svg + "</svg>\n"
    }
}

impl Effect {
    fn draw(&self, y: f64, place: &dyn Fn(f64) -> f64, svg: &mut String) {
        text(svg, [LEFT - 10.0, y + 4.0], "end", &self.name);
        let colour = if self.effect.abs() > 2.0 * self.error { COLOURS[0] } else { "#64748b" };
        let [low, high] = [-2.0, 2.0].map(|errors| place(self.effect + errors * self.error));
        let x = place(self.effect);
        let _ = writeln!(svg, "<path d=\"M{low:.1} {y:.1}H{high:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>");
    }
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_effects_are_drawn_in_colour_and_the_axis_holds_all_bars() {
        let effect = |name: &str, effect, error| Effect { name: name.into(), effect, error };
        let effects = vec![effect("good", 2.0, 0.5), effect("a<b", -0.5, 0.5)];
        let svg = EffectsChart { title: "t".into(), x: "x".into(), effects }.to_svg();
        // From −2 to 3: the bars reach from 1 to 3 and from −1.5 to 0.5.
        assert!(svg.contains("<path d=\"M429.6 58.0H616.0\" stroke=\"#0072b2\""), "{svg}");
        assert!(svg.contains("H383.0\" stroke=\"#64748b\""), "{svg}");
        assert!(svg.contains("a&lt;b") && svg.contains("height=\"142\""), "{svg}");
        assert!(EffectsChart { title: "t".into(), x: "x".into(), effects: vec![] }.to_svg().ends_with("</svg>\n"));
    }
}
