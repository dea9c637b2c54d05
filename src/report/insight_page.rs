//! The part of a search's page that says what was learned of the space. Knows rows alone.

use super::agreement::{Agreement, AgreementPoint};
use super::effects_chart::{Effect, EffectsChart};
use super::line_chart::{LineChart, Series};
use super::search_stats::{percent, trained_codes, trainings};
use crate::record::{ChanceRow, EffectRow, EvaluationRow, Insight, NetworkRow, SearchRow};
use serde::Serialize;

/// What the template shows of it.
#[derive(Serialize)]
pub(super) struct InsightPage {
    facts: Vec<[String; 2]>,
    predictions: Option<String>,
    effects: Option<String>,
    luck: Option<String>,
    curves: Option<String>,
}

impl InsightPage {
    pub fn of(insight: Option<&Insight>, rows: &[SearchRow]) -> InsightPage {
        let effects =
            |insight: &Insight| (!insight.effects.is_empty()).then(|| effects_chart(&insight.effects).to_svg());
        let predictions =
            |insight: &Insight| (insight.networks.len() > 2).then(|| predictions_chart(&insight.networks).to_svg());
        InsightPage {
            facts: insight.map_or_else(Vec::new, facts),
            predictions: insight.and_then(predictions),
            effects: insight.and_then(effects),
            luck: luck_chart(rows).map(|chart| chart.to_svg()),
            curves: curves_chart(rows).map(|chart| chart.to_svg()),
        }
    }
}

fn facts(insight: &Insight) -> Vec<[String; 2]> {
    let heritability =
        format!("{:.2} of the variance between single trainings is due to the architecture", insight.heritability);
    let explained = |r: f64| format!("R² {r:.2}: each network predicted from all others");
    let mut facts = vec![["heritability".to_string(), heritability]];
    facts.extend(insight.r_squared.map(|r| ["prediction".into(), explained(r)]));
    facts.extend(insight.chance.as_ref().map(|chance| ["against chance".into(), against_chance(chance)]));
    facts
}

fn against_chance(chance: &ChanceRow) -> String {
    format!(
        "better than what random search finds with {} trainings: {:.0} % sure; by {:+.2} ± {:.2} points",
        chance.trainings,
        100.0 * chance.probability,
        100.0 * chance.lead,
        100.0 * chance.error
    )
}

fn predictions_chart(networks: &[NetworkRow]) -> Agreement {
    let point = |row: &NetworkRow| AgreementPoint {
        name: format!("{}: predicted {}, measured {}", row.code, percent(row.predicted), percent(row.measured)),
        at: [100.0 * row.predicted, 100.0 * row.measured],
        error: 100.0 * row.error,
    };
    Agreement {
        title: "Predicted and measured".into(),
        x: "predicted from all other networks, %".into(),
        y: "measured, %".into(),
        point: "network".into(),
        points: networks.iter().map(point).collect(),
    }
}

fn effects_chart(effects: &[EffectRow]) -> EffectsChart {
    let effect = |row: &EffectRow| Effect {
        name: format!("stage {}: {}", row.stage, row.what),
        effect: 100.0 * row.effect,
        error: 100.0 * row.error,
    };
    EffectsChart {
        title: "What edges and depth do".into(),
        x: "networks with it minus networks without, points".into(),
        effects: effects.iter().map(effect).collect(),
    }
}

/// The first training of each network that was trained again, and the mean of the others; `None` where none was.
fn luck_chart(rows: &[SearchRow]) -> Option<Agreement> {
    let trainings = trainings(rows);
    let of = |code: &str| trainings.iter().filter(|row| row.code == code && row.diverged.is_none()).collect::<Vec<_>>();
    let point = |code: &str| {
        let mut all = of(code);
        all.sort_by_key(|row| row.repeat);
        let (first, later) = all.split_first().filter(|(first, later)| first.repeat == 0 && !later.is_empty())?;
        let later = later.iter().map(|row| row.fitness).sum::<f64>() / later.len() as f64;
        let name = format!("{code}: first {}, then {}", percent(first.fitness), percent(later));
        Some(AgreementPoint { name, at: [100.0 * first.fitness, 100.0 * later], error: 0.0 })
    };
    let points: Vec<AgreementPoint> = trained_codes(rows).iter().filter_map(|code| point(&code.row.code)).collect();
    (points.len() > 1).then(|| Agreement {
        title: "The winner's curse".into(),
        x: "first training, by which it was chosen, %".into(),
        y: "mean of its later trainings, %".into(),
        point: "finalist".into(),
        points,
    })
}

/// The mean learning curves of the better and of the worse networks; `None` where no row holds any.
fn curves_chart(rows: &[SearchRow]) -> Option<LineChart> {
    let mut learned: Vec<&EvaluationRow> = trainings(rows);
    learned.retain(|row| row.diverged.is_none() && !row.losses.is_empty());
    learned.sort_by(|a, b| b.fitness.total_cmp(&a.fitness));
    let longest = learned.iter().map(|row| row.losses.len()).max()?;
    learned.retain(|row| row.losses.len() == longest);
    let quarter = learned.len() / 4;
    let mut series = vec![curve("best training", &learned[..1])];
    if quarter > 0 {
        series.push(curve("best quarter, mean", &learned[..quarter]));
        series.push(curve("middle half, mean", &learned[quarter..learned.len() - quarter]));
        series.push(curve("worst quarter, mean", &learned[learned.len() - quarter..]));
    }
    let (title, x, y) = ("How networks learn".into(), "part of the training, %".into(), "training loss".into());
    Some(LineChart { title, x, y, series })
}

/// The mean losses of trainings, each at the middle of its part.
fn curve(name: &str, trainings: &[&EvaluationRow]) -> Series {
    let parts = trainings[0].losses.len();
    let mean = |part: usize| trainings.iter().map(|row| row.losses[part]).sum::<f64>() / trainings.len() as f64;
    let point = |part: usize| [100.0 * (part as f64 + 0.5) / parts as f64, mean(part)];
    Series { name: name.into(), points: (0..parts).map(point).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: &str, repeat: u32, fitness: f64, losses: &[f64]) -> SearchRow {
        SearchRow::Evaluation(EvaluationRow {
            generation: 0,
            code: code.into(),
            repeat,
            epochs: 1,
            fitness,
            loss: None,
            losses: losses.to_vec(),
            diverged: None,
            parameters: 1,
            macs: 1,
            seconds: 1.0,
            core_seconds: None,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        })
    }

    /// Rows may come in any order; networks that were trained once say nothing of luck.
    #[test]
    fn luck_is_the_first_training_against_the_mean_of_the_others() {
        let rows = [
            row("a", 1, 0.5, &[]),
            row("a", 0, 0.75, &[]),
            row("b", 0, 0.25, &[]),
            row("c", 0, 0.5, &[]),
            row("a", 2, 0.25, &[]),
            row("c", 1, 0.5, &[]),
        ];
        let chart = luck_chart(&rows).unwrap();
        assert_eq!(chart.points.iter().map(|point| point.at).collect::<Vec<_>>(), [[75.0, 37.5], [50.0, 50.0]]);
        assert!(luck_chart(&rows[2..3]).is_none());
    }

    #[test]
    fn curves_are_means_over_quarters() {
        let rows: Vec<SearchRow> =
            (0..8_u32).map(|i| row(&i.to_string(), 0, f64::from(i) / 10.0, &[f64::from(8 - i), 1.0])).collect();
        let chart = curves_chart(&rows).unwrap();
        let first: Vec<f64> = chart.series.iter().map(|series| series.points[0][1]).collect();
        assert_eq!(first, [1.0, 1.5, 4.5, 7.5]);
        assert_eq!(chart.series[0].points, [[25.0, 1.0], [75.0, 1.0]]);
        assert!(curves_chart(&[row("a", 0, 0.5, &[])]).is_none());
    }
}
