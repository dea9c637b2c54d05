//! Ways to choose parents.

use super::Selection;
use crate::rng::Stream;

/// The Russian roulette of Genetic CNN: individuals are drawn independently and with replacement, each with a probability
/// in proportion to `r − r_min`, its fitness above the worst. So the worst never survives. Where all are equally fit, or no
/// fitness is known, all are equally likely: the paper has no rule for it, and any other would favour someone for
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roulette;

impl Selection for Roulette {
    fn select(&self, fitness: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
        let worst = fitness.iter().copied().fold(f64::INFINITY, f64::min);
        let total: f64 = fitness.iter().map(|r| r - worst).sum();
        if total.is_nan() || total <= 0.0 {
            return (0..count).map(|_| stream.below(fitness.len())).collect();
        }
        (0..count).map(|_| spin(fitness, worst, total * stream.uniform())).collect()
    }
}

/// The place at which the sum of all shares passes `at`.
fn spin(fitness: &[f64], worst: f64, at: f64) -> usize {
    let mut passed = 0.0;
    let found = fitness.iter().position(|r| {
        passed += r - worst;
        passed > at
    });
    // Rounding may leave the sum a little short of the total: then the last one that has a share is meant.
    found.or_else(|| fitness.iter().rposition(|r| *r > worst)).expect("the shares are above 0 in all")
}

/// The fittest of a few that are drawn at random; of equals the one drawn first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tournament {
    /// How many are drawn, at least 1.
    pub size: usize,
}

impl Selection for Tournament {
    fn select(&self, fitness: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
        let mut fight = || {
            let first = stream.below(fitness.len());
            (1..self.size).fold(first, |best, _| {
                let other = stream.below(fitness.len());
                if fitness[other] > fitness[best] { other } else { best }
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

    fn shares(selection: impl Selection, fitness: &[f64]) -> Vec<f64> {
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
        let found = shares(Roulette, &[0.70, 0.72, 0.71, 0.77]);
        near(&found, &[0.0, 0.2, 0.1, 0.7]);
        assert_eq!(found[0], 0.0, "the worst never survives");
    }

    #[test]
    fn equally_fit_individuals_are_equally_likely() {
        near(&shares(Roulette, &[0.5; 4]), &[0.25; 4]);
    }

    #[test]
    fn a_tournament_of_two_draws_by_rank() {
        near(&shares(Tournament { size: 2 }, &[3.0, 1.0, 2.0]), &[5.0 / 9.0, 1.0 / 9.0, 3.0 / 9.0]);
    }
}
