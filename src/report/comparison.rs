//! Searches against each other: the best fitness so far against the networks trained for it. Knows rows alone.

use super::line_chart::{LineChart, Series};
use super::search_stats::evaluations;
use crate::record::{EvaluationRow, SearchRow};
use std::collections::BTreeMap;

/// The best fitness so far, from 0 to 1, after each training: `[networks, fitness]`. The cost is counted in trainings of full
/// length, of which one that was given up after half of the epochs is a half. Trainings are taken in the order of their
/// generations and, within one, of their codes, so that it does not matter which ended first. A code that was trained more
/// than once counts with the mean, so the best may fall when it is trained again.
///
/// ```
/// assert!(evograd::report::best_so_far(&[]).is_empty());
/// ```
pub fn best_so_far(rows: &[SearchRow]) -> Vec<[f64; 2]> {
    let mut all: Vec<&EvaluationRow> = evaluations(rows).collect();
    all.sort_by_key(|row| (row.generation, row.epochs, &row.code, row.repeat));
    let full = f64::from(all.iter().map(|row| row.epochs).max().unwrap_or(1));
    let mut codes: BTreeMap<&str, BTreeMap<u32, (u32, f64)>> = BTreeMap::new();
    let (mut networks, mut points) = (0.0, Vec::new());
    for row in all {
        let before = codes.entry(&row.code).or_default().insert(row.repeat, (row.epochs, row.fitness));
        networks += f64::from(row.epochs - before.map_or(0, |(epochs, _)| epochs)) / full;
        let mean = |repeats: &BTreeMap<u32, (u32, f64)>| {
            repeats.values().map(|(_, fitness)| fitness).sum::<f64>() / repeats.len() as f64
        };
        points.push([networks, codes.values().map(mean).fold(0.0, f64::max)]);
    }
    points
}

/// The best fitness so far of several searches, by name, against the networks trained; drawn with
/// [`LineChart::to_step_svg`].
///
/// ```
/// let chart = evograd::report::comparison(&[("genetic", &[]), ("random", &[])]);
/// assert_eq!(chart.series[1].name, "random");
/// ```
pub fn comparison(searches: &[(&str, &[SearchRow])]) -> LineChart {
    let series = |(name, rows): &(&str, &[SearchRow])| {
        let points = best_so_far(rows).into_iter().map(|[networks, fitness]| [networks, 100.0 * fitness]).collect();
        Series { name: name.to_string(), points }
    };
    LineChart {
        title: "Best fitness so far".into(),
        x: "networks trained".into(),
        y: "right answers on the validation split, %".into(),
        series: searches.iter().map(series).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: &str, repeat: u32, fitness: f64) -> SearchRow {
        SearchRow::Evaluation(EvaluationRow {
            generation: 0,
            code: code.into(),
            repeat,
            epochs: 1,
            fitness,
            loss: None,
            diverged: None,
            parameters: 1,
            macs: 1,
            seconds: 1.0,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        })
    }

    #[test]
    fn a_code_counts_with_its_mean_and_the_order_of_rows_does_not_matter() {
        let mut rows =
            vec![row("a", 0, 0.5), row("b", 0, 0.75), row("a", 1, 0.25), row("b", 1, 0.25), row("c", 0, 0.625)];
        // In the order of codes: a 0.5, a (0.5 + 0.25)/2, b 0.75, b (0.75 + 0.25)/2, c 0.625.
        let expected = [[1.0, 0.5], [2.0, 0.375], [3.0, 0.75], [4.0, 0.5], [5.0, 0.625]];
        assert_eq!(best_so_far(&rows), expected);
        rows.reverse();
        assert_eq!(best_so_far(&rows), expected);
    }

    /// Four networks trained for one epoch of two, of which one goes on: two and a half trainings.
    #[test]
    fn a_training_that_was_given_up_costs_its_share() {
        let mut rows: Vec<SearchRow> = ["a", "b", "c", "d"].iter().map(|code| row(code, 0, 0.25)).collect();
        let SearchRow::Evaluation(more) = row("b", 0, 0.75) else { unreachable!() };
        rows.push(SearchRow::Evaluation(EvaluationRow { epochs: 2, ..more }));
        let found = best_so_far(&rows);
        assert_eq!(found, [[0.5, 0.25], [1.0, 0.25], [1.5, 0.25], [2.0, 0.25], [2.5, 0.75]]);
    }

    #[test]
    fn each_search_has_its_line_in_per_cent() {
        let (one, other) = ([row("a", 0, 0.5)], [row("b", 0, 0.25), row("c", 0, 0.75)]);
        let chart = comparison(&[("one", &one), ("other", &other)]);
        assert_eq!(chart.series[0].points, [[1.0, 50.0]]);
        assert_eq!(chart.series[1].points, [[1.0, 25.0], [2.0, 75.0]]);
        assert!(chart.to_step_svg().contains("networks trained"));
    }
}
