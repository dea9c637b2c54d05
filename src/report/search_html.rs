//! A search as a page: one HTML file that needs no other. Knows rows and numbers; the page's looks stand in `search.html`.

use super::family_svg::family_svg;
use super::insight_page::InsightPage;
use super::search_charts::{cost_chart, fitness_histogram, generations_chart, paper_chart};
use super::search_stats::{
    BestStats, SearchStats, TimeStats, TrainedCode, complete, duration, estimate, evaluations, trained_codes,
    unsigned_zero,
};
use super::stage_row::StageRow;
use super::{counted, grouped, short, stages_svg};
use crate::record::{AnswerRow, BeginRow, EvaluationRow, GenerationRow, Insight, SearchRow};
use minijinja::Environment;
use serde::Serialize;

/// What the page of a search is made from.
#[derive(Clone, Debug)]
pub struct SearchReport<'a> {
    /// What the search is called, such as the name of its folder.
    pub name: &'a str,
    /// The rows of its journal.
    pub rows: &'a [SearchRow],
    /// All settings, as TOML.
    pub settings: &'a str,
    /// What is known of the network whose code is [`SearchStats::best`].
    pub winner: Option<WinnerRow>,
    /// What its trainings say of the space; `None` where that is not known.
    pub insight: Option<Insight>,
}

/// What a journal does not say of the winner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WinnerRow {
    /// The canonical form of its code.
    pub canonical: String,
    /// The number of its weights.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// Fusion of a node's inputs.
    pub fusion: String,
    /// Its stages.
    pub stages: Vec<StageRow>,
}

/// The page of a search, as the text of a file that needs no other and loads nothing.
///
/// ```
/// use evograd::{record::{GenerationRow, IndividualRow, SearchRow}, report::{SearchReport, search_html}};
/// let individuals = vec![IndividualRow { code: "1-01".into(), fitness: 0.5, error: 0.0, parents: vec![] }];
/// let rows = [SearchRow::Generation(GenerationRow { generation: 0, race: false, individuals, leader: None, seconds: 60.0, idle_seconds: None })];
/// let page = search_html(&SearchReport { name: "first try", rows: &rows, settings: "", winner: None, insight: None });
/// assert!(page.starts_with("<!DOCTYPE html>") && page.contains("first try"));
/// ```
pub fn search_html(report: &SearchReport) -> String {
    let mut environment = Environment::new();
    let template = environment.add_template("search.html", include_str!("search.html"));
    template.expect("the template is part of the program");
    let template = environment.get_template("search.html").expect("it was added");
    template.render(Page::of(report)).expect("the page has all that the template asks for")
}

/// What the template shows. Drawings are text of ours in which all names are escaped; all else is escaped by the template.
#[derive(Serialize)]
struct Page {
    name: String,
    version: String,
    sentence: String,
    note: Option<String>,
    facts: Vec<[String; 2]>,
    generations: Option<Generations>,
    histogram: Option<String>,
    winner: Option<Winner>,
    family: Option<String>,
    insight: InsightPage,
    cost: Option<String>,
    front: Vec<[String; 4]>,
    time: Vec<TimeShare>,
    time_notes: Vec<String>,
    evaluations: Vec<Evaluation>,
    settings: String,
    checksums: Vec<[String; 2]>,
}

#[derive(Serialize)]
struct Generations {
    chart: String,
    paper: String,
    rows: Vec<[String; 9]>,
}

#[derive(Serialize)]
struct Winner {
    code: String,
    facts: Vec<[String; 2]>,
    fusion: Option<String>,
    stages: Option<String>,
}

/// A part of the bar of time.
#[derive(Serialize)]
struct TimeShare {
    name: &'static str,
    look: &'static str,
    /// In per cent of all parts.
    share: String,
    duration: String,
}

#[derive(Serialize)]
struct Evaluation {
    number: usize,
    generation: u32,
    code: String,
    repeat: u32,
    epochs: u32,
    fitness: String,
    loss: String,
    parameters: String,
    macs: String,
    seconds: String,
    overhead: String,
    images_per_second: String,
    diverged: Option<String>,
}

impl Page {
    fn of(report: &SearchReport) -> Page {
        let stats = SearchStats::of(report.rows);
        let begin = report.rows.iter().find_map(|row| if let SearchRow::Begin(row) = row { Some(row) } else { None });
        let mut codes = trained_codes(report.rows);
        codes.iter_mut().for_each(|code| code.estimated(report.insight.as_ref()));
        let histogram = fitness_histogram(report.rows).filter(|_| stats.generations.len() < 2);
        let family = stats.best.as_ref().and_then(|best| family(report.rows, best));
        let cost = cost(&codes, report, &stats);
        Page {
            name: report.name.to_string(),
            version: begin.map(|row| row.version.clone()).unwrap_or_default(),
            sentence: sentence(&stats),
            note: note(&stats),
            facts: facts(&stats),
            generations: (stats.generations.len() > 1).then(|| Generations::of(&stats, report.rows)),
            histogram: histogram.map(|chart| chart.to_svg()),
            winner: stats.best.as_ref().map(|best| Winner::of(best, stats.answer.as_ref(), report.winner.as_ref())),
            family,
            insight: InsightPage::of(report.insight.as_ref(), report.rows),
            front: cost.as_ref().map_or_else(Vec::new, |(_, front)| front.clone()),
            cost: cost.map(|(chart, _)| chart),
            time: shares(&stats.time),
            time_notes: time_notes(&stats),
            evaluations: evaluations(report.rows).enumerate().map(Evaluation::of).collect(),
            settings: report.settings.to_string(),
            checksums: begin.map(checksums).unwrap_or_default(),
        }
    }
}

/// What the third part of the bar is.
const BETWEEN: &str = "Between networks, a worker – one of those that train in parallel – has none to train: it writes down what was \
    found, breeds the next generation, or waits for the last network of this one.";

fn sentence(stats: &SearchStats) -> String {
    let [evolved, raced] =
        [false, true].map(|race| stats.generations.iter().filter(|row| row.race == race).count() as u64);
    let work = match (stats.task.as_str(), evolved) {
        ("exhaust", _) => "Every network of the space was asked for".to_string(),
        ("calibrate", _) => "Networks were trained to see what fitness is worth".to_string(),
        (_, 0) => "A search whose first generation is not complete".to_string(),
        (_, count) if raced == 0 => format!("A search of {}", counted(count, "generation")),
        (_, count) => {
            format!("A search of {} and a race of {}", counted(count, "generation"), counted(raced, "round"))
        }
    };
    let time = if stats.time.wall > 0.0 { format!(" in {}", duration(stats.time.wall)) } else { String::new() };
    let best = match &stats.best {
        Some(best) if best.fitness > 0.0 => {
            format!("the best reaches {} validation accuracy", estimate(best.fitness, best.error))
        }
        _ => "none has learned anything".into(),
    };
    format!("{work}: {} trained{time}; {best}.", counted(stats.trained as u64, "network"))
}

/// What the reader must know before the numbers.
fn note(stats: &SearchStats) -> Option<String> {
    if stats.trained > 0 && stats.diverged == stats.trained {
        return Some("All networks diverged; a lower learning rate often helps.".into());
    }
    let running = format!(
        "The last generation is not complete: {} for it so far. Its networks are in the table below and not in the curves.",
        counted(stats.unfinished as u64, "network")
    );
    (stats.unfinished > 0).then_some(running)
}

fn facts(stats: &SearchStats) -> Vec<[String; 2]> {
    let best = stats.best.as_ref().map_or("none".into(), |best| estimate(best.fitness, best.error));
    let generations: Vec<_> = stats.generations.iter().filter(|row| !row.race).collect();
    let individuals: usize = generations.iter().map(|generation| generation.individuals).sum();
    let number = |count: usize| grouped(count as u64);
    let known = |seconds: f64| if seconds > 0.0 { duration(seconds) } else { "–".into() };
    [
        ("best fitness", best),
        ("generations", number(generations.len())),
        ("individuals", number(individuals)),
        ("networks trained", number(stats.trained)),
        ("diverged", number(stats.diverged)),
        ("time", known(stats.time.wall)),
        ("overhead per network", known(stats.time.overhead_median)),
    ]
    .map(|(name, value)| [value, name.to_string()])
    .into()
}

impl Generations {
    fn of(stats: &SearchStats, rows: &[SearchRow]) -> Generations {
        let row = |row: &super::GenerationStats| {
            let shares =
                [row.best, row.mean, row.median, row.worst].map(|share| format!("{:.2}", unsigned_zero(100.0 * share)));
            let [best, mean, median, worst] = shares;
            let deviation = format!("{:.2}", 100.0 * row.deviation);
            let number = if row.race { format!("{} race", row.number) } else { row.number.to_string() };
            let trained = row.trained.to_string();
            [number, best, mean, median, worst, deviation, trained, duration(row.seconds), row.code.clone()]
        };
        let (chart, band) = generations_chart(rows);
        Generations {
            chart: chart.to_banded_svg(&[band]),
            paper: paper_chart().to_svg(),
            rows: stats.generations.iter().map(row).collect(),
        }
    }
}

impl Winner {
    fn of(best: &BestStats, answer: Option<&AnswerRow>, known: Option<&WinnerRow>) -> Winner {
        let mut facts = vec![["fitness, as a mean over seeds".to_string(), estimate(best.fitness, best.error)]];
        facts.extend(answer.into_iter().flat_map(answer_facts));
        let found = format!("generation {}", best.generation);
        let place = best.place.map_or(String::new(), |place| format!(", individual {place}"));
        facts.push(["found in".into(), found + &place]);
        if let Some(known) = known {
            facts.push(["canonical code".into(), known.canonical.clone()]);
            facts.push(["parameters".into(), grouped(known.parameters)]);
            facts.push(["multiply-adds for one image".into(), grouped(known.macs)]);
        }
        let stages = known.filter(|known| !known.stages.is_empty()).map(|known| stages_svg(&known.stages));
        Winner { code: best.code.clone(), facts, fusion: known.map(|known| known.fusion.clone()), stages }
    }
}

/// What the race says of the winner.
fn answer_facts(answer: &AnswerRow) -> Vec<[String; 2]> {
    let first = estimate(answer.first_fitness, answer.first_error);
    let certain =
        answer.certainty.map(|share| ["none of the race is better".into(), format!("{:.0} % sure", 100.0 * share)]);
    let trained = ["trained".into(), counted(answer.trainings.into(), "time")];
    let gain = format!("{:.2} ± {:.2} points", 100.0 * answer.gain, 100.0 * answer.gain_error);
    let gain = ["better than a network at random by".into(), gain];
    certain.into_iter().chain([trained, gain, ["best of the first generation".into(), first]]).collect()
}

fn family(rows: &[SearchRow], best: &BestStats) -> Option<String> {
    let generations: Vec<GenerationRow> = complete(rows).into_values().cloned().collect();
    family_svg(&generations, best.generation, best.place?)
}

/// The chart of accuracy against cost and the rows of its front; nothing where no network has learned anything.
fn cost(codes: &[TrainedCode], report: &SearchReport, stats: &SearchStats) -> Option<(String, Vec<[String; 4]>)> {
    if codes.is_empty() {
        return None;
    }
    let winner = stats.best.iter().map(|best| best.code.as_str());
    let canonical = report.winner.iter().map(|winner| winner.canonical.as_str());
    let chart = cost_chart(codes, &winner.chain(canonical).collect::<Vec<_>>());
    let row = |place: usize| {
        let TrainedCode { row, fitness, error, .. } = &codes[place];
        [row.code.clone(), estimate(*fitness, *error), grouped(row.macs), grouped(row.parameters)]
    };
    Some((chart.to_svg(), chart.front().into_iter().map(row).collect()))
}

fn shares(time: &TimeStats) -> Vec<TimeShare> {
    let known =
        [("training and answers", "training", time.training), ("other work on a network", "overhead", time.overhead)];
    let between = time.between.map(|seconds| ("between networks", "between", seconds));
    let parts: Vec<_> = known.into_iter().chain(between).collect();
    let all: f64 = parts.iter().map(|part| part.2).sum();
    let share = |(name, look, seconds): (&'static str, &'static str, f64)| TimeShare {
        name,
        look,
        share: format!("{:.2}", 100.0 * seconds / all),
        duration: duration(seconds),
    };
    if all > 0.0 { parts.into_iter().map(share).collect() } else { Vec::new() }
}

fn time_notes(stats: &SearchStats) -> Vec<String> {
    let time = &stats.time;
    let mut notes = vec![format!(
        "Overhead per network: median {}, at most {}. It is what comes before the first step: the description of \
         the network and its first weights.",
        duration(time.overhead_median),
        duration(time.overhead_max)
    )];
    if time.images_per_second > 0.0 {
        let images = grouped(time.images_per_second.round() as u64);
        notes.push(format!("Training images a second: median {images}."));
    }
    if time.between.is_some() {
        notes.push(BETWEEN.into());
    }
    let at_once = (time.training + time.overhead) / time.wall;
    if at_once > 1.05 && stats.unfinished == 0 {
        let text = format!("On average {at_once:.1} networks were trained at a time; the parts are added up over all.");
        notes.push(text);
    }
    notes
}

fn checksums(begin: &BeginRow) -> Vec<[String; 2]> {
    let named = ["training set", "test set"].into_iter().zip(&begin.data_checksums);
    named.filter_map(|(name, sum)| sum.as_ref().map(|sum| [name.to_string(), sum.clone()])).collect()
}

impl Evaluation {
    fn of((place, row): (usize, &EvaluationRow)) -> Evaluation {
        Evaluation {
            number: place + 1,
            generation: row.generation,
            code: row.code.clone(),
            repeat: row.repeat,
            epochs: row.epochs,
            fitness: row.diverged.as_ref().map_or_else(|| format!("{:.2}", 100.0 * row.fitness), |_| "–".into()),
            loss: row.loss.map_or("–".into(), |loss| short(loss, 4)),
            parameters: grouped(row.parameters),
            macs: grouped(row.macs),
            seconds: format!("{:.1}", row.seconds),
            overhead: format!("{:.3}", row.overhead_seconds),
            images_per_second: grouped(row.images_per_second.max(0.0).round() as u64),
            diverged: row.diverged.clone(),
        }
    }
}
