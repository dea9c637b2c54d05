//! What a user sees in a terminal of 80 columns: no line is wider, help is broken between words, and a terminal that cannot
//! draw gets the lines that a file gets.

mod digits;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

/// Runs a command in a terminal of so many columns; all that it wrote, and its exit code.
fn in_a_terminal(columns: u16, environment: &[(&str, &str)], line: &str, data: &Path) -> (String, Option<i32>) {
    in_a_terminal_at(Path::new("."), columns, environment, line, data)
}

/// As [`in_a_terminal`], in a folder.
fn in_a_terminal_at(
    folder: &Path,
    columns: u16,
    environment: &[(&str, &str)],
    line: &str,
    data: &Path,
) -> (String, Option<i32>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let not_ours = OFlags::NOCTTY.bits() as i32;
    let terminal = OpenOptions::new().read(true).write(true).custom_flags(not_ours).open(name).unwrap();
    // A terminal that does not know its size has columns and no rows, or neither.
    let rows = if environment.contains(&("ROWS", "0")) { 0 } else { 40 };
    tcsetwinsize(&terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("evograd"));
    command
        .current_dir(folder)
        .args(line.split_whitespace())
        .env("EVOGRAD_DATA_DIR", data)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    command.envs(environment.iter().copied());
    let same = || terminal.try_clone().unwrap();
    let mut child = command.stdin(same()).stdout(same()).stderr(same()).spawn().unwrap();
    drop((command, terminal));
    let mut written = Vec::new();
    // Once the last process has closed its side, reading fails.
    let _ = File::from(master).read_to_end(&mut written);
    (String::from_utf8(written).unwrap(), child.wait().unwrap().code())
}

/// The lines that stood on the screen at any time, without control sequences.
fn lines(written: &str) -> Vec<String> {
    let mut text = String::new();
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\x1b' => drop(letters.by_ref().skip(1).find(char::is_ascii_alphabetic)),
            letter => text.push(letter),
        }
    }
    text.split(['\r', '\n']).map(|line| line.trim_end().to_string()).collect()
}

fn widest(written: &str) -> (usize, String) {
    lines(written).into_iter().map(|line| (line.chars().count(), line)).max().unwrap()
}

/// Every command, those with commands of their own among them, as its help lists them.
fn commands() -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(command) = found.get(next).cloned() {
        let (help, _) = in_a_terminal(200, &[], &format!("{command} --help"), Path::new("/nowhere"));
        let lines = lines(&help).into_iter();
        let listed = lines.skip_while(|line| line != "Commands:").filter(|line| !line.is_empty()).skip(1);
        let names = listed.take_while(|line| line.starts_with("  ")).filter_map(|line| {
            // What a name means may go on below it.
            let name = line.strip_prefix("  ")?.split(' ').next()?.to_string();
            (!name.is_empty() && name != "help").then_some(name)
        });
        found.extend(names.map(|name| format!("{command} {name}").trim().to_string()));
        next += 1;
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn help_fits_80_columns_and_breaks_no_word() {
    for command in commands() {
        for help in ["-h", "--help"] {
            let (text, code) = in_a_terminal(80, &[], &format!("{command} {help}"), Path::new("/nowhere"));
            let (width, line) = widest(&text);
            assert!(code == Some(0) && width <= 80, "{command} {help}: {width} columns: {line}");
            // What stands in a wide terminal stands here too, word by word.
            let (wide, _) = in_a_terminal(400, &[], &format!("{command} {help}"), Path::new("/nowhere"));
            let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
            assert_eq!(words(&text), words(&wide), "{command} {help}");
        }
    }
}

const SMALL: &str = "--data mnist --backbone mnist --stages 3,3 --filters 2,2 --samples 32 --validation 20";

#[test]
fn nothing_is_wider_than_80_columns() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let search = format!("search {SMALL} --epochs 1 --population 3 --budget 9");
    let table: [(&str, i32); 44] = [
        ("train lenet --data mnist --width 0.1 --batch 32 --epochs 2 --out a", 0),
        ("train lenet --data mnist --width 0.1 --batch 500 --rate 0 --epochs 1 --set data.validation=0 --out b", 0),
        ("train lenet --data mnist --width 0.1 --epochs 1 --out a-folder-with-a-long-name", 0),
        ("train lenet --data mnist --dry-run", 0),
        ("eval a --per-class", 0),
        ("inspect run a", 0),
        ("inspect run a --svg a.svg", 0),
        ("inspect models", 0),
        ("inspect model resnet20", 0),
        (&format!("{search} --out evolved"), 0),
        (&format!("{search} --out drawn --method random"), 0),
        (&format!("{search} --dry-run"), 0),
        ("search compare evolved drawn", 0),
        ("search report evolved", 0),
        ("search confirm evolved --seeds 2 --out confirmed", 0),
        ("search --problem table --repeats 2 --budget 12", 0),
        ("search --problem table --repeats 2 --budget 12 --method all", 0),
        ("search --problem table --table nowhere.csv", 2),
        ("data show mnist --count 2 --out grid.png", 0),
        ("predict a grid.png", 0),
        ("predict a-folder-with-a-long-name grid.png nowhere.png", 2),
        ("inspect run a --maps grid.png --layer conv1", 0),
        ("inspect run a --weights", 0),
        ("train lenet --data mnist --width 0.1 --epochs 1 --init-from a --freeze conv* --out c", 0),
        ("data fetch mnist", 0),
        ("search explain genet1", 0),
        ("search explain 1-01|0-01-10", 2),
        (&format!("search exhaust {SMALL} --epochs 1 --out all"), 0),
        (&format!("search exhaust {SMALL} --epochs 1 --dry-run"), 0),
        ("search table all --out trainings.csv", 0),
        (&format!("search calibrate {SMALL} --networks 3 --budgets 1x2,2 --out budgets"), 0),
        (&format!("search calibrate {SMALL} --networks 3 --budgets 1x2,2 --dry-run"), 0),
        ("search transfer evolved --epochs 1 --width 1 --dry-run", 0),
        ("tsp --towns 60 --generations 20", 0),
        ("gradcheck global_avg_pool --cases 2", 0),
        ("gradcheck tanh --cases 2 --tolerance 1e-15", 1),
        ("gradcheck nothing", 2),
        ("profile lenet --width 0.1 --batch 2 --steps 1 --layers", 0),
        ("data list", 0),
        ("data verify mnist", 0),
        (&format!("data import mnist --from {}/mnist --data-dir imported", data.path().display()), 0),
        ("data verify mnist --data-dir imported", 0),
        ("train lenet --data cifar10", 2),
        ("train lenet --fusion sort", 2),
    ];
    for (line, expected) in table {
        let (text, code) = in_a_terminal_at(runs.path(), 80, &[], line, data.path());
        let (width, widest) = widest(&text);
        assert_eq!(code, Some(expected), "{line}: {text}");
        assert!(width <= 80, "{line}: {width} columns: {widest}");
    }
    let all = commands();
    let is_leaf = |command: &&String| !all.iter().any(|other| other.starts_with(&format!("{command} ")));
    for command in all[1..].iter().filter(is_leaf).chain([&"search".to_string()]) {
        assert!(
            table.iter().any(|(line, _)| format!("{line} ").starts_with(&format!("{command} "))),
            "{command} is not tried"
        );
    }
}

/// The columns of the terminal come before `COLUMNS`, and that before 80.
#[test]
fn a_terminal_without_rows_or_columns_has_a_width() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    type Case<'a> = (u16, &'a [(&'a str, &'a str)], usize);
    let table: [Case; 5] = [
        (60, &[("ROWS", "0"), ("COLUMNS", "100")], 60),
        (60, &[("ROWS", "0")], 60),
        (0, &[("ROWS", "0"), ("COLUMNS", "60")], 60),
        (0, &[("ROWS", "0"), ("COLUMNS", "")], 80),
        (0, &[("COLUMNS", "60")], 60),
    ];
    let train = "train lenet --data mnist --width 0.1 --batch 500 --rate 0 --epochs 1 --out";
    for (number, (columns, environment, expected)) in table.into_iter().enumerate() {
        for line in ["data list", "search -h", "inspect models", "train --nothing", &format!("{train} {number}")] {
            let (text, _) = in_a_terminal_at(runs.path(), columns, environment, line, data.path());
            let (width, widest) = widest(&text);
            assert!(width <= expected, "{columns} {environment:?}, {line}: {width} columns: {widest}");
        }
    }
}

/// What a search has spent of its budget only ever rises.
#[test]
fn a_bar_never_goes_back() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let out = runs.path().join("search").display().to_string();
    let line = format!("search {SMALL} --epochs 1 --population 2 --budget 8 --out {out}");
    let (text, _) = in_a_terminal(80, &[], &line, data.path());
    let numbers: Vec<u32> =
        lines(&text).iter().filter_map(|line| line.split_once("/8 ·")?.0.rsplit_once(' ')?.1.parse().ok()).collect();
    assert!(numbers.is_sorted() && numbers.last() == Some(&8) && numbers.len() > 3, "{numbers:?} {text}");
}

#[test]
fn a_terminal_that_cannot_draw_gets_the_lines_of_a_file() {
    let (data, runs) = (digits::data(), tempfile::tempdir().unwrap());
    let settings: [(u16, &[(&str, &str)]); 4] =
        [(80, &[("TERM", "dumb")]), (80, &[("TERM", "")]), (80, &[("NO_COLOR", "1")]), (20, &[])];
    for (number, (columns, environment)) in settings.into_iter().enumerate() {
        let out = runs.path().join(number.to_string()).display().to_string();
        let line = format!("train lenet --data mnist --width 0.1 --batch 32 --epochs 2 --out {out}");
        let (text, code) = in_a_terminal(columns, environment, &line, data.path());
        assert!(code == Some(0) && !text.contains('\x1b'), "{environment:?}: {text:?}");
        let said = text.replace("\r\n", " ");
        assert!(said.contains("epoch 1/2 ") && said.contains("epoch 2/2 "), "{environment:?}: {text}");
    }
    let out = runs.path().join("drawn").display().to_string();
    let drawn =
        in_a_terminal(80, &[], &format!("train lenet --data mnist --width 0.1 --epochs 2 --out {out}"), data.path());
    assert!(drawn.0.contains('\x1b'), "a terminal that can draw gets a bar");
}
