//! Searches as a user starts, stops, kills and resumes them.

mod digits;
mod shell;

use evograd::data::{self, Sets};
use evograd::models::genetic_cnn::{Code, network};
use evograd::models::{Network, Options};
use evograd::record::{AnswerRow, EvaluationRow, GenerationRow, SearchRow};
use evograd::search::{SearchConfig, read_journal, search};
use evograd::{Optimizer, Purpose, Rule, Stream, Tape, Tensor, Var};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A search of small networks on small digits: a second or two.
const SMALL: [&str; 9] = [
    "networks.stages=[3, 4]",
    "networks.backbone.filters=[2, 3]",
    "networks.backbone.features=8",
    "data.set=mnist",
    "data.samples=64",
    "data.validation=40",
    "training.epochs=2",
    "search.population=6",
    "search.budget=\"28\"",
];

/// Every method, and an elite: each remembers other things from one generation to the next.
const KINDS: [&[&str]; 6] = [
    &[],
    &["search.method=paper"],
    &["search.method=aging"],
    &["search.method=predictor"],
    &["search.method=random"],
    &["search.elite=1", "search.selection=roulette"],
];

fn evograd(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command.args(arguments);
    command
}

fn start(data: &Path, out: &Path, more: &[&str], workers: usize) -> Command {
    let mut command = evograd(&["search", "--data-dir"]);
    command.arg(data).arg("--out").arg(out).args(["--workers", &workers.to_string()]);
    for set in SMALL.iter().chain(more) {
        command.args(["--set", set]);
    }
    command
}

fn resume(data: &Path, out: &Path, workers: usize) -> Command {
    let mut command = evograd(&["search", "--data-dir"]);
    command.arg(data).arg("--resume").arg(out).args(["--workers", &workers.to_string()]);
    command
}

fn output(mut command: Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn finished(command: Command) -> String {
    let (code, out, errors) = output(command);
    assert_eq!(code, 0, "{errors}");
    out
}

/// What a journal says, but for what depends on the clock: evaluations in the order of their names, for they are written in
/// the order of their ends, and generations.
fn content(folder: &Path) -> (Vec<EvaluationRow>, Vec<GenerationRow>) {
    let (mut evaluations, mut generations) = (Vec::new(), Vec::new());
    for row in read_journal(&folder.join("journal.jsonl")).unwrap() {
        match row {
            SearchRow::Evaluation(row) => {
                let (seconds, core_seconds, overhead_seconds, images_per_second) = (0.0, None, 0.0, 0.0);
                evaluations.push(EvaluationRow { seconds, core_seconds, overhead_seconds, images_per_second, ..row });
            }
            SearchRow::Generation(row) => generations.push(GenerationRow { seconds: 0.0, idle_seconds: None, ..row }),
            SearchRow::Begin(_) | SearchRow::Answer(_) => {}
        }
    }
    evaluations.sort_by_key(|row| (row.generation, row.code.clone(), row.repeat, row.epochs));
    (evaluations, generations)
}

fn answer(folder: &Path) -> AnswerRow {
    let rows = read_journal(&folder.join("journal.jsonl")).unwrap();
    let Some(SearchRow::Answer(answer)) = rows.last() else { panic!("the last row is {:?}", rows.last()) };
    answer.clone()
}

#[test]
fn a_search_killed_at_random_moments_ends_as_if_it_had_never_been() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let mut random = Stream::new(1, Purpose::Split, 0, 0);
    for (number, more) in KINDS.into_iter().enumerate() {
        let undisturbed = runs.path().join(format!("undisturbed{number}"));
        let began = Instant::now();
        finished(start(data.path(), &undisturbed, more, 1));
        let whole = began.elapsed().as_millis() as usize;
        let expected = (content(&undisturbed), answer(&undisturbed));
        assert!(more.contains(&"search.method=paper") || expected.0.1.iter().any(|row| row.race), "{more:?}");
        let (mut kills, mut made) = (0, 0);
        while kills < 20 {
            let run = runs.path().join(format!("{number}-{made}"));
            let waits = kill_until_done(data.path(), &run, more, whole, &mut random);
            (kills, made) = (kills + waits.len() - 1, made + 1);
            assert_eq!((content(&run), answer(&run)), expected, "{more:?}, killed after {waits:?} ms");
        }
    }
}

/// Starts and resumes a search, each time killing it after a random time and going on with another number of workers, until
/// it ends by itself; the times, in milliseconds.
fn kill_until_done(data: &Path, run: &Path, more: &[&str], whole: usize, random: &mut Stream) -> Vec<usize> {
    let begin = |workers| start(data, run, more, workers);
    kill_until_ended(run, &begin, &|workers| resume(data, run, workers), whole, random)
}

/// The same of anything that is begun and resumed with a number of workers.
fn kill_until_ended(
    run: &Path,
    begin: &dyn Fn(usize) -> Command,
    resume: &dyn Fn(usize) -> Command,
    whole: usize,
    random: &mut Stream,
) -> Vec<usize> {
    let mut waits = Vec::new();
    let mut child = spawn(begin(2));
    loop {
        waits.push(random.below(whole / 2 + 20));
        std::thread::sleep(Duration::from_millis(waits[waits.len() - 1] as u64));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return waits;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (begun, workers) = (run.join("config.toml").exists(), 1 + random.below(3));
        child = spawn(if begun { resume(workers) } else { begin(workers) });
    }
}

/// What a time budget has room for depends on the clock; but it is spent once, no training is counted twice, and there is an answer.
#[test]
fn a_time_budget_is_spent_once_whatever_kills_the_search() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let mut random = Stream::new(2, Purpose::Split, 0, 0);
    let (mut kills, mut made) = (0, 0);
    while kills < 10 {
        let run = runs.path().join(made.to_string());
        kills += kill_until_done(data.path(), &run, &["search.budget=\"1s\""], 1000, &mut random).len() - 1;
        made += 1;
        let rows = content(&run).0;
        let names: std::collections::BTreeSet<_> = rows.iter().map(|row| (&row.code, row.repeat)).collect();
        assert_eq!(names.len(), rows.len(), "a training is there twice");
        let costs: Vec<f64> = read_journal(&run.join("journal.jsonl"))
            .unwrap()
            .iter()
            .filter_map(|row| if let SearchRow::Evaluation(row) = row { Some(row.cost()) } else { None })
            .collect();
        let (all, longest) = (costs.iter().sum::<f64>(), costs.iter().copied().fold(0.0, f64::max));
        assert!(all >= 1.0 && all < 1.0 + 6.5 * longest, "{costs:?}");
        assert!(answer(&run).trainings > 0);
    }
}

/// Where no more than the note of the end cannot be written, all is kept, and said to be.
#[test]
fn an_end_that_cannot_be_noted_says_what_is_kept() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let child = start(data.path(), &run, &[], 1).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // What is written last of a beginning.
    while !run.join("config.toml").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    // No file takes the place of a folder.
    let (info, aside) = (run.join("run.json"), runs.path().join("run.json"));
    std::fs::rename(&info, &aside).unwrap();
    std::fs::create_dir(&info).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    let said = format!("trainings, in journal.jsonl; go on with: evograd search --resume {}", run.display());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("run.json") && text.contains(&said), "{text}");
    std::fs::remove_dir(&info).unwrap();
    std::fs::rename(&aside, &info).unwrap();
    finished(resume(data.path(), &run, 1));
    assert!(answer(&run).trainings > 0);
}

#[test]
fn a_confirmation_killed_at_random_moments_ends_as_if_it_had_never_been() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let evolved = runs.path().join("evolved");
    finished(start(data.path(), &evolved, &[], 2));
    let confirm = |out: &Path, workers: usize| {
        let mut command = evograd(&["search", "confirm", "--seeds", "4", "--quiet", "--data-dir"]);
        command.arg(data.path()).arg(&evolved).arg("--out").arg(out).args(["--workers", &workers.to_string()]);
        command
    };
    let resumed = |out: &Path, workers: usize| {
        let mut command = evograd(&["search", "confirm", "--quiet", "--data-dir"]);
        command.arg(data.path()).arg("--resume").arg(out).args(["--workers", &workers.to_string()]);
        command
    };
    let undisturbed = runs.path().join("undisturbed");
    let began = Instant::now();
    let text = finished(confirm(&undisturbed, 1));
    let whole = began.elapsed().as_millis() as usize;
    let mut random = Stream::new(3, Purpose::Split, 0, 0);
    let (mut kills, mut made) = (0, 0);
    while kills < 20 {
        let run = runs.path().join(made.to_string());
        let (begin, resume) = (|workers| confirm(&run, workers), |workers| resumed(&run, workers));
        let waits = kill_until_ended(&run, &begin, &resume, whole, &mut random);
        (kills, made) = (kills + waits.len() - 1, made + 1);
        assert_eq!(content(&run), content(&undisturbed), "killed after {waits:?} ms");
        assert_eq!(finished(resumed(&run, 2)), text, "killed after {waits:?} ms");
    }
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn the_history_is_the_same_for_any_number_of_workers() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    for (number, more) in KINDS.into_iter().enumerate() {
        let found = [1, 2, 3].map(|workers| {
            let run = runs.path().join(format!("{number}-{workers}"));
            finished(start(data.path(), &run, more, workers));
            (content(&run), answer(&run))
        });
        assert!(found[1] == found[0] && found[2] == found[0], "{more:?}");
    }
}

/// Of the time that two workers have for a generation, what no network took is idle; it is in the journal and on the page.
#[test]
fn the_time_in_which_workers_wait_is_measured() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &[], 2));
    let (mut busy, mut idle) = (0.0, 0.0);
    for row in read_journal(&run.join("journal.jsonl")).unwrap() {
        match row {
            SearchRow::Evaluation(row) => busy += row.seconds,
            SearchRow::Generation(row) => {
                let measured = row.idle_seconds.unwrap();
                assert!(measured > 0.0 && (2.0 * row.seconds - busy - measured).abs() < 1e-9, "{row:?}, {busy} s");
                (busy, idle) = (0.0, idle + measured);
            }
            SearchRow::Begin(_) | SearchRow::Answer(_) => {}
        }
    }
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    let shown = format!("between networks: {} (", evograd::report::duration(idle));
    assert!(page.contains(&shown), "{shown}");
}

#[test]
fn another_seed_makes_another_search_and_the_budget_is_kept() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let [one, other, hour] = ["one", "other", "hour"].map(|name| runs.path().join(name));
    finished(start(data.path(), &one, &[], 2));
    finished(start(data.path(), &other, &["search.seed=1"], 2));
    assert_ne!(content(&other).1, content(&one).1);
    let race =
        |row: &EvaluationRow| content(&one).1.iter().any(|round| round.race && round.generation == row.generation);
    let (raced, before): (Vec<_>, Vec<_>) = content(&one).0.into_iter().partition(race);
    assert!(before.len() == 21 && raced.len() <= 7, "{} and {}", before.len(), raced.len());
    finished(start(data.path(), &hour, &["search.budget=\"1s\""], 2));
    let seconds: Vec<f64> = read_journal(&hour.join("journal.jsonl"))
        .unwrap()
        .iter()
        .filter_map(|row| if let SearchRow::Evaluation(row) = row { Some(row.cost()) } else { None })
        .collect();
    // The last round is begun within the budget, and brought to its end.
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    let all: f64 = seconds.iter().sum();
    assert!(all >= 1.0 && all < 1.0 + 6.5 * longest, "{seconds:?}");
}

/// A graph is trained once until the race, where the best are trained with new seeds; the answer is the best of what is known then.
#[test]
fn graphs_are_trained_once_and_the_best_again_in_the_race() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &[], 2));
    let (evaluations, rounds) = content(&run);
    let answer = answer(&run);
    let races: Vec<&GenerationRow> = rounds.iter().filter(|row| row.race).collect();
    for row in &evaluations {
        let race = races.iter().find(|race| race.generation == row.generation);
        assert_eq!(row.repeat > 0, race.is_some(), "{row:?}");
        assert!(race.is_none_or(|race| race.individuals.iter().any(|one| one.code == row.code)));
        assert!(
            rounds[0].race
                || row.code == evograd::models::genetic_cnn::canonical(&row.code.parse().unwrap()).to_string()
        );
    }
    let trainings = evaluations.iter().filter(|row| row.code == answer.code).count();
    assert_eq!((trainings, trainings > 1), (answer.trainings as usize, true));
    assert!(rounds.iter().flat_map(|row| &row.individuals).all(|one| one.error > 0.0 && one.fitness.is_finite()));
    let last = races.last().unwrap();
    let leader = last.individuals.iter().max_by(|a, b| a.fitness.total_cmp(&b.fitness)).unwrap();
    assert!((leader.fitness - answer.fitness).abs() < 3.0 * answer.error, "{leader:?}, {answer:?}");
    let [fitness, first] = [answer.fitness, answer.first_fitness];
    assert!(
        fitness >= first && answer.certainty.is_some_and(|certainty| (0.0..=1.0).contains(&certainty)),
        "{answer:?}"
    );
}

/// Each individual is trained each time, and its fitness is the mean over all trainings of its graph.
#[test]
fn the_paper_s_method_trains_again_and_averages() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &["search.method=paper"], 2));
    let (evaluations, generations) = content(&run);
    assert_eq!((evaluations.len(), generations.len()), (24, 4), "whole generations of six within 28 trainings");
    assert!(evaluations.iter().any(|row| row.repeat > 0) && generations.iter().all(|row| !row.race));
    for generation in &generations {
        for individual in &generation.individuals {
            let graph = evograd::models::genetic_cnn::canonical(&individual.code.parse().unwrap()).to_string();
            let so_far = |row: &&EvaluationRow| row.code == graph && row.generation <= generation.generation;
            let all: Vec<f64> = evaluations.iter().filter(so_far).map(|row| row.fitness).collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            assert!((individual.fitness - mean).abs() < 1e-12, "{} {all:?}", individual.code);
        }
    }
}

#[test]
fn a_diverged_candidate_is_a_result_with_a_reason() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let wild = ["optimizer.rate=1e30", "search.budget=\"12\""];
    let (code, text, errors) = output(start(data.path(), &run, &wild, 2));
    assert!(code == 1 && errors.contains("no network has learned anything; lower the learning rate"), "{errors}");
    assert!(!text.contains("and now") && !text.contains("best network"), "{text}");
    let (evaluations, generations) = content(&run);
    assert!(evaluations.iter().all(|row| row.fitness == 0.0 && row.loss.is_none()));
    let reason = evaluations[0].diverged.as_ref().unwrap();
    assert!(reason.starts_with("training diverged in step ") && reason.contains(": stage"), "{reason}");
    assert!(generations.iter().flat_map(|row| &row.individuals).all(|one| one.fitness == 0.0));
}

#[test]
fn two_processes_do_not_search_in_one_folder() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let mut first = spawn(start(data.path(), &run, &["search.budget=\"10000\"", "search.mutation_bit=0.5"], 1));
    let there = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        run.join("config.toml").exists() // which is written last
    });
    let second = output(resume(data.path(), &run, 1));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(there);
    assert_eq!(second.0, 2);
    assert!(second.2.ends_with("another process is at work on this run; wait for it, or stop it\n"), "{}", second.2);
    let again = output(start(data.path(), &run, &[], 1));
    assert!(again.0 == 2 && again.2.contains("there is a run in it; resume it with --resume"), "{}", again.2);
}

#[test]
fn an_edited_journal_or_other_settings_are_reported_and_nothing_is_lost() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &["search.budget=\"12\""], 2));
    let (journal, config) = (run.join("journal.jsonl"), run.join("config.toml"));
    let (rows, settings) = (std::fs::read_to_string(&journal).unwrap(), std::fs::read_to_string(&config).unwrap());
    let said = |text: &str| {
        let (code, _, errors) = output(resume(data.path(), &run, 1));
        assert!(code == 2 && errors.contains(text), "{errors}");
    };
    std::fs::write(&journal, rows.replacen("\"fitness\":0.", "\"fitness\":0.9", 1)).unwrap();
    said(
        "journal.jsonl: line 2: it is not what was written, or a line before it is missing; restore the file, or cut it",
    );
    assert!(std::fs::read_to_string(&journal).unwrap().contains("\"fitness\":0.9"), "the file is left as it was");
    std::fs::write(&journal, &rows).unwrap();
    std::fs::write(&config, settings.replace("crossover = 0.2", "crossover = 0.3")).unwrap();
    said("config.toml beside it was changed since the search began (search.crossover was 0.2 and is 0.3); restore it");
    std::fs::write(&config, settings).unwrap();
    // Cut off as the error says, what is missing is done again.
    let kept: String = rows.lines().take(3).map(|line| format!("{line}\n")).collect();
    let expected = content(&run);
    std::fs::write(&journal, kept).unwrap();
    finished(resume(data.path(), &run, 1));
    assert_eq!(content(&run), expected);
}

/// A limit on the size of files stands for a full disk.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_reported_and_the_search_goes_on_once_there_is_room() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let [run, undisturbed] = ["run", "undisturbed"].map(|name| runs.path().join(name));
    finished(start(data.path(), &undisturbed, &[], 2));
    let search = start(data.path(), &run, &[], 2);
    let mut limited = Command::new("bash");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 6; exec \"$@\"", "bash"])
        .arg(search.get_program())
        .args(search.get_args());
    let (code, _, errors) = output(limited);
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("journal.jsonl: File too large") && errors.contains("make room on the disk"), "{errors}");
    finished(resume(data.path(), &run, 2));
    assert_eq!(content(&run), content(&undisturbed));
}

#[test]
fn wrong_settings_are_refused_before_anything_is_made() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let said = |set: &str| {
        let (code, _, errors) = output(start(data.path(), &run, &[set], 1));
        assert!(code == 2 && !run.exists(), "{set}: {errors}");
        errors
    };
    for (set, text) in [
        ("search.population=0", "search.population is 0; use a whole number from 1 to 100000"),
        ("search.mutation=2", "search.mutation is 2; use a number from 0 to 1"),
        (
            "search.budget=\"3 days\"",
            "search.budget=\"3 days\": expected a number of trainings from 1 to 1,000,000, as 100",
        ),
        ("search.children=0", "search.children is 0; use a whole number from 1 to 900"),
        ("networks.stages=[3, 0]", "networks.stages is 0; use a whole number from 2 to 10"),
        (
            "networks.stages=[3]",
            "networks.backbone.filters is [2, 3], networks.stages [3]; give a number of filters for each",
        ),
        ("networks.fusion=add", "there is no fusion called \"add\""),
        ("data.validation=0", "data.validation is 0, and fitness is measured on images held out; hold some out"),
        (
            "data.validation=400",
            "data.validation holds out 400 images, and the training set has 160; hold out fewer: data.validation=32",
        ),
        (
            "data.samples=400",
            "data.samples asks for 400 images, and 120 of 160 are left where data.validation is 40; ask for at most 120",
        ),
        ("networks.join=sort", "configuration: networks.join=sort: join is called fusion now; use"),
        ("search.popsize=3", "unknown field `popsize`"),
        ("networks.backbone.kernel=99", "images of 28×28 pixels are too small for 1-11|1-11-111"),
    ] {
        let errors = said(set);
        assert!(errors.contains(text), "{set}: {errors}");
    }
    for command in [&["search"][..], &["search", "explain", "1-01"]] {
        let (code, _, errors) = output(evograd(&[command, &["--join", "sort"]].concat()));
        assert!(code == 2 && errors.contains("--join is called --fusion now"), "{errors}");
    }
    for (more, text) in [
        (&["S"][..], "hold out fewer: data.validation=32"),
        (&["S", "--validation", "32"], "ask for at most 128: data.samples=128"),
        (&["0k"], "give S, M or L, images in whole thousands from 1k to 100000k, as 60k, or 1 to 100000 epochs, as 3"),
    ] {
        let mut command = evograd(&["search", "--data", "mnist", "--data-dir"]);
        command.arg(data.path()).arg("--out").arg(&run).arg("--rung").args(more);
        let (code, _, errors) = output(command);
        assert!(code == 2 && !run.exists() && errors.contains(text), "{more:?}: {errors}");
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_soon_keeps_what_was_evaluated_and_leaves_a_report() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    // A shell takes a name with a space for two words where it is not quoted.
    let [run, undisturbed] = ["it's a run", "undisturbed"].map(|name| runs.path().join(name));
    finished(start(data.path(), &undisturbed, &["training.epochs=6"], 2));
    let mut search = start(data.path(), &run, &["training.epochs=6"], 2);
    let child = search.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        let rows = read_journal(&run.join("journal.jsonl")).unwrap_or_default();
        rows.iter().any(|row| matches!(row, SearchRow::Generation(_)))
    });
    assert!(begun, "no generation after ten seconds");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{errors}");
    let said = errors.lines().find_map(|line| line.strip_prefix("stopped; go on with: ")).unwrap();
    assert!(said.starts_with("evograd search --resume ") && said.contains(" --data-dir "), "{said}");
    assert!(run.join("report.html").exists());
    finished(shell::as_printed(said));
    assert_eq!(content(&run), content(&undisturbed));
}

#[test]
fn a_code_is_explained_and_a_wrong_one_refused() {
    let text = finished(evograd(&["search", "explain", "0-01|0-00-000|1-00-000-0000"]));
    for part in
        ["canonical form   1-00|0-00-000|1-00-000-0000", "convolutions     9, in stages of [4, 1, 4]", "◇ input"]
    {
        assert!(text.contains(part), "{text}");
    }
    let (code, _, errors) = output(evograd(&["search", "explain", "1-0x"]));
    assert!(code == 2 && errors.contains("stage 1: genome: 'x' in \"1-0x\" is no bit"), "{errors}");
}

/// Six graphs have three nodes.
#[test]
fn a_small_space_is_gone_through() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let exhaust = |more: &[&str]| {
        let mut command = evograd(&["search", "exhaust", "--data-dir"]);
        command.arg(data.path()).args(more);
        for set in SMALL.iter().filter(|set| !set.starts_with("networks.") && !set.starts_with("search.")) {
            command.args(["--set", set]);
        }
        command
    };
    let three = ["--stages", "3", "--filters", "2"];
    let mut first = exhaust(&three);
    first.arg("--out").arg(&run);
    let text = finished(first);
    assert!(text.starts_with("6 networks: best "), "{text}");
    let (evaluations, generations) = content(&run);
    assert_eq!((evaluations.len(), generations[0].individuals.len()), (6, 6));
    assert!(std::fs::read_to_string(run.join("report.html")).unwrap().contains("6 networks"));
    let mut again = evograd(&["search", "exhaust", "--data-dir"]);
    again.arg(data.path()).arg("--resume").arg(&run);
    assert_eq!(finished(again), text);
    let (code, _, errors) = output(exhaust(&["--limit", "5", "--stages", "3", "--filters", "2"]));
    assert!(
        code == 2 && errors.contains("[3] nodes have 6 different graphs; allow that many with --limit"),
        "{errors}"
    );
}

#[test]
fn budgets_are_compared() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let mut calibrate = evograd(&["search", "calibrate", "--networks", "5", "--budgets", "1x2,4", "--data-dir"]);
    calibrate.arg(data.path()).arg("--out").arg(&run);
    for set in SMALL.iter().filter(|set| !set.starts_with("search.")) {
        calibrate.args(["--set", set]);
    }
    let text = finished(calibrate);
    assert!(text.contains("seeds 1 and 2, both 1 epoch: Kendall's τ between them is"), "{text}");
    assert!(text.contains("* after 1 epoch the order") && text.contains("* after 4 epochs nobody knows"), "{text}");
    assert_eq!(content(&run).0.len(), 15);
    let mut again = evograd(&["search", "calibrate", "--json", "--data-dir"]);
    again.arg(data.path()).arg("--resume").arg(&run);
    let json = finished(again);
    let lines: serde_json::Value = serde_json::from_str(&json).unwrap();
    let trials = lines["trials"].as_array().unwrap();
    assert_eq!((trials.len(), trials[2]["tau"].as_f64()), (3, Some(1.0)), "{json}");
    assert_eq!(
        (lines["rungs"][0]["trainings"].as_u64(), lines["rungs"][1]["corrected"].as_f64()),
        (Some(2), Some(1.0)),
        "{json}"
    );
}

#[test]
fn searches_are_compared_and_the_best_is_trained_at_full_width() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let [evolved, drawn, wide] = ["evolved", "drawn", "wide"].map(|name| runs.path().join(name));
    finished(start(data.path(), &evolved, &[], 2));
    finished(start(data.path(), &drawn, &["search.method=random"], 2));
    assert!(content(&drawn).1.iter().flat_map(|row| &row.individuals).all(|individual| individual.parents.is_empty()));
    let mut compare = evograd(&["search", "compare", "--json"]);
    compare.args([&evolved, &drawn]).arg("--svg").arg(runs.path().join("comparison.svg"));
    let text = finished(compare);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let trained = [&evolved, &drawn].map(|run| content(run).0.len());
    assert_eq!(lines[0]["networks"].as_f64(), Some(trained[0].min(trained[1]) as f64));
    let best = answer(&evolved).fitness;
    assert_eq!((lines[0]["trained"].as_u64(), lines[0]["best"].as_f64()), (Some(trained[0] as u64), Some(best)));
    assert!(std::fs::read_to_string(runs.path().join("comparison.svg")).unwrap().starts_with("<svg "));
    let mut transfer = evograd(&["search", "transfer", "--epochs", "1", "--width", "2", "--data-dir"]);
    transfer.arg(data.path()).arg("--out").arg(&wide).arg(&evolved);
    assert!(finished(transfer).starts_with("test accuracy "));
    let mut eval = evograd(&["eval", "--json", "--data-dir"]);
    eval.arg(data.path()).arg(&wide);
    let text = finished(eval);
    assert!(text.contains("\"split\":\"test\",\"images\":160"), "{text}");
    let settings = std::fs::read_to_string(wide.join("config.toml")).unwrap();
    assert!(settings.contains("width = 2.0") && settings.contains("validation = 0"), "{settings}");
}

/// The last word on a search is repeated word for word, and not said of images that the search has never seen.
#[test]
fn a_winner_is_confirmed_on_the_images_of_its_search_alone() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let [evolved, confirmed] = ["evolved", "confirmed"].map(|name| runs.path().join(name));
    finished(start(data.path(), &evolved, &[], 2));
    let confirm = |arguments: &[&str]| {
        let mut command = evograd(&["search", "confirm"]);
        command.args(arguments).arg("--data-dir").arg(data.path());
        command
    };
    let mut first = confirm(&["--seeds", "2", "--quiet"]);
    first.arg(&evolved).arg("--out").arg(&confirmed);
    let text = finished(first);
    assert!(text.contains("winner") && text.contains("no edges") && text.contains("the search had said "), "{text}");
    let again = |extra: &[&str]| {
        let mut command = confirm(&["--quiet"]);
        command.arg("--resume").arg(&confirmed).args(extra);
        finished(command)
    };
    assert_eq!(again(&[]), text);
    for line in again(&["--json"]).lines() {
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(found["accuracies"].as_array().unwrap().len(), 2, "{line}");
    }
    let images = data.path().join("mnist/train-images-idx3-ubyte");
    let mut bytes = std::fs::read(&images).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&images, bytes).unwrap();
    for task in ["confirm", "transfer"] {
        let mut command = evograd(&["search", task, "--data-dir"]);
        command.arg(data.path()).arg(&evolved).arg("--out").arg(runs.path().join(task));
        let (code, _, errors) = output(command);
        assert!(code == 2 && errors.contains("the search began with other "), "{task}: {errors}");
        assert!(!runs.path().join(task).exists(), "{task}");
    }
    let mut transfer = evograd(&["search", "transfer"]);
    let (code, _, errors) = output({
        transfer.arg(&confirmed);
        transfer
    });
    assert!(code == 2 && errors.contains("it holds a confirmation"), "{errors}");
}

#[test]
fn what_is_about_another_problem_is_refused() {
    for (arguments, text) in [
        (&["search", "--images", "2400"][..], "--images is read only with --problem table"),
        (&["search", "--svg", "a.svg"], "--svg is read only with --problem table"),
        (&["search", "--problem", "table", "--data", "mnist"], "--data cannot be used with --problem table"),
    ] {
        let (code, _, errors) = output(evograd(arguments));
        assert!(code == 2 && errors.contains(text), "{errors}");
    }
}

/// All files of a folder with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_refused_resume_leaves_the_folder_as_it_was() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &["search.budget=\"12\""], 2));
    let before = files(&run);
    let said = |more: &[&str], text: &str| {
        let mut command = resume(data.path(), &run, 1);
        command.args(more);
        let (code, _, errors) = output(command);
        assert!(code == 2 && errors.contains(text), "{more:?}: {errors}");
        assert!(files(&run) == before, "{more:?}");
    };
    said(&["--population", "7"], "cannot be used with");
    said(&["--method", "random"], "cannot be used with");
    said(&["--set", "search.elite=1"], "cannot be used with");
    said(&["--budget", "99"], "cannot be used with");
    let mut exhaust = evograd(&["search", "exhaust", "--data-dir"]);
    exhaust.arg(data.path()).arg("--resume").arg(&run);
    let (code, _, errors) = output(exhaust);
    assert!(code == 2 && errors.contains("it holds a search, not an exhaustive search; go on with it by"), "{errors}");
    let mut portable = resume(data.path(), &run, 1);
    portable.env("EVOGRAD_ISA", "portable");
    let (code, _, errors) = output(portable);
    if evograd::Isa::chosen().unwrap().name() != "portable" {
        assert!(code == 2 && errors.contains("this is portable, whose last bits are others"), "{errors}");
    }
    let mut train = evograd(&["train", "--resume"]);
    train.arg(&run);
    let (code, _, errors) = output(train);
    assert!(code == 2 && errors.contains("it holds a search, not a training run; go on with it by"), "{errors}");
    assert!(files(&run) == before);
}

#[test]
fn a_report_is_made_again_from_the_journal_alone() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &["search.budget=\"12\"", "networks.fusion=sort"], 2));
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("are fused by sort"));
    std::fs::remove_file(run.join("report.html")).unwrap();
    let mut report = evograd(&["search", "report"]);
    report.arg(&run);
    finished(report);
    assert_eq!(std::fs::read_to_string(run.join("report.html")).unwrap(), page);
}

/// The memory and the time that a thousand networks take are small, because none of them is large.
#[test]
fn a_thousand_random_codes_make_networks_that_take_a_training_step() {
    let options = Options { width: 0.25, dropout: Some(0.5), ..Options::default() };
    let image = Tensor::from_fn([4, 3, 32, 32], |i| (i as f32 * 0.37).sin()).unwrap();
    let mut random = Stream::new(7, Purpose::Genetic, 0, 0);
    for number in 0..1000 {
        let text: Vec<String> = [3, 4, 5]
            .map(|nodes: usize| {
                let group = |length: usize| (0..length).map(|_| if random.below(2) == 1 { '1' } else { '0' }).collect();
                (1..nodes).map(group).collect::<Vec<String>>().join("-")
            })
            .into();
        let code: Code = text.join("|").parse().unwrap();
        let fusion = if number % 2 == 0 { evograd::Fusion::Sum } else { evograd::Fusion::Sort };
        let spec = network(&code, &Options { fusion, ..options.clone() }).unwrap();
        take_a_step(&code, &mut Network::new(&spec, number).unwrap(), &image, number);
    }
}

/// Forward, loss, backward and the step of the optimiser, after which all is finite and the weights are others.
fn take_a_step(code: &Code, network: &mut Network, images: &Tensor, seed: u64) {
    let finite = |tensors: &[Tensor]| tensors.iter().flat_map(|tensor| tensor.as_slice()).all(|x| x.is_finite());
    let decays = vec![1e-4; network.weights().len()];
    let mut optimizer = Optimizer::new(Rule::Sgd { momentum: 0.9, nesterov: true }, network.weights(), decays).unwrap();
    let tape = Tape::new();
    let (logits, leaves) = network.train(&tape, images, seed, 0).unwrap();
    let loss = logits.cross_entropy(&[0, 3, 6, 9], 0.0).unwrap();
    let mut gradients = tape.backward(&loss).unwrap();
    let take = |leaf: &Var| gradients.take(leaf).expect("the loss depends on every weight");
    let gradients: Vec<Tensor> = leaves.iter().map(take).collect();
    let largest = gradients.iter().flat_map(|gradient| gradient.as_slice()).fold(0.0, |a: f32, x| a.max(x.abs()));
    assert!(loss.item().unwrap().is_finite() && finite(&gradients) && largest > 0.0, "{code}");
    let before = network.weights().to_vec();
    optimizer.step(network.weights_mut(), &gradients, 0.1).unwrap();
    assert!(finite(network.weights()) && finite(&gradients), "{code}");
    let moved = |(before, after): (&Tensor, &Tensor)| before.as_slice() != after.as_slice();
    assert!(before.iter().zip(network.weights()).any(moved), "{code}");
    assert!(network.state().iter().all(|(_, tensor)| tensor.as_slice().iter().all(|x| x.is_finite())), "{code}");
}

/// Fitness is measured on images of the training set that were held out: with other test images it is the same.
#[test]
fn the_test_set_is_never_looked_at() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let sets = data::open("mnist", data.path()).unwrap();
    let swapped =
        Sets { train: sets.train.clone(), test: std::sync::Arc::new(Forbidden(sets.test.classes().to_vec())) };
    let config = SearchConfig::parse("", &SMALL.map(String::from)).unwrap();
    search(&runs.path().join("journal.jsonl"), &config, &swapped, &mut |_| true).unwrap();
}

/// Images that must not be read.
struct Forbidden(Vec<String>);

impl data::Dataset for Forbidden {
    fn len(&self) -> usize {
        10
    }
    fn shape(&self) -> [usize; 3] {
        [1, 28, 28]
    }
    fn classes(&self) -> &[String] {
        &self.0
    }
    fn label(&self, _: usize) -> usize {
        panic!("a label of the test set was looked at")
    }
    fn read(&self, _: usize, _: &mut [u8]) -> evograd::Result<()> {
        panic!("an image of the test set was looked at")
    }
}

/// A command of `evograd search` that begins in `out`, on six graphs of three nodes.
fn of_three_nodes(command: &[&str], data: &Path, out: &Path, more: &[&str]) -> Command {
    let mut begun = evograd(&["search"]);
    begun.args(command).arg("--data-dir").arg(data).arg("--out").arg(out).args(["--stages", "3", "--filters", "2"]);
    let read = |set: &str| !set.starts_with("networks.") && (command.is_empty() || !set.starts_with("search."));
    for set in SMALL.iter().filter(|set| read(set)).chain(more) {
        begun.args(["--set", set]);
    }
    begun
}

#[test]
fn where_nothing_came_to_anything_every_command_says_so_and_exits_with_1() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let expect = |command: Command, what: &str| {
        let (code, out, errors) = output(command);
        assert!(
            code == 1 && errors.contains("no network has learned anything; lower the learning rate"),
            "{what}: {errors}"
        );
        for wrong in ["NaN", "-0.00"] {
            assert!(!out.contains(wrong) && !errors.contains(wrong), "{what}: {out}{errors}");
        }
    };
    for method in ["evolution", "paper", "aging", "predictor", "random"] {
        let more = ["optimizer.rate=1e30", "search.budget=\"12\"", &format!("search.method={method}")];
        let run = runs.path().join(method);
        expect(start(data.path(), &run, &more, 2), method);
        let page = std::fs::read_to_string(run.join("report.html")).unwrap().replace("Number.isNaN", "");
        assert!(page.contains("All networks diverged") && !page.contains("NaN") && !page.contains("-0.00"), "{method}");
        expect(resume(data.path(), &run, 2), method);
    }
    let wild = ["optimizer.rate=1e30"];
    let [space, budgets] = ["space", "budgets"].map(|name| runs.path().join(name));
    expect(of_three_nodes(&["exhaust"], data.path(), &space, &wild), "exhaust");
    let calibrate = ["calibrate", "--networks", "3", "--budgets", "1x2,2"];
    expect(of_three_nodes(&calibrate, data.path(), &budgets, &wild), "calibrate");
    for command in ["report", "transfer", "compare"] {
        for run in [&runs.path().join("evolution"), &space] {
            let mut about = evograd(&["search", command]);
            about.arg(run);
            expect(about, command);
        }
    }
}

#[test]
fn every_command_asks_what_a_folder_holds_before_anything_else() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let folder = |name: &str| runs.path().join(name);
    let mut train = evograd(&["train", "linear", "--data", "mnist", "--epochs", "1", "--batch", "32", "--data-dir"]);
    train.arg(data.path()).arg("--out").arg(folder("training run"));
    finished(train);
    finished(of_three_nodes(&[], data.path(), &folder("search"), &["search.budget=\"8\""]));
    finished(of_three_nodes(&["exhaust"], data.path(), &folder("exhaustive search"), &[]));
    let calibrate = ["calibrate", "--networks", "3", "--budgets", "1x2"];
    finished(of_three_nodes(&calibrate, data.path(), &folder("calibration"), &[]));
    let own = [
        ("training run", "evograd train"),
        ("search", "evograd search"),
        ("exhaustive search", "evograd search exhaust"),
        ("calibration", "evograd search calibrate"),
    ];
    let commands: [(&[&str], &[&str]); 9] = [
        (&["train", "--resume"], &["training run"]),
        (&["search", "--resume"], &["search"]),
        (&["search", "exhaust", "--resume"], &["exhaustive search"]),
        (&["search", "calibrate", "--resume"], &["calibration"]),
        (&["search", "report"], &["search", "exhaustive search", "calibration"]),
        (&["search", "transfer", "--dry-run"], &["search", "exhaustive search", "calibration"]),
        (&["search", "compare"], &["search", "exhaustive search"]),
        (&["eval"], &["training run"]),
        (&["inspect", "run"], &["training run"]),
    ];
    for (command, kinds) in commands {
        let asked = |folder: &Path| {
            let mut asked = evograd(command);
            asked.arg(folder).env("EVOGRAD_DATA_DIR", data.path());
            output(asked)
        };
        for (kind, of_kind) in own {
            let (code, _, errors) = asked(&folder(kind));
            if kinds.contains(&kind) {
                assert_eq!(code, 0, "{command:?} of a {kind}: {errors}");
                continue;
            }
            let said = errors.contains(&format!("it holds a {kind}, not "))
                || errors.contains("it holds an exhaustive search, not ");
            let remedy = errors.contains(&format!("go on with it by {of_kind} --resume"));
            assert!(code == 2 && said && remedy, "{command:?} of a {kind}: {errors}");
        }
        let (code, _, errors) = asked(&folder("nowhere"));
        assert!(code == 2 && errors.contains("there is no such folder; name the folder of "), "{command:?}: {errors}");
        let (code, _, errors) = asked(runs.path());
        assert!(code == 2 && errors.contains("there is no run in it"), "{command:?}: {errors}");
    }
    let mut longer = evograd(&["train", "--epochs", "9", "--resume"]);
    longer.arg(folder("training run"));
    let (code, _, errors) = output(longer);
    assert!(
        code == 2 && errors.contains("train anew by evograd train --config ") && errors.contains(" --epochs 9"),
        "{errors}"
    );
}

#[test]
fn a_journal_that_is_lost_is_reported_and_nothing_is_begun_anew() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    finished(start(data.path(), &run, &["search.budget=\"12\""], 2));
    let journal = run.join("journal.jsonl");
    for lost in [true, false] {
        if lost {
            std::fs::remove_file(&journal).unwrap()
        } else {
            std::fs::write(&journal, "").unwrap()
        }
        let before = files(&run);
        let (code, _, errors) = output(resume(data.path(), &run, 1));
        let problem = if lost { "journal.jsonl: it is missing" } else { "journal.jsonl: it is empty" };
        assert!(code == 2 && errors.contains(problem) && errors.contains("search --config"), "{errors}");
        let after = files(&run);
        assert!(after == before || after.iter().filter(|(name, _)| !name.ends_with("lock")).eq(&before), "{problem}");
    }
    // A process that was killed as it began has left an empty one.
    std::fs::remove_file(run.join("report.html")).unwrap();
    let info = std::fs::read_to_string(run.join("run.json")).unwrap();
    std::fs::write(run.join("run.json"), info.replace("\"finished\"", "\"running\"")).unwrap();
    let (code, _, errors) = output(resume(data.path(), &run, 1));
    assert!(code == 0 && errors.contains("journal.jsonl is empty: this begins anew"), "{errors}");
}

/// Six graphs have three nodes.
#[test]
fn a_space_that_is_used_up_is_reported_once_and_without_idle_generations() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let (code, text, errors) = output(of_three_nodes(&[], data.path(), &run, &["search.budget=\"40\""]));
    assert_eq!((code, text.matches("all 6 graphs have been trained").count()), (0, 1), "{text}{errors}");
    let (evaluations, rounds) = content(&run);
    let trained = |round: &GenerationRow| evaluations.iter().any(|row| row.generation == round.generation);
    let shown: Vec<u32> = rounds.iter().filter(|round| trained(round)).map(|round| round.generation).collect();
    let rows =
        text.lines().map_while(|line| line.trim_start().split(' ').next()).filter(|word| word.parse::<u32>().is_ok());
    assert_eq!(rows.map(|word| word.parse().unwrap()).collect::<Vec<u32>>(), shown, "{text}");
}

#[test]
fn a_dry_run_warns_as_the_search_would() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let out = runs.path().join("run");
    for command in [&["--dry-run"][..], &["exhaust", "--dry-run"], &["calibrate", "--dry-run"]] {
        let mut settings = vec!["training.clip=1e-30"];
        settings.extend((command.len() == 1).then_some("search.population=1"));
        let still = of_three_nodes(command, data.path(), &out, &settings);
        let (code, _, errors) = output(still);
        assert!(code == 0 && errors.contains("warning: training.clip is 1e-30"), "{command:?}: {errors}");
        assert_eq!(errors.contains("warning: a population of 1"), command.len() == 1, "{errors}");
    }
}

/// A data set of 180 MB takes a while to open; one of some moments falls into it.
#[test]
#[cfg(unix)]
fn ctrl_c_while_data_is_opened_says_so() {
    let (data, runs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = data.path().join("cifar-10-batches-bin");
    std::fs::create_dir(&folder).unwrap();
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
        let file = std::fs::File::create(folder.join(format!("{name}.bin"))).unwrap();
        file.set_len(10_000 * 3073).unwrap();
    }
    for quiet in [false, true] {
        let out = runs.path().join(quiet.to_string());
        let said = (1..20).any(|moment| {
            let mut search = Command::new(env!("CARGO_BIN_EXE_evograd"));
            search.args(["search", "--data", "cifar10", "--data-dir"]).arg(data.path()).arg("--out").arg(&out);
            search.args(quiet.then_some("--quiet")).stdout(Stdio::null()).stderr(Stdio::piped());
            let child = search.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(60 * moment));
            assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
            let output = child.wait_with_output().unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            let said = errors.contains("interrupted before the first step");
            assert!(!said || output.status.code() == Some(130), "{errors}");
            // Only what takes two seconds is announced.
            assert!(!quiet || !errors.contains("opening"), "{errors}");
            let _ = std::fs::remove_dir_all(&out);
            said
        });
        assert!(said, "quiet: {quiet}");
    }
}

/// Each of the three files that say what a search began with, taken from another search, under every command that reads them.
#[test]
fn a_file_of_another_search_is_the_one_that_is_named() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let folder = |name: &str| runs.path().join(name);
    let calibrate = ["calibrate", "--networks", "3", "--budgets", "1x2"];
    let kinds: [(&str, &[&str]); 3] = [("evolved", &[]), ("all", &["exhaust"]), ("budgets", &calibrate)];
    for (name, command) in kinds {
        let settings: &[&str] = if name == "evolved" { &["search.budget=8"] } else { &[] };
        finished(of_three_nodes(command, data.path(), &folder(name), settings));
    }
    let other = of_three_nodes(&[], data.path(), &folder("other"), &["search.budget=\"8\"", "search.seed=1"]);
    finished(other);
    let path = |name: &str| folder(name).to_str().unwrap().to_string();
    let in_data = ["--data-dir", data.path().to_str().unwrap()].map(String::from);
    let commands: [(&str, &[&str]); 11] = [
        ("evolved", &["search", "--resume", "evolved"]),
        ("evolved", &["search", "report", "evolved"]),
        ("evolved", &["search", "compare", "evolved", "other"]),
        ("evolved", &["search", "compare", "other", "evolved"]),
        ("evolved", &["search", "confirm", "evolved", "--dry-run"]),
        ("evolved", &["search", "confirm", "other", "--against", "evolved", "--dry-run"]),
        ("evolved", &["search", "transfer", "evolved", "--dry-run"]),
        ("all", &["search", "exhaust", "--resume", "all"]),
        ("all", &["search", "table", "all"]),
        ("budgets", &["search", "calibrate", "--resume", "budgets"]),
        ("budgets", &["search", "report", "budgets"]),
    ];
    let named = [
        (
            "journal.jsonl",
            "journal.jsonl: it is the journal of another search than config.toml and run.json beside it are of (",
        ),
        ("run.json", "run.json: it is of another search than config.toml and journal.jsonl beside it ("),
        ("config.toml", "run.json: config.toml beside it was changed since the search began ("),
    ];
    for (name, words) in commands {
        let arguments: Vec<String> = words
            .iter()
            .map(|word| if folder(word).exists() { path(word) } else { word.to_string() })
            .chain(in_data.clone().into_iter().filter(|_| !["report", "compare", "table"].contains(&words[1])))
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        for (file, expected) in named {
            let place = folder(name).join(file);
            let own = std::fs::read(&place).unwrap();
            std::fs::copy(folder("other").join(file), &place).unwrap();
            let (code, _, errors) = output(evograd(&arguments));
            let of_other_kind = file == "run.json" && name != "evolved";
            assert!(code == 2 && (of_other_kind || errors.contains(expected)), "{words:?}, {file}: {errors}");
            if name == "evolved" {
                assert!(errors.contains("search.seed ") && errors.contains("restore"), "{words:?}, {file}: {errors}");
            }
            std::fs::write(&place, own).unwrap();
        }
        let (code, _, errors) = output(evograd(&arguments));
        assert_eq!(code, 0, "{words:?}: {errors}");
    }
}

/// Each command that takes several folders, with one of them twice, also by another path.
#[test]
fn a_folder_that_is_named_twice_is_refused() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let [run, all] = ["run", "all"].map(|name| runs.path().join(name));
    finished(of_three_nodes(&[], data.path(), &run, &["search.budget=\"8\""]));
    finished(of_three_nodes(&["exhaust"], data.path(), &all, &[]));
    let [name, all] = [&run, &all].map(|path| path.to_str().unwrap());
    let detour = format!("{name}/../run");
    for (arguments, text) in [
        (&["search", "compare", name, name][..], "it is named twice"),
        (&["search", "compare", name, all, &detour], "it is the same folder as "),
        (&["search", "confirm", name, "--against", &detour], "it is the same folder as "),
        (&["search", "confirm", name, "--against", all, "--against", all], "it is named twice"),
        (&["search", "table", all, all], "it is named twice"),
        (&["inspect", "run", name, name], "it is named twice"),
    ] {
        let (code, _, errors) = output(evograd(arguments));
        assert!(code == 2 && errors.contains(text) && errors.contains("name it once"), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_comparison_says_what_differs() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let path = |name: &str| runs.path().join(name);
    for (name, more) in [
        ("usual", &[][..]),
        ("other-seed", &["search.seed=1", "training.seed=1"]),
        ("other-method", &["search.method=random"]),
        ("longer", &["training.epochs=3"]),
    ] {
        finished(of_three_nodes(&[], data.path(), &path(name), &[&["search.budget=\"8\""], more].concat()));
    }
    let larger = ["search.budget=\"8\"", "networks.stages=[4]"];
    finished(of_three_nodes(&[], data.path(), &path("larger"), &larger));
    let (network, training) = ("searched among different networks: ", "trained their networks differently, ");
    for (name, said, listed, unsaid) in [
        ("other-seed", None, "search.seed: 0, 1", [network, training]),
        ("other-method", None, "search.method: \"evolution\", \"random\"", [network, training]),
        ("longer", Some("may not mean the same: training.epochs 2 and 3"), "training.epochs: 2, 3", [network, network]),
        ("larger", Some("networks.stages [3] and [4]"), "networks.stages: [3], [4]", [training, training]),
    ] {
        let mut command = evograd(&["search", "compare"]);
        command.arg(path("usual")).arg(path(name));
        let (code, text, errors) = output(command);
        assert!(code == 0 && text.contains(listed) && said.is_none_or(|said| errors.contains(said)), "{text}{errors}");
        assert!(unsaid.iter().all(|unsaid| !errors.contains(unsaid)), "{name}: {errors}");
    }
}

/// What the help names as usual is not refused; and what is left of a budget is reported with its reason.
#[test]
fn a_search_that_ends_early_says_why_and_an_exhaustive_one_has_usual_stages() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let run = runs.path().join("run");
    let text = finished(of_three_nodes(&[], data.path(), &run, &["search.budget=\"400\""]));
    let (_, line) = text.split_once("budget  ").unwrap_or_else(|| panic!("{text}"));
    let line = line.lines().next().unwrap().trim();
    assert!(line.contains(" of 400 trainings are left: no graph of the space is left"), "{text}");
    let mut resumed = resume(data.path(), &run, 1);
    resumed.arg("--quiet");
    assert!(finished(resumed).contains(line), "a search that is replayed says the same");
    let paper = ["search.method=paper", "search.population=6", "search.budget=\"8\""];
    let text = finished(of_three_nodes(&[], data.path(), &runs.path().join("paper"), &paper));
    assert!(text.contains("2 of 8 trainings are left: that is too little for a whole generation"), "{text}");
    let mut all =
        evograd(&["search", "exhaust", "--dry-run", "--data", "mnist", "--samples", "20", "--validation", "20"]);
    all.arg("--data-dir").arg(data.path());
    let text = finished(all);
    assert!(text.contains("# 186 networks, ") && text.contains("stages = [3, 4]"), "{text}");
}
