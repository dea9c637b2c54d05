//! The command line as a user meets it: what is printed where, and the exit codes.

use assert_cmd::Command;

struct Outcome {
    code: i32,
    out: String,
    err: String,
}

fn evograd(arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut command = Command::cargo_bin("evograd").unwrap();
    command.env_remove("EVOGRAD_ISA").envs(environment.iter().copied()).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn gradcheck_prints_a_line_for_each_operation() {
    let Outcome { code, out, err } = evograd(&["gradcheck", "--cases", "2"], &[]);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 1 + evograd::ops::CATALOGUE.len());
    for (row, line) in evograd::ops::CATALOGUE.iter().zip(&lines[1..]) {
        assert!(line.starts_with(row.name) && line.contains(" right "), "{line}");
    }
    assert!(err.contains("all gradients are right within 1e-6"), "{err}");
}

#[test]
fn json_is_one_object_a_line() {
    let Outcome { code, out, .. } = evograd(&["gradcheck", "relu", "--json", "--full"], &[]);
    assert_eq!(code, 0);
    let row: serde_json::Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!((row["op"].as_str(), row["passed"].as_bool()), (Some("relu"), Some(true)));
    assert!(row["worst_relative_error"].as_f64().unwrap() < 1e-6);
}

/// Rounding alone is more than this tolerance: nothing is wrong, and nothing is shown to be right.
#[test]
fn a_check_that_does_not_pass_exits_with_1() {
    let Outcome { code, out, err } = evograd(&["gradcheck", "conv2d", "--tolerance", "1e-14"], &[]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("unclear") && out.contains("finite differences") && err.contains("1 unclear"), "{out}{err}");
}

/// Arguments, environment, and what the message holds.
type Refusal<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn wrong_arguments_exit_with_2_and_say_what_is_right() {
    let table: [Refusal; 6] = [
        (&["gradcheck", "nope"], &[], "evograd: there is no operation nope; there are abs, "),
        (&["gradcheck", "--threads", "0"], &[], "'0' for '--threads <N>': use a whole number from 1 to 1024"),
        (&["gradcheck", "--tolerance", "0"], &[], "'0' for '--tolerance <ERROR>': use a finite number above 0"),
        (&["gradcheck", "--cases", "0"], &[], "'0' for '--cases <N>': use a whole number from 1 to 4294967295"),
        (&["gradchek"], &[], "a similar subcommand exists: 'gradcheck'"),
        (&["gradcheck"], &[("EVOGRAD_ISA", "mmx")], "evograd: EVOGRAD_ISA=mmx: there is no such instruction set"),
    ];
    for (arguments, environment, text) in table {
        let Outcome { code, out, err } = evograd(arguments, environment);
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(err.contains(text) && out.is_empty(), "{arguments:?}: {out}{err}");
    }
}

#[test]
fn a_closed_pipe_ends_the_command_quietly() {
    let binary = assert_cmd::cargo::cargo_bin("evograd");
    let script = format!("{} gradcheck --cases 1 | head -n 1; exit ${{PIPESTATUS[0]}}", binary.display());
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !err.contains("panicked"), "{err}");
}

#[test]
fn help_shows_examples() {
    let Outcome { code, out, .. } = evograd(&["gradcheck", "--help"], &[]);
    assert!(code == 0 && out.contains("Examples:") && out.contains("evograd gradcheck conv2d"), "{out}");
}

#[test]
fn inspect_shows_each_layer_and_the_totals() {
    let Outcome { code, out, err } = evograd(&["inspect", "model", "resnet20", "--fusion", "sort-root"], &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let words = |line: &str| line.split_whitespace().map(str::to_string).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = out.lines().map(words).collect();
    assert!(out.starts_with("resnet20 on 3×32×32 images, 10 classes\n"), "{out}");
    assert!(lines.contains(&words("layer2.0.conv1 conv 3×3 /2 32×16×16 4,608 1,179,648 32,768")), "{out}");
    assert!(lines.contains(&words("layer3.2.fusion sort-root + relu 64×8×8 16,384")), "{out}");
    assert!(lines.contains(&words("total 53 layers 10 272,474 40,813,184 1,605,928")), "{out}");
}

#[test]
fn inspect_lists_every_model() {
    let table = evograd(&["inspect", "models"], &[]);
    let (bare, nameless) = (evograd(&["inspect"], &[]), evograd(&["inspect", "model"], &[]));
    assert_eq!((table.code, &table.out, &table.out), (0, &bare.out, &nameless.out));
    for model in evograd::models::CATALOGUE {
        assert!(table.out.contains(&format!("{} ", model.name)), "{}", table.out);
    }
    assert!(table.out.contains("11,689,512"), "{}", table.out);
    let json = evograd(&["inspect", "models", "--json"], &[]).out;
    assert_eq!(json.lines().count(), evograd::models::CATALOGUE.len());
}

#[test]
fn inspect_takes_options_and_speaks_json() {
    let arguments = ["inspect", "model", "vgg16", "--input", "1x32x32", "--classes", "7", "--width", "0.5"];
    let Outcome { code, out, err } = evograd(&[&arguments[..], &["--json"]].concat(), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    let model: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((model["input"].to_string().as_str(), model["classes"].as_u64()), ("[1,32,32]", Some(7)));
    assert_eq!(model["layers"][0]["parameters"], 32 * 9 + 32);
    let sum: u64 = model["layers"].as_array().unwrap().iter().map(|layer| layer["macs"].as_u64().unwrap()).sum();
    assert_eq!(model["macs"], sum);
}

#[test]
fn inspect_draws_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.svg");
    let Outcome { code, err, .. } = evograd(&["inspect", "model", "resnet20", "--svg", file.to_str().unwrap()], &[]);
    assert_eq!(code, 0, "{err}");
    let svg = std::fs::read_to_string(file).unwrap();
    assert_eq!(svg.matches("⊕ sum + relu").count(), 9);
    assert!(svg.contains("layer3.0.downsample.0"));
}

#[test]
fn inspect_refuses_what_it_cannot_show() {
    let table: [Refusal; 10] = [
        (
            &["resnet21"],
            &[],
            "evograd: model: there is no model called \"resnet21\"; did you mean resnet20? there are ",
        ),
        (
            &["resnet20", "--epsilon", "0.1"],
            &[],
            "evograd: configuration: --epsilon is set, and model.fusion is sum, which has no use for it; leave it out, or \
             set model.fusion to sort-root",
        ),
        (&["resnet20", "--fusion", "plus"], &[], "use one of sum, product, max, sum+max"),
        (
            &["vgg16", "--fusion", "sort"],
            &[],
            "evograd: configuration: no branches meet in vgg16, so it has no use for",
        ),
        (
            &["lenet", "--shortcut", "pad"],
            &[],
            "evograd: configuration: no block is made smaller or deeper by a shortcut in lenet, so it has no use for pad; \
             leave --shortcut out, or choose another model",
        ),
        (
            &["resnet20", "--dropout", "0.1"],
            &[],
            "evograd: configuration: there is no dropout in resnet20, so it has no",
        ),
        (
            &["resnet20", "--width", "-1"],
            &[],
            "invalid value '-1' for '--width <FACTOR>': use a number from 0.001 to 64",
        ),
        (&["resnet20", "--input", "3x32"], &[], "three sizes above 0 are expected, channels first, such as 3x32x32"),
        (&["lenet", "--input", "3x4x4"], &[], "images of 4×4 pixels are too small for lenet, which takes 8×8"),
        (
            &["lenet", "--svg", "/nowhere/a.svg"],
            &[],
            "/nowhere/a.svg: No such file or directory (os error 2); name a file in a folder",
        ),
    ];
    for (arguments, environment, text) in table {
        let Outcome { code, err, .. } = evograd(&[&["inspect", "model"][..], arguments].concat(), environment);
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(err.contains(text), "{arguments:?}: {err}");
    }
}

/// However deep a setting's sections or values are nested, it is refused by a message and not by the end of the stack.
#[test]
fn settings_may_be_as_long_and_deep_as_an_argument_can_be() {
    let nested = |open: &str, inner: &str, close: &str, times| open.repeat(times) + inner + &close.repeat(times);
    for times in [9, 100, 15_000, 60_000] {
        for setting in [
            format!("{}b=1", "a.".repeat(times)),
            format!("data.set={}", nested("[", "1", "]", times)),
            format!("data.set={}", "[".repeat(times)),
            format!("data.set={}", nested("{a=", "1", "}", times / 2)),
            format!("data.set={{{}b=1}}", "a.".repeat(times)),
            format!("data.set={}", nested("[{a=", "1", "}]", times / 3)),
            format!("optimizer.betas={}", "[]".repeat(times)),
        ] {
            for command in ["train", "search"] {
                let Outcome { code, err, .. } = evograd(&[command, "--dry-run", "--set", &setting], &[]);
                let begin = &setting[..30.min(setting.len())];
                let named = err.starts_with("evograd: configuration: ");
                assert!(code == 2 && named && err.len() < 2000, "{command} {begin}: {code} {err}");
            }
        }
    }
}

/// Arguments with which each command comes to no work whatever else is given: what they name is not there. And those that need none.
const COMMANDS: [&str; 18] = [
    "train --data nope",
    "train linear --dry-run --set data.set=nope",
    "search --set data.set=nope",
    "search exhaust --data nope",
    "search calibrate --data nope",
    "search confirm nope",
    "search transfer nope",
    "search compare nope",
    "search report nope",
    "search table nope",
    "search explain 1-01",
    "tsp --tsplib nope",
    "search --problem table --table nope",
    "gradcheck nope",
    "profile nope",
    "inspect model nope",
    "data show nope",
    "eval nope",
];
/// What stands for a number, and cannot be one everywhere.
const ODD: [&str; 11] =
    ["", "-1", "0", "1.5", "x", "nan", "-inf", "1e400", "99999", "18446744073709551615", "18446744073709551616"];

/// The arguments with a value that the help of a command shows, without those for paths and settings, which name themselves.
fn arguments_of(command: &[&str]) -> Vec<String> {
    let help = evograd(&[command, &["--help"]].concat(), &[("COLUMNS", "200")]).out;
    let lines = help.lines().map(|line| line.trim_start().trim_start_matches("-q, "));
    let named = lines.filter_map(|line| line.strip_prefix("--")?.split_once(" <"));
    let paths = ["FILE", "DIR", "PATH", "URL", "SECTION.KEY=VALUE"];
    let named = named.filter(|(_, value)| !paths.iter().any(|path| value.starts_with(&format!("{path}>"))));
    named.map(|(name, _)| format!("--{name}")).collect()
}

/// How often an error names an argument; what clap adds about usage does not count.
fn times_named(error: &str, argument: &str) -> usize {
    let (said, _) = error.split_once("\nUsage:").unwrap_or((error, ""));
    let ends = |after: &str| !after.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '-');
    said.match_indices(argument).filter(|(at, _)| ends(&said[at + argument.len()..])).count()
}

/// Whatever value an argument is given, it is taken, or the error names the argument as it was typed.
#[test]
fn every_bad_value_is_refused_by_the_argument_that_has_it() {
    let mut refused = 0;
    for line in COMMANDS {
        let command: Vec<&str> = line.split_whitespace().collect();
        let words =
            if command[0] == "search" && command.get(1).is_some_and(|word| !word.starts_with('-')) { 2 } else { 1 };
        let words = if ["data", "inspect"].contains(&command[0]) { 2 } else { words };
        for argument in arguments_of(&command[..words]) {
            for value in ODD {
                let Outcome { code, err, .. } = evograd(&[&command[..], &[&argument, value]].concat(), &[]);
                // What begins with a dash and is no number is taken for an argument of its own.
                let of_others = err.contains("nope") && !err.contains("invalid value") || err.contains("argument '-i'");
                assert!(
                    code == 0 || code == 2 && (err.contains(&argument) || of_others),
                    "{line} {argument} {value}: {err}"
                );
                let is_reported = err.contains("use a") || err.contains("use an") || !err.contains("invalid digit");
                assert!(
                    is_reported && !err.contains("too large to fit") && !err.contains(": line "),
                    "{line} {argument} {value}: {err}"
                );
                let times = times_named(&err, &argument);
                assert!(times <= 1 || of_others, "{line} {argument} {value} is named {times} times: {err}");
                refused += u32::from(times == 1);
            }
        }
    }
    assert!(refused > 400, "{refused}");
}

/// An error about a value says where the value stands: in an argument, in `--set`, or on a line of a file.
#[test]
fn an_error_says_where_the_value_stands() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_string()
    };
    let good = file("good.toml", "[search]\nelite = 5\npopulation = 9\n");
    let elite = file("elite.toml", "[search]\npopulation = 5\n\nelite = 5\n");
    let range = file("range.toml", "[training]\n\nepochs = 0\n");
    let unread = file("unread.toml", "[optimizer]\nrule = \"adam\"\nmomentum = 0.5\n");
    // These are wrong only for the data that they name.
    let samples = file("samples.toml", "[data]\nset = \"shapes\"\n\nsamples = 1000000\n");
    let held_out = file("held_out.toml", "[data]\nset = \"shapes\"\nvalidation = 1000000\n");
    let crop = file("crop.toml", "[data]\nset = \"shapes\"\n\n\ncrop = 2000\n");
    let size = file("size.toml", "[data]\nsize = 32\nset = \"shapes\"\n");
    for (arguments, begin) in [
        (
            &["--config", &good, "--population", "3"][..],
            "configuration: --population is 3 and search.elite 5; ".to_string(),
        ),
        (
            &["--config", &good, "--set", "search.population=3"],
            "configuration: search.population is 3 and search.elite 5; ".into(),
        ),
        (&["--config", &good, "--set", "training.epochs=0"], "configuration: training.epochs is 0; ".into()),
        (&["--config", &good, "--data", "nope"], "configuration: --data: there is no data set nope; ".into()),
        (
            &["--config", &elite, "--epochs", "3"],
            format!("{elite}: line 2: configuration: search.population is 5 and search.elite 5; "),
        ),
        (&["--config", &range, "--epochs", "3"], format!("{range}: configuration: line 3: training.epochs is 0; ")),
        (&["--config", &unread], format!("{unread}: line 3: configuration: optimizer.momentum is set, and ")),
        (&["--config", &samples], format!("{samples}: line 4: configuration: data.samples asks for 1000000 images")),
        (&["--config", &held_out], format!("{held_out}: line 3: configuration: data.validation holds out 1000000 ")),
        (&["--config", &crop], format!("{crop}: line 5: configuration: data.crop is 2000, and images have ")),
        (&["--config", &size], format!("{size}: line 2: data: images of 32×32 were asked for, ")),
        (
            &["--config", &samples, "--set", "data.samples=2000000"],
            "configuration: data.samples asks for 2000000 images".into(),
        ),
    ] {
        for command in [&["search", "--dry-run"][..], &["train", "lenet", "--dry-run"]] {
            let of_search = begin.contains("search.") || arguments.contains(&"--data") && command[0] == "train";
            if command[0] == "train" && (of_search || arguments.contains(&good.as_str())) {
                continue;
            }
            let Outcome { code, err, .. } = evograd(&[command, arguments].concat(), &[]);
            let said = err.lines().find(|line| line.starts_with("evograd: ")).unwrap_or_default();
            assert!(code == 2 && said.starts_with(&format!("evograd: {begin}")), "{command:?} {arguments:?}: {err}");
        }
    }
}

/// A mirror that is no address of the web is refused by where it was given.
#[test]
fn a_mirror_is_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let fetch = ["data", "fetch", "mnist", "--data-dir", folder.path().to_str().unwrap()];
    for wrong in ["nowhere", "/srv/data", "file:///srv/data", "ftp://example.org", "http://"] {
        for (name, outcome) in [
            ("EVOGRAD_MIRROR", evograd(&fetch, &[("EVOGRAD_MIRROR", wrong)])),
            ("--mirror", evograd(&[&fetch[..], &["--mirror", wrong]].concat(), &[])),
        ] {
            let Outcome { code, err, .. } = outcome;
            let begin = format!("evograd: {name}: data fetch: the mirror {wrong:?} ");
            assert!(code == 2 && err.starts_with(&begin) && err.contains("https://example.org/data"), "{err}");
        }
    }
}

#[test]
fn quiet_commands_say_nothing_where_all_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.svg").to_str().unwrap().to_string();
    for line in [
        "data list",
        "data verify shapes",
        "inspect",
        "inspect models",
        "inspect model lenet --svg FILE",
        "search explain 1-01 --svg FILE",
        "search --problem table --repeats 2 --budget 12",
        "tsp --towns 9 --generations 2 --svg FILE",
        "profile linear --batch 1 --steps 1",
        "gradcheck add --cases 1",
    ] {
        let line = line.replace("FILE", &file);
        let words: Vec<&str> = line.split_whitespace().collect();
        for quiet in [[&words[..], &["-q"]].concat(), [&["--quiet"], &words[..]].concat()] {
            let Outcome { code, out, err } = evograd(&quiet, &[]);
            assert!(code == 0 && err.is_empty() && (!out.is_empty() || line.contains("FILE")), "{quiet:?}: {out}{err}");
        }
    }
    let Outcome { code, err, .. } = evograd(&["data", "show", "nope", "-q"], &[]);
    assert!(code == 2 && err.contains("nope"), "{err}");
}

#[test]
fn variables_are_taken_in_any_case_or_refused_or_warned_of() {
    let check =
        |variable: &str, value: &str| evograd(&["gradcheck", "add", "--cases", "1", "-q"], &[(variable, value)]);
    for value in ["Portable", " portable ", "PORTABLE", "", "  "] {
        let Outcome { code, err, .. } = check("EVOGRAD_ISA", value);
        assert_eq!((code, err.as_str()), (0, ""), "{value:?}");
    }
    let Outcome { code, err, .. } = check("EVOGRAD_ISA", "avx3");
    assert!(
        code == 2 && err.contains("EVOGRAD_ISA=avx3: there is no such instruction set; this CPU has portable"),
        "{err}"
    );
    let Outcome { code, err, .. } = check("EVOGRAD_DATADIR", "x");
    assert!(
        code == 0 && err.contains("warning: nothing reads the variable EVOGRAD_DATADIR; there are EVOGRAD_ISA"),
        "{err}"
    );
}

#[test]
fn what_is_about_another_problem_is_refused_by_name() {
    for (arguments, text) in [
        (
            "search --problem table --rate 1 --dry-run",
            "--rate, --dry-run cannot be used with --problem table, as the table",
        ),
        ("search --problem table --batch 3", "evograd: --batch cannot be used with --problem table, as the table says"),
        ("search --problem table --set training.batch=3", "evograd: training.batch is set, and with --problem table"),
        ("search --repeats 9", "evograd: --repeats is read only with --problem table; leave it out"),
        ("search --resume x --seed 3", "evograd: --seed cannot be used with --resume, which goes on"),
        ("train --resume x --seed 3", "evograd: --seed cannot be used with --resume, which goes on"),
        ("inspect model --fusion sort", "evograd: --fusion is about one model; name one"),
    ] {
        let Outcome { code, err, .. } = evograd(&arguments.split_whitespace().collect::<Vec<_>>(), &[]);
        let sorted = |text: &str| text.split([' ', ',']).map(String::from).collect::<std::collections::BTreeSet<_>>();
        assert!(code == 2 && sorted(&err.replace('\n', " ")).is_superset(&sorted(text)), "{arguments}: {err}");
    }
}

/// Tours through towns were a problem of `search`.
#[test]
fn what_moved_to_evograd_tsp_is_refused_by_its_new_name() {
    for (arguments, text) in [
        ("search --problem tsp", "evograd: --problem tsp is a command of its own now; use evograd tsp, see"),
        ("search --problem tsp --towns 9 --circle", "evograd: --problem tsp is a command of its own now"),
        ("search --problem tsp --epochs 3 --generations 5", "evograd: --problem tsp is a command of its own now"),
        ("search --towns 9", "evograd: --towns is about tours through towns; use evograd tsp --towns, see"),
        ("search --towns", "evograd: --towns is about tours"),
        ("search --problem table --towns 9", "evograd: --towns is about tours"),
        ("search --generations --circle", "evograd: --circle is about tours"),
        ("search --circle", "evograd: --circle is about tours through towns; use evograd tsp --circle, see"),
        ("search --tsplib a.tsp", "evograd: --tsplib is about tours through towns; use evograd tsp --tsplib, see"),
        (
            "search --generations 9",
            "evograd: --generations is about tours through towns; use evograd tsp --generations",
        ),
    ] {
        let Outcome { code, out, err } = evograd(&arguments.split_whitespace().collect::<Vec<_>>(), &[]);
        assert!(code == 2 && out.is_empty() && err.starts_with(text), "{arguments}: {code}: {err}");
    }
    let Outcome { out, .. } = evograd(&["search", "--help"], &[]);
    assert!(!["tsp", "--towns", "--circle", "--generations"].iter().any(|word| out.contains(word)), "{out}");
}

/// The size of images is given by a setting: that is named, and the least that the network takes, and no kernel.
#[test]
fn images_of_a_wrong_size_are_reported_by_their_setting() {
    for (arguments, parts) in [
        (&["profile", "lenet", "--input", "3x2x2"][..], &["--input 3x2x2: ", "too small for lenet, which takes "][..]),
        (
            &["inspect", "model", "alexnet", "--input", "3x32x32"],
            &["--input 3x32x32: ", "too small for alexnet, which takes 63×63"],
        ),
        (
            &["inspect", "model", "resnet20", "--input", "3x99999x99999"],
            &["--input 3x99999x99999: ", "too large for resnet20"],
        ),
        (&["profile", "--input", "3x99999x99999"], &["--input 3x99999x99999: ", "smaller images"]),
    ] {
        let output = assert_cmd::Command::cargo_bin("evograd").unwrap().args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        assert!(!text.contains("kernel") && !text.contains("padding"), "{text}");
    }
}
