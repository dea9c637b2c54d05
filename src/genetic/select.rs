//! How values of fitness compare, and ways to choose parents.

use super::Selection;
use crate::rng::Stream;
use std::cmp::Ordering;

/// Compares two values of fitness. A value that is not finite is **invalid**: less than every finite one, and equal to every
/// other invalid one, `∞` included. Whatever chooses by fitness chooses by this order.
///
/// ```
/// use evograd::genetic::compare_fitness;
/// use std::cmp::Ordering;
/// assert_eq!(compare_fitness(0.25, 0.5), Ordering::Less);
/// assert_eq!(compare_fitness(f64::INFINITY, -1e300), Ordering::Less);
/// assert_eq!(compare_fitness(f64::NAN, f64::NEG_INFINITY), Ordering::Equal);
/// ```
pub fn compare_fitness(one: f64, other: f64) -> Ordering {
    match (one.is_finite(), other.is_finite()) {
        (true, true) => one.partial_cmp(&other).expect("finite numbers are ordered"),
        (valid, other_valid) => valid.cmp(&other_valid),
    }
}

/// Whether one value of fitness is greater than another, by [`compare_fitness`].
pub(super) fn fitter(one: f64, other: f64) -> bool {
    compare_fitness(one, other) == Ordering::Greater
}

/// The Russian roulette of Genetic CNN: individuals are drawn independently and with replacement, each with a probability
/// in proportion to `r − r_min`, its fitness above the worst. So the worst never survives, nor does one whose fitness is
/// invalid. Where all are equally fit, all are equally likely: the paper has no rule for it, and any other would favour someone
/// for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roulette;

impl Selection for Roulette {
    fn select(&self, fitness: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
        let shares = shares(fitness);
        let total: f64 = shares.iter().sum();
        if total > 0.0 {
            return (0..count).map(|_| spin(&shares, total * stream.uniform())).collect();
        }
        let eligible = eligible(fitness);
        (0..count).map(|_| eligible[stream.below(eligible.len())]).collect()
    }
}

/// The places of those with a valid fitness, or of all where there is none.
fn eligible(fitness: &[f64]) -> Vec<usize> {
    let valid: Vec<usize> = (0..fitness.len()).filter(|i| fitness[*i].is_finite()).collect();
    if valid.is_empty() { (0..fitness.len()).collect() } else { valid }
}

/// The share of each individual: its fitness above the worst, and 0 where it is invalid.
fn shares(fitness: &[f64]) -> Vec<f64> {
    let valid = || fitness.iter().copied().filter(|r| r.is_finite());
    let [worst, best] = [valid().fold(f64::INFINITY, f64::min), valid().fold(f64::NEG_INFINITY, f64::max)];
    // Values so far apart that their differences or the sum of these overflow are made smaller first.
    let overflows = !((best - worst) * fitness.len() as f64).is_finite();
    let scale = if overflows { 0.25 / fitness.len() as f64 } else { 1.0 };
    fitness.iter().map(|r| if r.is_finite() { r * scale - worst * scale } else { 0.0 }).collect()
}

/// The place at which the sum of all shares passes `at`.
fn spin(shares: &[f64], at: f64) -> usize {
    let mut passed = 0.0;
    let found = shares.iter().position(|share| {
        passed += share;
        passed > at
    });
    // Rounding may leave the sum a little short of the total: then the last one that has a share is meant.
    found.or_else(|| shares.iter().rposition(|share| *share > 0.0)).expect("the shares are above 0 in all")
}

/// The fittest of a few that are drawn at random, with replacement; of equals the one drawn first. Those whose fitness is
/// invalid are not drawn, unless it is that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tournament {
    /// How many are drawn, at least 1.
    pub size: usize,
}

impl Selection for Tournament {
    fn select(&self, fitness: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
        let eligible = eligible(fitness);
        let mut fight = || {
            let mut draw = || eligible[stream.below(eligible.len())];
            let first = draw();
            (1..self.size).fold(first, |best, _| {
                let other = draw();
                if fitter(fitness[other], fitness[best]) { other } else { best }
            })
        };
        (0..count).map(|_| fight()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const DRAWS: usize = 100_000;

    fn drawn(selection: impl Selection, fitness: &[f64]) -> Vec<f64> {
        let mut counts = vec![0.0; fitness.len()];
        let mut stream = Stream::new(11, Purpose::Genetic, 0, 0);
        selection.select(fitness, DRAWS, &mut stream).into_iter().for_each(|i| counts[i] += 1.0 / DRAWS as f64);
        counts
    }

    fn near(found: &[f64], expected: &[f64]) {
        let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.006);
        assert!(close, "{found:?} instead of {expected:?}");
    }

    #[test]
    fn the_roulette_draws_by_the_fitness_above_the_worst() {
        let found = drawn(Roulette, &[0.70, 0.72, 0.71, 0.77]);
        near(&found, &[0.0, 0.2, 0.1, 0.7]);
        assert_eq!(found[0], 0.0, "the worst never survives");
    }

    #[test]
    fn extreme_values_are_drawn_by_their_share_too() {
        near(&drawn(Roulette, &[-1.5e308, 1.5e308, 0.0]), &[0.0, 2.0 / 3.0, 1.0 / 3.0]);
        near(&drawn(Roulette, &[5e-324, 0.0]), &[1.0, 0.0]);
    }

    #[test]
    fn invalid_values_are_drawn_only_where_there_are_no_others() {
        let nan = f64::NAN;
        near(&drawn(Roulette, &[nan, 0.70, f64::INFINITY, 0.72, 0.71]), &[0.0, 0.0, 0.0, 2.0 / 3.0, 1.0 / 3.0]);
        near(&drawn(Roulette, &[nan, 0.5, f64::NEG_INFINITY, 0.5]), &[0.0, 0.5, 0.0, 0.5]);
        near(&drawn(Tournament { size: 2 }, &[3.0, nan, 1.0, 2.0]), &[5.0 / 9.0, 0.0, 1.0 / 9.0, 3.0 / 9.0]);
        for selection in [&Roulette as &dyn Selection, &Tournament { size: 3 }] {
            let mut stream = Stream::new(3, Purpose::Genetic, 0, 0);
            let places = selection.select(&[nan, f64::INFINITY, f64::NEG_INFINITY], 3000, &mut stream);
            assert!((0..3).all(|i| (900..1100).contains(&places.iter().filter(|place| **place == i).count())));
        }
    }

    #[test]
    fn equally_fit_individuals_are_equally_likely() {
        near(&drawn(Roulette, &[0.5; 4]), &[0.25; 4]);
    }

    #[test]
    fn a_tournament_of_two_draws_by_rank() {
        near(&drawn(Tournament { size: 2 }, &[3.0, 1.0, 2.0]), &[5.0 / 9.0, 1.0 / 9.0, 3.0 / 9.0]);
    }
}
