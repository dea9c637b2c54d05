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
        (&["gradcheck", "nope"], &[], "evograd: there is no operation nope; there are add, "),
        (&["gradcheck", "--threads", "0"], &[], "evograd: thread pool of size 0: "),
        (&["gradcheck", "--tolerance", "0"], &[], "evograd: gradcheck: the tolerance is 0; use a number above 0"),
        (&["gradcheck", "--cases", "0"], &[], "0 is not in 1.."),
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
            "evograd: configuration: model.epsilon is set, and model.fusion is sum, which has no use for it; leave it out, or \
             set model.fusion to sort-root",
        ),
        (&["resnet20", "--fusion", "plus"], &[], "there is no fusion called \"plus\""),
        (
            &["vgg16", "--fusion", "sort"],
            &[],
            "evograd: configuration: no branches meet in vgg16, so it has no use for",
        ),
        (
            &["lenet", "--shortcut", "pad"],
            &[],
            "evograd: configuration: no block is made smaller or deeper by a shortcut in lenet, so it has no use for pad; \
             leave model.shortcut out, or choose another model",
        ),
        (
            &["resnet20", "--dropout", "0.1"],
            &[],
            "evograd: configuration: there is no dropout in resnet20, so it has no",
        ),
        (&["resnet20", "--width", "-1"], &[], "evograd: configuration: model.width is -1; use a number from 0.001"),
        (&["resnet20", "--input", "3x32"], &[], "three sizes above 0 are expected, channels first, such as 3x32x32"),
        (&["lenet", "--input", "3x4x4"], &[], "evograd: pool3: max_pool2d: the kernel is larger than the padded input"),
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
                // What is no TOML is a text, and as such the name of no data set.
                let refused = ["evograd: configuration: ", "evograd: data: there is no data set "];
                let named = refused.iter().any(|begin| err.starts_with(begin));
                assert!(code == 2 && named && err.len() < 2000, "{command} {begin}: {code} {err}");
            }
        }
    }
}
