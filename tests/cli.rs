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

/// Rounding alone is more than this tolerance.
#[test]
fn a_check_that_does_not_pass_exits_with_1() {
    let Outcome { code, out, err } = evograd(&["gradcheck", "conv2d", "--tolerance", "1e-14"], &[]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("WRONG") && out.contains("finite differences") && err.contains("1 WRONG"), "{out}{err}");
}

/// Arguments, environment, and what the message holds.
type Refusal<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn wrong_arguments_exit_with_2_and_say_what_is_right() {
    let table: [Refusal; 6] = [
        (&["gradcheck", "nope"], &[], "evograd: there is no operation nope; there are add, "),
        (&["gradcheck", "--threads", "0"], &[], "evograd: thread pool of 0 threads: "),
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
