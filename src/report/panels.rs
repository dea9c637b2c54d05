//! Several charts in one drawing.

use super::frame::SIZE;
use super::histogram::Histogram;
use super::line_chart::LineChart;

/// Charts in rows of two, as one drawing in SVG.
///
/// ```
/// use evograd::report::{LineChart, Series, panels};
/// let line = Series { name: "training".into(), points: vec![[1.0, 2.3], [2.0, 1.9]] };
/// let chart = LineChart { title: "Loss".into(), x: "step".into(), y: String::new(), series: vec![line] };
/// let svg = panels(&[chart.clone(), chart.clone(), chart]);
/// assert!(svg.starts_with("<svg ") && svg.contains("width=\"1280\" height=\"800\""));
/// ```
pub fn panels(charts: &[LineChart]) -> String {
    beside(charts.iter().map(LineChart::to_svg))
}

/// Histograms in rows of two, as one drawing in SVG.
///
/// ```
/// use evograd::report::{Histogram, histograms};
/// let chart = Histogram { title: "conv1.weight".into(), x: "value".into(), y: "weights".into(), values: vec![0.1, 0.2] };
/// let svg = histograms(&[chart.clone(), chart]);
/// assert!(svg.starts_with("<svg ") && svg.contains("width=\"1280\" height=\"400\""));
/// ```
pub fn histograms(charts: &[Histogram]) -> String {
    beside(charts.iter().map(Histogram::to_svg))
}

/// Drawings of the size of a chart in rows of two.
fn beside(charts: impl ExactSizeIterator<Item = String>) -> String {
    let count = charts.len();
    let columns = count.clamp(1, 2);
    let [width, height] = [SIZE[0] * columns as f64, SIZE[1] * count.div_ceil(columns) as f64];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (number, chart) in charts.enumerate() {
        let [x, y] = [SIZE[0] * (number % columns) as f64, SIZE[1] * (number / columns) as f64];
        svg += &chart.replacen("<svg ", &format!("<svg x=\"{x}\" y=\"{y}\" "), 1);
    }
    svg + "</svg>\n"
}
