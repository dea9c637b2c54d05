//! `evograd search --problem table`: a method and random search, each a thousand times on a table of trainings.

use super::rehearsal_result::{Against, MethodResult, chart, of_method};
use crate::cli::interrupt;
use crate::cli::out_file::OutFile;
use crate::cli::table::{Table, fitted};
use crate::cli::terminal::{Bar, inform};
use crate::cli::values::whole;
use anyhow::{Result, bail};
use evograd::genetic::Space;
use evograd::models::genetic_cnn::{Code, canonical};
use evograd::report::{counted, grouped, percent, unsigned_zero};
use evograd::search::{Budget, History, Landscape, Method, Rehearsal, SearchConfig, Strategy, TrainingTable, rehearse};
use evograd::{Error, Purpose, Stream};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The time between two lines of progress; shorter work prints none.
const BETWEEN_LINES: Duration = Duration::from_secs(2);
/// The table that stands in the program.
const SHIPPED: (&str, &str) =
    ("shapes-3-4.csv", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/tables/shapes-3-4.csv")));
/// Random codes that say how much networks differ.
const RANDOM_CODES: u32 = 2000;

/// Searches on a table of trainings, with --problem table.
#[derive(clap::Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = "With --problem table")]
pub struct TableArgs {
    /// A table of trainings, as evograd search table writes it [default: the one that comes with the program, of 186 networks]
    #[arg(long, value_name = "FILE")]
    table: Option<Option<PathBuf>>,
    /// Training budget of the networks, in images seen [default: the shortest of the table]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1, u64::MAX))]
    images: Option<u64>,
    /// Searches of each method, with seeds of their own [default: 1000]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(2, 1_000_000))]
    repeats: Option<u32>,
}

/// The options of every search.
pub struct Common<'a> {
    /// How is searched.
    pub config: SearchConfig,
    /// All methods, instead of that of the settings.
    pub all: bool,
    /// The drawing.
    pub svg: Option<&'a PathBuf>,
    /// One JSON object on standard output.
    pub json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    problem: &'static str,
    table: &'a str,
    /// The graphs of the space.
    networks: usize,
    /// Whether all of them were trained; else a model of a sample stands for them.
    whole: bool,
    /// The images of a training, and of those by which networks are judged.
    images: u64,
    judged_by: u64,
    budget: usize,
    repeats: u32,
    seed: u64,
    /// The mean and the standard deviation of what random networks are worth.
    random_network: [f64; 2],
    methods: &'a [MethodResult],
}

/// The table with its name.
fn table(args: &TableArgs) -> Result<(String, TrainingTable)> {
    match args.table.as_ref().and_then(Option::as_ref) {
        Some(path) => Ok((path.display().to_string(), TrainingTable::read(path)?)),
        None => Ok((SHIPPED.0.into(), TrainingTable::parse(SHIPPED.1)?)),
    }
}

/// Searches and prints.
pub fn run(args: &TableArgs, common: &Common<'_>, out: &mut impl Write) -> Result<ExitCode> {
    let Budget::Trainings(budget) = common.config.search.budget else {
        bail!("trainings are looked up in a table and take no time; give --budget as a number of trainings");
    };
    let svg = OutFile::maybe(common.svg, "svg")?;
    let (name, table) = table(args)?;
    let images = args.images.unwrap_or(table.lengths()[0]);
    let landscape = table.landscape(images)?;
    let history = History::new(table.networks(), table.side());
    let repeats = args.repeats.unwrap_or(1000);
    let methods = methods(common);
    let mut progress = Progress::new(&methods, repeats);
    let Some(searches) = searches(&landscape, &history, common, &methods, repeats, &mut progress)? else {
        return Ok(interrupt::code());
    };
    let random_network = random_network(&landscape, &history);
    let random = searches.last().expect("random search is one of the methods");
    let results: Vec<MethodResult> =
        methods.iter().zip(&searches).map(|(method, searches)| of_method(*method, searches, random)).collect();
    if let Some(file) = &svg {
        file.write(&chart(&methods, &searches, budget), "the drawing")?;
    }
    let answer = Answer {
        problem: "table",
        table: &name,
        networks: evograd::search::graphs(&table.networks().stages)?.len(),
        whole: table.is_whole(images),
        images,
        judged_by: *table.lengths().last().expect("a table has a row"),
        budget,
        repeats,
        seed: common.config.search.seed,
        random_network,
        methods: &results,
    };
    print(&answer, common.json, out)?;
    inform(format_args!(
        "{} of {}, {:.1} s",
        counted(progress.total, "search"),
        counted(budget as u64, "training"),
        progress.seconds()
    ));
    Ok(ExitCode::SUCCESS)
}

/// What is compared; random search is last.
fn methods(common: &Common<'_>) -> Vec<Method> {
    let all = [Method::Evolution, Method::Paper, Method::Aging, Method::Predictor];
    let is_searched = |method: &Method| common.all || *method == common.config.search.method;
    all.into_iter().filter(is_searched).chain([Method::Random]).collect()
}

/// The searches of each method; nothing where they were stopped.
fn searches(
    landscape: &Landscape,
    history: &History,
    common: &Common<'_>,
    methods: &[Method],
    repeats: u32,
    progress: &mut Progress,
) -> Result<Option<Vec<Vec<Rehearsal>>>> {
    let mut stop = interrupt::stop_requested("stopping; a second signal stops at once")?;
    let workers = common.config.workers();
    let mut all = Vec::new();
    for method in methods {
        let settings = Strategy { method: *method, ..common.config.search.clone() };
        let found = rehearse(landscape, history, &settings, repeats, workers, &mut |done| {
            progress.update(*method, done);
            !stop()
        });
        match found {
            Ok(found) => all.push(found),
            Err(Error::Stopped) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        progress.before += u64::from(repeats);
    }
    progress.bar.finish();
    Ok(Some(all))
}

/// The mean and the standard deviation of what networks of random codes are worth.
fn random_network(landscape: &Landscape, history: &History) -> [f64; 2] {
    let code = |number| -> Code {
        let mut stream = Stream::new(0, Purpose::Genetic, u32::MAX - 6, number);
        canonical(&history.code(&history.space().random(&mut stream)))
    };
    let values: Vec<f64> = (0..RANDOM_CODES).filter_map(|number| landscape.truth(&code(number))).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    [mean, variance.sqrt()]
}

fn print(answer: &Answer<'_>, json: bool, out: &mut impl Write) -> Result<()> {
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string(answer)?)?);
    }
    let Answer { table, networks, images, judged_by, budget, repeats, random_network: [mean, deviation], .. } = answer;
    let kind = if answer.whole { "all of them trained" } else { "of which a sample was trained" };
    let about = format!(
        "{table}: {}, {kind}; each search trains {budget} times on {} images, and its winner is judged by trainings of {}, as a model \
         of all trainings has them; {} of each method",
        counted(*networks as u64, "network"),
        grouped(*images),
        grouped(*judged_by),
        counted(u64::from(*repeats), "search"),
    );
    writeln!(out, "{}", fitted(about))?;
    let headings =
        ["method", "winner", "5 to 95 %", "− random", "99 %", "better", "equal", "claim − truth", "90 % covers"];
    let mut rows = Table::new(&headings, 1..9);
    for result in answer.methods {
        rows.row(cells(result));
    }
    writeln!(out, "{}", rows.for_output())?;
    let meaning = format!(
        "winner: what the network that a search returns is worth, mean of all searches; − random: in points, against random search with \
         the same race, in pairs of equal luck; better, equal: in so many pairs; claim − truth: in points, by how much searches overstate \
         their winner; 90 % covers: how often the truth lies in the 90 % interval of the claim. A random network is worth {}, standard \
         deviation {:.2} points",
        percent(*mean),
        100.0 * deviation
    );
    Ok(writeln!(out, "{}", fitted(meaning))?)
}

fn cells(result: &MethodResult) -> Vec<String> {
    let points = |share: f64| format!("{:+.2}", unsigned_zero(100.0 * share));
    let whole = |share: f64| format!("{:.0} %", 100.0 * share);
    let against = |text: &dyn Fn(&Against) -> String| result.against_random.as_ref().map_or_else(|| "–".into(), text);
    vec![
        result.method.clone(),
        percent(result.truth.mean),
        format!("{:.1} to {:.1}", 100.0 * result.truth.low, 100.0 * result.truth.high),
        against(&|found| points(found.mean)),
        against(&|found| format!("{} to {}", points(found.low), points(found.high))),
        against(&|found| whole(found.better)),
        against(&|found| whole(found.equal)),
        points(result.claim_minus_truth),
        whole(result.coverage),
    ]
}

/// How far all searches are.
struct Progress {
    bar: Bar,
    total: u64,
    before: u64,
    began: Instant,
}

impl Progress {
    fn new(methods: &[Method], repeats: u32) -> Progress {
        let total = methods.len() as u64 * u64::from(repeats);
        Progress { bar: Bar::new(total), total, before: 0, began: Instant::now() }
    }

    fn update(&mut self, method: Method, done: u32) {
        let all = self.before + u64::from(done);
        let text = || format!("{}: search {all}/{}", super::rehearsal_result::name(method), self.total);
        self.bar.show(all, BETWEEN_LINES, text);
    }

    fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }
}
