//! What trainings say about architectures: a Bayesian linear model of accuracy, with an error for every estimate.
//!
//! The accuracy after training `k` of architecture `g` with seed `s` is taken as
//!
//! > `y = μ + seed_s + x_g·β + own_g + noise_k`,
//!
//! where `x_g` are the [`Features`](super::Features) of the architecture in standard units. Every term but `μ` is normal with mean 0:
//! the `P` coefficients `β` with variance `v_features / P` each, `own_g`, what no feature explains, with `v_own`, seeds with `v_seed`,
//! and the noise of a training with `v_noise`. A seed changes weights, order and flips of all architectures alike, so it has an effect of its own,
//! which the model takes out (a *block*, as the statistics of experiments calls it).
//!
//! The **fitness** of an architecture is the posterior mean of `μ + x_g·β + own_g`: what it would come to on average over seeds.
//! A lucky training is pulled towards what its features promise, the more so the noisier trainings are. The posterior's
//! standard deviation says how sure that is.
//!
//! **How it is computed.** With the own effects integrated out, the trainings of different architectures are independent given
//! `θ = (μ, seeds, β)`, and those of one have the covariance `v_noise·I + v_own·11ᵀ`, whose inverse is known in closed form
//! (Sherman and Morrison): `(I − c·11ᵀ)/v_noise` with `c = v_own/(v_noise + n·v_own)`. So a system of as many equations as
//! there are columns in `θ` is solved, however many trainings there are. The four variances maximise the marginal likelihood times
//! a wide log-normal prior, which matters where no architecture was trained twice and noise cannot be separated from own effects.
//!
//! **Source** Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006, chapters 2 (2.1 and 2.7) and 5.4; Henderson,
//! *Best linear unbiased estimation and prediction under a selection model*, Biometrics 31, 1975.

mod cross_validation;
mod equations;
mod fit;
mod scale;
mod terms;

pub use cross_validation::{Prediction, r_squared};
pub use scale::Scale;
pub use terms::{Estimate, Observation, Variances};

use super::cholesky::Cholesky;
use crate::rng::Stream;
use equations::Solved;
use fit::{Problem, spread};
use std::collections::BTreeMap;
use terms::Trained;

/// The model, fitted to observations.
#[derive(Clone, Debug)]
pub struct Surrogate {
    scale: Scale,
    variances: Variances,
    /// The estimated mean of all values, subtracted before fitting.
    centre: f64,
    seeds: Vec<u32>,
    theta: Vec<f64>,
    /// Of the inverse covariance of `theta`.
    precision: Cholesky,
    /// Of each architecture that was trained: number, mean of the values and mean of the columns.
    trained: BTreeMap<usize, Trained>,
}

impl Surrogate {
    /// Fits variances and coefficients. By `usual`, single trainings are taken to differ before any are known; it counts
    /// as one observation, so that a single training has an error too.
    ///
    /// ```
    /// use evograd::search::{Observation, Scale, Surrogate};
    /// let features: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i % 5)]).collect();
    /// let trained = |i: usize| Observation { architecture: i, seed: 0, value: 0.5 + 0.02 * (i % 5) as f64 };
    /// let observations: Vec<Observation> = (0..10).map(trained).collect();
    /// let surrogate = Surrogate::fit(Scale::of(&features), &features, &observations, 0.02);
    /// let [low, high] = [15, 19].map(|unseen| surrogate.estimate(unseen, &features[unseen]));
    /// assert!(high.mean > low.mean + 0.05 && high.deviation < 0.03);
    /// ```
    ///
    /// # Panics
    /// When there is no observation, a value is not finite, an architecture has no row of features, or `usual` is not above 0.
    pub fn fit(scale: Scale, features: &[Vec<f64>], observations: &[Observation], usual: f64) -> Surrogate {
        assert!(usual > 0.0, "a standard deviation of {usual} among single trainings");
        let spread = spread(observations, usual);
        // Where trainings are mostly noise, a hundred of them do not correct a prior that expects less of it, and winners are overstated:
        // with a heritability of 0.6 here, by 0.6 standard deviations of networks where it is 0.1. Short trainings have about 0.3.
        let begin = Variances { features: 0.2 * spread, own: 0.1 * spread, noise: 0.7 * spread, seed: 0.2 * spread };
        let problem = Problem::new(&scale, features, observations, spread);
        let variances = problem.most_likely(begin);
        Surrogate::solved(problem, scale, variances)
    }

    /// Fits the coefficients alone, for variances that are known.
    ///
    /// # Panics
    /// As [`Surrogate::fit`]; and when a variance is not above 0.
    pub fn with_variances(
        scale: Scale,
        features: &[Vec<f64>],
        observations: &[Observation],
        variances: Variances,
    ) -> Surrogate {
        let Variances { features: of_features, own, noise, seed } = variances;
        let all = [of_features, own, noise, seed];
        assert!(all.iter().all(|variance| *variance > 0.0), "variances above 0, and not {variances:?}");
        let spread = spread(observations, all.iter().sum::<f64>().sqrt());
        Surrogate::solved(Problem::new(&scale, features, observations, spread), scale, variances)
    }

    fn solved(problem: Problem, scale: Scale, variances: Variances) -> Surrogate {
        let Solved { precision, theta, .. } = problem.solve(variances);
        let Problem { centre, seeds, trained, .. } = problem;
        Surrogate { scale, variances, centre, seeds, theta, precision, trained }
    }

    /// What is known of an architecture, trained or not: of its accuracy as a mean over seeds.
    pub fn estimate(&self, architecture: usize, features: &[f64]) -> Estimate {
        let Known { mean, own, direction } = self.known(architecture, features);
        let reached = self.precision.forward(&direction);
        let variance = own + reached.iter().map(|x| x * x).sum::<f64>();
        Estimate { mean, deviation: variance.sqrt() }
    }

    /// By how much one architecture is better than another, each with its features. What is not known of their common mean and
    /// of seeds that both were trained with is no part of the error.
    pub fn difference(&self, better: (usize, &[f64]), worse: (usize, &[f64])) -> Estimate {
        self.contrast(&[better], &[worse])
    }

    /// By how much the mean of one group of architectures is better than that of another, each with its features.
    ///
    /// # Panics
    /// When a group is empty.
    pub fn contrast(&self, better: &[(usize, &[f64])], worse: &[(usize, &[f64])]) -> Estimate {
        let [a, b] = [better, worse].map(|group| self.mean_of(group));
        let direction: Vec<f64> = a.direction.iter().zip(&b.direction).map(|(a, b)| a - b).collect();
        let reached = self.precision.forward(&direction);
        let variance = a.own + b.own + reached.iter().map(|x| x * x).sum::<f64>();
        Estimate { mean: a.mean - b.mean, deviation: variance.sqrt() }
    }

    /// The posterior mean alone, which costs less.
    pub fn mean(&self, architecture: usize, features: &[f64]) -> f64 {
        self.known(architecture, features).mean
    }

    /// A draw of the coefficients from their posterior, for [`Draw::value`] of any number of architectures.
    pub fn draw(&self, stream: &mut Stream) -> Draw<'_> {
        let normal: Vec<f64> = self.theta.iter().map(|_| stream.normal()).collect();
        let offset = self.precision.backward(&normal);
        Draw { surrogate: self, offset }
    }

    /// The variances that were found.
    pub fn variances(&self) -> Variances {
        self.variances
    }

    /// The effect of a seed on all accuracies, where one was observed.
    pub fn seed_effect(&self, seed: u32) -> Option<f64> {
        self.seeds.iter().position(|known| *known == seed).map(|at| self.theta[1 + at])
    }

    /// The coefficient of each feature for a step of one standard deviation of it, with its error.
    pub fn coefficients(&self) -> Vec<Estimate> {
        let first = 1 + self.seeds.len();
        let coefficient = |at: usize| {
            let unit: Vec<f64> = (0..self.theta.len()).map(|i| f64::from(u8::from(i == at))).collect();
            let variance: f64 = self.precision.forward(&unit).iter().map(|x| x * x).sum();
            Estimate { mean: self.theta[at], deviation: variance.sqrt() }
        };
        (first..self.theta.len()).map(coefficient).collect()
    }

    /// The posterior of the mean of a group.
    fn mean_of(&self, group: &[(usize, &[f64])]) -> Known {
        assert!(!group.is_empty(), "the mean of no architecture");
        let (count, columns) = (group.len() as f64, self.theta.len());
        let mut sum = Known { mean: 0.0, own: 0.0, direction: vec![0.0; columns] };
        for (architecture, features) in group {
            let known = self.known(*architecture, features);
            sum.mean += known.mean / count;
            sum.own += known.own / (count * count);
            sum.direction.iter_mut().zip(&known.direction).for_each(|(sum, x)| *sum += x / count);
        }
        sum
    }

    /// The posterior of an architecture, trained or not.
    pub(super) fn known(&self, architecture: usize, features: &[f64]) -> Known {
        let Variances { own, noise, .. } = self.variances;
        let mut columns = vec![1.0];
        columns.resize(1 + self.seeds.len(), 0.0);
        columns.extend(self.scale.apply(features));
        let dot = |columns: &[f64]| columns.iter().zip(&self.theta).map(|(x, t)| x * t).sum::<f64>();
        let Some(trained) = self.trained.get(&architecture) else {
            return Known { mean: self.centre + dot(&columns), own, direction: columns };
        };
        let share = trained.count * own / (noise + trained.count * own);
        let residual = trained.value - dot(&trained.columns);
        let mean = self.centre + dot(&columns) + share * residual;
        columns.iter_mut().zip(&trained.columns).for_each(|(x, seen)| *x -= share * seen);
        Known { mean, own: own * (1.0 - share), direction: columns }
    }
}

/// The posterior of one architecture.
pub(super) struct Known {
    mean: f64,
    /// The variance of the own effect, given the coefficients.
    own: f64,
    /// How the estimate moves with the coefficients.
    direction: Vec<f64>,
}

/// One draw from the posterior of the coefficients.
#[derive(Clone, Debug)]
pub struct Draw<'a> {
    surrogate: &'a Surrogate,
    offset: Vec<f64>,
}

impl Draw<'_> {
    /// The accuracy of an architecture in this draw; its own effect is drawn from `stream`.
    pub fn value(&self, architecture: usize, features: &[f64], stream: &mut Stream) -> f64 {
        self.value_of(&self.surrogate.known(architecture, features), stream)
    }

    /// The same of one that was looked up, for many draws.
    pub(super) fn value_of(&self, Known { mean, own, direction }: &Known, stream: &mut Stream) -> f64 {
        let moved: f64 = direction.iter().zip(&self.offset).map(|(x, offset)| x * offset).sum();
        mean + moved + own.sqrt() * stream.normal()
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    /// A made landscape: three features that count, three that do not, own effects, seeds and noise of known variances.
    struct World {
        features: Vec<Vec<f64>>,
        truth: Vec<f64>,
        stream: Stream,
        noise: f64,
        seeds: [f64; 3],
    }

    impl World {
        fn new(seed: u64, size: usize, noise: f64) -> World {
            let mut stream = Stream::new(seed, Purpose::Genetic, 0, 0);
            let mut row = || (0..6).map(|_| stream.normal()).collect::<Vec<f64>>();
            let features: Vec<Vec<f64>> = (0..size).map(|_| row()).collect();
            let mut own = || 0.5 * stream.normal();
            let truth = features.iter().map(|x| 60.0 + 0.9 * x[0] - 0.5 * x[1] + 0.3 * x[2] + own()).collect();
            let seeds = [(); 3].map(|()| 0.7 * stream.normal());
            World { features, truth, stream, noise, seeds }
        }

        fn train(&mut self, architecture: usize, seed: u32) -> Observation {
            let value = self.truth[architecture] + self.seeds[seed as usize] + self.noise * self.stream.normal();
            Observation { architecture, seed, value }
        }
    }

    /// Some architectures once, some twice, some with all seeds.
    fn observed(world: &mut World, count: usize) -> Vec<Observation> {
        let seeds = |architecture: usize| 0..=(architecture % 3) as u32;
        (0..count).flat_map(|g| seeds(g).map(|seed| world.train(g, seed)).collect::<Vec<_>>()).collect()
    }

    /// The same posterior from the covariance of all values, as a textbook has it: Gauss-Jordan on `n × n`.
    fn textbook(surrogate: &Surrogate, world: &World, observations: &[Observation], architecture: usize) -> Estimate {
        let Variances { features, own, noise, seed: of_seed } = surrogate.variances;
        let spread = spread(observations, 0.02);
        let standard: Vec<Vec<f64>> = world.features.iter().map(|row| surrogate.scale.apply(row).collect()).collect();
        let shared = |g: usize, h: usize| {
            let dot: f64 = standard[g].iter().zip(&standard[h]).map(|(a, b)| a * b).sum();
            10.0 * spread + features / 6.0 * dot + if g == h { own } else { 0.0 }
        };
        let n = observations.len();
        let covariance = |i: usize, j: usize| {
            let (a, b) = (&observations[i], &observations[j]);
            let seed = if a.seed == b.seed { of_seed } else { 0.0 };
            shared(a.architecture, b.architecture) + seed + if i == j { noise } else { 0.0 }
        };
        let centre = observations.iter().map(|o| o.value).sum::<f64>() / n as f64;
        let mut rows: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| covariance(i, j)).collect()).collect();
        for (row, observation) in rows.iter_mut().zip(observations) {
            row.push(observation.value - centre);
            row.push(shared(observation.architecture, architecture));
        }
        for pivot in 0..n {
            let at = rows[pivot][pivot];
            rows[pivot].iter_mut().for_each(|x| *x /= at);
            let own = rows[pivot].clone();
            for (i, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != pivot) {
                let factor = row[pivot];
                assert!(i != pivot && factor.is_finite());
                row.iter_mut().zip(&own).for_each(|(x, y)| *x -= factor * y);
            }
        }
        let with = |column: usize| {
            let terms = rows.iter().zip(observations);
            terms.map(|(row, o)| row[column] * shared(o.architecture, architecture)).sum::<f64>()
        };
        let variance = shared(architecture, architecture) - with(n + 1);
        Estimate { mean: centre + with(n), deviation: variance.sqrt() }
    }

    #[test]
    fn estimates_are_those_of_the_full_covariance() {
        for seed in 0..4 {
            let mut world = World::new(seed, 40, 0.8);
            let observations = observed(&mut world, 20);
            let surrogate = Surrogate::fit(Scale::of(&world.features), &world.features, &observations, 0.02);
            for architecture in [0, 1, 2, 19, 20, 39] {
                let expected = textbook(&surrogate, &world, &observations, architecture);
                let found = surrogate.estimate(architecture, &world.features[architecture]);
                let near = |a: f64, b: f64| (a - b).abs() < 1e-7 * (1.0 + b.abs());
                assert!(near(found.mean, expected.mean), "{architecture}: {found:?} {expected:?}");
                assert!(near(found.deviation, expected.deviation), "{architecture}: {found:?} {expected:?}");
                assert_eq!(surrogate.mean(architecture, &world.features[architecture]), found.mean);
            }
        }
    }

    /// The truth lies within 1.645 deviations of the estimate in nine of ten cases, for architectures trained and not.
    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let (mut within, mut total, mut sizes) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        for seed in 0..60 {
            let mut world = World::new(100 + seed, 80, 0.8);
            let observations = observed(&mut world, 40);
            let surrogate = Surrogate::fit(Scale::of(&world.features), &world.features, &observations, 0.02);
            // A shift common to all is what the first seed's effect takes: only differences are known.
            let estimates: Vec<Estimate> = (0..80).map(|g| surrogate.estimate(g, &world.features[g])).collect();
            let shift = estimates.iter().zip(&world.truth).map(|(e, t)| e.mean - t).sum::<f64>() / 80.0;
            for (g, estimate) in estimates.iter().enumerate() {
                let unseen = usize::from(g >= 40);
                total[unseen] += 1.0;
                sizes[unseen] += (estimate.mean - shift - world.truth[g]).powi(2);
                within[unseen] +=
                    f64::from(u8::from((estimate.mean - shift - world.truth[g]).abs() < 1.645 * estimate.deviation));
            }
        }
        let shares = [within[0] / total[0], within[1] / total[1]];
        assert!(shares.iter().all(|share| (0.85..0.97).contains(share)), "{shares:?}");
        // Far better than the noise of one training, 0.8, or than knowing nothing, 1.2.
        let errors = [sizes[0] / total[0], sizes[1] / total[1]].map(f64::sqrt);
        assert!(errors[0] < 0.7 && errors[1] < 0.85, "{errors:?}");
    }

    #[test]
    fn variances_and_effects_are_found() {
        let mut heritability = 0.0;
        for seed in 0..20 {
            let mut world = World::new(200 + seed, 90, 0.8);
            let observations = observed(&mut world, 90);
            let surrogate = Surrogate::fit(Scale::of(&world.features), &world.features, &observations, 0.02);
            heritability += surrogate.variances().heritability() / 20.0;
            let effect = |seed| surrogate.seed_effect(seed).unwrap();
            for other in [1, 2] {
                let truth = world.seeds[0] - world.seeds[other];
                let found = effect(0) - effect(other as u32);
                assert!((found - truth).abs() < 0.6, "seed {seed}: {found} {truth}");
            }
            let first = surrogate.coefficients()[0];
            assert!((first.mean - 0.9).abs() < 4.0 * first.deviation, "{first:?}");
        }
        // (0.9² + 0.5² + 0.3² + 0.5²) over the same and 0.8².
        assert!((heritability - 1.4 / 2.04).abs() < 0.1, "{heritability}");
    }

    /// Draws scatter around the estimate as it says.
    #[test]
    fn draws_have_the_posterior_s_mean_and_deviation() {
        let mut world = World::new(9, 30, 0.8);
        let observations = observed(&mut world, 15);
        let surrogate = Surrogate::fit(Scale::of(&world.features), &world.features, &observations, 0.02);
        for architecture in [3, 25] {
            let row = &world.features[architecture];
            let estimate = surrogate.estimate(architecture, row);
            let mut stream = Stream::new(1, Purpose::Genetic, 7, 7);
            let mut value = || {
                let draw = surrogate.draw(&mut stream);
                draw.value(
                    architecture,
                    row,
                    &mut Stream::new(u64::from(stream.clone().word()), Purpose::Genetic, 8, 8),
                )
            };
            let values: Vec<f64> = (0..20_000).map(|_| value()).collect();
            let mean = values.iter().sum::<f64>() / 2e4;
            let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2e4).sqrt();
            assert!((mean - estimate.mean).abs() < 0.05 * estimate.deviation, "{mean} {estimate:?}");
            assert!((deviation / estimate.deviation - 1.0).abs() < 0.03, "{deviation} {estimate:?}");
        }
    }

    #[test]
    fn equal_values_and_single_observations_do_no_harm() {
        let features = vec![vec![1.0, 2.0], vec![3.0, 2.0]];
        for values in [vec![0.5], vec![0.5, 0.5]] {
            let observation = |(architecture, value): (usize, f64)| Observation { architecture, seed: 0, value };
            let observations: Vec<Observation> = values.into_iter().enumerate().map(observation).collect();
            let surrogate = Surrogate::fit(Scale::of(&features), &features, &observations, 0.02);
            let estimate = surrogate.estimate(1, &features[1]);
            assert!((estimate.mean - 0.5).abs() < 1e-3 && estimate.deviation.is_finite(), "{estimate:?}");
        }
    }
}
