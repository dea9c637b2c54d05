//! What each length of training is worth for a search, by what the same networks came to with it.

use super::calibrate::Trial;
use super::graphs::graph_count;
use super::length::Length;
use super::statistics::{Repeatability, correlation, selection_intensity, slope};
use crate::models::genetic_cnn::{Code, StageGraph};
use crate::record::EvaluationRow;
use serde::Serialize;

/// What a length of training is worth for a search, by what the same networks came to with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// The length of each training.
    #[serde(serialize_with = "as_text")]
    pub length: Length,
    /// How many networks.
    pub networks: usize,
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
    /// The correlation of the means with those of the longest training.
    pub correlation: Option<f64>,
    /// What that would be without noise.
    pub corrected: Option<f64>,
    /// Whether the longest training's noise is left in that, since networks were trained so but once: then it is too small.
    pub noise_is_left: bool,
    /// By how much the winner of an hour and of eight hours of one core is expected to be better, trained long, than the mean
    /// network.
    pub gains: Option<[f64; 2]>,
    /// What the longest training gives to a network more than this one does, for each of its convolutions, with its standard
    /// error.
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

/// A length as its text.
fn as_text<S: serde::Serializer>(length: &Length, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(length)
}

/// What each length of training is worth, the last of the trials last: the others are compared with it. Networks that diverged in
/// any trial are left out ([`without_divergences`]).
///
/// The expected gain is the correlated response of the breeder's equation, `R = i(N)·h·ρ·σ`: `N` trainings fit the time, `i(N)` is
/// the expected greatest of `N` standard normal numbers, and `ρ·σ` the part of the spread of long trainings that goes with
/// the networks' own part of short ones, `r·s/√q`, where `r` is the correlation of the means, `s` the spread of the long ones, and `q` the
/// reliability of the short ones' means. How reliable the long ones are cancels.
pub fn rungs(trials: &[Trial]) -> Vec<Rung> {
    let trials = without_divergences(trials);
    let mut lengths: Vec<Length> = Vec::new();
    for trial in trials.iter().filter(|trial| trial.length != trials[trials.len() - 1].length) {
        if !lengths.contains(&trial.length) {
            lengths.push(trial.length);
        }
    }
    lengths.extend(trials.last().map(|trial| trial.length));
    let of = |length: &Length| Trained::of(*length, trials.iter().filter(|trial| trial.length == *length));
    let Some(long) = lengths.last().map(of) else { return Vec::new() };
    lengths.iter().map(|length| of(length).rung(*length, &long)).collect()
}

/// What networks came to with one length of training.
struct Trained {
    length: Length,
    /// The graphs that there are in the space of the networks; infinitely many where they are not counted.
    graphs: f64,
    /// By network and seed.
    values: Vec<Vec<f64>>,
    means: Vec<f64>,
    seconds: f64,
    convolutions: Vec<f64>,
    repeatability: Option<Repeatability>,
}

impl Trained {
    fn of<'a>(length: Length, trials: impl Iterator<Item = &'a Trial>) -> Trained {
        let trials: Vec<&Trial> = trials.collect();
        let networks = trials.first().map_or(0, |trial| trial.rows.len());
        let values: Vec<Vec<f64>> =
            (0..networks).map(|n| trials.iter().map(|trial| trial.rows[n].fitness).collect()).collect();
        let means = values.iter().map(|row| row.iter().sum::<f64>() / row.len() as f64).collect();
        let seconds = trials.iter().flat_map(|trial| &trial.rows).map(EvaluationRow::cost).sum::<f64>();
        let seconds = seconds / (networks * trials.len()).max(1) as f64;
        let convolutions = |row: &EvaluationRow| {
            let code: Option<Code> = row.code.parse().ok();
            code.map_or(0, |code| code.0.iter().map(|stage| StageGraph::new(stage).convolutions()).sum::<usize>())
                as f64
        };
        let convolutions = trials.first().map_or_else(Vec::new, |trial| trial.rows.iter().map(convolutions).collect());
        let repeatability = Repeatability::of(&values);
        let code: Option<Code> = trials.first().and_then(|trial| trial.rows.first()?.code.parse().ok());
        let graphs = code.and_then(|code| graph_count(&code.nodes())).map_or(f64::INFINITY, |count| count as f64);
        Trained { length, graphs, values, means, seconds, convolutions, repeatability }
    }

    fn reliability(&self) -> Option<f64> {
        Some(self.repeatability?.of_mean(self.values.first()?.len())).filter(|share| *share > 0.0)
    }

    fn rung(&self, length: Length, long: &Trained) -> Rung {
        let longest = length == long.length;
        let correlation = if longest { Some(1.0) } else { correlation(&self.means, &long.means) };
        let own = self.reliability().map(f64::sqrt);
        let ends = own.zip(Some(long.reliability().map_or(1.0, f64::sqrt)));
        let corrected = match longest {
            true => Some(1.0),
            false => correlation.zip(ends).map(|(r, (own, of_long))| (r / (own * of_long)).clamp(-1.0, 1.0)),
        };
        let shared = match longest {
            true => self.repeatability.map(|found| found.between),
            false => correlation.zip(own).map(|(r, own)| r / own * deviation(&long.means)),
        };
        let gain = |hours: f64| {
            let h = self.repeatability?.heritability.max(0.0).sqrt();
            Some(selection_intensity((3600.0 * hours / self.seconds).min(self.graphs)) * h * shared?)
        };
        let more: Vec<f64> = long.means.iter().zip(&self.means).map(|(long, short)| long - short).collect();
        Rung {
            length,
            networks: self.means.len(),
            trainings: self.values.first().map_or(0, Vec::len),
            mean: self.means.iter().sum::<f64>() / self.means.len().max(1) as f64,
            seconds: self.seconds,
            between: self.repeatability.map(|found| found.between),
            noise: self.repeatability.map(|found| found.noise),
            heritability: self.repeatability.map(|found| [found.heritability, found.interval[0], found.interval[1]]),
            correlation,
            corrected,
            noise_is_left: !longest && long.reliability().is_none(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::search::graphs::graphs;

    fn trial(epochs: u32, repeat: u32, fitness: &[f64]) -> Trial {
        let length = Length::Epochs(epochs);
        let codes = graphs(&[3, 4]).unwrap();
        let row = |(code, fitness): (&Code, &f64)| EvaluationRow {
            generation: 0,
            code: code.to_string(),
            repeat,
            epochs,
            fitness: *fitness,
            loss: None,
            losses: Vec::new(),
            diverged: None,
            parameters: 1,
            macs: 1,
            seconds: f64::from(10 * epochs),
            core_seconds: None,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        };
        Trial { length, repeat, rows: codes.iter().zip(fitness).map(row).collect() }
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
        // 360 trainings fit an hour, and there are 186 graphs: i = 2.73, times √0.5, times 0.02.
        assert!((short.gains.unwrap()[0] - 2.73 * 0.5_f64.sqrt() * 0.02).abs() < 0.008, "{short:?}");
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

    /// Of 150 networks whose long training differs from the short ones in nothing but chance of the same size, `i·h·σ` is
    /// gained and no more, even though how reliable a single long training is cannot be known.
    #[test]
    fn a_long_training_that_was_done_once_promises_no_more() {
        let mut stream = Stream::new(6, Purpose::Genetic, 0, 0);
        for h2 in [0.3_f64, 0.7] {
            let noise = 0.02 * (1.0 / h2 - 1.0).sqrt();
            let truth: Vec<f64> = (0..150).map(|_| 0.5 + 0.02 * stream.normal()).collect();
            let mut noisy = || truth.iter().map(|x| x + noise * stream.normal()).collect::<Vec<f64>>();
            let found = rungs(&[trial(1, 0, &noisy()), trial(1, 1, &noisy()), trial(8, 2, &noisy())]);
            let promised = found[0].gains.unwrap()[0] / selection_intensity(186.0);
            assert!((promised / (h2.sqrt() * 0.02) - 1.0).abs() < 0.25, "{h2}: {promised}");
            assert!(found[0].noise_is_left && found[1].gains.is_none());
        }
    }

    /// What a convolution adds in a long training and not in a short one is found.
    #[test]
    fn a_lead_of_small_networks_is_reported() {
        let mut stream = Stream::new(5, Purpose::Genetic, 0, 0);
        let zero = trial(1, 0, &[0.0; 100]);
        let convolutions = Trained::of(zero.length, [&zero].into_iter()).convolutions;
        let mut values =
            |each: f64| -> Vec<f64> { convolutions.iter().map(|n| 0.5 + each * n + 0.002 * stream.normal()).collect() };
        let trials = [trial(1, 0, &values(-0.004)), trial(1, 1, &values(-0.004)), trial(8, 2, &values(0.001))];
        let found = rungs(&trials);
        let [slope, error] = found[0].by_convolution.unwrap();
        assert!((slope - 0.005).abs() < 4.0 * error && error < 0.001, "{slope} ± {error}");
    }
}
