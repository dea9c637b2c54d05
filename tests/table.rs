//! Tables of trainings: written, read, refused, and searched.

use evograd::models::genetic_cnn::{Code, canonical};
use evograd::record::{BeginRow, EvaluationRow, SearchRow};
use evograd::search::{
    Budget, History, SearchConfig, Strategy, TableSource, TrainingTable, Trainings, graphs, rehearse,
};
use proptest::prelude::*;
use std::fmt::Write;
use std::process::Command;

const HEAD: &str = "# made by hand\n# networks.stages = [3, 4]\n# networks.backbone.filters = [8, 16]\n\
                    code,images,epochs,seed,accuracy,loss,macs,parameters,seconds\n";

/// What a graph is worth, and by how much a training misses that; both made up.
fn accuracy(code: &Code, images: u64, seed: u64) -> f64 {
    let edges = code.0.iter().map(|stage| stage.edges().count()).sum::<usize>() as f64;
    let text = format!("{code} {images} {seed}");
    let chance = text.bytes().fold(7_u64, |sum, byte| (sum * 131 + u64::from(byte)) % 10_007) as f64 / 10_007.0;
    0.4 + 0.01 * edges + 0.02 * chance + 0.03 * (seed % 3) as f64
}

fn text(codes: &[Code], lengths: &[(u64, u64)]) -> String {
    let mut text = HEAD.to_string();
    for code in codes {
        for (images, seeds) in lengths {
            for seed in 0..*seeds {
                let (accuracy, epochs) = (accuracy(code, *images, seed), images / 100);
                writeln!(text, "{code},{images},{epochs},{seed},{accuracy},1.5,1000,100,2.25").unwrap();
            }
        }
    }
    text
}

fn whole(lengths: &[(u64, u64)]) -> TrainingTable {
    TrainingTable::parse(&text(&graphs(&[3, 4]).unwrap(), lengths)).unwrap()
}

#[test]
fn a_table_that_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let table = whole(&[(100, 2), (400, 1)]);
    std::fs::write(&path, table.to_csv()).unwrap();
    assert_eq!(TrainingTable::read(&path).unwrap(), table);
    let mut lines: Vec<String> = table.to_csv().lines().map(String::from).collect();
    assert_eq!((lines.len(), lines[0].as_str(), table.lengths()), (4 + 186 * 3, "# made by hand", vec![100, 400]));
    lines[4..].reverse();
    assert_eq!(TrainingTable::parse(&(lines.join("\n") + "\n")).unwrap(), table, "in any order");
}

#[test]
fn what_is_malformed_is_refused_with_its_line() {
    let row = "0-00|0-00-000,100,1,0,0.5,1.5,1000,100,2.25";
    let refused = |text: &str| TrainingTable::parse(text).unwrap_err().to_string();
    let with = |rows: &[&str]| refused(&format!("{HEAD}{}\n", rows.join("\n")));
    assert!(TrainingTable::parse(&format!("{HEAD}{row}\n")).is_ok());
    for (from, to, expected) in [
        ("0-00|0-00-000", "0-01|0-00-000", "is not the canonical code of its graph; write 1-00|0-00-000"),
        ("0-00|0-00-000", "0-00|0-00", "0-00|0-00 has stages of [3, 3] nodes, the head [3, 4]"),
        ("0-00|0-00-000", "genet9", "code: genome: "),
        (",100,1,0,", ",0,1,0,", "images is 0"),
        (",100,1,0,", ",100,0,0,", "epochs is 0"),
        (",100,1,0,", ",100,1,-1,", "seed is \"-1\""),
        (",100,1,0,", ",100,+1,0,", "epochs is \"+1\""),
        (",0.5,", ",1.5,", "accuracy is 1.5; give a share from 0 to 1"),
        (",0.5,", ",NaN,", "accuracy is \"NaN\""),
        (",1.5,", ",inf,", "loss is \"inf\""),
        (",1000,", ",1e3,", "macs is \"1e3\""),
        (",2.25", "", "it has 8 fields; give nine"),
        (",2.25", ",2.25,", "it has 10 fields"),
        (",2.25", ",-1", "seconds is \"-1\""),
        (",2.25", ",2.25\r\n\r", "it has 1 fields"),
    ] {
        let error = with(&[row, &row.replacen(",100,1,0,", ",100,1,1,", 1), &row.replacen(from, to, 1)]);
        let line = if from == to || to.contains('\n') { 8 } else { 7 };
        assert!(error.starts_with(&format!("table: line {line}: ")) && error.contains(expected), "{to}: {error}");
    }
    let twice = with(&[row, row]);
    assert!(twice.starts_with("table: line 6: ") && twice.contains("are in line 5 too; remove one"), "{twice}");
    let epochs = with(&[row, "1-00|0-00-000,100,2,0,0.5,1.5,1000,100,2.25"]);
    assert!(epochs.starts_with("table: line 6: 100 images are 2 epochs, and 1 in line 5"), "{epochs}");
    assert!(refused(HEAD).starts_with("table: line 4: no row follows"));
    assert!(refused(&HEAD.replace("[3, 4]", "[3, 40]")).starts_with("table: line 2: "));
    assert!(refused(&HEAD.replace("[8, 16]", "[8]")).starts_with("table: line 2: "));
    assert!(refused("").starts_with("table: line 1: the head ends and networks.stages is not in it"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A text that is cut off or has other bytes is read as some table, or refused with the name of the file and a line.
    #[test]
    fn no_text_is_too_odd(cut: prop::sample::Index, places: Vec<(prop::sample::Index, u8)>, is_cut: bool) {
        let mut bytes = text(&graphs(&[3, 4]).unwrap()[..6], &[(100, 2)]).into_bytes();
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let length = bytes.len();
        places.iter().filter(|_| length > 0).for_each(|(place, byte)| bytes[place.index(length)] = *byte);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odd.csv");
        std::fs::write(&path, &bytes).unwrap();
        match TrainingTable::read(&path) {
            Ok(table) => {
                prop_assert_eq!(&TrainingTable::parse(&table.to_csv()).unwrap(), &table);
                prop_assert!(!is_cut || bytes.ends_with(b"\n"));
            }
            Err(error) => {
                let error = error.to_string();
                let utf8 = std::str::from_utf8(&bytes).is_err();
                prop_assert!(error.contains("odd.csv: ") && (utf8 || error.contains("odd.csv: line ")), "{}", error);
            }
        }
    }
}

/// Of graphs that were trained thirty times next to nothing is left to draw, so the truth is their mean; and trainings differ by
/// what the table's do, around the mean of their own length.
#[test]
fn on_a_whole_table_the_truth_is_the_mean_of_the_longest() {
    let table = whole(&[(100, 30), (400, 30)]);
    assert!(table.is_whole(100));
    let landscape = table.landscape(100).unwrap();
    let mean = |code: &Code, images| (0..30).map(|seed| accuracy(code, images, seed)).sum::<f64>() / 30.0;
    for code in graphs(&[3, 4]).unwrap().iter().step_by(7) {
        assert!((landscape.truth(code).unwrap() - mean(code, 400)).abs() < 0.01, "{code}");
        let often: Vec<(Code, u32)> = (0..400).map(|repeat| (code.clone(), repeat)).collect();
        let found = landscape.trainings(5).train(0, &often).unwrap().iter().sum::<f64>() / 400.0;
        assert!((found - mean(code, 100)).abs() < 0.02, "{code}: {found}");
    }
}

#[test]
fn lengths_that_say_nothing_are_refused() {
    let refused = |table: &TrainingTable, images| table.landscape(images).unwrap_err().to_string();
    assert!(refused(&whole(&[(100, 2)]), 200).contains("no training of 200 images; choose one of [100]"));
    let none = whole(&[(100, 2)]).to_csv().replace(",0.", ",");
    let diverged: String = none
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split(',').collect();
            if fields.len() == 9 && fields[0] != "code" {
                fields[4] = "";
            }
            fields.join(",") + "\n"
        })
        .collect();
    assert!(refused(&TrainingTable::parse(&diverged).unwrap(), 100).contains("all trainings of 100 images diverged"));
}

/// A model stands for what was not trained: it knows that edges are good, and is the same landscape for all searches.
#[test]
fn a_sample_is_completed_by_a_model() {
    let codes: Vec<Code> = graphs(&[3, 4]).unwrap().into_iter().step_by(3).collect();
    let table = TrainingTable::parse(&text(&codes, &[(100, 2), (400, 2)])).unwrap();
    assert!(!table.is_whole(100));
    let landscape = table.landscape(100).unwrap();
    assert_eq!(landscape, table.landscape(100).unwrap());
    let truth = |code: &str| landscape.truth(&canonical(&code.parse().unwrap())).unwrap();
    let (few, many) = (truth("0-00|0-00-000"), truth("1-11|1-11-111"));
    assert!(many - few > 0.05 && many - few < 0.12, "{few} {many}");
    let strategy = Strategy { budget: Budget::Trainings(40), ..Strategy::default() };
    let history = History::new(table.networks(), table.side());
    let all = |workers| rehearse(&landscape, &history, &strategy, 6, workers, &mut |_| true).unwrap();
    let [one, two] = [all(1), all(2)].map(|found| format!("{found:?}"));
    assert_eq!(one, two);
}

fn source(folder: &str, task: &str, settings: &[&str], rows: &[(&str, u32, u32, f64)]) -> TableSource {
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    let config = SearchConfig::parse("", &settings).unwrap();
    let begin = BeginRow {
        version: "1.2.3".into(),
        task: task.into(),
        isa: Some("avx2".into()),
        settings: config.to_toml(),
        ..serde_json::from_str(r#"{"version":"","task":"","settings":"","data_checksums":["ab",null]}"#).unwrap()
    };
    let row = |(code, budget, repeat, fitness): &(&str, u32, u32, f64)| {
        SearchRow::Evaluation(EvaluationRow {
            generation: *budget,
            code: code.to_string(),
            repeat: *repeat,
            epochs: 3,
            fitness: *fitness,
            loss: (*fitness > 0.0).then_some(1.0),
            losses: Vec::new(),
            diverged: (*fitness == 0.0).then(|| "loss".into()),
            parameters: 10,
            macs: 20,
            seconds: 1.5,
            core_seconds: None,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
        })
    };
    let rows = [SearchRow::Begin(begin)].into_iter().chain(rows.iter().map(row)).collect();
    TableSource { folder: folder.into(), rows, command: "evograd search calibrate".into() }
}

const SETTINGS: [&str; 2] = ["networks.stages=[3, 4]", "data.samples=800"];

#[test]
fn journals_become_a_table() {
    let budgets = [SETTINGS[0], SETTINGS[1], r#"calibration.budgets=["3x2", "S"]"#];
    let both = [
        source("a", "calibrate", &budgets, &[("0-01|0-00-000", 0, 1, 0.5), ("0-00|0-00-000", 1, 2, 0.0)]),
        source("b", "exhaust", &[SETTINGS[0], SETTINGS[1], "training.seed=9"], &[("1-00|0-00-000", 0, 0, 0.25)]),
    ];
    let table = TrainingTable::gather(&both).unwrap();
    let text = table.to_csv();
    let rows: Vec<&str> = text.lines().skip_while(|line| line.starts_with('#')).skip(1).collect();
    let expected = [
        "0-00|0-00-000,20000,1,1,,,20,10,1.5",
        "1-00|0-00-000,2400,3,0,0.5,1,20,10,1.5",
        "1-00|0-00-000,2400,3,2,0.25,1,20,10,1.5",
    ];
    assert_eq!(rows, expected);
    for line in [
        "# data.set = \"shapes\"",
        "# optimizer.rate = 0.03",
        "#   by evograd 1.2.3, instruction set avx2, training.seed 9",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert_eq!(TrainingTable::parse(&text).unwrap(), table);
}

#[test]
fn folders_that_trained_differently_are_refused() {
    let of = |settings: &[&str], fitness| source("b", "exhaust", settings, &[("0-00|0-00-000", 0, 0, fitness)]);
    let refused = |other: TableSource| TrainingTable::gather(&[of(&SETTINGS, 0.5), other]).unwrap_err().to_string();
    let other = |setting| refused(of(&[SETTINGS[0], SETTINGS[1], setting], 0.5));
    assert!(
        other("optimizer.momentum=0.9")
            .starts_with("b: optimizer.momentum is 0.9 here and 0.8 in b; make a table of each")
    );
    assert!(other("optimizer.rate=0.1").contains("optimizer.rate is 0.1 here and 0.03 in b"));
    assert!(other("networks.fusion=sort").contains("networks.fusion is \"sort\" here and \"sum\" in b"));
    assert!(refused(of(&SETTINGS, 0.6)).contains("came to two results"));
    assert!(refused(source("c", "search", &SETTINGS, &[])).starts_with("c: it is no calibration"));
    assert!(refused(source("c", "exhaust", &SETTINGS, &[])).starts_with("c: no network has been trained yet"));
    assert_eq!(TrainingTable::gather(&[of(&SETTINGS, 0.5), of(&SETTINGS, 0.5)]).unwrap().rows().len(), 1);
    assert_eq!(
        TrainingTable::gather(&[of(&[SETTINGS[0], "data.samples=80000"], 0.5)]).unwrap().rows()[0].images,
        240_000
    );
}

fn evograd(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("evograd")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_says_the_same_with_any_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let [path, svg] = ["small.csv", "small.svg"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&path, text(&graphs(&[3, 4]).unwrap(), &[(100, 3)])).unwrap();
    let run = |more: &[&str]| {
        let usual = ["search", "--problem", "table", "--table", &path, "--repeats", "20", "--budget", "30", "--json"];
        let (code, out, err) = evograd(&[&usual[..], more].concat());
        assert_eq!(code, Some(0), "{err}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let one = run(&["--workers", "1", "--svg", &svg]);
    assert_eq!(one, run(&["--workers", "2"]));
    let methods = one["methods"].as_array().unwrap();
    let names: Vec<&str> = methods.iter().map(|method| method["method"].as_str().unwrap()).collect();
    assert_eq!(
        (names, one["whole"].as_bool(), one["networks"].as_u64()),
        (vec!["evolution", "random"], Some(true), Some(186))
    );
    let worth = methods[0]["truth"]["mean"].as_f64().unwrap();
    assert!(worth > one["random_network"][0].as_f64().unwrap() + one["random_network"][1].as_f64().unwrap(), "{one}");
    assert!(methods[1]["against_random"].is_null() && methods[0]["against_random"]["better"].is_f64());
    assert!(std::fs::read_to_string(&svg).unwrap().contains("fill-opacity=\"0.12\""));
    let all = run(&["--method", "all", "--set", "search.mutation_bit=0.2", "--set", "search.selection=roulette"]);
    assert_eq!(all["methods"].as_array().unwrap().len(), 5);
    assert_ne!(all["methods"][0], one["methods"][0], "how is evolved makes a difference");
}

#[test]
fn arguments_that_a_table_has_no_use_for_are_refused() {
    for (arguments, expected) in [
        (&["--repeats", "5"][..], "--repeats is read only with --problem table; leave it out"),
        (&["--method", "all"], "use it with --problem table"),
        (&["--table"], "--table is read only with --problem table"),
        (
            &["--problem", "table", "--epochs", "4"],
            "--epochs cannot be used with --problem table, as the table says how networks were trained",
        ),
        (
            &["--problem", "table", "--set", "data.set=mnist"],
            "with --problem table the table says how networks were trained",
        ),
        (&["--problem", "table", "--budget", "1h"], "give --budget as a number of trainings"),
        (&["--problem", "table", "--table", "no/such.csv"], "no/such.csv: "),
        (&["--problem", "table", "--images", "7"], "the table has no training of 7 images; choose one of ["),
        (&["--svg", "a.svg"], "--svg is read only with --problem "),
    ] {
        let (code, out, err) = evograd(&[&["search"], arguments].concat());
        assert!(code == Some(2) && out.is_empty() && err.contains(expected), "{arguments:?}: {code:?} {err}");
    }
}
