//! What is made of results for people to look at. Knows plain rows alone: no tensor, no network, no file.

mod agreement;
mod axis;
mod comparison;
mod effects_chart;
mod family_svg;
mod frame;
mod histogram;
mod insight_page;
mod layout;
mod line_chart;
mod network_svg;
mod panels;
mod roofline;
mod scatter;
mod search_charts;
mod search_html;
mod search_stats;
mod stage_row;
mod stage_svg;
mod stage_text;
mod svg;
mod tour_svg;

pub use crate::numerals::{counted, grouped};
pub use agreement::{Agreement, AgreementPoint};
pub use comparison::{best_so_far, comparison};
pub use effects_chart::{Effect, EffectsChart};
pub use family_svg::family_svg;
pub use histogram::Histogram;
pub use line_chart::{Band, LineChart, Series};
pub use network_svg::{LayerRow, network_svg};
pub use panels::{histograms, panels};
pub use roofline::{Roofline, RooflinePoint};
pub use scatter::{Scatter, ScatterPoint};
pub use search_html::{SearchReport, WinnerRow, search_html};
pub use search_stats::{
    BestStats, GenerationStats, SearchStats, TimeStats, duration, estimate, percent, unsigned_zero,
};
pub use stage_row::{StageNode, StageRow};
pub use stage_svg::stages_svg;
pub use stage_text::stages_text;
pub use tour_svg::TourDrawing;

/// A number with three digits that count, in thousands, millions or thousands of millions where it is that large.
///
/// ```
/// use evograd::report::rounded;
/// let numbers = [0, 999, 1_234, 7_840, 40_813_184, 999_999, 4_089_184_256];
/// assert_eq!(numbers.map(rounded), ["0", "999", "1.23 k", "7.84 k", "40.8 M", "1.00 M", "4.09 G"]);
/// ```
pub fn rounded(number: u64) -> String {
    let mut value = number as f64;
    for unit in ["", " k", " M", " G", " T"] {
        let decimals = match value {
            _ if unit.is_empty() => 0,
            ..9.995 => 2,
            ..99.95 => 1,
            _ => 0,
        };
        if value < 999.5 || unit == " T" {
            return format!("{value:.decimals$}{unit}");
        }
        value /= 1e3;
    }
    unreachable!("the last unit takes every number")
}

/// A number with so many decimals, with fewer where it has more digits before the point, and from ten millions on as a power of ten: never
/// wider than eight columns where at most four decimals are asked for.
///
/// ```
/// use evograd::report::short;
/// let losses = [0.1 + 0.2, 23.456_78, 12_345.678, 9_999_999.4, 9_999_999.5, 1e21, 1e300];
/// assert_eq!(losses.map(|loss| short(loss, 4)), ["0.3000", "23.457", "12346", "9999999", "1.0e7", "1.0e21", "1.0e300"]);
/// assert_eq!([1e-30, -1e-30, f64::NAN].map(|loss| short(loss, 4)), ["0.0000", "0.0000", "NaN"]);
/// ```
pub fn short(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return value.to_string();
    }
    if size >= 9_999_999.5 {
        return format!("{value:.1e}");
    }
    let more_digits = if size < 10.0 { 0 } else { size.log10() as usize };
    let text = format!("{value:.0$}", decimals.saturating_sub(more_digits));
    let is_zero = text.chars().all(|letter| "-0.".contains(letter));
    if is_zero { text.replace('-', "") } else { text }
}

/// The verb of so many.
///
/// ```
/// use evograd::report::agreeing;
/// assert_eq!([0, 1, 2].map(|count| agreeing(count, "is", "are")), ["are", "is", "are"]);
/// ```
pub fn agreeing<'a>(count: u64, one: &'a str, more: &'a str) -> &'a str {
    if count == 1 { one } else { more }
}
