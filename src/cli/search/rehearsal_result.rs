//! What many searches on a table say about a method, in numbers and as a chart.

use evograd::report::{Band, LineChart, Series};
use evograd::search::{Method, Rehearsal};
use serde::Serialize;

/// Standard deviations to either side that hold 99 % and 90 % of a normal distribution.
const OF_99: f64 = 2.576;
const OF_90: f64 = 1.645;

/// A method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodResult {
    /// Its name in settings.
    pub method: String,
    /// What its winners are worth, with the ends of the band that holds nine of ten.
    pub truth: Spread,
    /// Against random search with the same race; nothing for that itself.
    pub against_random: Option<Against>,
    /// By how much it overstates its winners, on average.
    pub claim_minus_truth: f64,
    /// How often the truth lies in the 90 % interval of the claim.
    pub coverage: f64,
}

/// A mean, and where the middle nine tenths lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The 5 % quantile.
    pub low: f64,
    /// The 95 % quantile.
    pub high: f64,
}

/// A difference in pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Against {
    /// The mean difference.
    pub mean: f64,
    /// The lower end of its 99 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The share of pairs in which it is above 0.
    pub better: f64,
    /// The share in which both found networks of the same worth.
    pub equal: f64,
}

/// The name of a method in settings.
pub fn name(method: Method) -> String {
    serde_json::to_value(method).ok().and_then(|name| Some(name.as_str()?.to_string())).unwrap_or_default()
}

/// What the searches of a method say, beside those of random search with the same seeds.
pub fn of_method(method: Method, searches: &[Rehearsal], random: &[Rehearsal]) -> MethodResult {
    let covers = |search: &&Rehearsal| (search.claim.mean - search.truth).abs() <= OF_90 * search.claim.deviation;
    let count = searches.len() as f64;
    MethodResult {
        method: name(method),
        truth: spread(searches.iter().map(|search| search.truth).collect()),
        against_random: (method != Method::Random).then(|| against(searches, random)),
        claim_minus_truth: searches.iter().map(|search| search.claim.mean - search.truth).sum::<f64>() / count,
        coverage: searches.iter().filter(covers).count() as f64 / count,
    }
}

fn against(searches: &[Rehearsal], random: &[Rehearsal]) -> Against {
    let differences: Vec<f64> =
        searches.iter().zip(random).map(|(search, random)| search.truth - random.truth).collect();
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let variance = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let reach = OF_99 * (variance / count).sqrt();
    let share =
        |of: &dyn Fn(f64) -> bool| differences.iter().filter(|difference| of(**difference)).count() as f64 / count;
    let (better, equal) = (share(&|difference| difference > 0.0), share(&|difference| difference == 0.0));
    Against { mean, low: mean - reach, high: mean + reach, better, equal }
}

/// Of values that are finite; of none, nothing is known.
fn spread(mut values: Vec<f64>) -> Spread {
    values.retain(|value| value.is_finite());
    if values.is_empty() {
        return Spread { mean: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    values.sort_by(f64::total_cmp);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Spread { mean, low: at(0.05), high: at(0.95) }
}

/// What the leader is worth after each training, on average, with the band that holds nine of ten searches. A search that ended early
/// keeps its leader.
pub fn chart(methods: &[Method], searches: &[Vec<Rehearsal>], budget: usize) -> String {
    let (mut series, mut bands) = (Vec::new(), Vec::new());
    for (method, searches) in methods.iter().zip(searches) {
        let leader = |search: &Rehearsal, after: usize| {
            let last = search.leaders.last().copied().unwrap_or(f64::NAN);
            100.0 * search.leaders.get(after - 1).copied().unwrap_or(last)
        };
        let after = |after: usize| spread(searches.iter().map(|search| leader(search, after)).collect());
        let spreads: Vec<(f64, Spread)> = (1..=budget).map(|count| (count as f64, after(count))).collect();
        // Before its first generation is complete, no search has a leader.
        let known: Vec<&(f64, Spread)> = spreads.iter().filter(|(_, spread)| spread.mean.is_finite()).collect();
        bands.push(Band(known.iter().map(|(x, spread)| [*x, spread.low, spread.high]).collect()));
        series
            .push(Series { name: name(*method), points: known.iter().map(|(x, spread)| [*x, spread.mean]).collect() });
    }
    let chart = LineChart {
        title: "What the leader of a search is worth: mean, and 5 to 95 % of searches".into(),
        x: "trainings".into(),
        y: "accuracy on images held out, %".into(),
        series,
    };
    chart.to_banded_step_svg(&bands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evograd::search::Estimate;

    fn searches(values: &[(f64, f64)]) -> Vec<Rehearsal> {
        let search = |(truth, claim): &(f64, f64)| Rehearsal {
            truth: *truth,
            claim: Estimate { mean: *claim, deviation: 0.01 },
            leaders: vec![f64::NAN, *truth],
        };
        values.iter().map(search).collect()
    }

    #[test]
    fn numbers_are_those_of_the_pairs() {
        let evolved = searches(&[(0.5, 0.51), (0.6, 0.6), (0.4, 0.5), (0.5, 0.5)]);
        let random = searches(&[(0.4, 0.4), (0.5, 0.5), (0.4, 0.4), (0.6, 0.6)]);
        let found = of_method(Method::Evolution, &evolved, &random);
        let against = found.against_random.unwrap();
        assert_eq!((found.method.as_str(), found.coverage), ("evolution", 0.75));
        assert!((found.truth.mean - 0.5).abs() < 1e-12 && found.truth.low == 0.4 && found.truth.high == 0.6);
        assert!((found.claim_minus_truth - 0.0275).abs() < 1e-12);
        assert!((against.mean - 0.025).abs() < 1e-12 && (against.better, against.equal) == (0.5, 0.25));
        // The differences 0.1, 0.1, 0 and −0.1 have the variance 0.0275/3.
        assert!((against.high - against.mean - 2.576 * (0.0275_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert_eq!(of_method(Method::Random, &random, &random).against_random, None);
    }

    #[test]
    fn a_search_that_ended_early_keeps_its_leader() {
        let svg = chart(&[Method::Random], &[searches(&[(0.5, 0.5), (0.7, 0.7)])], 4);
        assert!(svg.contains("fill-opacity") && !svg.contains("NaN"), "{svg}");
    }
}
