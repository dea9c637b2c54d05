//! An axis of a chart: its ends, and the places that are marked. Knows numbers alone.

/// An axis: its ends, and the places that are marked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    pub marks: Vec<f64>,
}

impl Axis {
    /// An axis over all values, that begins and ends at round numbers.
    pub(super) fn over(values: impl Iterator<Item = f64>) -> Axis {
        let finite: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let whole = finite.iter().all(|value| value.fract() == 0.0);
        let finite = finite.into_iter();
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = if low > high { (0.0, 1.0) } else { widened(low, high) };
        let step = round_step((high - low) / 6.0).max(if whole { 1.0 } else { 0.0 });
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let marks = (first..=last).map(|mark| mark as f64 * step).collect();
        Axis { low: first as f64 * step, high: last as f64 * step, marks }
    }

    /// Where a value lies, from 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The same ends, or where they are as good as one, ends a little below and above.
fn widened(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    let room = if size == 0.0 { 0.5 } else { 0.05 * size };
    if high - low > 1e-6 * size { (low, high) } else { (low - room, high + room) }
}

/// The least of 1, 2 or 5 times a power of ten that is not below `step`.
pub(super) fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|round| *round >= step * 0.999).unwrap_or(step)
}

/// A number at an axis, without digits that say nothing.
pub(super) fn shown(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_begin_and_end_at_round_numbers_around_all_values() {
        let axis = Axis::over([41.3, 85.8, f64::NAN].into_iter());
        assert_eq!((axis.low, axis.high, axis.marks.len()), (40.0, 90.0, 6));
        let axis = Axis::over([3.0, 3.0].into_iter());
        assert_eq!((axis.low, axis.high, axis.marks.len()), (2.0, 4.0, 3));
        assert_eq!(Axis::over(std::iter::empty()).marks.len(), 2);
    }

    #[test]
    fn one_value_stands_in_the_middle_of_marks_that_differ() {
        let axis = Axis::over([75.3, 75.3].into_iter());
        assert_eq!(
            axis.marks.iter().map(|mark| shown(*mark)).collect::<Vec<_>>(),
            ["70", "72", "74", "76", "78", "80"]
        );
        let axis = Axis::over([0.25].into_iter());
        assert!(axis.low < 0.25 && axis.high > 0.25 && axis.marks.len() < 12, "{axis:?}");
        assert_eq!([12.5, -0.0, 3.0, 0.12345].map(shown), ["12.5", "0", "3", "0.1235"]);
    }
}
