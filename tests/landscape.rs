//! Searches by the hundred on made landscapes, where the truth is known: is the winner better than random search's at equal cost, and does
//! a search say the truth about its winner?
//!
//! A landscape over the 56,172 graphs of stages of 3, 4 and 5 nodes: 45 % of its variance is linear in counts of nodes, edges, levels and so
//! on, 30 % comes from products of two of them, 25 % nothing predicts. Its unit is the standard deviation over random codes.
//! `EVOGRAD_WORLDS=1000 cargo test --release --test landscape -- --nocapture` prints the table of RESULTS.md.

use evograd::genetic::{Space, Stages};
use evograd::models::genetic_cnn::{Backbone, Code, Stage, canonical};
use evograd::search::{
    Answer, Budget, Features, History, Landscape, Method, Networks, Strategy, Trainings, drive, graphs, method,
};
use evograd::{Purpose, Stream};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

const NODES: [usize; 3] = [3, 4, 5];

/// The graphs of the space with their counts, in standard units, and how likely each is under fair coins.
struct Graphs {
    codes: Vec<Code>,
    counts: Vec<Vec<f64>>,
    chances: Vec<f64>,
}

impl Graphs {
    fn new() -> Graphs {
        let codes = graphs(&NODES).unwrap();
        let features = Features::new(&NODES, &Backbone::cifar10(3), 32);
        let is_count: Vec<bool> =
            features.names().iter().map(|name| name.starts_with("stage") && !name.contains("edge ")).collect();
        let mut counts: Vec<Vec<f64>> = codes
            .iter()
            .map(|code| {
                features.of(code).into_iter().zip(&is_count).filter(|(_, count)| **count).map(|(x, _)| x).collect()
            })
            .collect();
        let chance: Vec<HashMap<Stage, f64>> = NODES.iter().map(|nodes| chances(*nodes)).collect();
        let chances: Vec<f64> =
            codes.iter().map(|code| code.0.iter().zip(&chance).map(|(stage, of)| of[stage]).product()).collect();
        for column in 0..counts[0].len() {
            let mut values: Vec<f64> = counts.iter().map(|row| row[column]).collect();
            standardise(&mut values, &chances);
            counts.iter_mut().zip(values).for_each(|(row, value)| row[column] = value);
        }
        Graphs { codes, counts, chances }
    }

    fn landscape(&self, stream: &mut Stream) -> Vec<f64> {
        let columns = self.counts[0].len();
        let slopes: Vec<f64> = (0..columns).map(|_| stream.normal()).collect();
        let mut linear: Vec<f64> =
            self.counts.iter().map(|row| row.iter().zip(&slopes).map(|(x, slope)| x * slope).sum()).collect();
        let pairs: Vec<(usize, usize, f64)> =
            (0..40).map(|_| (stream.below(columns), stream.below(columns), stream.normal())).collect();
        let mut products: Vec<f64> =
            self.counts.iter().map(|row| pairs.iter().map(|(i, j, slope)| slope * row[*i] * row[*j]).sum()).collect();
        standardise(&mut products, &self.chances);
        products.iter_mut().for_each(|x| *x = (*x / 2.0).tanh());
        let mut rugged: Vec<f64> = self.codes.iter().map(|_| stream.normal()).collect();
        [&mut linear, &mut products, &mut rugged].into_iter().for_each(|part| standardise(part, &self.chances));
        let parts = linear.iter().zip(&products).zip(&rugged);
        let mut all: Vec<f64> = parts
            .map(|((linear, products), rugged)| {
                0.45_f64.sqrt() * linear + 0.3_f64.sqrt() * products + 0.25_f64.sqrt() * rugged
            })
            .collect();
        standardise(&mut all, &self.chances);
        all
    }
}

/// How likely each graph of a stage is.
fn chances(nodes: usize) -> HashMap<Stage, f64> {
    let bits = nodes * (nodes - 1) / 2;
    let mut chances = HashMap::new();
    for code in 0..1_u32 << bits {
        let stage = Stage::new(nodes, (0..bits).map(|bit| code >> bit & 1 == 1).collect()).unwrap();
        *chances.entry(canonical(&Code(vec![stage])).0[0].clone()).or_default() += 1.0 / f64::from(1_u32 << bits);
    }
    chances
}

/// To mean 0 and variance 1 under these chances.
fn standardise(values: &mut [f64], chances: &[f64]) {
    let all: f64 = chances.iter().sum();
    let mean = values.iter().zip(chances).map(|(x, chance)| x * chance).sum::<f64>() / all;
    let variance = values.iter().zip(chances).map(|(x, chance)| (x - mean).powi(2) * chance).sum::<f64>() / all;
    values.iter_mut().for_each(|x| *x = (*x - mean) / variance.sqrt());
}

fn run(landscape: &Landscape, strategy: &Strategy, seed: u64) -> Answer {
    let strategy = Strategy { seed, ..strategy.clone() };
    let mut history = History::new(&Networks::default(), 32);
    let mut by = method(&strategy);
    drive(strategy.budget, seed, &mut history, &mut *by, &mut landscape.trainings(seed), &mut |_| Ok(true))
        .unwrap()
        .unwrap()
}

/// The luckiest of as many random graphs, each trained once: what a search without a race returns.
fn luckiest(landscape: &Landscape, count: usize, seed: u64) -> [f64; 2] {
    let stream = &mut Stream::new(seed, Purpose::Genetic, 77, 7);
    let space = Stages(NODES.map(|nodes| nodes * (nodes - 1) / 2).to_vec());
    let code =
        |bits: Vec<Vec<bool>>| Code(NODES.iter().zip(bits).map(|(n, bits)| Stage::new(*n, bits).unwrap()).collect());
    let drawn: Vec<(Code, u32)> = (0..count).map(|_| (canonical(&code(space.random(stream).0)), 0)).collect();
    let values = landscape.trainings(seed).train(0, &drawn).unwrap();
    let best = (0..count).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap();
    [landscape.truth(&drawn[best].0).unwrap(), values[best]]
}

/// The three that the test is about, and the others.
const METHODS: [(&str, Option<Method>); 6] = [
    ("random, luckiest", None),
    ("random", Some(Method::Random)),
    ("evolution", Some(Method::Evolution)),
    ("paper", Some(Method::Paper)),
    ("aging", Some(Method::Aging)),
    ("predictor", Some(Method::Predictor)),
];

struct Row {
    name: &'static str,
    truth: Vec<f64>,
    claim: Vec<f64>,
    /// By how much the winner is said to be better than a random graph, of which the mean is 0 and the standard deviation 1.
    gain: Vec<f64>,
    covered: usize,
}

fn table(worlds: u32, heritability: f64, trainings: usize) -> Vec<Row> {
    let graphs = &Graphs::new();
    let methods = if std::env::var("EVOGRAD_WORLDS").is_ok() { &METHODS[..] } else { &METHODS[..3] };
    let next = &AtomicU32::new(0);
    let work = move || {
        let mut found = Vec::new();
        loop {
            let world = next.fetch_add(1, Ordering::Relaxed);
            if world >= worlds {
                return found;
            }
            let truth = graphs.landscape(&mut Stream::new(u64::from(world), Purpose::Genetic, 1, 1));
            let noise = (1.0 / heritability - 1.0).sqrt();
            let landscape = Landscape::new(graphs.codes.iter().cloned().zip(truth), noise, 0.5);
            let rows: Vec<[f64; 4]> = methods
                .iter()
                .map(|(_, method)| match method {
                    None => {
                        let [truth, claim] = luckiest(&landscape, trainings, u64::from(world));
                        [truth, claim, 0.0, claim]
                    }
                    Some(method) => {
                        let budget = Budget::Trainings(trainings);
                        let strategy = Strategy { method: *method, budget, ..Strategy::default() };
                        let answer = run(&landscape, &strategy, u64::from(world));
                        let truth = landscape.truth(&answer.winner).unwrap();
                        [truth, answer.fitness.mean, answer.fitness.deviation, answer.gain.mean]
                    }
                })
                .collect();
            found.push((world, rows));
        }
    };
    let mut found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    found.sort_by_key(|(world, _)| *world);
    let row = |(at, (name, _)): (usize, &(&'static str, Option<Method>))| {
        let of: Vec<[f64; 4]> = found.iter().map(|(_, rows)| rows[at]).collect();
        let covered = of.iter().filter(|[truth, claim, error, _]| (truth - claim).abs() <= 1.645 * error).count();
        let [truth, claim, gain] = [0, 1, 3].map(|at| of.iter().map(|x| x[at]).collect());
        Row { name, truth, claim, gain, covered }
    };
    methods.iter().enumerate().map(row).collect()
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

#[test]
fn the_default_beats_random_search_and_says_the_truth() {
    let number = |name: &str, usual: f64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let worlds = number("EVOGRAD_WORLDS", 50.0);
    let rows = table(worlds as u32, number("EVOGRAD_HERITABILITY", 0.65), number("EVOGRAD_TRAININGS", 100.0) as usize);
    let ahead = |row: &Row, of: &Row| {
        let differences: Vec<f64> = row.truth.iter().zip(&of.truth).map(|(a, b)| a - b).collect();
        let mean = mean(differences.iter().copied());
        let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
        // 2.576 standard errors to either side: 99 %.
        let error = 2.576 * (squares / (worlds - 1.0) / worlds).sqrt();
        let better = differences.iter().filter(|difference| **difference > 0.0).count();
        (mean, error, better as f64 / worlds)
    };
    let claim = |row: &Row| mean(row.claim.iter().zip(&row.truth).map(|(claim, truth)| claim - truth));
    let cover = |row: &Row| row.covered as f64 / worlds;
    let gain = |row: &Row| mean(row.gain.iter().zip(&row.truth).map(|(gain, truth)| gain - truth));
    for row in &rows {
        let (by, error, better) = ahead(row, &rows[1]);
        println!(
            "{:17} truth {:.2}, before random {by:+.2} ± {error:.2} (better {:.0} %), claim {:+.2}, 90 % covers {:.0} %, \
             gain {:+.2}",
            row.name,
            mean(row.truth.iter().copied()),
            100.0 * better,
            claim(row),
            100.0 * cover(row),
            gain(row),
        );
    }
    let [luckiest, random, evolution] = &rows[..3] else { panic!("three methods at least") };
    let (by, error, better) = ahead(evolution, random);
    assert!(by - error > 0.0 && by > 0.5 && better >= 0.7, "{by} ± {error}, {better}");
    assert!(ahead(evolution, luckiest).0 > 0.8);
    assert!(claim(luckiest) > 0.5, "the luckiest is no honest answer");
    for row in [random, evolution] {
        // Of fifty worlds, the mean has a standard error of 0.06, and the share one of 4 points.
        assert!(gain(row).abs() < 0.25, "{}: the gain differs from the truth by {}", row.name, gain(row));
        assert!(claim(row).abs() < 0.2 && cover(row) > 0.78, "{}: {}, {}", row.name, claim(row), cover(row));
    }
}
