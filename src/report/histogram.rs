//! How many values lie where, as bars in SVG.

use super::axis::{Axis, round_step};
use super::frame::{COLOURS, Frame};
use std::fmt::Write;

/// About so many bars.
const BARS: f64 = 24.0;

/// How many values lie where.
///
/// ```
/// use evograd::report::Histogram;
/// let values = vec![70.1, 70.2, 75.0];
/// let chart = Histogram { title: "Fitness".into(), x: "%".into(), y: "networks".into(), values };
/// assert_eq!(chart.bars().iter().map(|bar| bar.2).sum::<usize>(), 3);
/// assert!(chart.to_svg().starts_with("<svg "));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// What stands above.
    pub title: String,
    /// What is measured.
    pub x: String,
    /// What is counted.
    pub y: String,
    /// The values; those that are not finite are left out.
    pub values: Vec<f64>,
}

impl Histogram {
    /// The bars that hold any value, from left to right: where they begin and end, the end not belonging to them, and how many
    /// values lie there.
    pub fn bars(&self) -> Vec<(f64, f64, usize)> {
        let axis = Axis::over(self.values.iter().copied());
        let width = round_step((axis.high - axis.low) / BARS);
        let mut bars: Vec<(i64, usize)> = Vec::new();
        let finite = self.values.iter().filter(|value| value.is_finite());
        // A value such as 0.3 must not fall into the bar that ends at 0.3 because of the last bit of a division.
        let mut numbers: Vec<i64> = finite.map(|value| (value / width + 1e-9).floor() as i64).collect();
        numbers.sort_unstable();
        for number in numbers {
            match bars.last_mut() {
                Some((last, count)) if *last == number => *count += 1,
                _ => bars.push((number, 1)),
            }
        }
        bars.into_iter().map(|(number, count)| (number as f64 * width, (number + 1) as f64 * width, count)).collect()
    }

    /// The drawing.
    pub fn to_svg(&self) -> String {
        let bars = self.bars();
        let x = Axis::over(bars.iter().flat_map(|(low, high, _)| [*low, *high]));
        let y = Axis::over(bars.iter().map(|(_, _, count)| *count as f64).chain([0.0]));
        let frame = Frame { title: &self.title, names: [&self.x, &self.y], axes: [x, y] };
        let mut svg = frame.open();
        for (low, high, count) in bars {
            let ([left, top], [right, bottom]) = (frame.pixel([low, count as f64]), frame.pixel([high, 0.0]));
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{count}</title></rect>",
                left + 0.5,
                (right - left - 1.0).max(1.0),
                bottom - top,
                COLOURS[0]
            );
        }
        svg + "</svg>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[f64]) -> Histogram {
        Histogram { title: "t".into(), x: "x".into(), y: "y".into(), values: values.to_vec() }
    }

    #[test]
    fn each_value_is_counted_once_where_it_lies() {
        let bars = histogram(&[0.0, 0.4, 0.5, 12.0, 12.0, f64::NAN]).bars();
        assert_eq!(bars, [(0.0, 0.5, 2), (0.5, 1.0, 1), (12.0, 12.5, 2)]);
        assert_eq!(histogram(&[75.3; 7]).bars().iter().map(|bar| bar.2).collect::<Vec<_>>(), [7]);
        assert!(histogram(&[]).bars().is_empty());
    }

    #[test]
    fn bars_stand_on_the_axis() {
        let svg = histogram(&[1.0, 2.0, 2.0]).to_svg();
        assert_eq!(svg.matches("height=\"290.0\"").count(), 1, "the highest reaches the top: {svg}");
        assert!(histogram(&[]).to_svg().ends_with("</svg>\n"));
    }
}
