//! The charts of a search: fitness by generation, the paper's beside it, and accuracy against multiply-adds. Knows rows alone.

use super::grouped;
use super::histogram::Histogram;
use super::line_chart::{Band, LineChart, Series};
use super::scatter::{Scatter, ScatterPoint};
use super::search_stats::{GenerationStats, SearchStats, TrainedCode, complete, estimate, trained_codes};
use crate::record::{GenerationRow, SearchRow};

/// Generation, greatest, mean, median and worst accuracy in per cent.
///
/// **Source** Xie and Yuille, *Genetic CNN*, arXiv 1703.01513v1, the table of CIFAR-10 by generation (section 4.2).
const PAPER: [[f64; 5]; 10] = [
    [0.0, 75.96, 74.39, 74.53, 71.81],
    [1.0, 75.96, 75.01, 75.17, 73.93],
    [2.0, 75.96, 75.32, 75.48, 73.95],
    [3.0, 76.06, 75.37, 75.62, 73.47],
    [5.0, 76.24, 75.32, 75.65, 72.60],
    [8.0, 76.59, 75.77, 75.86, 74.75],
    [10.0, 76.72, 75.68, 75.80, 73.92],
    [20.0, 76.83, 76.45, 76.79, 74.91],
    [30.0, 76.95, 76.42, 76.53, 74.38],
    [50.0, 77.06, 76.58, 76.81, 75.34],
];

const FITNESS: &str = "validation accuracy, %";

/// What the paper reports of its search on CIFAR-10.
pub(super) fn paper_chart() -> LineChart {
    let column = |(place, name): (usize, &str)| Series {
        name: name.into(),
        points: PAPER.iter().map(|row| [row[0], row[place]]).collect(),
    };
    LineChart {
        title: "The paper's run on CIFAR-10".into(),
        x: "generation".into(),
        y: "accuracy, %".into(),
        series: [(1, "best"), (2, "mean"), (3, "median"), (4, "worst")].map(column).into(),
    }
}

/// Fitness by generation, and how sure the best so far is: two standard errors of it to either side. Before any training has come to anything it is 0, which is left out: it would press all else together.
pub(super) fn generations_chart(rows: &[SearchRow]) -> (LineChart, Band) {
    let learned: Vec<SearchRow> = complete(rows).into_values().map(|row| SearchRow::Generation(learned(row))).collect();
    let stats = SearchStats::of(&learned);
    let around = |row: &GenerationStats| {
        let [low, high] = [-2.0, 2.0].map(|errors| 100.0 * (row.best_so_far + errors * row.error_so_far));
        [f64::from(row.number), low, high]
    };
    let band = Band(stats.generations.iter().map(around).collect());
    let point = |row: &GenerationStats, value: fn(&GenerationStats) -> f64| [f64::from(row.number), 100.0 * value(row)];
    let so_far = stats.generations.iter().map(|row| point(row, |row| row.best_so_far)).collect();
    // The finalists of a race are no generation: of them only the best has a place among the curves.
    let line = |name: &str, value: fn(&GenerationStats) -> f64| Series {
        name: name.into(),
        points: stats.generations.iter().filter(|row| !row.race).map(|row| point(row, value)).collect(),
    };
    let series = vec![
        Series { name: "best so far".into(), points: so_far },
        line("best", |row| row.best),
        line("mean", |row| row.mean),
        line("median", |row| row.median),
        line("worst", |row| row.worst),
    ];
    (LineChart { title: "This search".into(), x: "generation".into(), y: FITNESS.into(), series }, band)
}

/// A generation without those that have learned nothing.
fn learned(row: &GenerationRow) -> GenerationRow {
    let individuals = row.individuals.iter().filter(|individual| individual.fitness > 0.0).cloned().collect();
    let leader = row.leader.clone().filter(|leader| leader.fitness > 0.0);
    GenerationRow { individuals, leader, ..*row }
}

/// How many networks have which fitness; those that diverged each time are left out.
pub(super) fn fitness_histogram(rows: &[SearchRow]) -> Option<Histogram> {
    let values: Vec<f64> = trained_codes(rows).iter().map(|code| 100.0 * code.fitness).collect();
    let (title, x, y) = ("Networks by fitness".into(), FITNESS.into(), "networks".into());
    (!values.is_empty()).then_some(Histogram { title, x, y, values })
}

/// Accuracy against multiply-adds of these codes, with a ring around the one that has one of the winner's names.
pub(super) fn cost_chart(codes: &[TrainedCode], winner: &[&str]) -> Scatter {
    let point = |code: &TrainedCode| {
        let row = code.row;
        let costs = format!("{} MACs, {} parameters", grouped(row.macs), grouped(row.parameters));
        let name = format!("{}: {}, {costs}", row.code, estimate(code.fitness, code.error));
        ScatterPoint { name, at: [row.macs as f64 / 1e6, 100.0 * code.fitness], error: 100.0 * code.error }
    };
    Scatter {
        title: "Accuracy against cost".into(),
        x: "multiply-adds for one image, millions".into(),
        y: FITNESS.into(),
        point: "network".into(),
        points: codes.iter().map(point).collect(),
        marked: codes.iter().position(|code| winner.contains(&code.row.code.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{EvaluationRow, IndividualRow};

    fn row(code: &str, repeat: u32, fitness: f64, diverged: bool) -> SearchRow {
        SearchRow::Evaluation(EvaluationRow {
            generation: 0,
            code: code.into(),
            repeat,
            epochs: 1,
            fitness,
            loss: None,
            losses: Vec::new(),
            diverged: diverged.then(String::new),
            parameters: 1234,
            macs: 2_500_000,
            seconds: 1.0,
            core_seconds: None,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        })
    }

    #[test]
    fn a_code_trained_more_than_once_is_one_point_with_its_mean() {
        let rows =
            [row("a", 0, 0.5, false), row("b", 0, 0.25, false), row("a", 1, 0.75, false), row("a", 2, 0.0, true)];
        let codes = trained_codes(&rows);
        let chart = cost_chart(&codes, &["b"]);
        // The divergence counts as the worst, 0.25.
        assert_eq!(chart.points[0].at, [2.5, 50.0]);
        assert_eq!(chart.points[0].name, "a: 50.00 %, 2,500,000 MACs, 1,234 parameters");
        assert_eq!((chart.points.len(), chart.marked), (2, Some(1)));
        assert_eq!(fitness_histogram(&rows).unwrap().values, [50.0, 25.0]);
        assert_eq!(fitness_histogram(&[row("a", 0, 0.0, true)]), None);
    }

    #[test]
    fn those_that_diverged_do_not_press_the_curves_together() {
        let generation = |generation: u32, fitness: &[f64]| {
            let individual = |fitness: &f64| IndividualRow {
                code: generation.to_string(),
                fitness: *fitness,
                error: 0.0,
                parents: vec![],
            };
            let individuals = fitness.iter().map(individual).collect();
            SearchRow::Generation(GenerationRow {
                generation,
                race: false,
                individuals,
                leader: None,
                seconds: 1.0,
                idle_seconds: None,
            })
        };
        let (chart, _) =
            generations_chart(&[generation(0, &[0.5, 0.0, 0.75]), generation(1, &[0.0]), generation(2, &[0.25])]);
        let lines: Vec<_> = chart.series.iter().map(|line| line.points.clone()).collect();
        let at = |first, last| vec![[0.0, first], [2.0, last]];
        assert_eq!(lines, [at(75.0, 75.0), at(75.0, 25.0), at(62.5, 25.0), at(62.5, 25.0), at(50.0, 25.0)]);
    }

    #[test]
    fn the_paper_s_values_are_consistent() {
        for [_, best, mean, median, worst] in PAPER {
            assert!(best >= mean.max(median) && mean.min(median) >= worst);
        }
        let chart = paper_chart();
        let last: Vec<[f64; 2]> = chart.series.iter().map(|line| line.points[9]).collect();
        assert_eq!(last, [[50.0, 77.06], [50.0, 76.58], [50.0, 76.81], [50.0, 75.34]]);
    }
}
