//! The travelling salesman at the command line: how good the tours are, and what is refused.

use assert_cmd::Command;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

const LIMIT: f64 = 10.0;

struct Outcome {
    code: i32,
    out: String,
    err: String,
    seconds: f64,
}

fn tsp(arguments: &[&str]) -> Outcome {
    let start = Instant::now();
    let mut command = Command::cargo_bin("evograd").unwrap();
    let output = command.arg("tsp").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    Outcome { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr), seconds }
}

/// Searches whose time counts run one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// What `--json` prints, of a search that was quick enough.
fn solved(arguments: &[&str]) -> Value {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Outcome { code, out, err, seconds } = tsp(&[arguments, &["--json", "--quiet"]].concat());
    // Beside the drawing that was asked for, nothing is said.
    let drawn = arguments.contains(&"--svg") && err.ends_with(": the drawing is there\n") && err.lines().count() == 1;
    assert!(code == 0 && (err.is_empty() || drawn), "{arguments:?}: {code}, {err}");
    assert!(seconds < LIMIT, "{arguments:?}: {seconds} s");
    serde_json::from_str(&out).unwrap()
}

fn optima() -> Value {
    serde_json::from_str(include_str!("../data/tsp/optima.json")).unwrap()
}

fn order(row: &Value) -> Vec<usize> {
    row["tour"].as_array().unwrap().iter().map(|town| town.as_u64().unwrap() as usize).collect()
}

/// The length of a tour, which must go through each town once.
fn length(towns: &Value, tour: &[usize], rounded: impl Fn(f64) -> f64) -> f64 {
    let mut sorted = tour.to_vec();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..towns.as_array().unwrap().len()));
    let at = |town: usize, axis: usize| towns[tour[town % tour.len()]][axis].as_f64().unwrap();
    let squares = |i: usize| (0..2).map(|axis| (at(i, axis) - at(i + 1, axis)).powi(2)).sum::<f64>();
    (0..tour.len()).map(|i| rounded(squares(i).sqrt())).sum()
}

#[test]
fn sixty_towns_on_a_circle_are_gone_around() {
    for seed in ["0", "1", "2"] {
        let answer = solved(&["--towns", "60", "--circle", "--seed", seed]);
        let (found, shortest) =
            (length(&answer["towns"], &order(&answer), |road| road), 120.0 * 3_f64.to_radians().sin());
        assert!((found - shortest).abs() < 1e-9, "seed {seed}: {found} instead of {shortest}");
        assert!((answer["optimum"].as_f64().unwrap() - shortest).abs() < 1e-12);
    }
}

#[test]
fn random_towns_are_within_3_percent_of_what_an_established_solver_finds() {
    let optima = optima();
    let rows = optima["random52"].as_array().unwrap();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let answer = solved(&["--seed", &row["seed"].to_string()]);
        let towns = &answer["towns"];
        let (found, shortest) = (length(towns, &order(&answer), |road| road), row["length"].as_f64().unwrap());
        assert!((length(towns, &order(row), |road| road) - shortest).abs() < 1e-9, "these are other towns");
        assert!((found - answer["length"].as_f64().unwrap()).abs() < 1e-9 && answer["optimum"].is_null());
        let error = 100.0 * (found / shortest - 1.0);
        println!("seed {}: {error:.2} %, {} s", row["seed"], answer["seconds"]);
        assert!((-1e-4..3.0).contains(&error), "seed {}: {error} %", row["seed"]);
    }
}

#[test]
fn towns_of_a_file_are_read_and_their_tour_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("tour.svg");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/tsp/towns52.tsp");
    let answer = solved(&["--tsplib", file, "--svg", svg.to_str().unwrap()]);
    let row = &optima()["towns52.tsp"];
    let (towns, whole) = (&answer["towns"], |road: f64| (road + 0.5).floor());
    assert_eq!(length(towns, &order(row), whole), row["length"].as_f64().unwrap());
    let found = length(towns, &order(&answer), whole);
    assert_eq!(answer["length"], found);
    assert!((1.0..1.03).contains(&(found / row["length"].as_f64().unwrap())), "{found}");
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.matches("<circle").count() == 52 && svg.contains(&format!("52 towns, length {found:.4}")), "{svg}");
}

/// Towns that a file counts in its own way are called by the file's numbers.
#[test]
fn the_tour_of_a_file_has_the_file_s_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("square.tsp");
    let text = "TYPE: TSP\nDIMENSION: 4\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n";
    std::fs::write(&file, format!("{text}40 0 0\n10 9 9\n30 0 9\n20 9 0\nEOF\n")).unwrap();
    let arguments = ["--generations", "20", "--tsplib", file.to_str().unwrap()];
    let out = tsp(&arguments).out;
    let mut tour: Vec<u32> =
        out.lines().next().unwrap().split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect();
    let start = tour.iter().position(|town| *town == 10).unwrap();
    tour.rotate_left(start);
    assert!(tour == [10, 20, 40, 30] || tour == [10, 30, 40, 20], "{out}");
    assert_eq!(solved(&arguments)["numbers"], serde_json::json!([40, 10, 30, 20]));
}

#[test]
fn people_read_the_tour_its_length_and_the_shortest() {
    let Outcome { code, out, err, .. } = tsp(&["--towns", "8", "--circle", "--generations", "50", "--seed", "3"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(code == 0 && lines.len() == 2 && lines[0].starts_with("tour   "), "{out}{err}");
    assert_eq!(lines[1], "length 6.122935, the shortest there is");
    assert!(err.starts_with("8 towns, 50 generations, ") && err.lines().count() == 1, "{err}");
    let out = tsp(&["--circle", "--generations", "1", "--population", "5"]).out;
    assert!(out.contains(" % above the shortest, 6.279"), "{out}");
}

#[test]
fn the_same_seed_gives_the_same_tour() {
    let of_seed = |seed| {
        let mut answer = solved(&["--towns", "30", "--generations", "300", "--seed", seed]);
        answer["seconds"] = Value::Null;
        answer
    };
    assert_eq!(of_seed("5"), of_seed("5"));
    assert_ne!(of_seed("5")["towns"], of_seed("6")["towns"]);
}

#[test]
fn what_makes_no_sense_exits_with_2_and_says_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("globe.tsp");
    std::fs::write(&file, "TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_3D\nNODE_COORD_SECTION\n").unwrap();
    let (file, nowhere) = (file.to_str().unwrap(), folder.path().join("none/tour.svg"));
    let remedy = "name a TSPLIB file of TYPE TSP with a NODE_COORD_SECTION and an EDGE_WEIGHT_TYPE such as EUC_2D";
    let distances = "its distances are \"EUC_3D\", not EUC_2D, CEIL_2D, MAN_2D, MAX_2D, ATT or GEO";
    let nowhere = nowhere.to_str().unwrap();
    let table: [(&[&str], String); 10] = [
        (&["--towns", "2"], "error: invalid value '2' for '--towns <N>': use a whole number from 3 to 2000\n".into()),
        (
            &["--towns", "99999999999999"],
            "error: invalid value '99999999999999' for '--towns <N>': use a whole number from 3 to 2000\n".into(),
        ),
        (&["--tsplib", file], format!("evograd: {file}: line 3: {distances}; {remedy}\n")),
        (&["--tsplib", "/dev/zero"], format!("evograd: /dev/zero: it is no file; {remedy}\n")),
        (
            &["--population", "0"],
            "error: invalid value '0' for '--population <N>': use a whole number from 1 to 1000000\n".into(),
        ),
        (
            &["--population", "990000"],
            "evograd: --population: tsp: 990000 tours of 52 towns are no population; use from 1 to 961538 tours\n"
                .into(),
        ),
        (
            &["--generations", "0"],
            "error: invalid value '0' for '--generations <N>': use a whole number from 1 to 4294967295\n".into(),
        ),
        (
            &["--generations", "1", "--svg", nowhere],
            format!(
                "evograd: {nowhere}: No such file or directory (os error 2); name a file in a folder that can be written to\n"
            ),
        ),
        (
            &["--tsplib", file, "--circle"],
            "error: the argument '--tsplib <FILE>' cannot be used with '--circle'\n".into(),
        ),
        (
            &["--tsplib", file, "--towns", "9"],
            "error: the argument '--tsplib <FILE>' cannot be used with '--towns <N>'\n".into(),
        ),
    ];
    for (arguments, text) in table {
        let Outcome { code, out, err, .. } = tsp(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err == text || text.starts_with("error") && err.starts_with(&text), "{arguments:?}: {err}");
    }
}

/// Ctrl-C, as the terminal sends it.
#[cfg(unix)]
#[test]
fn ctrl_c_prints_the_best_so_far() {
    let binary = assert_cmd::cargo::cargo_bin("evograd");
    let script = "\"$0\" tsp --generations 100000000 --json & sleep 1; kill -INT $!; wait $!";
    // Job control keeps the shell from making the command deaf to Ctrl-C.
    let output = Command::new("bash").args(["-m", "-c", script]).arg(binary).output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["stopped"] == true && answer["generations"].as_u64().unwrap() > 0, "{answer}");
    assert!(length(&answer["towns"], &order(&answer), |road| road) < 52.0);
}
