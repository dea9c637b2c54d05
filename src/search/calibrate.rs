//! Whether the order in which a short training puts networks repeats itself, and is that of a long one.

use super::config::SearchConfig;
use super::evaluator::{Evaluator, Told};
use super::history::{code, space};
use super::statistics::{Repeatability, correlation, selection_intensity, slope};
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::genetic::Space;
use crate::models::genetic_cnn::{Code, StageGraph, canonical};
use crate::record::EvaluationRow;
use crate::rng::{Purpose, Stream};
use serde::Serialize;
use std::path::Path;

/// What the same networks came to with one budget, trained for one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The number of epochs.
    pub epochs: u32,
    /// Its number among all trials; each has seeds of its own.
    pub repeat: u32,
    /// What each network came to, in the same order for all trials.
    pub rows: Vec<EvaluationRow>,
}

/// Trains the codes of a calibration with all of its budgets.
///
/// # Errors
/// As [`search`](super::search()); and when the space has not as many graphs, or the settings have no calibration.
pub fn calibrate(journal: &Path, config: &SearchConfig, sets: &Sets, told: &mut Told<'_>) -> Result<Vec<Trial>> {
    let mut told = |event: super::Event<'_>| told(event);
    let calibration = config.calibration.clone().unwrap_or_default();
    let codes = different_graphs(&config.networks.stages, calibration.codes, config.search.seed)?;
    let mut evaluator = Evaluator::new(journal, "calibrate", config, sets, &mut told)?;
    let mut trials = Vec::new();
    for (number, [epochs, times]) in calibration.budgets.into_iter().enumerate() {
        for _ in 0..times {
            // No two trials share a seed: what they have in common is the networks alone.
            let repeat = trials.len() as u32;
            let trainings: Vec<(Code, u32)> = codes.iter().map(|code| (code.clone(), repeat)).collect();
            let rows = evaluator.rows(number as u32, &trainings, epochs)?;
            trials.push(Trial { epochs, repeat, rows });
        }
    }
    Ok(trials)
}

/// What a length of training is worth for a search, by what the same networks came to with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// The number of epochs.
    pub epochs: u32,
    /// How often each network was trained so.
    pub trainings: usize,
    /// The mean fitness, from 0 to 1.
    pub mean: f64,
    /// The seconds of one training, on one core.
    pub seconds: f64,
    /// The standard deviation between networks, without noise; `None` where they were trained once.
    pub between: Option<f64>,
    /// The standard deviation of one training, without what its seed does to all.
    pub noise: Option<f64>,
    /// The heritability of one training with the ends of its 90 % interval.
    pub heritability: Option<[f64; 3]>,
    /// The correlation of the means with those of the longest training; and what it would be without noise in either.
    pub correlation: Option<f64>,
    /// See there.
    pub corrected: Option<f64>,
    /// By how much the winner of a search of an hour and of eight hours of one core is expected to be better, trained long, than the mean network.
    pub gains: Option<[f64; 2]>,
    /// What the longest training gives to a network more than this one does, for each of its convolutions, with its standard error.
    pub by_convolution: Option<[f64; 2]>,
}

/// The same trials without the networks that diverged in any of them: the noise of a training has no number where one has none.
pub fn without_divergences(trials: &[Trial]) -> Vec<Trial> {
    let learned = |network: &usize| trials.iter().all(|trial| trial.rows[*network].diverged.is_none());
    let networks = trials.iter().map(|trial| trial.rows.len()).min().unwrap_or(0);
    let kept: Vec<usize> = (0..networks).filter(learned).collect();
    let trial = |trial: &Trial| Trial { rows: kept.iter().map(|n| trial.rows[*n].clone()).collect(), ..*trial };
    trials.iter().map(trial).collect()
}

/// What each length of training is worth, the longest last, by the networks that diverged in none ([`without_divergences`]). The
/// expected gain is the correlated response of the breeder's equation,
/// `R = i(N)·h·ρ·σ`, where `N` trainings fit the time, `i(N)` is the expected greatest of `N` standard normal numbers, and `σ` the standard
/// deviation between networks when they are trained long.
pub fn rungs(trials: &[Trial]) -> Vec<Rung> {
    let trials = without_divergences(trials);
    let mut epochs: Vec<u32> = trials.iter().map(|trial| trial.epochs).collect();
    epochs.sort_unstable();
    epochs.dedup();
    let of = |epochs: u32| Trained::of(trials.iter().filter(|trial| trial.epochs == epochs));
    let Some(long) = epochs.last().map(|epochs| of(*epochs)) else { return Vec::new() };
    epochs.iter().map(|epochs| of(*epochs).rung(*epochs, &long)).collect()
}

/// What networks came to with one length of training.
struct Trained {
    /// By network and seed.
    values: Vec<Vec<f64>>,
    means: Vec<f64>,
    seconds: f64,
    convolutions: Vec<f64>,
    repeatability: Option<Repeatability>,
}

impl Trained {
    fn of<'a>(trials: impl Iterator<Item = &'a Trial>) -> Trained {
        let trials: Vec<&Trial> = trials.collect();
        let networks = trials.first().map_or(0, |trial| trial.rows.len());
        let values: Vec<Vec<f64>> =
            (0..networks).map(|n| trials.iter().map(|trial| trial.rows[n].fitness).collect()).collect();
        let means = values.iter().map(|row| row.iter().sum::<f64>() / row.len() as f64).collect();
        let seconds = trials.iter().flat_map(|trial| &trial.rows).map(|row| row.seconds).sum::<f64>();
        let seconds = seconds / (networks * trials.len()).max(1) as f64;
        let convolutions = |row: &EvaluationRow| {
            let code: Option<Code> = row.code.parse().ok();
            code.map_or(0, |code| code.0.iter().map(|stage| StageGraph::new(stage).convolutions()).sum::<usize>())
                as f64
        };
        let convolutions = trials.first().map_or_else(Vec::new, |trial| trial.rows.iter().map(convolutions).collect());
        let repeatability = Repeatability::of(&values);
        Trained { values, means, seconds, convolutions, repeatability }
    }

    fn reliability(&self) -> Option<f64> {
        Some(self.repeatability?.of_mean(self.values.first()?.len())).filter(|share| *share > 0.0)
    }

    fn rung(&self, epochs: u32, long: &Trained) -> Rung {
        let longest = std::ptr::eq(self.means.as_ptr(), long.means.as_ptr()) || self.means == long.means;
        let correlation = if longest { Some(1.0) } else { correlation(&self.means, &long.means) };
        // How reliable a single long training is nobody knows: then as much as the short ones are.
        let both = self.reliability().zip(long.reliability().or(self.reliability()));
        let corrected = match longest {
            true => Some(1.0),
            false => correlation.zip(both).map(|(r, (own, of_long))| (r / (own * of_long).sqrt()).clamp(-1.0, 1.0)),
        };
        let spread = long.repeatability.map_or_else(|| deviation(&long.means), |long| long.between);
        let gain = |hours: f64| {
            let h = self.repeatability?.heritability.max(0.0).sqrt();
            Some(selection_intensity(3600.0 * hours / self.seconds) * h * corrected? * spread)
        };
        let more: Vec<f64> = long.means.iter().zip(&self.means).map(|(long, short)| long - short).collect();
        Rung {
            epochs,
            trainings: self.values.first().map_or(0, Vec::len),
            mean: self.means.iter().sum::<f64>() / self.means.len().max(1) as f64,
            seconds: self.seconds,
            between: self.repeatability.map(|found| found.between),
            noise: self.repeatability.map(|found| found.noise),
            heritability: self.repeatability.map(|found| [found.heritability, found.interval[0], found.interval[1]]),
            correlation,
            corrected,
            gains: gain(1.0).zip(gain(8.0)).map(|(hour, night)| [hour, night]),
            by_convolution: if longest { None } else { slope(&self.convolutions, &more) },
        }
    }
}

fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0)).sqrt()
}

/// So many different graphs at random.
fn different_graphs(nodes: &[usize], count: usize, seed: u64) -> Result<Vec<Code>> {
    let mut found: Vec<Code> = Vec::new();
    for number in 0..count as u32 * 100 {
        // Generations have numbers from 0, so this stream is nobody else's.
        let bits = space(nodes).random(&mut Stream::new(seed, Purpose::Genetic, u32::MAX, number));
        let graph = canonical(&code(nodes, &bits));
        if found.len() < count && !found.contains(&graph) {
            found.push(graph);
        }
    }
    if found.len() < count {
        let problem = format!("{count} different graphs of stages with {nodes:?} nodes");
        return Err(Error::op("search", problem, &[], "ask for fewer, or for more nodes"));
    }
    Ok(found)
}

/// How far two lists rank the same things alike, from −1 to 1: Kendall's τ, with ties taken into account (τ_b). `None`
/// where one of them has nothing but ties.
///
/// **Source** Kendall, *The treatment of ties in ranking problems*, Biometrika 33, 1945.
///
/// ```
/// use evograd::search::kendall_tau;
/// assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0]), Some(1.0));
/// assert_eq!(kendall_tau(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
/// ```
///
/// # Panics
/// When the lists are not equally long.
pub fn kendall_tau(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "two lists of ranks");
    let order = |x: f64, y: f64| if x == y { 0.0 } else { (x - y).signum() };
    let (mut alike, mut untied) = (0.0, [0.0, 0.0]);
    for i in 0..a.len() {
        for j in 0..i {
            let orders = [order(a[i], a[j]), order(b[i], b[j])];
            alike += orders[0] * orders[1];
            untied.iter_mut().zip(orders).for_each(|(untied, order)| *untied += order.abs());
        }
    }
    let pairs = (untied[0] * untied[1]).sqrt();
    (pairs > 0.0).then(|| alike / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.stats.kendalltau` 1.17 for the same lists.
    #[test]
    fn ties_are_taken_into_account() {
        let tau = kendall_tau(&[12.0, 2.0, 1.0, 12.0, 2.0], &[1.0, 4.0, 7.0, 1.0, 0.0]).unwrap();
        assert!((tau - -0.471_404_520_791_031_7).abs() < 1e-15, "{tau}");
        let tau = kendall_tau(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2.0, 1.0, 4.0, 3.0, 6.0, 5.0]).unwrap();
        assert!((tau - 0.6).abs() < 1e-15, "{tau}");
        assert_eq!(kendall_tau(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    fn trial(epochs: u32, repeat: u32, fitness: &[f64]) -> Trial {
        let codes = different_graphs(&[3, 4], fitness.len(), 3).unwrap();
        let row = |(code, fitness): (&Code, &f64)| EvaluationRow {
            generation: 0,
            code: code.to_string(),
            repeat,
            epochs,
            fitness: *fitness,
            loss: None,
            diverged: None,
            parameters: 1,
            macs: 1,
            seconds: f64::from(10 * epochs),
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        };
        Trial { epochs, repeat, rows: codes.iter().zip(fitness).map(row).collect() }
    }

    /// Noise as large as what networks differ by, made by hand: what is known of the truth must come out.
    #[test]
    fn a_short_training_is_judged_by_what_it_says_about_a_long_one() {
        let mut stream = Stream::new(4, Purpose::Genetic, 0, 0);
        let truth: Vec<f64> = (0..150).map(|_| 0.5 + 0.02 * stream.normal()).collect();
        let mut noisy = |noise: f64| truth.iter().map(|x| x + noise * stream.normal()).collect::<Vec<f64>>();
        let trials = [
            trial(1, 0, &noisy(0.02)),
            trial(1, 1, &noisy(0.02)),
            trial(8, 2, &noisy(0.002)),
            trial(8, 3, &noisy(0.002)),
        ];
        let [short, long] = &rungs(&trials)[..] else { panic!("two lengths") };
        let [share, low, high] = short.heritability.unwrap();
        assert!((share - 0.5).abs() < 0.12 && low < 0.5 && 0.5 < high, "{short:?}");
        assert!(
            (short.between.unwrap() - 0.02).abs() < 0.004 && (short.noise.unwrap() - 0.02).abs() < 0.004,
            "{short:?}"
        );
        // Attenuated by the noise of the mean of two, and 1 without it.
        assert!((short.correlation.unwrap() - (2.0_f64 / 3.0).sqrt()).abs() < 0.06, "{short:?}");
        assert!((short.corrected.unwrap() - 1.0).abs() < 0.08, "{short:?}");
        // 360 trainings an hour: i = 2.95, times √0.5, times 0.02.
        assert!((short.gains.unwrap()[0] - 2.95 * 0.5_f64.sqrt() * 0.02).abs() < 0.008, "{short:?}");
        assert!(long.corrected == Some(1.0) && long.heritability.unwrap()[0] > 0.9 && long.by_convolution.is_none());
        assert_eq!(rungs(&trials[..1])[0].heritability, None);
    }

    /// A network that diverged in one trial is in none of the statistics, and no number of them is NaN, whatever was left.
    #[test]
    fn networks_that_diverged_are_left_out() {
        let values = [[0.40, 0.44, 0.50, 0.47, 0.43], [0.42, 0.45, 0.52, 0.46, 0.41], [0.60, 0.61, 0.66, 0.64, 0.62]];
        let all: Vec<Trial> =
            values.iter().zip([1, 1, 8]).zip(0..).map(|((row, epochs), repeat)| trial(epochs, repeat, row)).collect();
        let mut wild = all.clone();
        for (at, network) in [(0, 1), (2, 3)] {
            let row = &mut wild[at].rows[network];
            (row.fitness, row.diverged) = (0.0, Some("loss".into()));
        }
        let kept = without_divergences(&wild);
        let codes = |trial: &Trial| trial.rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>();
        let expected: Vec<String> = [0, 2, 4].map(|n| all[0].rows[n].code.clone()).into();
        assert!(kept.iter().all(|trial| codes(trial) == expected));
        assert_eq!((rungs(&wild), without_divergences(&all)), (rungs(&kept), all));
        for rung in rungs(&kept) {
            let text = serde_json::to_string(&rung).unwrap();
            assert!(!format!("{rung:?}").contains("NaN") && !text.contains("-0.0,"), "{rung:?}");
        }
    }

    /// What a convolution adds in a long training and not in a short one is found.
    #[test]
    fn a_lead_of_small_networks_is_told() {
        let mut stream = Stream::new(5, Purpose::Genetic, 0, 0);
        let zero = trial(1, 0, &[0.0; 100]);
        let convolutions = Trained::of([&zero].into_iter()).convolutions;
        let mut values =
            |each: f64| -> Vec<f64> { convolutions.iter().map(|n| 0.5 + each * n + 0.002 * stream.normal()).collect() };
        let trials = [trial(1, 0, &values(-0.004)), trial(1, 1, &values(-0.004)), trial(8, 2, &values(0.001))];
        let found = rungs(&trials);
        let [slope, error] = found[0].by_convolution.unwrap();
        assert!((slope - 0.005).abs() < 4.0 * error && error < 0.001, "{slope} ± {error}");
    }

    #[test]
    fn graphs_differ_and_too_many_are_refused() {
        let graphs = different_graphs(&[3, 4], 60, 1).unwrap();
        assert!(graphs.iter().enumerate().all(|(i, graph)| !graphs[..i].contains(graph)));
        assert_eq!(
            different_graphs(&[3], 7, 0).unwrap_err().to_string(),
            "search: 7 different graphs of stages with [3] nodes; ask for fewer, or for more nodes"
        );
    }
}
