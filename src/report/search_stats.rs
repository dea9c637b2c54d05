//! What a search came to in numbers, from the rows of its journal. Knows rows alone.
//!
//! The fitness of a generation is that of its row: where a code was trained more than once, the row holds the mean.

use crate::record::{
    AnswerRow, EvaluationRow, GenerationRow, IndividualRow, Insight, LeaderRow, SearchRow, counted_outcome, outcome,
    worst_outcome,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What a search came to.
///
/// ```
/// use evograd::{record::{GenerationRow, IndividualRow, SearchRow}, report::SearchStats};
/// let individual = |code: &str, fitness| IndividualRow { code: code.into(), fitness, error: 0.0, parents: vec![] };
/// let individuals = vec![individual("1-01", 0.5), individual("1-11", 0.75)];
/// let rows = [SearchRow::Generation(GenerationRow { generation: 0, race: false, individuals, leader: None, seconds: 60.0, idle_seconds: None })];
/// let stats = SearchStats::of(&rows);
/// assert_eq!(stats.best.unwrap().code, "1-11");
/// assert_eq!(stats.generations[0].mean, 0.625);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SearchStats {
    /// What was done: `search`, `exhaust` or `calibrate`; empty where the journal does not begin with it.
    pub task: String,
    /// The generations that are complete.
    pub generations: Vec<GenerationStats>,
    /// The winner; of a search that has not ended, the best individual as far as is known, and where no generation is complete, the best
    /// code by the mean of its trainings.
    pub best: Option<BestStats>,
    /// What the search came to, where it has ended.
    pub answer: Option<AnswerRow>,
    /// Networks that were trained, those that diverged or were given up among them; a code trained anew is another.
    pub trained: usize,
    /// Codes among these, each counted once.
    pub codes: usize,
    /// Networks whose training diverged.
    pub diverged: usize,
    /// Networks that were trained for a generation that is not complete.
    pub unfinished: usize,
    /// Where the time went.
    pub time: TimeStats,
}

/// The best of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct BestStats {
    /// Its generation.
    pub generation: u32,
    /// Its place there; `None` where the generation is not complete.
    pub place: Option<usize>,
    /// Its code.
    pub code: String,
    /// Its fitness, from 0 to 1.
    pub fitness: f64,
    /// The standard error of that; 0 where it is not known.
    pub error: f64,
}

/// What a generation came to. All shares are from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerationStats {
    /// Its number.
    pub number: u32,
    /// Whether it is a round of the race.
    pub race: bool,
    /// Its individuals.
    pub individuals: usize,
    /// The best fitness.
    pub best: f64,
    /// The mean fitness.
    pub mean: f64,
    /// The median fitness.
    pub median: f64,
    /// The worst fitness.
    pub worst: f64,
    /// The standard deviation of the fitness, over all individuals.
    pub deviation: f64,
    /// The fitness of the best of all so far, as it is known by then.
    pub best_so_far: f64,
    /// The standard error of that; 0 where it is not known.
    pub error_so_far: f64,
    /// The code of its best individual, of equals the first.
    pub code: String,
    /// Networks that were trained for it.
    pub trained: usize,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Where the time of a search went, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeStats {
    /// From the beginning to the end of the last complete generation.
    pub wall: f64,
    /// In training and answers, over all networks.
    pub training: f64,
    /// On anything else while a network was looked at, over all networks.
    pub overhead: f64,
    /// The time in which workers trained no network, over all workers and complete generations: between two networks, and
    /// while one waits for the others' last. `None` where the journal does not say.
    pub between: Option<f64>,
    /// The median overhead of a network.
    pub overhead_median: f64,
    /// The greatest overhead of a network.
    pub overhead_max: f64,
    /// The median of training images a second over networks.
    pub images_per_second: f64,
}

impl SearchStats {
    /// Counts. Of rows for the same generation the last counts.
    pub fn of(rows: &[SearchRow]) -> SearchStats {
        let trainings = trainings(rows);
        let complete = complete(rows);
        let done = |row: &&&EvaluationRow| complete.contains_key(&row.generation);
        let generations = generations(&complete, &trainings);
        SearchStats {
            task: rows.iter().find_map(begun).unwrap_or_default(),
            best: answer(rows)
                .or_else(|| leader(&complete))
                .or_else(|| best(&complete, &trainings))
                .or_else(|| best_network(rows)),
            answer: rows.iter().rev().find_map(answered).cloned(),
            trained: trainings.len(),
            codes: trainings.iter().map(|row| &row.code).collect::<BTreeSet<_>>().len(),
            diverged: trainings.iter().filter(|row| row.diverged.is_some()).count(),
            unfinished: trainings.iter().filter(|row| !done(row)).count(),
            time: TimeStats::of(&complete, &evaluations(rows).collect::<Vec<_>>()),
            generations,
        }
    }
}

impl SearchStats {
    /// Whether the best of all so far is anywhere worse than the generation before had it: fitness is an estimate, which each
    /// training corrects.
    pub fn best_so_far_falls(&self) -> bool {
        let falls = |pair: &[GenerationStats]| {
            let [before, now] = [&pair[0], &pair[1]].map(|row| row.best_so_far);
            now < before && percent(now) != percent(before)
        };
        self.generations.windows(2).any(falls)
    }
}

impl TimeStats {
    fn of(complete: &BTreeMap<u32, &GenerationRow>, evaluations: &[&EvaluationRow]) -> TimeStats {
        let column = |value: fn(&EvaluationRow) -> f64| evaluations.iter().map(|row| value(row)).collect::<Vec<f64>>();
        let overheads = column(|row| row.overhead_seconds);
        let wall = complete.values().map(|row| row.seconds).sum::<f64>();
        let overhead = overheads.iter().sum::<f64>();
        TimeStats {
            wall,
            training: column(|row| row.seconds).iter().sum::<f64>() - overhead,
            overhead,
            between: complete.values().filter_map(|row| row.idle_seconds).reduce(|sum, seconds| sum + seconds),
            overhead_median: median(&overheads),
            overhead_max: overheads.iter().copied().fold(0.0, f64::max),
            images_per_second: median(&column(|row| row.images_per_second)),
        }
    }
}

/// What `begin` says is done.
fn begun(row: &SearchRow) -> Option<String> {
    if let SearchRow::Begin(begin) = row { Some(begin.task.clone()) } else { None }
}

/// The rows of trained networks, in their order.
pub(super) fn evaluations(rows: &[SearchRow]) -> impl Iterator<Item = &EvaluationRow> {
    rows.iter().filter_map(|row| if let SearchRow::Evaluation(row) = row { Some(row) } else { None })
}

/// The trainings, in the order in which they began; of one that went on for more epochs the last row.
pub(super) fn trainings(rows: &[SearchRow]) -> Vec<&EvaluationRow> {
    let mut trainings: Vec<&EvaluationRow> = Vec::new();
    let mut places = HashMap::new();
    for row in evaluations(rows) {
        let place = *places.entry((row.code.as_str(), row.repeat)).or_insert(trainings.len());
        match trainings.get_mut(place) {
            Some(before) => *before = row,
            None => trainings.push(row),
        }
    }
    trainings
}

/// The generations by number; those without individuals are left out.
pub(super) fn complete(rows: &[SearchRow]) -> BTreeMap<u32, &GenerationRow> {
    let generations = rows.iter().filter_map(|row| if let SearchRow::Generation(row) = row { Some(row) } else { None });
    generations.filter(|row| !row.individuals.is_empty()).map(|row| (row.generation, row)).collect()
}

fn generations(complete: &BTreeMap<u32, &GenerationRow>, trainings: &[&EvaluationRow]) -> Vec<GenerationStats> {
    let mut latest: HashMap<&str, f64> = HashMap::new();
    let stats = complete.values().map(|row| {
        let trained = trainings.iter().filter(|other| other.generation == row.generation).count();
        latest.extend(row.individuals.iter().map(|individual| (individual.code.as_str(), individual.fitness)));
        let stats = GenerationStats::of(row, trained);
        let so_far = latest.values().copied().fold(f64::NEG_INFINITY, f64::max);
        let [best_so_far, error_so_far] = match &row.leader {
            Some(leader) => [leader.fitness, leader.error],
            None => [so_far, 0.0],
        };
        GenerationStats { best_so_far, error_so_far, ..stats }
    });
    stats.collect()
}

impl GenerationStats {
    fn of(row: &GenerationRow, trained: usize) -> GenerationStats {
        let fitness: Vec<f64> = row.individuals.iter().map(|individual| individual.fitness).collect();
        let count = fitness.len() as f64;
        let mean = fitness.iter().sum::<f64>() / count;
        let best = &row.individuals[greatest(&fitness)];
        GenerationStats {
            number: row.generation,
            race: row.race,
            individuals: fitness.len(),
            best: best.fitness,
            mean,
            median: median(&fitness),
            worst: fitness.iter().copied().fold(f64::INFINITY, f64::min),
            deviation: (fitness.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt(),
            best_so_far: best.fitness,
            error_so_far: best.error,
            code: best.code.clone(),
            trained,
            seconds: row.seconds,
        }
    }
}

/// The answer of a search that has ended.
fn answered(row: &SearchRow) -> Option<&AnswerRow> {
    if let SearchRow::Answer(row) = row { Some(row) } else { None }
}

fn answer(rows: &[SearchRow]) -> Option<BestStats> {
    let AnswerRow { code, fitness, error, generation, place, .. } = rows.iter().rev().find_map(answered)?.clone();
    Some(BestStats { generation, place: Some(place), code, fitness, error })
}

/// The best by what the last complete round says.
fn leader(complete: &BTreeMap<u32, &GenerationRow>) -> Option<BestStats> {
    let LeaderRow { code, fitness, error, generation, place } = complete.values().next_back()?.leader.clone()?;
    Some(BestStats { generation, place: Some(place), code, fitness, error })
}

/// The best individual as it was known last, of equals the earliest; none whose every training diverged.
fn best(complete: &BTreeMap<u32, &GenerationRow>, trainings: &[&EvaluationRow]) -> Option<BestStats> {
    let codes = |learned: bool| {
        let rows = trainings.iter().filter(move |row| row.diverged.is_none() == learned);
        rows.map(|row| row.code.as_str()).collect::<HashSet<&str>>()
    };
    let (learned, diverged) = (codes(true), codes(false));
    let in_vain = |code: &str| diverged.contains(code) && !learned.contains(code);
    let all = || individuals_of(complete).filter(|(_, (_, one))| !in_vain(&one.code));
    let latest: HashMap<&str, &IndividualRow> = all().map(|(_, (_, one))| (one.code.as_str(), one)).collect();
    let fitness: Vec<f64> = all().map(|(_, (_, one))| latest[one.code.as_str()].fitness).collect();
    let (generation, (place, one)) = all().nth(greatest(&fitness))?;
    let IndividualRow { fitness, error, .. } = latest[one.code.as_str()];
    Some(BestStats { generation, place: Some(place), code: one.code.clone(), fitness: *fitness, error: *error })
}

/// The best code by the mean of its trainings.
fn best_network(rows: &[SearchRow]) -> Option<BestStats> {
    let codes = trained_codes(rows);
    let fitness: Vec<f64> = codes.iter().map(|code| code.fitness).collect();
    let TrainedCode { row, fitness, .. } = codes.get(greatest(&fitness))?;
    Some(BestStats { generation: row.generation, place: None, code: row.code.clone(), fitness: *fitness, error: 0.0 })
}

/// The individuals of all generations, each with its generation and its place there.
fn individuals_of<'a>(
    complete: &'a BTreeMap<u32, &GenerationRow>,
) -> impl Iterator<Item = (u32, (usize, &'a IndividualRow))> {
    complete.values().flat_map(|row| row.individuals.iter().enumerate().map(|one| (row.generation, one)))
}

/// A code with the mean of all its trainings, or what else is known of its fitness.
pub(super) struct TrainedCode<'a> {
    pub row: &'a EvaluationRow,
    pub fitness: f64,
    /// The standard error of the fitness; 0 where it is not known.
    pub error: f64,
    trainings: f64,
}

/// The codes that were trained and did not diverge each time, in the order of their first training that did not; a divergence
/// counts as the worst of all trainings ([`record`](crate::record::counted_outcome)).
pub(super) fn trained_codes(rows: &[SearchRow]) -> Vec<TrainedCode<'_>> {
    let mut codes: Vec<TrainedCode> = Vec::new();
    let mut places = HashMap::new();
    let (learned, diverged): (Vec<_>, Vec<_>) = trainings(rows).into_iter().partition(|row| row.diverged.is_none());
    let worst = worst_outcome(learned.iter().map(|row| row.fitness)).unwrap_or(0.0);
    for row in learned {
        let place = *places.entry(row.code.as_str()).or_insert(codes.len());
        match codes.get_mut(place) {
            Some(code) => code.add(row.fitness),
            None => codes.push(TrainedCode { row, fitness: row.fitness, error: 0.0, trainings: 1.0 }),
        }
    }
    for row in diverged {
        if let Some(place) = places.get(row.code.as_str()) {
            codes[*place].add(counted_outcome(outcome(row), worst));
        }
    }
    codes
}

impl TrainedCode<'_> {
    /// Takes over what the model of all trainings says of its fitness, where that is known.
    pub fn estimated(&mut self, insight: Option<&Insight>) {
        let known = insight.and_then(|insight| insight.networks.iter().find(|network| network.code == self.row.code));
        if let Some(network) = known {
            (self.fitness, self.error) = (network.fitness, network.fitness_error);
        }
    }

    fn add(&mut self, fitness: f64) {
        self.trainings += 1.0;
        self.fitness += (fitness - self.fitness) / self.trainings;
    }
}

/// The place of the greatest value, of equals the first.
fn greatest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, place| if values[place] > values[best] { place } else { best })
}

/// The value in the middle, or the mean of the two there; 0 where there are none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => sorted[half],
        _ => (sorted[half - 1] + sorted[half]) / 2.0,
    }
}

/// A share as per cent.
///
/// ```
/// use evograd::report::percent;
/// assert_eq!([percent(0.7706), percent(-1e-9)], ["77.06 %", "0.00 %"]);
/// ```
pub fn percent(share: f64) -> String {
    format!("{:.2} %", unsigned_zero(100.0 * share))
}

/// A number that is about to be shown with two decimals: what these show as 0 has no sign.
///
/// ```
/// use evograd::report::unsigned_zero;
/// assert_eq!([-0.0, -0.004, -0.006, 0.004].map(|x| format!("{:.2}", unsigned_zero(x))), ["0.00", "0.00", "-0.01", "0.00"]);
/// ```
pub fn unsigned_zero(value: f64) -> f64 {
    if value <= 0.0 && value > -0.005 { 0.0 } else { value }
}

/// A share as per cent with its standard error, where that is known.
///
/// ```
/// use evograd::report::estimate;
/// assert_eq!([estimate(0.7706, 0.0042), estimate(0.5, 0.0)], ["77.06 ± 0.42 %", "50.00 %"]);
/// ```
pub fn estimate(share: f64, error: f64) -> String {
    if error > 0.0 { format!("{:.2} ± {:.2} %", unsigned_zero(100.0 * share), 100.0 * error) } else { percent(share) }
}

/// A span of time in the two largest units that matter.
///
/// ```
/// use evograd::report::duration;
/// let shown = [0.0421, 3.26, 75.0, 18_720.0, 200_000.0].map(duration);
/// assert_eq!(shown, ["0.042 s", "3.3 s", "1 min 15 s", "5 h 12 min", "2 d 7 h"]);
/// ```
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let two = |large: u64, small: u64, names: [&str; 2]| format!("{large} {} {small} {}", names[0], names[1]);
    match whole {
        _ if seconds < 1.0 => format!("{seconds:.3} s"),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        0..3600 => two(whole / 60, whole % 60, ["min", "s"]),
        3600..86_400 => two(whole / 3600, whole / 60 % 60, ["h", "min"]),
        _ => two(whole / 86_400, whole / 3600 % 24, ["d", "h"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BeginRow, IndividualRow};

    fn evaluation(generation: u32, code: &str, fitness: f64, seconds: [f64; 2]) -> SearchRow {
        SearchRow::Evaluation(EvaluationRow {
            generation,
            code: code.into(),
            repeat: 0,
            epochs: 3,
            fitness,
            loss: Some(1.0),
            losses: Vec::new(),
            diverged: (fitness == 0.0).then(|| "loss".into()),
            parameters: 10,
            macs: 100,
            seconds: seconds[0],
            core_seconds: None,
            overhead_seconds: seconds[1],
            images_per_second: 100.0 * seconds[0],
        })
    }

    /// The same row as one of another training of the code.
    fn again(row: SearchRow, repeat: u32) -> SearchRow {
        let SearchRow::Evaluation(row) = row else { panic!("{row:?} is no training") };
        SearchRow::Evaluation(EvaluationRow { repeat, ..row })
    }

    fn generation(number: u32, fitness: &[f64], seconds: f64) -> SearchRow {
        waited(number, fitness, [seconds, 0.25 * seconds])
    }

    /// A generation, and how long workers had nothing to do.
    fn waited(number: u32, fitness: &[f64], [seconds, idle]: [f64; 2]) -> SearchRow {
        let individual = |(i, fitness): (usize, &f64)| IndividualRow {
            code: format!("{number}.{i}"),
            fitness: *fitness,
            error: 0.0,
            parents: vec![],
        };
        let individuals = fitness.iter().enumerate().map(individual).collect();
        SearchRow::Generation(GenerationRow {
            generation: number,
            race: false,
            individuals,
            leader: None,
            seconds,
            idle_seconds: Some(idle),
        })
    }

    #[test]
    fn a_search_is_counted() {
        let rows = [
            SearchRow::Begin(BeginRow {
                version: "1".into(),
                build: None,
                task: "search".into(),
                isa: None,
                settings: String::new(),
                data_checksums: [None, None],
                data: None,
                classes: None,
                normalise: None,
            }),
            evaluation(0, "a", 0.5, [10.0, 1.0]),
            evaluation(0, "b", 0.75, [12.0, 2.0]),
            evaluation(0, "c", 0.0, [2.0, 0.5]),
            generation(0, &[0.5, 0.75, 0.0, 0.75], 25.0),
            again(evaluation(1, "a", 0.25, [10.0, 4.0]), 1),
            generation(1, &[0.625, 0.625, 0.25, 0.5], 11.0),
            evaluation(2, "d", 0.875, [10.0, 1.0]),
        ];
        let stats = SearchStats::of(&rows);
        let counts = [stats.trained, stats.codes, stats.diverged, stats.unfinished];
        assert_eq!((stats.task.as_str(), counts), ("search", [5, 4, 1, 1]));
        let best = BestStats { generation: 0, place: Some(1), code: "0.1".into(), fitness: 0.75, error: 0.0 };
        assert_eq!(stats.best, Some(best));
        let [first, second] = &stats.generations[..] else { panic!("{stats:?}") };
        assert_eq!([first.best, first.mean, first.median, first.worst], [0.75, 0.5, 0.625, 0.0]);
        assert_eq!(first.deviation, (0.375_f64 / 4.0).sqrt());
        assert_eq!((second.best_so_far, second.best, second.code.as_str(), second.trained), (0.75, 0.625, "1.0", 1));
        let time = TimeStats {
            wall: 36.0,
            training: 35.5,
            overhead: 8.5,
            between: Some(0.25 * 36.0),
            overhead_median: 1.0,
            overhead_max: 4.0,
            images_per_second: 1000.0,
        };
        assert_eq!(stats.time, time);
    }

    #[test]
    fn nothing_and_the_beginning_of_a_search_are_no_trouble() {
        let empty = SearchStats::of(&[]);
        assert_eq!((empty.best, empty.trained, empty.time), (None, 0, TimeStats::default()));
        let stats = SearchStats::of(&[evaluation(0, "a", 0.5, [1.0, 0.0]), generation(0, &[], 1.0)]);
        assert_eq!((stats.best.unwrap().place, stats.generations.len(), stats.unfinished), (None, 0, 1));
    }

    #[test]
    fn without_generations_the_code_with_the_best_mean_is_the_best() {
        let rows = [("a", 0, 0.75), ("b", 0, 0.5), ("a", 1, 0.125), ("c", 0, 0.0)];
        let rows = rows.map(|(code, repeat, fitness)| again(evaluation(0, code, fitness, [1.0, 0.0]), repeat));
        let best = BestStats { generation: 0, place: None, code: "b".into(), fitness: 0.5, error: 0.0 };
        assert_eq!(SearchStats::of(&rows).best, Some(best));
        assert_eq!(SearchStats::of(&rows[3..]).best, None);
    }

    #[test]
    fn a_training_that_went_on_is_one_and_counts_with_its_last_row() {
        let rows = [("a", 0.5), ("b", 0.25), ("a", 0.75)];
        let mut rows = rows.map(|(code, fitness)| evaluation(0, code, fitness, [10.0, 1.0])).to_vec();
        rows.push(generation(0, &[0.75, 0.25, 0.75], 40.0));
        let stats = SearchStats::of(&rows);
        assert_eq!((stats.trained, stats.time.between), (2, Some(10.0)));
        assert_eq!(trained_codes(&rows).iter().map(|code| code.fitness).collect::<Vec<_>>(), [0.75, 0.25]);
    }

    #[test]
    fn of_a_generation_reported_twice_the_later_row_counts() {
        let stats = SearchStats::of(&[generation(0, &[0.5], 1.0), generation(0, &[0.25], 1.0)]);
        assert_eq!((stats.generations.len(), stats.best.unwrap().fitness), (1, 0.25));
    }

    #[test]
    fn workers_that_wait_for_others_count_as_idle_and_what_is_not_known_as_nothing() {
        // Two workers: 10 and 4 seconds at networks, in 11.
        let mut rows = [
            evaluation(0, "a", 0.5, [10.0, 1.0]),
            evaluation(0, "b", 0.5, [4.0, 1.0]),
            waited(0, &[0.5, 0.5], [11.0, 2.0 * 11.0 - 14.0]),
        ];
        assert_eq!(SearchStats::of(&rows).time.between, Some(8.0));
        let SearchRow::Generation(row) = &mut rows[2] else { unreachable!() };
        row.idle_seconds = None;
        assert_eq!(SearchStats::of(&rows).time.between, None);
    }
}
