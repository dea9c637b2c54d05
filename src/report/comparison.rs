//! Searches against each other: the best fitness so far against the networks trained for it. Knows rows alone.

use super::line_chart::{LineChart, Series};
use super::search_stats::SearchStats;
use crate::record::SearchRow;

/// The best fitness so far, from 0 to 1, after each generation and each round of a race: `[networks trained, fitness]`, every individual
/// as it is known by then. So the best may fall, where its trainings show that it was lucky.
///
/// ```
/// assert!(evograd::report::best_so_far(&[]).is_empty());
/// ```
pub fn best_so_far(rows: &[SearchRow]) -> Vec<[f64; 2]> {
    let stats = SearchStats::of(rows);
    let trained = stats.generations.iter().scan(0, |all, generation| {
        *all += generation.trained;
        Some(*all as f64)
    });
    trained.zip(&stats.generations).map(|(trained, generation)| [trained, generation.best_so_far]).collect()
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
        y: "validation accuracy, %".into(),
        series: searches.iter().map(series).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{EvaluationRow, GenerationRow, IndividualRow};

    /// A generation of single trainings.
    fn generation(number: u32, fitness: &[(&str, f64)]) -> Vec<SearchRow> {
        let evaluation = |(code, fitness): &(&str, f64)| {
            SearchRow::Evaluation(EvaluationRow {
                generation: number,
                code: code.to_string(),
                repeat: number,
                epochs: 1,
                fitness: *fitness,
                loss: None,
                losses: Vec::new(),
                diverged: None,
                parameters: 1,
                macs: 1,
                seconds: 1.0,
                core_seconds: None,
                overhead_seconds: 0.0,
                images_per_second: 1.0,
            })
        };
        let individual = |(code, fitness): &(&str, f64)| IndividualRow {
            code: code.to_string(),
            fitness: *fitness,
            error: 0.01,
            parents: vec![],
        };
        let individuals = fitness.iter().map(individual).collect();
        let row = GenerationRow {
            generation: number,
            race: number > 1,
            individuals,
            leader: None,
            seconds: 1.0,
            idle_seconds: None,
        };
        fitness.iter().map(evaluation).chain([SearchRow::Generation(row)]).collect()
    }

    #[test]
    fn each_counts_as_it_is_known_by_then() {
        let rounds = [&[("a", 0.5), ("b", 0.75)][..], &[("c", 0.625)], &[("b", 0.5), ("c", 0.6)]];
        let rows: Vec<SearchRow> =
            rounds.iter().zip(0..).flat_map(|(round, number)| generation(number, round)).collect();
        assert_eq!(best_so_far(&rows), [[2.0, 0.75], [3.0, 0.75], [5.0, 0.6]]);
    }

    #[test]
    fn each_search_has_its_line_in_per_cent() {
        let (one, other) = (generation(0, &[("a", 0.5)]), generation(0, &[("b", 0.25), ("c", 0.75)]));
        let chart = comparison(&[("one", &one), ("other", &other)]);
        assert_eq!((&chart.series[0].points, &chart.series[1].points), (&vec![[1.0, 50.0]], &vec![[2.0, 75.0]]));
        assert!(chart.to_step_svg().contains("networks trained"));
    }
}
